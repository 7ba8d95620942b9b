//! `unique-ids`: replies to `generate` with an ID from the generator of this node.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use snowflake::{ClaimError, LeaseEnd};

use super::{Definition, IdGenerator, Waiting, Workload};
use crate::base::{Kind, Time};
use crate::message::{Address, ErrorCode, Outbox, Payload, Request};

/// The limit on requests that wait for an ID: about the number of IDs of 24 ms.
const MAX_WAITING: usize = 100_000;

/// The longest time between two calls of the generator while requests wait.
///
/// The generator may return a longer wait after the clock has stepped back. But the clock
/// may be corrected at any time.
const MAX_RETRY_INTERVAL: Duration = Duration::from_millis(100);

pub(super) const DEFINITION: Definition = Definition {
    kind: Kind::new("unique-ids"),
    is_replicated: false,
    takes_ids: true,
    serves: is_generate,
    is_identified_by: is_generate,
    create: |context| Ok(Box::new(UniqueIds::new((context.ids)()?))),
};

fn is_generate(request: &Request<'_>) -> bool {
    matches!(request, Request::Generate)
}

/// The workload. It never blocks: while the generator has no ID, requests wait in a queue, and the
/// workload has a deadline.
#[derive(Debug)]
pub(crate) struct UniqueIds {
    generator: Arc<dyn IdGenerator>,
    waiting: VecDeque<Waiting>,
    try_again: Option<Time>,
}

/// Returns the time until the next call of the generator, or `None` if a request must not wait.
///
/// Requests wait for the clock, and for a renewal of the lease that is under way. With another
/// problem of the lease, a longer wait than a client's is probable.
fn wait_after(error: &ClaimError) -> Option<Duration> {
    match error {
        ClaimError::Ahead { .. } | ClaimError::LeaseEnded { reason: LeaseEnd::NotRenewed, .. } => {
            error.retry_after().map(|wait| wait.min(MAX_RETRY_INTERVAL))
        }
        _ => None,
    }
}

impl UniqueIds {
    pub(crate) fn new(generator: Arc<dyn IdGenerator>) -> UniqueIds {
        UniqueIds { generator, waiting: VecDeque::new(), try_again: None }
    }

    fn answer_waiting(&mut self, now: Time, out: &mut Outbox) {
        self.try_again = None;
        while let Some(first) = self.waiting.front() {
            if !first.may_have_given_up(now) {
                let client = Some(&first.address);
                match self.generator.try_next_id() {
                    Ok(id) => out.reply(client, &Payload::GenerateOk { id }),
                    Err(error) => {
                        if let Some(wait) = wait_after(&error) {
                            self.try_again = Some(now + wait);
                            return;
                        }
                        let text = error.to_string();
                        out.error(client, ErrorCode::TemporarilyUnavailable, &text);
                    }
                }
            }
            self.waiting.pop_front();
        }
    }
}

impl Workload for UniqueIds {
    fn on_request(
        &mut self,
        now: Time,
        sent_at: Time,
        client: Option<&Address<'_>>,
        request: Request<'_>,
        out: &mut Outbox,
    ) {
        let (Request::Generate, Some(client)) = (request, client) else { return };
        let rejected = if self.waiting.is_empty() {
            match self.generator.try_next_id() {
                Ok(id) => return out.reply(Some(client), &Payload::GenerateOk { id }),
                Err(error) => {
                    self.try_again = wait_after(&error).map(|wait| now + wait);
                    self.try_again.is_none().then(|| error.to_string())
                }
            }
        } else if self.waiting.len() >= MAX_WAITING {
            Some(format!(
                "cannot generate an ID: {MAX_WAITING} requests are already waiting; try \
                          again later"
            ))
        } else {
            None
        };
        match rejected {
            // The generator issued no ID, so the error is definite.
            Some(text) => out.error(Some(client), ErrorCode::TemporarilyUnavailable, &text),
            None => self.waiting.push_back(Waiting::new(sent_at, client)),
        }
    }

    fn deadline(&self) -> Option<Time> {
        self.try_again
    }

    fn owes_reply(&self) -> bool {
        !self.waiting.is_empty()
    }

    fn on_deadline(&mut self, now: Time, out: &mut Outbox) {
        if self.try_again.is_some_and(|due| due <= now) {
            self.answer_waiting(now, out);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use snowflake::{Epoch, Generator, Id, ManualClock, NodeId, UnixMillis};

    use super::*;
    use crate::message::MsgId;

    const NOON: UnixMillis = UnixMillis(1_767_268_800_000);

    fn generate(ids: &mut UniqueIds, now: Time, msg_id: MsgId) -> usize {
        let mut out = Outbox::new();
        let client = Address { src: "c1".into(), dest: "n0".into(), msg_id };
        ids.on_request(now, now, Some(&client), Request::Generate, &mut out);
        ids.on_deadline(now, &mut out);
        out.lines().count()
    }

    fn ids(clock: &ManualClock) -> UniqueIds {
        let generator = Generator::builder(NodeId::MIN, Epoch::Y2024).build(clock.clone());
        UniqueIds::new(Arc::new(generator.unwrap()))
    }

    #[test]
    fn a_request_waits_for_the_next_millisecond() {
        let clock = ManualClock::new(NOON);
        let mut ids = ids(&clock);
        let answered: usize = (0..5000).map(|number| generate(&mut ids, Time(0), number)).sum();
        assert_eq!(answered, 4096);
        assert_eq!(ids.deadline(), Some(Time(1000)));
        assert!(ids.owes_reply());
        clock.set(UnixMillis(NOON.0 + 1));
        let mut out = Outbox::new();
        ids.on_deadline(Time(1000), &mut out);
        assert_eq!(out.lines().count(), 5000 - 4096);
        assert!(!ids.owes_reply());
    }

    #[test]
    fn a_corrected_backward_step_delays_no_request_for_the_size_of_the_step() {
        let clock = ManualClock::new(NOON);
        let mut ids = ids(&clock);
        assert_eq!(generate(&mut ids, Time(0), 1), 1);
        clock.set(UnixMillis(NOON.0 - 3_600_000));
        assert_eq!(generate(&mut ids, Time(0), 2), 0);
        clock.set(UnixMillis(NOON.0 + 200));
        let due = ids.deadline().unwrap();
        assert!(due <= Time(100_000), "{due:?}");
        let mut out = Outbox::new();
        ids.on_deadline(due, &mut out);
        assert_eq!(out.lines().count(), 1);
    }

    #[test]
    fn a_client_that_has_timed_out_receives_no_reply() {
        let clock = ManualClock::new(NOON);
        let mut ids = ids(&clock);
        assert_eq!(generate(&mut ids, Time(0), 1), 1);
        clock.set(UnixMillis(NOON.0 - 3_600_000));
        assert_eq!(generate(&mut ids, Time(0), 2), 0);
        let mut out = Outbox::new();
        ids.on_deadline(Time(4_600_000), &mut out);
        assert!(out.is_empty() && !ids.owes_reply());
    }

    /// A generator whose lease has ended, until it is renewed.
    #[derive(Debug)]
    struct Leased {
        end: Mutex<Option<LeaseEnd>>,
    }

    impl IdGenerator for Leased {
        fn try_next_id(&self) -> Result<Id, ClaimError> {
            match *self.end.lock().unwrap() {
                Some(reason) => Err(ClaimError::LeaseEnded { until: NOON, reason }),
                None => Ok(Id::from_raw(1).unwrap()),
            }
        }
    }

    #[test]
    fn a_request_waits_for_a_renewal_that_is_under_way() {
        let leased = Arc::new(Leased { end: Mutex::new(Some(LeaseEnd::NotRenewed)) });
        let mut ids = UniqueIds::new(Arc::<Leased>::clone(&leased));
        assert_eq!(generate(&mut ids, Time(0), 1), 0);
        assert_eq!(ids.deadline(), Some(Time(100_000)));
        *leased.end.lock().unwrap() = None;
        let mut out = Outbox::new();
        ids.on_deadline(Time(100_000), &mut out);
        assert!(String::from_utf8_lossy(out.as_bytes()).contains("generate_ok"));
        assert!(!ids.owes_reply());
    }

    #[test]
    fn a_request_gets_an_error_if_the_renewal_has_failed() {
        let leased = Arc::new(Leased { end: Mutex::new(Some(LeaseEnd::NotRenewed)) });
        let mut ids = UniqueIds::new(Arc::<Leased>::clone(&leased));
        assert_eq!(generate(&mut ids, Time(0), 1), 0);
        *leased.end.lock().unwrap() = Some(LeaseEnd::StoreFailed);
        let mut out = Outbox::new();
        ids.on_deadline(Time(100_000), &mut out);
        assert!(String::from_utf8_lossy(out.as_bytes()).contains("the lease store failed"));
        assert_eq!(generate(&mut ids, Time(200_000), 2), 1, "it gets the error immediately");
        assert!(!ids.owes_reply());
    }
}
