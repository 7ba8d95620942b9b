//! Asks every question of the benchmarks in one run and prints `RESULTS.md`:
//!
//! ```text
//! cargo run --release -p benches --features peers --ignore-rust-version --bin measure > benches/RESULTS.md
//! ```
//!
//! Names of questions as arguments ask those alone: a report may be put together from
//! several runs, and each table says which one it is of. The machine must be quiet.
#![forbid(unsafe_code)]

mod machine;
mod questions;
mod table;

use std::process::ExitCode;

/// A question's name and what answers it, in the order of the report.
const QUESTIONS: [(&str, fn()); 8] = [
    ("machine", machine::describe),
    ("single", questions::single::ask),
    ("contention", questions::contention::ask),
    ("saturation", questions::saturation::ask),
    ("burst", questions::burst::ask),
    ("tasks", questions::tasks::ask),
    ("lease", questions::lease::ask),
    ("text", questions::text::ask),
];

fn main() -> ExitCode {
    let asked: Vec<String> = std::env::args().skip(1).collect();
    // This program again, under valgrind.
    if let [questions::lease::CLAIMS, name, ids] =
        &*asked.iter().map(String::as_str).collect::<Vec<_>>()
        && let Ok(ids) = ids.parse()
    {
        questions::lease::claim(name, ids);
        return ExitCode::SUCCESS;
    }
    if let Some(unknown) =
        asked.iter().find(|asked| QUESTIONS.iter().all(|(name, _)| name != asked))
    {
        let names: Vec<_> = QUESTIONS.iter().map(|(name, _)| *name).collect();
        eprintln!("measure: no question is called {unknown:?}; there are {}", names.join(", "));
        return ExitCode::FAILURE;
    }
    let commit = machine::commit();
    for (name, ask) in QUESTIONS {
        if asked.is_empty() || asked.iter().any(|asked| asked == name) {
            eprintln!("measure: {name}");
            let load = machine::load();
            ask();
            println!("\n*`measure {name}`, commit {commit}, with a load of {load} when begun.*");
        }
    }
    ExitCode::SUCCESS
}
