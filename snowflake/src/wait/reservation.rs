//! Tickets: what a call that waits holds, so that it is not overtaken for ever.
//!
//! A full millisecond is waited out by many threads at once, and those that wake first can
//! take all of the next one, again and again. So a call takes its slot **before** it
//! sleeps, one of the millisecond to come, and has nothing to lose by waking late.
//!
//! The slot is claimed by compare-and-swap as any other with the gate shut, below the
//! ceiling, and so is nobody else's and inside its grant, whenever it is given out. It is
//! given out when it is below a limit, and so not early. And as the claim is made during the
//! call, it comes before those of calls that begin when this one has returned.
//!
//! A ticket is void when a grant has begun above it, past a gap, or the generator has been
//! sealed: nothing is made twice without that, but whoever gave the grant up is done with it.
//! A ticket that is void, or whose call fails, is a lost ID: one of the millisecond after the
//! clock's, so however often it happens, later ones are not touched.

use crate::claim::Refusal;
use crate::slot::Slot;
use crate::{Clock, Generator, UnixMillis};

/// A call that waits for one ID, with a ticket as soon as one is to be had.
#[derive(Debug)]
pub(crate) struct InLine<'a, C> {
    generator: &'a Generator<C>,
    ticket: Option<Slot>,
}

impl<'a, C: Clock> InLine<'a, C> {
    pub(crate) const fn new(generator: &'a Generator<C>) -> InLine<'a, C> {
        InLine { generator, ticket: None }
    }

    /// Takes a ticket before a pause, if it has none. Returns whether to pause at all: not
    /// while there are IDs.
    pub(crate) fn take_ticket(&mut self) -> bool {
        let generator = self.generator;
        let ceiling = generator.ceiling.get();
        while self.ticket.is_none() {
            let slot = generator.word.get();
            let (now, _) = generator.read_clock(slot, None);
            let limit = generator.limit_at(now);
            if slot < limit.min(ceiling) {
                return false;
            }
            let next_limit = generator.limit_at(UnixMillis(now.0.saturating_add(1)));
            if slot >= next_limit.min(ceiling) {
                break;
            }
            if generator.word.exchange(slot, slot.plus(1)) {
                self.ticket = Some(slot);
            }
        }
        true
    }

    /// The ticket's slot if its time has come, or the next one without a ticket.
    pub(crate) fn claim(&mut self) -> Result<Slot, Refusal> {
        let generator = self.generator;
        let Some(slot) = self.ticket else { return generator.claim_one() };
        if generator.ceiling.is_void(slot) {
            self.lose_ticket();
            return generator.claim_one();
        }
        if !generator.is_open_for(slot) {
            generator.reach_by_clock(slot)?;
        }
        self.ticket = None;
        Ok(slot)
    }

    fn lose_ticket(&mut self) {
        if self.ticket.take().is_some() {
            self.generator.tally.skip(1);
        }
    }
}

impl<C> Drop for InLine<'_, C> {
    fn drop(&mut self) {
        if self.ticket.is_some() {
            self.generator.tally.skip(1);
        }
    }
}

impl<C: Clock> Generator<C> {
    fn is_open_for(&self, slot: Slot) -> bool {
        self.gate.until().get().holds_at(self.clock.counter()) && slot < self.gate.limit()
    }

    /// Reads the clock, and refuses if `slot`, which is taken, is still out of its reach.
    fn reach_by_clock(&self, slot: Slot) -> Result<(), Refusal> {
        let opener = self.gate.opener();
        let (now, reading) = self.read_clock(slot, opener.as_ref());
        if slot >= self.limit_at(now) {
            return Err(self.refuse(slot.plus(1), self.ceiling.get(), now, reading));
        }
        self.tally.lead(slot.tick().saturating_sub(self.tick_of(now)));
        Ok(())
    }
}

#[cfg(loom)]
pub use step_by_step::WaitingCall;

#[cfg(loom)]
mod step_by_step {
    use super::InLine;
    use crate::{Clock, Generator, Id};

    /// A `next_id` that does not sleep, for a model whose threads cannot.
    #[derive(Debug)]
    pub struct WaitingCall<'a, C>(InLine<'a, C>);

    #[allow(missing_docs, reason = "the steps of the call")]
    impl<'a, C: Clock> WaitingCall<'a, C> {
        pub fn refused(generator: &'a Generator<C>) -> WaitingCall<'a, C> {
            WaitingCall(InLine::new(generator))
        }

        pub fn begin_to_wait(&mut self) {
            self.0.take_ticket();
        }

        pub fn wake(mut self) -> Option<Id> {
            self.0.claim().ok().map(|slot| slot.id())
        }
    }
}

#[cfg(test)]
#[cfg(not(loom))]
mod tests {
    use super::*;
    use crate::layout::IDS_PER_MS;
    use crate::{Builder, Epoch, ManualClock, NodeId};

    const EPOCH: Epoch = Epoch::Y2024;

    fn at(tick: u64) -> UnixMillis {
        UnixMillis(EPOCH.start().0 + tick)
    }

    fn first_of(tick: u64) -> Slot {
        Slot::start_of(NodeId::MIN, tick)
    }

    fn builder() -> Builder {
        Generator::builder(NodeId::MIN, EPOCH)
    }

    /// A generator whose millisecond, the 100th, is full, and its clock.
    fn full(builder: Builder) -> (Generator<ManualClock>, ManualClock) {
        let clock = ManualClock::new(at(100));
        let generator = builder.build(clock.clone()).unwrap();
        fill(&generator);
        (generator, clock)
    }

    fn fill(generator: &Generator<ManualClock>) -> u64 {
        std::iter::from_fn(|| generator.try_next_id().ok()).count() as u64
    }

    fn in_line(generator: &Generator<ManualClock>) -> InLine<'_, ManualClock> {
        let mut call = InLine::new(generator);
        assert!(call.take_ticket());
        assert!(call.ticket.is_some());
        call
    }

    fn assert_ahead(call: &mut InLine<'_, ManualClock>, by_ms: u64) {
        let claimed = call.claim();
        assert!(
            matches!(claimed, Err(Refusal::Ahead { wait_ms, .. }) if wait_ms == by_ms),
            "{claimed:?}"
        );
    }

    #[test]
    fn a_call_that_waits_comes_before_those_that_ask_later() {
        let (generator, clock) = full(builder());
        let mut call = in_line(&generator);
        assert_ahead(&mut call, 1);
        clock.advance(1);
        assert_eq!(generator.try_next_id().unwrap(), first_of(101).plus(1).id());
        assert_eq!(call.claim().unwrap(), first_of(101));
        drop(call);
        assert_eq!(generator.counters().ids_made, IDS_PER_MS + 2);
    }

    #[test]
    fn a_ticket_waits_for_a_clock_that_steps_back_and_the_step_is_counted() {
        let (generator, clock) = full(builder());
        let mut call = in_line(&generator);
        clock.step_back(5);
        assert_ahead(&mut call, 6);
        assert_eq!(generator.counters().backward_steps, 1);
        clock.advance(6);
        assert_eq!(call.claim().unwrap(), first_of(101));
    }

    #[test]
    fn how_far_a_ticket_ran_ahead_is_counted() {
        let clock = ManualClock::new(at(100));
        let generator = builder().max_ahead_ms(5).build(clock.clone()).unwrap();
        assert_eq!(generator.try_next_id().unwrap(), first_of(100).id());
        clock.step_back(6);
        let mut call = in_line(&generator);
        clock.advance(1);
        assert_eq!(call.claim().unwrap(), first_of(100).plus(1));
        assert_eq!(generator.counters().largest_lead_ms, 5);
    }

    #[test]
    fn while_there_are_ids_there_is_no_ticket_and_no_pause() {
        let (generator, clock) = full(builder());
        clock.advance(1);
        let mut call = InLine::new(&generator);
        assert!(!call.take_ticket());
        assert_eq!(call.claim().unwrap(), first_of(101));
    }

    #[test]
    fn there_is_no_ticket_for_a_later_millisecond_than_the_next() {
        let (generator, clock) = full(builder());
        clock.step_back(1);
        let mut call = InLine::new(&generator);
        assert!(call.take_ticket());
        assert!(call.ticket.is_none());
        assert_eq!(generator.word.get(), first_of(101));
    }

    #[test]
    fn calls_that_fail_lose_the_ids_of_the_next_millisecond_and_no_others() {
        let (generator, clock) = full(builder());
        for _ in 0..2 * IDS_PER_MS {
            let mut call = InLine::new(&generator);
            assert!(call.take_ticket());
        }
        assert_eq!(generator.counters().ids_made, IDS_PER_MS);
        clock.advance(1);
        assert!(generator.try_next_id().is_err());
        clock.advance(1);
        assert_eq!(generator.try_next_id().unwrap(), first_of(102).id());
        assert_eq!(generator.counters().ids_made, IDS_PER_MS + 1);
    }

    #[test]
    fn every_id_of_the_next_millisecond_may_be_waited_for() {
        let (generator, clock) = full(builder());
        let mut calls = Vec::from_iter((0..IDS_PER_MS).map(|_| in_line(&generator)));
        clock.advance(1);
        assert!(generator.try_next_id().is_err());
        for (call, sequence) in calls.iter_mut().zip(0..) {
            assert_eq!(call.claim().unwrap(), first_of(101).plus(sequence));
        }
    }

    #[cfg(feature = "lease")]
    mod leased {
        use super::*;
        use crate::lease::Lease;

        fn lease(from: u64, until: u64) -> Lease {
            Lease { node: NodeId::MIN, from: at(from), until: at(until), fence: 1 }
        }

        fn full(first: &Lease) -> (Generator<ManualClock>, ManualClock) {
            let clock = ManualClock::new(first.from);
            let generator = builder().build_leased(first, clock.clone()).unwrap();
            fill(&generator);
            (generator, clock)
        }

        #[test]
        fn a_ticket_stays_good_when_its_grant_is_extended() {
            let (generator, clock) = full(&lease(0, 2));
            let mut call = in_line(&generator);
            generator.grant(&lease(2, 9));
            clock.advance(1);
            assert_eq!(call.claim().unwrap(), first_of(1));
        }

        #[test]
        fn a_ticket_is_void_past_a_gap() {
            let (generator, clock) = full(&lease(0, 2));
            let mut call = in_line(&generator);
            generator.grant(&lease(5, 9));
            clock.advance(5);
            assert_eq!(call.claim().unwrap(), first_of(5));
            drop(call);
            assert_eq!(generator.counters().ids_made, IDS_PER_MS + 1);
        }

        #[test]
        fn there_is_no_ticket_past_the_grant() {
            let (generator, _clock) = full(&lease(0, 1));
            let mut call = InLine::new(&generator);
            assert!(call.take_ticket());
            assert!(call.ticket.is_none());
        }

        #[test]
        fn a_ticket_is_void_once_the_generator_is_sealed() {
            let (generator, clock) = full(&lease(0, 9));
            let mut call = in_line(&generator);
            let mark = generator.seal();
            assert_eq!(mark, at(2), "the ticket's millisecond is used up");
            clock.advance(1);
            assert!(matches!(call.claim(), Err(Refusal::Ended { .. })));
            drop(call);
            assert_eq!(generator.counters().ids_made, IDS_PER_MS);
        }
    }
}
