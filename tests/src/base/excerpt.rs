//! What others have written, cut to what a message about it can hold.

/// As much of a text as an error message can hold, on one line and with nothing in it that a
/// terminal would act on.
#[must_use]
pub fn excerpt(text: &str) -> String {
    beginning(text, 200)
}

/// The same of up to so many characters.
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

/// A name in quotes, no longer than an error message can hold.
#[must_use]
pub fn quoted(name: &str) -> String {
    excerpt(&format!("{name:?}"))
}
