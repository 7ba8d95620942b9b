//! Tickets: what a call that waits holds, so that it is not overtaken for ever.
//!
//! A full millisecond is waited out by many threads at once, and those that wake first can
//! take all of the next one, again and again. So a call takes its slot **before** it
//! sleeps, one of the millisecond to come, and has nothing to lose by waking late.
//!
//! The slot is claimed as any other is, by raising the word within the grant, but past the
//! limit; the call gives it out when it is below one. Once the grant has been followed by
//! another, or the generator is sealed, the ticket is void: a claim that waits is not
//! issued across a gap. A call that fails with a ticket in hand loses the slot, and had
//! waited for it, so that a million such calls take a while.

use crate::claim::Refusal;
use crate::slot::Slot;
use crate::sync::Ordering;
use crate::{Clock, Generator, LeaseEnd, UnixMillis};

/// A slot that is to be given out when its time has come.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ticket {
    slot: Slot,
    /// The end of the grant that it was claimed in.
    ceiling: Slot,
}

impl<C: Clock> Generator<C> {
    /// Takes the next slot if it is of the next millisecond.
    pub(crate) fn take_ticket(&self) -> Option<Ticket> {
        let ceiling = self.ceiling.get();
        loop {
            let slot = Slot::from_word(self.word.load(Ordering::Relaxed));
            let (now, _) = self.read_clock(slot, None);
            let next_ms = self.limit_at(now)..self.limit_at(UnixMillis(now.0.saturating_add(1)));
            if !next_ms.contains(&slot) || slot >= ceiling {
                return None;
            }
            if self.exchange(slot, slot.plus(1)) {
                return Some(Ticket { slot, ceiling });
            }
        }
    }

    /// The slot of `ticket`, if its time has come; `None` if it is void.
    pub(crate) fn redeem(&self, ticket: Ticket) -> Option<Result<Slot, Refusal>> {
        let Ticket { slot, ceiling } = ticket;
        if self.ceiling.get() != ceiling || self.ceiling.why() == LeaseEnd::Released {
            return None;
        }
        if self.gate.until().get().holds_at(self.clock.counter()) && slot < self.gate.limit() {
            return Some(Ok(slot));
        }
        let (now, reading) = self.read_clock(slot, None);
        if slot < self.limit_at(now) {
            return Some(Ok(slot));
        }
        Some(Err(self.refuse(slot.plus(1), ceiling, now, reading)))
    }
}

#[cfg(test)]
#[cfg(not(loom))]
mod tests {
    use super::*;
    use crate::layout::IDS_PER_MS;
    use crate::{Epoch, ManualClock, NodeId};

    const EPOCH: Epoch = Epoch::Y2024;

    /// A generator whose millisecond is full, and its clock.
    fn full() -> (Generator<ManualClock>, ManualClock) {
        let clock = ManualClock::new(EPOCH.start());
        let generator = Generator::builder(NodeId::MIN, EPOCH).build(clock.clone()).unwrap();
        assert_eq!(std::iter::from_fn(|| generator.try_next_id().ok()).count() as u64, IDS_PER_MS);
        (generator, clock)
    }

    fn first_of(tick: u64) -> Slot {
        Slot::start_of(NodeId::MIN, tick)
    }

    #[test]
    fn a_call_that_waits_comes_before_those_that_ask_later() {
        let (generator, clock) = full();
        let ticket = generator.take_ticket().unwrap();
        let redeemed = generator.redeem(ticket);
        assert!(matches!(redeemed, Some(Err(Refusal::Ahead { wait_ms: 1, .. }))), "{redeemed:?}");
        clock.advance(1);
        assert_eq!(generator.try_next_id().unwrap(), first_of(1).plus(1).id());
        assert!(matches!(generator.redeem(ticket), Some(Ok(slot)) if slot == first_of(1)));
    }

    #[test]
    fn a_ticket_waits_for_a_clock_that_steps_back() {
        let (generator, clock) = full();
        let ticket = generator.take_ticket().unwrap();
        clock.step_back(5);
        let redeemed = generator.redeem(ticket);
        assert!(matches!(redeemed, Some(Err(Refusal::Ahead { wait_ms: 6, .. }))), "{redeemed:?}");
        clock.advance(6);
        assert!(matches!(generator.redeem(ticket), Some(Ok(slot)) if slot == first_of(1)));
    }

    #[test]
    fn there_is_none_while_there_are_ids_and_none_for_a_later_millisecond() {
        let (generator, clock) = full();
        clock.advance(1);
        assert!(generator.take_ticket().is_none());
        clock.step_back(2);
        assert!(generator.take_ticket().is_none());
        assert_eq!(generator.word.load(Ordering::Relaxed), first_of(1).to_word());
    }

    #[test]
    fn the_next_millisecond_has_as_many_tickets_as_ids() {
        let (generator, clock) = full();
        let tickets = Vec::from_iter(std::iter::from_fn(|| generator.take_ticket()));
        assert_eq!(tickets.len() as u64, IDS_PER_MS);
        clock.advance(1);
        assert!(generator.try_next_id().is_err());
        for (ticket, sequence) in tickets.into_iter().zip(0..) {
            let slot = first_of(1).plus(sequence);
            assert!(matches!(generator.redeem(ticket), Some(Ok(redeemed)) if redeemed == slot));
        }
    }

    #[cfg(feature = "lease")]
    #[test]
    fn a_ticket_is_not_redeemed_across_a_grant_or_after_the_end() {
        let at = |tick| UnixMillis(EPOCH.start().0 + tick);
        let lease = |from, until| crate::lease::Lease {
            node: NodeId::MIN,
            from: at(from),
            until: at(until),
            fence: 1,
        };
        let clock = ManualClock::new(at(0));
        let builder = Generator::builder(NodeId::MIN, EPOCH);
        let generator = builder.build_leased(&lease(0, 2), clock.clone()).unwrap();
        while generator.try_next_id().is_ok() {}
        let ticket = generator.take_ticket().unwrap();
        generator.grant(&lease(5, 7));
        clock.advance(5);
        assert!(generator.redeem(ticket).is_none());

        while generator.try_next_id().is_ok() {}
        let ticket = generator.take_ticket().unwrap();
        clock.advance(1);
        while generator.try_next_id().is_ok() {}
        assert!(generator.take_ticket().is_none(), "past the grant");
        generator.seal();
        assert!(generator.redeem(ticket).is_none());
    }
}
