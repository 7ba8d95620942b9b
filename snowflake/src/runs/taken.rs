//! How the IDs of runs are counted, without an addition for each that other threads see.
//!
//! A run's slots count as taken. Its thread notes how many of them it has given, in a
//! place that nobody else writes meanwhile, so that a plain store will do. When the run is over
//! it takes them off. A thread may not come back: its place is another's after [`KEPT`].

use core::sync::atomic::{AtomicU64, Ordering::Relaxed};

use super::LONGEST;
use crate::layout::IDS_PER_MS;
use crate::slot::Slot;

/// Threads that hold a run at the same time, those counted that did not come back. They
/// share a cache line with the word. A power of two, so that a place is masked.
const PLACES: usize = 4;

/// How long a place is kept, in slots: 2 s. Longer than a thread may stand still between
/// its look at the word and its note, or an ID is missed.
const KEPT: u64 = 2000 * IDS_PER_MS;

#[derive(Debug)]
pub(crate) struct Taken {
    /// Slots in runs, less those given in runs that are over.
    slots: AtomicU64,
    notes: [AtomicU64; PLACES],
}

/// What is noted of a run: its multiple of [`LONGEST`], and one more than it has given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Note(u64);

/// A note and where it stands.
#[derive(Clone, Copy, Debug)]
pub(super) struct Noted {
    pub(super) note: Note,
    pub(super) place: usize,
}

impl Note {
    pub(super) const NONE: Note = Note(0);

    /// Twice the room that a run needs.
    const ROOM: u64 = 2 * LONGEST;

    const fn of_run_at(first: Slot) -> Note {
        Note(first.to_word() / LONGEST * Note::ROOM + 1)
    }

    #[inline]
    pub(super) const fn plus_one(self) -> Note {
        Note(self.0 + 1)
    }

    const fn given(self) -> u64 {
        (self.0 % Note::ROOM).saturating_sub(1)
    }

    const fn first_multiple(self) -> u64 {
        self.0 / Note::ROOM * LONGEST
    }
}

impl Taken {
    pub(crate) const fn new() -> Taken {
        Taken { slots: AtomicU64::new(0), notes: [const { AtomicU64::new(0) }; PLACES] }
    }

    #[inline]
    pub(super) fn note(&self, Noted { note, place }: Noted) {
        self.notes[place % PLACES].store(note.0, Relaxed);
    }

    /// Counts a run of so many slots, before the word shows them. Takes off what the thread's
    /// last run gave. `None` if too many threads have runs.
    pub(super) fn begin(&self, last: Noted, first: Slot, slots: u64) -> Option<Noted> {
        let note = Note::of_run_at(first);
        let its_own = (last.note != Note::NONE).then_some(last);
        let free = (0..PLACES).filter_map(|place| {
            let seen = Note(self.notes[place].load(Relaxed));
            let age = first.to_word().saturating_sub(seen.first_multiple());
            (seen == Note::NONE || age > KEPT).then_some(Noted { note: seen, place })
        });
        let was = its_own.into_iter().chain(free).find(|&was| self.replace(was, note))?;
        self.slots.fetch_add(slots.wrapping_sub(was.note.given()), Relaxed);
        Some(Noted { note, ..was })
    }

    /// Takes off what a run gave, and `unused` slots that nobody has any more.
    pub(super) fn end(&self, last: Noted, unused: u64) {
        // Unless whoever has the place now did.
        let given = if self.replace(last, Note::NONE) { last.note.given() } else { 0 };
        self.slots.fetch_sub(given + unused, Relaxed);
    }

    fn replace(&self, Noted { note, place }: Noted, next: Note) -> bool {
        self.notes[place % PLACES].compare_exchange(note.0, next.0, Relaxed, Relaxed).is_ok()
    }

    /// The slots that were taken and not given.
    pub(crate) fn left(&self) -> u64 {
        let slots = self.slots.load(Relaxed);
        self.notes
            .iter()
            .fold(slots, |left, note| left.wrapping_sub(Note(note.load(Relaxed)).given()))
    }
}
