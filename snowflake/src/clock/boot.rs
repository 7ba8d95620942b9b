//! The boot clock: a monotonic clock that also counts suspends of the machine.

use std::time::Duration;

/// Returns the time since the machine was started, including suspends.
///
/// `Instant` does not count suspends on Linux and macOS. A keeper that used it would continue to
/// sleep after a resume, past the end of its grant. The step filter would take a resume for a step.
#[cfg(unix)]
pub(crate) fn since_boot() -> Duration {
    use rustix::time::ClockId;

    #[cfg(any(target_os = "linux", target_os = "android"))]
    const CLOCK: ClockId = ClockId::Boottime;
    // On macOS and iOS this clock counts suspends.
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    const CLOCK: ClockId = ClockId::Monotonic;

    let time = rustix::time::clock_gettime(CLOCK);
    Duration::new(time.tv_sec.unsigned_abs(), time.tv_nsec.unsigned_abs() as u32)
}

/// Returns the time since the first call. On Windows `Instant` counts suspends.
#[cfg(not(unix))]
pub(crate) fn since_boot() -> Duration {
    use std::sync::LazyLock;
    use std::time::Instant;

    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    START.elapsed()
}
