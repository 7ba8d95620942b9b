//! Messages as they stand on a line. Nothing outside this module knows Maelstrom's JSON names.
//!
//! A line is decoded once, into a flat struct that borrows from it; values that
//! belong to clients stay raw JSON and go back out byte for byte. Field names and
//! error codes are those of Maelstrom's `doc/protocol.md` and `doc/workloads.md`.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, Error, MapAccess, Visitor};
use serde_json::value::RawValue;

mod gossip;
mod outbox;
mod payload;

pub use gossip::Gossip;
pub(crate) use gossip::{DigestEntry, RoundTiming, Run, TimeEcho};
pub use outbox::Outbox;
pub use payload::{ErrorCode, Payload};

/// Names a request, so that its reply can be told apart.
pub type MsgId = i64;

/// Offsets in logs, by key, as clients write them.
pub type Offsets = BTreeMap<String, i64>;

/// One line: who sent what to whom. Fields that are not listed are ignored.
#[derive(Debug, Deserialize)]
pub struct Envelope<'a> {
    /// The sender's name.
    #[serde(borrow)]
    pub src: Cow<'a, str>,
    /// The name of the node the line is for.
    #[serde(borrow)]
    pub dest: Cow<'a, str>,
    /// What is being said.
    #[serde(borrow, deserialize_with = "object")]
    pub body: Body<'a>,
    /// The network's own number of the message, whatever it is written as.
    #[serde(default, borrow, deserialize_with = "present")]
    id: Option<&'a RawValue>,
}

/// The body of a message, not yet checked against what its type needs.
///
/// Every field but the three of the protocol stays raw, so that a strange value in
/// a field that the type does not use harms nothing.
#[derive(Debug, Deserialize)]
pub struct Body<'a> {
    /// The message's type.
    #[serde(rename = "type", borrow)]
    kind: Cow<'a, str>,
    /// Set on requests; the reply repeats it.
    #[serde(default, deserialize_with = "msg_id")]
    pub msg_id: Option<MsgId>,
    /// Set on replies.
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
    gossip: Option<&'a RawValue>,
}

/// Takes a field as it stands. Without this a `null` would count as a missing field,
/// but `null` is a value that a client may echo or broadcast.
fn present<'de, D: Deserializer<'de>>(field: D) -> Result<Option<&'de RawValue>, D::Error> {
    <&RawValue>::deserialize(field).map(Some)
}

fn msg_id<'de, D: Deserializer<'de>>(field: D) -> Result<Option<MsgId>, D::Error> {
    number("msg_id", field)
}

fn in_reply_to<'de, D: Deserializer<'de>>(field: D) -> Result<Option<MsgId>, D::Error> {
    number("in_reply_to", field)
}

/// Takes the number of a request. By itself the error would not name the field.
fn number<'de, D: Deserializer<'de>>(name: &str, field: D) -> Result<Option<MsgId>, D::Error> {
    Option::deserialize(field).map_err(|why| {
        D::Error::custom(format_args!("{name:?} must be an integer of 64 bits: {why}"))
    })
}

/// Takes an object and nothing else. By itself a derived struct takes a list of its
/// fields as well.
fn object<'de, T: Deserialize<'de>, D: Deserializer<'de>>(field: D) -> Result<T, D::Error> {
    struct Object<T>(PhantomData<T>);

    impl<'de, T: Deserialize<'de>> Visitor<'de> for Object<T> {
        type Value = T;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object")
        }

        fn visit_map<A: MapAccess<'de>>(self, fields: A) -> Result<T, A::Error> {
            T::deserialize(MapAccessDeserializer::new(fields))
        }
    }

    field.deserialize_map(Object(PhantomData))
}

/// What a node can be asked, with everything the question needs.
#[derive(Debug)]
pub enum Request<'a> {
    /// Tells the node its name and the names of all nodes.
    Init {
        /// The node's own name.
        node_id: String,
        /// Every node's name, its own among them.
        node_ids: Vec<String>,
    },
    /// Asks for the same value back.
    Echo {
        /// Any JSON.
        echo: &'a RawValue,
    },
    /// Asks for an ID that nobody was given before.
    Generate,
    /// Suggests whom to talk to.
    Topology,
    /// Hands in a value that every node shall come to know.
    Broadcast {
        /// Any JSON.
        message: &'a RawValue,
    },
    /// Adds to a set or a counter. At least one of the fields is there.
    Add {
        /// Any JSON, for a set.
        element: Option<&'a RawValue>,
        /// How much to add, for a counter, not yet checked to be a number.
        delta: Option<&'a RawValue>,
    },
    /// Asks for everything that is known.
    Read,
    /// Adds a message to a key's log.
    Send {
        /// The key.
        key: String,
        /// Any JSON.
        msg: &'a RawValue,
    },
    /// Asks for the messages from these offsets on.
    Poll {
        /// By key.
        offsets: Offsets,
    },
    /// Says up to where messages have been dealt with.
    CommitOffsets {
        /// By key.
        offsets: Offsets,
    },
    /// Asks up to where messages have been dealt with.
    ListCommittedOffsets {
        /// Of which logs.
        keys: Vec<String>,
    },
    /// A peer's share of what it knows.
    Gossip(Box<Gossip<'a>>),
}

/// Why a body is no [`Request`].
#[derive(Debug)]
pub enum Refusal {
    /// Error 10: nothing here knows this type.
    NotSupported(String),
    /// Error 12: the type is known, its fields are not as they should be.
    Malformed(String),
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Refusal::NotSupported(text) | Refusal::Malformed(text)) = self;
        f.write_str(clipped(text))
    }
}

impl<'a> Body<'a> {
    /// The message's type, as it stands on the line.
    #[must_use]
    pub fn kind(&self) -> &str {
        &self.kind
    }

    /// Whether this answers something and so must never be answered itself: two
    /// nodes that each reject the other's errors would go on for ever.
    #[must_use]
    pub fn is_reply(&self) -> bool {
        self.in_reply_to.is_some() || self.kind == "error"
    }

    /// Checks the body against what its type needs.
    ///
    /// # Errors
    ///
    /// [`Refusal::NotSupported`] for an unknown type, [`Refusal::Malformed`] for a
    /// field that is missing or has the wrong shape; the text names the field.
    pub fn request(&self) -> Result<Request<'a>, Refusal> {
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
                return Err(Refusal::Malformed(text.to_owned()));
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
            "gossip" => Request::Gossip(self.parsed("gossip", self.gossip, "a gossip message")?),
            unknown => {
                return Err(Refusal::NotSupported(format!("unknown message type {unknown:?}")));
            }
        })
    }

    fn offsets(&self) -> Result<Offsets, Refusal> {
        self.parsed("offsets", self.offsets, "an object of integers")
    }

    fn field(&self, name: &str, value: Option<&'a RawValue>) -> Result<&'a RawValue, Refusal> {
        value.ok_or_else(|| Refusal::Malformed(format!("{} needs a field {name:?}", self.kind)))
    }

    fn parsed<T: Deserialize<'a>>(
        &self,
        name: &str,
        value: Option<&'a RawValue>,
        shape: &str,
    ) -> Result<T, Refusal> {
        serde_json::from_str(self.field(name, value)?.get()).map_err(|why| {
            let why = in_words(&why);
            Refusal::Malformed(format!("{}: {name:?} must be {shape}: {why}", self.kind))
        })
    }
}

/// Why a line is no [`Envelope`].
#[derive(Debug)]
pub enum LineError<'a> {
    /// Nobody can be told: the line is not JSON, or names no sender or request.
    Unanswerable(String),
    /// The sender can be told: error 12.
    Malformed {
        /// Enough of the line to reply to it.
        request: Address<'a>,
        /// What is wrong with it.
        text: String,
    },
}

/// An error of JSON without its place. The line is always the first, and the column that of a
/// part where the error is about one.
fn in_words(error: &serde_json::Error) -> String {
    let text = error.to_string();
    text.rsplit_once(" at line ").map_or(&*text, |(what, _)| what).to_owned()
}

/// The beginning of a text that may quote what somebody sent, which can be megabytes.
#[must_use]
pub(crate) fn clipped(text: &str) -> &str {
    const MAX_CHARS: usize = 200;
    text.char_indices().nth(MAX_CHARS).map_or(text, |(end, _)| &text[..end])
}

/// As much of a request as a reply needs.
#[derive(Clone, Debug)]
pub struct Address<'a> {
    /// Who asked.
    pub src: Cow<'a, str>,
    /// Who was asked.
    pub dest: Cow<'a, str>,
    /// Which request.
    pub msg_id: MsgId,
}

impl<'a> Envelope<'a> {
    /// Reads one line, given without its newline.
    ///
    /// # Errors
    ///
    /// A [`LineError`] that says what is wrong and whether anyone can be told.
    pub fn parse(line: &'a [u8]) -> Result<Envelope<'a>, LineError<'a>> {
        let text = std::str::from_utf8(line)
            .map_err(|why| LineError::Unanswerable(format!("not UTF-8: {why}")))?;
        let mut json = serde_json::Deserializer::from_str(text);
        let envelope = object(&mut json).and_then(|envelope| json.end().map(|()| envelope));
        envelope.map_err(|error| {
            let why = format!("{} at column {}", in_words(&error), error.column());
            match address_of(text) {
                Some(request) => LineError::Malformed { request, text: why },
                None => LineError::Unanswerable(format!("not a message: {why}")),
            }
        })
    }

    /// Returns how many messages the network had carried before this one.
    ///
    /// Maelstrom numbers all messages of a test from 0. The result is `None` if the
    /// line has no `id`, or one that is not a number.
    #[must_use]
    pub fn messages_before(&self) -> Option<u64> {
        self.id?.get().parse().ok()
    }

    /// Where a reply to this message goes, or `None` if it asks for none.
    #[must_use]
    pub fn address(&self) -> Option<Address<'_>> {
        let msg_id = self.body.msg_id?;
        Some(Address { src: (&*self.src).into(), dest: (&*self.dest).into(), msg_id })
    }
}

/// Looks in a line that is no [`Envelope`] for what an error reply needs.
fn address_of(line: &str) -> Option<Address<'_>> {
    #[derive(Deserialize)]
    struct Outline<'a> {
        #[serde(borrow)]
        src: Cow<'a, str>,
        #[serde(borrow)]
        dest: Cow<'a, str>,
        #[serde(deserialize_with = "object")]
        body: OutlineBody,
    }
    #[derive(Deserialize)]
    struct OutlineBody {
        msg_id: MsgId,
    }

    let mut json = serde_json::Deserializer::from_str(line);
    let Outline { src, dest, body } = object(&mut json).ok()?;
    json.end().ok()?;
    Some(Address { src, dest, msg_id: body.msg_id })
}
