//! Splitting a stream of bytes into lines, many at a time.

use std::io::{self, BufRead, BufReader, ErrorKind, Read};

use memchr::{memchr, memrchr};

/// The longest line that is taken in. A longer one is skipped and logged.
pub(crate) const MOST_LINE_BYTES: usize = 16 << 20;

/// How much to ask of the input at once: what a pipe holds.
const READ_BYTES: usize = 64 << 10;

/// How much space a block may keep when it is used again. What one huge line took is
/// given back.
const KEPT_BYTES: usize = 1 << 20;

/// Whole lines, one after another, each with its newline; the last line of the input
/// may lack it.
#[derive(Debug, Default)]
pub(crate) struct Block(Vec<u8>);

impl Block {
    /// The lines, without their newlines. Empty ones are left out.
    pub(crate) fn lines(&self) -> impl Iterator<Item = &[u8]> {
        let mut rest = self.0.as_slice();
        std::iter::from_fn(move || {
            if rest.is_empty() {
                return None;
            }
            let end = memchr(b'\n', rest).unwrap_or(rest.len());
            let line = &rest[..end];
            rest = rest.get(end + 1..).unwrap_or_default();
            Some(line)
        })
        .filter(|line| !line.is_empty())
    }
}

/// Reads blocks of whole lines.
#[derive(Debug)]
pub(crate) struct LineReader<R> {
    input: BufReader<R>,
    /// The beginning of a line whose end has not been read.
    tail: Vec<u8>,
    /// Bytes dropped so far of a line that is too long.
    skipped: Option<usize>,
}

impl<R: Read> LineReader<R> {
    pub(crate) fn new(input: R) -> LineReader<R> {
        let input = BufReader::with_capacity(READ_BYTES, input);
        LineReader { input, tail: Vec::new(), skipped: None }
    }

    /// The next lines, in the space of a spent block; none at the end of the input.
    /// Returns as soon as there is one line.
    pub(crate) fn read(&mut self, spent: Block) -> io::Result<Option<Block>> {
        let Block(mut bytes) = spent;
        bytes.clear();
        bytes.shrink_to(KEPT_BYTES);
        bytes.append(&mut self.tail);
        loop {
            let read = match self.input.fill_buf() {
                Err(why) if why.kind() == ErrorKind::Interrupted => continue,
                read => read?,
            };
            let count = read.len();
            if count == 0 {
                if let Some(bytes) = self.skipped.take() {
                    log_skipped(bytes);
                }
                return Ok((!bytes.is_empty()).then_some(Block(bytes)));
            }
            let fresh = after_skipped(&mut self.skipped, read);
            // Only what was just read can hold a newline.
            let end = memrchr(b'\n', fresh);
            let (lines, tail) = fresh.split_at(end.map_or(fresh.len(), |end| end + 1));
            bytes.extend_from_slice(lines);
            self.tail.extend_from_slice(tail);
            self.input.consume(count);
            if end.is_some() {
                return Ok(Some(Block(bytes)));
            }
            if bytes.len() > MOST_LINE_BYTES {
                self.skipped = Some(bytes.len());
                bytes.clear();
            }
        }
    }
}

/// While a line is being skipped, what comes after it; everything otherwise.
fn after_skipped<'a>(skipped: &mut Option<usize>, read: &'a [u8]) -> &'a [u8] {
    let Some(bytes) = skipped else { return read };
    match memchr(b'\n', read) {
        Some(end) => {
            log_skipped(*bytes + end);
            *skipped = None;
            &read[end + 1..]
        }
        None => {
            *bytes += read.len();
            &[]
        }
    }
}

fn log_skipped(bytes: usize) {
    tracing::warn!(bytes, "ignored a line: longer than {MOST_LINE_BYTES} bytes");
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Hands out its bytes a few at a time.
    struct Trickle<'a>(&'a [u8], usize);

    impl Read for Trickle<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let count = self.1.min(self.0.len()).min(buffer.len());
            buffer[..count].copy_from_slice(&self.0[..count]);
            self.0 = &self.0[count..];
            Ok(count)
        }
    }

    fn lines(input: &[u8], at_once: usize) -> Vec<Vec<u8>> {
        let mut reader = LineReader::new(Trickle(input, at_once));
        let mut lines = Vec::new();
        let mut spent = Block::default();
        while let Some(block) = reader.read(spent).unwrap() {
            lines.extend(block.lines().map(<[u8]>::to_vec));
            spent = block;
        }
        lines
    }

    #[test]
    fn lines_are_the_same_however_the_bytes_arrive() {
        let input = b"one\n\ntwo\nthree is longer\nlast without an end";
        for at_once in 1..=input.len() {
            let expected: [&[u8]; 4] = [b"one", b"two", b"three is longer", b"last without an end"];
            assert_eq!(lines(input, at_once), expected, "{at_once} bytes at once");
        }
    }

    #[test]
    fn a_line_that_is_too_long_is_skipped_and_the_next_one_read() {
        let mut input = b"before\n".to_vec();
        input.resize(input.len() + MOST_LINE_BYTES + 3 * READ_BYTES, b'x');
        input.extend_from_slice(b"\nafter\n");
        for at_once in [1 << 10, 1 << 16, 1 << 20] {
            let expected: [&[u8]; 2] = [b"before", b"after"];
            assert_eq!(lines(&input, at_once), expected, "{at_once} bytes at once");
        }
    }
}
