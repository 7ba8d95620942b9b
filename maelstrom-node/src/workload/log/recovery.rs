//! The recovery of a new incarnation: the steps R, B and D1 of the protocol.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::record::Record;
use super::{Log, quorum};
use crate::base::{Acks, Ranges, Time};
use crate::dissemination::{Digest, Origin, View};
use crate::message::DigestEntry;

/// The stage of an incarnation.
#[derive(Debug)]
pub(super) enum Stage {
    /// Step R1: waits until other nodes have responded to this incarnation.
    Listening,
    /// Steps R2 and R3: waits until other nodes have the record *recovering*.
    Recovering(Recovering),
    /// Step R4: waits until the items that it has learnt are on a majority.
    Recovered {
        /// The items that this node had when it recovered.
        learnt: Digest,
    },
    /// Serves requests.
    Serving,
}

#[derive(Debug)]
pub(super) struct Recovering {
    since: Time,
    /// The sequence number of the record *recovering*.
    sequence: u64,
    /// The survey on which this node added the record.
    survey: Survey,
    /// By node, the state in which it was first known to have the record.
    responses: BTreeMap<usize, Response>,
}

#[derive(Debug)]
struct Response {
    incarnation: u64,
    was_recovered: bool,
    had: Digest,
}

/// The state of the peers that a record *recovering* is about.
#[derive(Debug, PartialEq, Eq)]
struct Survey {
    /// By node, the incarnation that was recovering itself when it responded to this incarnation.
    unrecovered: BTreeMap<usize, u64>,
    /// The earlier incarnations of this node. The record *recovering* declares that they are over.
    earlier: Vec<u64>,
}

/// The time after which to look for a change of the peers, if the nodes that responded are gone.
///
/// It is longer than any delay of a live node.
const RECOVERY_TIMEOUT: Duration = Duration::from_secs(5);

impl Stage {
    /// Returns `true` if the digests of this incarnation count.
    pub(super) fn is_recovered(&self) -> bool {
        matches!(self, Stage::Recovered { .. } | Stage::Serving)
    }

    pub(super) fn is_serving(&self) -> bool {
        matches!(self, Stage::Serving)
    }

    pub(super) fn deadline(&self) -> Option<Time> {
        match self {
            Stage::Recovering(stage) => Some(stage.since + RECOVERY_TIMEOUT),
            _ => None,
        }
    }
}

impl Log {
    /// Takes the next steps of the recovery whose conditions hold.
    pub(super) fn recover(&mut self, now: Time) {
        if matches!(self.stage, Stage::Listening) {
            self.listen(now);
        }
        if matches!(self.stage, Stage::Recovering(_)) {
            self.learn(now);
        }
        if matches!(self.stage, Stage::Recovered { .. }) {
            self.spread();
        }
        if self.stage.is_recovered() {
            self.declare_late(now);
        }
    }

    /// Continues with R2 when a majority of the others has recovered, or by B1 or B2.
    fn listen(&mut self, now: Time) {
        let (recovered, survey) = self.survey();
        let (records, view) = self.records.split();
        if !records.incarnations.is_in_bootstrap(view.mine())
            && recovered < view.majority_of_others()
            && survey.unrecovered.len() + 1 < view.majority()
        {
            return;
        }
        let sequence = self.records.next_of_mine();
        self.records.add(now, &Record::Recovering(survey.earlier.clone()).text());
        let responses = BTreeMap::new();
        self.stage = Stage::Recovering(Recovering { since: now, sequence, survey, responses });
    }

    /// Returns to R1 if the peers differ from those at R1.
    ///
    /// Otherwise another record could show nothing new, and a node that is cut off would add one
    /// every few seconds. The survey of a record never changes: B1 requires that all of its
    /// unrecovered nodes were unrecovered when this node added the record.
    pub(super) fn repeat(&mut self, now: Time) {
        let (_, survey) = self.survey();
        let Stage::Recovering(stage) = &mut self.stage else { return };
        if stage.survey == survey {
            stage.since = now;
            return;
        }
        self.stage = Stage::Listening;
        self.recover(now);
    }

    /// Returns the number of recovered peers that have responded to this incarnation, and the
    /// others.
    fn survey(&mut self) -> (usize, Survey) {
        let (records, view) = self.records.split();
        let incarnations = &records.incarnations;
        let mut recovered = 0;
        let mut unrecovered = BTreeMap::new();
        for index in view.others().filter(|index| view.knows_me(*index)) {
            match view.present(index) {
                Some(peer) if quorum::is_recovered(&view, incarnations, index, peer) => {
                    recovered += 1;
                }
                Some(peer) => drop(unrecovered.insert(index, peer.incarnation)),
                None => {}
            }
        }
        (recovered, Survey { unrecovered, earlier: earlier_incarnations(&view) })
    }

    /// Adds the record *recovered* when R3 allows that, or B1 or B2.
    fn learn(&mut self, now: Time) {
        let Stage::Recovering(stage) = &mut self.stage else { return };
        let (records, view) = self.records.split();
        let incarnations = &records.incarnations;
        let mut recovered = 0;
        let mut bootstrap = Vec::new();
        for index in view.others() {
            let Some(peer) = view.present(index) else { continue };
            let incarnation = peer.incarnation;
            let has_record = view.has(index).of(view.mine()).contains(stage.sequence);
            // The next incarnation of a node may acknowledge items without knowing of the record.
            if !has_record || incarnations.is_over(peer) {
                continue;
            }
            let is_recovered = quorum::is_recovered(&view, incarnations, index, peer);
            let is_new = stage.responses.get(&index).is_none_or(|last| {
                last.incarnation != incarnation || (is_recovered && !last.was_recovered)
            });
            if is_new {
                let had = view.has(index).clone();
                let response = Response { incarnation, was_recovered: is_recovered, had };
                stage.responses.insert(index, response);
            }
            let response = stage.responses.get(&index);
            let is_complete = response.is_some_and(|last| !last.had.exceeds(view.have(), |_| true));
            if is_complete && is_recovered {
                recovered += 1;
            }
            let may_bootstrap =
                incarnations.recovered(peer).is_none_or(|record| record.by_bootstrap);
            if is_complete
                && may_bootstrap
                && stage.survey.unrecovered.get(&index) == Some(&incarnation)
            {
                bootstrap.push(incarnation);
            }
        }
        if recovered >= view.majority_of_others() {
            bootstrap.clear();
        } else if bootstrap.len() + 1 < view.majority() {
            if !incarnations.is_in_bootstrap(view.mine()) {
                return;
            }
            bootstrap = vec![view.mine().incarnation];
        }
        let node = view.mine().node;
        let end = |incarnation| {
            let origin = view.mine().of_incarnation(incarnation);
            // A declaration of an earlier incarnation stays valid.
            let have =
                incarnations.counting(origin).unwrap_or_else(|| view.have().of(origin)).clone();
            DigestEntry { node, incarnation, have }
        };
        // B3: other members of a bootstrap majority may have no memory either. Items that no member
        // has, but a node that is cut off, are not void. `declare_late` follows.
        let counts = |incarnation: &u64| {
            bootstrap.is_empty() || has_all(&view, view.mine().of_incarnation(*incarnation))
        };
        let ends = earlier_incarnations(&view).into_iter().filter(counts).map(end).collect();
        let learnt = view.have().clone();
        records.incarnations.guard();
        self.records.add(now, &Record::Recovered { ends, bootstrap }.text());
        self.stage = Stage::Recovered { learnt };
    }

    /// Serves requests from now on if all that this node has learnt is on a majority: step R4.
    fn spread(&mut self) {
        let Stage::Recovered { learnt } = &self.stage else { return };
        let (records, view) = self.records.split();
        let incarnations = &records.incarnations;
        let counted = quorum::counted(&view, incarnations);
        let is_safe = |(origin, learnt): (Origin, &Ranges)| {
            // No recovered node takes more items of such an incarnation.
            let undecided = incarnations.is_undecided(origin);
            let has =
                |index: &&usize| learnt.missing_in(view.has(**index).of(origin)).next().is_none();
            undecided || 1 + counted.iter().filter(has).count() >= view.majority()
        };
        if self.acks == Acks::One || learnt.iter().all(is_safe) {
            self.stage = Stage::Serving;
            self.records.set_recovered();
        }
    }

    /// Declares which items count of earlier incarnations that this node did not know of when it
    /// recovered: step D1.
    ///
    /// Otherwise recovered nodes would never take their items.
    fn declare_late(&mut self, now: Time) {
        let (records, view) = self.records.split();
        let incarnations = &records.incarnations;
        let end = |origin: Origin| DigestEntry {
            node: origin.node,
            incarnation: origin.incarnation,
            have: view.have().of(origin).clone(),
        };
        let open = incarnations.undecided(view.mine());
        let ends: Vec<_> = open.filter(|origin| has_all(&view, *origin)).map(end).collect();
        if !ends.is_empty() {
            self.records.add(now, &Record::Recovered { ends, bootstrap: Vec::new() }.text());
        }
    }
}

/// Returns `true` if this node has all items of a stream that any of its peers has.
fn has_all(view: &View<'_>, origin: Origin) -> bool {
    let have = view.have().of(origin);
    view.others().all(|index| view.has(index).of(origin).missing_in(have).next().is_none())
}

/// Returns the earlier incarnations of this node that it or any of its peers knows.
fn earlier_incarnations(view: &View<'_>) -> Vec<u64> {
    let mine = view.mine();
    let digests = view.others().map(|index| view.has(index)).chain([view.have()]);
    let origins = digests.flat_map(|digest| digest.iter().map(|(origin, _)| origin));
    let earlier = origins.filter(|origin| origin.node == mine.node && *origin != mine);
    let distinct: BTreeSet<u64> = earlier.map(|origin| origin.incarnation).collect();
    distinct.into_iter().collect()
}
