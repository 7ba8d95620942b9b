//! The Gossip Glomers challenges of Fly.io, as presets of flags.

use std::ffi::OsString;

use clap::ValueEnum;
use clap::builder::PossibleValue;

/// A challenge: the command line that Fly.io publishes, and its limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Challenge {
    name: &'static str,
    flags: &'static str,
}

/// All challenges, in order.
const CHALLENGES: &[Challenge] = &[
    challenge("1", "-w echo --node-count 1 --time-limit 10"),
    challenge(
        "2",
        "-w unique-ids --time-limit 30 --rate 1000 --node-count 3 --availability total \
         --nemesis partition",
    ),
    challenge("3a", "-w broadcast --node-count 1 --time-limit 20 --rate 10"),
    challenge("3b", "-w broadcast --node-count 5 --time-limit 20 --rate 10"),
    challenge("3c", "-w broadcast --node-count 5 --time-limit 20 --rate 10 --nemesis partition"),
    challenge(
        "3d",
        "-w broadcast --node-count 25 --time-limit 20 --rate 100 --latency 100 \
         --max-msgs-per-op 30 --max-stable-median-ms 400 --max-stable-ms 600",
    ),
    challenge(
        "3e",
        "-w broadcast --node-count 25 --time-limit 20 --rate 100 --latency 100 \
         --max-msgs-per-op 20 --max-stable-median-ms 1000 --max-stable-ms 2000",
    ),
    challenge("4", "-w g-counter --node-count 3 --rate 100 --time-limit 20 --nemesis partition"),
    challenge("5a", "-w kafka --node-count 1 --concurrency 2n --time-limit 20 --rate 1000"),
    challenge("5b", "-w kafka --node-count 2 --concurrency 2n --time-limit 20 --rate 1000"),
    challenge("5c", "-w kafka --node-count 2 --concurrency 2n --time-limit 20 --rate 1000"),
    challenge(
        "6a",
        "-w txn-rw-register --node-count 1 --time-limit 20 --rate 1000 --concurrency 2n \
         --consistency-models read-uncommitted --availability total",
    ),
    challenge(
        "6b",
        "-w txn-rw-register --node-count 2 --concurrency 2n --time-limit 20 --rate 1000 \
         --consistency-models read-uncommitted --availability total --nemesis partition",
    ),
    challenge(
        "6c",
        "-w txn-rw-register --node-count 2 --concurrency 2n --time-limit 20 --rate 1000 \
         --consistency-models read-committed --availability total --nemesis partition",
    ),
];

const fn challenge(name: &'static str, flags: &'static str) -> Challenge {
    Challenge { name, flags }
}

impl ValueEnum for Challenge {
    fn value_variants<'a>() -> &'a [Challenge] {
        CHALLENGES
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(PossibleValue::new(self.name).help(self.flags))
    }
}

/// Inserts the flags of a challenge before the others, which override them.
pub(super) fn expand(args: impl Iterator<Item = OsString>) -> Vec<OsString> {
    let mut args: Vec<OsString> = args.collect();
    let flags = args.iter().take_while(|arg| *arg != "--");
    let given = flags.enumerate().find_map(|(index, arg)| {
        let arg = arg.to_str()?.strip_prefix("--challenge")?;
        match arg.strip_prefix('=') {
            Some(name) => Some(name.to_owned()),
            None if arg.is_empty() => Some(args.get(index + 1)?.to_str()?.to_owned()),
            None => None,
        }
    });
    let found = given.and_then(|name| CHALLENGES.iter().find(|preset| preset.name == name));
    // The program and the subcommand come before all flags.
    let takes_flags = args.get(1).is_some_and(|word| word == "test" || word == "minimize");
    if let Some(preset) = found.filter(|_| takes_flags) {
        args.splice(2..2, preset.flags.split_whitespace().map(OsString::from));
    }
    args
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_flags_of_a_preset_precede_the_flags_that_override_it() {
        let expanded = |line: &str| {
            let args = expand(line.split(' ').map(OsString::from));
            args.into_iter().map(|arg| arg.into_string().unwrap()).collect::<Vec<_>>().join(" ")
        };
        let echo = "workbench test -w echo --node-count 1 --time-limit 10 ";
        for given in ["--challenge 1 --rate 2", "--rate 2 --challenge=1"] {
            assert_eq!(expanded(&format!("workbench test {given}")), format!("{echo}{given}"));
        }
        for other in ["workbench test --challenge 9", "workbench test -w echo -- --challenge 1"] {
            assert_eq!(expanded(other), other);
        }
    }
}
