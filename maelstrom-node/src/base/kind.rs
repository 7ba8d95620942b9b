//! The workloads and their names.

/// A workload, named as Maelstrom names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Kind {
    /// Returns the value of each request.
    Echo,
    /// Generates unique IDs.
    UniqueIds,
    /// Spreads each value to every node.
    Broadcast,
    /// A grow-only set.
    GSet,
    /// A grow-only counter.
    GCounter,
    /// A counter that grows and shrinks.
    PnCounter,
    /// One append-only log per key.
    Kafka,
}

impl Kind {
    /// Every workload that the node serves.
    pub const ALL: [Kind; 7] = [
        Kind::Echo,
        Kind::UniqueIds,
        Kind::Broadcast,
        Kind::GSet,
        Kind::GCounter,
        Kind::PnCounter,
        Kind::Kafka,
    ];

    /// Returns the name of the workload, as in Maelstrom's option `-w`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Kind::Echo => "echo",
            Kind::UniqueIds => "unique-ids",
            Kind::Broadcast => "broadcast",
            Kind::GSet => "g-set",
            Kind::GCounter => "g-counter",
            Kind::PnCounter => "pn-counter",
            Kind::Kafka => "kafka",
        }
    }

    /// Returns the workload with this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Kind> {
        Kind::ALL.into_iter().find(|kind| kind.name() == name)
    }
}
