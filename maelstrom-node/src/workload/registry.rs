//! The registry of workloads: from a name or a request to a definition.

use std::sync::Arc;

use super::{DEFINITIONS, IdGenerator, Workload};
use crate::base::{Cluster, Config, Kind};
use crate::message::Request;

/// A workload as the node sees it before it runs.
pub(crate) struct Definition {
    pub(crate) kind: Kind,
    /// `true` if nodes exchange the workload's state, so that a restarted node must recover it.
    pub(crate) is_replicated: bool,
    /// `true` if the workload takes IDs from the generator of the node.
    pub(crate) takes_ids: bool,
    /// Returns `true` if the workload has requests of this type.
    pub(crate) serves: fn(&Request<'_>) -> bool,
    /// Returns `true` if a node without a workload argument starts this workload on the request.
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

/// Returns all definitions.
fn definitions() -> impl Iterator<Item = &'static Definition> {
    DEFINITIONS.into_iter().flatten().copied()
}

/// Returns the names of all workloads.
pub(crate) fn kinds() -> Vec<Kind> {
    definitions().map(|definition| definition.kind).collect()
}

/// Returns the definition of a workload.
pub(crate) fn definition(kind: Kind) -> Option<&'static Definition> {
    definitions().find(|definition| definition.kind == kind)
}

/// Returns `true` if a node that serves this workload, or all workloads, takes IDs.
pub(crate) fn takes_ids(only: Option<Kind>) -> bool {
    let mut served = definitions().filter(|known| only.is_none_or(|only| known.kind == only));
    served.any(|definition| definition.takes_ids)
}

/// Returns the workload that a request identifies.
///
/// A bare `read` identifies none: several workloads have one, with different replies.
pub(crate) fn identify(request: &Request<'_>) -> Option<Kind> {
    let identified = definitions().find(|known| match request {
        Request::Gossip(gossip) => known.kind.name() == gossip.workload,
        _ => (known.is_identified_by)(request),
    });
    identified.map(|definition| definition.kind)
}

/// Returns the workloads that have requests of this type.
pub(crate) fn candidates(request: &Request<'_>) -> impl Iterator<Item = Kind> {
    definitions().filter(|known| (known.serves)(request)).map(|known| known.kind)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn no_two_workloads_share_a_name() {
        let distinct = BTreeSet::from_iter(kinds());
        assert_eq!(distinct.len(), definitions().count());
    }
}
