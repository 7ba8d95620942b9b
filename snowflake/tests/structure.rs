//! The structure of the crate: dependencies between its directories point one way, and its
//! documents agree with its manifest.
#![allow(clippy::unwrap_used, reason = "a test's panic is the failure it reports")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// The directories of `src`, from the bottom up. A directory may use those before it.
const LAYERS: [&str; 7] = ["id", "error", "clock", "generator", "wait", "lease", "integrations"];

fn source() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

fn files_below(directory: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => files.extend(files_below(&path)),
            false => files.push(path),
        }
    }
    files.retain(|path| path.extension().is_some_and(|extension| extension == "rs"));
    files
}

/// Returns the code of a file without comments and without its inline test module.
fn shipped_code(path: &Path) -> String {
    let is_test = ["tests", "tests.rs", "models.rs"];
    if path.iter().any(|part| is_test.iter().any(|name| part == *name)) {
        return String::new();
    }
    let text = fs::read_to_string(path).unwrap();
    let shipped = text.split("\nmod tests {").next().unwrap_or_default().lines();
    shipped.filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

/// Returns the names after each `crate::`, of a path or of a braced list.
fn names_from_root(code: &str) -> Vec<String> {
    let mut names = Vec::new();
    for after in code.split("crate::").skip(1) {
        let list = match after.strip_prefix('{') {
            Some(list) => list.split("};").next().unwrap_or_default(),
            None => after,
        };
        let items = if after.starts_with('{') { list.split(',').collect() } else { vec![list] };
        names.extend(items.into_iter().map(|item| {
            let is_part = |c: char| c.is_alphanumeric() || c == '_';
            item.trim().chars().take_while(|&c| is_part(c)).collect::<String>()
        }));
    }
    names
}

/// Returns the layer of each name that `lib.rs` exports.
fn exports() -> BTreeMap<String, usize> {
    let lib = shipped_code(&source().join("lib.rs"));
    let mut exports = BTreeMap::new();
    for (layer, name) in LAYERS.iter().enumerate() {
        exports.insert((*name).to_owned(), layer);
        for export in lib.split(&format!("pub use {name}::")).skip(1) {
            let names = export.split(';').next().unwrap_or_default();
            let names = names.trim_matches(['{', '}']).split(',').map(str::trim);
            exports.extend(names.map(|name| (name.to_owned(), layer)));
        }
    }
    exports
}

#[test]
fn dependencies_between_directories_point_one_way() {
    let exports = exports();
    assert!(exports.len() > 20, "{exports:?}");
    let mut seen = 0;
    for (layer, name) in LAYERS.iter().enumerate() {
        let directory = source().join(name);
        let files = match directory.is_dir() {
            true => files_below(&directory),
            false => vec![directory.with_extension("rs")],
        };
        for file in files {
            for used in names_from_root(&shipped_code(&file)) {
                let Some(&used_layer) = exports.get(&used) else { continue };
                seen += 1;
                assert!(
                    used_layer <= layer,
                    "{} uses `{used}` of `{}`, which is above `{name}`",
                    file.display(),
                    LAYERS[used_layer]
                );
            }
        }
    }
    assert!(seen > 100, "the test found only {seen} uses");
}

#[test]
fn the_documents_name_the_minimum_rust_version() {
    let needed = concat!("Rust ", env!("CARGO_PKG_RUST_VERSION"), " or later");
    for (name, text) in [
        ("README.md", include_str!("../../README.md")),
        ("src/lib.rs", include_str!("../src/lib.rs")),
    ] {
        assert!(text.contains(needed), "{name} does not contain \"{needed}\"");
    }
}

#[test]
fn the_front_page_describes_each_feature_in_one_line() {
    let manifest = include_str!("../Cargo.toml");
    let features = manifest.split("[features]\n").nth(1).unwrap().split("\n[").next().unwrap();
    let features: Vec<_> = features.lines().filter_map(|line| line.split_once(" = [")).collect();
    assert!(features.len() > 20, "{features:?}");
    let front_page = include_str!("../src/lib.rs");
    for (feature, _) in features.into_iter().filter(|(feature, _)| *feature != "default") {
        let start = format!("//! - `{feature}`");
        let lines = front_page.lines().filter(|line| line.starts_with(&start)).count();
        assert_eq!(lines, 1, "lines of src/lib.rs that begin with \"{start}\"");
    }
}

/// Everything below `tests` except for `tests/golden` is left out of the package.
#[test]
fn the_sources_include_only_files_of_the_package() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).canonicalize().unwrap();
    let mut seen = 0;
    for file in files_below(&source()) {
        let text = fs::read_to_string(&file).unwrap();
        for after in text.split("include_str!(\"").skip(1) {
            let included = file.with_file_name(after.split('"').next().unwrap());
            let included = included.canonicalize().unwrap();
            let page = ["docs", "README.md"].map(|page| root.with_file_name(page));
            // Examples in the project's pages are compiled in the repository only.
            if page.iter().any(|page| included.starts_with(page)) {
                continue;
            }
            seen += 1;
            let path = included.strip_prefix(&root).unwrap();
            let is_packed = path.starts_with("src") || path.starts_with("tests/golden");
            assert!(is_packed, "{} includes {}", file.display(), path.display());
        }
    }
    assert!(seen > 2, "the test found only {seen} files");
}
