//! The errors of the JSON parser, in JSON's words.
//!
//! serde names the types of Rust, which the author of a node may not know.

use crate::base::excerpt::excerpt;

/// Returns the message of a JSON error, which may quote the value.
///
/// The message omits the line number: the text has one line.
pub(super) fn message_of(error: &serde_json::Error) -> String {
    let text = error.to_string();
    match text.rsplit_once(" at line ") {
        Some((what, _)) => format!("{} at column {}", excerpt(&in_words(what)), error.column()),
        None => excerpt(&in_words(&text)),
    }
}

/// Rewrites an error about a type or a length. Returns any other error unchanged.
fn in_words(text: &str) -> String {
    let wrong = ["invalid type: ", "invalid value: ", "invalid length "];
    let rest = wrong.iter().find_map(|prefix| text.strip_prefix(prefix));
    // The value may contain the word, and the expected type does not.
    match rest.and_then(|rest| rest.rsplit_once(", expected ")) {
        Some((found, expected)) => {
            format!("expected {}, found {}", expected_type(expected), found_value(found))
        }
        None => text.to_owned(),
    }
}

fn expected_type(rust: &str) -> String {
    let array = rust.strip_prefix("a tuple of size ");
    match (rust, array.or_else(|| rust.strip_prefix("an array of length "))) {
        (_, Some(length)) => format!("an array of {length} values"),
        ("a map", _) => "an object".to_owned(),
        ("a sequence", _) => "an array".to_owned(),
        ("i64" | "u64", _) => "an integer of 64 bits".to_owned(),
        ("f64", _) => "a number".to_owned(),
        (other, _) => other.to_owned(),
    }
}

fn found_value(rust: &str) -> String {
    let quoted = |kind: &str| rust.strip_prefix(kind)?.strip_prefix(" `")?.strip_suffix('`');
    if let Some(integer) = quoted("integer") {
        return format!("the integer {integer}");
    }
    if let Some(number) = quoted("floating point") {
        return format!("the number {number}");
    }
    if let Some(boolean) = quoted("boolean") {
        return boolean.to_owned();
    }
    match rust {
        "map" => "an object".to_owned(),
        "sequence" => "an array".to_owned(),
        text if text.starts_with("string ") => format!("the {text}"),
        other => other.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde::Deserialize;

    use super::*;

    fn error<'a, T: Deserialize<'a>>(text: &'a str) -> String {
        message_of(&serde_json::from_str::<T>(text).err().unwrap())
    }

    #[test]
    fn a_wrong_type_is_described_in_the_words_of_json() {
        for (text, found) in [
            ("{}", "an object"),
            ("[1]", "an array"),
            ("null", "null"),
            ("true", "true"),
            ("1.5", "the number 1.5"),
            ("18446744073709551615", "the integer 18446744073709551615"),
            (r#""a, expected b""#, r#"the string "a, expected b""#),
        ] {
            let message = error::<i64>(text);
            let expected = format!("expected an integer of 64 bits, found {found} at column ");
            assert!(message.starts_with(&expected), "{message}");
        }
        for (message, expected) in [
            (error::<BTreeMap<String, i64>>("[]"), "an object, found an array"),
            (error::<Vec<i64>>("{}"), "an array, found an object"),
            (error::<(i64, i64)>("[1]"), "an array of 2 values, found 1"),
            (error::<(i64, i64)>("1"), "an array of 2 values, found the integer 1"),
            (error::<String>("1"), "a string, found the integer 1"),
            (error::<f64>("{}"), "a number, found an object"),
        ] {
            let expected = format!("expected {expected} at column ");
            assert!(message.starts_with(&expected), "{message} is not {expected}");
        }
    }
}
