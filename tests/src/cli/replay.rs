//! Command lines that run a simulation again.

/// The flags that select seeds or control a sweep.
///
/// None of them belongs to the test of one seed.
const SWEEP_FLAGS: [(&str, bool); 7] = [
    ("--sim", false),
    ("--seed", true),
    ("--seeds", true),
    ("--keep-going", false),
    ("--check-determinism", false),
    ("--swarm", false),
    ("--minimize-time", true),
];

/// The flags whose values a swarm draws.
const SWARM_FLAGS: [(&str, bool); 10] = [
    ("--node-count", true),
    ("--nodes", true),
    ("--nodes-file", true),
    ("--node", true),
    ("--concurrency", true),
    ("--rate", true),
    ("--latency", true),
    ("--latency-dist", true),
    ("--nemesis", true),
    ("--nemesis-interval", true),
];

/// Returns the command line of this process.
pub(super) fn command_line() -> String {
    let args = std::env::args_os().skip(1).map(|arg| quoted(&arg.to_string_lossy()));
    args.fold(String::from("cargo workbench"), |command, arg| command + " " + &arg)
}

/// Returns the command line of this process, changed to a subcommand with one seed.
///
/// `drawn` holds the flags that a swarm drew. `more` holds flags that come last, so that they
/// override the others.
pub(super) fn command(subcommand: &str, seed: u64, drawn: Option<&str>, more: &str) -> String {
    // An argument that is not UTF-8 cannot be printed as it is, and must not end the bench.
    let args = std::env::args_os().skip(1).map(|arg| arg.to_string_lossy().into_owned());
    of_args(args, subcommand, seed, drawn, more)
}

fn of_args(
    args: impl Iterator<Item = String>,
    subcommand: &str,
    seed: u64,
    drawn: Option<&str>,
    more: &str,
) -> String {
    let mut args = args.skip(1);
    let mut command = format!("cargo workbench {subcommand}");
    let mut flags = String::new();
    for part in [drawn.unwrap_or_default(), &format!("--sim --seed {seed}"), more] {
        if !part.is_empty() {
            flags.push(' ');
            flags.push_str(part);
        }
    }
    let left_out = |arg: &str| {
        let name = arg.split('=').next().unwrap_or_default();
        let swarm = SWARM_FLAGS.iter().filter(|_| drawn.is_some());
        let found = SWEEP_FLAGS.iter().chain(swarm).find(|(flag, _)| *flag == name);
        found.map(|(_, takes_value)| *takes_value && !arg.contains('='))
    };
    while let Some(arg) = args.next() {
        match left_out(&arg) {
            Some(true) => drop(args.next()),
            Some(false) => {}
            None if arg == "--" => {
                command.push_str(&flags);
                flags.clear();
                command.push_str(" --");
                for arg in args.by_ref() {
                    command.push(' ');
                    command.push_str(&quoted(&arg));
                }
            }
            None => {
                command.push(' ');
                command.push_str(&quoted(&arg));
            }
        }
    }
    command.push_str(&flags);
    command
}

/// Returns an argument in the form that a shell reads.
fn quoted(arg: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./,=:+".contains(c);
    if !arg.is_empty() && arg.chars().all(plain) {
        arg.to_owned()
    } else {
        format!("'{}'", arg.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(line: &str, drawn: Option<&str>, more: &str) -> String {
        of_args(line.split(' ').map(str::to_owned), "minimize", 7, drawn, more)
    }

    #[test]
    fn a_replay_command_omits_sweep_flags_and_appends_new_flags() {
        let line = "test -w kafka --seeds 0..9 --keep-going --minimize-time 0 --sim --rate=5 -- --seed it's";
        assert_eq!(
            of(line, None, "--time-limit 1"),
            r"cargo workbench minimize -w kafka --rate=5 --sim --seed 7 --time-limit 1 -- --seed 'it'\''s'"
        );
        assert_eq!(
            of("test --seeds=0..9 -w kafka", None, ""),
            "cargo workbench minimize -w kafka --sim --seed 7"
        );
    }

    #[test]
    fn drawn_flags_replace_the_flags_of_the_command_line() {
        let line = "test -w kafka --rate 5 --swarm --nemesis=kill --time-limit 3 --seeds 0..9";
        assert_eq!(
            of(line, Some("--rate 2.5"), ""),
            "cargo workbench minimize -w kafka --time-limit 3 --rate 2.5 --sim --seed 7"
        );
    }
}
