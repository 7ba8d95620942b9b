//! The number that distinguishes nodes.

use core::error::Error;
use core::fmt;
use core::str::FromStr;

use super::layout::NODE_MAX;

/// A node ID, from 0 to 1023.
///
/// Generators that share an epoch and run at the same time need different node IDs.
/// Otherwise they issue the same IDs. No function here derives a node ID from an address or a
/// hardware number: those are wider than ten bits, so their low bits collide.
///
/// A deployment has these ways to assign node IDs:
///
/// | node ID from | function |
/// |---|---|
/// | an environment variable, a configuration file or an argument | [`from_env`](NodeId::from_env), `FromStr`, [`new`](NodeId::new) |
/// | the ordinal of a Kubernetes StatefulSet's pod | [`from_pod_env`](NodeId::from_pod_env), [`from_pod_name`](NodeId::from_pod_name), [`from_hostname`](NodeId::from_hostname) |
/// | a datacenter and a worker, as Twitter numbers them | [`in_datacenter`](NodeId::in_datacenter) |
/// | a lease store, for processes that come and go | the module `lease`, with feature `lease` |
/// | a constant | [`node_id!`](crate::node_id) |
///
/// A `NodeId` can be a clap argument.
#[doc(alias = "worker_id")]
#[doc(alias = "machine_id")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(u16);

/// The largest datacenter or worker: each has five bits.
const FIVE_BITS_MAX: u8 = (1 << 5) - 1;

impl NodeId {
    /// The smallest node ID, 0.
    pub const MIN: NodeId = NodeId(0);

    /// The largest node ID, 1023.
    pub const MAX: NodeId = NodeId(NODE_MAX);

    /// Returns the node ID with this number.
    ///
    /// For a constant, use [`node_id!`](crate::node_id).
    ///
    /// # Errors
    ///
    /// Returns [`NodeIdError::TooLarge`] above 1023. Nothing is masked.
    ///
    /// # Examples
    ///
    /// ```
    /// use snowflake::NodeId;
    ///
    /// assert_eq!(NodeId::new(1023)?.get(), 1023);
    /// assert_eq!(
    ///     NodeId::new(1024).unwrap_err().to_string(),
    ///     "invalid node ID: 1024 is above the largest (limit 1023)",
    /// );
    /// # Ok::<(), snowflake::NodeIdError>(())
    /// ```
    pub const fn new(id: u16) -> Result<NodeId, NodeIdError> {
        if id > NODE_MAX { Err(NodeIdError::TooLarge(id as u64)) } else { Ok(NodeId(id)) }
    }

    /// Returns the node ID of a worker in a datacenter, each from 0 to 31.
    ///
    /// [`datacenter`](NodeId::datacenter) and [`worker`](NodeId::worker) are the inverse.
    ///
    /// # Errors
    ///
    /// Returns [`NodeIdError::Datacenter`] or [`NodeIdError::Worker`] above 31.
    ///
    /// # Examples
    ///
    /// ```
    /// use snowflake::NodeId;
    ///
    /// let node = NodeId::in_datacenter(3, 7)?;
    /// assert_eq!(node.get(), 3 * 32 + 7);
    /// assert_eq!((node.datacenter(), node.worker()), (3, 7));
    /// # Ok::<(), snowflake::NodeIdError>(())
    /// ```
    ///
    /// # References
    ///
    /// `datacenterIdShift` and `workerIdShift` in Twitter's `IdWorker.scala`.
    pub const fn in_datacenter(datacenter: u8, worker: u8) -> Result<NodeId, NodeIdError> {
        if datacenter > FIVE_BITS_MAX {
            return Err(NodeIdError::Datacenter(datacenter));
        }
        if worker > FIVE_BITS_MAX {
            return Err(NodeIdError::Worker(worker));
        }
        Ok(NodeId((datacenter as u16) << 5 | worker as u16))
    }

    /// Returns the node ID as a number, from 0 to 1023.
    #[inline]
    pub const fn get(self) -> u16 {
        self.0
    }

    /// Returns the datacenter, from 0 to 31: the high five bits.
    ///
    /// It has a meaning only if node IDs come from [`in_datacenter`](NodeId::in_datacenter).
    pub const fn datacenter(self) -> u8 {
        (self.0 >> 5) as u8
    }

    /// Returns the worker, from 0 to 31: the low five bits.
    ///
    /// It has a meaning only if node IDs come from [`in_datacenter`](NodeId::in_datacenter).
    pub const fn worker(self) -> u8 {
        self.0 as u8 & FIVE_BITS_MAX
    }
}

/// Returns the node ID of a [`node_id!`](crate::node_id) literal.
///
/// # Panics
///
/// Panics if `id` is above 1023, which is a compile error in a constant.
#[doc(hidden)]
pub const fn node_id_literal(id: u16) -> NodeId {
    assert!(id <= NODE_MAX, "invalid node ID: above 1023");
    NodeId(id)
}

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for NodeId {
    type Err = NodeIdError;

    /// Reads decimal, and only the spelling that `Display` writes: no sign, no leading zero.
    ///
    /// # Errors
    ///
    /// Returns [`NodeIdError::NotDecimal`], or [`NodeIdError::TooLarge`] above 1023.
    fn from_str(text: &str) -> Result<NodeId, NodeIdError> {
        let has_leading_zero = text.len() > 1 && text.starts_with('0');
        if has_leading_zero || text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(NodeIdError::NotDecimal);
        }
        // These are digits, so the only error is a number that a u64 does not hold.
        NodeId::try_from(text.parse().unwrap_or(u64::MAX))
    }
}

impl From<NodeId> for u16 {
    fn from(id: NodeId) -> u16 {
        id.0
    }
}

impl TryFrom<u16> for NodeId {
    type Error = NodeIdError;

    fn try_from(id: u16) -> Result<NodeId, NodeIdError> {
        NodeId::new(id)
    }
}

impl TryFrom<u64> for NodeId {
    type Error = NodeIdError;

    fn try_from(id: u64) -> Result<NodeId, NodeIdError> {
        match u16::try_from(id) {
            Ok(id) => NodeId::new(id),
            Err(_) => Err(NodeIdError::TooLarge(id)),
        }
    }
}

/// An error for a value, or a source of values, without a [`NodeId`].
///
/// The variants about environment variables and pod names exist with feature `std`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NodeIdError {
    /// The number is above 1023. It is `u64::MAX` if a `u64` does not hold it.
    TooLarge(u64),
    /// The datacenter is above 31.
    Datacenter(u8),
    /// The worker is above 31.
    Worker(u8),
    /// The text is not a decimal number, or it has a sign or a leading zero.
    NotDecimal,
    /// The environment variable is not set.
    #[cfg(feature = "std")]
    VariableNotSet {
        /// The name of the variable.
        variable: String,
    },
    /// The value of the environment variable is not a node ID.
    #[cfg(feature = "std")]
    VariableValue {
        /// The name of the variable.
        variable: String,
        /// The value; bytes that are not UTF-8 are replaced.
        value: String,
    },
    /// The name is not a pod of the StatefulSet, or its ordinal is not a node ID.
    #[cfg(feature = "std")]
    NotAPod {
        /// The name that is not a pod of the StatefulSet.
        pod: String,
        /// The name of the StatefulSet.
        stateful_set: String,
        /// The environment variable with the pod's name, or `None` if it has another source.
        variable: Option<String>,
    },
}

impl fmt::Display for NodeIdError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NodeIdError::TooLarge(id) => {
                write!(f, "invalid node ID: {id} is above the largest (limit {NODE_MAX})")
            }
            NodeIdError::Datacenter(id) => {
                write!(f, "invalid datacenter: {id} is above the largest (limit {FIVE_BITS_MAX})")
            }
            NodeIdError::Worker(id) => {
                write!(f, "invalid worker: {id} is above the largest (limit {FIVE_BITS_MAX})")
            }
            NodeIdError::NotDecimal => write!(
                f,
                "invalid node ID: not a decimal number without sign or leading zero; \
                 write a number from 0 to {NODE_MAX}"
            ),
            #[cfg(feature = "std")]
            NodeIdError::VariableNotSet { variable } => {
                write!(f, "no node ID: environment variable {variable} is not set; set it")
            }
            #[cfg(feature = "std")]
            NodeIdError::VariableValue { variable, value } => write!(
                f,
                "invalid node ID: environment variable {variable} is {value:?}; \
                 set it to a number from 0 to {NODE_MAX}, without leading zeros"
            ),
            #[cfg(feature = "std")]
            NodeIdError::NotAPod { pod, stateful_set, variable } => {
                write!(f, "no node ID: pod name {pod:?}")?;
                if let Some(variable) = variable {
                    write!(f, " in environment variable {variable}")?;
                }
                write!(
                    f,
                    " is not one of \"{0}-0\" to \"{0}-{NODE_MAX}\"; run as a pod of \
                     StatefulSet {stateful_set:?}, or set the node ID itself",
                    stateful_set.escape_debug(),
                )
            }
        }
    }
}

impl Error for NodeIdError {}
