//! The reasons why an operation did not succeed.

use std::fmt;

use crate::base::excerpt::excerpt;
use crate::format::edn::Edn;

/// The reason why an operation did not succeed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OpError {
    /// No answer arrived within the client's timeout.
    Timeout,
    /// The node answered with an error.
    Rpc {
        /// The error code.
        code: i64,
        /// The error text.
        text: String,
    },
    /// The node answered with an error with this text, and without an integer code.
    WithoutCode(String),
    /// The workload ended the client.
    Crash,
    /// The node was killed before it answered.
    Killed,
    /// The answer violates its schema in this way. Maelstrom's client crashes at such an answer.
    Malformed(String),
}

impl OpError {
    /// Returns `true` if the operation certainly did not happen.
    ///
    /// Codes from 1000 are specific to a node and promise nothing.
    #[must_use]
    pub fn is_definite(&self) -> bool {
        const DEFINITE: [i64; 9] = [1, 10, 11, 12, 14, 20, 21, 22, 30];
        matches!(self, OpError::Rpc { code, .. } if DEFINITE.contains(code))
    }

    /// Returns `true` if the cause is a node that was down, cut off or waiting.
    #[must_use]
    pub fn is_unavailability(&self) -> bool {
        matches!(self, OpError::Timeout | OpError::Killed | OpError::Rpc { code: 0 | 11, .. })
    }

    /// Returns the error as the history has it.
    #[must_use]
    pub fn to_edn(&self) -> Edn {
        match self {
            OpError::Timeout => Edn::Keyword("net-timeout"),
            // Maelstrom writes the names of error codes.
            OpError::WithoutCode(text) => {
                Edn::Vector(vec![Edn::Keyword("unknown"), text.as_str().into()])
            }
            OpError::Crash => Edn::Keyword("crash"),
            OpError::Killed => Edn::Keyword("node-killed"),
            OpError::Malformed(problem) => {
                Edn::Vector(vec![Edn::Keyword("malformed-rpc-response"), problem.as_str().into()])
            }
            OpError::Rpc { code, text } => {
                Edn::Vector(vec![Edn::Int((*code).into()), text.as_str().into()])
            }
        }
    }
}

impl fmt::Display for OpError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            OpError::Timeout => f.write_str("no answer in time"),
            OpError::Crash => f.write_str("the client crashed"),
            OpError::Killed => f.write_str("the node was killed"),
            OpError::Malformed(problem) => {
                write!(f, "a malformed reply, which {}", excerpt(problem))
            }
            OpError::Rpc { code, text } => write!(f, "error {code}: {}", excerpt(text)),
            OpError::WithoutCode(text) => {
                write!(f, "an error without an integer code: {}", excerpt(text))
            }
        }
    }
}
