//! `workbench doctor`: checks a node for common mistakes.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::Args;

use super::run::STORE;
use super::usage::usage_error;
use super::values::{Models, parse_models};
use crate::doctor::{Diagnosis, Examined, Mistake, startup, trial};
use crate::drive::interrupt;
use crate::drive::judged_test::Nodes;
use crate::drive::own_node::OwnNodeConfig;
use crate::drive::process::{Launch, Program, executable};
use crate::judge::transactions::Model as ConsistencyModel;
use crate::output::console;
use crate::output::exit::{EXIT_FAILED, EXIT_INVALID, EXIT_VALID};
use crate::output::store::Store;
use crate::runner::failure::Failure;
use crate::workload::WorkloadName;

/// The examples of the long help.
pub const EXAMPLES: &str = "\
Examples:
  workbench doctor --bin ./my-node.py
  workbench doctor --bin ./my-node.py -w broadcast
  workbench doctor --bin ./my-node -w kafka -- --my-flag";

const CAN_RUN: &str = "can be run";

/// The flags of `doctor`.
#[derive(Debug, Args)]
pub struct DoctorArgs {
    /// The program to check; without it, this project's own node.
    #[arg(long, value_name = "FILE")]
    pub bin: Option<PathBuf>,

    /// The workload whose requests the node answers.
    #[arg(short, long, value_name = "NAME")]
    pub workload: Option<WorkloadName>,

    /// For transactions: the consistency models that must hold, separated by commas.
    #[arg(long, value_name = "MODELS", default_value = "strict-serializable")]
    #[arg(value_parser = parse_models)]
    pub consistency_models: Models,

    /// Arguments for the node; those that begin with a hyphen follow `--`.
    #[arg(value_name = "ARGS")]
    pub args: Vec<OsString>,
}

/// Examines the node and returns the exit status.
#[must_use]
pub fn run(args: DoctorArgs) -> u8 {
    interrupt::listen();
    let DoctorArgs { bin, workload, consistency_models, args } = args;
    if let Some(name) = consistency_models.unknown.first() {
        return usage_error(&format!("--consistency-models: unknown model {name:?}"));
    }
    let program = match &bin {
        None => match OwnNodeConfig::parse(args.iter().cloned()) {
            Ok(_) => Program::Own,
            Err(problem) => return usage_error(&format!("arguments of the node: {problem}")),
        },
        Some(path) => match executable(path) {
            Ok(program) => program,
            Err(problem) => {
                let seen = format!("{}: {problem}", path.display());
                let change = "make it a file that the system can run";
                return print_outcome(&[wrong(CAN_RUN, seen, change)], None, None);
            }
        },
    };
    let script = matches!(program, Program::ShellScript(_)).then(|| {
        let seen = format!("{program} has no #! line, so /bin/sh runs it");
        wrong(CAN_RUN, seen, "begin a script with a line like #!/usr/bin/env python3")
    });
    let launch = Launch { program, args, show_stderr: false };
    let begin = script.unwrap_or(Examined {
        expected: CAN_RUN,
        result: Diagnosis::Right(launch.program.to_string()),
    });
    match examine(&launch, workload, &consistency_models.known) {
        Ok(mut examined) => {
            // If /bin/sh runs the file without a mistake, the missing #! line is not a mistake
            // either.
            if !begin.is_wrong() || examined.iter().any(Examined::is_wrong) {
                examined.insert(0, begin);
            }
            print_outcome(&examined, workload, bin.as_deref())
        }
        Err(Failure::CannotStart { program, reason }) => {
            let seen = format!("cannot start {program}: {reason}");
            print_outcome(
                &[wrong(CAN_RUN, seen, "make it a file that the system can run")],
                workload,
                bin.as_deref(),
            )
        }
        Err(failure) => {
            console::eprintln(format_args!("error: {failure}"));
            EXIT_FAILED
        }
    }
}

fn examine(
    launch: &Launch,
    workload: Option<WorkloadName>,
    models: &[ConsistencyModel],
) -> Result<Vec<Examined>, Failure> {
    let store = Store::create(Path::new(STORE), "doctor")?;
    let mut examined = startup::examine(launch, store.node_log("n0")?)?;
    let Some(workload) = workload else { return Ok(examined) };
    // Such a mistake would also end the tests, which would report less about it.
    if !examined.iter().any(Examined::is_wrong) {
        let store = Some(Path::new(STORE));
        examined.extend(trial::examine(workload, models, Nodes::Processes(launch), store)?);
    }
    Ok(examined)
}

fn wrong(expected: &'static str, seen: String, change: &str) -> Examined {
    Examined { expected, result: Diagnosis::Wrong(Mistake::new(seen, change)) }
}

fn print_outcome(examined: &[Examined], workload: Option<WorkloadName>, bin: Option<&Path>) -> u8 {
    let mut text = String::new();
    for examined in examined {
        text.push_str(&format!("{examined}\n"));
    }
    let mistakes = examined.iter().filter(|examined| examined.is_wrong()).count();
    text.push_str(&match (mistakes, workload) {
        (0, Some(workload)) => {
            let bin = bin.map_or_else(String::new, |bin| format!(" --bin {}", bin.display()));
            let name = workload.facts().name;
            format!("No mistake found. Next: cargo workbench test -w {name}{bin}\n")
        }
        (0, None) => "No mistake found at the start; -w NAME also tries requests.\n".to_owned(),
        (1, _) => "One mistake found.\n".to_owned(),
        (count, _) => format!("{count} mistakes found.\n"),
    });
    match console::print(&text) {
        Err(failure) => {
            console::eprintln(format_args!("error: {failure}"));
            EXIT_FAILED
        }
        Ok(()) if mistakes > 0 => EXIT_INVALID,
        Ok(()) => EXIT_VALID,
    }
}
