//! The exit statuses of the bench.

/// The status of a valid test, and of any other success.
pub const EXIT_VALID: u8 = 0;
/// A checker found an anomaly.
pub const EXIT_INVALID: u8 = 1;
/// The checkers cannot determine whether the test is valid.
pub const EXIT_UNKNOWN: u8 = 2;
/// The command line is invalid.
pub const EXIT_BAD_FLAGS: u8 = 254;
/// The test could not be completed.
pub const EXIT_FAILED: u8 = 255;
