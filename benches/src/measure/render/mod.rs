//! Draws `RESULTS.md` and its plots from the reports. The same reports give the same files.

mod checks;
mod plots;
mod tables;

use std::error::Error;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use crate::report::{Machine, Report};

const HEAD: &str = "\
# Results

The `measure` binary writes this file and its plots from the figures under [`results/`](results). Do not edit them by
hand. [README.md](README.md) describes the run. Compare ratios only within one machine and one run.

    cargo run --release -p benches --features peers --ignore-rust-version --bin measure

";

/// Writes `RESULTS.md` and the plots.
pub(crate) fn write(reports: &[Report], directory: &Path) -> Result<(), Box<dyn Error>> {
    let mut text = HEAD.to_owned();
    checks::write(&mut text, reports);
    for report in reports {
        machine(&mut text, &report.machine);
        tables::below_the_cap(&mut text, report);
        tables::paced(&mut text, report);
        tables::saturated(&mut text, report);
        for (name, alternative) in plots::draw(report, &directory.join("results"))? {
            let _ = writeln!(text, "![{alternative}](results/{name})\n");
        }
        tables::tasks(&mut text, report);
        tables::calls(&mut text, report);
    }
    fs::write(directory.join("RESULTS.md"), text.trim_end().to_owned() + "\n")?;
    Ok(())
}

fn machine(text: &mut String, machine: &Machine) {
    let Machine { processor, cores, system, compiler, peers, date, commit, load } = machine;
    let _ = writeln!(
        text,
        "## {processor}\n\n\
         Commit {commit}, {date}, {cores} cores, {system}, {compiler}. Peers: {peers}.\n\
         The load average of the minute before the run was {load}.\n"
    );
}
