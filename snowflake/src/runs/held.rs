//! The runs that a thread holds, or held last, of its generators.

use core::cell::Cell;

use super::FIRST;
use super::taken::Account;
use crate::slot::Slot;
use crate::turns::LONGEST_RUN;

/// Runs that a thread keeps beside the one it uses.
const KEPT: usize = 4;

/// A thread's run of a generator.
#[derive(Clone, Copy, Debug)]
pub(super) struct Run {
    generator: u64,
    pub(super) next: Slot,
    pub(super) end: Slot,
    pub(super) account: Account,
    /// The most slots that the next one may have; 0 at first.
    most: u64,
}

impl Run {
    /// No generator's.
    const NONE: Run = Run::none_of(0);

    const fn none_of(generator: u64) -> Run {
        let nowhere = Slot::from_word(0);
        Run { generator, next: nowhere, end: nowhere, account: Account::NONE, most: 0 }
    }

    pub(super) fn is_used_up(&self) -> bool {
        self.next == self.end
    }

    pub(super) fn begin(&mut self, first: Slot, end: Slot, account: Account) {
        (self.next, self.end, self.account) = (first, end, account);
        self.most = LONGEST_RUN.min(2 * self.most);
    }

    /// It is over, and the rest of it given back. The next one is no longer than it was of use,
    /// twice.
    pub(super) fn end(&mut self) {
        let given = self.account.given_at(self.next);
        self.most = (2 * given).clamp(FIRST, self.most.max(FIRST));
        (self.next, self.account) = (self.end, Account::NONE);
    }

    /// It is over, and the rest of it lost.
    pub(super) fn lose(&mut self) {
        (self.next, self.account, self.most) = (self.end, Account::NONE, FIRST);
    }

    /// How long it may be: for a thread that has just begun, not at all.
    pub(super) fn most(&mut self) -> u64 {
        let most = self.most;
        self.most = most.max(FIRST);
        most
    }
}

/// The runs of a thread.
pub(super) struct Runs {
    /// What the thread asked last. Apart, for a claim to need no more of it.
    in_use: InUse,
    /// The others, those used last first.
    kept: [Cell<Run>; KEPT],
}

struct InUse {
    generator: Cell<u64>,
    next: Cell<Slot>,
    end: Cell<Slot>,
    account: Cell<Account>,
    most: Cell<u64>,
}

impl Runs {
    #[cfg_attr(not(any(feature = "std", loom)), expect(dead_code, reason = "no thread has runs"))]
    const fn none() -> Runs {
        let Run { generator, next, end, account, most } = Run::NONE;
        let in_use = InUse {
            generator: Cell::new(generator),
            next: Cell::new(next),
            end: Cell::new(end),
            account: Cell::new(account),
            most: Cell::new(most),
        };
        Runs { in_use, kept: [const { Cell::new(Run::NONE) }; KEPT] }
    }

    /// The next slot of the run in use and the account of it, if it is this generator's and
    /// the word stands at its end.
    #[inline]
    pub(super) fn give(
        &self,
        generator: u64,
        stands_at: impl Fn(Slot) -> bool,
    ) -> Option<(Slot, Account)> {
        let run = &self.in_use;
        let (slot, end) = (run.next.get(), run.end.get());
        if run.generator.get() != generator || slot == end || !stands_at(end) {
            return None;
        }
        run.next.set(slot.plus(1));
        Some((slot, run.account.get()))
    }

    /// Has the generator's run in use. Returns whether it was not.
    pub(super) fn bring(&self, generator: u64) -> bool {
        if self.in_use.generator.get() == generator {
            return false;
        }
        let mut found = Run::none_of(generator);
        let mut moved = self.in_use.get();
        for kept in &self.kept {
            moved = kept.replace(moved);
            if moved.generator == generator {
                found = moved;
                break;
            }
        }
        // One that was moved out is forgotten. What was noted of it stays there, and is right.
        self.in_use.set(found);
        true
    }

    /// What `f` makes of the generator's run.
    pub(super) fn change<R>(&self, generator: u64, f: impl FnOnce(&mut Run) -> R) -> R {
        self.bring(generator);
        let mut run = self.in_use.get();
        let made = f(&mut run);
        self.in_use.set(run);
        made
    }
}

impl InUse {
    fn get(&self) -> Run {
        Run {
            generator: self.generator.get(),
            next: self.next.get(),
            end: self.end.get(),
            account: self.account.get(),
            most: self.most.get(),
        }
    }

    fn set(&self, Run { generator, next, end, account, most }: Run) {
        self.generator.set(generator);
        self.next.set(next);
        self.end.set(end);
        self.account.set(account);
        self.most.set(most);
    }
}

#[cfg(all(feature = "std", not(loom)))]
std::thread_local! {
    static HELD: Runs = const { Runs::none() };
}
#[cfg(loom)]
loom::thread_local! {
    static HELD: Runs = Runs::none();
}

/// What `f` makes of this thread's runs, or `without` where threads have none.
#[cfg(any(feature = "std", loom))]
#[inline]
pub(super) fn with<R>(without: R, f: impl FnOnce(&Runs) -> R) -> R {
    HELD.try_with(f).unwrap_or(without)
}

#[cfg(not(any(feature = "std", loom)))]
pub(super) fn with<R>(without: R, _: impl FnOnce(&Runs) -> R) -> R {
    without
}
