//! The bench's own parser of the nodes' output.
//!
//! It shares no code with the node: a bench that parsed with the code under test would not notice a
//! mistake in that code.
//!
//! Real Maelstrom silently ignores a node after a line that it cannot deliver. Here that line is a
//! [`Malformed`] error that describes the expected line.

mod body;
mod envelope;
mod json_error;

use std::borrow::Cow;

use serde::Deserialize;

pub use body::{Body, COPY_MSG_ID, Schema, Shape};
pub use envelope::Envelope;
use json_error::message_of;

/// A line that violates the protocol: the problem and the expected form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Malformed {
    /// The problem, as a clause that follows "that" or "which".
    pub problem: String,
    /// The expected form.
    pub expected: String,
    /// The usual cause, and what to do.
    pub hint: &'static str,
}

/// A string, borrowed if it contains no escapes.
#[derive(Deserialize)]
struct Key<'a>(#[serde(borrow)] Cow<'a, str>);

/// Returns `true` if a JSON value is written as an integer, of whatever size.
fn is_integer(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Messages about a value of a megabyte fit in a line.
    #[test]
    fn an_error_quotes_only_the_beginning_of_a_value() {
        let long = "x".repeat(1_000_000);
        let envelope = |line: String| Envelope::parse(line.as_bytes()).unwrap_err().problem;
        let reply = |rest: String| {
            let body = format!(r#"{{"type":"send_ok","in_reply_to":1,"offset":1{rest}}}"#);
            let schema = Schema { kind: "send_ok", fields: &[("offset", Shape::Int)] };
            Body::parse_text(&body).unwrap().conform(&schema).unwrap_err().problem
        };
        for text in [
            envelope(format!(r#"{{"src":"n1","dest":"c1","body":{{}},"{long}":1}}"#)),
            reply(format!(r#","{long}":1"#)),
            Body::parse_text(&format!(r#"{{"n":"{long}"}}"#))
                .unwrap()
                .read::<u64>("n", "a number")
                .unwrap_err()
                .problem,
        ] {
            assert!(text.len() < 600, "{} bytes: {text:.300}", text.len());
        }
        assert_eq!(envelope("hello".to_owned()), "is not JSON: expected value at column 1");
    }
}
