//! Keys that a node no longer knows. No operation removes a key.
//!
//! An operation with error 20 had no effect, so linearizability does not judge it. The loss of all
//! keys is therefore invisible to Maelstrom's checker.

use std::collections::BTreeMap;

use super::{LinKv, Output};
use crate::history::{EventKind, History, OpError};
use crate::judge::Anomaly;
use crate::workload::Context;

/// The code of the error that a key does not exist.
const KEY_DOES_NOT_EXIST: i64 = 20;

/// Returns a finding for each key that a node denies after a write of it was acknowledged.
pub(super) fn findings(history: &History<LinKv>, context: &Context<'_>) -> Vec<Anomaly> {
    let name = |node| context.directory.node_name(node);
    // The invocation and the completion of the first write of each key.
    let mut written: BTreeMap<i64, (usize, usize)> = BTreeMap::new();
    // The first finding about each key, and the number of further cases.
    let mut lost: BTreeMap<i64, (Anomaly, usize)> = BTreeMap::new();
    for (index, event) in history.events().iter().enumerate() {
        let invoked = match &event.kind {
            EventKind::Ok { invocation, output: Output::Replaced, .. } => {
                let key = history.invocation(*invocation).op.key();
                written.entry(key).or_insert((*invocation, index));
                continue;
            }
            EventKind::Fail { invocation, error, .. }
            | EventKind::Info { invocation, error, .. }
                if matches!(error, OpError::Rpc { code: KEY_DOES_NOT_EXIST, .. }) =>
            {
                *invocation
            }
            _ => continue,
        };
        let asked = history.invocation(invoked);
        let key = asked.op.key();
        let Some(&(write, acknowledged)) = written.get(&key).filter(|(_, end)| *end < invoked)
        else {
            continue;
        };
        let finding = || {
            let text = format!(
                "lost key: {} answers at {} that key {key} does not exist, and {} acknowledged a \
                 write of it at {}",
                name(asked.node),
                history.place(index),
                name(history.invocation(write).node),
                history.place(acknowledged),
            );
            Anomaly::from(text).seen_in([acknowledged, index])
        };
        lost.entry(key).and_modify(|(_, more)| *more += 1).or_insert_with(|| (finding(), 0));
    }
    let findings = lost.into_values().map(|(mut finding, more)| {
        if more > 0 {
            finding.text.push_str(&format!("; and {more} more such answers"));
        }
        finding
    });
    findings.collect()
}
