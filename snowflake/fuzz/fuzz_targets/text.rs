//! Any text is an error, or the one spelling of what it is parsed as.
#![no_main]

use libfuzzer_sys::fuzz_target;
use snowflake::{Epoch, Id, NodeId, ParseIdError, TextBuffer};

fuzz_target!(|text: &str| {
    let mut buffer = TextBuffer::new();
    match text.parse::<Id>() {
        Ok(id) => assert_eq!(id.encode_decimal(&mut buffer), text),
        Err(error) => check(text, error),
    }
    match Id::from_base32(text) {
        Ok(id) => assert_eq!(id.encode_base32(&mut buffer), text),
        Err(error) => check(text, error),
    }
    match Id::from_hex(text) {
        Ok(id) => assert_eq!(id.encode_hex(&mut buffer), text),
        Err(error) => check(text, error),
    }
    match text.parse::<NodeId>() {
        Ok(node) => assert_eq!(node.to_string(), text),
        Err(error) => assert!(!error.to_string().is_empty()),
    }
    // An epoch has many spellings: a name, a year, a date, milliseconds.
    match text.parse::<Epoch>() {
        Ok(epoch) => assert_eq!(epoch.to_string().parse(), Ok(epoch)),
        Err(error) => assert!(!error.to_string().is_empty()),
    }
});

/// Checks that an error names a byte of the text, if it names one.
fn check(text: &str, error: ParseIdError) {
    assert!(!error.to_string().is_empty());
    match error {
        ParseIdError::NotADigit { at, byte, .. } => assert_eq!(text.as_bytes()[at], byte),
        ParseIdError::Length { found, expected } => {
            assert_eq!(found, text.len());
            assert_ne!(found, expected);
        }
        _ => {}
    }
}
