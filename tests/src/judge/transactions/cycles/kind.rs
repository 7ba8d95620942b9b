//! The kinds of cycles, and which walks through the graph are cycles of a kind.

use crate::judge::transactions::anomaly::AnomalyKind;
use crate::judge::transactions::graph::{Relation, Relations};

/// A kind of cycle without the orders of processes and of real time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// Write-write dependencies only.
    Writes,
    /// At least one write-read dependency, and no read-write one.
    Flow,
    /// One read-write dependency.
    Single,
    /// Two read-write dependencies or more, and no two of them adjacent.
    Nonadjacent,
    /// Two adjacent read-write dependencies.
    Adjacent,
}

/// A kind of cycle.
#[derive(Clone, Copy, Debug)]
pub(in crate::judge::transactions) struct Kind {
    pub(in crate::judge::transactions) anomaly: AnomalyKind,
    pub(super) shape: Shape,
    /// The order, besides data, that the cycle contains at least once.
    pub(super) order: Option<Relation>,
}

/// The kinds of cycles, the most severe first.
pub(in crate::judge::transactions) const KINDS: [Kind; 15] = {
    const fn kind(anomaly: AnomalyKind, shape: Shape, order: Option<Relation>) -> Kind {
        Kind { anomaly, shape, order }
    }
    const PROCESS: Option<Relation> = Some(Relation::Process);
    const REALTIME: Option<Relation> = Some(Relation::Realtime);
    [
        kind(AnomalyKind::G0, Shape::Writes, None),
        kind(AnomalyKind::G1c, Shape::Flow, None),
        kind(AnomalyKind::GSingleItem, Shape::Single, None),
        kind(AnomalyKind::GNonadjacentItem, Shape::Nonadjacent, None),
        kind(AnomalyKind::G2Item, Shape::Adjacent, None),
        kind(AnomalyKind::G0Process, Shape::Writes, PROCESS),
        kind(AnomalyKind::G1cProcess, Shape::Flow, PROCESS),
        kind(AnomalyKind::GSingleItemProcess, Shape::Single, PROCESS),
        kind(AnomalyKind::GNonadjacentItemProcess, Shape::Nonadjacent, PROCESS),
        kind(AnomalyKind::G2ItemProcess, Shape::Adjacent, PROCESS),
        kind(AnomalyKind::G0Realtime, Shape::Writes, REALTIME),
        kind(AnomalyKind::G1cRealtime, Shape::Flow, REALTIME),
        kind(AnomalyKind::GSingleItemRealtime, Shape::Single, REALTIME),
        kind(AnomalyKind::GNonadjacentItemRealtime, Shape::Nonadjacent, REALTIME),
        kind(AnomalyKind::G2ItemRealtime, Shape::Adjacent, REALTIME),
    ]
};

impl Shape {
    /// Returns the dependency that each cycle of this shape contains, where the search begins.
    pub(super) fn first(self) -> Relation {
        match self {
            Shape::Writes => Relation::WriteWrite,
            Shape::Flow => Relation::WriteRead,
            Shape::Single | Shape::Nonadjacent | Shape::Adjacent => Relation::ReadWrite,
        }
    }

    /// Returns the dependencies that may occur in cycles of this shape.
    fn relations(self) -> Relations {
        let relations = Relations::of(&[Relation::WriteWrite]);
        match self {
            Shape::Writes => relations,
            Shape::Flow => relations.with(Relation::WriteRead),
            _ => relations.with(Relation::WriteRead).with(Relation::ReadWrite),
        }
    }
}

/// The state of a walk, as a set of bits.
pub(super) type State = u8;
/// The walk has a step of the order that the kind requires.
const ORDERED: State = 1;
/// The last step is a read-write dependency.
const AT_READ_WRITE: State = 2;
/// The walk has a read-write dependency after the first step.
const SECOND: State = 4;
/// The number of states.
pub(super) const STATES: usize = 8;

impl Kind {
    /// Returns the dependencies that may occur in cycles of this kind.
    pub(super) fn relations(self) -> Relations {
        match self.order {
            Some(order) => self.shape.relations().with(order),
            None => self.shape.relations(),
        }
    }

    /// Returns the state of a walk after its first step.
    pub(super) fn start(self) -> State {
        match self.shape {
            Shape::Nonadjacent | Shape::Adjacent => AT_READ_WRITE,
            _ => 0,
        }
    }

    /// Returns the state of a walk after one more step, if the kind allows that step.
    pub(super) fn step(self, state: State, relation: Relation) -> Option<State> {
        if relation == Relation::Onward {
            return Some(state);
        }
        if Some(relation) == self.order {
            return match self.shape {
                Shape::Adjacent if state & SECOND == 0 => None,
                _ => Some((state | ORDERED) & !AT_READ_WRITE),
            };
        }
        match (self.shape, relation) {
            (Shape::Adjacent, Relation::ReadWrite) => Some((state | SECOND) & !AT_READ_WRITE),
            (Shape::Adjacent, Relation::WriteWrite | Relation::WriteRead) => {
                (state & SECOND != 0).then_some(state)
            }
            (Shape::Nonadjacent, Relation::ReadWrite) => {
                (state & AT_READ_WRITE == 0).then_some(state | SECOND | AT_READ_WRITE)
            }
            (_, Relation::WriteWrite) => Some(state & !AT_READ_WRITE),
            (Shape::Flow | Shape::Single | Shape::Nonadjacent, Relation::WriteRead) => {
                Some(state & !AT_READ_WRITE)
            }
            _ => None,
        }
    }

    /// Returns `true` if a walk that ends at its origin in this state is a cycle of this kind.
    pub(super) fn accepts(self, state: State) -> bool {
        let shape = match self.shape {
            Shape::Nonadjacent => state & (SECOND | AT_READ_WRITE) == SECOND,
            Shape::Adjacent => state & SECOND != 0,
            _ => true,
        };
        shape && (self.order.is_none() || state & ORDERED != 0)
    }
}
