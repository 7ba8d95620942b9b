//! The structure of the bench: dependencies between its directories point one way, and it decodes
//! messages with its own code.

use std::fs;
use std::path::{Path, PathBuf};

/// The directories of `src`, from the bottom up. Each one uses only itself and earlier ones.
const LAYERS: [&str; 16] = [
    "base", "format", "net", "service", "plan", "history", "judge", "workload", "runner", "output",
    "drive", "faulty", "doctor", "serve", "bench", "cli",
];

/// The only directory that uses types of the project's own node.
const OWN_NODE: &str = "drive/own_node/";

/// The directories of `workload` that several workloads share.
const SHARED_BY_WORKLOADS: [&str; 2] = ["growing_set", "txn"];

/// The beginning of an inline test module.
const TEST_MODULE: &str = "\n#[cfg(test)]\nmod tests {";

fn source() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

/// Returns the path below `src` and the code of each source file in a directory, without
/// comments and inline test modules. Test modules with a file of their own are checked, too.
fn files_below(dir: &Path) -> Vec<(String, String)> {
    let mut files = Vec::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(files_below(&path));
        } else {
            let text = fs::read_to_string(&path).unwrap();
            let name = path.strip_prefix(source()).unwrap().to_str().unwrap().to_owned();
            let (shipped, tests) = text.split_once(TEST_MODULE).unwrap_or((&text, "\n}\n"));
            let (_, after) = tests.split_once("\n}\n").unwrap();
            assert_eq!(after, "", "{name}: the test module ends the file");
            let code: Vec<&str> =
                shipped.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
            files.push((name, code.join("\n")));
        }
    }
    files
}

/// Returns the first name after each occurrence of a path prefix.
fn names_after<'a>(code: &'a str, prefix: &str) -> Vec<&'a str> {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    let name = |after: &'a str| after.split(|c| !is_part(c)).next().unwrap_or_default();
    code.split(prefix).skip(1).map(name).collect()
}

#[test]
fn dependencies_between_the_directories_of_the_bench_point_one_way() {
    let mut dirs: Vec<String> = fs::read_dir(source())
        .unwrap()
        .map(|entry| entry.unwrap())
        .filter(|entry| entry.path().is_dir() && entry.file_name() != "bin")
        .map(|entry| entry.file_name().into_string().unwrap())
        .collect();
    dirs.sort_unstable();
    let mut layers = LAYERS.map(str::to_owned);
    layers.sort_unstable();
    assert_eq!(dirs, layers, "each directory has its place in LAYERS");

    let mut seen = 0;
    let mut wrong = Vec::new();
    for (height, layer) in LAYERS.iter().enumerate() {
        for (file, code) in files_below(&source().join(layer)) {
            for used in names_after(&code, "crate::") {
                let used_height = LAYERS.iter().position(|layer| *layer == used);
                match used_height {
                    Some(used_height) if used_height <= height => seen += 1,
                    Some(_) => wrong.push(format!("{file} uses {used}")),
                    None => wrong.push(format!("{file} uses crate::{used}, not a directory")),
                }
            }
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
    assert!(seen > 200, "the test has found {seen} uses");
}

#[test]
fn workloads_do_not_depend_on_each_other() {
    let dir = source().join("workload");
    let workloads: Vec<String> = fs::read_dir(&dir)
        .unwrap()
        .map(|entry| entry.unwrap())
        .filter(|entry| entry.path().is_dir())
        .map(|entry| entry.file_name().into_string().unwrap())
        .collect();
    assert!(workloads.len() >= 7, "{workloads:?}");
    let mut wrong = Vec::new();
    for workload in &workloads {
        for (file, code) in files_below(&dir.join(workload)) {
            let siblings = names_after(&code, "workload::");
            let others = siblings.into_iter().filter(|name| {
                workloads.iter().any(|other| other == name)
                    && name != workload
                    && !SHARED_BY_WORKLOADS.contains(name)
            });
            wrong.extend(others.map(|other| format!("{file} uses {other}")));
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
fn the_bench_uses_no_code_of_the_node_to_read_or_write_messages() {
    let uses_node = |(_, code): &(String, String)| code.contains("maelstrom_node");
    let using: Vec<_> = files_below(&source()).into_iter().filter(uses_node).collect();
    assert!(!using.is_empty());
    for (file, code) in using {
        assert!(file.starts_with(OWN_NODE), "{file}");
        assert!(!code.contains("message::"), "{file} uses the codec of the node");
    }
}
