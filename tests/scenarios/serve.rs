//! `workbench serve`: it serves the store, and nothing else, over HTTP.

use std::fs;
use std::io::{BufRead, BufReader, Cursor, Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use zip::ZipArchive;

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
    fn bytes(&self, request: &str) -> Vec<u8> {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        let mut response = Vec::new();
        stream.read_to_end(&mut response).unwrap();
        response
    }

    fn send(&self, request: &str) -> String {
        String::from_utf8_lossy(&self.bytes(request)).into_owned()
    }

    fn request(&self, target: &str) -> String {
        format!("GET {target} HTTP/1.1\r\nHost: {}\r\n\r\n", self.address)
    }

    fn get(&self, target: &str) -> String {
        self.send(&self.request(target))
    }

    #[track_caller]
    fn expect(&self, target: &str, status: u16, part: &str) {
        let response = self.get(target);
        assert!(response.starts_with(&format!("HTTP/1.1 {status} ")), "{target}: {response:.300}");
        assert!(response.contains(part), "{target} lacks {part:?}: {response:.2000}");
    }
}

fn run(store: &Path, name: &str, results: &str) {
    let dir = store.join(name);
    fs::create_dir_all(&dir).unwrap();
    fs::write(dir.join("results.edn"), results).unwrap();
}

#[test]
fn runs_are_listed_filtered_compared_and_shown() {
    let dir = tempfile::tempdir().unwrap();
    let store = dir.path().join("store");
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
    // Links of a page without its last slash lead to the files of the run.
    let file = "href=\"/store/kafka/latest/results.edn\"";
    serving.expect("/store/kafka/latest", 200, file);
    serving.expect("/store/kafka/20260104T000000.000Z/node-logs/n0.log", 200, "hello log");
    let pair = "run=echo/20260101T000000.000Z&run=kafka%2F20260102T000000.000Z";
    serving.expect(&format!("/compare?{pair}"), 200, "<tr class=differs><td>valid?");
    serving.expect("/compare?run=echo/20260101T000000.000Z", 400, "choose two runs");
    let missing = dir.path().join("none");
    let args = ["serve", "--port", "0", "--store", missing.to_str().unwrap()];
    workbench(&args).expect_code(255).expect_text(&["cannot serve"]);
}

#[test]
fn nothing_outside_the_store_is_served() {
    let dir = tempfile::tempdir().unwrap();
    let store = dir.path().join("store");
    run(&store, "echo/1", "{:valid? true}");
    fs::write(dir.path().join("secret"), "the secret").unwrap();
    symlink(dir.path(), store.join("echo/out")).unwrap();
    symlink(dir.path().join("secret"), store.join("echo/1/secret")).unwrap();
    symlink(dir.path().join("secret"), store.join("echo/1/report.html")).unwrap();
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

/// Returns the body of a chunked response.
fn body_of_chunks(response: &[u8]) -> Vec<u8> {
    let line_end = |bytes: &[u8]| bytes.windows(2).position(|pair| pair == b"\r\n").unwrap();
    let head_end = response.windows(4).position(|part| part == b"\r\n\r\n").unwrap();
    let (mut rest, mut body) = (&response[head_end + 4..], Vec::new());
    loop {
        let end = line_end(rest);
        let length = std::str::from_utf8(&rest[..end]).unwrap();
        let length = usize::from_str_radix(length, 16).unwrap();
        if length == 0 {
            assert_eq!(&rest[end..], b"\r\n\r\n");
            return body;
        }
        body.extend_from_slice(&rest[end + 2..end + 2 + length]);
        rest = &rest[end + 2 + length + 2..];
    }
}

#[test]
fn a_run_is_served_as_an_archive_of_its_own_files() {
    let dir = tempfile::tempdir().unwrap();
    let store = dir.path().join("store");
    run(&store, "echo/1", "{:valid? true}");
    fs::create_dir_all(store.join("echo/1/node-logs")).unwrap();
    // Random text does not compress, so the archive has several chunks.
    let log: String = (0..100_000_u64).map(|n| (n.wrapping_mul(n) % 9973).to_string()).collect();
    fs::write(store.join("echo/1/node-logs/n0.log"), &log).unwrap();
    fs::write(dir.path().join("secret"), "the secret").unwrap();
    symlink(dir.path().join("secret"), store.join("echo/1/secret")).unwrap();
    symlink(dir.path(), store.join("echo/1/out")).unwrap();
    symlink(dir.path(), store.join("echo/out")).unwrap();
    symlink("1", store.join("echo/latest")).unwrap();
    symlink("echo/1", store.join("latest")).unwrap();
    fs::create_dir_all(store.join("kafka/half-written")).unwrap();
    let serving = Serving::start(&store);
    for (target, files) in [
        ("/zip/echo/1", &["echo-1/node-logs/n0.log", "echo-1/results.edn"][..]),
        ("/zip/latest", &["echo-1/node-logs/n0.log", "echo-1/results.edn"]),
        ("/zip/kafka/half-written", &[]),
    ] {
        let response = serving.bytes(&serving.request(target));
        let head = String::from_utf8_lossy(&response[..300.min(response.len())]).into_owned();
        assert!(head.starts_with("HTTP/1.1 200 ") && head.contains(".zip\"\r\n"), "{head}");
        let mut archive = ZipArchive::new(Cursor::new(body_of_chunks(&response))).unwrap();
        let names: Vec<String> =
            archive.file_names().map(|name| name.unwrap().into_owned()).collect();
        assert_eq!(names, files, "{target}");
        if let Some(name) = files.first() {
            let mut text = String::new();
            archive.by_name(name).unwrap().read_to_string(&mut text).unwrap();
            assert!(text == log, "{target}");
        }
    }
    for target in [
        "/zip/",
        "/zip/echo",
        "/zip/echo/2",
        "/zip/echo/1/node-logs",
        "/zip/echo/1/results.edn",
        "/zip/echo/out",
        "/zip/echo/out/store",
        "/zip/../store",
        "/zip/echo/..",
        "/zip/%2e%2e/secret",
        "/zip/echo/1%00",
    ] {
        serving.expect(target, 404, "the run does not exist in the store");
    }
}

#[test]
fn ten_thousand_runs_are_listed() {
    let dir = tempfile::tempdir().unwrap();
    for number in 0..10_000 {
        run(dir.path(), &format!("echo/{number:05}"), "{:valid? true}");
    }
    let serving = Serving::start(dir.path());
    serving.expect("/?page=100", 200, "10000 runs, page 100 of 100");
    serving.expect("/?verdict=invalid", 200, "0 runs");
    serving.expect("/?text=echo/09999", 200, "1 runs");
}
