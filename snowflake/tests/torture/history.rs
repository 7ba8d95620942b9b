//! A worker's history: three words for each event, in order.
//!
//! IDs are written in runs: an ID and how many plain numbers in a row there are from it, so
//! that a hundred million of them take a few megabytes. They are written a batch at a time
//! after they were made: what a process makes just before it is killed, up to a batch of IDs,
//! is in no file, and is compared with nobody's.

use std::io::{self, Read};

use rustix::time::{ClockId, clock_gettime};
use snowflake::lease::{LeaseError, StoreErrorKind};
use snowflake::{ClaimError, LeaseEnd};

/// One thing that happened to a worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Event {
    pub(crate) at_ms: u64,
    pub(crate) what: What,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum What {
    /// It holds a node ID, and its IDs may run ahead of its clock by so much.
    Started {
        ahead_ms: u64,
    },
    NotStarted(Refusal),
    Ids {
        first: u64,
        count: u64,
    },
    Refused(Refusal),
    /// It has released its node ID.
    Ended,
}

/// Why there is no ID, or no node ID, and how long there will be none, where that was said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) why: Why,
    pub(crate) wait_ms: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub(crate) enum Why {
    Ahead,
    NotRenewed,
    StoreFailed,
    Rejected,
    TakenOver,
    TooFarAhead,
    InUse,
    Other,
}

impl Why {
    const ALL: [Why; 8] = {
        use Why::*;
        [Ahead, NotRenewed, StoreFailed, Rejected, TakenOver, TooFarAhead, InUse, Other]
    };
}

impl From<ClaimError> for Refusal {
    fn from(error: ClaimError) -> Refusal {
        let (why, wait_ms) = match error {
            ClaimError::Ahead { wait_ms } | ClaimError::WaitTooLong { wait_ms, .. } => {
                (Why::Ahead, wait_ms)
            }
            ClaimError::LeaseEnded { why, .. } => match why {
                LeaseEnd::NotRenewed => (Why::NotRenewed, 0),
                LeaseEnd::StoreFailed => (Why::StoreFailed, 0),
                LeaseEnd::Rejected => (Why::Rejected, 0),
                LeaseEnd::TakenOver => (Why::TakenOver, 0),
                _ => (Why::Other, 0),
            },
            _ => (Why::Other, 0),
        };
        Refusal { why, wait_ms }
    }
}

impl From<&LeaseError> for Refusal {
    fn from(error: &LeaseError) -> Refusal {
        let why = match error {
            LeaseError::TooFarAhead { .. } => Why::TooFarAhead,
            LeaseError::Store(error) if matches!(error.kind(), StoreErrorKind::InUse { .. }) => {
                Why::InUse
            }
            LeaseError::Store(_) => Why::StoreFailed,
            _ => Why::Other,
        };
        let wait = error.retry_after().unwrap_or_default();
        Refusal { why, wait_ms: u64::try_from(wait.as_millis()).unwrap_or(u64::MAX) }
    }
}

/// The bytes of an event.
pub(crate) const LENGTH: usize = 3 * size_of::<u64>();

/// What is no ID: no ID has the topmost bit.
const NOTE: u64 = 1 << 63;
const STARTED: u64 = NOTE | 1 << 8;
const NOT_STARTED: u64 = NOTE | 2 << 8;
const REFUSED: u64 = NOTE | 3 << 8;
const ENDED: u64 = NOTE | 4 << 8;

impl Event {
    pub(crate) fn now(what: What) -> Event {
        Event { at_ms: now_ms(), what }
    }

    pub(crate) fn to_bytes(self) -> [u8; LENGTH] {
        let (head, value) = match self.what {
            What::Ids { first, count } => (first, count),
            What::Started { ahead_ms } => (STARTED, ahead_ms),
            What::NotStarted(Refusal { why, wait_ms }) => (NOT_STARTED | why as u64, wait_ms),
            What::Refused(Refusal { why, wait_ms }) => (REFUSED | why as u64, wait_ms),
            What::Ended => (ENDED, 0),
        };
        let mut bytes = [0; LENGTH];
        for (at, word) in bytes.chunks_exact_mut(8).zip([head, value, self.at_ms]) {
            at.copy_from_slice(&word.to_ne_bytes());
        }
        bytes
    }

    /// The next event of a file, if it is there and whole.
    pub(crate) fn read(file: &mut impl Read) -> io::Result<Event> {
        let mut words = [0; 3];
        for word in &mut words {
            let mut bytes = [0; 8];
            file.read_exact(&mut bytes)?;
            *word = u64::from_ne_bytes(bytes);
        }
        let [head, value, at_ms] = words;
        let why = Why::ALL.get((head & 0xff) as usize).copied();
        let refusal = Refusal { why: why.unwrap_or(Why::Other), wait_ms: value };
        let what = match head & !0xff {
            STARTED => What::Started { ahead_ms: value },
            NOT_STARTED => What::NotStarted(refusal),
            REFUSED => What::Refused(refusal),
            ENDED => What::Ended,
            _ => What::Ids { first: head, count: value },
        };
        Ok(Event { at_ms, what })
    }
}

/// Milliseconds of a clock that nobody sets, libfaketime neither, and all processes share.
pub(crate) fn now_ms() -> u64 {
    let now = clock_gettime(ClockId::Monotonic);
    now.tv_sec as u64 * 1000 + now.tv_nsec as u64 / 1_000_000
}

#[test]
fn an_event_is_read_as_it_was_written() {
    let refusal = Refusal { why: Why::InUse, wait_ms: u64::MAX };
    for what in [
        What::Ids { first: u64::MAX >> 1, count: 4096 },
        What::Started { ahead_ms: 7 },
        What::NotStarted(refusal),
        What::Refused(refusal),
        What::Ended,
    ] {
        let event = Event { at_ms: 9, what };
        assert_eq!(Event::read(&mut &event.to_bytes()[..]).unwrap(), event);
    }
}
