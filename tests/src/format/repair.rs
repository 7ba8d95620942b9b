//! Lines that are not valid JSON, but that Maelstrom's parser reads.

use std::borrow::Cow;

use super::wire::Malformed;

/// A line in valid JSON that means what Maelstrom's parser reads in the line of a node.
#[derive(Debug)]
pub struct Repaired {
    /// The line.
    pub line: Vec<u8>,
    /// The first deviation of the node's line from JSON.
    pub deviation: Malformed,
}

/// Returns `true` if a line may contain half of a surrogate pair.
///
/// A parser of envelopes does not look into the body, so it does not find it.
#[must_use]
pub fn has_surrogate(line: &[u8]) -> bool {
    memchr::memmem::find_iter(line, br"\u")
        .any(|at| line.get(at + 2).is_some_and(|digit| digit.eq_ignore_ascii_case(&b'd')))
}

/// Repairs a line, or returns `None` if there is nothing to repair.
///
/// Java's decoder replaces bytes that are not UTF-8. Maelstrom's parser accepts control characters
/// in strings. Java's strings may contain halves of surrogate pairs.
#[must_use]
pub fn repaired(line: &[u8]) -> Option<Repaired> {
    let text = String::from_utf8_lossy(line);
    let mut deviation = match text {
        Cow::Borrowed(_) => None,
        Cow::Owned(_) => Some(("has bytes that are not UTF-8", "encode text as UTF-8")),
    };
    let mut out = String::with_capacity(text.len() + 16);
    let mut chars = text.chars();
    let mut is_string = false;
    while let Some(next) = chars.next() {
        match next {
            '"' => is_string = !is_string,
            '\\' if is_string => {
                let rest = chars.as_str();
                let first = unit(rest);
                let second = || rest.get(5..)?.strip_prefix('\\').and_then(unit);
                let length = match first {
                    None => rest.chars().next().map_or(0, char::len_utf8),
                    // A pair of halves is a character.
                    Some(0xD800..=0xDBFF) if matches!(second(), Some(0xDC00..=0xDFFF)) => 11,
                    Some(half @ 0xD800..=0xDFFF) => {
                        let hint = "escape both halves of a character, or write it in UTF-8";
                        deviation.get_or_insert(("has half of a surrogate pair", hint));
                        // No string of Rust contains it. Different halves remain different.
                        out.push_str(&format!("\u{FFFD}{half:x}"));
                        chars = rest.get(5..).unwrap_or_default().chars();
                        continue;
                    }
                    Some(_) => 5,
                };
                out.push('\\');
                out.push_str(rest.get(..length).unwrap_or_default());
                chars = rest.get(length..).unwrap_or_default().chars();
                continue;
            }
            '\0'..='\u{1F}' if is_string => {
                let hint = "escape control characters in strings, a tab as \\t";
                deviation.get_or_insert(("has a control character in a string", hint));
                out.push_str(&format!("\\u{:04x}", u32::from(next)));
                continue;
            }
            _ => {}
        }
        out.push(next);
    }
    let (problem, hint) = deviation?;
    let deviation =
        Malformed { problem: problem.to_owned(), expected: "valid JSON in UTF-8".to_owned(), hint };
    Some(Repaired { line: out.into_bytes(), deviation })
}

/// Returns the code unit of an escape, from the text after its backslash.
fn unit(text: &str) -> Option<u32> {
    let digits = text.strip_prefix('u')?.get(..4)?;
    let is_hexadecimal = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    u32::from_str_radix(digits, 16).ok().filter(|_| is_hexadecimal)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_maelstroms_parser_reads_becomes_json() {
        for (line, json, problem) in [
            (&b"{\"a\":\"x\ty\x1b\"}"[..], r#"{"a":"x\u0009y\u001b"}"#, "control character"),
            (b"\t{\"a\\\"\t\":\t1}", "\t{\"a\\\"\\u0009\":\t1}", "control character"),
            (b"{\"a\":\"caf\xe9\"}", "{\"a\":\"caf\u{FFFD}\"}", "not UTF-8"),
            (br#"{"a":"\ud83d"}"#, "{\"a\":\"\u{FFFD}d83d\"}", "surrogate"),
            (
                br#"{"a":"\uDE00\ud83d\u0041"}"#,
                "{\"a\":\"\u{FFFD}de00\u{FFFD}d83d\\u0041\"}",
                "surrogate",
            ),
        ] {
            let repaired = repaired(line).unwrap();
            assert_eq!(String::from_utf8(repaired.line).unwrap(), json);
            assert!(repaired.deviation.problem.contains(problem), "{json}");
            assert!(serde_json::from_str::<serde_json::Value>(json).is_ok(), "{json}");
        }
    }

    #[test]
    fn json_is_left_alone_and_so_is_what_no_parser_reads() {
        for line in [
            &br#"{"a":"\ud83d\uDE00\\ud83d\n\"","b":[1,2]}"#[..],
            "{\"a\":\"é😀\"}".as_bytes(),
            b"{\t\"a\":\t1}\r",
            b"\tnot JSON \\ud83d",
            br#"{"a":"\ud83"#,
            br#"{"a":"\"#,
            b"",
        ] {
            assert!(repaired(line).is_none(), "{}", String::from_utf8_lossy(line));
        }
    }

    #[test]
    fn halves_of_surrogate_pairs_are_looked_for_only_where_they_may_be() {
        assert!(has_surrogate(br#"{"a":"\u0041\uD83d"}"#));
        assert!(!has_surrogate(br#"{"a":"\u0041 d \\n"}"#));
        assert!(!has_surrogate(br#"{"a":"\u"#));
    }
}
