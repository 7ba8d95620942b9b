//! The number that keeps nodes apart.

use core::error::Error;
use core::fmt;

use crate::layout::NODE_MAX;

/// A node id: 0 to 1023.
///
/// Two generators that share an epoch and run at the same time need two node
/// ids, or they make the same IDs. Nothing here guesses one: addresses and
/// hardware numbers are wider than ten bits, and what is left of them collides.
#[doc(alias = "worker_id")]
#[doc(alias = "machine_id")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(u16);

impl NodeId {
    /// The smallest node id, 0.
    pub const MIN: NodeId = NodeId(0);

    /// The largest node id, 1023.
    pub const MAX: NodeId = NodeId(NODE_MAX);

    /// The node id that is this number.
    ///
    /// # Errors
    ///
    /// [`NodeIdError::TooLarge`] above 1023: an ID has ten bits for it, and nothing is masked.
    ///
    /// # Examples
    ///
    /// ```
    /// use snowflake::NodeId;
    ///
    /// assert_eq!(NodeId::new(1023)?.get(), 1023);
    /// assert_eq!(
    ///     NodeId::new(1024).unwrap_err().to_string(),
    ///     "node id 1024 is above the largest, 1023",
    /// );
    /// # Ok::<(), snowflake::NodeIdError>(())
    /// ```
    pub const fn new(id: u16) -> Result<NodeId, NodeIdError> {
        if id > NODE_MAX { Err(NodeIdError::TooLarge(id as u64)) } else { Ok(NodeId(id)) }
    }

    /// The node id of a worker in a datacenter, 0 to 31 each, as Twitter numbered them.
    ///
    /// # Errors
    ///
    /// [`NodeIdError::Datacenter`] or [`NodeIdError::Worker`] above 31: each has five bits.
    ///
    /// # Examples
    ///
    /// ```
    /// use snowflake::NodeId;
    ///
    /// assert_eq!(NodeId::in_datacenter(3, 7)?.get(), 3 * 32 + 7);
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

    /// The node id that `text` spells in decimal, without sign or leading zero.
    ///
    /// # Errors
    ///
    /// [`NodeIdError::NotANumber`], or [`NodeIdError::TooLarge`] above 1023.
    pub(super) fn from_decimal(text: &str) -> Result<NodeId, NodeIdError> {
        let canonical = text == "0" || !text.starts_with('0');
        if !canonical || text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(NodeIdError::NotANumber);
        }
        // What a u64 cannot hold is too large all the same.
        let id = text.parse().unwrap_or(u64::MAX);
        match u16::try_from(id) {
            Ok(id) => NodeId::new(id),
            Err(_) => Err(NodeIdError::TooLarge(id)),
        }
    }

    /// The ordinal at the end of a StatefulSet pod's name: 7 for `orders-7`.
    ///
    /// # Errors
    ///
    /// [`NodeIdError::NoOrdinal`] if the name does not end in `-` and a number, and
    /// [`NodeIdError::TooLarge`] if that is above 1023.
    ///
    /// # Examples
    ///
    /// ```
    /// use snowflake::NodeId;
    ///
    /// assert_eq!(NodeId::from_ordinal("orders-7")?.get(), 7);
    /// assert!(NodeId::from_ordinal("orders").is_err());
    /// # Ok::<(), snowflake::NodeIdError>(())
    /// ```
    ///
    /// # References
    ///
    /// "Ordinal Index" under "StatefulSets" in the Kubernetes documentation: from 0 to
    /// N−1, and no two pods of a set share one. Two sets that share an epoch need more.
    pub fn from_ordinal(pod_name: &str) -> Result<NodeId, NodeIdError> {
        let (_, ordinal) = pod_name.rsplit_once('-').ok_or(NodeIdError::NoOrdinal)?;
        NodeId::from_decimal(ordinal).map_err(|error| match error {
            NodeIdError::NotANumber => NodeIdError::NoOrdinal,
            other => other,
        })
    }

    /// The node id as a number.
    #[inline]
    pub const fn get(self) -> u16 {
        self.0
    }
}

/// The largest datacenter or worker.
const FIVE_BITS_MAX: u8 = (1 << 5) - 1;

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Why something is no node id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NodeIdError {
    /// The number, or as much of it as a `u64` holds, is above 1023.
    TooLarge(u64),
    /// The datacenter is above 31.
    Datacenter(u8),
    /// The worker is above 31.
    Worker(u8),
    /// The text is not a decimal number, or has a sign or a leading zero.
    NotANumber,
    /// The name does not end in `-` and a number.
    NoOrdinal,
}

impl fmt::Display for NodeIdError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NodeIdError::TooLarge(id) => {
                write!(f, "node id {id} is above the largest, {NODE_MAX}")
            }
            NodeIdError::Datacenter(id) => {
                write!(f, "datacenter {id} is above the largest, {FIVE_BITS_MAX}")
            }
            NodeIdError::Worker(id) => {
                write!(f, "worker {id} is above the largest, {FIVE_BITS_MAX}")
            }
            NodeIdError::NotANumber => f.write_str("not a plain decimal number"),
            NodeIdError::NoOrdinal => f.write_str("does not end in a hyphen and a number"),
        }
    }
}

impl Error for NodeIdError {}
