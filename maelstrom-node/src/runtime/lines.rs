//! Splitting a stream of bytes into lines, many at a time.

use std::io::{self, ErrorKind, Read};
use std::ops::Range;

use memchr::{memchr, memrchr};

/// The limit on a line. The reader skips a longer line and logs it.
pub(crate) const MAX_LINE_BYTES: usize = 16 << 20;

/// The size of one read: the capacity of a pipe.
const READ_BYTES: usize = 64 << 10;

/// The limit on the memory that the buffer keeps after a very long line.
const KEPT_BYTES: usize = 1 << 20;

/// A reader of complete lines, many at a time.
#[derive(Debug)]
pub(crate) struct LineReader<R> {
    input: R,
    buffer: Vec<u8>,
    /// The number of bytes of the buffer that contain input.
    filled: usize,
    /// The lines that the last call of `read` returned. The bytes after them are the start of an
    /// incomplete line.
    handed_out: Range<usize>,
    /// The number of bytes that were dropped of a line that is too long.
    skipped: Option<usize>,
}

impl<R: Read> LineReader<R> {
    pub(crate) fn new(input: R) -> LineReader<R> {
        LineReader { input, buffer: Vec::new(), filled: 0, handed_out: 0..0, skipped: None }
    }

    /// Returns the input.
    pub(crate) fn input(&self) -> &R {
        &self.input
    }

    /// Reads once and returns the complete lines, or `None` at the end of the input.
    ///
    /// The lines have no newlines, and empty lines are left out. The last line of the input may
    /// lack its newline. The call blocks until there is input.
    pub(crate) fn read(&mut self) -> io::Result<Option<impl Iterator<Item = &[u8]>>> {
        self.make_room();
        let begin = self.filled;
        let count = loop {
            match self.input.read(&mut self.buffer[begin..]) {
                Err(why) if why.kind() == ErrorKind::Interrupted => {}
                read => break read?,
            }
        };
        self.filled += count;
        self.handed_out = if count == 0 { self.last_line() } else { self.lines_since(begin) };
        let ended = count == 0 && self.handed_out.is_empty();
        Ok((!ended).then(|| split(&self.buffer[self.handed_out.clone()])))
    }

    /// Removes the returned lines from the buffer and makes room for a read.
    fn make_room(&mut self) {
        // An incomplete line stays in place. Otherwise each read would copy a long line.
        if self.handed_out.end > 0 {
            self.buffer.copy_within(self.handed_out.end..self.filled, 0);
            self.filled -= self.handed_out.end;
            self.handed_out = 0..0;
        }
        self.buffer.resize(self.filled + READ_BYTES, 0);
        // The buffer grows as long as a long line is incomplete.
        if self.buffer.len() <= KEPT_BYTES {
            self.buffer.shrink_to(KEPT_BYTES);
        }
    }

    fn last_line(&mut self) -> Range<usize> {
        if let Some(bytes) = self.skipped.take() {
            log_skipped(bytes);
        }
        0..self.filled
    }

    /// Returns the complete lines after a read that began at `begin`.
    ///
    /// Only the bytes from `begin` on can contain a newline.
    fn lines_since(&mut self, begin: usize) -> Range<usize> {
        let start = self.after_skipped();
        if let Some(end) = memrchr(b'\n', &self.buffer[begin.max(start)..self.filled]) {
            return start..begin.max(start) + end + 1;
        }
        if self.filled - start > MAX_LINE_BYTES {
            self.skipped = Some(self.filled - start);
            return self.filled..self.filled;
        }
        start..start
    }

    /// Returns the end of a skipped line, or the end of the input read so far.
    fn after_skipped(&mut self) -> usize {
        let Some(bytes) = &mut self.skipped else { return 0 };
        match memchr(b'\n', &self.buffer[..self.filled]) {
            Some(end) => {
                log_skipped(*bytes + end);
                self.skipped = None;
                end + 1
            }
            None => {
                *bytes += self.filled;
                self.filled
            }
        }
    }
}

fn split(mut rest: &[u8]) -> impl Iterator<Item = &[u8]> {
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

fn log_skipped(bytes: usize) {
    tracing::warn!(bytes, "ignored a line: too long (limit {MAX_LINE_BYTES} bytes)");
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
        while let Some(whole) = reader.read().unwrap() {
            lines.extend(whole.map(<[u8]>::to_vec));
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
        input.resize(input.len() + MAX_LINE_BYTES + 3 * READ_BYTES, b'x');
        input.extend_from_slice(b"\nafter\n");
        for at_once in [1 << 10, 1 << 16, 1 << 20] {
            let expected: [&[u8]; 2] = [b"before", b"after"];
            assert_eq!(lines(&input, at_once), expected, "{at_once} bytes at once");
        }
    }
}
