//! Where and when the figures were taken.

use std::fs;
use std::process::Command;
use std::thread;

/// Prints the report's head.
pub(crate) fn describe(asked: &[String]) {
    let cores = thread::available_parallelism().map_or(0, |cores| cores.get());
    let dirty = if output("git", &["status", "--porcelain", "--untracked-files=no"]).is_empty() {
        ""
    } else {
        ", with changes"
    };
    println!("# Results\n");
    println!(
        "Written by the `measure` binary; not edited by hand. Compare ratios within this run.\n"
    );
    println!("- **Command:** `cargo run --release -p benches {}--bin measure{}`", features(), {
        let questions: String = asked.iter().map(|name| format!(" {name}")).collect();
        if questions.is_empty() { questions } else { format!(" --{questions}") }
    });
    println!("- **Date:** {}", jiff::Zoned::now().date());
    println!("- **Commit:** {}{dirty}", output("git", &["rev-parse", "--short", "HEAD"]));
    println!("- **Machine:** {}, {cores} cores, Linux {}", processor(), kernel());
    println!("- **Load when begun:** {} (a quiet machine has 0)", load());
    println!("- **Compiler:** {}", output("rustc", &["--version"]));
    println!(
        "- **Peers:** {}",
        if cfg!(feature = "peers") {
            "ferroid 2, typedflake 0.2, snowflake_me 2.2, snowflaked 1, ulid 1, uuid 1"
        } else {
            "none; see feature `peers`"
        }
    );
}

fn features() -> &'static str {
    if cfg!(feature = "peers") { "--features peers --ignore-rust-version " } else { "" }
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

/// How many threads wanted a core in the last minute.
fn load() -> String {
    let averages = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    averages.split(' ').next().unwrap_or("?").to_owned()
}
