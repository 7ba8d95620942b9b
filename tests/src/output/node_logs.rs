//! The files with the standard error of the nodes.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

/// The end of a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tail {
    /// The last whole lines.
    pub text: String,
    /// The number of bytes before these lines.
    pub left_out: u64,
}

/// Returns the name of the file for a node's standard error.
///
/// Names of nodes may contain characters that names of files may not.
#[must_use]
pub fn file_name(node: &str) -> String {
    format!("{}.log", node.replace(['/', '\0'], "_"))
}

/// Returns the last whole lines of a file, at most `most` bytes.
///
/// Returns `None` if the file is empty or cannot be read, because a report without logs is better
/// than no report.
#[must_use]
pub fn tail(path: &Path, most: u64) -> Option<Tail> {
    let mut file = File::open(path).ok()?;
    let length = file.metadata().ok()?.len();
    let mut left_out = length.saturating_sub(most);
    file.seek(SeekFrom::Start(left_out)).ok()?;
    let mut bytes = Vec::new();
    file.take(most).read_to_end(&mut bytes).ok()?;
    if left_out > 0 {
        let begin = bytes.iter().position(|byte| *byte == b'\n').map_or(0, |newline| newline + 1);
        left_out += begin as u64;
        bytes.drain(..begin);
    }
    let visible = |c: char| if c.is_control() && !"\n\t".contains(c) { '\u{fffd}' } else { c };
    let text: String = String::from_utf8_lossy(&bytes).chars().map(visible).collect();
    (!text.is_empty()).then_some(Tail { text, left_out })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_is_clipped_at_a_line_and_loses_control_characters() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("n0.log");
        std::fs::write(&path, "first line\nsecond \u{1b}[2J\nthird\n").unwrap();
        let tail = tail(&path, 20).unwrap();
        assert_eq!(tail.text, "second \u{fffd}[2J\nthird\n");
        assert_eq!(tail.left_out, 11);
        assert!(super::tail(&directory.path().join("n1.log"), 20).is_none());
    }
}
