//! Excerpts of text from outside the bench, for use in messages.

/// Returns the first 200 characters of a text, for an error message.
///
/// The result is on one line: control characters, on which a terminal would act, are escaped.
#[must_use]
pub fn excerpt(text: &str) -> String {
    beginning(text, 200)
}

/// Returns the first `at_most` characters of a text. Control characters are escaped.
///
/// If the text is longer, its length in bytes follows.
#[must_use]
pub fn beginning(text: &str, at_most: usize) -> String {
    let end = text.char_indices().nth(at_most).map(|(end, _)| end);
    let mut excerpt = String::new();
    for shown in text[..end.unwrap_or(text.len())].chars() {
        match shown.is_control() {
            true => excerpt.extend(shown.escape_default()),
            false => excerpt.push(shown),
        }
    }
    if end.is_some() {
        excerpt.push_str(&format!("… ({} bytes in all)", text.len()));
    }
    excerpt
}

/// Returns a name in quotes, cut to the length that an error message can hold.
#[must_use]
pub fn quoted(name: &str) -> String {
    excerpt(&format!("{name:?}"))
}
