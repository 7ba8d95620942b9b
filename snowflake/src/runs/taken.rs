//! How the IDs of runs are counted, without an addition for each that other threads see.
//!
//! A run's slots count as taken. Its thread notes how many of them it has given, in a
//! place that nobody else writes meanwhile, so that a plain store will do. When the run is over
//! it takes them off. A thread may not come back: its place is another's after [`KEPT`].

use core::sync::atomic::AtomicU64;
use core::sync::atomic::Ordering::{Acquire, Relaxed, Release};

use crate::layout::IDS_PER_MS;
use crate::slot::Slot;
use crate::turns::LONGEST_RUN;

/// Threads that hold a run at the same time, those counted that did not come back. With the
/// word and the sum they fill a cache line.
const PLACES: usize = 6;

/// How long a place is kept, in slots: 2 s of them. A thread that stands still for longer
/// between its look at the word and its note writes over another one's, and up to
/// [`LONGEST_RUN`] IDs are counted wrong for good.
const KEPT: u64 = 2000 * IDS_PER_MS;

#[derive(Debug)]
pub(crate) struct Taken {
    /// Slots in runs, less those given in runs that are over.
    slots: AtomicU64,
    notes: [AtomicU64; PLACES],
}

/// What is noted of a run: its multiple of [`LONGEST_RUN`], and one more than it has given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Note(u64);

impl Note {
    const NONE: Note = Note(0);

    /// Twice the room that a run needs.
    const ROOM: u64 = 2 * LONGEST_RUN;

    const fn of_run_at(first: Slot) -> Note {
        Note(first.to_word() / LONGEST_RUN * Note::ROOM + 1)
    }

    const fn given(self) -> u64 {
        (self.0 % Note::ROOM).saturating_sub(1)
    }

    const fn first_multiple(self) -> u64 {
        self.0 / Note::ROOM * LONGEST_RUN
    }
}

/// Where a thread notes what it gives of its run, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Account {
    place: usize,
    /// The note, less the run's next slot: both grow by one with each that is given.
    offset: u64,
}

impl Account {
    pub(super) const NONE: Account = Account { place: usize::MAX, offset: 0 };

    #[inline]
    const fn note_at(self, next: Slot) -> Note {
        Note(next.to_word().wrapping_add(self.offset))
    }

    /// How many slots a run has given that has got to `next`.
    pub(super) const fn given_at(self, next: Slot) -> u64 {
        self.note_at(next).given()
    }
}

impl Taken {
    pub(crate) const fn new() -> Taken {
        Taken { slots: AtomicU64::new(0), notes: [const { AtomicU64::new(0) }; PLACES] }
    }

    /// The run that has this account has given its slots up to `next`.
    #[inline]
    pub(super) fn note(&self, account: Account, next: Slot) {
        if let Some(note) = self.notes.get(account.place) {
            note.store(account.note_at(next).0, Relaxed);
        }
    }

    /// Counts a run of so many slots, before the word shows them. Takes off what the thread's
    /// `last` run gave, which had got to `next`. `None` if too many threads have runs.
    pub(super) fn begin(
        &self,
        last: Account,
        next: Slot,
        first: Slot,
        slots: u64,
    ) -> Option<Account> {
        let note = Note::of_run_at(first);
        let own = (last != Account::NONE).then(|| (last.place, last.note_at(next)));
        let free = (0..PLACES).filter_map(|place| {
            let seen = Note(self.notes[place].load(Relaxed));
            let age = first.to_word().saturating_sub(seen.first_multiple());
            (seen == Note::NONE || age > KEPT).then_some((place, seen))
        });
        let (place, was) =
            own.into_iter().chain(free).find(|&(place, was)| self.replace(place, was, note))?;
        self.slots.fetch_add(slots.wrapping_sub(was.given()), Relaxed);
        Some(Account { place, offset: note.0.wrapping_sub(first.to_word()) })
    }

    /// Takes off what a run gave, which had got to `next`, and `unused` slots that nobody has
    /// any more.
    pub(super) fn end(&self, account: Account, next: Slot, unused: u64) {
        let note = account.note_at(next);
        // Unless whoever has the place now did.
        let given = if self.replace(account.place, note, Note::NONE) { note.given() } else { 0 };
        // A reader that sees them taken off sees the word that was lowered before.
        self.slots.fetch_sub(given + unused, Release);
    }

    fn replace(&self, place: usize, note: Note, next: Note) -> bool {
        self.notes[place].compare_exchange(note.0, next.0, Relaxed, Relaxed).is_ok()
    }

    /// The slots that were taken and not given.
    pub(crate) fn left(&self) -> u64 {
        let slots = self.slots.load(Acquire);
        self.notes
            .iter()
            .fold(slots, |left, note| left.wrapping_sub(Note(note.load(Relaxed)).given()))
    }
}
