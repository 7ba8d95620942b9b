//! Errors: the codes of replies, and the reasons why a body is not a request.

use std::fmt;

use serde::Serialize;

/// The errors that the node replies with.
///
/// All except `Timeout` are definite: the request had no effect and never will.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(into = "u32")]
pub enum ErrorCode {
    /// The request was not acknowledged in time. It may have taken effect, or may do so later.
    Timeout,
    /// The node does not support requests of this type, or an operation of a transaction.
    NotSupported,
    /// The node cannot serve the request at present. A retry may succeed.
    TemporarilyUnavailable,
    /// The request lacks a field, or a field has the wrong type.
    MalformedRequest,
}

impl From<ErrorCode> for u32 {
    fn from(code: ErrorCode) -> u32 {
        match code {
            ErrorCode::Timeout => 0,
            ErrorCode::NotSupported => 10,
            ErrorCode::TemporarilyUnavailable => 11,
            ErrorCode::MalformedRequest => 12,
        }
    }
}

/// The reason why a body is not a [`Request`](super::Request).
#[derive(Debug)]
pub enum RequestError {
    /// Error 10: the node does not know this type, or an operation of a transaction.
    NotSupported(String),
    /// Error 12: a field is missing or has the wrong type.
    Malformed(String),
}

impl fmt::Display for RequestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (RequestError::NotSupported(text) | RequestError::Malformed(text)) = self;
        f.write_str(clipped(text))
    }
}

/// Returns an error of JSON without its position.
///
/// The line number is always 1. For an error inside a field, the column counts from the start
/// of the field.
pub(super) fn message_of(error: &serde_json::Error) -> String {
    let text = error.to_string();
    text.rsplit_once(" at line ").map_or(&*text, |(what, _)| what).to_owned()
}

/// Returns the beginning of a text that may quote a message, which can have megabytes.
#[must_use]
pub(crate) fn clipped(text: &str) -> &str {
    const MAX_CHARS: usize = 200;
    text.char_indices().nth(MAX_CHARS).map_or(text, |(end, _)| &text[..end])
}
