//! The console, the only writer to standard output and standard error.
//!
//! Either stream may be closed or full, and `println!` panics in that case. A test continues
//! anyway. Its results are in its directory, and the exit status reports the verdict.

use std::fmt;
use std::io::{self, Write};

use crate::runner::failure::Failure;

/// Writes to standard output.
///
/// # Errors
///
/// Returns an error if the text cannot be written. A closed pipe (`| head`) is not an error,
/// because the reader has read all that it needs.
pub fn print(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    printed(out.write_all(text.as_bytes()).and_then(|()| out.flush()))
}

/// Converts the result of a write to standard output.
///
/// A closed pipe is not an error.
///
/// # Errors
///
/// Returns the same errors as [`print()`].
pub fn printed(written: io::Result<()>) -> Result<(), Failure> {
    match written {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            let path = "standard output".to_owned();
            Err(Failure::Store { path, reason: error.to_string() })
        }
        _ => Ok(()),
    }
}

/// Writes a line to standard error, in one write.
///
/// Ignores errors, because they cannot be reported.
pub fn eprintln(line: impl fmt::Display) {
    let _ = io::stderr().write_all(format!("{line}\n").as_bytes());
}
