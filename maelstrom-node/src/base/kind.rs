//! The name of a workload.

use std::fmt;

/// A workload that the node serves, by its name in Maelstrom's option `-w`.
///
/// The registry of workloads lists them all. A command line is turned into one of them by
/// [`Config::parse`](crate::Config::parse).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Kind(&'static str);

impl Kind {
    /// Creates the name of a workload. Only the definition of the workload calls this.
    pub(crate) const fn new(name: &'static str) -> Kind {
        Kind(name)
    }

    /// Returns the name of the workload, as in Maelstrom's option `-w`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.0
    }
}

impl fmt::Debug for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}
