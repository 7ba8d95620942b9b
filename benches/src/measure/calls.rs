//! The cost of calls, as criterion measures it.

use std::env;
use std::fs;
use std::io;
use std::path::Path;
use std::process::Command;

use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::effort::Effort;
use crate::report::Call;

#[derive(Deserialize)]
struct Benchmark {
    group_id: String,
    function_id: String,
    throughput: Throughput,
}

#[derive(Deserialize)]
struct Throughput {
    #[serde(rename = "Elements")]
    elements: u64,
}

#[derive(Deserialize)]
struct Estimates {
    median: Estimate,
}

#[derive(Deserialize)]
struct Estimate {
    point_estimate: f64,
    confidence_interval: Interval,
}

#[derive(Deserialize)]
struct Interval {
    lower_bound: f64,
    upper_bound: f64,
}

/// Runs criterion's benchmarks of calls, and reads their estimates.
pub(crate) fn measure(effort: Effort) -> io::Result<Vec<Call>> {
    // The directory is new, so all estimates in it are from this run.
    let home = env::current_exe()?.with_file_name("measure-criterion");
    if home.exists() {
        fs::remove_dir_all(&home)?;
    }
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(["bench", "--package", "benches", "--bench", "calls", "--bench", "text"]);
    if cfg!(feature = "peers") {
        cargo.args(["--features", "peers", "--ignore-rust-version"]);
    }
    cargo.args(["--", "--noplot", "--quiet"]);
    if effort == Effort::Quick {
        cargo.arg("--quick");
    }
    let status = cargo.env("CRITERION_HOME", &home).status()?;
    if !status.success() {
        return Err(io::Error::other(format!("cargo bench failed: {status}")));
    }
    let mut calls = Vec::new();
    read_below(&home, &mut calls)?;
    calls.sort_by(|a, b| (a.elements, &a.group, &a.name).cmp(&(b.elements, &b.group, &b.name)));
    Ok(calls)
}

/// criterion names directories after groups and benchmarks, and the last run `new`.
fn read_below(directory: &Path, calls: &mut Vec<Call>) -> io::Result<()> {
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        if path.join("benchmark.json").exists() && path.ends_with("new") {
            let benchmark: Benchmark = read(&path.join("benchmark.json"))?;
            let Estimates { median } = read(&path.join("estimates.json"))?;
            calls.push(Call {
                group: benchmark.group_id,
                name: benchmark.function_id,
                elements: benchmark.throughput.elements,
                ns: median.point_estimate,
                low_ns: median.confidence_interval.lower_bound,
                high_ns: median.confidence_interval.upper_bound,
            });
        } else if path.is_dir() {
            read_below(&path, calls)?;
        }
    }
    Ok(())
}

fn read<T: DeserializeOwned>(path: &Path) -> io::Result<T> {
    Ok(serde_json::from_slice(&fs::read(path)?)?)
}
