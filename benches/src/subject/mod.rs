//! The generators that `measure` compares.

mod baseline;
mod ours;
#[cfg(feature = "peers")]
mod peers;

use serde::{Deserialize, Serialize};

use crate::rounds::Rounds;
use crate::tasks::TaskRun;

/// The name of this crate's generator that may run 2 ms ahead of the clock.
pub const AHEAD: &str = "snowflake, 2 ms ahead of the clock";

/// The name of the same with the coarse clock.
pub const COARSE_AHEAD: &str = "snowflake, 2 ms ahead of `CoarseClock`";

/// The name of typedflake's generator.
pub const TYPEDFLAKE: &str = "typedflake";

/// A way to issue IDs.
pub trait Subject: Send + Sync {
    /// Issues an ID if one is free now. A subject without such a call waits.
    fn try_next(&self) -> Option<u64>;

    /// Issues an ID, and waits for a free one with the crate's own call if it has one.
    fn next(&self) -> u64;
}

/// The role of a subject in the comparison.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// This crate's generator, as most callers use it.
    Ours,
    /// This crate's generator with another setting.
    Variant,
    /// Another crate's generator, with the same cap.
    Peer,
    /// Another crate's generator, whose IDs may be ahead of the clock without a limit.
    Unbounded,
    /// A simple generator under a mutex.
    Baseline,
    /// The operations that every shared generator with a cycle counter needs.
    Floor,
}

/// The questions that are measured for a subject, except those about tasks.
#[derive(Clone, Copy, Debug)]
pub struct Questions {
    /// The cost of an ID for one thread, below the cap.
    pub one_thread: bool,
    /// The cost of an ID for two threads, below the cap.
    pub two_threads: bool,
    /// The duration of a burst.
    pub burst: bool,
    /// The figures of saturating threads.
    pub saturated: bool,
    /// The latency at a paced load.
    pub paced: bool,
}

impl Questions {
    const NONE: Questions = Questions {
        one_thread: false,
        two_threads: false,
        burst: false,
        saturated: false,
        paced: false,
    };
    const ALL: Questions = Questions {
        one_thread: true,
        two_threads: true,
        burst: true,
        saturated: true,
        paced: true,
    };
}

/// A named subject that is not created yet, so it has started no thread.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// The subject's name in the tables.
    pub name: &'static str,
    /// The subject's role in the comparison.
    pub role: Role,
    /// The questions that are measured for the subject.
    pub questions: Questions,
    /// Creates the subject.
    pub make: fn() -> Box<dyn Rounds>,
    /// Runs tasks on tokio, if the subject has an async call.
    pub tasks: Option<TaskRun>,
}

impl Entry {
    const fn new<S: Rounds + Default + 'static>(name: &'static str, role: Role) -> Entry {
        let make = || -> Box<dyn Rounds> { Box::new(S::default()) };
        Entry { name, role, questions: Questions::ALL, make, tasks: None }
    }

    const fn with_questions(self, questions: Questions) -> Entry {
        Entry { questions, ..self }
    }

    /// Returns `true` if a question about a load is measured for the subject.
    #[must_use]
    pub const fn has_loads(&self) -> bool {
        let questions = self.questions;
        questions.burst || questions.saturated || questions.paced || self.tasks.is_some()
    }

    const fn with_tasks(self, tasks: TaskRun) -> Entry {
        Entry { tasks: Some(tasks), ..self }
    }
}

/// Lists every subject, in the order of the tables.
#[must_use]
pub fn all() -> Vec<Entry> {
    let mut entries = ours::entries();
    #[cfg(feature = "peers")]
    entries.extend(peers::entries());
    entries.extend(baseline::entries());
    entries
}
