//! The exit statuses of the bench.

/// Everything is as it should be.
pub const EXIT_VALID: u8 = 0;
/// A checker found an anomaly.
pub const EXIT_INVALID: u8 = 1;
/// No checker can tell.
pub const EXIT_UNKNOWN: u8 = 2;
/// The command line is wrong.
pub const EXIT_BAD_FLAGS: u8 = 254;
/// The test could not be carried through.
pub const EXIT_FAILED: u8 = 255;
