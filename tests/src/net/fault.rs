//! What can go wrong with a message between two nodes.
//!
//! Each fault is a value; the network holds those that are active and asks them in turn. The
//! first that has an opinion wins, so faults combine without knowing of each other. None of
//! them touches clients or services: an operation that fails says something about the nodes.

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
    /// Nodes that hear but are not heard, or the other way round.
    OneWay,
    /// Messages that never arrive.
    Loss,
    /// Messages that arrive twice.
    Duplicate,
    /// Messages that later ones overtake.
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
        /// The longest it is held back, beyond its latency.
        at_most: Duration,
    },
}

/// What becomes of one message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// This fault has no opinion; ask the next.
    Pass,
    /// It never arrives.
    Drop,
    /// It arrives twice.
    Twice,
    /// It arrives this much later.
    Delay(Duration),
}

/// Asks each fault in turn; the first that does not pass wins.
pub fn judge<'a>(
    faults: impl Iterator<Item = &'a Fault>,
    ask: impl FnMut(&'a Fault) -> Fate,
) -> Fate {
    faults.map(ask).find(|fate| *fate != Fate::Pass).unwrap_or(Fate::Pass)
}

impl Fault {
    /// Judges a message as it is sent.
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

    /// Judges a message as its receiver's queue hands it on.
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
