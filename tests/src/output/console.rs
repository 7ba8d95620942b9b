//! The bench's own voice: the only place that writes to standard output and standard error.
//!
//! Either may be closed or full, and `println!` panics then. A test goes on all the same: what
//! it finds is kept in its folder and told by the exit status.

use std::fmt;
use std::io::{self, Write};

use crate::runner::failure::Failure;

/// Writes to standard output.
///
/// # Errors
///
/// If the text could not be written. That its reader has gone (`| head`) is no error: they have
/// read all they wanted.
pub fn print(text: &str) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    printed(out.write_all(text.as_bytes()).and_then(|()| out.flush()))
}

/// What has become of something that was to be written to standard output.
///
/// # Errors
///
/// As [`print()`].
pub fn printed(written: io::Result<()>) -> Result<(), Failure> {
    match written {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            let path = "standard output".to_owned();
            Err(Failure::Store { path, reason: error.to_string() })
        }
        _ => Ok(()),
    }
}

/// Writes a line to standard error, in one piece. If that fails, there is nobody to tell.
pub fn say(line: impl fmt::Display) {
    let _ = io::stderr().write_all(format!("{line}\n").as_bytes());
}
