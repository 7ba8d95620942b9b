//! The workloads by name: what the rest of the node tells them apart by.

/// Which workload, by Maelstrom's names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Kind {
    /// The same value back.
    Echo,
    /// IDs that nobody was given before.
    UniqueIds,
    /// GrowOnlySet that every node shall come to know.
    Broadcast,
    /// A set that only grows.
    GSet,
    /// A sum that only grows.
    GCounter,
    /// A sum that grows and shrinks.
    PnCounter,
    /// Logs by key.
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

    /// The workload's name, as Maelstrom's `-w` takes it.
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

    /// The workload of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Kind> {
        Kind::ALL.into_iter().find(|kind| kind.name() == name)
    }
}
