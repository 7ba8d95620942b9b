//! This crate's generator.

use snowflake::lease::{GrantLimits, Keeper, MemoryStore};
use snowflake::{Clock, CoarseClock, Epoch, Generator, NodeId, SystemClock};

use super::{AHEAD, COARSE_AHEAD, Entry, Questions, Role, Subject};
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
        Entry::new::<CoarseAhead>(COARSE_AHEAD, variant)
            .with_questions(Questions { burst: true, ..Questions::NONE }),
    ]
}

fn try_next<C: Clock>(generator: &Generator<C>) -> Option<u64> {
    generator.try_next_id().ok().map(|id| id.get())
}

fn next<C: Clock>(generator: &Generator<C>) -> u64 {
    generator.next_id().expect("the system's clock runs").get()
}

/// The generator with a clock, and with IDs up to `AHEAD_MS` ahead of that clock.
struct With<C, const AHEAD_MS: u64>(Generator<C>);

/// The generator with the system's clock.
type Ours = With<SystemClock, 0>;

/// The generator with the coarse clock, whose timestamps can be one kernel tick old.
type Coarse = With<CoarseClock, 0>;

/// The generator with IDs up to 2 ms ahead of the clock, for bursts and for tasks on tokio's timer.
type Ahead = With<SystemClock, 2>;

/// The same with the coarse clock.
type CoarseAhead = With<CoarseClock, 2>;

impl<C: Clock + Default, const AHEAD_MS: u64> Default for With<C, AHEAD_MS> {
    fn default() -> Self {
        let builder = Generator::builder(NodeId::MAX, Epoch::Y2024).max_ahead_ms(AHEAD_MS);
        With(builder.build_static(C::default()))
    }
}

impl<C: Clock + Send + Sync, const AHEAD_MS: u64> Subject for With<C, AHEAD_MS> {
    #[inline]
    fn try_next(&self) -> Option<u64> {
        try_next(&self.0)
    }

    #[inline]
    fn next(&self) -> u64 {
        next(&self.0)
    }
}

impl<C: Clock + Send + Sync + 'static, const AHEAD_MS: u64> AsyncSubject for With<C, AHEAD_MS> {
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
