//! The list of all workloads.

use super::Workload;

/// A function that is generic over the workload.
pub trait Visitor {
    /// The result.
    type Output;

    /// Runs the function for one workload.
    fn visit<W: Workload>(self) -> Self::Output;
}

/// Declares `WorkloadName` with one variant per workload.
macro_rules! workloads {
    ($($variant:ident: $workload:ty,)*) => {
        /// The workloads, by name.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[allow(missing_docs, reason = "the variants are the workloads, which have docs")]
        pub enum WorkloadName {
            $($variant,)*
        }

        impl WorkloadName {
            /// All workloads, in the order of the help.
            pub const ALL: &'static [WorkloadName] = &[$(WorkloadName::$variant,)*];

            /// Runs a generic function for the workload of this name.
            pub fn visit<V: Visitor>(self, visitor: V) -> V::Output {
                match self {
                    $(WorkloadName::$variant => visitor.visit::<$workload>(),)*
                }
            }

            /// Returns the facts about the workload of this name.
            #[must_use]
            pub fn facts(self) -> registry::Facts {
                self.visit(registry::CollectFacts)
            }
        }
    };
}

pub(super) use workloads;

/// The facts about a workload that the command line needs.
#[derive(Clone, Copy, Debug)]
pub struct Facts {
    /// The name on the command line.
    pub name: &'static str,
    /// One line for the help.
    pub summary: &'static str,
    /// [`Workload::CLIENTS_PER_NODE`].
    pub clients_per_node: usize,
    /// [`Workload::HAS_FINAL_READS`].
    pub has_final_reads: bool,
    /// [`Workload::MAY_BEGIN_WITH_BARE_READ`].
    pub may_begin_with_bare_read: bool,
    /// [`Workload::MAY_RESTART_WITH_BARE_READ`].
    pub may_restart_with_bare_read: bool,
}

/// Collects the [`Facts`] about a workload.
pub(super) struct CollectFacts;

impl Visitor for CollectFacts {
    type Output = Facts;

    fn visit<W: Workload>(self) -> Facts {
        Facts {
            name: W::NAME,
            summary: W::SUMMARY,
            clients_per_node: W::CLIENTS_PER_NODE,
            has_final_reads: W::HAS_FINAL_READS,
            may_begin_with_bare_read: W::MAY_BEGIN_WITH_BARE_READ,
            may_restart_with_bare_read: W::MAY_RESTART_WITH_BARE_READ,
        }
    }
}
