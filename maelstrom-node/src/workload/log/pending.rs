//! The records of clients that are not known to be on a majority.

use std::collections::VecDeque;
use std::time::Duration;

use crate::base::Time;
use crate::message::{ErrorCode, Outbox, Payload};
use crate::workload::Waiting;

/// The time without a majority after which the node rejects further messages.
pub(super) const STALL_TIMEOUT: Duration = Duration::from_millis(1500);

/// The time without a majority after which a client receives an error.
///
/// A request that the network delayed for long gets no error: its client may have given up.
pub(super) const MAJORITY_TIMEOUT: Duration = Duration::from_secs(4);

/// The records in the order of their sequence numbers.
#[derive(Debug, Default)]
pub(super) struct Pending(VecDeque<Unacknowledged>);

/// A record that is not known to be on a majority, and the client that waits for that.
#[derive(Debug)]
pub(super) struct Unacknowledged {
    pub(super) sequence: u64,
    pub(super) since: Time,
    /// `None` after the client has received an error.
    pub(super) client: Option<Waiting>,
    /// The offset in the reply. A commit has none.
    pub(super) offset: Option<u64>,
}

impl Pending {
    /// Adds a record with a larger sequence number than those before it.
    pub(super) fn push(&mut self, record: Unacknowledged) {
        self.0.push_back(record);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns `true` if the first record has waited for this time.
    pub(super) fn is_stalled(&self, now: Time, wait: Duration) -> bool {
        self.0.front().is_some_and(|first| now.since(first.since) >= wait)
    }

    /// Replies to the clients of the records up to the first one that is not safe: step S3.
    pub(super) fn acknowledge(
        &mut self,
        now: Time,
        is_safe: impl Fn(u64) -> bool,
        out: &mut Outbox,
    ) {
        while self.0.front().is_some_and(|first| is_safe(first.sequence)) {
            let Some(mut first) = self.0.pop_front() else { return };
            let Some(client) = first.take_client(now) else { continue };
            let reply = match first.offset {
                Some(offset) => Payload::SendOk { offset },
                None => Payload::CommitOffsetsOk,
            };
            out.reply(Some(&client.address), &reply);
        }
    }

    /// Sends an error to the clients that have waited too long.
    pub(super) fn time_out(&mut self, now: Time, out: &mut Outbox) {
        for waiting in &mut self.0 {
            if now.since(waiting.since) < MAJORITY_TIMEOUT {
                break;
            }
            if let Some(client) = waiting.take_client(now) {
                let text = "no majority acknowledged this request in time; it may still take \
                            effect";
                out.error(Some(&client.address), ErrorCode::Timeout, text);
            }
        }
    }

    /// Returns the time of the next timeout of a client.
    pub(super) fn deadline(&self) -> Option<Time> {
        let waiting = self.0.iter().find(|waiting| waiting.client.is_some());
        waiting.map(|waiting| waiting.since + MAJORITY_TIMEOUT)
    }

    /// Returns `true` if a client waits.
    pub(super) fn owes_reply(&self) -> bool {
        self.0.iter().any(|waiting| waiting.client.is_some())
    }
}

impl Unacknowledged {
    /// Takes the client, unless it may have given up. Then it gets no reply.
    fn take_client(&mut self, now: Time) -> Option<Waiting> {
        self.client.take().filter(|client| !client.may_have_given_up(now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::Address;
    use crate::workload::CLIENT_WAIT_TIMEOUT;

    /// The process may have been stopped since the request, or the network has delayed it.
    #[test]
    fn a_client_that_may_have_given_up_gets_no_reply() {
        let address = Address { src: "c1".into(), dest: "n0".into(), msg_id: 1 };
        let pending = || {
            let client = Some(Waiting::new(Time(0), &address));
            let since = Time(400_000);
            Pending([Unacknowledged { sequence: 0, since, client, offset: None }].into())
        };
        let in_time = Time(400_000) + MAJORITY_TIMEOUT;
        for (now, replies) in [(in_time, true), (Time(0) + CLIENT_WAIT_TIMEOUT, false)] {
            let mut out = Outbox::new();
            let mut acknowledged = pending();
            acknowledged.acknowledge(now, |_| true, &mut out);
            assert_eq!(!out.is_empty(), replies, "a reply at {now:?}");

            let mut out = Outbox::new();
            let mut timed_out = pending();
            timed_out.time_out(now, &mut out);
            assert_eq!(!out.is_empty(), replies, "an error at {now:?}");
            assert!(!timed_out.owes_reply());
        }
    }
}
