//! Usual causes of anomalies, for users who see an anomaly for the first time.

use crate::history::OpError;

/// Returns the usual reason why an operation ends with this error.
#[must_use]
pub fn of_error(error: &OpError) -> &'static str {
    let code = match error {
        OpError::Timeout => {
            return "nodes hang, are down, wait for nodes that are down, or do not flush their \
                    standard output";
        }
        OpError::Crash => return "the test crashes clients, so not all operations can succeed",
        OpError::Killed => return "the test kills nodes, so not all operations can succeed",
        OpError::Malformed(_) => {
            return "the fields, types or values of the reply do not match the request";
        }
        OpError::WithoutCode(_) => {
            return "the code is missing or in quotes; Maelstrom's doc/protocol.md lists the codes";
        }
        OpError::Rpc { code, .. } => *code,
    };
    match code {
        0 => "the node waited for another node until its timeout",
        1 => "the node sent a message to an unknown node; use the names in init's node_ids",
        10 => {
            "the node does not serve this request: it serves another workload, or knows the \
               request by another name"
        }
        11 => {
            "see the text of the error; often the node is not ready yet, or cannot reach other \
               nodes"
        }
        12 => {
            "the node expects other fields than Maelstrom's clients send, or decodes them \
               wrongly"
        }
        13 => "the node has an internal error; see the text of the error and the node's log",
        14 | 30 => "the node aborts conflicting transactions, and does not retry them",
        20 => "the node does not know the key: it was never written, or the write was lost",
        21 => "the node creates a key that exists; if several nodes create a key, one succeeds",
        22 => "the node compares with a value that another node has changed, and does not retry",
        1000.. => "a custom error of the node; see its text",
        _ => "not a code of Maelstrom's; custom codes start at 1000",
    }
}
