//! Gossip: the messages between nodes. Maelstrom carries them without reading them.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserializer, Error, SeqAccess, Unexpected, Visitor};
use serde::ser::{SerializeSeq, Serializer};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::base::{Ranges, Time};

/// A message between two nodes: a digest, items that the receiver may lack, and timing.
#[derive(Debug, Serialize, Deserialize)]
pub struct Gossip<'a> {
    /// The name of the workload whose state this is.
    ///
    /// A node that has not served a request yet starts this workload. Empty, and absent as JSON, if
    /// the sender has restarted and does not know its workload.
    #[serde(borrow, default, skip_serializing_if = "is_empty")]
    pub(crate) workload: Cow<'a, str>,
    /// The sender's incarnation.
    pub(crate) incarnation: u64,
    /// The digest of the sender, which is also an acknowledgement.
    pub(crate) digest: Cow<'a, [DigestEntry]>,
    /// The items, in runs of consecutive ones.
    #[serde(borrow, default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) items: Vec<Run<'a>>,
    /// The age of the oldest new item of the sender, in microseconds.
    ///
    /// Absent if no item is new, as in a retransmission.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) age_us: Option<u64>,
    /// The sender relies on the receiver to pass new items on to it.
    #[serde(default, skip_serializing_if = "is_false")]
    pub(crate) follows: bool,
    /// The sender acts as the hub, and the receiver must pass these items on.
    #[serde(default, skip_serializing_if = "is_false")]
    pub(crate) forward: bool,
    /// The sender requests a digest immediately.
    #[serde(default, skip_serializing_if = "is_false")]
    pub(crate) probe: bool,
    /// The sender requests the items that its digest lacks.
    #[serde(default, skip_serializing_if = "is_false")]
    pub(crate) wants: bool,
    /// The sender takes the receiver's incarnation for one that has ended.
    ///
    /// `echo` answers the receiver's last message. So the receiver's next message can prove that
    /// the incarnation runs.
    #[serde(default, skip_serializing_if = "is_false")]
    pub(crate) unrecognized: bool,
    /// The index of a node that the sender cannot reach. The receiver must probe it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) indirect_probe: Option<u16>,
    /// The time of sending by the clock of the sender, in microseconds.
    pub(crate) sent_us: u64,
    /// The time in the receiver's last message, returned to the receiver.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) echo: Option<TimeEcho>,
    /// The time at which the receiver sends next, in rounds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) round: Option<RoundTiming>,
}

impl Gossip<'_> {
    /// Creates the message of a node that does not know its workload. It has no items.
    pub(crate) fn without_workload(incarnation: u64, now: Time, probe: bool) -> Gossip<'static> {
        Gossip {
            workload: "".into(),
            incarnation,
            digest: Vec::new().into(),
            items: Vec::new(),
            age_us: None,
            follows: false,
            forward: false,
            probe,
            wants: false,
            unrecognized: false,
            indirect_probe: None,
            sent_us: now.0,
            echo: None,
            round: None,
        }
    }
}

/// The items of one stream that a node has.
///
/// As JSON it is one flat list: the node, the incarnation, and the end of the range from 0.
/// The start and the end of each range past a gap follow.
#[derive(Clone, Debug)]
pub(crate) struct DigestEntry {
    /// The index of the stream's node.
    pub(crate) node: u16,
    /// The incarnation of that node.
    pub(crate) incarnation: u64,
    /// The items.
    pub(crate) have: Ranges,
}

impl Serialize for DigestEntry {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut list = serializer.serialize_seq(None)?;
        list.serialize_element(&self.node)?;
        list.serialize_element(&self.incarnation)?;
        let mut ranges = self.have.iter().peekable();
        let run = ranges.next_if(|range| range.start == 0);
        list.serialize_element(&run.map_or(0, |run| run.end))?;
        for range in ranges {
            list.serialize_element(&range.start)?;
            list.serialize_element(&range.end)?;
        }
        list.end()
    }
}

impl<'de> Deserialize<'de> for DigestEntry {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<DigestEntry, D::Error> {
        struct List;

        impl<'de> Visitor<'de> for List {
            type Value = DigestEntry;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a node, an incarnation and the ends of ranges")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<DigestEntry, A::Error> {
                let short = || A::Error::invalid_length(2, &self);
                let node = list.next_element()?.ok_or_else(short)?;
                let incarnation = list.next_element()?.ok_or_else(short)?;
                let mut have = Ranges::default();
                let mut end: u64 = list.next_element()?.ok_or_else(short)?;
                have.insert(0..end);
                while let Some(start) = list.next_element()? {
                    let before =
                        std::mem::replace(&mut end, list.next_element()?.ok_or_else(short)?);
                    if !(before < start && start < end) {
                        return Err(A::Error::custom("the ranges are not in order"));
                    }
                    have.insert(start..end);
                }
                Ok(DigestEntry { node, incarnation, have })
            }
        }

        deserializer.deserialize_seq(List)
    }
}

/// Consecutive items of one stream.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Run<'a> {
    /// The index of the stream's node.
    pub(crate) node: u16,
    /// The incarnation of that node.
    pub(crate) incarnation: u64,
    /// The sequence number of the first item.
    #[serde(deserialize_with = "sequence")]
    pub(crate) first: u64,
    /// The items, byte for byte as clients wrote them.
    #[serde(borrow)]
    pub(crate) items: Vec<&'a RawValue>,
}

/// Decodes a sequence number from which counting cannot overflow.
///
/// No node issues larger ones.
fn sequence<'de, D: Deserializer<'de>>(field: D) -> Result<u64, D::Error> {
    const LARGEST: u64 = 1 << 53;
    match u64::deserialize(field)? {
        number @ 0..=LARGEST => Ok(number),
        number => {
            let found = Unexpected::Unsigned(number);
            Err(D::Error::invalid_value(found, &"a sequence number up to 2^53"))
        }
    }
}

/// The timestamp of the last message from the receiver.
///
/// With it, the receiver measures the round trip without a comparison of clocks.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(from = "(u64, u64, u64)", into = "(u64, u64, u64)")]
pub(crate) struct TimeEcho {
    /// The incarnation of the receiver that sent the timestamp. Other incarnations have other
    /// clocks.
    pub(crate) incarnation: u64,
    /// The receiver's `sent_us`.
    pub(crate) sent_us: u64,
    /// The time since its arrival at the sender, in microseconds.
    pub(crate) held_us: u64,
}

impl From<(u64, u64, u64)> for TimeEcho {
    fn from((incarnation, sent_us, held_us): (u64, u64, u64)) -> TimeEcho {
        TimeEcho { incarnation, sent_us, held_us }
    }
}

impl From<TimeEcho> for (u64, u64, u64) {
    fn from(TimeEcho { incarnation, sent_us, held_us }: TimeEcho) -> (u64, u64, u64) {
        (incarnation, sent_us, held_us)
    }
}

/// The schedule that a hub sends to one node.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(from = "(u64, u64)", into = "(u64, u64)")]
pub(crate) struct RoundTiming {
    /// The time until the next report, in microseconds.
    pub(crate) hold_us: u64,
    /// The time between two rounds, in microseconds.
    pub(crate) period_us: u64,
}

impl From<(u64, u64)> for RoundTiming {
    fn from((hold_us, period_us): (u64, u64)) -> RoundTiming {
        RoundTiming { hold_us, period_us }
    }
}

impl From<RoundTiming> for (u64, u64) {
    fn from(RoundTiming { hold_us, period_us }: RoundTiming) -> (u64, u64) {
        (hold_us, period_us)
    }
}

#[expect(clippy::ptr_arg, reason = "serde hands over a reference to the field")]
fn is_empty(text: &Cow<'_, str>) -> bool {
    text.is_empty()
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
fn is_false(flag: &bool) -> bool {
    !*flag
}

#[cfg(test)]
mod tests {
    use super::DigestEntry;
    use crate::message::{Envelope, Outbox, Payload, Request};

    /// The messages of this version as JSON. During an update, nodes of two versions exchange
    /// messages, so a change needs a reason.
    const GOLDEN: &str = include_str!("../../tests/golden/gossip.jsonl");

    #[test]
    fn golden_messages_are_read_and_written_byte_for_byte() {
        assert_eq!(GOLDEN.lines().count(), 3);
        for line in GOLDEN.lines() {
            let envelope = Envelope::parse(line.as_bytes()).expect("an envelope");
            let Ok(Request::Gossip(gossip)) = envelope.body.request() else {
                panic!("not gossip: {line}");
            };
            let mut out = Outbox::new();
            out.send(&envelope.src, &envelope.dest, &Payload::Gossip { gossip: &gossip });
            assert_eq!(out.lines().collect::<Vec<_>>(), [line.as_bytes()]);
        }
    }

    #[test]
    fn rejects_a_digest_entry_whose_ranges_are_not_in_order() {
        let is_valid = |entry| serde_json::from_str::<DigestEntry>(entry).is_ok();
        assert!(is_valid("[0,7,0]") && is_valid("[0,7,2,3,4]") && is_valid("[0,7,0,5,6,8,9]"));
        for entry in ["[0,7,2,2,3]", "[0,7,0,0,3]", "[0,7,0,5,5]", "[0,7,0,9,3]", "[0,7,0,9,3,5,6]"]
        {
            assert!(!is_valid(entry), "{entry}");
        }
    }
}
