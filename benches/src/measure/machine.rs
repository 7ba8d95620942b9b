//! The machine and the commit of a run.

use std::fs;
use std::process::Command;
use std::thread;

use crate::report::Machine;

#[cfg(feature = "peers")]
const PEERS: &str =
    "ferroid 2, typedflake 0.2, snowflake_me 2.2, snowflaked 1, snowid 3, ulid 3, uuid 1";
#[cfg(not(feature = "peers"))]
const PEERS: &str = "none; see feature `peers`";

/// Describes this machine, before the run begins.
pub(crate) fn describe() -> Machine {
    Machine {
        processor: processor(),
        cores: thread::available_parallelism().map_or(0, |cores| cores.get()),
        system: format!("Linux {}", kernel_version(&read("/proc/sys/kernel/osrelease"))),
        compiler: output("rustc", &["--version"]),
        peers: PEERS.to_owned(),
        date: jiff::Zoned::now().date().to_string(),
        commit: commit(),
        load: read("/proc/loadavg").split(' ').next().unwrap_or_default().to_owned(),
    }
}

/// Returns the version of a kernel without the name of its build: `6.18.44` of `6.18.44-amd64`.
fn kernel_version(release: &str) -> &str {
    release.trim().split('-').next().unwrap_or_default()
}

fn commit() -> String {
    let changes = output("git", &["status", "--porcelain", "--untracked-files=no"]);
    let commit = output("git", &["rev-parse", "--short", "HEAD"]);
    if changes.is_empty() { commit } else { format!("{commit} with changes") }
}

fn output(program: &str, arguments: &[&str]) -> String {
    match Command::new(program).args(arguments).output() {
        Ok(output) => String::from_utf8_lossy(&output.stdout).trim().to_owned(),
        Err(error) => format!("unknown ({program}: {error})"),
    }
}

fn processor() -> String {
    let cpuinfo = read("/proc/cpuinfo");
    let model = cpuinfo.lines().find_map(|line| line.strip_prefix("model name"));
    model.map_or("unknown", |model| model.trim_start_matches(['\t', ' ', ':'])).to_owned()
}

fn read(path: &str) -> String {
    fs::read_to_string(path).unwrap_or_default()
}
