//! MariaDB.

use std::net::TcpStream;
use std::path::Path;

use crate::{Server, User, free_port, skipped};

const PROGRAM: &str = "/usr/sbin/mariadbd";

/// A MariaDB server whose clients need no password. It has no database at first.
#[derive(Debug)]
pub struct MariaDb {
    port: u16,
    _server: Server,
}

impl MariaDb {
    /// Starts a server, or prints that the test is skipped if MariaDB is not installed.
    pub fn start() -> Option<MariaDb> {
        let program = Path::new(PROGRAM);
        if !program.exists() {
            skipped("MariaDB");
            return None;
        }
        let directory = tempfile::tempdir().unwrap();
        let user = User::of(directory.path(), "nobody", "nogroup");
        let port = free_port();
        let path = directory.path().display();
        let mut mariadb = user.command(program);
        mariadb.args([
            "--no-defaults",
            // Without tables of privileges nothing has to be installed before the start.
            "--skip-grant-tables",
            "--bind-address=127.0.0.1",
            "--innodb-log-file-size=4M",
            &format!("--datadir={path}"),
            &format!("--pid-file={path}/pid"),
            &format!("--port={port}"),
            &format!("--socket={path}/socket"),
        ]);
        let is_ready = || TcpStream::connect(("127.0.0.1", port)).is_ok();
        let server = Server::start(&mut mariadb, directory, is_ready);
        Some(MariaDb { port, _server: server })
    }

    /// Returns the URL of a superuser.
    pub fn url(&self) -> String {
        format!("mysql://root@127.0.0.1:{}", self.port)
    }
}
