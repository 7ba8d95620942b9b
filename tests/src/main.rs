//! The `workbench` binary.
#![forbid(unsafe_code)]

use std::process::ExitCode;

use workbench::cli::{Action, Cli, check, doctor, export, minimize, run, serve, usage};
use workbench::drive::process::launcher;

fn main() -> ExitCode {
    let mut args = std::env::args_os();
    if args.nth(1).is_some_and(|first| first == launcher::LAUNCH) {
        return launcher::become_node(args);
    }
    launcher::declare_bench();
    ExitCode::from(match Cli::read() {
        Ok(Cli { command: Action::Test(args) }) => match usage::pasted_dash(&args.args) {
            Some(problem) => usage::usage_error(&problem),
            None => run::test(&args),
        },
        Ok(Cli { command: Action::Check(args) }) => check::run(&args),
        Ok(Cli { command: Action::Doctor(args) }) => doctor::run(args),
        Ok(Cli { command: Action::Export(args) }) => export::export(&args),
        Ok(Cli { command: Action::Minimize(args) }) => minimize::run(&args),
        Ok(Cli { command: Action::Serve(args) }) => serve::run(&args),
        Err(why) => usage::explain(&why),
    })
}
