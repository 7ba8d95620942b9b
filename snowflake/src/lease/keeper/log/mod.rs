//! The keeper's log lines: events in the background that no caller receives.

#[cfg(all(test, feature = "tracing-0_1"))]
mod tests;
#[cfg(feature = "tracing-0_1")]
mod tracing;

#[cfg(not(feature = "tracing-0_1"))]
mod nothing;

#[cfg(not(feature = "tracing-0_1"))]
pub(super) use nothing::Log;
#[cfg(feature = "tracing-0_1")]
pub(super) use tracing::Log;
