//! Other crates, used as their documentation shows.

use std::{hint, thread};

use ferroid::futures::SnowflakeGeneratorAsyncTokioExt;
use ferroid::generator::{AtomicSnowflakeGenerator, Poll};
use ferroid::id::SnowflakeTwitterId;
use ferroid::time::{MonotonicClock, TWITTER_EPOCH};

use super::{Entry, Role, Subject, TYPEDFLAKE};
use crate::tasks::{AsyncSubject, run};

pub(super) fn entries() -> Vec<Entry> {
    vec![
        Entry::new::<Ferroid>("ferroid (with a ticker thread)", Role::Peer)
            .with_tasks(run::<Ferroid>),
        Entry::new::<Typedflake>(TYPEDFLAKE, Role::Peer).with_tasks(run::<Typedflake>),
        Entry::new::<SnowflakeMe>("snowflake_me", Role::Peer),
        Entry::new::<Snowflaked>("snowflaked", Role::Peer),
        Entry::new::<Snowid>("snowid, `try_generate`", Role::Peer),
        Entry::new::<SnowidUnbounded>("snowid, `generate`", Role::Unbounded),
    ]
}

/// Repeats a call until it returns an ID: some peers fail under contention.
fn until_issued<E>(mut call: impl FnMut() -> Result<u64, E>) -> u64 {
    loop {
        if let Ok(id) = call() {
            return id;
        }
        thread::yield_now();
    }
}

/// ferroid's atomic generator. Its clock is a thread that wakes every millisecond.
struct Ferroid(AtomicSnowflakeGenerator<SnowflakeTwitterId, MonotonicClock>);

impl Default for Ferroid {
    fn default() -> Ferroid {
        let clock = MonotonicClock::with_epoch(TWITTER_EPOCH);
        Ferroid(AtomicSnowflakeGenerator::new(1023, clock))
    }
}

impl Subject for Ferroid {
    #[inline]
    fn try_next(&self) -> Option<u64> {
        match self.0.poll_id() {
            Poll::Ready { id } => Some(id.to_raw()),
            Poll::Pending { .. } => None,
        }
    }

    #[inline]
    fn next(&self) -> u64 {
        self.0.next_id(|_| hint::spin_loop()).to_raw()
    }
}

impl AsyncSubject for Ferroid {
    async fn next(&self) -> u64 {
        self.0.next_id_async().await.to_raw()
    }
}

#[typedflake::typedflake(epoch = "2024-01-01")]
#[allow(unreachable_pub, reason = "the macro's methods are public")]
struct TypedId(i64);

/// typedflake's generator.
struct Typedflake(typedflake::Generator<TypedId>);

impl Default for Typedflake {
    fn default() -> Typedflake {
        Typedflake(TypedId::generator(1023).expect("node 1023 fits ten bits"))
    }
}

impl Subject for Typedflake {
    #[inline]
    fn try_next(&self) -> Option<u64> {
        self.0.generate().ok().map(|id| id.get() as u64)
    }

    #[inline]
    fn next(&self) -> u64 {
        until_issued(|| self.0.generate_blocking().map(|id| id.get() as u64))
    }
}

impl AsyncSubject for Typedflake {
    async fn next(&self) -> u64 {
        loop {
            if let Ok(id) = self.0.generate_async().await {
                return id.get() as u64;
            }
            tokio::task::yield_now().await;
        }
    }
}

/// snowflake_me's generator, which always waits.
struct SnowflakeMe(snowflake_me::Snowflake);

impl Default for SnowflakeMe {
    fn default() -> SnowflakeMe {
        let generator = snowflake_me::Snowflake::builder()
            .machine_id(&|| Ok(31))
            .data_center_id(&|| Ok(31))
            .finalize();
        SnowflakeMe(generator.expect("31 fits five bits"))
    }
}

impl Subject for SnowflakeMe {
    #[inline]
    fn try_next(&self) -> Option<u64> {
        Some(self.next())
    }

    #[inline]
    fn next(&self) -> u64 {
        until_issued(|| self.0.next_id().map(|id| id.as_u64()))
    }
}

/// snowflaked's generator, which always waits.
struct Snowflaked(snowflaked::sync::Generator);

impl Default for Snowflaked {
    fn default() -> Snowflaked {
        Snowflaked(snowflaked::sync::Generator::new(1023))
    }
}

impl Subject for Snowflaked {
    #[inline]
    fn try_next(&self) -> Option<u64> {
        Some(self.next())
    }

    #[inline]
    fn next(&self) -> u64 {
        self.0.generate()
    }
}

fn snowid() -> snowid::SnowID {
    snowid::SnowID::new(1023).expect("node 1023 fits ten bits")
}

/// snowid's generator with `try_generate`, which follows the clock. It has no waiting variant.
struct Snowid(snowid::SnowID);

impl Default for Snowid {
    fn default() -> Snowid {
        Snowid(snowid())
    }
}

impl Subject for Snowid {
    #[inline]
    fn try_next(&self) -> Option<u64> {
        self.0.try_generate().ok()
    }

    #[inline]
    fn next(&self) -> u64 {
        until_issued(|| self.0.try_generate())
    }
}

/// snowid's generator with `generate`, whose IDs may be ahead of the clock without a limit.
struct SnowidUnbounded(snowid::SnowID);

impl Default for SnowidUnbounded {
    fn default() -> SnowidUnbounded {
        SnowidUnbounded(snowid())
    }
}

impl Subject for SnowidUnbounded {
    #[inline]
    fn try_next(&self) -> Option<u64> {
        Some(self.next())
    }

    #[inline]
    fn next(&self) -> u64 {
        self.0.generate()
    }
}
