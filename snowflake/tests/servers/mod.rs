//! Real servers for tests, on loopback and in temporary directories. Each ends with its test.
//!
//! If a server is not installed, its tests report that they were skipped.
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

const START_TIMEOUT: Duration = Duration::from_secs(30);

/// A server's process. Dropping it kills the process.
#[derive(Debug)]
struct Process(Child);

impl Process {
    /// Starts the process, and waits until `is_ready`.
    fn start(mut command: Command, is_ready: impl Fn() -> bool) -> Process {
        let quiet = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut process = Process(quiet.spawn().unwrap());
        let start = Instant::now();
        while !is_ready() {
            let status = process.0.try_wait().unwrap();
            assert!(status.is_none(), "{command:?} ended: {status:?}");
            assert!(start.elapsed() < START_TIMEOUT, "{command:?} is not ready");
            thread::sleep(Duration::from_millis(20));
        }
        process
    }

    /// Stops the process and its children. Connections stay open, as with a machine that hangs.
    fn pause(&self) {
        kill_process(Pid::from_child(&self.0), Signal::STOP).unwrap();
        // A stopped process starts no more children.
        self.signal_children(Signal::STOP);
    }

    /// Resumes the process if it was stopped.
    fn resume(&self) {
        self.signal_children(Signal::CONT);
        // The process may have ended by itself.
        let _ = kill_process(Pid::from_child(&self.0), Signal::CONT);
    }

    fn signal_children(&self, signal: Signal) {
        let id = self.0.id();
        let children = fs::read_to_string(format!("/proc/{id}/task/{id}/children"));
        for child in children.unwrap_or_default().split_whitespace() {
            if let Some(child) = child.parse().ok().and_then(Pid::from_raw) {
                // The child may have ended by itself.
                let _ = kill_process(child, signal);
            }
        }
    }
}

impl Drop for Process {
    /// Kills the process. Its clients see closed connections.
    fn drop(&mut self) {
        // A stopped child would not notice that its parent has ended.
        self.resume();
        // The process may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Reports what a test skips. `io::stderr` bypasses the capture of the test runner.
pub(crate) fn skipped(what: &str) {
    // Standard error may be closed.
    let _ = writeln!(io::stderr(), "skipped: {what}");
}

/// Returns different ports that are free now. Another process may take one before it is used.
fn free_ports<const N: usize>() -> [u16; N] {
    // All listeners are open at the same time, so no port occurs twice.
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
    /// Starts a server. Returns `None`, and reports it, if PostgreSQL is not installed.
    pub(crate) fn start() -> Option<Postgres> {
        Postgres::start_with(&[], |_| {})
    }

    /// Starts a server with settings such as `ssl=on`. `prepare` may add files to the data
    /// directory.
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
        server.change_owner();
        let status = server
            .program("initdb")
            .args(["--auth=trust", "--username=ids", "--no-sync", "--encoding=UTF8"])
            .stdout(Stdio::null())
            .status();
        assert!(status.unwrap().success(), "initdb failed");
        prepare(server.data.path());
        server.change_owner();
        server.launch();
        Some(server)
    }

    /// Gives the data directory to the user `postgres`. PostgreSQL does not run as root.
    fn change_owner(&self) {
        if geteuid().is_root() {
            let status =
                Command::new("chown").arg("-R").arg("postgres").arg(self.data.path()).status();
            assert!(status.unwrap().success());
        }
    }

    /// Returns a command of PostgreSQL for the data directory. It does not run as root.
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

    /// Starts the process, also again after [`stop`](Postgres::stop).
    pub(crate) fn launch(&mut self) {
        let port = format!("port={}", self.port);
        let mut command = self.program("postgres");
        // Shared memory as files in the data directory: a kill leaves nothing elsewhere.
        let memory = "dynamic_shared_memory_type=mmap";
        let fixed = ["listen_addresses=127.0.0.1", "unix_socket_directories=", memory, &port];
        for setting in fixed.into_iter().chain(self.settings.iter().map(String::as_str)) {
            command.args(["-c", setting]);
        }
        let pg_isready = self.programs.join("pg_isready");
        let is_ready = || {
            let mut command = Command::new(&pg_isready);
            command.args(["--quiet", "--host=127.0.0.1", &format!("--port={}", self.port)]);
            command.status().unwrap().success()
        };
        self.process = Some(Process::start(command, is_ready));
    }

    /// Kills the server, as a crash does.
    pub(crate) fn stop(&mut self) {
        self.process = None;
    }

    /// Stops all processes of the server with SIGSTOP. Linux only.
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

    /// Returns the URL with another port, such as a [`Proxy`](proxy::Proxy)'s port.
    pub(crate) fn url_through(&self, port: u16) -> String {
        format!("postgresql://ids@127.0.0.1:{port}/postgres")
    }
}

impl Postgres {
    /// Executes `sql` as the superuser.
    pub(crate) fn execute(&self, sql: &str) {
        let mut psql = Command::new(self.programs.join("psql"));
        psql.args(["--quiet", "--command", sql, &self.url()]);
        assert!(psql.status().unwrap().success(), "{sql}");
    }
}

impl Postgres {
    /// Opens a session of the superuser, for a transaction of several steps.
    pub(crate) fn session(&self) -> Session {
        let mut psql = Command::new(self.programs.join("psql"));
        psql.args(["--quiet", "--tuples-only", "--set=ON_ERROR_STOP=1", &self.url()]);
        Session(psql.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap())
    }
}

/// A session of psql. Dropping it rolls its transaction back.
#[derive(Debug)]
pub(crate) struct Session(Child);

impl Session {
    /// Executes statements, and waits for their end.
    pub(crate) fn execute(&mut self, sql: &str) {
        const END: &str = "end of the statements";
        writeln!(self.0.stdin.as_mut().unwrap(), "{sql};\n\\echo {END}").unwrap();
        let mut output = Vec::new();
        while !output.ends_with(format!("{END}\n").as_bytes()) {
            let mut byte = [0];
            self.0.stdout.as_mut().unwrap().read_exact(&mut byte).expect(sql);
            output.extend(byte);
        }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // The process may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
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
    /// Starts a server. Returns `None`, and reports it, if etcd is not installed.
    pub(crate) fn start() -> Option<Etcd> {
        Etcd::start_with("http", &[])
    }

    /// Starts a server with command-line options. The scheme is `https` if they set up TLS.
    pub(crate) fn start_with(scheme: &'static str, options: &[&str]) -> Option<Etcd> {
        if Command::new("etcd").arg("--version").stdout(Stdio::null()).status().is_err() {
            skipped("etcd is not installed (Debian: apt-get install etcd-server)");
            return None;
        }
        let options = options.iter().map(|&option| option.to_owned()).collect();
        let data = tempfile::tempdir().unwrap();
        let [port, peer_port] = free_ports();
        let mut server = Etcd { data, options, scheme, port, peer_port, process: None };
        server.launch();
        Some(server)
    }

    /// Starts the process, also again after [`stop`](Etcd::stop).
    pub(crate) fn launch(&mut self) {
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
            // The port may be open before there is a leader.
            if is_tls { TcpStream::connect(("127.0.0.1", port)).is_ok() } else { is_healthy(port) }
        }));
    }

    /// Kills the server, as a crash does.
    pub(crate) fn stop(&mut self) {
        self.process = None;
    }

    /// Stops the server with SIGSTOP.
    pub(crate) fn pause(&mut self) {
        self.process.as_ref().unwrap().pause();
    }

    pub(crate) fn resume(&mut self) {
        self.process.as_ref().unwrap().resume();
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Returns the URL with a long timeout, because the machine may be busy.
    pub(crate) fn url(&self) -> String {
        format!("{}?timeout_ms=10000", self.url_through(self.port))
    }

    /// Returns the URL with the default timeout and another port, such as a
    /// [`Proxy`](proxy::Proxy)'s port.
    pub(crate) fn url_through(&self, port: u16) -> String {
        format!("etcd://127.0.0.1:{port}")
    }
}

impl Etcd {
    /// Runs etcdctl, as `user` if one is given. Returns `None`, and reports it, if etcdctl is not
    /// installed.
    pub(crate) fn etcdctl(&self, user: Option<&str>, args: &[&str]) -> Option<()> {
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

/// Returns `true` if etcd's health check reports that it has a leader.
fn is_healthy(port: u16) -> bool {
    let Ok(mut stream) = TcpStream::connect(("127.0.0.1", port)) else { return false };
    let sent = stream
        .set_read_timeout(Some(Duration::from_secs(1)))
        .and_then(|()| stream.write_all(b"GET /health HTTP/1.0\r\n\r\n"));
    let mut answer = String::new();
    sent.and_then(|()| stream.read_to_string(&mut answer)).is_ok() && answer.contains("true")
}
