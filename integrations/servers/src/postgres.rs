//! PostgreSQL.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use crate::{Server, User, free_port, skipped};

/// A PostgreSQL server whose clients need no password.
#[derive(Debug)]
pub struct Postgres {
    port: u16,
    _server: Server,
}

impl Postgres {
    /// Starts a server, or prints that the test is skipped if PostgreSQL is not installed.
    pub fn start() -> Option<Postgres> {
        let Some(programs) = installed() else {
            skipped("PostgreSQL");
            return None;
        };
        let directory = tempfile::tempdir().unwrap();
        let user = User::of(directory.path(), "postgres", "postgres");
        let program = |name: &str| {
            let mut command = user.command(&programs.join(name));
            command.arg("-D").arg(directory.path()).current_dir("/");
            command
        };
        let mut initdb = program("initdb");
        initdb.args(["--auth=trust", "--username=ids", "--no-sync", "--encoding=UTF8"]);
        assert!(initdb.stdout(Stdio::null()).status().unwrap().success(), "initdb failed");

        let port = free_port();
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
        let mut is_ready = Command::new(programs.join("pg_isready"));
        is_ready.args(["--quiet", "--host=127.0.0.1", &format!("--port={port}")]);
        let is_ready = || is_ready.status().unwrap().success();
        let server = Server::start(&mut postgres, directory, is_ready);
        Some(Postgres { port, _server: server })
    }

    /// Returns the URL of a superuser.
    pub fn url(&self) -> String {
        format!("postgresql://ids@127.0.0.1:{}/postgres", self.port)
    }
}

/// Returns the directory of the newest installed programs.
fn installed() -> Option<PathBuf> {
    let versions = fs::read_dir("/usr/lib/postgresql").ok()?.flatten();
    let programs = versions.map(|version| version.path().join("bin"));
    programs.filter(|programs| programs.join("initdb").exists()).max()
}
