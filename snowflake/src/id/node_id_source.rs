//! Where a node id can come from: the environment, or the host name.

use std::env::{self, VarError};
use std::error::Error;
use std::fmt;

use super::{NodeId, NodeIdError};
use crate::layout::NODE_MAX;

impl NodeId {
    /// The node id in environment variable `name`.
    ///
    /// # Errors
    ///
    /// [`NodeIdSourceError`] names the variable and says whether it is missing, no
    /// number, or above 1023.
    ///
    /// # Examples
    ///
    /// ```
    /// use snowflake::NodeId;
    ///
    /// let error = NodeId::from_env("SNOWFLAKE_NODE_ID").unwrap_err();
    /// assert_eq!(
    ///     error.to_string(),
    ///     "environment variable SNOWFLAKE_NODE_ID: not set; give it a node id from 0 to 1023",
    /// );
    /// ```
    pub fn from_env(name: &str) -> Result<NodeId, NodeIdSourceError> {
        let from =
            |problem| NodeIdSourceError { source: Source::Variable(name.to_owned()), problem };
        match env::var(name) {
            Ok(value) => {
                NodeId::from_decimal(&value).map_err(|error| from(Problem::Value { value, error }))
            }
            Err(VarError::NotPresent) => Err(from(Problem::NotSet)),
            Err(VarError::NotUnicode(value)) => Err(from(Problem::Value {
                value: value.to_string_lossy().into_owned(),
                error: NodeIdError::NotANumber,
            })),
        }
    }

    /// The ordinal at the end of this machine's host name, as Kubernetes gives the pods
    /// of a StatefulSet: 7 on `orders-7`.
    ///
    /// # Errors
    ///
    /// [`NodeIdSourceError`] names the host if [`from_ordinal`](NodeId::from_ordinal) refuses it.
    #[cfg(unix)]
    pub fn from_hostname() -> Result<NodeId, NodeIdSourceError> {
        let host: String = rustix::system::uname().nodename().to_string_lossy().into_owned();
        NodeId::from_ordinal(&host).map_err(|error| NodeIdSourceError {
            source: Source::HostName,
            problem: Problem::Value { value: host, error },
        })
    }
}

/// Why a place to look for a node id has none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeIdSourceError {
    source: Source,
    problem: Problem,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Source {
    Variable(String),
    HostName,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Problem {
    NotSet,
    Value { value: String, error: NodeIdError },
}

impl fmt::Display for NodeIdSourceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.source {
            Source::Variable(name) => write!(f, "environment variable {name}: ")?,
            Source::HostName => f.write_str("host name: ")?,
        }
        match &self.problem {
            Problem::NotSet => f.write_str("not set")?,
            Problem::Value { value, error } => write!(f, "{value:?}: {error}")?,
        }
        match &self.source {
            Source::Variable(_) => write!(f, "; give it a node id from 0 to {NODE_MAX}"),
            Source::HostName => write!(
                f,
                "; name the host as a StatefulSet names its pods, from `orders-0` to \
                 `orders-{NODE_MAX}`, or configure the node id, as for `NodeId::from_env`"
            ),
        }
    }
}

impl Error for NodeIdSourceError {}
