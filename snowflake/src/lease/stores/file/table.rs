//! The file's text: lines that a person can read, and a checksum.
//!
//! ```text
//! snowflake leases 1
//! epoch 1704067200000
//! layout 41 10 12
//! folder 5308719 1795177537123456789
//! node 7 fence 3 from 1795177540000 until 1795177543000 held pod-7
//! node 8 fence 1 from 1795177541000 until 1795177541020 released pod-8
//! checksum 8c736521
//! ```

use std::fmt::Write;
use std::str::{FromStr, SplitWhitespace};

use crate::lease::{Ledger, Namespace, Record};
use crate::{Epoch, NodeId, UnixMillis};

const HEADING: &str = "snowflake leases 1";

/// All that the file keeps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Table {
    pub(super) namespace: Namespace,
    /// What tells the folder from a copy of it.
    pub(super) folder: String,
    pub(super) ledger: Ledger,
}

impl Table {
    pub(super) fn to_text(&self) -> String {
        let mut text = format!("{HEADING}\nepoch {}\n", self.namespace.epoch.start().0);
        let [timestamp, node, sequence] = self.namespace.layout;
        let Table { folder, ledger, .. } = self;
        let mut line = |line: std::fmt::Arguments<'_>| {
            text.write_fmt(line).expect("writing to a string does not fail");
            text.push('\n');
        };
        line(format_args!("layout {timestamp} {node} {sequence}"));
        line(format_args!("folder {folder}"));
        for (node, Record { fence, from, mark, held, holder }) in ledger.iter() {
            let (from, until, state) = (from.0, mark.0, if *held { "held" } else { "released" });
            line(format_args!(
                "node {node} fence {fence} from {from} until {until} {state} {holder}"
            ));
        }
        let checksum = crc32fast::hash(text.as_bytes());
        text + &format!("checksum {checksum:08x}\n")
    }

    /// The table that `bytes` are, or what is wrong with them.
    pub(super) fn from_bytes(bytes: &[u8]) -> Result<Table, String> {
        let text = str::from_utf8(bytes).map_err(|error| format!("not text: {error}"))?;
        let lines_end = text.trim_end_matches('\n').rfind('\n').map_or(0, |at| at + 1);
        let (lines, last) = text.split_at(lines_end);
        let recorded = last
            .strip_prefix("checksum ")
            .and_then(|rest| rest.strip_suffix('\n'))
            .ok_or("cut short: its last line is no checksum")?;
        let checksum = format!("{:08x}", crc32fast::hash(lines.as_bytes()));
        if recorded != checksum {
            return Err(format!("damaged: its checksum says {recorded}, its lines {checksum}"));
        }
        let mut reader = Lines { lines: lines.lines(), number: 0 };
        reader.heading()?;
        let epoch = Epoch::new(UnixMillis(reader.line("epoch")?.number()?));
        let mut layout = reader.line("layout")?;
        let layout = [layout.number()?, layout.number()?, layout.number()?];
        let folder = reader.line("folder")?.rest();
        let mut ledger = Ledger::new();
        while reader.has_more() {
            let (node, record) = reader.line("node")?.record()?;
            ledger.insert(node, record);
        }
        Ok(Table { namespace: Namespace { epoch, layout }, folder, ledger })
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
            None => Err("empty".to_owned()),
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
        format!("line {} is no {:?} line", self.number, self.name)
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

    fn record(mut self) -> Result<(NodeId, Record), String> {
        let node = NodeId::new(self.number()?)
            .map_err(|error| format!("line {}: {error}", self.number))?;
        let fence = self.named("fence")?;
        let from = UnixMillis(self.named("from")?);
        let mark = UnixMillis(self.named("until")?);
        let held = match self.words.next() {
            Some("held") => true,
            Some("released") => false,
            _ => return Err(self.wrong()),
        };
        Ok((node, Record { fence, from, mark, held, holder: self.rest() }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table {
        let mut ledger = Ledger::new();
        for (id, held, holder) in [(0, true, "pod-7 on host a"), (1023, false, "")] {
            let holder = holder.to_owned();
            let (from, mark) = (UnixMillis(u64::from(id)), UnixMillis(u64::MAX));
            let record = Record { fence: 3, from, mark, held, holder };
            ledger.insert(NodeId::new(id).unwrap(), record);
        }
        Table { namespace: Namespace::new(Epoch::Y2024), folder: "12 34".to_owned(), ledger }
    }

    #[test]
    fn what_is_written_is_read() {
        assert_eq!(Table::from_bytes(table().to_text().as_bytes()), Ok(table()));
    }

    #[test]
    fn no_cut_and_no_changed_byte_goes_unnoticed() {
        let text = table().to_text().into_bytes();
        for cut in 0..text.len() {
            assert!(Table::from_bytes(&text[..cut]).is_err(), "cut to {cut} bytes");
        }
        for at in 0..text.len() {
            for bit in 0..8 {
                let mut changed = text.clone();
                changed[at] ^= 1 << bit;
                assert!(Table::from_bytes(&changed).is_err(), "bit {bit} of byte {at}");
            }
        }
    }

    #[test]
    fn what_is_wrong_is_said_with_its_line() {
        let with = |from: &str, to: &str| {
            let text = table().to_text().replace(from, to);
            let lines = &text[..text.rfind("checksum").unwrap()];
            let checksum = crc32fast::hash(lines.as_bytes());
            Table::from_bytes(format!("{lines}checksum {checksum:08x}\n").as_bytes()).unwrap_err()
        };
        for (from, to, message) in [
            (
                "leases 1",
                "leases 2",
                r#"line 1 is "snowflake leases 2" instead of "snowflake leases 1""#,
            ),
            ("layout", "outlay", r#"line 3 begins with "outlay" instead of "layout""#),
            ("node 1023", "node 1024", "line 6: node id 1024 is above the largest, 1023"),
            ("fence 3", "fence x", r#"line 5 is no "node" line"#),
        ] {
            assert_eq!(with(from, to), message);
        }
    }
}
