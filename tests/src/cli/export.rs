//! `workbench export`: writes a finished test in another tool's format.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::PathBuf;

use clap::Args;

use crate::output::console;
use crate::output::exit::{EXIT_FAILED, EXIT_VALID};
use crate::output::report::perfetto;
use crate::output::store::REPORT;

/// The flags of `export`.
#[derive(Debug, Args)]
pub struct ExportArgs {
    /// A trace of operations, messages and faults for ui.perfetto.dev.
    #[arg(long, required = true)]
    pub perfetto: bool,

    /// The directory of a test, or its report.html.
    #[arg(value_name = "RUN", default_value = "store/latest")]
    pub run: PathBuf,

    /// The file to write [default: perfetto.json beside the report]
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
}

/// Exports a test, and returns the exit status.
#[must_use]
pub fn export(args: &ExportArgs) -> u8 {
    let report = if args.run.is_dir() { args.run.join(REPORT) } else { args.run.clone() };
    let target = args.output.clone().unwrap_or_else(|| report.with_file_name("perfetto.json"));
    let exported = || -> Result<(), String> {
        let page = fs::read_to_string(&report)
            .map_err(|error| format!("cannot read {}: {error}", report.display()))?;
        let mut trace = Vec::new();
        perfetto::export(&page, &mut trace)
            .map_err(|error| format!("cannot export {}: {error}", report.display()))?;
        // The file is created only now, so that an unreadable page leaves no empty file behind.
        File::create(&target)
            .map(BufWriter::new)
            .and_then(|mut file| file.write_all(&trace).and_then(|()| file.flush()))
            .map_err(|error| format!("cannot write {}: {error}", target.display()))
    };
    match exported() {
        Ok(()) => {
            console::eprintln(format_args!("Wrote {}", target.display()));
            EXIT_VALID
        }
        Err(problem) => {
            console::eprintln(format_args!("error: {problem}"));
            EXIT_FAILED
        }
    }
}
