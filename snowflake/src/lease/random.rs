//! Random numbers that keep processes apart that started together.

use std::hash::{BuildHasher, RandomState};
use std::process;
use std::time::Duration;

/// Returns a random number. It is not for secrets.
pub(super) fn random() -> u64 {
    // Each state has other keys. A forked child has its parent's keys, and another process ID.
    RandomState::new().hash_one(process::id())
}

/// Returns a pause between half of `pause` and one and a half of it.
pub(super) fn with_jitter(pause: Duration, random: u64) -> Duration {
    let thousandths = 500 + u32::try_from(random % 1001).unwrap_or_default();
    pause * thousandths / 1000
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jitter_is_at_most_half_of_the_pause() {
        let pause = Duration::from_millis(250);
        assert_eq!(with_jitter(pause, 0), pause / 2);
        assert_eq!(with_jitter(pause, 1000), pause * 3 / 2);
        let pauses: Vec<_> = (0..1000).map(|_| with_jitter(pause, random())).collect();
        assert!(pauses.iter().all(|it| (pause / 2..=pause * 3 / 2).contains(it)), "{pauses:?}");
        let mean = pauses.iter().sum::<Duration>() / 1000;
        assert!(mean.abs_diff(pause) < pause / 10, "{mean:?}");
    }
}
