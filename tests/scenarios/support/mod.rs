//! Support for tests that run the binary of the bench in a temporary directory.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

pub(crate) const WORKBENCH: &str = env!("CARGO_BIN_EXE_workbench");
pub(crate) const FAULTY_NODE: &str = env!("CARGO_BIN_EXE_faulty-node");

/// A finished run of the bench.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) command: String,
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    pub(crate) dir: TempDir,
}

/// Runs `workbench test` with flags separated by spaces, and `more` flags that may have spaces.
pub(crate) fn test(flags: &str, more: &[&str]) -> Run {
    test_with(flags, more, |command| command)
}

/// Runs `workbench test` with a modified command, for instance with other outputs.
///
/// The default of the seed is 1. A random seed could leave a short test with nothing to judge.
pub(crate) fn test_with(
    flags: &str,
    more: &[&str],
    set_up: impl FnOnce(&mut Command) -> &mut Command,
) -> Run {
    // The project's own node must be correct, and not only acceptable to Maelstrom.
    let is_own = !flags.contains("--bin") && !more.contains(&"--bin");
    let strict = is_own.then_some("--strict");
    let has_seed = flags.contains("--seed") || more.iter().any(|flag| flag.starts_with("--seed"));
    let seed = (!has_seed).then_some("--seed=1");
    let args: Vec<&str> = ["test"]
        .into_iter()
        .chain(strict)
        .chain(seed)
        .chain(flags.split_whitespace())
        .chain(more.iter().copied())
        .collect();
    workbench_with(&args, set_up)
}

/// Runs the bench with these arguments.
pub(crate) fn workbench(args: &[&str]) -> Run {
    workbench_with(args, |command| command)
}

fn workbench_with(args: &[&str], set_up: impl FnOnce(&mut Command) -> &mut Command) -> Run {
    let dir = tempfile::tempdir().unwrap();
    let mut command = Command::new(WORKBENCH);
    command.args(args).current_dir(&dir);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    set_up(&mut command);
    let child = command.spawn().unwrap();
    // The command holds the bench's ends of the pipes open.
    drop(command);
    let Output { status, stdout, stderr } = child.wait_with_output().unwrap();
    Run {
        command: format!("workbench {}", args.join(" ")),
        code: status.code(),
        stdout: String::from_utf8(stdout).unwrap(),
        stderr: String::from_utf8(stderr).unwrap(),
        dir,
    }
}

/// Runs the test with a node that has this mistake.
pub(crate) fn faulty_node(flags: &str, mistake: &str) -> Run {
    test(flags, &["--bin", FAULTY_NODE, "--", mistake])
}

impl Run {
    #[track_caller]
    pub(crate) fn expect_code(&self, code: i32) -> &Run {
        assert_eq!(self.code, Some(code), "{self}");
        self
    }

    #[track_caller]
    pub(crate) fn expect_valid(&self) -> &Run {
        self.expect_code(0);
        assert!(self.results().ends_with(":valid? true}\n"), "{self}");
        self
    }

    /// Returns the results map, without the line that names the file.
    pub(crate) fn results(&self) -> &str {
        self.stdout.split_once("Wrote ").map_or(&self.stdout, |(results, _)| results)
    }

    /// Checks that the message contains these parts, which are needed to find the fault.
    #[track_caller]
    pub(crate) fn expect_text(&self, parts: &[&str]) -> &Run {
        for part in parts {
            assert!(self.stderr.contains(part), "{part:?} is missing\n{self}");
        }
        assert!(!self.stderr.contains("panicked at tests/"), "{self}");
        self
    }

    /// Checks that one line describes the error of a flag, and that no test begins.
    #[track_caller]
    pub(crate) fn expect_usage_error(&self, printed: &str) -> &Run {
        self.expect_error(254, printed)
    }

    /// Checks that the test did not start although its flags are valid.
    #[track_caller]
    pub(crate) fn expect_failed_start(&self, printed: &str) -> &Run {
        self.expect_error(255, printed)
    }

    #[track_caller]
    fn expect_error(&self, code: i32, printed: &str) -> &Run {
        self.expect_code(code).expect_text(&["error: ", printed]);
        assert_eq!(self.stderr.lines().count(), 1, "{self}");
        assert!(self.stdout.is_empty() && !self.dir.path().join("store").exists(), "{self}");
        self
    }

    #[track_caller]
    pub(crate) fn expect_result(&self, part: &str) -> &Run {
        assert!(self.stdout.contains(part), "{part:?} is missing\n{self}");
        self
    }

    /// Returns the path of a file of the stored test.
    pub(crate) fn stored(&self, file: &str) -> PathBuf {
        self.dir.path().join("store/latest").join(file)
    }
}

impl std::fmt::Display for Run {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Run { command, code, stdout, stderr, .. } = self;
        write!(f, "{command}\nexit {code:?}\n--- stdout\n{stdout}\n--- stderr\n{stderr}")
    }
}

/// Returns the processes whose command line contains this path.
pub(crate) fn processes_mentioning(path: &Path) -> Vec<String> {
    let wanted = path.to_str().unwrap();
    let entries = std::fs::read_dir("/proc").unwrap().flatten();
    entries
        .filter_map(|entry| std::fs::read_to_string(entry.path().join("cmdline")).ok())
        .map(|line| line.replace('\0', " "))
        .filter(|line| line.contains(wanted))
        .collect()
}
