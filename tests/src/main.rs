//! The `workbench` binary.
#![forbid(unsafe_code)]

use std::process::ExitCode;

use clap::Parser;
use workbench::cli::{Action, Cli};
use workbench::process::launcher;
use workbench::report::EXIT_BAD_FLAGS;
use workbench::run;

fn main() -> ExitCode {
    let mut args = std::env::args_os();
    if args.nth(1).is_some_and(|first| first == launcher::LAUNCH) {
        return launcher::become_node(args);
    }
    match Cli::try_parse() {
        Ok(Cli { command: Action::Test(args) }) => ExitCode::from(run::test(&args)),
        Err(usage) => {
            // Help and version go to standard output and are no error.
            let code = if usage.use_stderr() { EXIT_BAD_FLAGS } else { 0 };
            // Nobody may be listening.
            let _ = usage.print();
            ExitCode::from(code)
        }
    }
}
