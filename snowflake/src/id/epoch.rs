//! The time that timestamps count from.

use core::fmt;
use core::str::FromStr;

use super::layout::{TIMESTAMP_MAX, TIMESTAMP_SHIFT};
use super::{Id, ParseTimeError, UnixMillis, rfc3339};

/// An epoch: the time that timestamps count from.
///
/// All services that share IDs need the same epoch, and it never changes. IDs of two epochs neither
/// sort together nor stay unique together, so an `Epoch` has no default. The
/// [front page](crate#choosing-an-epoch-and-node-ids) describes how to choose one.
///
/// `Display` writes RFC 3339, or milliseconds after the year 9999. `FromStr` reads both, among
/// other forms. An `Epoch` can be a clap argument.
///
/// # Examples
///
/// ```
/// use snowflake::Epoch;
///
/// assert_eq!("2024".parse(), Ok(Epoch::Y2024));
/// assert_eq!("discord".parse(), Ok(Epoch::DISCORD));
/// assert_eq!("2024-01-01T01:00:00+01:00".parse(), Ok(Epoch::Y2024));
/// assert_eq!(Epoch::Y2024.to_string(), "2024-01-01T00:00:00.000Z");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Epoch(UnixMillis);

impl Epoch {
    /// 2010-11-04T01:42:54.657Z, from Twitter's `IdWorker.scala` (`twepoch`).
    ///
    /// Timestamps end in July 2080.
    pub const TWITTER: Epoch = Epoch(UnixMillis(1_288_834_974_657));

    /// 2015-01-01T00:00:00Z, from Discord's API documentation.
    ///
    /// Timestamps end in September 2084.
    pub const DISCORD: Epoch = Epoch(UnixMillis(1_420_070_400_000));

    /// 2024-01-01T00:00:00Z. Timestamps end in September 2093.
    pub const Y2024: Epoch = Epoch(UnixMillis(1_704_067_200_000));

    /// Returns the epoch that starts at this time.
    ///
    /// # Examples
    ///
    /// ```
    /// use snowflake::{Epoch, UnixMillis};
    ///
    /// const EPOCH: Epoch = Epoch::new(UnixMillis(1_735_689_600_000));
    /// assert_eq!(EPOCH.to_string(), "2025-01-01T00:00:00.000Z");
    /// ```
    pub const fn new(start: UnixMillis) -> Epoch {
        Epoch(start)
    }

    /// Returns the time that timestamps count from.
    pub const fn start(self) -> UnixMillis {
        self.0
    }

    /// Returns the time of the last timestamp, 69.7 years after the start.
    ///
    /// # Examples
    ///
    /// ```
    /// assert_eq!(snowflake::Epoch::Y2024.end().to_string(), "2093-09-06T15:47:35.551Z");
    /// ```
    pub const fn end(self) -> UnixMillis {
        UnixMillis(self.0.0.saturating_add(TIMESTAMP_MAX))
    }

    /// Returns the smallest ID whose time is `time` or later, of any node.
    ///
    /// Returns `None` if there is none, because `time` is after the last timestamp. A time before
    /// the epoch gives [`Id::MIN`].
    ///
    /// # Examples
    ///
    /// The IDs of January 2026, as a range for a query:
    ///
    /// ```
    /// use snowflake::{Epoch, id};
    ///
    /// let january = "2026-01-01".parse::<Epoch>()?.start();
    /// let february = "2026-02-01".parse::<Epoch>()?.start();
    /// let first = Epoch::Y2024.first_id_at(january);
    /// let next = Epoch::Y2024.first_id_at(february);
    /// // … WHERE id >= $first AND id < $next
    /// assert_eq!(first, Some(id!("264905529753600000")));
    /// assert_eq!(next, Some(id!("276139553587200000")));
    /// # Ok::<(), snowflake::ParseTimeError>(())
    /// ```
    pub const fn first_id_at(self, time: UnixMillis) -> Option<Id> {
        match time.since(self) {
            None | Some(0) => Some(Id::MIN),
            Some(ms @ ..=TIMESTAMP_MAX) => Some(Id::from_clear(ms << TIMESTAMP_SHIFT)),
            Some(_) => None,
        }
    }

    /// Returns the largest ID whose time is `time` or earlier, of any node.
    ///
    /// Returns `None` if there is none, because `time` is before the epoch. A time after the last
    /// timestamp gives [`Id::MAX`].
    ///
    /// # Examples
    ///
    /// ```
    /// use snowflake::{Epoch, Id};
    ///
    /// let start = Epoch::Y2024.start();
    /// let last = Epoch::Y2024.last_id_at(start);
    /// // … WHERE id <= $last
    /// assert_eq!(last.map(Id::get), Some(1024 * 4096 - 1));
    /// assert_eq!(Epoch::Y2024.last_id_at(Epoch::TWITTER.start()), None);
    /// ```
    pub const fn last_id_at(self, time: UnixMillis) -> Option<Id> {
        /// The node ID and the sequence of the last ID of a millisecond.
        const FIELDS: u64 = (1 << TIMESTAMP_SHIFT) - 1;
        match time.since(self) {
            None => None,
            Some(ms @ ..=TIMESTAMP_MAX) => Some(Id::from_clear(ms << TIMESTAMP_SHIFT | FIELDS)),
            Some(_) => Some(Id::MAX),
        }
    }
}

impl From<UnixMillis> for Epoch {
    fn from(start: UnixMillis) -> Epoch {
        Epoch(start)
    }
}

/// Writes text that `FromStr` parses: RFC 3339, or milliseconds after the year 9999.
impl fmt::Display for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 > rfc3339::LAST { self.0.0.fmt(f) } else { self.0.fmt(f) }
    }
}

/// In March 1973. Seconds since 1970 are below it until the year 5138, so a smaller number is
/// not in milliseconds.
const MIN_EPOCH_MS: u64 = 100_000_000_000;

impl FromStr for Epoch {
    type Err = ParseTimeError;

    /// Parses one of these forms, without blanks around it:
    ///
    /// | form | example |
    /// |---|---|
    /// | a name | `twitter`, `discord` |
    /// | a year from 1970 on, which means its start in UTC | `2024` |
    /// | an RFC 3339 date, which means its midnight in UTC | `2024-07-01` |
    /// | an RFC 3339 date and time, to the millisecond | `2024-07-01T00:00:00+02:00` |
    /// | milliseconds since 1970 | `1704067200000` |
    ///
    /// # Errors
    ///
    /// Returns a [`ParseTimeError`]. A number that looks like seconds since 1970 is
    /// [`ParseTimeError::TooSmall`].
    fn from_str(text: &str) -> Result<Epoch, ParseTimeError> {
        match text {
            "twitter" => return Ok(Epoch::TWITTER),
            "discord" => return Ok(Epoch::DISCORD),
            _ => {}
        }
        let start = match rfc3339::decimal(text) {
            None => rfc3339::parse(text).map_err(|error| match error {
                ParseTimeError::Unrecognized => ParseTimeError::UnrecognizedEpoch,
                other => other,
            })?,
            Some(year) if text.len() == 4 => rfc3339::at([year, 1, 1], 0)?,
            Some(ms) if ms < MIN_EPOCH_MS => return Err(ParseTimeError::TooSmall(ms)),
            Some(ms) => UnixMillis(ms),
        };
        Ok(Epoch(start))
    }
}
