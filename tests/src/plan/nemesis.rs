//! The faults that a test can inject.

/// A fault that `--nemesis` can name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Nemesis {
    /// Nodes cut off from each other, in four ways.
    Partition,
    /// Some nodes' messages lost in one direction only.
    OneWay,
    /// A share of all messages lost.
    Loss,
    /// A share of all messages delivered twice.
    Duplicate,
    /// A share of all messages held back, so that others overtake them.
    Reorder,
    /// Nodes killed and started again, with their memory lost.
    Kill,
    /// Nodes paused for a while.
    Pause,
    /// A node's clock stepped or running at the wrong speed, in simulation only.
    Clock,
}

impl Nemesis {
    /// All faults.
    pub const ALL: [Nemesis; 8] = [
        Nemesis::Partition,
        Nemesis::OneWay,
        Nemesis::Loss,
        Nemesis::Duplicate,
        Nemesis::Reorder,
        Nemesis::Kill,
        Nemesis::Pause,
        Nemesis::Clock,
    ];

    /// Returns the name on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Nemesis::Partition => "partition",
            Nemesis::OneWay => "one-way",
            Nemesis::Loss => "loss",
            Nemesis::Duplicate => "duplicate",
            Nemesis::Reorder => "reorder",
            Nemesis::Kill => "kill",
            Nemesis::Pause => "pause",
            Nemesis::Clock => "clock",
        }
    }

    /// Returns the description for the help.
    #[must_use]
    pub fn help(self) -> &'static str {
        match self {
            Nemesis::Partition => "Nodes cut off from each other, in Jepsen's four ways",
            Nemesis::OneWay => "Messages of some nodes lost in one direction only",
            Nemesis::Loss => "A share of all messages lost",
            Nemesis::Duplicate => "A share of all messages delivered twice",
            Nemesis::Reorder => "A share of all messages held back, so that others overtake them",
            Nemesis::Kill => "Nodes killed and started again without their memory",
            Nemesis::Pause => "Nodes paused for a while",
            Nemesis::Clock => "A node's clock stepped, and fast or slow; with --sim only",
        }
    }
}
