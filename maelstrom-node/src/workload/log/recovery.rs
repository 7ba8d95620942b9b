//! What a new life of a node does before it takes requests: the steps of the protocol's
//! section on restarts.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::record::Record;
use super::{Log, quorum};
use crate::base::Acks;
use crate::base::Time;
use crate::dissemination::{Digest, View};
use crate::message::DigestEntry;

/// How far a life has come.
#[derive(Debug)]
pub(super) enum Stage {
    /// Waiting for others to answer this life.
    Listening,
    /// Waiting for others to have the record *born*.
    Born(Born),
    /// Waiting for what was learnt to be on a majority.
    Settling {
        /// Everything that was here when this node became ready.
        learnt: Digest,
    },
    /// Taking requests.
    Serving,
}

#[derive(Debug)]
pub(super) struct Born {
    since: Time,
    sequence: u64,
    /// The lives that were catching up themselves when they answered.
    unready: BTreeMap<usize, u64>,
    /// What each node had when it was first seen to have the record, by the life it was in
    /// and whether that was ready.
    answers: BTreeMap<usize, (u64, bool, Digest)>,
}

/// When to begin anew if those that answered are gone: past any delay of a living node.
const RECOVERY_TIMEOUT: Duration = Duration::from_secs(5);

impl Stage {
    /// Whether this life's own word counts.
    pub(super) fn is_ready(&self) -> bool {
        matches!(self, Stage::Settling { .. } | Stage::Serving)
    }

    pub(super) fn is_serving(&self) -> bool {
        matches!(self, Stage::Serving)
    }

    pub(super) fn deadline(&self) -> Option<Time> {
        match self {
            Stage::Born(born) => Some(born.since + RECOVERY_TIMEOUT),
            _ => None,
        }
    }
}

impl Log {
    /// Goes on to the next step, if what it waits for has come.
    pub(super) fn catch_up(&mut self, now: Time) {
        if matches!(self.stage, Stage::Listening) {
            self.listen(now);
        }
        if matches!(self.stage, Stage::Born(_)) {
            self.learn(now);
        }
        if matches!(self.stage, Stage::Settling { .. }) {
            self.spread();
        }
    }

    fn listen(&mut self, now: Time) {
        let (records, view) = self.records.split();
        let mut ready = 0;
        let mut unready = BTreeMap::new();
        for place in view.others().filter(|place| view.knows_me(*place)) {
            match view.present(place) {
                Some(life) if quorum::is_ready(&view, records, place, life) => ready += 1,
                Some(life) => drop(unready.insert(place, life.incarnation)),
                None => {}
            }
        }
        let called = records.is_founder(view.mine());
        if !called && ready < view.majority_of_others() && unready.len() + 1 < view.majority() {
            return;
        }
        let before = past_incarnations(&view);
        let sequence = self.records.next_of_mine();
        self.records.add(now, &Record::Born(before).text());
        self.stage = Stage::Born(Born { since: now, sequence, unready, answers: BTreeMap::new() });
    }

    fn learn(&mut self, now: Time) {
        let Stage::Born(born) = &mut self.stage else { return };
        let (records, view) = self.records.split();
        let mut ready = 0;
        let mut founders = Vec::new();
        for place in view.others() {
            let Some(life) = view.present(place) else { continue };
            if !view.has(place).of(view.mine()).contains(born.sequence) {
                continue;
            }
            let is_ready = quorum::is_ready(&view, records, place, life);
            let answer = born.answers.get(&place);
            let fresh = answer.is_none_or(|(answered, was_ready, _)| {
                *answered != life.incarnation || (is_ready && !was_ready)
            });
            if fresh {
                let answer = (life.incarnation, is_ready, view.has(place).clone());
                born.answers.insert(place, answer);
            }
            let learnt = born
                .answers
                .get(&place)
                .is_some_and(|(_, _, had)| !had.exceeds(view.have(), |_| true));
            if learnt && is_ready {
                ready += 1;
            }
            let founded = records.ready(life).is_none_or(|ready| ready.founded);
            if learnt && founded && born.unready.get(&place) == Some(&life.incarnation) {
                founders.push(life.incarnation);
            }
        }
        if ready >= view.majority_of_others() {
            founders.clear();
        } else if founders.len() + 1 < view.majority() {
            if !records.is_founder(view.mine()) {
                return;
            }
            founders = vec![view.mine().incarnation];
        }
        let node = view.mine().node;
        let end = |incarnation| {
            let origin = view.mine().of_incarnation(incarnation);
            // What an earlier life has settled stays settled.
            let have = records.end(origin).unwrap_or_else(|| view.have().of(origin)).clone();
            DigestEntry { node, incarnation, have }
        };
        let ends = past_incarnations(&view).into_iter().map(end).collect();
        let learnt = view.have().clone();
        records.guard();
        self.records.add(now, &Record::Ready { ends, founders }.text());
        self.stage = Stage::Settling { learnt };
    }

    fn spread(&mut self) {
        let Stage::Settling { learnt } = &self.stage else { return };
        let (records, view) = self.records.split();
        let counted = quorum::counted(&view, records);
        let is_safe = |(origin, learnt): (_, &_)| {
            // Nobody takes more of what is over and not settled.
            let undecided = records.is_over(origin) && records.end(origin).is_none();
            let has = |place: &&usize| {
                crate::base::Ranges::missing_in(learnt, view.has(**place).of(origin))
                    .next()
                    .is_none()
            };
            undecided || 1 + counted.iter().filter(has).count() >= view.majority()
        };
        if self.acks == Acks::One || learnt.iter().all(is_safe) {
            self.stage = Stage::Serving;
            self.records.set_recovered();
        }
    }
}

/// The lives of this node that anybody whom it has heard knows of, but for the present one.
fn past_incarnations(view: &View<'_>) -> Vec<u64> {
    let mine = view.mine();
    let digests = view.others().map(|place| view.has(place)).chain([view.have()]);
    let origins = digests.flat_map(|digest| digest.iter().map(|(origin, _)| origin));
    let lives = origins.filter(|origin| origin.node == mine.node && *origin != mine);
    let distinct: BTreeSet<u64> = lives.map(|origin| origin.incarnation).collect();
    distinct.into_iter().collect()
}
