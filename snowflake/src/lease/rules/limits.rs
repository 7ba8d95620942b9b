//! The limits for the end of a grant.

use crate::UnixMillis;

/// The limits of the grants of a store.
///
/// A grant ends at most [`limit_ms`](GrantLimits::limit_ms) past the store's clock. So a
/// process whose clock is a year ahead cannot block its node ID for a year.
///
/// # Examples
///
/// ```
/// use snowflake::lease::GrantLimits;
///
/// const LIMITS: GrantLimits = GrantLimits::DEFAULT.with_max_grant_ms(600_000);
/// assert_eq!(LIMITS.limit_ms(), 610_000);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct GrantLimits {
    /// The longest grant, in milliseconds; the default is 60,000.
    pub max_grant_ms: u64,
    /// The time by which the holder's clock may be ahead of the store's, in milliseconds; the
    /// default is 10,000.
    ///
    /// It is for the longest grant. With shorter ones the clock may be further ahead, because the
    /// store checks only the sum of both limits.
    pub max_skew_ms: u64,
}

impl GrantLimits {
    /// The default limits.
    pub const DEFAULT: GrantLimits = GrantLimits { max_grant_ms: 60_000, max_skew_ms: 10_000 };

    /// Returns these limits with another [`max_grant_ms`](GrantLimits::max_grant_ms).
    #[must_use]
    pub const fn with_max_grant_ms(self, max_grant_ms: u64) -> GrantLimits {
        GrantLimits { max_grant_ms, ..self }
    }

    /// Returns these limits with another [`max_skew_ms`](GrantLimits::max_skew_ms).
    #[must_use]
    pub const fn with_max_skew_ms(self, max_skew_ms: u64) -> GrantLimits {
        GrantLimits { max_skew_ms, ..self }
    }

    /// Returns how far past the store's clock a grant may end: the sum of both limits.
    pub const fn limit_ms(self) -> u64 {
        self.max_grant_ms.saturating_add(self.max_skew_ms)
    }

    /// Returns the latest end of a grant at `now`.
    pub(crate) const fn latest(self, now: UnixMillis) -> UnixMillis {
        UnixMillis(now.0.saturating_add(self.limit_ms()))
    }
}

impl Default for GrantLimits {
    fn default() -> GrantLimits {
        GrantLimits::DEFAULT
    }
}
