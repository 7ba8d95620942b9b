//! Usual causes of anomalies, for users who see an anomaly for the first time.

use crate::history::OpError;

/// Returns the usual reason why an operation ends with this error.
#[must_use]
pub fn of_error(error: &OpError) -> &'static str {
    let code = match error {
        OpError::Timeout => {
            return "nodes hang, are down, wait for others that are, or do not flush their \
                    standard output";
        }
        OpError::Crash => return "the test has clients crash, so not all operations can succeed",
        OpError::Killed => return "the test kills nodes, so not all operations can succeed",
        OpError::Malformed(_) => {
            return "the reply has other fields, types or values than the request asks for";
        }
        OpError::Rpc { code, .. } => *code,
    };
    match code {
        0 => "the node waited for another, and gave up",
        1 => "the node sent to a node that is not there; names are those of init's node_ids",
        10 => "the node does not serve this request: another workload, or another name for it",
        11 => "as the node says; often it is not ready yet, or waits for others that are away",
        12 => "the node expects other fields than Maelstrom's clients send, or reads them wrongly",
        13 => "the node failed inside, as it says; its log may say more",
        14 | 30 => "the node gives up what gets in the way of others, rather than trying again",
        20 => "the node does not know the key: it was never written, or the write was lost",
        21 => "the node creates a key that is there; of many that do, one succeeds",
        22 => "the node compares with a value that another has changed, and does not try again",
        1000.. => "an error of the node's own: its text is all there is to know",
        _ => "no code of Maelstrom's: own ones start at 1000",
    }
}
