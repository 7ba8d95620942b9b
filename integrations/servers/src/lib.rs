//! Real servers for tests: on loopback, with a directory of their own, ended with the test.
#![allow(clippy::missing_panics_doc, clippy::unwrap_used, reason = "a test's panic is the failure")]

use std::fs;
use std::io::{self, Write};
use std::net::TcpListener;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

/// The longest start of a server.
const START_TIMEOUT: Duration = Duration::from_secs(60);

/// The time between two checks of a server that starts.
const POLL_INTERVAL: Duration = Duration::from_millis(20);

/// A PostgreSQL server whose clients need no password.
#[derive(Debug)]
pub struct Postgres {
    port: u16,
    process: Child,
    // Removed after the process has ended.
    _directory: TempDir,
}

impl Postgres {
    /// Starts a server, or prints that the test is skipped if PostgreSQL is not installed.
    pub fn start() -> Option<Postgres> {
        let Some(programs) = installed() else {
            // Past the test runner, which would show it only if the test fails.
            let _ = writeln!(io::stderr(), "skipped: PostgreSQL is not installed");
            return None;
        };
        let directory = tempfile::tempdir().unwrap();
        let is_root = fs::metadata(directory.path()).unwrap().uid() == 0;
        let program = |name: &str| as_user(&programs.join(name), directory.path(), is_root);
        if is_root {
            let owner = Command::new("chown").arg("postgres").arg(directory.path()).status();
            assert!(owner.unwrap().success(), "chown failed");
        }
        let mut initdb = program("initdb");
        initdb.args(["--auth=trust", "--username=ids", "--no-sync", "--encoding=UTF8"]);
        assert!(initdb.stdout(Stdio::null()).status().unwrap().success(), "initdb failed");

        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut postgres = program("postgres");
        for setting in [
            "listen_addresses=127.0.0.1",
            "unix_socket_directories=",
            // In the directory, which is removed also if the server is killed.
            "dynamic_shared_memory_type=mmap",
            &format!("port={port}"),
        ] {
            postgres.args(["-c", setting]);
        }
        postgres.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let process = postgres.spawn().unwrap();
        let mut server = Postgres { port, process, _directory: directory };
        server.wait_until_ready(&programs.join("pg_isready"));
        Some(server)
    }

    /// Returns the URL of a superuser.
    pub fn url(&self) -> String {
        format!("postgresql://ids@127.0.0.1:{}/postgres", self.port)
    }

    fn wait_until_ready(&mut self, is_ready: &Path) {
        let started = Instant::now();
        let port = format!("--port={}", self.port);
        let mut ask = Command::new(is_ready);
        ask.args(["--quiet", "--host=127.0.0.1", &port]);
        while !ask.status().unwrap().success() {
            let ended = self.process.try_wait().unwrap();
            assert!(ended.is_none(), "PostgreSQL ended: {ended:?}");
            assert!(started.elapsed() < START_TIMEOUT, "PostgreSQL does not start");
            thread::sleep(POLL_INTERVAL);
        }
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        // The server may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Returns the directory of the newest installed programs.
fn installed() -> Option<PathBuf> {
    let versions = fs::read_dir("/usr/lib/postgresql").ok()?.flatten();
    let programs = versions.map(|version| version.path().join("bin"));
    programs.filter(|programs| programs.join("initdb").exists()).max()
}

/// Returns a command for a program on the data directory, as a user that is not root.
fn as_user(program: &Path, directory: &Path, is_root: bool) -> Command {
    let mut command = match is_root {
        true => Command::new("setpriv"),
        false => Command::new(program),
    };
    if is_root {
        command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups"]).arg(program);
    }
    command.arg("-D").arg(directory).current_dir("/");
    command
}
