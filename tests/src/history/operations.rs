//! The operations of a workload, as histories record them.

use std::fmt::Debug;

use crate::format::edn::Edn;

/// The operations of one workload, and their form in a history.
pub trait Operations: Debug + Sized {
    /// The request of a client.
    type Op: Clone + Debug + PartialEq;
    /// The result of an operation that succeeds.
    type Output: Debug;

    /// Returns the kind of an operation, as histories name it.
    fn f(op: &Self::Op) -> &'static str;

    /// Returns the request for the history.
    fn op_value(op: &Self::Op) -> Edn;

    /// Returns the result for the history.
    fn output_value(op: &Self::Op, output: &Self::Output) -> Edn;
}

/// The start of an operation.
#[derive(Clone, Debug)]
pub struct Invocation<Op> {
    /// The logical process: a client that lost track of an operation continues as a new one.
    pub process: u64,
    /// The node it talks to.
    pub node: usize,
    /// What it asks for.
    pub op: Op,
    /// Whether it is one of the reads after the quiet time at the end.
    pub is_final: bool,
}

/// Operations without a result, for tests of what all workloads share.
#[cfg(test)]
#[derive(Debug)]
pub(crate) struct Pings;

#[cfg(test)]
impl Operations for Pings {
    type Op = ();
    type Output = ();

    fn f((): &()) -> &'static str {
        "ping"
    }

    fn op_value((): &()) -> Edn {
        Edn::Nil
    }

    fn output_value((): &(), (): &()) -> Edn {
        Edn::Nil
    }
}
