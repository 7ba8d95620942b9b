//! The core needs neither std nor an allocator. A program without them links and runs.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a test's panic is the failure it reports")]

use std::path::Path;
use std::process::Command;

#[test]
fn a_program_without_std_and_allocator_issues_ids() {
    let package = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/no_std");
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("no_std");
    let build = Command::new(env!("CARGO"))
        .args(["build", "--release", "--locked", "--manifest-path"])
        .arg(package.join("Cargo.toml"))
        .arg("--target-dir")
        .arg(&target)
        // The flags of this build do not fit a program without std.
        .env_remove("RUSTFLAGS")
        .env_remove("CARGO_ENCODED_RUSTFLAGS")
        .output()
        .unwrap();
    assert!(build.status.success(), "{}", String::from_utf8_lossy(&build.stderr));

    let run = Command::new(target.join("release/no_std")).status().unwrap();
    assert_eq!(run.code(), Some(0), "the program issued wrong IDs");
}
