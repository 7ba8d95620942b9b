//! A clock that counts the time in which the machine was suspended.

use std::time::Duration;

/// Reads such a clock. The test of a suspend has one of its own.
pub(super) type Uptime = Box<dyn Fn() -> Duration + Send + Sync>;

/// Returns the time since the machine was started, suspends included.
///
/// `Instant` does not count suspends on Linux and macOS. A keeper that slept by it would sleep
/// on after a resume, past the end of its grant.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(super) fn uptime() -> Duration {
    read(rustix::time::ClockId::Boottime)
}

/// On macOS and iOS this clock counts suspends.
#[cfg(all(unix, not(any(target_os = "linux", target_os = "android"))))]
pub(super) fn uptime() -> Duration {
    read(rustix::time::ClockId::Monotonic)
}

#[cfg(unix)]
fn read(clock: rustix::time::ClockId) -> Duration {
    let time = rustix::time::clock_gettime(clock);
    Duration::new(time.tv_sec.unsigned_abs(), time.tv_nsec.unsigned_abs() as u32)
}

/// On Windows `Instant` counts suspends.
#[cfg(not(unix))]
pub(super) fn uptime() -> Duration {
    use std::sync::LazyLock;
    use std::time::Instant;

    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    START.elapsed()
}
