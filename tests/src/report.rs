//! The results of a test: what is printed, stored and returned to the shell.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::Path;

use crate::checker::answers::Answers;
use crate::checker::kills::Kills;
use crate::checker::{Problem, Valid, Verdict, availability, perf, stats};
use crate::conductor::{Outcome, PATIENCE};
use crate::edn::Edn;
use crate::history::{History, OpError, What};
use crate::plan::Plan;
use crate::workload::{Context, Workload};

/// Everything is as it should be.
pub const EXIT_VALID: u8 = 0;
/// A checker found an anomaly.
pub const EXIT_INVALID: u8 = 1;
/// No checker can tell.
pub const EXIT_UNKNOWN: u8 = 2;
/// The command line is wrong.
pub const EXIT_BAD_FLAGS: u8 = 254;
/// The test could not be carried through.
pub const EXIT_FAILED: u8 = 255;

/// How many anomalies are told one by one; the results have them all.
const MOST_PROBLEMS: usize = 10;

/// A judged test.
#[derive(Clone, Debug)]
pub struct Report {
    /// The judgement.
    pub valid: Valid,
    /// The results map, with Maelstrom's keys.
    pub results: Edn,
    /// Every anomaly.
    pub problems: Vec<Problem>,
    /// What is wrong and goes unnoticed by Maelstrom. It fails the test with `--strict` only.
    pub findings: Vec<Problem>,
    /// The figures people compare.
    pub figures: Figures,
    /// What is no anomaly, but worth knowing.
    pub warnings: Vec<String>,
}

/// The figures of a test that people compare, as far as it has them.
#[derive(Clone, Debug, Default)]
pub struct Figures {
    /// Client operations, last reads included.
    pub operations: usize,
    /// Operations started per second of the main phase.
    pub rate: Option<f64>,
    /// Distinct messages among servers for each operation.
    pub server_messages_per_op: Option<f64>,
    /// From knowing a value to seeing it everywhere: the median value.
    pub stable_median_ms: Option<f64>,
    /// The same of the slowest value.
    pub stable_max_ms: Option<f64>,
    /// What clients waited: the median.
    pub client_median_ms: Option<f64>,
    /// What clients waited: the 99th percentile.
    pub client_p99_ms: Option<f64>,
    /// How many faults of each kind began.
    pub faults: BTreeMap<&'static str, usize>,
}

impl Report {
    /// Judges what a test left behind. `logs` is the folder with what nodes wrote to standard
    /// error, if they have one.
    #[must_use]
    pub fn new<W: Workload>(
        outcome: &Outcome<W>,
        driver: &'static str,
        logs: Option<&Path>,
    ) -> Report {
        let Outcome { plan, workload, history, network, remarks, malformed } = outcome;
        let operations = history.invocations().count();
        let window = plan.kill_window.unwrap_or(W::KILL_WINDOW);
        let kills = Kills::new(history, &plan.directory, window);
        let context = Context { directory: &plan.directory, kills };
        let mut net = network.journal().to_edn(operations);
        for (oddity, count) in remarks.counts() {
            net.insert(oddity, count);
        }
        let net = Verdict {
            valid: Valid::True,
            results: net,
            problems: Vec::new(),
            findings: Vec::new(),
        };
        let parts = [
            ("perf", perf::check(history)),
            ("stats", stats::check(history)),
            ("availability", availability::check(history, &plan.directory, plan.availability)),
            ("net", net),
            ("workload", workload.check(history, &context)),
        ];
        let valid = parts.iter().map(|(_, part)| part.valid).min().unwrap_or(Valid::Unknown);
        let problems: Vec<Problem> =
            parts.iter().flat_map(|(_, part)| part.problems.clone()).collect();
        let mut findings: Vec<Problem> = malformed.findings(&plan.directory).collect();
        findings.extend(parts.iter().flat_map(|(_, part)| part.findings.clone()));
        let valid = if plan.strict && !findings.is_empty() { Valid::False } else { valid };
        let figures = Figures::new(outcome, &parts[4].1);
        let mut results = Edn::Map(
            parts.into_iter().map(|(key, part)| (Edn::Keyword(key), part.results)).collect(),
        );
        if !findings.is_empty() {
            let examples = findings.iter().take(MOST_PROBLEMS).map(|finding| finding.text.as_str());
            results.insert(
                "findings",
                Edn::map([
                    ("count", findings.len().into()),
                    ("malformed-line-count", malformed.count().into()),
                    ("examples", Edn::vector(examples)),
                ]),
            );
        }
        results.insert("driver", Edn::Keyword(driver));
        results.insert("seed", plan.seed.into());
        results.insert("valid?", valid.into());
        let mut warnings = remarks.warnings(&plan.directory);
        let mut answers = Answers::new(history, plan);
        answers.without_late(|node| remarks.late_answers(node));
        warnings.extend(answers.silence(plan, logs));
        // Which the problems explain if there are any.
        warnings.extend(answers.errors(plan).filter(|_| problems.is_empty()));
        warnings.extend(missed_rate(plan, history));
        Report { valid, results, problems, findings, figures, warnings }
    }

    /// The status that the shell gets.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        match self.valid {
            Valid::True => EXIT_VALID,
            Valid::False => EXIT_INVALID,
            Valid::Unknown => EXIT_UNKNOWN,
        }
    }

    /// Returns the first anomaly or finding.
    #[must_use]
    pub fn reason(&self) -> Option<String> {
        self.problems.iter().chain(&self.findings).next().map(|problem| problem.text.clone())
    }

    /// The anomalies and findings, as many as a terminal can bear.
    #[must_use]
    pub fn problems_text(&self) -> String {
        let mut text = list(&self.problems, "");
        text.push_str(&list(&self.findings, "finding: "));
        text
    }
}

/// Lists problems with their causes, each cause once.
fn list(problems: &[Problem], begin: &str) -> String {
    let mut text = String::new();
    let mut explained = BTreeSet::new();
    for problem in problems.iter().take(MOST_PROBLEMS) {
        text.push_str(&format!("{begin}{}\n", problem.text));
        if let Some(cause) = problem.cause.filter(|cause| explained.insert(*cause)) {
            text.push_str(&format!("  likely: {cause}\n"));
        }
    }
    if let Some(more @ 1..) = problems.len().checked_sub(MOST_PROBLEMS) {
        text.push_str(&format!("… and {more} more, see results.edn\n"));
    }
    text
}

/// A warning if far fewer operations were started than the plan asked for.
fn missed_rate<W: Workload>(plan: &Plan, history: &History<W>) -> Option<String> {
    let asked = plan.rate * plan.time_limit.as_secs_f64();
    let started = history.invocations().filter(|(_, invocation)| !invocation.last).count();
    // What chance alone leaves out is of the order of the root.
    let few = asked * 0.9 - 2.0 * asked.sqrt();
    if started as f64 >= few {
        return None;
    }
    let time_limit_s = plan.time_limit.as_secs_f64();
    let in_vain_s = unanswered(history) as f64 * PATIENCE.as_secs_f64();
    let share_in_vain = in_vain_s / (plan.concurrency as f64 * time_limit_s);
    // Silence is to blame if all that is missing could have been done in the time that it took,
    // or if it took most.
    let share_missing = 1.0 - started as f64 / asked;
    let likely = if share_in_vain >= share_missing.min(0.5) {
        format!("clients waited {} s each for answers that never came", PATIENCE.as_secs())
    } else {
        "all clients waited for answers; give more of them with --concurrency, or ask for less \
         with --rate"
            .to_owned()
    };
    Some(format!(
        "warning: only {started} of about {asked:.0} operations were started\n  expected: {} per \
         second for {time_limit_s} s\n  likely: {likely}",
        plan.rate,
    ))
}

/// How many operations, last ones left out, ended because a client had waited long enough.
fn unanswered<W: Workload>(history: &History<W>) -> usize {
    let in_vain = history.events().iter().filter(|event| match &event.what {
        What::Fail { invocation, error: OpError::Timeout }
        | What::Info { invocation, error: OpError::Timeout } => {
            !history.invocation(*invocation).last
        }
        _ => false,
    });
    in_vain.count()
}

impl Figures {
    fn new<W: Workload>(outcome: &Outcome<W>, workload: &Verdict) -> Figures {
        let operations = outcome.history.invocations().count();
        let stable = |index: usize| match workload.results.get("stable-latencies")? {
            Edn::Map(quantiles) => match quantiles.get(index)?.1 {
                Edn::Int(millis) => Some(millis as f64),
                _ => None,
            },
            _ => None,
        };
        let clients = perf::median_and_p99(&outcome.history);
        Figures {
            operations,
            rate: perf::rate(&outcome.history),
            server_messages_per_op: outcome.network.journal().servers.per_operation(operations),
            stable_median_ms: stable(1),
            stable_max_ms: stable(4),
            client_median_ms: clients.map(|(median, _)| median),
            client_p99_ms: clients.map(|(_, p99)| p99),
            faults: faults(&outcome.history),
        }
    }
}

/// How many faults of each kind began, by the nemesis's names.
fn faults<W: Workload>(history: &History<W>) -> BTreeMap<&'static str, usize> {
    let mut faults = BTreeMap::new();
    for event in history.events() {
        let What::Nemesis { f, .. } = event.what else { continue };
        let begun = match f {
            "kill" | "pause" => f,
            "bump-clock" => "clock",
            _ => match f.strip_prefix("start-") {
                Some(begun) => begun,
                None => continue,
            },
        };
        *faults.entry(begun).or_default() += 1;
    }
    faults
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} operations", self.operations)?;
        if let Some(rate) = self.rate {
            write!(f, ", {rate:.1}/s")?;
        }
        if let Some(ratio) = self.server_messages_per_op {
            write!(f, ", servers {ratio:.3} msgs/op")?;
        }
        if let (Some(median), Some(max)) = (self.stable_median_ms, self.stable_max_ms) {
            write!(f, ", stable latency median {median} max {max} ms")?;
        }
        if let (Some(median), Some(p99)) = (self.client_median_ms, self.client_p99_ms) {
            write!(f, ", client latency median {median:.2} p99 {p99:.2} ms")?;
        }
        for (index, (fault, count)) in self.faults.iter().enumerate() {
            write!(f, "{}{fault} {count}", if index == 0 { ", faults: " } else { ", " })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workload::echo::Echo;

    /// The example's clients have 30 s together, and are asked for 100 operations.
    #[test]
    fn silence_is_blamed_for_a_missed_rate_only_if_it_took_the_time() {
        let likely = |answered, unanswered| {
            let ends = [vec![(0, None); answered], vec![(1, Some(OpError::Timeout)); unanswered]];
            let said = missed_rate(&Plan::example(), &History::<Echo>::ended(&ends.concat()));
            said.map(|said| said.split_once("\n  likely: ").unwrap().1.to_owned())
        };
        let silence = Some("clients waited 5 s each for answers that never came".to_owned());
        let busy = likely(40, 0);
        assert!(busy.as_ref().is_some_and(|busy| busy.contains("--concurrency")), "{busy:?}");
        // A third of the time.
        assert_eq!(likely(40, 2), busy);
        assert_eq!(likely(65, 2), silence);
        // Half of it.
        assert_eq!(likely(10, 3), silence);
        assert_eq!(likely(98, 2), None);
    }

    #[test]
    fn a_nodes_text_cannot_pass_for_a_cause_nor_fill_the_screen() {
        let error = |text: &str| OpError::Rpc { code: 13, text: text.to_owned() };
        let told = |text: &str| {
            let problem = Problem::of_errors("it failed".to_owned(), [&error(text)].into_iter());
            Report {
                valid: Valid::False,
                results: Edn::map([]),
                problems: vec![problem],
                findings: Vec::new(),
                figures: Figures::default(),
                warnings: Vec::new(),
            }
            .problems_text()
        };
        let cause = "\n  likely: the node failed inside, as it says; its log may say more\n";
        assert_eq!(
            told("a\n  likely: b\u{1b}[2J"),
            format!("it failed; most often: error 13: a\\n  likely: b\\u{{1b}}[2J{cause}")
        );
        let long = told(&"x".repeat(1_000_000));
        assert!(long.ends_with(&format!("x… (1000000 bytes in all){cause}")), "{long:.400}");
        assert!(long.len() < 400, "{}", long.len());
    }
}
