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

/// Returns the code of a file without comments and without what follows `#[cfg(test)]`.
fn shipped_code(path: &Path) -> String {
    let is_test = ["tests", "tests.rs", "models.rs"];
    if path.iter().any(|part| is_test.iter().any(|name| part == *name)) {
        return String::new();
    }
    let text = fs::read_to_string(path).unwrap();
    let shipped = text.lines().take_while(|line| !line.starts_with("#[cfg(test)]"));
    let shipped = shipped.take_while(|line| !line.starts_with("#[cfg(all(test"));
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
