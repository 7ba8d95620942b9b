//! The number that keeps nodes apart.

use core::error::Error;
use core::fmt;

use crate::layout::NODE_MAX;

/// A node id: 0 to 1023.
///
/// Two generators that share an epoch and run at the same time need two node
/// ids, or they make the same IDs. What Twitter called datacenter and worker is
/// one number here.
#[doc(alias = "worker_id")]
#[doc(alias = "machine_id")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(u16);

impl NodeId {
    /// The node id that is this number.
    ///
    /// # Errors
    ///
    /// [`NodeIdError`] above [`NODE_MAX`]: an ID has ten bits for it, and nothing is masked.
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
        if id > NODE_MAX { Err(NodeIdError(id)) } else { Ok(NodeId(id)) }
    }

    /// The node id as a number.
    #[inline]
    pub const fn get(self) -> u16 {
        self.0
    }
}

impl fmt::Display for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A number too large for a node id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NodeIdError(u16);

impl fmt::Display for NodeIdError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "node id {} is above the largest, {NODE_MAX}", self.0)
    }
}

impl Error for NodeIdError {}
