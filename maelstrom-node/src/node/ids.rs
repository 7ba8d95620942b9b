//! The source of a node's ID generator.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use snowflake::lease::LeaseError;
use snowflake::{Clock, Epoch, Generator, NodeId};

/// The epoch of the IDs: late enough to leave 67 years, early enough for any clock that
/// is roughly right.
const EPOCH: Epoch = Epoch::Y2024;

/// The source of the ID generator.
pub(super) enum Ids<C> {
    Clock,
    Given(Box<IdSource<C>>),
}

pub(super) type IdSource<C> =
    dyn FnMut(NodeId, Epoch) -> Result<Arc<Generator<C>>, LeaseError> + Send;

/// The reason why a node has no generator.
pub(super) struct NoGenerator {
    pub(super) why: String,
    /// The time after which there may be one.
    pub(super) retry_after: Option<Duration>,
}

impl<C> fmt::Debug for Ids<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Ids::Clock => "Clock",
            Ids::Given(_) => "Given",
        })
    }
}

impl<C: Clock + Clone> Ids<C> {
    /// Returns a new generator for this node ID.
    pub(super) fn generator(
        &mut self,
        node_id: NodeId,
        clock: &C,
    ) -> Result<Arc<Generator<C>>, NoGenerator> {
        match self {
            Ids::Clock => Generator::builder(node_id, EPOCH)
                .build(clock.clone())
                .map(Arc::new)
                .map_err(|why| NoGenerator { why: why.to_string(), retry_after: None }),
            Ids::Given(source) => source(node_id, EPOCH).map_err(|error| NoGenerator {
                why: format!("--data-dir: {error}"),
                retry_after: error.retry_after(),
            }),
        }
    }
}
