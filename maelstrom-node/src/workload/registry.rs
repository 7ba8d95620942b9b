//! The registry of workloads: the one place that lists them all.
//!
//! A new workload is a file with its [`Definition`], a line in [`DEFINITIONS`], and its
//! messages in `message/body.rs`.

use std::sync::Arc;

use super::replicated::{BROADCAST, G_COUNTER, G_SET, PN_COUNTER, TXN_RW_REGISTER};
use super::{IdGenerator, Workload, echo, log, unique_ids};
use crate::base::{Cluster, Config, Kind};
use crate::message::Request;

const DEFINITIONS: [&Definition; 8] = [
    &echo::DEFINITION,
    &unique_ids::DEFINITION,
    &BROADCAST,
    &G_SET,
    &G_COUNTER,
    &PN_COUNTER,
    &log::DEFINITION,
    &TXN_RW_REGISTER,
];

/// The names of all workloads.
pub(crate) const KINDS: [Kind; DEFINITIONS.len()] = {
    let mut kinds = [Kind::new(""); DEFINITIONS.len()];
    let mut place = 0;
    while place < kinds.len() {
        kinds[place] = DEFINITIONS[place].kind;
        place += 1;
    }
    kinds
};

/// A workload as the node sees it before it runs.
pub(crate) struct Definition {
    pub(crate) kind: Kind,
    /// Nodes exchange the workload's state, so a restarted node has something to learn.
    pub(crate) is_replicated: bool,
    /// The workload takes IDs from the generator of the node.
    pub(crate) takes_ids: bool,
    /// Returns `true` if the workload has requests of this type.
    pub(crate) serves: fn(&Request<'_>) -> bool,
    /// Returns `true` if a request of this type is the workload's alone, or if the workload
    /// is the one that serves it by default.
    pub(crate) is_identified_by: fn(&Request<'_>) -> bool,
    /// Creates the workload, or returns why it cannot run.
    pub(crate) create: fn(Context<'_>) -> Result<Box<dyn Workload>, String>,
}

/// The arguments of a workload's creation.
pub(crate) struct Context<'a> {
    pub(crate) cluster: Cluster,
    pub(crate) incarnation: u64,
    pub(crate) config: &'a Config,
    /// Returns the ID generator of this node, or why it has none.
    pub(crate) ids: &'a mut dyn FnMut() -> Result<Arc<dyn IdGenerator>, String>,
}

/// Returns the definition of a workload.
pub(crate) fn definition(kind: Kind) -> Option<&'static Definition> {
    DEFINITIONS.into_iter().find(|definition| definition.kind == kind)
}

/// Returns `true` if a node takes IDs that serves this workload, or all workloads.
pub(crate) fn takes_ids(only: Option<Kind>) -> bool {
    let mut served =
        DEFINITIONS.into_iter().filter(|known| only.is_none_or(|only| known.kind == only));
    served.any(|definition| definition.takes_ids)
}

/// Returns the workload that a request identifies.
///
/// A bare `read` identifies none: several workloads have one, with different replies.
pub(crate) fn identify(request: &Request<'_>) -> Option<Kind> {
    let identified = DEFINITIONS.into_iter().find(|known| match request {
        Request::Gossip(gossip) => known.kind.name() == gossip.workload,
        _ => (known.is_identified_by)(request),
    });
    identified.map(|definition| definition.kind)
}

/// Returns the workloads that have requests of this type.
pub(crate) fn candidates(request: &Request<'_>) -> impl Iterator<Item = Kind> {
    DEFINITIONS.into_iter().filter(|known| (known.serves)(request)).map(|known| known.kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_workloads_share_a_name() {
        let distinct = std::collections::BTreeSet::from(KINDS);
        assert_eq!(distinct.len(), DEFINITIONS.len());
    }
}
