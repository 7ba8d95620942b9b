//! `report.html` in a browser: the test uses every control once, and nothing fails.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;
use std::{env, fs, thread};

use crate::support::{WORKBENCH, faulty_node};

/// A script that uses every control, and writes its observations to an element of the page.
const DRIVER: &str = include_str!("report_driver.js");

/// A script that runs first and collects the errors and warnings of the page.
///
/// A headless browser may draw no frame in virtual time, so timers replace frames.
const WATCH: &str = "<script>window.failures = [];\n\
    addEventListener('error', (event) => failures.push(String(event.message)));\n\
    addEventListener('unhandledrejection', (event) => failures.push(String(event.reason)));\n\
    addEventListener('securitypolicyviolation', (event) => failures.push(event.violatedDirective));\n\
    window.requestAnimationFrame = (draw) => setTimeout(draw, 1);\n\
    console.error = console.warn = (...args) => failures.push(args.join(' '));</script>";

const BROWSERS: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "chrome"];

fn browser() -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    let mut directories = env::split_paths(&path);
    directories.find_map(|directory| {
        BROWSERS.iter().map(|name| directory.join(name)).find(|file| file.is_file())
    })
}

/// Opens a page and returns its document after its scripts have run.
fn document(browser: &Path, page: &Path, profile: &Path) -> String {
    let mut command = Command::new(browser);
    command
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"])
        .args(["--virtual-time-budget=20000", "--window-size=1200,900", "--dump-dom"])
        .arg(format!("--user-data-dir={}", profile.display()))
        .arg(format!("file://{}", page.display()))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    let child = command.spawn().unwrap();
    let id = child.id();
    let (sender, receiver) = mpsc::channel();
    let waiter = thread::spawn(move || sender.send(child.wait_with_output()));
    let output = receiver.recv_timeout(Duration::from_secs(120));
    if output.is_err() {
        let pid = rustix::process::Pid::from_raw(id.cast_signed()).unwrap();
        rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
    }
    waiter.join().unwrap().ok();
    String::from_utf8(output.expect("the browser ends in time").unwrap().stdout).unwrap()
}

#[test]
fn every_control_of_a_report_works_in_a_browser() {
    let Some(browser) = browser() else {
        println!("skipped: no Chromium is installed ({})", BROWSERS.join(", "));
        return;
    };
    // Nodes that keep everything to themselves lose values.
    let flags = "-w broadcast --node-count 2 --time-limit 2 --rate 20 --quiet-time 0.2 \
                 --nemesis partition --nemesis-interval 0.5";
    let run = faulty_node(flags, "tells nobody");
    run.expect_code(1).expect_text(&["lost value"]).expect_result("/report.html\n");
    let report = fs::read_to_string(run.stored("report.html")).unwrap();
    let (head, body) = report.split_once("<head>").unwrap();
    let (body, end) = body.rsplit_once("</body>").unwrap();
    let driven = format!("{head}<head>{WATCH}{body}<script>{DRIVER}</script></body>{end}");
    let page = run.dir.path().join("driven.html");
    fs::write(&page, driven).unwrap();
    let document = document(&browser, &page, &run.dir.path().join("profile"));
    let seen = document.split_once(r#"<pre id="seen">"#).and_then(|(_, s)| s.split_once("</pre>"));
    let Some((seen, _)) = seen else { panic!("the driver did not end: {document:.2000}") };
    assert!(seen.ends_with("failures: none"), "{seen}");
    for used in ["zoom in", "position", "theme", "pin by click", "pin by key", "anomaly", "fault"] {
        assert!(seen.contains(&format!("{used}: works")), "{used} in {seen}");
    }
}

#[test]
fn a_test_stores_a_report_and_its_plots() {
    let flags = "-w broadcast --node-count 3 --time-limit 5 --rate 20 --sim --seed 7";
    let run = crate::support::test(flags, &["--nemesis", "partition,loss"]);
    run.expect_valid();
    let expected = [
        ("report.html", "</html>"),
        ("timeline.html", "report.html#op-"),
        ("messages.svg", "gossip"),
        ("latency-raw.svg", "Latency"),
        ("latency-quantiles.svg", "median"),
        ("rate.svg", "broadcast ok"),
        ("messages-per-op.svg", "gossip"),
        ("stable-latency.svg", "values"),
        ("results.json", "\"valid?\":true"),
        ("history.jsonl", "\"type\":\"invoke\""),
    ];
    for (file, part) in expected {
        let text = fs::read_to_string(run.stored(file)).unwrap();
        assert!(text.contains(part), "{part} in {file}");
    }
    let lines = |file| fs::read_to_string(run.stored(file)).unwrap().lines().count();
    assert_eq!(lines("history.jsonl"), lines("history.edn"));
    for line in fs::read_to_string(run.stored("history.jsonl")).unwrap().lines() {
        let event: serde_json::Value = serde_json::from_str(line).unwrap();
        assert!(event["index"].is_u64(), "{line}");
    }
    let report = fs::read_to_string(run.stored("report.html")).unwrap();
    assert!(report.contains("--sim --seed 7"), "the command that runs the test again");

    let mut export = Command::new(WORKBENCH);
    export.args(["export", "--perfetto", "store/latest"]).current_dir(&run.dir);
    assert!(export.status().unwrap().success());
    let trace = fs::read_to_string(run.stored("perfetto.json")).unwrap();
    let trace: serde_json::Value = serde_json::from_str(&trace).unwrap();
    assert!(trace["traceEvents"].as_array().unwrap().len() > 100);
}
