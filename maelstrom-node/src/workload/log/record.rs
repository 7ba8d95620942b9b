//! What the items of the log say.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::message::DigestEntry;

/// One item of a node's stream.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Record<'a> {
    /// A message: its key, its offset and itself.
    #[serde(borrow)]
    Send(Sent<'a>),
    /// Offsets that a client has committed, by key.
    #[serde(borrow)]
    Commit(BTreeMap<Cow<'a, str>, u64>),
    /// A new life of the node has begun; these of its lives came before and are over.
    Born(Vec<u64>),
    /// That life has caught up and takes requests from now on.
    Ready {
        /// Which items of the earlier lives count: whatever else turns up is void.
        ends: Vec<DigestEntry>,
        /// On a first start, the other lives that were catching up at that moment. With
        /// this one they are a majority, so any of them may go on as well.
        founders: Vec<u64>,
    },
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Sent<'a>(
    #[serde(borrow)] pub(super) Cow<'a, str>,
    pub(super) u64,
    #[serde(borrow)] pub(super) &'a RawValue,
);

impl Record<'_> {
    /// The record as an item's text.
    pub(super) fn text(&self) -> Box<RawValue> {
        // Neither of the two can fail for a record: its map has strings for keys.
        serde_json::value::to_raw_value(self).unwrap_or_else(|_| RawValue::NULL.to_owned())
    }
}
