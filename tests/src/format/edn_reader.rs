//! A reader of EDN (extensible data notation), for histories of the bench or of Maelstrom.
//!
//! The reader accepts more than the notation allows if no data is lost. It drops any tag and keeps
//! its value, and it reads a record as a map. It never panics, and the nesting is limited.

use std::fmt;

use super::datum::Datum;

/// The maximum nesting of values: each level takes stack.
const MAX_DEPTH: usize = 200;

/// Text that is not EDN.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EdnError {
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
    /// The error at this position.
    pub problem: String,
}

impl fmt::Display for EdnError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}: {}", self.line, self.column, self.problem)
    }
}

/// A reader of the values in a text, in order.
#[derive(Debug)]
pub struct EdnReader<'a> {
    text: &'a str,
    /// The index of the next byte, which is the first byte of a character.
    at: usize,
    line: usize,
    /// The index of the first byte of the line.
    line_start: usize,
}

/// A value, or the token at a position where a value could begin.
enum Token {
    Value(Datum),
    /// A closing bracket, and its line and column.
    Close(char, (usize, usize)),
    End,
}

impl<'a> EdnReader<'a> {
    /// Creates a reader at the beginning of a text.
    #[must_use]
    pub fn new(text: &'a str) -> EdnReader<'a> {
        EdnReader { text, at: 0, line: 1, line_start: 0 }
    }

    /// Returns the next value, or `None` at the end.
    ///
    /// # Errors
    ///
    /// Returns the position and the problem if the text is not EDN.
    pub fn read(&mut self) -> Result<Option<Datum>, EdnError> {
        match self.token(0)? {
            Token::Value(datum) => Ok(Some(datum)),
            Token::Close(close, place) => {
                Err(error_at(place, format!("{close:?} has no opening bracket")))
            }
            Token::End => Ok(None),
        }
    }

    /// Returns the line that the reader has reached, from 1.
    #[must_use]
    pub fn line(&self) -> usize {
        self.line
    }

    /// Skips white space, commas and comments between values.
    pub fn skip_space(&mut self) {
        while let Some(c) = self.peek() {
            match c {
                ';' => while self.next().is_some_and(|c| c != '\n') {},
                c if c.is_whitespace() || c == ',' => {
                    self.next();
                }
                _ => return,
            }
        }
    }

    fn token(&mut self, depth: usize) -> Result<Token, EdnError> {
        loop {
            self.skip_space();
            let Some(c) = self.peek() else { return Ok(Token::End) };
            if depth > MAX_DEPTH {
                return Err(self.error(format!("values are nested more than {MAX_DEPTH} deep")));
            }
            let datum = match c {
                ')' | ']' | '}' => {
                    let place = self.place();
                    self.next();
                    return Ok(Token::Close(c, place));
                }
                '(' => self.sequence(')', depth)?,
                '[' => self.sequence(']', depth)?,
                '{' => self.map(depth)?,
                '"' => Datum::Text(self.string()?),
                '\\' => self.character()?,
                // The metadata of the value that follows.
                '^' => {
                    self.next();
                    self.value(depth)?;
                    continue;
                }
                '#' => match self.dispatch(depth)? {
                    Some(datum) => datum,
                    None => continue,
                },
                _ => self.word()?,
            };
            return Ok(Token::Value(datum));
        }
    }

    /// Reads a required value.
    fn value(&mut self, depth: usize) -> Result<Datum, EdnError> {
        match self.token(depth + 1)? {
            Token::Value(datum) => Ok(datum),
            Token::Close(close, place) => {
                Err(error_at(place, format!("a value is missing before {close:?}")))
            }
            Token::End => Err(self.error("the text ends where a value is missing".to_owned())),
        }
    }

    /// Reads the text after `#`. Returns `None` for an ignored value.
    fn dispatch(&mut self, depth: usize) -> Result<Option<Datum>, EdnError> {
        self.next();
        Ok(match self.peek() {
            Some('{') => Some(self.sequence('}', depth)?),
            Some('"') => Some(Datum::Text(self.string()?)),
            Some('#') => {
                // ##Inf, ##-Inf and ##NaN.
                self.next();
                Some(Datum::Number(self.text_of_word().to_owned()))
            }
            Some('_') => {
                self.next();
                self.value(depth)?;
                None
            }
            _ => {
                if self.text_of_word().is_empty() {
                    return Err(self.error("a tag is missing after '#'".to_owned()));
                }
                Some(self.value(depth)?)
            }
        })
    }

    fn sequence(&mut self, close: char, depth: usize) -> Result<Datum, EdnError> {
        Ok(Datum::Sequence(self.items(close, depth)?))
    }

    fn map(&mut self, depth: usize) -> Result<Datum, EdnError> {
        let items = self.items('}', depth)?;
        if !items.len().is_multiple_of(2) {
            return Err(self.error("the map has a key without a value".to_owned()));
        }
        let mut entries = Vec::with_capacity(items.len() / 2);
        let mut items = items.into_iter();
        while let (Some(key), Some(value)) = (items.next(), items.next()) {
            entries.push((key, value));
        }
        Ok(Datum::Map(entries))
    }

    /// Reads values from an opening bracket to its closing bracket.
    fn items(&mut self, close: char, depth: usize) -> Result<Vec<Datum>, EdnError> {
        let opened = self.place();
        self.next();
        let mut items = Vec::new();
        loop {
            match self.token(depth + 1)? {
                Token::Value(datum) => items.push(datum),
                Token::Close(found, _) if found == close => return Ok(items),
                Token::Close(found, place) => {
                    return Err(error_at(place, format!("expected {close:?}, found {found:?}")));
                }
                Token::End => {
                    return Err(error_at(
                        opened,
                        format!("the bracket here has no closing {close:?}"),
                    ));
                }
            }
        }
    }

    fn string(&mut self) -> Result<String, EdnError> {
        let opened = self.place();
        self.next();
        let mut text = String::new();
        loop {
            match self.next() {
                Some('"') => return Ok(text),
                Some('\\') => text.push(self.escape()?),
                Some(c) => text.push(c),
                None => {
                    return Err(error_at(
                        opened,
                        "the string here has no closing quote".to_owned(),
                    ));
                }
            }
        }
    }

    fn escape(&mut self) -> Result<char, EdnError> {
        Ok(match self.next() {
            Some('n') => '\n',
            Some('t') => '\t',
            Some('r') => '\r',
            Some('b') => '\u{8}',
            Some('f') => '\u{c}',
            Some('u') => {
                let unit = self.hexadecimal()?;
                match char::from_u32(unit) {
                    Some(c) => c,
                    None => self.surrogate(unit)?,
                }
            }
            Some(c) => c,
            None => return Err(self.error("the text ends within a string".to_owned())),
        })
    }

    /// Reads the second half of a character that takes two escapes.
    ///
    /// A lone half is not a character, and becomes the replacement character.
    fn surrogate(&mut self, high: u32) -> Result<char, EdnError> {
        if !(0xD800..0xDC00).contains(&high) || !self.rest().starts_with("\\u") {
            return Ok(char::REPLACEMENT_CHARACTER);
        }
        let after_high = self.at;
        self.next();
        self.next();
        let low = self.hexadecimal()?;
        if !(0xDC00..0xE000).contains(&low) {
            // The second escape stands for another character.
            self.at = after_high;
            return Ok(char::REPLACEMENT_CHARACTER);
        }
        let code = 0x1_0000 + ((high - 0xD800) << 10) + (low - 0xDC00);
        Ok(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER))
    }

    fn hexadecimal(&mut self) -> Result<u32, EdnError> {
        let digits: String = self.rest().chars().take(4).collect();
        let is_hexadecimal = digits.len() == 4 && digits.bytes().all(|b| b.is_ascii_hexdigit());
        match u32::from_str_radix(&digits, 16) {
            Ok(unit) if is_hexadecimal => {
                self.at += 4;
                Ok(unit)
            }
            _ => Err(self.error("\\u is not followed by four hexadecimal digits".to_owned())),
        }
    }

    fn character(&mut self) -> Result<Datum, EdnError> {
        self.next();
        let first = self.next();
        let first = first.ok_or_else(|| self.error("a character is missing".to_owned()))?;
        let rest = self.text_of_word();
        Ok(Datum::Text(match (first, rest) {
            (c, "") => c.to_string(),
            ('n', "ewline") => "\n".to_owned(),
            ('s', "pace") => " ".to_owned(),
            ('t', "ab") => "\t".to_owned(),
            ('r', "eturn") => "\r".to_owned(),
            (c, rest) => format!("{c}{rest}"),
        }))
    }

    fn word(&mut self) -> Result<Datum, EdnError> {
        let word = self.text_of_word();
        let digits = word.strip_prefix(['+', '-']).unwrap_or(word);
        if digits.starts_with(|c: char| c.is_ascii_digit()) {
            // The suffixes `N` and `M` mark arbitrary precision; the plus sign has no meaning.
            let number = word.strip_prefix('+').unwrap_or(word);
            return Ok(Datum::Number(number.trim_end_matches(['N', 'M']).to_owned()));
        }
        Ok(match word {
            "" => {
                let found = self.peek().map_or(String::new(), |c| format!("{c:?}"));
                return Err(self.error(format!("a value cannot begin with {found}")));
            }
            "nil" => Datum::Nil,
            "true" => Datum::Bool(true),
            "false" => Datum::Bool(false),
            _ => match word.strip_prefix(':') {
                Some("") => return Err(self.error("a keyword has no name".to_owned())),
                Some(keyword) => Datum::Keyword(keyword.to_owned()),
                None => Datum::Symbol(word.to_owned()),
            },
        })
    }

    fn text_of_word(&mut self) -> &'a str {
        let ends = |c: char| c.is_whitespace() || "()[]{}\",;\\".contains(c);
        let rest = self.rest();
        let word = &rest[..rest.find(ends).unwrap_or(rest.len())];
        self.at += word.len();
        word
    }

    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn next(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.at += c.len_utf8();
        if c == '\n' {
            self.line += 1;
            self.line_start = self.at;
        }
        Some(c)
    }

    fn place(&self) -> (usize, usize) {
        (self.line, self.text[self.line_start..self.at].chars().count() + 1)
    }

    fn error(&self, problem: String) -> EdnError {
        error_at(self.place(), problem)
    }
}

fn error_at((line, column): (usize, usize), problem: String) -> EdnError {
    EdnError { line, column, problem }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::edn::Edn;

    fn read(text: &str) -> Result<Vec<Datum>, EdnError> {
        let mut reader = EdnReader::new(text);
        std::iter::from_fn(|| reader.read().transpose()).collect()
    }

    fn json(text: &str) -> String {
        read(text).unwrap().iter().map(Datum::to_json).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn reads_every_kind_of_value() {
        for (text, expected) in [
            ("nil true -5 +5 5N 1.5M 2e3", "null true -5 5 5 1.5 2e3"),
            (r#""a\"\\\n\u00e9\ud83d\ude00\ud83d" \a \newline"#, r#""a\"\\\né😀�" "a" "\n""#),
            (
                r#""\ud800\u0041" "\ud83d\uffff" "\ud83d\ud83d\ude00""#,
                "\"�A\" \"�\u{ffff}\" \"�😀\"",
            ),
            ("[1 (2, 3) #{4}]", "[1,[2,3],[4]]"),
            ("{:a 1, \"b\" [], 3 :word}", r#"{"a":1,"b":[],"3":"word"}"#),
            ("; a comment\n1 #_ 2 #_[3 4] 5 ^:meta 6", "1 5 6"),
            ("#jepsen.history.Op{:index 0, :f :read}", r#"{"index":0,"f":"read"}"#),
            ("#inst \"2026-01-01\" #\"[a-z]\" ##Inf 1/2", r#""2026-01-01" "[a-z]" "Inf" "1/2""#),
            ("123456789012345678901234567890", "123456789012345678901234567890"),
            (",, \t", ""),
        ] {
            assert_eq!(json(text), expected, "{text}");
        }
    }

    #[test]
    fn malformed_text_gives_line_and_column() {
        for (text, line, column, problem) in [
            ("[1 2", 1, 1, "the bracket here has no closing ']'"),
            ("{:a 1}\n  {:b [3}}", 2, 9, "expected ']', found '}'"),
            ("1 ]", 1, 3, "']' has no opening bracket"),
            ("\n{:a}", 2, 5, "the map has a key without a value"),
            ("ä \"abc", 1, 3, "the string here has no closing quote"),
            ("\"\\u12\"", 1, 4, "\\u is not followed by four hexadecimal digits"),
            ("#", 1, 2, "a tag is missing after '#'"),
            ("#tag", 1, 5, "the text ends where a value is missing"),
            ("[:]", 1, 3, "a keyword has no name"),
        ] {
            let error = read(text).unwrap_err();
            let expected = EdnError { line, column, problem: problem.to_owned() };
            assert_eq!(error, expected, "{text}");
        }
    }

    #[test]
    fn nesting_is_bounded_and_no_cut_text_panics() {
        let error = read(&"[".repeat(1_000_000)).unwrap_err();
        assert!(error.problem.contains("200 deep"), "{error}");
        let error = read(&"#a ".repeat(1_000_000)).unwrap_err();
        assert!(error.problem.contains("200 deep"), "{error}");
        let text = "{:a [\"é\\u00e9\" \\newline #_ #x {1 2}] ##Inf #{ü} ^m 1.5M ; c\n}";
        for (at, _) in text.char_indices() {
            assert!(at == 0 || read(&text[..at]).is_err(), "{}", &text[..at]);
            let _ = read(&text[at..]);
        }
    }

    #[test]
    fn written_values_are_read_back() {
        let written = Edn::map([
            ("valid?", Edn::Bool(true)),
            ("list", Edn::Vector(vec![Edn::Nil, Edn::Float(0.1), Edn::Str("a\u{1}\"\n".into())])),
        ]);
        for text in [written.to_string(), written.pretty(10)] {
            let read = read(&text).unwrap();
            assert_eq!(read.len(), 1);
            assert_eq!(read[0].get("valid?"), Some(&Datum::Bool(true)));
            assert_eq!(read[0].get("list").unwrap().to_json(), r#"[null,0.1,"a\u0001\"\n"]"#);
        }
    }
}
