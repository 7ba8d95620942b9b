//! This crate's generator.

use snowflake::lease::{GrantLimits, Keeper, MemoryStore};
use snowflake::{Clock, CoarseClock, Epoch, Generator, NodeId, SystemClock};

use super::{AHEAD, Entry, Questions, Role, Subject};
use crate::tasks::{AsyncSubject, run};

pub(super) fn entries() -> Vec<Entry> {
    let variant = Role::Variant;
    vec![
        Entry::new::<Ours>("snowflake (this crate)", Role::Ours).with_tasks(run::<Ours>),
        Entry::new::<Coarse>("snowflake, `CoarseClock`", variant),
        Entry::new::<Leased>("snowflake, with a lease", variant)
            .with_questions(Questions { one_thread: true, ..Questions::NONE }),
        Entry::new::<Ahead>(AHEAD, variant)
            .with_questions(Questions { burst: true, ..Questions::NONE })
            .with_tasks(run::<Ahead>),
    ]
}

/// Builds a generator whose IDs may be ahead of the clock.
fn generator<C: Clock>(clock: C, max_ahead_ms: u64) -> Generator<C> {
    Generator::builder(NodeId::MAX, Epoch::Y2024).max_ahead_ms(max_ahead_ms).build_static(clock)
}

fn try_next<C: Clock>(generator: &Generator<C>) -> Option<u64> {
    generator.try_next_id().ok().map(|id| id.get())
}

fn next<C: Clock>(generator: &Generator<C>) -> u64 {
    generator.next_id().expect("the system's clock runs").get()
}

/// The generator with the system's clock.
struct Ours(Generator);

impl Default for Ours {
    fn default() -> Ours {
        Ours(generator(SystemClock, 0))
    }
}

impl Subject for Ours {
    #[inline]
    fn try_next(&self) -> Option<u64> {
        try_next(&self.0)
    }

    #[inline]
    fn next(&self) -> u64 {
        next(&self.0)
    }
}

impl AsyncSubject for Ours {
    async fn next(&self) -> u64 {
        self.0.next_id_tokio().await.expect("the system's clock runs").get()
    }
}

/// The generator with the coarse clock, whose timestamps can be one kernel tick old.
struct Coarse(Generator<CoarseClock>);

impl Default for Coarse {
    fn default() -> Coarse {
        Coarse(generator(CoarseClock, 0))
    }
}

impl Subject for Coarse {
    #[inline]
    fn try_next(&self) -> Option<u64> {
        try_next(&self.0)
    }

    #[inline]
    fn next(&self) -> u64 {
        next(&self.0)
    }
}

/// The generator with IDs up to 2 ms ahead of the clock, for bursts and for tasks on tokio's timer.
struct Ahead(Generator);

impl Default for Ahead {
    fn default() -> Ahead {
        Ahead(generator(SystemClock, 2))
    }
}

impl Subject for Ahead {
    #[inline]
    fn try_next(&self) -> Option<u64> {
        try_next(&self.0)
    }

    #[inline]
    fn next(&self) -> u64 {
        next(&self.0)
    }
}

impl AsyncSubject for Ahead {
    async fn next(&self) -> u64 {
        self.0.next_id_tokio().await.expect("the system's clock runs").get()
    }
}

/// A generator whose grants a keeper renews in the background.
struct Leased(Keeper<SystemClock>);

impl Default for Leased {
    fn default() -> Leased {
        let store = MemoryStore::new(Epoch::Y2024, GrantLimits::default());
        Leased(Keeper::builder(store).start(SystemClock).expect("a store in memory does not fail"))
    }
}

impl Subject for Leased {
    #[inline]
    fn try_next(&self) -> Option<u64> {
        try_next(self.0.generator())
    }

    #[inline]
    fn next(&self) -> u64 {
        next(self.0.generator())
    }
}
