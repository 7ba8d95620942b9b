//! A [faulty node](workbench::faulty) as a process.
#![forbid(unsafe_code)]

use std::io::{BufRead, Write};
use std::process::ExitCode;

use workbench::base::time::Time;
use workbench::drive::sim::SimulatedNode;
use workbench::faulty::FaultyNode;

fn main() -> ExitCode {
    let Some(mistake) = std::env::args().nth(1) else {
        eprintln!("faulty-node: no mistake given; pass its name as the argument");
        return ExitCode::FAILURE;
    };
    let mut node = FaultyNode::new(&mistake);
    let mut out = Vec::new();
    for (number, line) in std::io::stdin().lock().split(b'\n').enumerate() {
        match mistake.as_str() {
            "exits immediately" => {
                eprintln!("fatal error");
                return ExitCode::from(3);
            }
            "exits early" if number == 3 => {
                eprintln!("panicked at 'index out of bounds'");
                return ExitCode::SUCCESS;
            }
            _ => {}
        }
        let line = line.unwrap_or_default();
        node.handle(Time::default(), &line, &mut |line| out.push(line.to_vec()));
        for mut line in out.drain(..) {
            if mistake != "never ends its line" {
                line.push(b'\n');
            }
            if std::io::stdout().write_all(&line).is_err() {
                return ExitCode::FAILURE;
            }
        }
        if std::io::stdout().flush().is_err() {
            return ExitCode::FAILURE;
        }
    }
    if mistake.starts_with("mark") {
        // These nodes also ignore the end of their input.
        loop {
            std::thread::park();
        }
    }
    ExitCode::SUCCESS
}
