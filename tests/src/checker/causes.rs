//! What usually causes an anomaly, for people who see it for the first time.

use crate::history::OpError;

/// Why nodes end operations without success, by Maelstrom's codes.
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
            return "the answer has other fields, types or values than the request asks for";
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

/// The likely cause of an anomaly, by the name that its sentence begins with.
pub(super) fn likely(problem: &str) -> Option<&'static str> {
    let name = problem.split(':').next().unwrap_or_default();
    Some(match name {
        "wrong echo" => "the answer belongs to another request, or the value was converted",
        "duplicate ID" => "what makes IDs is not told apart by node, or starts anew, or is raced",
        "mixed types of ID" => "one path writes IDs as strings and another as numbers",
        "objects as IDs" => "Maelstrom cannot compare objects; give strings, numbers or lists",
        "lost value" => {
            "the value was not passed on, or not again after a message was lost; --log-net-recv \
             shows where it went"
        }
        "duplicate within a read" => {
            "values are kept in a list, and one that arrives twice is appended twice"
        }
        "phantom value" => "the value was made up, converted, or taken from another field",
        "stale counter" => "an addition was not passed on, or overwritten by another node's state",
        "refused addition" => "an addition was applied although its sender got an error",
        "phantom addition" => "an addition that arrived twice was counted twice",
        "reused offset" => "nodes number messages of one key without asking each other",
        "duplicate message" => "a message that arrived twice, or was retried, was appended twice",
        "aborted read" => "a message was appended although its sender got an error",
        "lost write" => "it was acknowledged before it was where a poll, or a restart, finds it",
        "unseen" => "it never reached the nodes that were polled, or polls leave out the newest",
        "offset going back" => "offsets are given out by several nodes, or start anew",
        "poll going back" => "polls ignore the offset that is asked for, or are not in order",
        "skipped offset" => "polls skip what this node does not have, or has not got yet",
        "committed offset going back" => {
            "a commit overwrites a higher one, or the node asked does not know of it yet"
        }
        "committed offset of nothing" => "what is committed is not the offset that was asked for",
        _ => return None,
    })
}
