//! The expected effect of each fault: how long a process issues no ID, and which errors its calls
//! return during that time.
//!
//! | fault | node ID | expectation |
//! |---|---|---|
//! | crash; step back and crash | fixed | the next process starts ahead of its clock, after at most a sixth of a grant. After a backward step it starts after at most a grant |
//! | | any | the next process starts immediately, with another node ID and not ahead of its clock |
//! | restart | | the next process starts immediately, right after the last ID |
//! | stop | | no IDs during the stop and during one renewal: `NotRenewed` |
//! | replace | fixed, shared store | the second process starts immediately. The first gets `TakenOver`, and all its IDs are smaller |
//! | | fixed, own directory | the second process fails with `InUse`. The first continues as after a stop |
//! | replace and shut down | fixed, shared store | as `replace`. After the second process has released, the first continues with IDs above those of the second |
//! | -30 s | | no IDs until the clock is where it was, or until a renewal after that if the grant has ended: `Ahead`, by 30 s |
//! | +1 h | store with a clock | IDs for 1 s, then none until the clock is corrected: `Rejected` |
//! | | own directory | IDs for 1 s, none until the next renewal, and then IDs with timestamps of the next hour. After the clock is corrected, calls fail for an hour with `Ahead`, and the next process fails with `TooFarAhead` |
//!
//! The lower bounds are exact. The upper bounds have a tolerance, because the machine may be busy:
//! `latency_probe` measures it during the run.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::RangeInclusive;

use super::history::{Cause, Event, EventKind, Failure};

/// The expected behavior of a process, from a fault until its effect has ended.
#[derive(Clone, Debug)]
pub(crate) struct Expectation {
    pub(crate) summary: &'static str,
    /// The time in which the process issues no ID.
    pub(crate) silent_ms: RangeInclusive<u64>,
    /// An error that a call must return, with the bounds of the wait that it reports.
    pub(crate) required: Option<(Cause, RangeInclusive<u64>)>,
    /// Errors that a call may return.
    pub(crate) permitted: &'static [Cause],
}

impl Expectation {
    pub(crate) fn silence(summary: &'static str, min_ms: u64, max_ms: u64) -> Expectation {
        Expectation { summary, silent_ms: min_ms..=max_ms, required: None, permitted: &[] }
    }

    pub(crate) fn no_silence(summary: &'static str) -> Expectation {
        Expectation::silence(summary, 0, 0)
    }

    /// Requires an error with `cause`, and a wait in `wait_ms`.
    pub(crate) fn requires(self, cause: Cause, wait_ms: RangeInclusive<u64>) -> Expectation {
        Expectation { required: Some((cause, wait_ms)), ..self }
    }

    pub(crate) fn permits(self, permitted: &'static [Cause]) -> Expectation {
        Expectation { permitted, ..self }
    }

    /// Checks an observation, on a machine where each event may be late by `tolerance_ms`.
    pub(crate) fn check(&self, observed: &Observation, tolerance_ms: u64) -> Result<(), String> {
        let max_ms = self.silent_ms.end().saturating_add(tolerance_ms);
        if !(*self.silent_ms.start()..=max_ms).contains(&observed.silent_ms) {
            let expected = &self.silent_ms;
            return Err(format!("no ID for {} ms (expected {expected:?})", observed.silent_ms));
        }
        if let Some((cause, wait_ms)) = &self.required {
            // A call that comes later reports a shorter wait.
            let min_ms = wait_ms.start().saturating_sub(tolerance_ms);
            match observed.errors.get(cause) {
                None => return Err(format!("no call returned {cause:?}")),
                Some(reported_ms) if !(min_ms..=*wait_ms.end()).contains(reported_ms) => {
                    return Err(format!(
                        "{cause:?} with a wait of {reported_ms} ms (expected {wait_ms:?})"
                    ));
                }
                Some(_) => {}
            }
        }
        let is_required =
            |cause| self.required.as_ref().is_some_and(|required| required.0 == cause);
        let unexpected = observed.errors.iter().find(|&(&cause, &wait_ms)| {
            !is_required(cause)
                && !self.permitted.contains(&cause)
                && !observed.is_harmless(cause, wait_ms)
        });
        match unexpected {
            Some((cause, wait_ms)) => Err(format!("unexpected {cause:?}, wait {wait_ms} ms")),
            None => Ok(()),
        }
    }
}

/// The observed behavior of a process in a span of time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Observation {
    /// The longest time without an ID.
    pub(crate) silent_ms: u64,
    /// The errors of calls, each with the longest wait that it reported.
    pub(crate) errors: BTreeMap<Cause, u64>,
    /// `true` if the process's IDs may be ahead of its clock.
    pub(crate) may_be_ahead: bool,
}

impl Observation {
    pub(crate) fn of(history: &[Event], span_ms: RangeInclusive<u64>) -> Observation {
        let is_ahead =
            |event: &Event| matches!(event.kind, EventKind::Started { ahead_ms } if ahead_ms > 0);
        let may_be_ahead = history.iter().any(is_ahead);
        let mut observed = Observation { silent_ms: 0, errors: BTreeMap::new(), may_be_ahead };
        let mut last_ms = *span_ms.start();
        for event in history.iter().filter(|event| span_ms.contains(&event.at_ms)) {
            match event.kind {
                EventKind::Ids { .. } => {
                    observed.silent_ms = observed.silent_ms.max(event.at_ms - last_ms);
                    last_ms = event.at_ms;
                }
                EventKind::CallFailed(Failure { cause, wait_ms }) => {
                    let longest = observed.errors.entry(cause).or_default();
                    *longest = wait_ms.max(*longest);
                }
                _ => {}
            }
        }
        observed.silent_ms = observed.silent_ms.max(span_ms.end() - last_ms);
        observed
    }

    /// Returns `true` if a busy machine can cause the error during an expected silence.
    fn is_harmless(&self, cause: Cause, wait_ms: u64) -> bool {
        match cause {
            // A renewal may be late or fail.
            Cause::NotRenewed | Cause::StoreFailed => true,
            // A process that is ahead of its clock reaches the end of its grant before its clock
            // does. A process that was stopped during a wait exceeds the limit of that wait.
            Cause::Ahead => self.may_be_ahead || wait_ms <= 10,
            _ => false,
        }
    }
}

impl fmt::Display for Observation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no ID for {} ms", self.silent_ms)?;
        self.errors.iter().try_for_each(|(cause, wait_ms)| match wait_ms {
            0 => write!(f, ", {cause:?}"),
            _ => write!(f, ", {cause:?} with a wait of {wait_ms} ms"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn history(ids_at_ms: &[u64], cause: Cause) -> Vec<Event> {
        let failed = EventKind::CallFailed(Failure { cause, wait_ms: 7 });
        let failed = Event { at_ms: ids_at_ms[0], kind: failed };
        let ids = |&at_ms| Event { at_ms, kind: EventKind::Ids { first: 1, count: 1 } };
        ids_at_ms.iter().map(ids).chain([failed]).collect()
    }

    #[test]
    fn finds_the_longest_silence_at_the_start_in_the_middle_and_at_the_end() {
        for (ids_at_ms, silent_ms) in [([11, 12, 90], 78), ([60, 61, 80], 50), ([11, 12, 13], 87)] {
            let history = history(&ids_at_ms, Cause::Ahead);
            assert_eq!(Observation::of(&history, 10..=100).silent_ms, silent_ms);
        }
    }

    #[test]
    fn a_wrong_expectation_is_an_error() {
        let observed = |cause| Observation::of(&history(&[10, 5010, 5011], cause), 10..=5012);
        let expectation = Expectation::silence("waits", 4000, 4500).requires(Cause::Ahead, 7..=7);
        assert_eq!(expectation.check(&observed(Cause::Ahead), 500), Ok(()));
        let any_silence = |summary| Expectation::silence(summary, 0, 6000);
        let wrong = [
            (Expectation::silence("too long a silence", 0, 1000), Cause::NotRenewed),
            (Expectation::silence("too short a silence", 5001, 6000), Cause::NotRenewed),
            (any_silence("an unexpected error"), Cause::TakenOver),
            (any_silence("no required error").requires(Cause::Ahead, 7..=7), Cause::NotRenewed),
            (any_silence("another wait").requires(Cause::Ahead, 0..=6), Cause::Ahead),
        ];
        for (expectation, cause) in wrong {
            assert!(expectation.check(&observed(cause), 500).is_err(), "{}", expectation.summary);
        }
    }
}
