//! Network faults, which lose, duplicate or delay messages between nodes.
//!
//! Each fault is a value. The network holds the active faults and applies them in order. The first
//! result other than [`Fate::Pass`] decides, so faults combine without references to each other. No
//! fault affects messages of clients or services. A failed operation is therefore evidence about
//! the nodes.

use std::time::Duration;

use super::Packet;
use super::partition::Cut;
use crate::base::address::Address;
use crate::base::rng::Rng;

/// The kinds of network fault; at most one of each is active.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FaultKind {
    /// Nodes cut off from each other.
    Partition,
    /// Nodes that receive messages while theirs are lost, or the reverse.
    OneWay,
    /// Messages that are lost.
    Loss,
    /// Messages that arrive twice.
    Duplicate,
    /// Messages that are overtaken by later messages.
    Reorder,
}

/// One active fault.
#[derive(Clone, Debug, PartialEq)]
pub enum Fault {
    /// Blocks all messages over the links of a cut.
    Partition(Cut),
    /// Loses each message with this probability.
    Loss {
        /// From 0 to 1.
        probability: f64,
    },
    /// Delivers each message twice with this probability.
    Duplicate {
        /// From 0 to 1.
        probability: f64,
    },
    /// Holds each message back with this probability.
    Reorder {
        /// From 0 to 1.
        probability: f64,
        /// The maximum extra delay, beyond the message's latency.
        at_most: Duration,
    },
}

/// The decision of a fault about one message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// The fault does not affect the message; the next fault decides.
    Pass,
    /// The network drops the message.
    Drop,
    /// The network delivers the message twice.
    Twice,
    /// The network delays the message by this duration.
    Delay(Duration),
}

/// Applies each fault in order.
///
/// Returns the first result other than [`Fate::Pass`].
pub fn judge<'a>(
    faults: impl Iterator<Item = &'a Fault>,
    ask: impl FnMut(&'a Fault) -> Fate,
) -> Fate {
    faults.map(ask).find(|fate| *fate != Fate::Pass).unwrap_or(Fate::Pass)
}

impl Fault {
    /// Decides about a message when it is sent.
    pub fn on_send(&self, packet: &Packet, rng: &mut Rng) -> Fate {
        let (Address::Node(_), Address::Node(_)) = (packet.src, packet.dest) else {
            return Fate::Pass;
        };
        match *self {
            Fault::Loss { probability } if rng.chance(probability) => Fate::Drop,
            Fault::Duplicate { probability } if rng.chance(probability) => Fate::Twice,
            Fault::Reorder { probability, at_most } if rng.chance(probability) => {
                Fate::Delay(rng.span_below(at_most))
            }
            _ => Fate::Pass,
        }
    }

    /// Decides about a message when its receiver's queue takes it.
    #[must_use]
    pub fn on_receipt(&self, packet: &Packet) -> Fate {
        match (self, packet.src, packet.dest) {
            (Fault::Partition(cut), Address::Node(src), Address::Node(dest))
                if cut.blocks(src, dest) =>
            {
                Fate::Drop
            }
            _ => Fate::Pass,
        }
    }
}
