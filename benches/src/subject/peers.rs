//! Other crates, used as their documentation shows.

use std::hint;

use ferroid::generator::{AtomicSnowflakeGenerator, Poll};
use ferroid::id::SnowflakeTwitterId;
use ferroid::time::{MonotonicClock, TWITTER_EPOCH};

use super::{Subject, Visitor};

/// Visits the peers with this crate's layout and cap.
pub(super) fn visit_capped(visitor: &mut impl Visitor) {
    visitor.visit(Ferroid::default());
    visitor.visit(Typedflake::default());
    visitor.visit(SnowflakeMe::default());
    visitor.visit(Snowflaked::default());
}

/// Visits other kinds of ID, which have no cap.
pub(super) fn visit_uncapped(visitor: &mut impl Visitor) {
    visitor.visit(Ulid);
    visitor.visit(UuidV7);
}

/// ferroid's atomic generator. Its clock is a thread that wakes every millisecond.
#[expect(missing_debug_implementations, reason = "the peer's generator has none")]
pub struct Ferroid(pub AtomicSnowflakeGenerator<SnowflakeTwitterId, MonotonicClock>);

impl Default for Ferroid {
    fn default() -> Ferroid {
        let clock = MonotonicClock::with_epoch(TWITTER_EPOCH);
        Ferroid(AtomicSnowflakeGenerator::new(1023, clock))
    }
}

impl Subject for Ferroid {
    const NAME: &'static str = "ferroid (with a ticker thread)";

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

#[typedflake::typedflake(epoch = "2024-01-01")]
#[allow(unreachable_pub, reason = "the macro's methods are public")]
struct TypedId(i64);

/// typedflake's generator.
#[derive(Debug)]
pub struct Typedflake(typedflake::Generator<TypedId>);

impl Typedflake {
    /// An ID, awaited.
    pub async fn next_async(&self) -> u64 {
        self.0.generate_async().await.map_or(0, |id| id.get() as u64)
    }
}

impl Default for Typedflake {
    fn default() -> Typedflake {
        Typedflake(TypedId::generator(1023).expect("node 1023 fits ten bits"))
    }
}

impl Subject for Typedflake {
    const NAME: &'static str = "typedflake";

    #[inline]
    fn try_next(&self) -> Option<u64> {
        self.0.generate().ok().map(|id| id.get() as u64)
    }

    #[inline]
    fn next(&self) -> u64 {
        self.0.generate_blocking().map_or(0, |id| id.get() as u64)
    }
}

/// snowflake_me's generator, which always waits.
#[expect(missing_debug_implementations, reason = "the peer's generator has none")]
pub struct SnowflakeMe(snowflake_me::Snowflake);

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
    const NAME: &'static str = "snowflake_me";

    #[inline]
    fn try_next(&self) -> Option<u64> {
        Some(self.next())
    }

    #[inline]
    fn next(&self) -> u64 {
        self.0.next_id().map_or(0, |id| id.as_u64())
    }
}

/// snowflaked's generator, which always waits.
#[expect(missing_debug_implementations, reason = "the peer's generator has none")]
pub struct Snowflaked(snowflaked::sync::Generator);

impl Default for Snowflaked {
    fn default() -> Snowflaked {
        Snowflaked(snowflaked::sync::Generator::new(1023))
    }
}

impl Subject for Snowflaked {
    const NAME: &'static str = "snowflaked";

    #[inline]
    fn try_next(&self) -> Option<u64> {
        Some(self.next())
    }

    #[inline]
    fn next(&self) -> u64 {
        self.0.generate()
    }
}

/// A ULID: 48 bits of time, 80 of randomness.
#[derive(Debug)]
pub struct Ulid;

impl Subject for Ulid {
    const NAME: &'static str = "ulid (128 bits)";

    #[inline]
    fn try_next(&self) -> Option<u64> {
        Some(self.next())
    }

    #[inline]
    fn next(&self) -> u64 {
        ulid::Ulid::new().0 as u64
    }
}

/// A UUID of version 7.
#[derive(Debug)]
pub struct UuidV7;

impl Subject for UuidV7 {
    const NAME: &'static str = "uuid v7 (128 bits)";

    #[inline]
    fn try_next(&self) -> Option<u64> {
        Some(self.next())
    }

    #[inline]
    fn next(&self) -> u64 {
        uuid::Uuid::now_v7().as_u128() as u64
    }
}
