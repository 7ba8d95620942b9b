//! The ways to make IDs that are compared.

use std::hint::black_box;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;
use snowflake::layout::IDS_PER_MS;
use snowflake::{Clock, CoarseClock, Epoch, Generator, Local, NodeId, SystemClock};

#[cfg(feature = "peers")]
pub mod peers;

/// A way to make IDs.
pub trait Subject: Send + Sync {
    /// What the tables call it.
    const NAME: &'static str;

    /// An ID if there is one now. A subject that only waits, waits.
    fn try_next(&self) -> Option<u64>;

    /// An ID, waiting for it the way the crate offers.
    fn next(&self) -> u64;
}

/// Something to be done with every subject.
pub trait Visitor {
    /// Does it with one.
    fn visit<S: Subject + 'static>(&mut self, subject: S);
}

/// Visits our generator and those of the peers with the same layout and cap.
pub fn visit_capped(visitor: &mut impl Visitor) {
    visitor.visit(Ours::by(SystemClock, 0));
    visitor.visit(Ours::by(CoarseClock, 0));
    #[cfg(feature = "peers")]
    peers::visit_capped(visitor);
    visitor.visit(MutexBaseline::new());
}

/// Visits what the layout does not cap: the floors, and other kinds of ID.
pub fn visit_uncapped(visitor: &mut impl Visitor) {
    visitor.visit(Floor::new());
    #[cfg(feature = "peers")]
    peers::visit_uncapped(visitor);
}

/// Our generator, with the system's clock unless said otherwise.
#[derive(Debug)]
pub struct Ours<C = SystemClock>(pub Generator<C>);

impl Ours {
    /// One whose IDs may run ahead of the clock.
    pub fn with_lead_ms(lead_ms: u64) -> Ours {
        Ours::by(SystemClock, lead_ms)
    }
}

impl<C: NamedClock> Ours<C> {
    fn by(clock: C, lead_ms: u64) -> Ours<C> {
        let builder = Generator::builder(NodeId::MAX, Epoch::Y2024).max_ahead_ms(lead_ms);
        Ours(builder.build_static(clock))
    }
}

/// A clock, and what the tables call our generator with it.
pub trait NamedClock: Clock + Send + Sync {
    /// The name.
    const SUBJECT: &'static str;
}

impl NamedClock for SystemClock {
    const SUBJECT: &'static str = "snowflake (this crate)";
}

/// Timestamps can be one kernel tick old.
impl NamedClock for CoarseClock {
    const SUBJECT: &'static str = "snowflake, `CoarseClock`";
}

impl<C: NamedClock> Subject for Ours<C> {
    const NAME: &'static str = C::SUBJECT;

    #[inline]
    fn try_next(&self) -> Option<u64> {
        self.0.try_next_id().ok().map(|id| id.get())
    }

    #[inline]
    fn next(&self) -> u64 {
        self.0.next_id().map_or(0, |id| id.get())
    }
}

/// A block handle on our generator, which is one thread's: not a [`Subject`].
pub fn local(generator: &Generator) -> Local<'_, SystemClock> {
    generator.local()
}

/// The least that a shared generator with a cycle counter can do if it claims each ID by itself:
/// read it, and add one.
#[derive(Debug)]
pub struct Floor {
    clock: quanta::Clock,
    word: AtomicU64,
}

impl Floor {
    /// The floor, calibrated.
    pub fn new() -> Floor {
        Floor { clock: quanta::Clock::new(), word: AtomicU64::new(0) }
    }
}

impl Default for Floor {
    fn default() -> Floor {
        Floor::new()
    }
}

impl Subject for Floor {
    const NAME: &'static str = "floor: cycle counter + fetch_add";

    #[inline]
    fn try_next(&self) -> Option<u64> {
        Some(self.next())
    }

    #[inline]
    fn next(&self) -> u64 {
        black_box(self.clock.raw());
        self.word.fetch_add(1, Ordering::Relaxed)
    }
}

/// The baseline: a parking_lot mutex around the same claim, with the system's clock.
#[derive(Debug)]
pub struct MutexBaseline {
    /// The next free slot: timestamp and sequence.
    next: Mutex<u64>,
}

impl MutexBaseline {
    /// One that has made no ID.
    pub const fn new() -> MutexBaseline {
        MutexBaseline { next: Mutex::new(0) }
    }
}

impl Default for MutexBaseline {
    fn default() -> MutexBaseline {
        MutexBaseline::new()
    }
}

impl Subject for MutexBaseline {
    const NAME: &'static str = "parking_lot mutex + system clock";

    #[inline]
    fn try_next(&self) -> Option<u64> {
        let mut next = self.next.lock();
        let now = SystemClock.now().since(Epoch::Y2024)?;
        let slot = (*next).max(now * IDS_PER_MS);
        if slot >= (now + 1) * IDS_PER_MS {
            return None;
        }
        *next = slot + 1;
        Some(slot)
    }

    #[inline]
    fn next(&self) -> u64 {
        loop {
            if let Some(id) = self.try_next() {
                return id;
            }
            std::thread::yield_now();
        }
    }
}
