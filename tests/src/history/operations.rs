//! The operations of a workload, as histories record them.

use std::fmt::Debug;

use crate::format::edn::Edn;

/// The operations of one workload, and their form in a history.
pub trait Operations: Debug + Sized {
    /// The request of a client.
    type Op: Clone + Debug + PartialEq;
    /// The result of an operation that succeeds.
    type Output: Debug;

    /// Returns the kind of an operation, under its name in histories.
    fn f(op: &Self::Op) -> &'static str;

    /// Returns the request in the form that the history records.
    fn op_value(op: &Self::Op) -> Edn;

    /// Returns the result in the form that the history records.
    fn output_value(op: &Self::Op, output: &Self::Output) -> Edn;
}

/// The start of an operation.
#[derive(Clone, Debug)]
pub struct Invocation<Op> {
    /// The logical process. A client that lost track of an operation continues as a new process.
    pub process: u64,
    /// The node to which the client sends its requests.
    pub node: usize,
    /// The requested operation.
    pub op: Op,
    /// `true` if the operation is one of the final reads, after the quiet time.
    pub is_final: bool,
}

/// Operations without a result, for tests of code that all workloads share.
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
