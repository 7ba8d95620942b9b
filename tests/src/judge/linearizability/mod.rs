//! Linearizability of a register with compare-and-set (Herlihy and Wing 1990).
//!
//! A history is linearizable if each operation can take effect at one moment between its invocation
//! and its completion. These moments must order the operations so that one register explains every
//! result. The search follows Wing and Gong (1993), with a cache of visited configurations (Lowe
//! 2017). It has three additions:
//!
//! - A read, or a compare-and-set that changes nothing, takes effect as soon as it can. It never
//!   prevents another operation.
//! - Operations of unknown outcome may take effect at any time after their invocation, or never.
//!   Those with the same request are interchangeable, so a configuration only counts them, and the
//!   earliest takes effect first. The search skips a configuration if it has visited the same state
//!   with no more such operations used.
//! - The search counts its steps and its memory, and ends with [`Linearizability::Unknown`] at a
//!   limit. The same history always has the same result, on a machine of any speed.
//!
//! Failed operations are not part of the history: the caller omits them.

mod cache;
mod search;
mod window;

#[cfg(test)]
mod oracle;
#[cfg(test)]
mod scale;
#[cfg(test)]
mod tests;

pub use search::check;

/// The number of a value, which the caller assigns. Equal values have equal numbers.
pub type Value = u32;
/// The value of a register before the first write.
pub const NULL: Value = 0;

/// A request and its result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Call {
    /// A read that returned this value. A read that returned [`NULL`] fits every state, as it
    /// does for Maelstrom's checker.
    Read(Value),
    /// A write of this value.
    Write(Value),
    /// A compare-and-set that succeeded: from the first value to the second.
    Cas(Value, Value),
}

/// An operation on a register.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Operation {
    /// The request and its result.
    pub call: Call,
    /// The position of its invocation in the history.
    pub invoked: usize,
    /// The position of its completion; `None` if the outcome is unknown.
    pub completed: Option<usize>,
}

/// The limits of a search.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// The number of steps. Some hundred million steps take seconds.
    pub steps: u64,
    /// The memory for configurations, in bytes.
    pub memory: usize,
}

/// The outcome of a search.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Linearizability {
    /// The history is linearizable.
    Linearizable,
    /// The history is not linearizable.
    Violation(Violation),
    /// The search ended at a limit.
    Unknown(Limit),
}

/// The limit at which a search ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// [`Limits::steps`].
    Steps,
    /// [`Limits::memory`].
    Memory,
}

/// The reason why a history is not linearizable. An index identifies an operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The operation that cannot take effect. No order of the operations that completed before it
    /// lets it take effect before its own completion.
    pub operation: usize,
    /// The operation that completed last before it.
    pub previous: Option<usize>,
    /// The longest order of effects that leads up to the operation. It contains every operation
    /// that completed before.
    pub prefix: Vec<usize>,
    /// The values that the register can have before the operation takes effect.
    pub values: Vec<Value>,
    /// The other operations that could have taken effect at this point.
    pub pending: Vec<usize>,
}

impl Call {
    /// Returns the value of the register after the operation, or `None` if the operation does not
    /// fit.
    #[must_use]
    pub fn apply(self, value: Value) -> Option<Value> {
        match self {
            Call::Read(read) => (read == value || read == NULL).then_some(value),
            Call::Write(written) => Some(written),
            Call::Cas(from, to) => (from == value).then_some(to),
        }
    }

    /// Returns `true` if the operation never changes a register.
    fn changes_nothing(self) -> bool {
        match self {
            Call::Read(_) => true,
            Call::Write(_) => false,
            Call::Cas(from, to) => from == to,
        }
    }
}
