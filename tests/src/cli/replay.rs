//! Command lines that run a test again.
//!
//! A command line has the settings of a plan that are not the defaults. A swarm, a challenge or a
//! reduction may have changed them, so the flags of this process are not enough.

use clap::ValueEnum;

use super::{TestArgs, values};
use crate::base::address::Directory;
use crate::base::time::as_millis;
use crate::plan::selection::Selection;
use crate::plan::{Availability, Plan};

/// All operations, or all faults.
pub(super) const ALL: &Selection = &Selection::All;

/// A flag and its value. A flag without a value has the empty text.
type Flag = (&'static str, String);

/// The defaults of the flags that are not in a plan.
const DEFAULTS: [(&str, &str); 7] = [
    ("--topology", "grid"),
    ("--key-count", "10"),
    ("--max-writes-per-key", "16"),
    ("--max-txn-length", "4"),
    ("--consistency-models", "strong-serializable"),
    ("--only-operations", "all"),
    ("--only-faults", "all"),
];

impl TestArgs {
    /// Returns the command line of a test with this plan and these operations and faults.
    ///
    /// The settings that are not in a plan come from the flags of this process.
    pub(super) fn replay(
        &self,
        subcommand: &str,
        plan: &Plan,
        operations: &Selection,
        faults: &Selection,
    ) -> String {
        let directory = Directory::new(values::default_nodes()).unwrap_or(plan.directory.clone());
        let default = Plan { quiet_time: self.default_quiet_time(), ..Plan::new(directory) };
        let mut flags = vec![("-w", self.workload.facts().name.to_owned())];
        flags.extend(self.bin.iter().map(|program| ("--bin", program.display().to_string())));
        flags.extend(self.faulty.iter().map(|mistake| ("--faulty", mistake.clone())));
        flags.extend(changes(flags_of(plan), &flags_of(&default)));
        let others = [
            ("--topology", name(&self.topology)),
            ("--key-count", self.key_count.to_string()),
            ("--max-writes-per-key", self.max_writes_per_key.to_string()),
            ("--max-txn-length", self.max_txn_length.to_string()),
            ("--consistency-models", self.consistency_models.to_string()),
            ("--only-operations", operations.to_string()),
            ("--only-faults", faults.to_string()),
        ];
        flags.extend(changes(others, &DEFAULTS.map(|(flag, value)| (flag, value.to_owned()))));
        flags.extend(self.simulates().then(|| ("--sim", String::new())));
        flags.push(("--seed", plan.seed.to_string()));
        let mut line = format!("cargo workbench {subcommand} {}", shown(&flags));
        line.push_str(if self.args.is_empty() { "" } else { " --" });
        for arg in &self.args {
            // An argument that is not UTF-8 cannot be printed as it is.
            line.push_str(&format!(" {}", quoted(&arg.to_string_lossy())));
        }
        line
    }
}

/// Returns the flags that change one plan to another, except the seed.
pub(super) fn changed_flags(plan: &Plan, from: &Plan) -> String {
    let mut flags: Vec<Flag> = changes(flags_of(plan), &flags_of(from)).collect();
    if plan.nemesis.is_empty() && !from.nemesis.is_empty() {
        flags.push(("--only-faults", "none".to_owned()));
    }
    shown(&flags)
}

/// Returns the flags that are not among the flags `before`.
fn changes(
    flags: impl IntoIterator<Item = Flag>,
    before: &[Flag],
) -> impl Iterator<Item = Flag> + '_ {
    let flags: Vec<Flag> = flags.into_iter().collect();
    flags.into_iter().filter(|flag| !before.contains(flag))
}

/// Returns the flags of a plan, except the seed.
fn flags_of(plan: &Plan) -> Vec<Flag> {
    let names_of_nodes = plan.directory.node_names();
    let count = names_of_nodes.len();
    let is_special = |name: &String| name.contains(',') || name.starts_with(' ');
    let mut flags = match names_of_nodes {
        numbered if numbered == Directory::numbered(count).node_names() => {
            vec![("--node-count", count.to_string())]
        }
        special if special.iter().any(is_special) => {
            special.iter().map(|name| ("--node", name.clone())).collect()
        }
        others => vec![("--nodes", others.join(","))],
    };
    let concurrency = match plan.concurrency.is_multiple_of(count) {
        true => format!("{}n", plan.concurrency / count),
        false => plan.concurrency.to_string(),
    };
    flags.extend([
        ("--concurrency", concurrency),
        ("--rate", plan.rate.to_string()),
        ("--time-limit", plan.time_limit.as_secs_f64().to_string()),
        ("--latency", as_millis(plan.latency.mean).to_string()),
        ("--latency-dist", name(&plan.latency.distribution)),
        ("--net", name(&plan.model)),
    ]);
    if !plan.nemesis.is_empty() {
        flags.extend([
            ("--nemesis", names(&plan.nemesis)),
            ("--nemesis-interval", plan.nemesis_interval.as_secs_f64().to_string()),
        ]);
    }
    flags.extend([
        ("--nemesis-targets", names(&plan.nemesis_targets)),
        ("--quiet-time", plan.quiet_time.as_secs_f64().to_string()),
    ]);
    flags.extend(plan.availability.map(|availability| match availability {
        Availability::Total => ("--availability", "total".to_owned()),
        Availability::AtLeast(share) => ("--availability", share.to_string()),
    }));
    for (flag, value) in [
        ("--allowed-loss-window", plan.allowed_loss_window.map(|window| window.as_secs_f64())),
        ("--max-msgs-per-op", plan.limits.msgs_per_op),
        ("--max-stable-median-ms", plan.limits.stable_median_ms),
        ("--max-stable-ms", plan.limits.stable_max_ms),
    ] {
        flags.extend(value.map(|value| (flag, value.to_string())));
    }
    for (flag, is_set) in [
        ("--strict", plan.strict),
        ("--log-net-send", plan.log_send),
        ("--log-net-recv", plan.log_recv),
    ] {
        flags.extend(is_set.then(|| (flag, String::new())));
    }
    flags
}

/// Returns the name of a value on the command line.
fn name(value: &impl ValueEnum) -> String {
    value.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
}

fn names(values: &[impl ValueEnum]) -> String {
    values.iter().map(name).collect::<Vec<_>>().join(",")
}

/// Returns flags in the form that a shell reads.
fn shown(flags: &[Flag]) -> String {
    let words = flags.iter().map(|(flag, value)| match value.as_str() {
        "" => (*flag).to_owned(),
        value => format!("{flag} {}", quoted(value)),
    });
    words.collect::<Vec<_>>().join(" ")
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
    use std::ffi::OsString;
    use std::process::Command;

    use super::*;
    use crate::cli::{Action, Cli};

    /// Returns the words into which a shell splits a command line, without the first.
    fn words_of(line: &str) -> Vec<OsString> {
        let script = format!("printf '%s\\n' {line}");
        let output = Command::new("/bin/sh").args(["-c", &script]).output().unwrap();
        String::from_utf8(output.stdout).unwrap().lines().skip(1).map(OsString::from).collect()
    }

    fn args(line: &str) -> Box<TestArgs> {
        match Cli::of(words_of(line).into_iter()).unwrap().command {
            Action::Test(args) | Action::Minimize(args) => args,
            other => panic!("{other:?}"),
        }
    }

    /// Checks that the command line of a plan gives the plan again. Returns the command line.
    #[track_caller]
    fn expect_replay(args: &TestArgs, plan: &Plan) -> String {
        let line = args.replay("test", plan, &args.only_operations, &args.only_faults);
        let again = self::args(&line);
        assert_eq!(format!("{:?}", again.plan().unwrap()), format!("{plan:?}"), "{line}");
        assert_eq!(again.args, args.args, "{line}");
        assert_eq!(again.unusable_latency(), None, "{line}");
        let other = |args: &TestArgs| format!("{:?} {:?}", args.only_faults, args.options(plan));
        assert_eq!(other(&again), other(args), "{line}");
        assert_eq!(again.simulates(), args.simulates());
        line
    }

    #[test]
    fn a_replay_command_has_the_settings_that_are_not_defaults() {
        for (line, replay) in [
            ("test -w echo --seed 7 --nodes n1,n2,n3,n4,n5", "test -w echo --seed 7"),
            (
                "test --test-count 3 -w kafka --rate=5.5 --bin ./x --seed 7 -- --seed \"it's\"",
                r"test -w kafka --bin ./x --rate 5.5 --seed 7 -- --seed 'it'\''s'",
            ),
            (
                "minimize -w broadcast --sim -n a -n 'b c' --seed 1 --concurrency 3",
                "test -w broadcast --nodes 'a,b c' --concurrency 3 --sim --seed 1",
            ),
            (
                "test --challenge 3e --faulty none --only-faults 1-3 --seed 1",
                "test -w broadcast --faulty none --node-count 25 --rate 100 --time-limit 20 \
                 --latency 100 --max-msgs-per-op 20 --max-stable-median-ms 1000 --max-stable-ms 2000 \
                 --only-faults 1-3 --sim --seed 1",
            ),
        ] {
            let args = args(&format!("cargo workbench {line}"));
            let plan = args.plan().unwrap();
            assert_eq!(expect_replay(&args, &plan), format!("cargo workbench {replay}"));
        }
        let all = "test -w txn-list-append --nodes a,b --concurrency 4n --rate 0.1 --time-limit 0.3 \
                   --latency 0.7 --latency-dist uniform --nemesis pause,loss --nemesis-interval 1.1 \
                   --nemesis-targets one,all --allowed-loss-window 0 --quiet-time 2 --strict --net \
                   ideal --availability 1/3 --log-net-send --key-count 2 --max-writes-per-key 3 \
                   --max-txn-length 5 --consistency-models read-committed,odd --topology tree4 \
                   --sim --seed 18446744073709551615 -- --max-staleness-ms 9000";
        let args = args(&format!("cargo workbench {all}"));
        expect_replay(&args, &args.plan().unwrap());
    }

    #[test]
    fn a_test_that_a_swarm_drew_is_replayed_without_the_swarm() {
        let (mut plain, mut faultless) = (0, 0);
        for seed in 0..100 {
            let line = format!("cargo workbench test --challenge 3c --swarm -n x --seed {seed}");
            let args = args(&line);
            let mut drawn = args.plan().unwrap().swarm(1);
            if drawn.nemesis.is_empty() {
                // Without faults it has no effect, and no flag.
                drawn.nemesis_interval = args.plan().unwrap().nemesis_interval;
            }
            let line = expect_replay(&args, &drawn);
            plain += usize::from(!line.contains("--latency "));
            faultless += usize::from(!line.contains("--nemesis"));
        }
        assert!(plain > 5 && faultless > 5, "{plain}, {faultless}");
    }

    #[test]
    fn a_drawn_plan_without_faults_differs_from_a_plan_with_faults() {
        let from = Plan { nemesis: vec![crate::plan::Nemesis::Kill], ..Plan::example() };
        let drawn = Plan { nemesis: Vec::new(), rate: 2.5, ..from.clone() };
        assert_eq!(changed_flags(&drawn, &from), "--rate 2.5 --only-faults none");
    }
}
