//! The mapping from the path of a request to a file of the store.
//!
//! No path leads to a file outside the store.

use std::fs;
use std::path::{Path, PathBuf};

/// The file or directory that a path names.
#[derive(Debug, PartialEq, Eq)]
pub enum Found {
    /// A regular file.
    File(PathBuf),
    /// A directory.
    Directory(PathBuf),
}

/// Finds the file or directory at a path below the root. `root` contains no links.
///
/// Each part of the path must be the name of an entry. The target must lie below the root after
/// links are followed. The function ignores devices and pipes, because reading them may never end.
#[must_use]
pub fn find(root: &Path, path: &str) -> Option<Found> {
    let mut full = root.to_owned();
    for part in path.split('/').filter(|part| !part.is_empty()) {
        if part == "." || part == ".." || part.contains(['\\', '\0']) {
            return None;
        }
        full.push(part);
    }
    let full = full.canonicalize().ok()?;
    if !full.starts_with(root) {
        return None;
    }
    let kind = full.metadata().ok()?.file_type();
    match (kind.is_file(), kind.is_dir()) {
        (true, _) => Some(Found::File(full)),
        (_, true) => Some(Found::Directory(full)),
        _ => None,
    }
}

/// Returns the sorted names of a directory's entries.
///
/// Names of directories end with `/`.
#[must_use]
pub fn entries(directory: &Path) -> Vec<String> {
    let name = |entry: fs::DirEntry| {
        let name = entry.file_name().into_string().ok()?;
        let is_directory = entry.path().is_dir();
        Some(if is_directory { format!("{name}/") } else { name })
    };
    let mut names: Vec<String> =
        fs::read_dir(directory).into_iter().flatten().flatten().filter_map(name).collect();
    names.sort_unstable();
    names
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn finds_only_files_in_the_store() {
        let directory = tempfile::tempdir().unwrap();
        let directory = directory.path().canonicalize().unwrap();
        let root = directory.join("store");
        fs::create_dir_all(root.join("echo/1")).unwrap();
        fs::write(root.join("echo/1/results.edn"), "{}").unwrap();
        fs::write(directory.join("secret"), "x").unwrap();
        symlink("1", root.join("echo/latest")).unwrap();
        symlink(directory.join("secret"), root.join("echo/1/link")).unwrap();
        symlink("../../../secret", root.join("echo/1/relative")).unwrap();
        symlink("..", root.join("up")).unwrap();
        symlink("loop", root.join("loop")).unwrap();
        let results = Found::File(root.join("echo/1/results.edn"));
        assert_eq!(find(&root, "echo/1/results.edn").as_ref(), Some(&results));
        assert_eq!(find(&root, "echo/latest/results.edn").as_ref(), Some(&results));
        assert_eq!(find(&root, "/echo//1/").as_ref(), Some(&Found::Directory(root.join("echo/1"))));
        for path in [
            "../secret",
            "echo/../../secret",
            "echo/1/link",
            "echo/1/relative",
            "up",
            "up/secret",
            "loop",
            "echo/./1",
            "..",
            "...",
            "echo\\1",
            "echo/1/results.edn\0",
            "none",
            "/etc/passwd",
            "//etc/passwd",
        ] {
            assert_eq!(find(&root, path), None, "{path:?}");
        }
    }
}
