//! The records: the items of the log.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::dissemination::Origin;
use crate::message::DigestEntry;

/// One item of a node's stream.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Record<'a> {
    /// A message with its key and its offset.
    #[serde(borrow)]
    Send(Sent<'a>),
    /// The offsets that a client has committed, by key.
    #[serde(borrow)]
    Commit(BTreeMap<Cow<'a, str>, u64>),
    /// A new incarnation is recovering, and these earlier ones are over.
    Recovering(Vec<u64>),
    /// The incarnation has recovered. A later record of this kind adds further ends.
    Recovered {
        /// The items of the earlier incarnations that count. Any other is void.
        ends: Vec<DigestEntry>,
        /// On a first start, the other incarnations of the bootstrap majority. With this
        /// one they are a majority, so each of them may continue.
        bootstrap: Vec<u64>,
    },
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Sent<'a>(
    #[serde(borrow)] pub(super) Cow<'a, str>,
    pub(super) u64,
    #[serde(borrow)] pub(super) &'a RawValue,
);

/// The source of a record: its stream and its sequence number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Source {
    pub(super) origin: Origin,
    pub(super) sequence: u64,
}

impl Record<'_> {
    /// Returns the record as the text of an item.
    pub(super) fn text(&self) -> Box<RawValue> {
        // A record cannot fail: the keys of its map are strings.
        serde_json::value::to_raw_value(self).unwrap_or_else(|_| RawValue::NULL.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Nodes of two versions exchange records during an update, so a change needs a reason.
    #[test]
    fn the_format_of_a_record_is_unchanged() {
        for text in [
            r#"{"send":["k",7,{"a": 1.50}]}"#,
            r#"{"commit":{"k":7}}"#,
            r#"{"recovering":[5,18446744073709551615]}"#,
            r#"{"recovered":{"ends":[[1,5,7,9,12]],"bootstrap":[6]}}"#,
        ] {
            let record: Record<'_> = serde_json::from_str(text).unwrap();
            assert_eq!(record.text().get(), text);
        }
    }
}
