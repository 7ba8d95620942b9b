//! The direction of the dependencies between the top modules of the node.

use std::fs;
use std::path::Path;

/// The modules from the bottom to the top. A module uses only modules before it.
const LAYERS: [&str; 6] = ["base", "message", "dissemination", "workload", "node", "runtime"];

#[test]
fn modules_depend_on_lower_ones_only() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found: Vec<String> = fs::read_dir(&src)
        .expect("the sources")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.is_dir())
        .map(|path| path.file_name().expect("a name").to_string_lossy().into_owned())
        .collect();
    found.sort_unstable();
    let mut layers = LAYERS.map(str::to_owned);
    layers.sort_unstable();
    assert_eq!(found, layers, "every top module has its place in LAYERS");

    let mut wrong = Vec::new();
    for (height, layer) in LAYERS.iter().enumerate() {
        let mut dirs = vec![src.join(layer)];
        while let Some(dir) = dirs.pop() {
            for entry in fs::read_dir(dir).expect("a directory") {
                let path = entry.expect("an entry").path();
                if path.is_dir() {
                    dirs.push(path);
                    continue;
                }
                let text = fs::read_to_string(&path).expect("UTF-8");
                for upper in &LAYERS[height + 1..] {
                    if text.contains(&format!("crate::{upper}")) {
                        wrong.push(format!("{} uses {upper}", path.display()));
                    }
                }
            }
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}
