//! The standard output of a node, line by line.

use std::io::{self, BufRead, BufReader, Read};

use crossbeam_channel::Sender;
use parking_lot::Mutex;

use super::{Event, Writer};

/// The maximum length of an output line in bytes: a read of several million values.
pub(super) const LINE_LIMIT: usize = 64 << 20;

/// The number of bytes of an unfinished line that error messages quote.
const MAX_UNFINISHED: usize = 1 << 10;

/// Reads lines from a node until it closes its standard output.
///
/// The rest of a line that is too long is discarded, so that the pipe stays open.
pub(super) fn listen(
    stdout: impl Read,
    writer: Writer,
    events: &Sender<Event>,
    unfinished: &Unfinished,
) {
    let mut stdout = BufReader::with_capacity(1 << 16, stdout);
    let mut after_return = false;
    loop {
        let mut line = Vec::new();
        let event = match read_line(&mut stdout, &mut line, &mut after_return, unfinished) {
            Ok(()) if line.last() == Some(&b'\n') => {
                line.pop();
                Event::Wrote(writer, line)
            }
            Ok(()) if line.len() >= LINE_LIMIT => Event::WroteTooMuch(writer),
            // Output without a final newline is judged like any other line.
            Ok(()) if !line.is_empty() => Event::Wrote(writer, line),
            Ok(()) | Err(_) => Event::Closed(writer),
        };
        let is_last = matches!(event, Event::Closed(_));
        let is_too_long = matches!(event, Event::WroteTooMuch(_));
        if events.send(event).is_err() || is_last {
            return;
        }
        if is_too_long {
            let _ = io::copy(&mut stdout, &mut io::sink());
        }
    }
}

/// Reads up to a newline, the end or [`LINE_LIMIT`].
///
/// As for Maelstrom's reader, a carriage return ends a line, and so do a carriage return and a
/// newline together. The line ends with a newline in each case.
///
/// It shares the bytes before the newline arrives: nodes that never end their line are frequent.
fn read_line(
    input: &mut impl BufRead,
    line: &mut Vec<u8>,
    after_return: &mut bool,
    unfinished: &Unfinished,
) -> io::Result<()> {
    while line.len() < LINE_LIMIT {
        let available = match input.fill_buf() {
            Ok(available) => available,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        if std::mem::take(after_return) && available.first() == Some(&b'\n') {
            input.consume(1);
            continue;
        }
        let newline = memchr::memchr2(b'\n', b'\r', available);
        let end = newline.map_or(available.len(), |newline| newline + 1);
        let end = end.min(LINE_LIMIT - line.len());
        line.extend_from_slice(&available[..end]);
        input.consume(end);
        if let Some(last @ b'\r') = line.last_mut() {
            *last = b'\n';
            *after_return = true;
        }
        if line.last() == Some(&b'\n') {
            unfinished.set(b"");
            break;
        }
        if end == 0 {
            break;
        }
        unfinished.set(line);
    }
    Ok(())
}

/// The start of a line that has not ended.
#[derive(Debug, Default)]
pub(super) struct Unfinished(Mutex<Vec<u8>>);

impl Unfinished {
    pub(super) fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock()).into_owned()
    }

    fn set(&self, line: &[u8]) {
        let mut bytes = self.0.lock();
        bytes.clear();
        bytes.extend_from_slice(&line[..line.len().min(MAX_UNFINISHED)]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unfinished_line_is_kept_until_its_newline_arrives() {
        let read = |input: &str| {
            let (mut line, unfinished) = (Vec::new(), Unfinished::default());
            // A byte at a time, as a slow node writes.
            let mut input = BufReader::with_capacity(1, input.as_bytes());
            read_line(&mut input, &mut line, &mut false, &unfinished).unwrap();
            (String::from_utf8(line).unwrap(), unfinished.text())
        };
        assert_eq!(read("{\"src\""), ("{\"src\"".to_owned(), "{\"src\"".to_owned()));
        assert_eq!(read("one\ntwo"), ("one\n".to_owned(), String::new()));
        assert_eq!(read(&"x".repeat(5000)).1.len(), MAX_UNFINISHED);
    }

    #[test]
    fn a_carriage_return_ends_a_line_like_a_newline() {
        for capacity in [1, 3, 100] {
            let mut input = BufReader::with_capacity(capacity, &b"a\rb\r\nc\nd\r\r\n\ne"[..]);
            let mut after_return = false;
            let lines: Vec<String> = std::iter::from_fn(|| {
                let mut line = Vec::new();
                read_line(&mut input, &mut line, &mut after_return, &Unfinished::default())
                    .unwrap();
                (!line.is_empty()).then(|| String::from_utf8(line).unwrap())
            })
            .collect();
            assert_eq!(lines, ["a\n", "b\n", "c\n", "d\n", "\n", "\n", "e"], "{capacity}");
        }
    }
}
