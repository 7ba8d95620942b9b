//! A worker's history: three words for each event, in order.
//!
//! IDs are written as ranges: the first ID, and the number of IDs that follow without a gap. So a
//! hundred million IDs take a few megabytes. A worker writes them in batches after it has received
//! them. When it is killed, the file lacks at most one batch, and the checker does not see those
//! IDs.

use std::io::{self, Read};

use rustix::time::{ClockId, clock_gettime};
use snowflake::lease::{LeaseError, StoreErrorKind};
use snowflake::{ClaimError, LeaseEnd};

/// An event of a worker, with its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Event {
    pub(crate) at_ms: u64,
    pub(crate) kind: EventKind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EventKind {
    /// The worker holds a node ID. Its IDs may be this far ahead of its clock.
    Started {
        ahead_ms: u64,
    },
    StartFailed(Failure),
    Ids {
        first: u64,
        count: u64,
    },
    CallFailed(Failure),
    /// The worker has released its node ID.
    Released,
}

/// The error of a start or of a call, with the wait that it reports, or 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) cause: Cause,
    pub(crate) wait_ms: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub(crate) enum Cause {
    Ahead,
    NotRenewed,
    StoreFailed,
    Rejected,
    TakenOver,
    TooFarAhead,
    InUse,
    Other,
}

impl Cause {
    const ALL: [Cause; 8] = {
        use Cause::*;
        [Ahead, NotRenewed, StoreFailed, Rejected, TakenOver, TooFarAhead, InUse, Other]
    };
}

impl From<ClaimError> for Failure {
    fn from(error: ClaimError) -> Failure {
        let (cause, wait_ms) = match error {
            ClaimError::Ahead { wait_ms } | ClaimError::WaitTooLong { wait_ms, .. } => {
                (Cause::Ahead, wait_ms)
            }
            ClaimError::LeaseEnded { reason, .. } => match reason {
                LeaseEnd::NotRenewed => (Cause::NotRenewed, 0),
                LeaseEnd::StoreFailed => (Cause::StoreFailed, 0),
                LeaseEnd::Rejected => (Cause::Rejected, 0),
                LeaseEnd::TakenOver => (Cause::TakenOver, 0),
                _ => (Cause::Other, 0),
            },
            _ => (Cause::Other, 0),
        };
        Failure { cause, wait_ms }
    }
}

impl From<&LeaseError> for Failure {
    fn from(error: &LeaseError) -> Failure {
        let cause = match error {
            LeaseError::TooFarAhead { .. } => Cause::TooFarAhead,
            LeaseError::Store(error) if matches!(error.kind(), StoreErrorKind::InUse { .. }) => {
                Cause::InUse
            }
            LeaseError::Store(_) => Cause::StoreFailed,
            _ => Cause::Other,
        };
        let wait = error.retry_after().unwrap_or_default();
        Failure { cause, wait_ms: u64::try_from(wait.as_millis()).unwrap_or(u64::MAX) }
    }
}

/// The length of an event in bytes.
pub(crate) const EVENT_BYTES: usize = 3 * size_of::<u64>();

/// The bit that marks an event without IDs. No ID has it.
const NOT_AN_ID: u64 = 1 << 63;
const STARTED: u64 = NOT_AN_ID | 1 << 8;
const START_FAILED: u64 = NOT_AN_ID | 2 << 8;
const CALL_FAILED: u64 = NOT_AN_ID | 3 << 8;
const RELEASED: u64 = NOT_AN_ID | 4 << 8;

impl Event {
    pub(crate) fn now(kind: EventKind) -> Event {
        Event { at_ms: now_ms(), kind }
    }

    pub(crate) fn to_bytes(self) -> [u8; EVENT_BYTES] {
        let (head, value) = match self.kind {
            EventKind::Ids { first, count } => (first, count),
            EventKind::Started { ahead_ms } => (STARTED, ahead_ms),
            EventKind::StartFailed(Failure { cause, wait_ms }) => {
                (START_FAILED | cause as u64, wait_ms)
            }
            EventKind::CallFailed(Failure { cause, wait_ms }) => {
                (CALL_FAILED | cause as u64, wait_ms)
            }
            EventKind::Released => (RELEASED, 0),
        };
        let mut bytes = [0; EVENT_BYTES];
        for (at, word) in bytes.chunks_exact_mut(8).zip([head, value, self.at_ms]) {
            at.copy_from_slice(&word.to_ne_bytes());
        }
        bytes
    }

    /// Reads the next event of a file.
    pub(crate) fn read(file: &mut impl Read) -> io::Result<Event> {
        let mut words = [0; 3];
        for word in &mut words {
            let mut bytes = [0; 8];
            file.read_exact(&mut bytes)?;
            *word = u64::from_ne_bytes(bytes);
        }
        let [head, value, at_ms] = words;
        let cause = Cause::ALL.get((head & 0xff) as usize).copied();
        let failure = Failure { cause: cause.unwrap_or(Cause::Other), wait_ms: value };
        let kind = match head & !0xff {
            STARTED => EventKind::Started { ahead_ms: value },
            START_FAILED => EventKind::StartFailed(failure),
            CALL_FAILED => EventKind::CallFailed(failure),
            RELEASED => EventKind::Released,
            _ => EventKind::Ids { first: head, count: value },
        };
        Ok(Event { at_ms, kind })
    }
}

/// Returns the milliseconds of a clock that all processes share. libfaketime does not change it.
pub(crate) fn now_ms() -> u64 {
    let now = clock_gettime(ClockId::Monotonic);
    now.tv_sec as u64 * 1000 + now.tv_nsec as u64 / 1_000_000
}

#[test]
fn an_event_reads_back_as_it_was_written() {
    let failure = Failure { cause: Cause::InUse, wait_ms: u64::MAX };
    for kind in [
        EventKind::Ids { first: u64::MAX >> 1, count: 4096 },
        EventKind::Started { ahead_ms: 7 },
        EventKind::StartFailed(failure),
        EventKind::CallFailed(failure),
        EventKind::Released,
    ] {
        let event = Event { at_ms: 9, kind };
        assert_eq!(Event::read(&mut &event.to_bytes()[..]).unwrap(), event);
    }
}
