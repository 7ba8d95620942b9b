//! Lists that continue the node's previous list.
//!
//! A test of 80,000 values reads lists of tens of thousands of values, tens of thousands of times.
//! Most nodes append, so a list usually begins with the whole previous list. The known part is
//! compared as text, and only the rest is parsed.

/// The previous list of a node, as text.
#[derive(Clone, Copy, Debug)]
pub struct KnownList<'a> {
    /// The field that contains the list.
    pub field: &'static str,
    /// The list without its closing bracket. It has at least one item.
    pub text: &'a str,
}

/// A line without the known part of its list.
#[derive(Debug)]
pub struct Shortened {
    /// The line. Its list contains only the new items.
    pub line: Vec<u8>,
    /// The byte offset of the list in the line.
    pub list: usize,
}

/// The maximum byte offset of a list in its line.
const MAX_OFFSET: usize = 1024;

/// The minimum length of a known list in bytes: parsing a shorter one is as fast as comparing it.
const MIN_LENGTH: usize = 256;

impl KnownList<'_> {
    /// Returns a line without the known part of its first list, if the list begins with it.
    #[must_use]
    pub fn shorten(&self, line: &[u8]) -> Option<Shortened> {
        if self.text.len() < MIN_LENGTH {
            return None;
        }
        let list = memchr::memchr(b'[', &line[..line.len().min(MAX_OFFSET)])?;
        let rest = line[list..].strip_prefix(self.text.as_bytes())?.trim_ascii_start();
        // Any other byte continues the last item.
        let news = match rest.first()? {
            b',' => &rest[1..],
            b']' => rest,
            _ => return None,
        };
        if rest[0] == b',' && news.trim_ascii_start().first() == Some(&b']') {
            // A comma without an item is an error, and its message needs the whole line.
            return None;
        }
        let mut shortened = Vec::with_capacity(list + 1 + news.len());
        shortened.extend_from_slice(&line[..=list]);
        shortened.extend_from_slice(news);
        Some(Shortened { line: shortened, list })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_shortened_only_if_its_list_continues_a_known_one() {
        let items: Vec<String> = (100..200).map(|item| item.to_string()).collect();
        let text = format!("[{}", items.join(","));
        let known = KnownList { field: "messages", text: &text };
        let shortened = |rest: &str| {
            let line = format!(r#"{{"messages":{text}{rest}"#);
            known.shorten(line.as_bytes()).map(|s| String::from_utf8(s.line).unwrap())
        };
        assert_eq!(shortened(",5,6],1}").as_deref(), Some(r#"{"messages":[5,6],1}"#));
        assert_eq!(shortened("]}").as_deref(), Some(r#"{"messages":[]}"#));
        assert_eq!(shortened(" , 7 ]}").as_deref(), Some(r#"{"messages":[ 7 ]}"#));
        for other in ["9]}", ",]}", "", ".5]"] {
            assert_eq!(shortened(other), None, "{other}");
        }
    }
}
