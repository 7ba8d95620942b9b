//! Measures the generators against the running clock, and writes `RESULTS.md` with its plots:
//!
//! ```text
//! cargo run --release -p benches --features peers --ignore-rust-version --bin measure
//! ```
//!
//! `README.md` describes the options and the files. The machine must be quiet.
#![forbid(unsafe_code)]

mod calls;
mod costs;
mod effort;
mod loads;
mod machine;
mod render;
mod report;

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use benches::subject::all;
use lexopt::prelude::*;

use crate::effort::Effort;
use crate::report::Report;

const LOADS_OF: &str = "--loads-of";
const QUICK: &str = "--quick";

const HELP: &str = "\
Measures the generators, and writes RESULTS.md and its plots.

Usage: measure [OPTIONS]

Options:
      --quick    Takes a tenth of the samples, and writes to target/measure
      --render   Draws RESULTS.md from the files under results/, without measuring
  -h, --help     Prints this help";

enum Action {
    Measure,
    Render,
    LoadsOf(String),
}

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("measure: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Box<dyn Error>> {
    let mut action = Action::Measure;
    let mut effort = Effort::Complete;
    let mut arguments = lexopt::Parser::from_env();
    while let Some(argument) = arguments.next()? {
        match argument {
            Long("quick") => effort = Effort::Quick,
            Long("render") => action = Action::Render,
            Long("loads-of") => action = Action::LoadsOf(arguments.value()?.string()?),
            Short('h') | Long("help") => {
                println!("{HELP}");
                return Ok(());
            }
            _ => return Err(argument.unexpected().into()),
        }
    }
    let directory = directory(effort);
    let results = directory.join("results");
    match action {
        Action::LoadsOf(name) => {
            let entry = all().into_iter().find(|entry| entry.name == name);
            let entry = entry.ok_or_else(|| format!("unknown subject {name:?}"))?;
            let loads = loads::measure_one(&entry, effort);
            serde_json::to_writer(std::io::stdout().lock(), &loads)?;
        }
        Action::Measure => {
            fs::create_dir_all(&results)?;
            measure(effort)?.write(&results)?;
            render::write(&Report::read_all(&results)?, &directory)?;
        }
        Action::Render => render::write(&Report::read_all(&results)?, &directory)?,
    }
    Ok(())
}

fn measure(effort: Effort) -> Result<Report, Box<dyn Error>> {
    let machine = machine::describe();
    // The calls come first, because cargo builds their benchmarks.
    eprintln!("measure: calls");
    let calls = calls::measure(effort)?;
    let loads = loads::measure(effort)?;
    // The costs come last, because some subjects start threads that run until the process ends.
    eprintln!("measure: below the cap");
    let (one_thread, two_threads) = (costs::one_thread(effort), costs::two_threads(effort));
    Ok(Report { machine, one_thread, two_threads, loads, calls })
}

/// Returns the directory of `RESULTS.md`. A quick run leaves the repository as it is.
fn directory(effort: Effort) -> PathBuf {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    match effort {
        Effort::Complete => package.to_owned(),
        Effort::Quick => package.join("../target/measure"),
    }
}

/// Returns the median. For an even number of values it is the upper one of the two in the middle.
fn median<T: Copy + PartialOrd>(mut values: Vec<T>) -> T {
    values.sort_by(|a, b| a.partial_cmp(b).expect("a measurement is a number"));
    values[values.len() / 2]
}
