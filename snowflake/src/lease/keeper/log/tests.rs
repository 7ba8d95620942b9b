//! The lines of a keeper's log.
#![allow(clippy::unwrap_used, reason = "a test's panic is the failure it reports")]

use std::cell::RefCell;
use std::fmt::{Debug, Write};
use std::time::Duration;

use ::tracing::field::{Field, Visit};
use ::tracing::span::{Attributes, Id as SpanId, Record};
use ::tracing::{Event, Metadata, Subscriber};

use super::Log;
use crate::lease::keeper::lease::Lease;
use crate::lease::{
    AcquireRequest, GrantLimits, LeaseError, LeaseStore, MemoryStore, StoreError, StoreErrorKind,
    Takeover,
};
use crate::{Builder, Clock, Epoch, ManualClock, NodeId, UnixMillis};

thread_local! {
    /// The lines of this thread, and so of its test: the level, the message and the fields.
    static LINES: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

/// The subscriber of all threads.
///
/// If only one thread had a subscriber, another thread that reaches a line first would disable the
/// line for that thread too.
struct Lines;

struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        write!(self.0, " {field}={value:?}").unwrap();
    }
}

impl Subscriber for Lines {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == "snowflake::lease"
    }

    fn event(&self, event: &Event<'_>) {
        let mut line = Line(event.metadata().level().to_string());
        event.record(&mut line);
        LINES.with_borrow_mut(|lines| lines.push(line.0));
    }

    fn new_span(&self, _: &Attributes<'_>) -> SpanId {
        SpanId::from_u64(1)
    }

    fn record(&self, _: &SpanId, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &SpanId, _: &SpanId) {}
    fn enter(&self, _: &SpanId) {}
    fn exit(&self, _: &SpanId) {}
}

#[test]
fn each_change_of_the_lease_is_one_line() {
    let clock = ManualClock::new(UnixMillis(1_795_177_540_000));
    let grant = MemoryStore::new(Epoch::Y2024, GrantLimits::default())
        .acquire(&AcquireRequest {
            node: Some(NodeId::MIN),
            now: clock.now(),
            grant_ms: 3000,
            holder: "test".to_owned(),
            takeover: Takeover::Immediate,
        })
        .unwrap();
    let builder = Builder::new(grant.node, Epoch::Y2024);
    let generator = builder.build_leased(grant.from, grant.until, clock.clone()).unwrap();
    let lease = Lease::new(grant);
    let failure = Err(LeaseError::Released { node: grant.node });
    let until = grant.until;

    ::tracing::subscriber::set_global_default(Lines).unwrap();
    ::tracing::callsite::rebuild_interest_cache();
    let mut log = Log::new();
    let mut seconds = 0;
    let mut renew = |result: &Result<bool, LeaseError>| {
        log.renewal(&lease, result, &generator, Duration::from_secs(seconds));
        seconds += 1;
        clock.advance(1000);
        LINES.take()
    };
    assert_eq!(renew(&Ok(true)), [""; 0]);

    let [line] = &renew(&failure)[..] else { panic!() };
    let message = "WARN message=renewal failed: cannot renew or release node ID 0: ";
    assert!(line.starts_with(message), "{line}");
    assert!(line.ends_with(&format!(" node=0 until={until}")), "{line}");
    assert_eq!(renew(&failure), [""; 0]);

    let [line] = &renew(&failure)[..] else { panic!() };
    assert!(line.starts_with("ERROR message=the lease has ended, "), "{line}");
    assert_eq!(renew(&failure), [""; 0]);
    let store = StoreErrorKind::Failed { doing: "renewing" };
    let another = Err(StoreError::new("in a test", store).into());
    let [line] = &renew(&another)[..] else { panic!() };
    assert!(line.starts_with("ERROR ") && line.contains("renewing failed"), "{line}");
    assert_eq!(renew(&another), [""; 0]);
    let renewed = format!("INFO message=renewed the lease again node=0 failures=6 until={until}");
    assert_eq!(renew(&Ok(true)), [renewed]);

    // 8 s after the start of the clock, and of the boot clock.
    clock.set(UnixMillis(clock.now().0 - 1500));
    let now = clock.now();
    let stepped = format!("WARN message=the clock stepped back node=0 now={now} step_ms=1500");
    assert_eq!(renew(&Ok(true)), [stepped]);
    assert_eq!(renew(&Ok(true)), [""; 0]);
}
