//! `workbench check`: judges a recorded history.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;

use super::values::{
    Concurrency, Models, NodeNames, Share, count, number, parse_availability, parse_concurrency,
    parse_models, parse_nodes,
};
use crate::base::address::Directory;
use crate::format::datum::Datum;
use crate::format::edn::Edn;
use crate::format::edn_reader::EdnReader;
use crate::judge::Valid;
use crate::output::console;
use crate::output::exit::{EXIT_BAD_FLAGS, EXIT_FAILED};
use crate::output::report::Report;
use crate::plan::{MAX_NODES, MAX_SECONDS, Plan};
use crate::workload::history_reader::read_history;
use crate::workload::{Options, Visitor, Workload, WorkloadName};

/// The flags of `check`.
#[derive(Debug, Args)]
pub struct CheckArgs {
    /// The history.edn of a test, or the directory that holds it.
    #[arg(value_name = "HISTORY")]
    pub history: PathBuf,

    /// The workload of the test.
    #[arg(short, long, value_name = "NAME")]
    pub workload: WorkloadName,

    /// The number of nodes, named n0 n1 ….
    #[arg(long, value_name = "NUM", value_parser = count(MAX_NODES), conflicts_with = "nodes")]
    pub node_count: Option<usize>,

    /// The names of the nodes, separated by commas.
    #[arg(long, value_name = "NAMES", value_parser = parse_nodes)]
    pub nodes: Option<NodeNames>,

    /// The number of clients, as for `test` [default: the number in results.edn]. A history of
    /// Maelstrom does not contain it. Without it, operations after an unknown outcome can count for
    /// the wrong node.
    #[arg(long, value_name = "NUMBER", value_parser = parse_concurrency)]
    pub concurrency: Option<Concurrency>,

    /// The share of operations that has to succeed: a number or a fraction from 0 to 1, `total`, or
    /// `nil` for no such share.
    #[arg(long, value_name = "SHARE", value_parser = parse_availability)]
    pub availability: Option<Share>,

    /// The allowed loss window, in seconds: a kill may lose values that the node acknowledged at
    /// most this long before the kill.
    #[arg(long, value_name = "SECONDS", value_parser = number(0.0..=MAX_SECONDS))]
    pub allowed_loss_window: Option<f64>,

    /// For transactions: the consistency models that must hold, separated by commas.
    #[arg(long, value_name = "MODELS", default_value = "strict-serializable")]
    #[arg(value_parser = parse_models)]
    pub consistency_models: Models,

    /// Fail the test also for findings that Maelstrom does not make.
    #[arg(long)]
    pub strict: bool,
}

/// The exit status, and the reason why a history could not be judged.
type Refused = (u8, String);

/// The facts about a test that its history does not contain.
#[derive(Debug)]
struct Recorded {
    directory: Directory,
    /// The number of clients, if known.
    concurrency: Option<u64>,
    /// The verdict that is stored beside the history.
    verdict: Option<Valid>,
}

/// Judges a history and returns the exit status.
#[must_use]
pub fn run(args: &CheckArgs) -> u8 {
    match args.judge() {
        Ok((report, recorded)) => {
            if args.workload.facts().name.starts_with("txn-") {
                console::eprintln(format_args!(
                    "required: {} (repeat the --consistency-models of the test)",
                    args.consistency_models
                ));
            }
            print_outcome(&report, recorded)
        }
        Err((code, problem)) => {
            console::eprintln(format_args!("error: {problem}"));
            code
        }
    }
}

impl CheckArgs {
    fn judge(&self) -> Result<(Report, Option<Valid>), Refused> {
        let path = match self.history.is_dir() {
            true => self.history.join("history.edn"),
            false => self.history.clone(),
        };
        let failed = |problem: String| (EXIT_FAILED, format!("{}: {problem}", path.display()));
        // A node can write bytes that are not text into an error, and Maelstrom passes them on.
        let bytes = fs::read(&path).map_err(|error| failed(error.to_string()))?;
        let text = String::from_utf8_lossy(&bytes);
        let dir = path.parent().unwrap_or(Path::new("."));
        let recorded = self.recorded(dir).map_err(|problem| (EXIT_BAD_FLAGS, problem))?;
        let plan = Plan {
            strict: self.strict,
            availability: self.availability.and_then(|expected| expected.0),
            allowed_loss_window: self.allowed_loss_window.map(Duration::from_secs_f64),
            ..Plan::new(recorded.directory)
        };
        let judge = Judge {
            plan,
            text: &text,
            concurrency: recorded.concurrency,
            models: &self.consistency_models,
        };
        let report = self.workload.visit(judge).map_err(failed)?;
        Ok((report, recorded.verdict))
    }

    /// Collects the facts from the flags and from the files beside the history.
    fn recorded(&self, dir: &Path) -> Result<Recorded, String> {
        let results = fs::read_to_string(dir.join("results.edn")).ok();
        let results = results.and_then(|text| EdnReader::new(&text).read().ok().flatten());
        let get = |key| results.as_ref().and_then(|results| results.get(key));
        let plan = |key| get("plan").and_then(|plan| plan.get(key));
        let names = match (self.node_count, &self.nodes) {
            (Some(count), _) => (0..count).map(|node| format!("n{node}")).collect(),
            (None, Some(names)) => names.0.clone(),
            (None, None) => match plan("nodes").and_then(Datum::items) {
                Some(names) => names.iter().filter_map(Datum::text).map(str::to_owned).collect(),
                None => names_of_logs(&dir.join("node-logs")),
            },
        };
        if names.is_empty() {
            return Err("cannot find the nodes of the test: neither results.edn nor node-logs is \
                        beside the history; pass --node-count or --nodes"
                .to_owned());
        }
        let verdict = get("valid?").map(|valid| match valid {
            Datum::Bool(valid) => Valid::from(*valid),
            _ => Valid::Unknown,
        });
        let directory = Directory::new(names).map_err(|problem| format!("--nodes: {problem}"))?;
        let concurrency = match self.concurrency {
            Some(given) => Some(given.clients(directory.node_count()) as u64),
            None => plan("concurrency").and_then(|count| count.int().ok()),
        };
        Ok(Recorded { directory, concurrency, verdict })
    }
}

/// Returns the names of the nodes that have a log, with n2 before n10.
fn names_of_logs(dir: &Path) -> Vec<String> {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    let name =
        |entry: fs::DirEntry| Some(entry.file_name().to_str()?.strip_suffix(".log")?.to_owned());
    let mut names: Vec<String> = entries.filter_map(name).collect();
    names.sort_by(|a, b| (a.len(), a).cmp(&(b.len(), b)));
    names
}

/// A history whose workload is not known yet.
struct Judge<'a> {
    plan: Plan,
    text: &'a str,
    concurrency: Option<u64>,
    models: &'a Models,
}

impl Visitor for Judge<'_> {
    type Output = Result<Report, String>;

    fn visit<W: Workload>(self) -> Result<Report, String> {
        let Judge { plan, text, concurrency, models } = self;
        let mut workload = W::from_options(&Options {
            unknown_models: &models.unknown,
            ..Options::new(&plan, &models.known)
        });
        let nodes = plan.directory.node_count() as u64;
        // A client that lost track of an operation continues as a process with a higher number.
        let worker = |process: u64| concurrency.map_or(process, |clients| process % clients.max(1));
        let node_of = |process| (worker(process) % nodes) as usize;
        let history = read_history(&mut workload, text, node_of);
        let history = history.map_err(|problem| problem.to_string())?;
        if history.invocations().next().is_none() {
            return Err("the history has no operation".to_owned());
        }
        Ok(Report::of_history(&workload, &history, &plan))
    }
}

/// Prints the results and both verdicts, the new and the recorded one. Returns the exit status.
fn print_outcome(report: &Report, recorded: Option<Valid>) -> u8 {
    let mut results = report.results.clone();
    if let Some(recorded) = recorded {
        results.insert("recorded", Edn::map([("valid?", recorded.into())]));
    }
    if let Err(failure) = console::print(&(results.pretty(100) + "\n")) {
        console::eprintln(format_args!("error: {failure}"));
        return EXIT_FAILED;
    }
    let verdict = report.valid.name();
    let compared = match recorded {
        None => format!("Verdict: {verdict}"),
        Some(recorded) if recorded == report.valid => {
            format!("Verdict: {verdict}, as recorded in results.edn")
        }
        Some(recorded) => format!(
            "Verdict: {verdict}, but results.edn has {}, which may also count malformed messages; \
             they are not in the history",
            recorded.name()
        ),
    };
    console::eprintln(format_args!("{}{}\n{compared}", report.anomalies_text(), report.figures));
    report.exit_code()
}
