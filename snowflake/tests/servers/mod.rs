//! Real servers for tests: started on loopback with a data folder of their own, ended with
//! the test, and named as skipped where the machine has none.
#![cfg(unix)]
#![allow(dead_code, reason = "each test binary uses a part")]
#![allow(clippy::unwrap_used, reason = "a test's panic is the failure it reports")]

pub(crate) mod certificates;
pub(crate) mod proxy;

use std::fs;
use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, geteuid, kill_process};
use tempfile::TempDir;

/// How long a server may take to start.
const PATIENCE: Duration = Duration::from_secs(30);

/// A server's process, which ends with this.
#[derive(Debug)]
struct Process(Child);

impl Process {
    /// Starts it, and waits until it answers.
    fn start(mut command: Command, answers: impl Fn() -> bool) -> Process {
        let quiet = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut process = Process(quiet.spawn().unwrap());
        let begun = Instant::now();
        while !answers() {
            let ended = process.0.try_wait().unwrap();
            assert!(ended.is_none(), "{command:?} ended: {ended:?}");
            assert!(begun.elapsed() < PATIENCE, "{command:?} does not answer");
            thread::sleep(Duration::from_millis(20));
        }
        process
    }

    /// Stops it, as a machine that hangs: its connections stay open, and nobody answers.
    fn pause(&self) {
        kill_process(Pid::from_child(&self.0), Signal::STOP).unwrap();
        // From now on it has no more of them.
        self.tell_children(Signal::STOP);
    }

    /// Lets it go on, if it was stopped.
    fn resume(&self) {
        self.tell_children(Signal::CONT);
        // It may have ended by itself.
        let _ = kill_process(Pid::from_child(&self.0), Signal::CONT);
    }

    fn tell_children(&self, signal: Signal) {
        let id = self.0.id();
        let children = fs::read_to_string(format!("/proc/{id}/task/{id}/children"));
        for child in children.unwrap_or_default().split_whitespace() {
            if let Some(child) = child.parse().ok().and_then(Pid::from_raw) {
                // It may have ended by itself.
                let _ = kill_process(child, signal);
            }
        }
    }
}

impl Drop for Process {
    /// At once: its clients are told by a closed connection.
    fn drop(&mut self) {
        // A child that is stopped would not notice its end.
        self.resume();
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Names what a test has left out: past the test runner, which would keep it to itself.
pub(crate) fn skipped(what: &str) {
    // Nobody may be listening.
    let _ = writeln!(io::stderr(), "skipped: {what}");
}

/// Ports that are free, and may be taken by another before they are used.
fn free_ports<const N: usize>() -> [u16; N] {
    // All at once, or the second could be the first.
    let listeners = [(); N].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
    listeners.map(|listener| listener.local_addr().unwrap().port())
}

/// A PostgreSQL server whose clients need no password.
#[derive(Debug)]
pub(crate) struct Postgres {
    programs: PathBuf,
    data: TempDir,
    settings: Vec<String>,
    port: u16,
    process: Option<Process>,
}

impl Postgres {
    /// None, and said so, if PostgreSQL is not there.
    pub(crate) fn start() -> Option<Postgres> {
        Postgres::start_with(&[], |_| {})
    }

    /// The same with settings, as `ssl=on`, and with a data folder that was `prepared`.
    pub(crate) fn start_with(settings: &[&str], prepare: impl Fn(&Path)) -> Option<Postgres> {
        let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
        let programs =
            versions.map(|it| it.path().join("bin")).filter(|it| it.join("initdb").exists());
        let Some(programs) = programs.max() else {
            skipped("PostgreSQL is not installed (Debian: apt-get install postgresql)");
            return None;
        };
        let (data, [port]) = (tempfile::tempdir().unwrap(), free_ports());
        let settings = settings.iter().map(|&setting| setting.to_owned()).collect();
        let mut server = Postgres { programs, data, settings, port, process: None };
        server.give_away();
        let made = server
            .program("initdb")
            .args(["--auth=trust", "--username=ids", "--no-sync", "--encoding=UTF8"])
            .stdout(Stdio::null())
            .status();
        assert!(made.unwrap().success(), "initdb failed");
        prepare(server.data.path());
        server.give_away();
        server.run();
        Some(server)
    }

    /// It refuses to run as root.
    fn give_away(&self) {
        if geteuid().is_root() {
            let given =
                Command::new("chown").arg("-R").arg("postgres").arg(self.data.path()).status();
            assert!(given.unwrap().success());
        }
    }

    /// One of its programs, on its data folder, as a user that it accepts.
    fn program(&self, name: &str) -> Command {
        let path = self.programs.join(name);
        let mut command = if geteuid().is_root() {
            let mut command = Command::new("setpriv");
            command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups"]).arg(path);
            command
        } else {
            Command::new(path)
        };
        command.arg("-D").arg(self.data.path()).current_dir("/");
        command
    }

    /// Starts it, again after [`stop`](Postgres::stop).
    pub(crate) fn run(&mut self) {
        let port = format!("port={}", self.port);
        let mut command = self.program("postgres");
        // In its data folder what would else be left behind when it is killed.
        let memory = "dynamic_shared_memory_type=mmap";
        let ours = ["listen_addresses=127.0.0.1", "unix_socket_directories=", memory, &port];
        for setting in ours.into_iter().chain(self.settings.iter().map(String::as_str)) {
            command.args(["-c", setting]);
        }
        let is_ready = self.programs.join("pg_isready");
        let answers = || {
            let mut command = Command::new(&is_ready);
            command.args(["--quiet", "--host=127.0.0.1", &format!("--port={}", self.port)]);
            command.status().unwrap().success()
        };
        self.process = Some(Process::start(command, answers));
    }

    /// Ends it as a crash does.
    pub(crate) fn stop(&mut self) {
        self.process = None;
    }

    /// Stops all of its processes. Linux only.
    pub(crate) fn pause(&mut self) {
        self.process.as_ref().unwrap().pause();
    }

    pub(crate) fn resume(&mut self) {
        self.process.as_ref().unwrap().resume();
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn url(&self) -> String {
        self.url_through(self.port)
    }

    /// The same through another port, as a [`Proxy`](proxy::Proxy)'s.
    pub(crate) fn url_through(&self, port: u16) -> String {
        format!("postgresql://ids@127.0.0.1:{port}/postgres")
    }
}

impl Postgres {
    /// Has its superuser say `sql`.
    pub(crate) fn say(&self, sql: &str) {
        let mut psql = Command::new(self.programs.join("psql"));
        psql.args(["--quiet", "--command", sql, &self.url()]);
        assert!(psql.status().unwrap().success(), "{sql}");
    }
}

/// An etcd server, a cluster of one.
#[derive(Debug)]
pub(crate) struct Etcd {
    data: TempDir,
    options: Vec<String>,
    scheme: &'static str,
    port: u16,
    peer_port: u16,
    process: Option<Process>,
}

impl Etcd {
    /// None, and said so, if etcd is not there.
    pub(crate) fn start() -> Option<Etcd> {
        Etcd::start_with("http", &[])
    }

    /// The same with options of its own, and `https` if they are those of TLS.
    pub(crate) fn start_with(scheme: &'static str, options: &[&str]) -> Option<Etcd> {
        if Command::new("etcd").arg("--version").stdout(Stdio::null()).status().is_err() {
            skipped("etcd is not installed (Debian: apt-get install etcd-server)");
            return None;
        }
        let options = options.iter().map(|&option| option.to_owned()).collect();
        let data = tempfile::tempdir().unwrap();
        let [port, peer_port] = free_ports();
        let mut server = Etcd { data, options, scheme, port, peer_port, process: None };
        server.run();
        Some(server)
    }

    /// Starts it, again after [`stop`](Etcd::stop).
    pub(crate) fn run(&mut self) {
        let Etcd { scheme, port, peer_port, .. } = self;
        let client = format!("{scheme}://127.0.0.1:{port}");
        let peer = format!("http://127.0.0.1:{peer_port}");
        let mut command = Command::new("etcd");
        command.arg("--data-dir").arg(self.data.path()).args(&self.options).args([
            "--listen-client-urls",
            &client,
            "--advertise-client-urls",
            &client,
            "--listen-peer-urls",
            &peer,
            "--initial-advertise-peer-urls",
            &peer,
            "--initial-cluster",
            &format!("default={peer}"),
        ]);
        let is_tls = *scheme == "https";
        let port = *port;
        self.process = Some(Process::start(command, || {
            // It listens a moment before it has a leader.
            if is_tls { TcpStream::connect(("127.0.0.1", port)).is_ok() } else { is_healthy(port) }
        }));
    }

    /// Ends it as a crash does.
    pub(crate) fn stop(&mut self) {
        self.process = None;
    }

    /// Stops it.
    pub(crate) fn pause(&mut self) {
        self.process.as_ref().unwrap().pause();
    }

    pub(crate) fn resume(&mut self) {
        self.process.as_ref().unwrap().resume();
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// For a store that has patience with a busy machine.
    pub(crate) fn url(&self) -> String {
        format!("{}?timeout_ms=10000", self.url_through(self.port))
    }

    /// For a store with the usual patience, through a port that may be a
    /// [`Proxy`](proxy::Proxy)'s.
    pub(crate) fn url_through(&self, port: u16) -> String {
        format!("etcd://127.0.0.1:{port}")
    }
}

impl Etcd {
    /// Has etcdctl do something, as a user if there is one. None, and said so, if it is not there.
    pub(crate) fn ctl(&self, user: Option<&str>, args: &[&str]) -> Option<()> {
        let mut etcdctl = Command::new("etcdctl");
        etcdctl.env("ETCDCTL_API", "3").stdout(Stdio::null()).stderr(Stdio::null());
        etcdctl.arg(format!("--endpoints=http://127.0.0.1:{}", self.port));
        etcdctl.args(user.map(|user| format!("--user={user}"))).args(args);
        let Ok(status) = etcdctl.status() else {
            skipped("etcdctl is not installed (Debian: apt-get install etcd-client)");
            return None;
        };
        assert!(status.success(), "etcdctl {args:?}");
        Some(())
    }
}

/// Whether etcd has a leader, by its own word.
fn is_healthy(port: u16) -> bool {
    let Ok(mut stream) = TcpStream::connect(("127.0.0.1", port)) else { return false };
    let asked = stream
        .set_read_timeout(Some(Duration::from_secs(1)))
        .and_then(|()| stream.write_all(b"GET /health HTTP/1.0\r\n\r\n"));
    let mut answer = String::new();
    asked.and_then(|()| stream.read_to_string(&mut answer)).is_ok() && answer.contains("true")
}
