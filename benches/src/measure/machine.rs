//! Where and when the figures were taken.

use std::fs;
use std::process::Command;
use std::thread;

/// Prints the report's head.
pub(crate) fn describe() {
    let cores = thread::available_parallelism().map_or(0, |cores| cores.get());
    println!("# Results\n");
    println!("Written by the `measure` binary; not edited by hand. Compare ratios within a table.");
    println!("A load is the number of threads that wanted a core in the minute before.\n");
    println!("- **Command:** `cargo run --release -p benches {FEATURES}--bin measure`");
    println!("- **Date:** {}", jiff::Zoned::now().date());
    println!("- **Machine:** {}, {cores} cores, Linux {}", processor(), kernel());
    println!("- **Compiler:** {}", output("rustc", &["--version"]));
    println!("- **Peers:** {PEERS}");
}

#[cfg(feature = "peers")]
const FEATURES: &str = "--features peers --ignore-rust-version ";
#[cfg(not(feature = "peers"))]
const FEATURES: &str = "";

#[cfg(feature = "peers")]
const PEERS: &str = "ferroid 2, typedflake 0.2, snowflake_me 2.2, snowflaked 1, ulid 1, uuid 1";
#[cfg(not(feature = "peers"))]
const PEERS: &str = "none; see feature `peers`";

/// What is measured.
pub(crate) fn commit() -> String {
    let changes = output("git", &["status", "--porcelain", "--untracked-files=no"]);
    let commit = output("git", &["rev-parse", "--short", "HEAD"]);
    if changes.is_empty() { commit } else { format!("{commit} with changes") }
}

/// How many threads wanted a core in the last minute.
pub(crate) fn load() -> String {
    let averages = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    averages.split(' ').next().unwrap_or("?").to_owned()
}

fn output(program: &str, arguments: &[&str]) -> String {
    match Command::new(program).args(arguments).output() {
        Ok(output) => String::from_utf8_lossy(&output.stdout).trim().to_owned(),
        Err(error) => format!("unknown ({program}: {error})"),
    }
}

fn processor() -> String {
    let cpuinfo = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpuinfo.lines().find_map(|line| line.strip_prefix("model name"));
    model.map_or("unknown processor", |model| model.trim_start_matches(['\t', ' ', ':'])).to_owned()
}

fn kernel() -> String {
    fs::read_to_string("/proc/sys/kernel/osrelease").map_or("?".into(), |text| text.trim().into())
}
