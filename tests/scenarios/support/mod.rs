//! Running the bench the way a person does: its binary, in a folder of its own.

#![allow(dead_code, reason = "every scenario file includes this one and uses some of it")]
#![allow(clippy::unwrap_used, reason = "a test may unwrap: the panic is the failure it reports")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;

pub(crate) const WORKBENCH: &str = env!("CARGO_BIN_EXE_workbench");
pub(crate) const BAD_NODE: &str = env!("CARGO_BIN_EXE_bad-node");

/// A finished run of the bench.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) command: String,
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    pub(crate) folder: TempDir,
}

/// Runs `workbench test` with these flags, separated by spaces, and more that may hold spaces.
pub(crate) fn test(flags: &str, more: &[&str]) -> Run {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new(WORKBENCH);
    command.arg("test").args(flags.split_whitespace()).args(more).current_dir(&folder);
    let Output { status, stdout, stderr } = command.output().unwrap();
    Run {
        command: format!("workbench test {flags} {}", more.join(" ")),
        code: status.code(),
        stdout: String::from_utf8(stdout).unwrap(),
        stderr: String::from_utf8(stderr).unwrap(),
        folder,
    }
}

/// Runs the test with a node that has this flaw.
pub(crate) fn bad_node(flags: &str, flaw: &str) -> Run {
    test(flags, &["--bin", BAD_NODE, "--", flaw])
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
        assert!(self.stdout.trim_end().ends_with(":valid? true}"), "{self}");
        self
    }

    /// The message names what has to be known to find the fault.
    #[track_caller]
    pub(crate) fn expect_said(&self, parts: &[&str]) -> &Run {
        for part in parts {
            assert!(self.stderr.contains(part), "{part:?} is missing\n{self}");
        }
        assert!(!self.stderr.contains("panicked at tests/"), "{self}");
        self
    }

    #[track_caller]
    pub(crate) fn expect_result(&self, part: &str) -> &Run {
        assert!(self.stdout.contains(part), "{part:?} is missing\n{self}");
        self
    }

    /// A file of the stored test.
    pub(crate) fn stored(&self, file: &str) -> PathBuf {
        self.folder.path().join("store/latest").join(file)
    }
}

impl std::fmt::Display for Run {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Run { command, code, stdout, stderr, .. } = self;
        write!(f, "{command}\nexit {code:?}\n--- stdout\n{stdout}\n--- stderr\n{stderr}")
    }
}

/// The processes whose command line mentions this path.
pub(crate) fn processes_mentioning(path: &Path) -> Vec<String> {
    let wanted = path.to_str().unwrap();
    let entries = std::fs::read_dir("/proc").unwrap().flatten();
    entries
        .filter_map(|entry| std::fs::read_to_string(entry.path().join("cmdline")).ok())
        .map(|line| line.replace('\0', " "))
        .filter(|line| line.contains(wanted))
        .collect()
}
