//! The nemesis operations that start and end faults.

/// A nemesis operation that starts or ends a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FaultEdge {
    /// The name of the operation, in Jepsen's words.
    pub f: &'static str,
    /// The kind of fault, as `--nemesis` names it.
    pub fault: &'static str,
    /// `true` for a start.
    pub starts: bool,
}

/// The operations of this bench and of Maelstrom, each pair as fault, start and end.
const OPERATIONS: [(&str, &str, &str); 8] = [
    ("partition", "start-partition", "stop-partition"),
    ("one-way", "start-one-way", "stop-one-way"),
    ("loss", "start-loss", "stop-loss"),
    ("duplicate", "start-duplicate", "stop-duplicate"),
    ("reorder", "start-reorder", "stop-reorder"),
    ("kill", "kill", "start"),
    ("pause", "pause", "resume"),
    ("clock", "bump-clock", "steady-clock"),
];

impl FaultEdge {
    /// Returns the start or end of a fault that this nemesis operation is.
    #[must_use]
    pub fn named(name: &str) -> Option<FaultEdge> {
        OPERATIONS.iter().find_map(|&(fault, start, end)| match name {
            name if name == start => Some(FaultEdge { f: start, fault, starts: true }),
            name if name == end => Some(FaultEdge { f: end, fault, starts: false }),
            _ => None,
        })
    }
}
