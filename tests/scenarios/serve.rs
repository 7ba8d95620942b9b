//! `workbench serve`: it serves the store, and nothing else, over HTTP.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::support::{WORKBENCH, workbench};

/// A server of a store, killed at the end of its test.
struct Serving {
    child: Child,
    address: String,
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Serving {
    fn start(store: &Path) -> Serving {
        let args = ["serve", "--port", "0", "--store", store.to_str().unwrap()];
        let mut child = Command::new(WORKBENCH)
            .args(args)
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stderr.take().unwrap()).read_line(&mut line).unwrap();
        let (_, address) = line.split_once("http://").unwrap();
        Serving { child, address: address.trim().trim_end_matches('/').to_owned() }
    }

    /// Sends the bytes of a request unchanged, and returns the whole response.
    fn send(&self, request: &str) -> String {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        let mut response = Vec::new();
        stream.read_to_end(&mut response).unwrap();
        String::from_utf8_lossy(&response).into_owned()
    }

    fn get(&self, target: &str) -> String {
        self.send(&format!("GET {target} HTTP/1.1\r\nHost: {}\r\n\r\n", self.address))
    }

    #[track_caller]
    fn expect(&self, target: &str, status: u16, part: &str) {
        let response = self.get(target);
        assert!(response.starts_with(&format!("HTTP/1.1 {status} ")), "{target}: {response:.300}");
        assert!(response.contains(part), "{target} lacks {part:?}: {response:.2000}");
    }
}

fn run(store: &Path, name: &str, results: &str) {
    let folder = store.join(name);
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("results.edn"), results).unwrap();
}

#[test]
fn runs_are_listed_filtered_compared_and_shown() {
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("store");
    run(&store, "echo/20260101T000000.000Z", "{:seed 41, :stats {:count 7}, :valid? true}");
    run(&store, "kafka/20260102T000000.000Z", "{:plan {:nemesis [:kill]}, :valid? false}");
    run(&store, "kafka/20260103T000000.000Z", "{:plan {:nemesis [:ki");
    fs::create_dir_all(store.join("kafka/20260104T000000.000Z/node-logs")).unwrap();
    fs::write(store.join("kafka/20260104T000000.000Z/node-logs/n0.log"), "hello log").unwrap();
    symlink("20260102T000000.000Z", store.join("kafka/latest")).unwrap();
    let serving = Serving::start(&store);
    serving.expect("/", 200, "4 runs, page 1 of 1");
    for words in ["class=valid", "class=invalid", "class=unreadable", "class=unfinished", "7 oper"]
    {
        serving.expect("/", 200, words);
    }
    serving.expect("/?workload=kafka&verdict=invalid", 200, "1 runs");
    serving.expect("/?text=seed+41", 200, "1 runs");
    serving.expect("/?text=kill", 200, "1 runs");
    serving.expect("/store/echo/20260101T000000.000Z/", 200, "<td>stats count<td class=value>7");
    serving.expect("/store/kafka/latest/results.edn", 200, ":valid? false");
    serving.expect("/store/kafka/20260104T000000.000Z/node-logs/n0.log", 200, "hello log");
    let pair = "run=echo/20260101T000000.000Z&run=kafka%2F20260102T000000.000Z";
    serving.expect(&format!("/compare?{pair}"), 200, "<tr class=differs><td>valid?");
    serving.expect("/compare?run=echo/20260101T000000.000Z", 400, "choose two runs");
    let missing = folder.path().join("none");
    let args = ["serve", "--port", "0", "--store", missing.to_str().unwrap()];
    workbench(&args).expect_code(255).expect_text(&["cannot serve"]);
}

#[test]
fn nothing_outside_the_store_is_served() {
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("store");
    run(&store, "echo/1", "{:valid? true}");
    fs::write(folder.path().join("secret"), "the secret").unwrap();
    symlink(folder.path(), store.join("echo/out")).unwrap();
    symlink(folder.path().join("secret"), store.join("echo/1/secret")).unwrap();
    symlink(folder.path().join("secret"), store.join("echo/1/report.html")).unwrap();
    let serving = Serving::start(&store);
    for target in [
        "/store/../secret",
        "/store/%2e%2e/secret",
        "/store/echo/..%2f..%2fsecret",
        "/store/echo/1/%2e%2e/%2e%2e/%2e%2e/secret",
        "/store/echo/out/secret",
        "/store/echo/out/",
        "/store/echo/1/secret",
        "/store/echo/1/report.html",
        "/store//etc/passwd",
        "/store/%2fetc%2fpasswd",
        "/store/echo/1/results.edn%00",
        "/../../etc/passwd",
        "/secret",
    ] {
        let response = serving.get(target);
        assert!(response.starts_with("HTTP/1.1 40"), "{target}: {response:.200}");
        assert!(!response.contains("the secret") && !response.contains("root:"), "{target}");
    }
    let own = format!("Host: {}\r\n\r\n", serving.address);
    for (request, status) in [
        (format!("POST / HTTP/1.1\r\n{own}"), 405),
        (format!("DELETE /store/echo/1 HTTP/1.1\r\n{own}"), 405),
        ("GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n".to_owned(), 403),
        (format!("GET /{} HTTP/1.1\r\n{own}", "x".repeat(20_000)), 431),
        ("\r\n\r\n".to_owned(), 400),
    ] {
        let response = serving.send(&request);
        assert!(
            response.starts_with(&format!("HTTP/1.1 {status} ")),
            "{request:.60}: {response:.99}"
        );
    }
    assert!(store.join("echo/1").exists());
    serving.expect("/store/echo/1/results.edn", 200, ":valid? true");
}

#[test]
fn ten_thousand_runs_are_listed() {
    let folder = tempfile::tempdir().unwrap();
    for number in 0..10_000 {
        run(folder.path(), &format!("echo/{number:05}"), "{:valid? true}");
    }
    let serving = Serving::start(folder.path());
    serving.expect("/?page=100", 200, "10000 runs, page 100 of 100");
    serving.expect("/?verdict=invalid", 200, "0 runs");
    serving.expect("/?text=echo/09999", 200, "1 runs");
}
