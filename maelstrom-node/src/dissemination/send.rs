//! Putting a share together: what to send to whom.

use std::ops::Range;
use std::time::Duration;

use super::schedule::micros;
use super::strategy::Strategy;
use super::stream::{Digest, Origin};
use super::{Dissemination, State};
use crate::base::Time;
use crate::message::Outbox;
use crate::message::{DigestEntry, Gossip, Payload, RoundTiming, Run};

/// How much text the items of one message may have. Below half of the 1 MiB that a
/// message may reach, as digests and quoting come on top.
const MAX_BYTES: usize = 400_000;

/// How many messages are written to a peer in one go, and how long to wait before the next
/// ones: a node that is asked for gigabytes must not hold them in its outbox all at once,
/// and goes on serving its clients meanwhile.
const MAX_MESSAGES: usize = 8;
const SEND_INTERVAL: Duration = Duration::from_millis(10);

/// What a message says besides items.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Extras {
    pub(crate) age_us: Option<u64>,
    pub(crate) probe: bool,
    pub(crate) want: bool,
    pub(crate) relay: Option<usize>,
    pub(crate) pace: Option<RoundTiming>,
    pub(crate) forward: bool,
}

/// Which items to send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Selection {
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
        let mut extras = Extras { age_us, ..Extras::default() };
        let (selection, dests) = match self.strategy() {
            Strategy::Mesh => (Selection::Mine, 0..self.peers.len()),
            _ if self.hub() == self.cluster.me() => {
                extras.forward = true;
                (Selection::New, self.suspected_hubs())
            }
            _ => (Selection::New, self.hub()..self.hub() + 1),
        };
        // A peer that does not answer is sent new items as well: the moment that it can be
        // reached again, they arrive in time. Reminders carry what it lacks of the old ones.
        for place in dests {
            if place != self.cluster.me() {
                self.send(now, place, selection, extras, out);
            }
        }
    }

    /// Passes on to everyone served what they have not been sent.
    pub(crate) fn pass_on(&mut self, now: Time, out: &mut Outbox) {
        self.schedule.pass_on_at = None;
        self.schedule.passed_on_at = Some(now);
        let oldest = self.schedule.gathering_since.take();
        let strategy = self.strategy();
        let until_beat = match strategy {
            Strategy::Rounds { period, .. } => self.schedule.until_next_beat(now, period),
            _ => {
                self.schedule.rounds = None;
                Duration::ZERO
            }
        };
        for place in self.others() {
            if self.serves(place) {
                let extras =
                    Extras { pace: self.pace(place, strategy, until_beat), ..Extras::default() };
                self.send(now, place, Selection::New, extras, out);
            }
        }
        let age_us = oldest.map(|since| now.0.saturating_sub(since.0));
        for place in self.suspected_hubs() {
            let extras = Extras { age_us, forward: true, ..Extras::default() };
            self.send(now, place, Selection::New, extras, out);
        }
    }

    /// How long a peer should hold what is new to it, in rounds: until its report arrives
    /// just before the next beat or, if that is too soon, before the one after.
    fn pace(&self, place: usize, strategy: Strategy, until_beat: Duration) -> Option<RoundTiming> {
        let Strategy::Rounds { period, margin } = strategy else { return None };
        let ahead = self.peers[place].round_trip.mean() + margin;
        let hold = until_beat
            .checked_sub(ahead)
            .unwrap_or_else(|| (until_beat + period).saturating_sub(ahead));
        Some(RoundTiming { hold_us: micros(hold), period_us: micros(period) })
    }

    /// Sends a peer one message, or several if the items do not fit into one, the first of
    /// them now.
    pub(crate) fn send(
        &mut self,
        now: Time,
        place: usize,
        selection: Selection,
        mut extras: Extras,
        out: &mut Outbox,
    ) {
        let peer = &self.peers[place];
        let mut known = peer.has.clone();
        if !matches!(selection, Selection::SomeUnconfirmed | Selection::AllUnconfirmed) {
            for (origin, sent) in peer.sent.iter() {
                known.extend(origin, sent);
            }
        }
        let have = self.streams.have().entries();
        let mut rest = None;
        for nth in 1.. {
            let (items, more) = self.pick(place, selection, &mut known);
            let gossip = self.share(now, place, &have, items, extras);
            let dest = &self.cluster.names()[place];
            out.send(self.cluster.my_name(), dest, &Payload::Gossip { gossip: &gossip });
            if !more || selection == Selection::SomeUnconfirmed {
                break;
            }
            if nth == MAX_MESSAGES {
                rest = Some((now + SEND_INTERVAL, selection));
                break;
            }
            extras = Extras::default();
        }
        let peer = &mut self.peers[place];
        peer.sent = known;
        peer.sent_at = Some(now);
        peer.acknowledge_at = None;
        peer.rest = rest.or(peer.rest);
    }

    /// Goes on with what was too much for one go.
    pub(crate) fn send_rest(&mut self, now: Time, place: usize, out: &mut Outbox) {
        let rest = self.peers[place].rest.take_if(|(due, _)| *due <= now);
        if let Some((_, selection)) = rest
            && !self.peers[place].is_in_repair()
        {
            // What the first messages brought has not been confirmed yet.
            let selection =
                if selection == Selection::AllUnconfirmed { Selection::New } else { selection };
            self.send(now, place, selection, Extras::default(), out);
        }
    }

    /// Picks items that are not `known`, as many as go into one message, and adds them to
    /// it. Says whether there is more.
    fn pick(&self, place: usize, selection: Selection, known: &mut Digest) -> (Vec<Run<'_>>, bool) {
        let peer = &self.peers[place];
        let mut runs: Vec<Run<'_>> = Vec::new();
        let mut room = MAX_BYTES;
        let mut more = false;
        for (origin, have) in self.streams.have().iter() {
            let wanted = match selection {
                Selection::None => false,
                Selection::Mine => origin == self.mine,
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
        have: &'a [DigestEntry],
        items: Vec<Run<'a>>,
        extras: Extras,
    ) -> Gossip<'a> {
        Gossip {
            workload: self.kind,
            incarnation: self.mine.incarnation,
            digest: have.into(),
            age_us: extras.age_us.filter(|_| !items.is_empty()),
            items,
            // In a mesh nobody passes anything on.
            forward: extras.forward,
            follows: place == self.hub() && self.strategy() != Strategy::Mesh,
            probe: extras.probe,
            wants: extras.want,
            indirect_probe: extras.relay.and_then(|place| u16::try_from(place).ok()),
            sent_us: now.0,
            echo: self.peers[place].echo(now),
            round: extras.pace,
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
