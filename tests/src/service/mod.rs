//! Maelstrom's services: nodes that the bench itself provides.

/// The services a node can send requests to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Service {
    /// A linearizable key-value store.
    LinKv,
    /// A sequentially consistent one.
    SeqKv,
    /// An eventually consistent one, last write wins.
    LwwKv,
    /// A linearizable timestamp oracle.
    LinTso,
}

impl Service {
    /// All of them, in the order of their discriminants.
    pub const ALL: [Service; 4] = [Service::LinKv, Service::SeqKv, Service::LwwKv, Service::LinTso];

    /// The name that messages use.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Service::LinKv => "lin-kv",
            Service::SeqKv => "seq-kv",
            Service::LwwKv => "lww-kv",
            Service::LinTso => "lin-tso",
        }
    }

    /// The service of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Service> {
        Service::ALL.into_iter().find(|service| service.name() == name)
    }
}
