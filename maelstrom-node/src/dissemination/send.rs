//! Putting a share together: what to send to whom.

use std::ops::Range;
use std::time::Duration;

use super::pace::micros;
use super::plan::Plan;
use super::stream::{Digest, Origin};
use super::{Dissemination, State};
use crate::message::{Gossip, Mark, Pace, Payload, Run};
use crate::outbox::Outbox;
use crate::time::Time;

/// How much text the items of one message may have. Below half of the 1 MiB that a
/// message may reach, as digests and quoting come on top.
const MOST_BYTES: usize = 400_000;

/// How many messages are written to a peer in one go, and how long to wait before the next
/// ones: a node that is asked for gigabytes must not hold them in its outbox all at once,
/// and goes on serving its clients meanwhile.
const MOST_MESSAGES: usize = 8;
const BREATH: Duration = Duration::from_millis(10);

/// What a message says besides items.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Also {
    pub(crate) age_us: Option<u64>,
    pub(crate) probe: bool,
    pub(crate) want: bool,
    pub(crate) relay: Option<usize>,
    pub(crate) pace: Option<Pace>,
    pub(crate) forward: bool,
}

/// Which items to send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Which {
    /// None: a digest alone.
    None,
    /// This node's own that the receiver has not been sent.
    Mine,
    /// All that the receiver has not been sent.
    New,
    /// As many as one message holds of those that the receiver has not confirmed.
    SomeUnconfirmed,
    /// All that the receiver has not confirmed, in as many messages as it takes.
    AllUnconfirmed,
}

impl<S: State> Dissemination<S> {
    /// Sends this node's own news on its way: straight to everyone or to the hub.
    pub(crate) fn report(&mut self, now: Time, out: &mut Outbox) {
        self.schedule.report_at = None;
        let held = self.schedule.holding_since.take();
        let age_us = held.map(|since| now.0.saturating_sub(since.0));
        let mut also = Also { age_us, ..Also::default() };
        let (which, dests) = match self.plan() {
            Plan::Mesh => (Which::Mine, 0..self.peers.len()),
            _ if self.hub() == self.cluster.me() => {
                also.forward = true;
                (Which::New, self.suspected_hubs())
            }
            _ => (Which::New, self.hub()..self.hub() + 1),
        };
        // A peer that does not answer is sent new items as well: the moment that it can be
        // reached again, they arrive in time. Reminders carry what it lacks of the old ones.
        for place in dests {
            if place != self.cluster.me() {
                self.send(now, place, which, also, out);
            }
        }
    }

    /// Passes on to everyone served what they have not been sent.
    pub(crate) fn pass_on(&mut self, now: Time, out: &mut Outbox) {
        self.schedule.pass_on_at = None;
        self.schedule.passed_on_at = Some(now);
        let oldest = self.schedule.gathering_since.take();
        let plan = self.plan();
        let until_beat = match plan {
            Plan::Rounds { period, .. } => self.schedule.until_next_beat(now, period),
            _ => {
                self.schedule.rounds = None;
                Duration::ZERO
            }
        };
        for place in self.others() {
            if self.serves(place) {
                let also = Also { pace: self.pace(place, plan, until_beat), ..Also::default() };
                self.send(now, place, Which::New, also, out);
            }
        }
        let age_us = oldest.map(|since| now.0.saturating_sub(since.0));
        for place in self.suspected_hubs() {
            let also = Also { age_us, forward: true, ..Also::default() };
            self.send(now, place, Which::New, also, out);
        }
    }

    /// How long a peer should hold what is new to it, in rounds: until its report arrives
    /// just before the next beat or, if that is too soon, before the one after.
    fn pace(&self, place: usize, plan: Plan, until_beat: Duration) -> Option<Pace> {
        let Plan::Rounds { period, margin } = plan else { return None };
        let ahead = self.peers[place].round_trip.mean() + margin;
        let hold = until_beat
            .checked_sub(ahead)
            .unwrap_or_else(|| (until_beat + period).saturating_sub(ahead));
        Some(Pace { hold_us: micros(hold), period_us: micros(period) })
    }

    /// Sends a peer one message, or several if the items do not fit into one, the first of
    /// them now.
    pub(crate) fn send(
        &mut self,
        now: Time,
        place: usize,
        which: Which,
        mut also: Also,
        out: &mut Outbox,
    ) {
        let peer = &self.peers[place];
        let mut known = peer.has.clone();
        if !matches!(which, Which::SomeUnconfirmed | Which::AllUnconfirmed) {
            for (origin, sent) in peer.sent.iter() {
                known.extend(origin, sent);
            }
        }
        let have = self.streams.have().marks();
        let mut rest = None;
        for nth in 1.. {
            let (items, more) = self.pick(place, which, &mut known);
            let gossip = self.share(now, place, &have, items, also);
            let dest = &self.cluster.names()[place];
            out.send(self.cluster.my_name(), dest, &Payload::Gossip { gossip: &gossip });
            if !more || which == Which::SomeUnconfirmed {
                break;
            }
            if nth == MOST_MESSAGES {
                rest = Some((now + BREATH, which));
                break;
            }
            also = Also::default();
        }
        let peer = &mut self.peers[place];
        peer.sent = known;
        peer.sent_at = Some(now);
        peer.tell_at = None;
        peer.rest = rest.or(peer.rest);
    }

    /// Goes on with what was too much for one go.
    pub(crate) fn send_rest(&mut self, now: Time, place: usize, out: &mut Outbox) {
        let rest = self.peers[place].rest.take_if(|(due, _)| *due <= now);
        if let Some((_, which)) = rest
            && !self.peers[place].is_in_repair()
        {
            // What the first messages brought has not been confirmed yet.
            let which = if which == Which::AllUnconfirmed { Which::New } else { which };
            self.send(now, place, which, Also::default(), out);
        }
    }

    /// Picks items that are not `known`, as many as go into one message, and adds them to
    /// it. Says whether there is more.
    fn pick(&self, place: usize, which: Which, known: &mut Digest) -> (Vec<Run<'_>>, bool) {
        let peer = &self.peers[place];
        let mut runs: Vec<Run<'_>> = Vec::new();
        let mut room = MOST_BYTES;
        let mut more = false;
        for (origin, have) in self.streams.have().iter() {
            let wanted = match which {
                Which::None => false,
                Which::Mine => origin == self.mine,
                _ => !peer.made(place, origin),
            };
            if !wanted {
                continue;
            }
            let missing: Vec<_> = have.missing_in(known.of(origin)).collect();
            for range in missing {
                let run = self.run(origin, range.clone(), &mut room);
                let end = run.first + run.items.len() as u64;
                more |= end < range.end;
                if end > range.start {
                    known.insert(origin, range.start..end);
                    runs.push(run);
                }
            }
        }
        (runs, more)
    }

    /// Everything that one message says.
    fn share<'a>(
        &self,
        now: Time,
        place: usize,
        have: &'a [Mark],
        items: Vec<Run<'a>>,
        also: Also,
    ) -> Gossip<'a> {
        Gossip {
            of: self.kind,
            incarnation: self.mine.incarnation,
            have: have.into(),
            age_us: also.age_us.filter(|_| !items.is_empty()),
            items,
            // In a mesh nobody passes anything on.
            forward: also.forward,
            follow: place == self.hub() && self.plan() != Plan::Mesh,
            probe: also.probe,
            want: also.want,
            relay: also.relay.and_then(|place| u16::try_from(place).ok()),
            sent_us: now.0,
            echoed: self.peers[place].echo(now),
            pace: also.pace,
        }
    }

    /// The items of a range, as long as there is room.
    fn run(&self, origin: Origin, range: Range<u64>, room: &mut usize) -> Run<'_> {
        let mut first = range.start;
        let mut items = Vec::new();
        if *room > 0 {
            // What has been superseded need not be sent to anyone.
            first = first.max(self.streams.first(origin)).min(range.end);
            for item in self.streams.get(origin, range) {
                let text = self.state.show(item);
                items.push(text);
                // A comma goes with it. What is larger than all the room goes alone.
                *room = room.saturating_sub(text.get().len() + 1);
                if *room == 0 {
                    break;
                }
            }
        }
        Run { node: origin.node, incarnation: origin.incarnation, first, items }
    }
}
