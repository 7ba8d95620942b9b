//! Real servers for tests: on loopback, with a directory of their own, ended with the test.
#![allow(clippy::missing_panics_doc, clippy::unwrap_used, reason = "a test's panic is the failure")]

mod mariadb;
mod postgres;

use std::fs;
use std::io::{self, Write};
use std::net::TcpListener;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

pub use crate::mariadb::MariaDb;
pub use crate::postgres::Postgres;

/// The longest start of a server.
const START_TIMEOUT: Duration = Duration::from_secs(60);

/// The time between two checks of a server that starts.
const POLL_INTERVAL: Duration = Duration::from_millis(20);

/// The process of a server, and its directory.
#[derive(Debug)]
struct Server {
    process: Child,
    // Removed after the process has ended.
    _directory: TempDir,
}

impl Server {
    /// Starts a server, and waits until it is ready.
    fn start(
        command: &mut Command,
        directory: TempDir,
        mut is_ready: impl FnMut() -> bool,
    ) -> Server {
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let started = Instant::now();
        let process = command.spawn().unwrap();
        let mut server = Server { process, _directory: directory };
        while !is_ready() {
            let ended = server.process.try_wait().unwrap();
            assert!(ended.is_none(), "{command:?} ended: {ended:?}");
            assert!(started.elapsed() < START_TIMEOUT, "{command:?} does not start");
            thread::sleep(POLL_INTERVAL);
        }
        server
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // The server may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Prints that a test is skipped because a server is not installed.
fn skipped(server: &str) {
    // This bypasses the test runner, which would show the text only if the test fails.
    let _ = writeln!(io::stderr(), "skipped: {server} is not installed");
}

/// Returns a port that was free a moment ago.
fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// The user who runs a server. Servers do not run as root.
#[derive(Clone, Copy)]
struct User {
    name: &'static str,
    group: &'static str,
    is_needed: bool,
}

impl User {
    /// Returns a user, who owns the directory if the tests run as root.
    fn of(directory: &Path, name: &'static str, group: &'static str) -> User {
        let is_needed = fs::metadata(directory).unwrap().uid() == 0;
        if is_needed {
            let owner = Command::new("chown").arg(name).arg(directory).status();
            assert!(owner.unwrap().success(), "chown failed");
        }
        User { name, group, is_needed }
    }

    /// Returns a command that runs a program as this user.
    fn command(self, program: &Path) -> Command {
        if !self.is_needed {
            return Command::new(program);
        }
        let mut command = Command::new("setpriv");
        command.arg(format!("--reuid={}", self.name)).arg(format!("--regid={}", self.group));
        command.arg("--clear-groups").arg(program);
        command
    }
}
