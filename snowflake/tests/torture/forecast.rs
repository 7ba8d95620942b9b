//! What is said beforehand of each fault: who goes on, who waits, for how long, and what a
//! call for an ID is told meanwhile.
//!
//! | fault | node ID | forecast |
//! |---|---|---|
//! | crash, step back and crash | fixed | the successor starts ahead of its clock, after a sixth of a grant at most; or a whole one, after a backward step |
//! | | any | the successor starts at once, with another node ID and not ahead |
//! | restart | | the successor starts at once, right after the last ID |
//! | stop | | waits as long, and for one renewal: `NotRenewed` |
//! | replace | fixed, shared | the successor starts at once; the first is told `TakenOver`, and all its IDs are smaller |
//! | | fixed, own folder | the second is refused, `InUse`; the first goes on as after a stop |
//! | replace and end | fixed, shared | the same; when the second has released, the first goes on, past its IDs |
//! | -30 s | | waits until the clock is where it was, and for a renewal if its grant has ended by then: `Ahead`, by 30 s |
//! | +1 h | bounded store | goes on for 1 s; then waits until the clock is right: `Rejected` |
//! | | own folder | goes on for 1 s, waits for the next renewal, goes on an hour later; back again it waits for an hour: `Ahead`; its successor is refused, `TooFarAhead` |
//!
//! How long is exact at the lower end. At the upper it may be late, because machines are busy,
//! by as much as a `yardstick` was meanwhile.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::RangeInclusive;

use super::history::{Event, Refusal, What, Why};

/// What is to be seen of a process from a fault on until it is dealt with.
#[derive(Clone, Debug)]
pub(crate) struct Forecast {
    pub(crate) says: &'static str,
    /// For how long it makes no ID.
    pub(crate) silent_ms: RangeInclusive<u64>,
    /// What it is surely told, and with which wait.
    pub(crate) told: Option<(Why, RangeInclusive<u64>)>,
    /// What it may be told.
    pub(crate) perhaps: &'static [Why],
}

impl Forecast {
    pub(crate) fn new(says: &'static str, least_ms: u64, most_ms: u64) -> Forecast {
        Forecast { says, silent_ms: least_ms..=most_ms, told: None, perhaps: &[] }
    }

    pub(crate) fn goes_on(says: &'static str) -> Forecast {
        Forecast::new(says, 0, 0)
    }

    /// It is surely told `why`, with a wait in `wait_ms`.
    pub(crate) fn told(self, why: Why, wait_ms: RangeInclusive<u64>) -> Forecast {
        Forecast { told: Some((why, wait_ms)), ..self }
    }

    pub(crate) fn perhaps(self, perhaps: &'static [Why]) -> Forecast {
        Forecast { perhaps, ..self }
    }

    /// What is wrong with what was seen, on a machine on which all may be `late_ms` late.
    pub(crate) fn judge(&self, seen: &Seen, late_ms: u64) -> Result<(), String> {
        let most_ms = self.silent_ms.end().saturating_add(late_ms);
        if !(*self.silent_ms.start()..=most_ms).contains(&seen.silent_ms) {
            let forecast = &self.silent_ms;
            return Err(format!("silent for {} ms, not {forecast:?}", seen.silent_ms));
        }
        if let Some((why, wait_ms)) = &self.told {
            // One that asks later has less to wait.
            let least_ms = wait_ms.start().saturating_sub(late_ms);
            match seen.told.get(why) {
                None => return Err(format!("never told {why:?}")),
                Some(told_ms) if !(least_ms..=*wait_ms.end()).contains(told_ms) => {
                    return Err(format!("told to wait {told_ms} ms, not {wait_ms:?}"));
                }
                Some(_) => {}
            }
        }
        let expected = |why| self.told.as_ref().is_some_and(|told| told.0 == why);
        let news = seen.told.iter().find(|&(&why, &wait_ms)| {
            !expected(why) && !self.perhaps.contains(&why) && seen.is_news(why, wait_ms)
        });
        match news {
            Some((why, wait_ms)) => Err(format!("told {why:?}, {wait_ms} ms")),
            None => Ok(()),
        }
    }
}

/// What was seen of a process in a span of time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    /// The longest time without an ID.
    pub(crate) silent_ms: u64,
    /// What calls were told, with the longest wait.
    pub(crate) told: BTreeMap<Why, u64>,
    /// Its IDs may run ahead of its clock.
    pub(crate) may_run_ahead: bool,
}

impl Seen {
    pub(crate) fn of(history: &[Event], span_ms: RangeInclusive<u64>) -> Seen {
        let may_run_ahead =
            history.iter().any(|it| matches!(it.what, What::Started { ahead_ms } if ahead_ms > 0));
        let mut seen = Seen { silent_ms: 0, told: BTreeMap::new(), may_run_ahead };
        let mut last_ms = *span_ms.start();
        for event in history.iter().filter(|event| span_ms.contains(&event.at_ms)) {
            match event.what {
                What::Ids { .. } => {
                    seen.silent_ms = seen.silent_ms.max(event.at_ms - last_ms);
                    last_ms = event.at_ms;
                }
                What::Refused(Refusal { why, wait_ms }) => {
                    let longest = seen.told.entry(why).or_default();
                    *longest = wait_ms.max(*longest);
                }
                _ => {}
            }
        }
        seen.silent_ms = seen.silent_ms.max(span_ms.end() - last_ms);
        seen
    }

    /// Whether it says something that `why` was told, while the silence is as it should be.
    fn is_news(&self, why: Why, wait_ms: u64) -> bool {
        match why {
            // A renewal that is late, or fails, on a busy machine.
            Why::NotRenewed | Why::StoreFailed => false,
            // One that may run ahead gets to the end of its grant before its clock does; and
            // a call that was stopped while it waited for the next millisecond has waited too long.
            Why::Ahead => !self.may_run_ahead && wait_ms > 10,
            _ => true,
        }
    }
}

impl fmt::Display for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "silent for {} ms", self.silent_ms)?;
        self.told.iter().try_for_each(|(why, wait_ms)| match wait_ms {
            0 => write!(f, ", {why:?}"),
            _ => write!(f, ", {why:?} for {wait_ms} ms"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn history(ids_at_ms: &[u64], told: Why) -> Vec<Event> {
        let refused = What::Refused(Refusal { why: told, wait_ms: 7 });
        let refused = Event { at_ms: ids_at_ms[0], what: refused };
        let ids = |&at_ms| Event { at_ms, what: What::Ids { first: 1, count: 1 } };
        ids_at_ms.iter().map(ids).chain([refused]).collect()
    }

    #[test]
    fn the_longest_silence_is_found_wherever_it_is() {
        for (ids_at_ms, silent_ms) in [([11, 12, 90], 78), ([60, 61, 80], 50), ([11, 12, 13], 87)] {
            let history = history(&ids_at_ms, Why::Ahead);
            assert_eq!(Seen::of(&history, 10..=100).silent_ms, silent_ms);
        }
    }

    #[test]
    fn a_forecast_that_is_wrong_is_found_out() {
        let seen = |told| Seen::of(&history(&[10, 5010, 5011], told), 10..=5012);
        let forecast = Forecast::new("waits", 4000, 4500).told(Why::Ahead, 7..=7);
        assert_eq!(forecast.judge(&seen(Why::Ahead), 500), Ok(()));
        let wrong = [
            (Forecast::new("too long", 0, 1000), Why::NotRenewed),
            (Forecast::new("too short", 5001, 6000), Why::NotRenewed),
            (Forecast::new("told nothing", 0, 6000), Why::TakenOver),
            (Forecast::new("told something", 0, 6000).told(Why::Ahead, 7..=7), Why::NotRenewed),
            (Forecast::new("another wait", 0, 6000).told(Why::Ahead, 0..=6), Why::Ahead),
        ];
        for (forecast, told) in wrong {
            assert!(forecast.judge(&seen(told), 500).is_err(), "{}", forecast.says);
        }
    }
}
