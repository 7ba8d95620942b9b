//! The PostgreSQL store on a real server, started here on loopback.
//!
//! Without PostgreSQL on the machine the test says that it was skipped, and passes.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test's panic is the failure it reports")]

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use std::{fs, thread};

use snowflake::lease::{Bounds, Keeper, LeaseError, LeaseStore, PostgresStore, Request, Successor};
use snowflake::{ClaimError, Clock, Epoch, LeaseEnd, NodeId, SystemClock, UnixMillis};
use tempfile::TempDir;

const EPOCH: Epoch = Epoch::Y2024;
const PATIENCE: Duration = Duration::from_secs(30);

/// A server with a data folder of its own, on a free port.
struct Server {
    programs: PathBuf,
    data: TempDir,
    port: u16,
    process: Option<Child>,
}

impl Server {
    /// None if PostgreSQL is not there.
    fn start() -> Option<Server> {
        let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
        let programs =
            versions.map(|it| it.path().join("bin")).filter(|it| it.join("initdb").exists());
        let Some(programs) = programs.max() else {
            println!("skipped: PostgreSQL is not installed (Debian: apt-get install postgresql)");
            return None;
        };
        let data = tempfile::tempdir().unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut server = Server { programs, data, port, process: None };
        if rustix::process::geteuid().is_root() {
            let owned = Command::new("chown").arg("postgres").arg(server.data.path()).status();
            assert!(owned.unwrap().success());
        }
        let made = server
            .program("initdb")
            .args(["--auth=trust", "--username=ids", "--no-sync", "--encoding=UTF8"])
            .stdout(Stdio::null())
            .status();
        assert!(made.unwrap().success(), "initdb failed");
        server.run();
        Some(server)
    }

    /// One of its programs, on its data folder, as a user that it accepts.
    fn program(&self, name: &str) -> Command {
        let path = self.programs.join(name);
        let mut command = if rustix::process::geteuid().is_root() {
            let mut command = Command::new("setpriv");
            command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups"]).arg(path);
            command
        } else {
            Command::new(path)
        };
        command.arg("-D").arg(self.data()).current_dir("/");
        command
    }

    fn data(&self) -> &Path {
        self.data.path()
    }

    fn run(&mut self) {
        let port = format!("port={}", self.port);
        let options = ["listen_addresses=127.0.0.1", "unix_socket_directories=", &port];
        let mut command = self.program("postgres");
        for option in options {
            command.args(["-c", option]);
        }
        self.process = Some(command.stderr(Stdio::null()).spawn().unwrap());
        let begun = Instant::now();
        while let Err(error) = self.connect(EPOCH) {
            assert!(begun.elapsed() < PATIENCE, "{error}");
            thread::sleep(Duration::from_millis(20));
        }
    }

    fn stop(&mut self) {
        if let Some(mut process) = self.process.take() {
            // At once: its clients are told by a closed connection.
            process.kill().unwrap();
            process.wait().unwrap();
        }
    }

    fn connect(&self, epoch: Epoch) -> Result<PostgresStore, LeaseError> {
        let url = format!("postgresql://ids@127.0.0.1:{}/postgres", self.port);
        PostgresStore::connect(&url, epoch, Bounds::default())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
    }
}

fn request(id: Option<u16>, now: UnixMillis) -> Request {
    Request {
        node: id.map(|id| NodeId::new(id).unwrap()),
        now,
        grant_ms: 3000,
        holder: "test".to_owned(),
        successor: Successor::RunsAhead,
    }
}

/// One server for all, because starting it takes a second.
#[test]
fn postgres() {
    let Some(mut server) = Server::start() else { return };
    marks_are_shared_and_fences_hold(&server);
    a_clock_a_year_ahead_burns_no_node_id(&server);
    holders_that_acquire_at_once_get_different_node_ids(&server);
    ids_outlive_the_server_until_the_grant_ends(&mut server);
}

fn marks_are_shared_and_fences_hold(server: &Server) {
    let [one, other] = [(); 2].map(|()| server.connect(EPOCH).unwrap());
    let now = SystemClock.now();
    let first = one.acquire(&request(Some(7), now)).unwrap();
    let until = UnixMillis(first.until.0 + 1000);
    let renewed = one.renew(&first, now, until).unwrap();
    assert_eq!((renewed.from, renewed.until, renewed.fence), (first.until, until, 1));

    let second = other.acquire(&request(Some(7), now)).unwrap();
    assert_eq!((second.from, second.fence), (until, 2));
    let late = one.renew(&renewed, now, UnixMillis(until.0 + 9000));
    assert!(matches!(late, Err(LeaseError::TakenOver { fence: 1, newer: 2, .. })), "{late:?}");
    assert!(one.release(&renewed, now).is_err(), "nor does the first lower the mark");

    other.release(&second, UnixMillis(second.from.0 + 5)).unwrap();
    let records = one.records().unwrap();
    let (node, record) = records.iter().find(|(node, _)| node.get() == 7).unwrap();
    assert_eq!((node.get(), record.held, record.mark.0), (7, false, second.from.0 + 5));
    let released = other.renew(&second, now, UnixMillis(until.0 + 9000));
    assert!(matches!(released, Err(LeaseError::Released { .. })), "{released:?}");

    let twitter = server.connect(Epoch::TWITTER).unwrap_err();
    assert!(matches!(twitter, LeaseError::OtherNamespace { .. }), "{twitter}");
}

fn a_clock_a_year_ahead_burns_no_node_id(server: &Server) {
    let store = server.connect(EPOCH).unwrap();
    let year_ms = 365 * 86_400_000;
    let wrong = UnixMillis(SystemClock.now().0 + year_ms);
    let refused = store.acquire(&request(Some(8), wrong)).unwrap_err();
    assert!(refused.wait_ms().is_some_and(|ms| ms.abs_diff(year_ms) < 100_000), "{refused}");

    let right = store.acquire(&request(Some(8), SystemClock.now())).unwrap();
    let refused = store.renew(&right, wrong, wrong);
    assert!(matches!(refused, Err(LeaseError::TooFarAhead { .. })), "{refused:?}");
}

fn holders_that_acquire_at_once_get_different_node_ids(server: &Server) {
    let mut nodes: Vec<NodeId> = thread::scope(|scope| {
        let acquire = || {
            let store = server.connect(EPOCH).unwrap();
            [(); 4].map(|()| store.acquire(&request(None, SystemClock.now())).unwrap().node)
        };
        let holders: Vec<_> = (0..8).map(|_| scope.spawn(acquire)).collect();
        holders.into_iter().flat_map(|holder| holder.join().unwrap()).collect()
    });
    nodes.sort_unstable();
    nodes.dedup();
    assert_eq!(nodes.len(), 8 * 4);
}

fn ids_outlive_the_server_until_the_grant_ends(server: &mut Server) {
    let store = server.connect(EPOCH).unwrap();
    let keeper = Keeper::builder(store).grant_ms(1500).start(SystemClock).unwrap();
    let generator = keeper.generator();
    let mut last = generator.next_id().unwrap();
    server.stop();
    let until = keeper.status().unwrap().lease.until;
    let begun = Instant::now();
    let ended = loop {
        assert!(begun.elapsed() < PATIENCE, "IDs without an end");
        match generator.try_next_id() {
            Ok(id) => last = id,
            Err(ClaimError::Ahead { .. }) => thread::yield_now(),
            Err(ended) => break ended,
        }
    };
    assert_eq!(ended, ClaimError::LeaseEnded { until, why: LeaseEnd::StoreFailed });
    assert!(EPOCH.time_of(last) < until && EPOCH.time_of(last).0 + 100 >= until.0);
    let error = keeper.status().unwrap().error.unwrap().to_string();
    assert!(error.starts_with("lease store in PostgreSQL at 127.0.0.1/postgres: renewing failed"));

    server.run();
    let begun = Instant::now();
    let next = loop {
        assert!(begun.elapsed() < PATIENCE, "no IDs after the server's return");
        match generator.try_next_id() {
            Ok(id) => break id,
            Err(_) => thread::yield_now(),
        }
    };
    assert!(next > last);
    keeper.release().unwrap();
}
