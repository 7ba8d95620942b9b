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

/// Maelstrom's error codes and their names, from its `errors.edn`.
const NAMES: [(i64, &str); 11] = [
    (0, "timeout"),
    (1, "node-not-found"),
    (10, "not-supported"),
    (11, "temporarily-unavailable"),
    (12, "malformed-request"),
    (13, "crash"),
    (14, "abort"),
    (20, "key-does-not-exist"),
    (21, "key-already-exists"),
    (22, "precondition-failed"),
    (30, "txn-conflict"),
];

/// The code of an error whose name is not in [`NAMES`]. It is indefinite.
const UNKNOWN: i64 = 1000;

impl OpError {
    /// Creates the error with this name in a history.
    #[must_use]
    pub fn named(name: &str, text: String) -> OpError {
        let found = NAMES.iter().find(|(_, known)| *known == name);
        OpError::Rpc { code: found.map_or(UNKNOWN, |(code, _)| *code), text }
    }

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
            // Maelstrom's name for it.
            OpError::WithoutCode(text) => {
                Edn::Vector(vec![Edn::Keyword("unknown"), text.as_str().into()])
            }
            OpError::Crash => Edn::Keyword("crash"),
            OpError::Killed => Edn::Keyword("node-killed"),
            OpError::Malformed(problem) => {
                Edn::Vector(vec![Edn::Keyword("malformed-rpc-response"), problem.as_str().into()])
            }
            OpError::Rpc { code, text } => {
                let name = NAMES.iter().find(|(known, _)| known == code);
                // Maelstrom's history does not have the code of any other error.
                let error = name.map_or(Edn::Int((*code).into()), |(_, name)| Edn::Keyword(name));
                Edn::Vector(vec![error, text.as_str().into()])
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_has_maelstroms_name_in_a_history_or_else_its_code() {
        for (code, written) in [
            (0, "[:timeout \"later\"]"),
            (11, "[:temporarily-unavailable \"later\"]"),
            (22, "[:precondition-failed \"later\"]"),
            (1001, "[1001 \"later\"]"),
        ] {
            let error = OpError::Rpc { code, text: "later".to_owned() };
            assert_eq!(error.to_edn().to_string(), written);
        }
    }

    #[test]
    fn a_name_is_read_as_its_code() {
        for (code, name) in NAMES.into_iter().chain([(UNKNOWN, "unknown")]) {
            let error = OpError::Rpc { code, text: String::new() };
            assert_eq!(OpError::named(name, String::new()), error);
        }
    }
}
