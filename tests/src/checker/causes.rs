//! What usually causes an anomaly, for people who see it for the first time.

/// The likely cause of an anomaly, by the name that its sentence begins with.
#[must_use]
pub fn likely(problem: &str) -> Option<&'static str> {
    let name = problem.split(':').next().unwrap_or_default();
    Some(match name {
        "wrong echo" => "the answer belongs to another request, or the value was converted",
        "duplicate ID" => "what makes IDs is not told apart by node, or starts anew, or is raced",
        "mixed types of ID" => "one path writes IDs as strings and another as numbers",
        "lost value" => {
            "the value was not passed on, or not again after a message was lost; --log-net-recv \
             shows where it went"
        }
        "duplicate within a read" => {
            "values are kept in a list, and one that arrives twice is appended twice"
        }
        "phantom value" => "the value was made up, converted, or taken from another field",
        "stale counter" => "an addition was not passed on, or overwritten by another node's state",
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
        "too little availability" => "nodes do not answer, or with errors, while others are away",
        _ if name.ends_with("succeeded") => "the node does not know this request, or always fails",
        _ => return None,
    })
}
