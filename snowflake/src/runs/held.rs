//! The run that a thread holds, or held last, of whichever generator.

use core::cell::Cell;

use super::taken::{Note, Noted};
use super::{FIRST, LONGEST};
use crate::slot::Slot;

pub(super) struct Run {
    generator: Cell<u64>,
    next: Cell<Slot>,
    end: Cell<Slot>,
    note: Cell<Note>,
    place: Cell<usize>,
    /// The most slots that the next run may have.
    most: Cell<u64>,
}

impl Run {
    const fn none() -> Run {
        let nowhere = Slot::from_word(0);
        Run {
            generator: Cell::new(0),
            next: Cell::new(nowhere),
            end: Cell::new(nowhere),
            note: Cell::new(Note::NONE),
            place: Cell::new(0),
            most: Cell::new(0),
        }
    }

    /// Whether there is something left of this generator's run.
    #[inline]
    pub(super) fn is_left(&self, generator: u64) -> bool {
        self.generator.get() == generator && self.next.get() != self.end.get()
    }

    #[inline]
    pub(super) fn end(&self) -> Slot {
        self.end.get()
    }

    #[inline]
    pub(super) fn next(&self) -> Slot {
        self.next.get()
    }

    #[inline]
    pub(super) fn noted(&self) -> Noted {
        Noted { note: self.note.get(), place: self.place.get() }
    }

    /// Takes the next slot out of the run.
    #[inline]
    pub(super) fn give(&self) -> Slot {
        let slot = self.next.get();
        self.next.set(slot.plus(1));
        self.note.set(self.note.get().plus_one());
        slot
    }

    /// How long a run of this generator may be: not at all if the thread comes to it from
    /// another one, or has just begun.
    pub(super) fn most_of(&self, generator: u64) -> u64 {
        if self.generator.replace(generator) == generator {
            return self.most.get();
        }
        self.next.set(self.end.get());
        // What it noted with the other one stays there, and is right.
        self.note.set(Note::NONE);
        self.most.set(FIRST);
        0
    }

    pub(super) fn begin(&self, first: Slot, end: Slot) {
        self.next.set(first);
        self.end.set(end);
        self.most.set(LONGEST.min(2 * self.most.get()));
    }

    pub(super) fn set_noted(&self, Noted { note, place }: Noted) {
        self.note.set(note);
        self.place.set(place);
    }

    pub(super) fn end_early(&self, is_lost: bool) {
        self.next.set(self.end.get());
        self.note.set(Note::NONE);
        if is_lost {
            self.most.set(FIRST);
        }
    }
}

#[cfg(all(feature = "std", not(loom)))]
std::thread_local! {
    static HELD: Run = const { Run::none() };
}
#[cfg(loom)]
loom::thread_local! {
    static HELD: Run = Run::none();
}

/// What `f` makes of this thread's run, or `without` where threads have none.
#[cfg(any(feature = "std", loom))]
#[inline]
pub(super) fn with<R>(without: R, f: impl FnOnce(&Run) -> R) -> R {
    HELD.try_with(f).unwrap_or(without)
}

#[cfg(not(any(feature = "std", loom)))]
pub(super) fn with<R>(without: R, _: impl FnOnce(&Run) -> R) -> R {
    without
}
