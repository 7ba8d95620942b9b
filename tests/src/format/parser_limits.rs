//! The limits of Maelstrom's JSON parser, Jackson, which stop its reader of a node.
//!
//! The limit of the nesting also bounds the recursion of the bench's own functions over values.

/// The maximum nesting of arrays and objects.
const MAX_DEPTH: usize = 1000;

/// The maximum number of digits of a number.
const MAX_DIGITS: usize = 1000;

/// The maximum length of a string, in UTF-16 code units.
const MAX_STRING: usize = 20_000_000;

/// The maximum length of a field's name, in UTF-16 code units.
const MAX_NAME: usize = 50_000;

/// Returns the first limit that a JSON object exceeds, as a clause after "has".
///
/// The text begins with a valid object. The text after that object does not count.
pub(super) fn exceeded(text: &[u8]) -> Option<String> {
    // A shorter text has room for none of them.
    if text.len() <= MAX_DEPTH.min(MAX_DIGITS) {
        return None;
    }
    let (mut at, mut depth) = (0, 0_usize);
    while let Some(&byte) = text.get(at) {
        match byte {
            b'[' | b'{' => {
                depth += 1;
                if depth > MAX_DEPTH {
                    return Some(format!("values nested more than {MAX_DEPTH} deep"));
                }
            }
            b']' | b'}' => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return None;
                }
            }
            b'"' => {
                let inner = inner(&text[at + 1..]);
                at += 1 + inner.len();
                if inner.len() > MAX_NAME {
                    let rest = text.get(at + 1..).unwrap_or_default().trim_ascii_start();
                    let is_name = rest.starts_with(b":");
                    let (limit, kind) =
                        if is_name { (MAX_NAME, "name") } else { (MAX_STRING, "string") };
                    if units(inner) > limit {
                        return Some(format!("a {kind} of more than {limit} characters"));
                    }
                }
            }
            b'-' | b'0'..=b'9' => {
                let number = number(&text[at..]);
                at += number.len() - 1;
                let digits = number.iter().filter(|byte| byte.is_ascii_digit());
                if number.len() > MAX_DIGITS && digits.count() > MAX_DIGITS {
                    return Some(format!("a number of more than {MAX_DIGITS} digits"));
                }
            }
            _ => {}
        }
        at += 1;
    }
    None
}

/// Returns the text of a string up to its closing quote.
fn inner(text: &[u8]) -> &[u8] {
    let mut at = 0;
    while let Some(next) = memchr::memchr2(b'"', b'\\', text.get(at..).unwrap_or_default()) {
        at += next;
        if text[at] == b'"' {
            return &text[..at];
        }
        at += 2;
    }
    text
}

/// Returns the text of a number, which has at least one byte.
fn number(text: &[u8]) -> &[u8] {
    let is_part = |byte: &u8| matches!(byte, b'0'..=b'9' | b'.' | b'-' | b'+' | b'e' | b'E');
    let end = text.iter().position(|byte| !is_part(byte)).unwrap_or(text.len());
    &text[..end.max(1)]
}

/// Returns the length of a string in UTF-16 code units.
fn units(inner: &[u8]) -> usize {
    let (mut at, mut units) = (0, 0);
    while let Some(&byte) = inner.get(at) {
        let (bytes, more) = match byte {
            b'\\' if inner.get(at + 1) == Some(&b'u') => (6, 1),
            b'\\' => (2, 1),
            0xF0.. => (4, 2),
            0xE0.. => (3, 1),
            0xC0.. => (2, 1),
            _ => (1, 1),
        };
        at += bytes;
        units += more;
    }
    units
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limit(value: &str) -> Option<String> {
        let exceeded = exceeded(format!(r#"{{"a":{value},"b":0}} {value}"#).as_bytes());
        exceeded.inspect(|clause| assert!(clause.contains(" more than "), "{clause}"))
    }

    fn nested(depth: usize) -> String {
        format!("{}{}", "[".repeat(depth), "]".repeat(depth))
    }

    #[test]
    fn each_limit_is_the_largest_accepted_size() {
        let string = |length| format!("\"{}\"", "x".repeat(length));
        let name = |length| format!("{{\"{}\" : 1}}", "é".repeat(length));
        let number = |digits| format!("-{}.5e7", "1".repeat(digits - 2));
        assert_eq!(limit(&nested(MAX_DEPTH - 1)), None, "the object is a level too");
        assert!(limit(&nested(MAX_DEPTH)).unwrap().contains("nested"));
        assert_eq!(limit(&number(MAX_DIGITS)), None);
        assert!(limit(&number(MAX_DIGITS + 1)).unwrap().contains("digits"));
        assert_eq!(limit(&string(MAX_STRING)), None);
        assert!(limit(&string(MAX_STRING + 1)).unwrap().contains("string"));
        assert_eq!(limit(&name(MAX_NAME)), None);
        assert!(limit(&name(MAX_NAME + 1)).unwrap().contains("name"));
    }

    #[test]
    fn an_escape_counts_as_one_character_and_a_quote_in_it_ends_nothing() {
        let name = |escape: &str| format!("{{\"{}\":1}}", escape.repeat(MAX_NAME));
        for escape in ["\\\"", "\\\\", "\\u0041"] {
            assert_eq!(limit(&name(escape)), None, "{escape}");
        }
        assert!(limit(&name("😀")).is_some(), "two units each");
        let brackets = format!("\"{}\"", "[".repeat(2 * MAX_DEPTH));
        assert_eq!(limit(&brackets), None);
    }
}
