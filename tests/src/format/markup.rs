//! Text inside of markup.

use std::fmt::{self, Display, Write};

/// A text for an element or a quoted attribute of HTML, SVG or XML.
///
/// Characters that XML forbids become U+FFFD.
#[derive(Clone, Copy, Debug)]
pub struct Escaped<'a>(pub &'a str);

impl Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for c in self.0.chars() {
            match c {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                '\'' => f.write_str("&#39;")?,
                '\t' | '\n' => f.write_char(c)?,
                '\0'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{fffe}' | '\u{ffff}' => {
                    f.write_char('\u{fffd}')?;
                }
                c => f.write_char(c)?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_cannot_end_its_element_or_its_attribute() {
        let escaped = Escaped("a <b> & \"c\" 'd'\n\u{1b}\0").to_string();
        assert_eq!(escaped, "a &lt;b&gt; &amp; &quot;c&quot; &#39;d&#39;\n\u{fffd}\u{fffd}");
    }
}
