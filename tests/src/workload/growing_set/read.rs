//! Reads of growing sets, stored as differences.
//!
//! A test of 10,000 broadcasts reads lists of thousands of values thousands of times. Complete
//! lists would fill gigabytes. A difference holds only the changes since the previous read of the
//! same node. All differences of a node together are about as large as the values themselves.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::value::RawValue;

use crate::format::datum::Datum;
use crate::format::edn::Edn;
use crate::format::element::Element;
use crate::format::known_list::KnownList;
use crate::format::wire::{Body, Malformed};

/// One read of a set, as the difference to the previous read of the same node.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct SetRead {
    /// The number of values that the read shows, repetitions included.
    pub size: usize,
    /// The values that the previous read did not show.
    pub added: Vec<Element>,
    /// The values that the previous read showed and this read does not.
    pub removed: Vec<Element>,
    /// The values that this read shows more than once, and the previous read did not.
    pub repeated: Vec<Element>,
}

/// The last list of each node.
#[derive(Debug, Default)]
pub struct Readers {
    nodes: BTreeMap<usize, LastList>,
}

#[derive(Debug, Default)]
struct LastList {
    /// The list as text, without the closing bracket.
    stem: String,
    size: usize,
    present: BTreeSet<Element>,
    repeated: BTreeSet<Element>,
}

impl Readers {
    /// Returns the last list of a node, if it has items.
    #[must_use]
    pub fn known_list(&self, node: usize, field: &'static str) -> Option<KnownList<'_>> {
        let seen = self.nodes.get(&node).filter(|seen| seen.size > 0)?;
        Some(KnownList { field, text: &seen.stem })
    }

    /// Reads the list in this field of a node's reply.
    ///
    /// # Errors
    ///
    /// Returns an error if the field is not a list.
    pub fn read(
        &mut self,
        node: usize,
        reply: &Body<'_>,
        field: &str,
    ) -> Result<SetRead, Malformed> {
        let list: &RawValue = reply.read(field, "a list of values")?;
        let list = if list.get() == "null" { "[]" } else { list.get() };
        let read = match reply.is_shortened(field) {
            true => self.read_news(node, list),
            false => self.read_list(node, list),
        };
        read.map_err(|problem| Malformed {
            problem,
            expected: format!("{field:?} as a list of values"),
            hint: "check the JSON of the list",
        })
    }

    /// Reads the items after the last list of the node.
    fn read_news(&mut self, node: usize, list: &str) -> Result<SetRead, String> {
        let seen = self.nodes.entry(node).or_default();
        let read = seen.extend(elements(list)?);
        let news = list.strip_prefix('[').and_then(|items| items.strip_suffix(']'));
        // The next list repeats the space before these items, too.
        let news = news.unwrap_or_default().trim_end();
        if !news.is_empty() {
            seen.stem.push(',');
            seen.stem.push_str(news);
        }
        Ok(read)
    }

    /// Reads a list back from a history.
    ///
    /// The bench writes a difference, and Maelstrom writes a complete list.
    ///
    /// # Errors
    ///
    /// Returns a sentence if the value is neither.
    pub fn recorded(&mut self, node: usize, value: &Datum) -> Result<SetRead, String> {
        let elements = |key| -> Result<Vec<Element>, String> {
            let items = value.get(key).and_then(Datum::items).unwrap_or_default();
            items.iter().map(|item| Element::parse(&item.to_json())).collect()
        };
        match value {
            Datum::Map(_) => Ok(SetRead {
                size: value.get("size").ok_or("a read without :size")?.int()?,
                added: elements("added")?,
                removed: elements("removed")?,
                repeated: elements("repeated")?,
            }),
            Datum::Nil => self.read_list(node, "[]"),
            Datum::Sequence(_) => self.read_list(node, &value.to_json()),
            other => Err(format!("expected a list of values, found {}", other.kind())),
        }
    }

    fn read_list(&mut self, node: usize, list: &str) -> Result<SetRead, String> {
        let seen = self.nodes.entry(node).or_default();
        let read = match seen.news_in(list) {
            Some(news) => seen.extend(elements(&news)?),
            None => seen.replace(elements(list)?),
        };
        seen.stem = list.strip_suffix(']').unwrap_or(list).trim_end().to_owned();
        Ok(read)
    }
}

impl LastList {
    /// Returns the items after the last list, as a list, if the new list continues the last one.
    ///
    /// Most nodes append, so most lists need not be parsed from the beginning.
    fn news_in(&self, list: &str) -> Option<String> {
        if self.size == 0 {
            return None;
        }
        let rest = list.strip_prefix(self.stem.as_str())?.trim_start();
        match rest.strip_prefix(',') {
            Some(more) => Some(format!("[{more}")),
            None => (rest == "]").then(|| "[]".to_owned()),
        }
    }

    fn extend(&mut self, news: Vec<Element>) -> SetRead {
        let mut read = SetRead { size: self.size + news.len(), ..SetRead::default() };
        for element in news {
            if self.present.insert(element.clone()) {
                read.added.push(element);
            } else if self.repeated.insert(element.clone()) {
                read.repeated.push(element);
            }
        }
        self.size = read.size;
        read
    }

    fn replace(&mut self, list: Vec<Element>) -> SetRead {
        let before = std::mem::take(&mut self.present);
        let repeated_before = std::mem::take(&mut self.repeated);
        self.size = 0;
        let mut read = self.extend(list);
        read.repeated.retain(|element| !repeated_before.contains(element));
        read.added.retain(|element| !before.contains(element));
        read.removed = before.into_iter().filter(|e| !self.present.contains(e)).collect();
        read
    }
}

fn elements(list: &str) -> Result<Vec<Element>, String> {
    if let Ok(numbers) = serde_json::from_str::<Vec<i64>>(list) {
        return Ok(numbers.into_iter().map(Element::Int).collect());
    }
    let values: Vec<&RawValue> = serde_json::from_str(list).map_err(|error| error.to_string())?;
    values.into_iter().map(|value| Element::parse(value.get())).collect()
}

/// The form in a history: the added values, and the other fields only if they are not empty.
impl From<&SetRead> for Edn {
    fn from(read: &SetRead) -> Edn {
        let mut map = Edn::map([("size", read.size.into()), ("added", Edn::vector(&read.added))]);
        if !read.removed.is_empty() {
            map.insert("removed", Edn::vector(&read.removed));
        }
        if !read.repeated.is_empty() {
            map.insert("repeated", Edn::vector(&read.repeated));
        }
        map
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::json::Canonical;

    fn ints(values: &[i64]) -> Vec<Element> {
        values.iter().copied().map(Element::Int).collect()
    }

    fn reads(lists: &[&str]) -> Vec<SetRead> {
        let mut readers = Readers::default();
        let mut read = |list: &&str| {
            let reply = format!(r#"{{"messages":{list}}}"#);
            readers.read(0, &Body::parse_text(&reply).unwrap(), "messages").unwrap()
        };
        lists.iter().map(&mut read).collect()
    }

    #[test]
    fn a_read_is_stored_as_the_difference_from_the_previous_one() {
        let reads = reads(&["[]", "[3,1]", "[3,1]", "[3, 1, 2]", "[3, 1, 2, 5]"]);
        let added: Vec<_> = reads.iter().map(|read| read.added.clone()).collect();
        let expected: [&[i64]; 5] = [&[], &[3, 1], &[], &[2], &[5]];
        assert_eq!(added, expected.map(ints));
        let sizes: Vec<_> = reads.iter().map(|read| read.size).collect();
        assert_eq!(sizes, [0, 2, 2, 3, 4]);
        assert!(reads.iter().all(|read| read.removed.is_empty() && read.repeated.is_empty()));
    }

    /// `[1,22]` also begins with `[1,2`.
    #[test]
    fn a_list_that_does_not_continue_the_known_one_is_read_in_full() {
        let reads = reads(&["[1,2]", "[1,22]"]);
        assert_eq!((&reads[1].added, &reads[1].removed), (&ints(&[22]), &ints(&[2])));
    }

    /// Python writes a space after each comma.
    #[test]
    fn each_read_of_a_growing_list_continues_the_previous_one() {
        for separator in [",", ", "] {
            let mut readers = Readers::default();
            let mut items: Vec<String> = (1000..1100).map(|item| item.to_string()).collect();
            for next in 1100..1110 {
                let line = format!(r#"{{"messages":[{}]}}"#, items.join(separator));
                let known = readers.known_list(0, "messages");
                let shortened = known.and_then(|known| known.shorten(line.as_bytes()));
                assert_eq!(shortened.is_some(), next > 1100, "{separator:?} before {next}");
                let read = match shortened {
                    None => readers.read(0, &Body::parse_text(&line).unwrap(), "messages"),
                    Some(short) => {
                        let body = Body::parse_text(str::from_utf8(&short.line).unwrap()).unwrap();
                        let body = body.shortened("messages", &short.line[short.list]).unwrap();
                        readers.read(0, &body, "messages")
                    }
                };
                let added = if next == 1100 { 100 } else { 1 };
                let read = read.unwrap();
                assert_eq!((read.size, read.added.len()), (items.len(), added));
                items.push(next.to_string());
            }
        }
    }

    #[test]
    fn finds_missing_and_repeated_values_in_any_order() {
        let reads = reads(&["[1,2,3]", "[3,1,1]", "[3,1,1,3]", r#"[3,"x"]"#]);
        assert_eq!(reads[1].removed, ints(&[2]));
        assert_eq!(reads[1].repeated, ints(&[1]));
        assert_eq!(reads[2].repeated, ints(&[3]), "the previous read also shows 1 twice");
        assert_eq!(reads[3].added, [Element::Other(Canonical::parse(r#""x""#).unwrap())]);
        assert_eq!(reads[3].removed, ints(&[1]));
        assert!(reads[3].repeated.is_empty());
    }

    #[test]
    fn numbers_with_different_spellings_are_different_values() {
        let reads = reads(&["[1]", "[1,1.0]"]);
        assert_eq!(reads[1].added, [Element::Other(Canonical::parse("1.0").unwrap())]);
    }
}
