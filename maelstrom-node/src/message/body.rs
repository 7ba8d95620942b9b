//! Bodies by type: the requests that the node serves, and the payloads that it sends.
//!
//! This file has the JSON names of every workload. To add a request, add a variant of
//! [`Request`], an arm of [`Body::request`], and the request's new fields to [`Body`]. To add its
//! reply, add a variant of [`Payload`]: the names of variants and fields are the JSON names.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::de::{Deserializer, Error};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use snowflake::Id;

use super::error::message_of;
use super::{ErrorCode, Gossip, MicroOp, MsgId, RequestError};

/// The offsets of a request about logs, by key.
pub type Offsets = BTreeMap<String, i64>;

/// The body of a message, before the fields of its type are checked.
///
/// Every field except the three of the protocol stays raw. So an unexpected value in a field
/// that the type does not use has no effect.
#[derive(Debug, Deserialize)]
pub struct Body<'a> {
    #[serde(rename = "type", borrow)]
    kind: Cow<'a, str>,
    /// The number of a request.
    #[serde(default, deserialize_with = "msg_id")]
    pub msg_id: Option<MsgId>,
    /// The number of the request that this message replies to.
    #[serde(default, deserialize_with = "in_reply_to")]
    pub in_reply_to: Option<MsgId>,
    #[serde(default, borrow, deserialize_with = "present")]
    node_id: Option<&'a RawValue>,
    #[serde(default, borrow, deserialize_with = "present")]
    node_ids: Option<&'a RawValue>,
    #[serde(default, borrow, deserialize_with = "present")]
    echo: Option<&'a RawValue>,
    #[serde(default, borrow, deserialize_with = "present")]
    topology: Option<&'a RawValue>,
    #[serde(default, borrow, deserialize_with = "present")]
    message: Option<&'a RawValue>,
    #[serde(default, borrow, deserialize_with = "present")]
    element: Option<&'a RawValue>,
    #[serde(default, borrow, deserialize_with = "present")]
    delta: Option<&'a RawValue>,
    #[serde(default, borrow, deserialize_with = "present")]
    key: Option<&'a RawValue>,
    #[serde(default, borrow, deserialize_with = "present")]
    msg: Option<&'a RawValue>,
    #[serde(default, borrow, deserialize_with = "present")]
    offsets: Option<&'a RawValue>,
    #[serde(default, borrow, deserialize_with = "present")]
    keys: Option<&'a RawValue>,
    #[serde(default, borrow, deserialize_with = "present")]
    txn: Option<&'a RawValue>,
    #[serde(default, borrow, deserialize_with = "present")]
    gossip: Option<&'a RawValue>,
}

/// A request with all the fields of its type.
#[derive(Debug)]
pub enum Request<'a> {
    /// Initializes the node.
    Init {
        /// The name of the node.
        node_id: String,
        /// The names of all nodes, including this one.
        node_ids: Vec<String>,
    },
    /// Requests the same value back.
    Echo {
        /// Any JSON.
        echo: &'a RawValue,
    },
    /// Requests a unique ID.
    Generate,
    /// Suggests the neighbors of each node.
    Topology,
    /// Adds a value that every node is to receive.
    Broadcast {
        /// Any JSON.
        message: &'a RawValue,
    },
    /// Adds to a set or to a counter. At least one of the fields is present.
    Add {
        /// The element of a set: any JSON.
        element: Option<&'a RawValue>,
        /// The amount for a counter, not yet checked to be a number.
        delta: Option<&'a RawValue>,
    },
    /// Requests the whole state.
    Read,
    /// Appends a message to the log of a key.
    Send {
        /// The key.
        key: String,
        /// Any JSON.
        msg: &'a RawValue,
    },
    /// Requests the messages from these offsets on.
    Poll {
        /// The first offset by key.
        offsets: Offsets,
    },
    /// Commits offsets: the client has processed the messages up to them.
    CommitOffsets {
        /// The offset by key.
        offsets: Offsets,
    },
    /// Requests the committed offsets.
    ListCommittedOffsets {
        /// The keys.
        keys: Vec<String>,
    },
    /// Executes a transaction on registers.
    Txn {
        /// The operations, in order.
        txn: Vec<MicroOp<'a>>,
    },
    /// Carries the state of a peer.
    Gossip(Box<Gossip<'a>>),
}

/// The payload of a message that the node sends. No field is ever null.
///
/// Replies have closed schemas: Maelstrom rejects a reply with an additional field.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Payload<'a> {
    /// Replies to `init`.
    InitOk,
    /// Replies to `echo`.
    EchoOk {
        /// The value of the request.
        echo: &'a RawValue,
    },
    /// Replies to `generate`.
    GenerateOk {
        /// A JSON string: JavaScript loses digits of larger numbers.
        id: Id,
    },
    /// Replies to `topology`.
    TopologyOk,
    /// Replies to `broadcast`.
    BroadcastOk,
    /// Replies to `add`.
    AddOk,
    /// Replies to the `read` of a counter or a set.
    #[serde(rename = "read_ok")]
    ReadValueOk {
        /// The text of the sum, or of a JSON list of all elements.
        #[serde(skip)]
        value: &'a str,
    },
    /// Replies to the `read` of a broadcast.
    ReadOk {
        /// The text of a JSON list of all values, in order of arrival.
        #[serde(skip)]
        messages: &'a str,
    },
    /// Replies to `send`.
    SendOk {
        /// The offset of the message in its log.
        offset: u64,
    },
    /// Replies to `poll`.
    PollOk {
        /// Offsets and messages, by key.
        msgs: BTreeMap<&'a str, Vec<(u64, &'a RawValue)>>,
    },
    /// Replies to `commit_offsets`.
    CommitOffsetsOk,
    /// Replies to `list_committed_offsets`.
    ListCommittedOffsetsOk {
        /// The offset by key. A key without a committed offset is omitted.
        offsets: &'a BTreeMap<String, u64>,
    },
    /// Replies to `txn`.
    TxnOk {
        /// The operations of the request, with the values that they read.
        txn: &'a [MicroOp<'a>],
    },
    /// Replies to any request that the node cannot serve.
    Error {
        /// The kind of error.
        code: ErrorCode,
        /// The cause and the remedy, for a person.
        text: &'a str,
    },
    /// Sends the state of this node to a peer.
    Gossip {
        /// The state.
        gossip: &'a Gossip<'a>,
    },
}

impl Payload<'_> {
    /// Returns the name and the JSON text of the field that is not serialized.
    ///
    /// A list of a million values is already text. Serializing it as a raw value would parse it
    /// again, which takes ten times as long as copying it.
    pub(super) fn text_field(&self) -> Option<(&'static str, &str)> {
        match self {
            Payload::ReadValueOk { value } => Some(("value", value)),
            Payload::ReadOk { messages } => Some(("messages", messages)),
            _ => None,
        }
    }
}

impl<'a> Body<'a> {
    /// Returns the type of the message.
    #[must_use]
    pub fn kind(&self) -> &str {
        &self.kind
    }

    /// Returns `true` if the message is a reply, which the node never replies to.
    ///
    /// Otherwise two nodes could reject each other's errors without end.
    #[must_use]
    pub fn is_reply(&self) -> bool {
        self.in_reply_to.is_some() || self.kind == "error"
    }

    /// Checks the fields of the message's type.
    ///
    /// # Errors
    ///
    /// Returns [`RequestError::NotSupported`] for an unknown type or an unknown operation of a
    /// transaction, and [`RequestError::Malformed`] with the name of a field that is missing or has
    /// the wrong type.
    pub fn request(&self) -> Result<Request<'a>, RequestError> {
        Ok(match &*self.kind {
            "init" => Request::Init {
                node_id: self.parsed("node_id", self.node_id, "a string")?,
                node_ids: self.parsed("node_ids", self.node_ids, "a list of strings")?,
            },
            "echo" => Request::Echo { echo: self.field("echo", self.echo)? },
            "generate" => Request::Generate,
            "topology" => {
                let shape = "an object of lists of names";
                let _: BTreeMap<String, Vec<String>> =
                    self.parsed("topology", self.topology, shape)?;
                Request::Topology
            }
            "broadcast" => Request::Broadcast { message: self.field("message", self.message)? },
            "add" if self.element.is_none() && self.delta.is_none() => {
                let text = "add needs a field \"element\", for a set, or \"delta\", for a counter";
                return Err(RequestError::Malformed(text.to_owned()));
            }
            "add" => Request::Add { element: self.element, delta: self.delta },
            "read" => Request::Read,
            "send" => Request::Send {
                key: self.parsed("key", self.key, "a string")?,
                msg: self.field("msg", self.msg)?,
            },
            "poll" => Request::Poll { offsets: self.offsets()? },
            "commit_offsets" => Request::CommitOffsets { offsets: self.offsets()? },
            "list_committed_offsets" => Request::ListCommittedOffsets {
                keys: self.parsed("keys", self.keys, "a list of strings")?,
            },
            "txn" => Request::Txn { txn: self.micro_ops()? },
            "gossip" => Request::Gossip(self.parsed("gossip", self.gossip, "a gossip message")?),
            unknown => {
                return Err(RequestError::NotSupported(format!(
                    "unknown message type {unknown:?}"
                )));
            }
        })
    }

    fn micro_ops(&self) -> Result<Vec<MicroOp<'a>>, RequestError> {
        let shape = "a list of [\"r\", key, null] and [\"w\", key, value]";
        let ops: Vec<(String, _, _)> = self.parsed("txn", self.txn, shape)?;
        let named = |(name, key, value): (String, _, _)| {
            MicroOp::named(&name, key, value).ok_or_else(|| {
                RequestError::NotSupported(format!(
                    "txn: unknown operation {name:?}; this node supports \"r\" and \"w\""
                ))
            })
        };
        ops.into_iter().map(named).collect()
    }

    fn offsets(&self) -> Result<Offsets, RequestError> {
        self.parsed("offsets", self.offsets, "an object of integers")
    }

    fn field(&self, name: &str, value: Option<&'a RawValue>) -> Result<&'a RawValue, RequestError> {
        value
            .ok_or_else(|| RequestError::Malformed(format!("{} needs a field {name:?}", self.kind)))
    }

    fn parsed<T: Deserialize<'a>>(
        &self,
        name: &str,
        value: Option<&'a RawValue>,
        shape: &str,
    ) -> Result<T, RequestError> {
        serde_json::from_str(self.field(name, value)?.get()).map_err(|why| {
            let why = message_of(&why);
            RequestError::Malformed(format!("{}: {name:?} must be {shape}: {why}", self.kind))
        })
    }
}

/// Decodes a field that is present.
///
/// By default serde takes a null for a missing field, but null is a value that a client may
/// echo or broadcast.
pub(super) fn present<'de, D: Deserializer<'de>>(
    field: D,
) -> Result<Option<&'de RawValue>, D::Error> {
    <&RawValue>::deserialize(field).map(Some)
}

fn msg_id<'de, D: Deserializer<'de>>(field: D) -> Result<Option<MsgId>, D::Error> {
    number("msg_id", field)
}

fn in_reply_to<'de, D: Deserializer<'de>>(field: D) -> Result<Option<MsgId>, D::Error> {
    number("in_reply_to", field)
}

/// Decodes the number of a request, with the name of the field in the error.
fn number<'de, D: Deserializer<'de>>(name: &str, field: D) -> Result<Option<MsgId>, D::Error> {
    Option::deserialize(field).map_err(|why| {
        D::Error::custom(format_args!("{name:?} must be an integer of 64 bits: {why}"))
    })
}
