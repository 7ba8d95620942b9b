//! The format of the lease file: readable lines and a checksum.
//!
//! ```text
#![doc = include_str!("../../../../tests/golden/leases-1.txt")]
//! ```
//!
//! `tests/golden/leases-1.txt` must stay readable in every later version.

use std::fmt::Write;
use std::str::{FromStr, SplitWhitespace};

use super::identity::Identity;
use crate::lease::{IdFormat, LeaseRecord, LeaseTable};
use crate::{Epoch, NodeId, UnixMillis};

const HEADING: &str = "snowflake leases 1";

/// Returns `true` if a later version of this format has written the heading.
///
/// The checksum is not checked: a later version may have another one. A reset of a file that only
/// looks damaged would lose its marks.
pub(super) fn is_newer(bytes: &[u8]) -> bool {
    let heading = bytes.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let version = heading.strip_prefix(b"snowflake leases ");
    let version = version.and_then(|version| str::from_utf8(version).ok()?.parse::<u32>().ok());
    version.is_some_and(|version| version > 1)
}

/// The content of the lease file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct LeaseFile {
    pub(super) format: IdFormat,
    pub(super) directory: Identity,
    pub(super) table: LeaseTable,
}

impl LeaseFile {
    pub(super) fn to_text(&self) -> String {
        let LeaseFile { format, directory, table } = self;
        let mut text = format!("{HEADING}\n");
        let mut line = |line: std::fmt::Arguments<'_>| {
            text.write_fmt(line).expect("writing to a string does not fail");
            text.push('\n');
        };
        let [timestamp, node, sequence] = format.layout;
        line(format_args!("epoch_ms {}", format.epoch.start().0));
        line(format_args!("layout {timestamp} {node} {sequence}"));
        line(format_args!("directory {} {}", directory.inode, directory.created_ns));
        for (node, record) in table.iter() {
            let LeaseRecord { fencing_token, from, high_water_mark, held, holder } = record;
            let state = if *held { "held" } else { "released" };
            line(format_args!(
                "node_id {node} fencing_token {fencing_token} from_ms {} high_water_mark_ms {} \
                 {state} {holder}",
                from.0, high_water_mark.0,
            ));
        }
        let checksum = crc32fast::hash(text.as_bytes());
        text + &format!("checksum {checksum:08x}\n")
    }

    /// Reads the file, or returns what is wrong with it.
    pub(super) fn from_bytes(bytes: &[u8]) -> Result<LeaseFile, String> {
        let text = str::from_utf8(bytes).map_err(|error| format!("it is not text: {error}"))?;
        let lines_end = text.trim_end_matches('\n').rfind('\n').map_or(0, |at| at + 1);
        let (lines, last) = text.split_at(lines_end);
        let recorded = last
            .strip_prefix("checksum ")
            .and_then(|rest| rest.strip_suffix('\n'))
            .ok_or("its end is missing: the last line is not a checksum")?;
        let checksum = format!("{:08x}", crc32fast::hash(lines.as_bytes()));
        if recorded != checksum {
            return Err(format!("its checksum is {recorded}, but its lines have {checksum}"));
        }
        let mut reader = Lines { lines: lines.lines(), number: 0 };
        reader.heading()?;
        let epoch = Epoch::new(UnixMillis(reader.line("epoch_ms")?.number()?));
        let mut layout = reader.line("layout")?;
        let layout = [layout.number()?, layout.number()?, layout.number()?];
        let mut directory = reader.line("directory")?;
        let directory = Identity { inode: directory.number()?, created_ns: directory.number()? };
        let mut table = LeaseTable::new();
        while reader.has_more() {
            let (node, record) = reader.line("node_id")?.record()?;
            table.insert(node, record);
        }
        Ok(LeaseFile { format: IdFormat { epoch, layout }, directory, table })
    }
}

/// The lines, counted from 1.
struct Lines<'a> {
    lines: std::str::Lines<'a>,
    number: usize,
}

impl<'a> Lines<'a> {
    fn heading(&mut self) -> Result<(), String> {
        self.number += 1;
        match self.lines.next() {
            Some(HEADING) => Ok(()),
            Some(other) => Err(format!("line 1 is {other:?} instead of {HEADING:?}")),
            None => Err("it is empty".to_owned()),
        }
    }

    fn has_more(&self) -> bool {
        self.lines.clone().next().is_some()
    }

    fn line(&mut self, name: &'static str) -> Result<Line<'a>, String> {
        self.number += 1;
        let number = self.number;
        let mut words = self.lines.next().unwrap_or_default().split_whitespace();
        match words.next() {
            Some(word) if word == name => Ok(Line { words, name, number }),
            other => Err(format!(
                "line {number} begins with {:?} instead of {name:?}",
                other.unwrap_or_default()
            )),
        }
    }
}

struct Line<'a> {
    words: SplitWhitespace<'a>,
    name: &'static str,
    number: usize,
}

impl Line<'_> {
    fn wrong(&self) -> String {
        format!("line {} is not a {:?} line", self.number, self.name)
    }

    fn number<T: FromStr>(&mut self) -> Result<T, String> {
        let word = self.words.next().ok_or_else(|| self.wrong())?;
        word.parse().map_err(|_| self.wrong())
    }

    fn named<T: FromStr>(&mut self, name: &str) -> Result<T, String> {
        match self.words.next() {
            Some(word) if word == name => self.number(),
            _ => Err(self.wrong()),
        }
    }

    fn rest(self) -> String {
        self.words.collect::<Vec<_>>().join(" ")
    }

    fn record(mut self) -> Result<(NodeId, LeaseRecord), String> {
        let node = NodeId::new(self.number()?)
            .map_err(|error| format!("line {}: {error}", self.number))?;
        let fencing_token = self.named("fencing_token")?;
        let from = UnixMillis(self.named("from_ms")?);
        let high_water_mark = UnixMillis(self.named("high_water_mark_ms")?);
        let held = match self.words.next() {
            Some("held") => true,
            Some("released") => false,
            _ => return Err(self.wrong()),
        };
        Ok((node, LeaseRecord { fencing_token, from, high_water_mark, held, holder: self.rest() }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOLDEN: &str = include_str!("../../../../tests/golden/leases-1.txt");

    fn golden() -> LeaseFile {
        let mut table = LeaseTable::new();
        for (id, held, holder) in [(7, true, "pod-7 on host a"), (1023, false, "")] {
            let record = LeaseRecord {
                fencing_token: 3,
                from: UnixMillis(1_795_177_540_000),
                high_water_mark: UnixMillis(1_795_177_543_000),
                held,
                holder: holder.to_owned(),
            };
            table.insert(NodeId::new(id).unwrap(), record);
        }
        let directory = Identity { inode: 5_308_719, created_ns: 1_795_177_537_123_456_789 };
        LeaseFile { format: IdFormat::new(Epoch::Y2024), directory, table }
    }

    #[test]
    fn the_golden_file_is_read_and_written() {
        assert_eq!(LeaseFile::from_bytes(GOLDEN.as_bytes()), Ok(golden()));
        assert_eq!(golden().to_text(), GOLDEN);
    }

    #[test]
    fn detects_every_truncation_and_every_flipped_bit() {
        let text = golden().to_text().into_bytes();
        for cut in 0..text.len() {
            assert!(LeaseFile::from_bytes(&text[..cut]).is_err(), "cut to {cut} bytes");
        }
        for at in 0..text.len() {
            for bit in 0..8 {
                let mut changed = text.clone();
                changed[at] ^= 1 << bit;
                assert!(LeaseFile::from_bytes(&changed).is_err(), "bit {bit} of byte {at}");
            }
        }
    }

    #[test]
    fn reports_the_line_of_an_error() {
        let with = |from: &str, to: &str| {
            let text = golden().to_text().replace(from, to);
            let lines = &text[..text.rfind("checksum").unwrap()];
            let checksum = crc32fast::hash(lines.as_bytes());
            LeaseFile::from_bytes(format!("{lines}checksum {checksum:08x}\n").as_bytes())
                .unwrap_err()
        };
        for (from, to, message) in [
            (
                "leases 1",
                "leases 2",
                r#"line 1 is "snowflake leases 2" instead of "snowflake leases 1""#,
            ),
            ("layout", "outlay", r#"line 3 begins with "outlay" instead of "layout""#),
            ("node_id 7", "node_id seven", r#"line 5 is not a "node_id" line"#),
            ("fencing_token 3", "fencing_token x", r#"line 5 is not a "node_id" line"#),
        ] {
            assert_eq!(with(from, to), message);
        }
        assert!(with("node_id 1023", "node_id 1024").starts_with("line 6: "));
    }
}
