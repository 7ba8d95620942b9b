//! The envelope of a message: its sender, its receiver and its body.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::Body;
use super::body::present;
use super::error::message_of;

/// The number of a request, which its reply repeats.
pub type MsgId = i64;

/// One line. Fields that are not listed are ignored.
#[derive(Debug, Deserialize)]
pub struct Envelope<'a> {
    /// The name of the sender.
    #[serde(borrow)]
    pub src: Cow<'a, str>,
    /// The name of the receiver.
    #[serde(borrow)]
    pub dest: Cow<'a, str>,
    /// The body of the message.
    #[serde(borrow, deserialize_with = "object")]
    pub body: Body<'a>,
    /// The network's own number of the message, of any JSON type.
    #[serde(default, borrow, deserialize_with = "present")]
    id: Option<&'a RawValue>,
}

/// The part of a request that a reply needs.
#[derive(Clone, Debug)]
pub struct Address<'a> {
    /// The sender of the request.
    pub src: Cow<'a, str>,
    /// The receiver of the request.
    pub dest: Cow<'a, str>,
    /// The number of the request.
    pub msg_id: MsgId,
}

impl Address<'_> {
    /// Returns an address that does not borrow from the line of the request.
    #[must_use]
    pub fn into_owned(self) -> Address<'static> {
        Address {
            src: self.src.into_owned().into(),
            dest: self.dest.into_owned().into(),
            msg_id: self.msg_id,
        }
    }
}

/// The reason why a line is not an [`Envelope`].
#[derive(Debug)]
pub enum LineError<'a> {
    /// No reply is possible: the line is not JSON, or lacks the sender or the number.
    Unanswerable(String),
    /// The sender can receive error 12.
    Malformed {
        /// The address of the reply.
        request: Address<'a>,
        /// The cause.
        text: String,
    },
}

impl<'a> Envelope<'a> {
    /// Reads one line, given without its newline.
    ///
    /// # Errors
    ///
    /// Returns a [`LineError`] with the cause, and with the address if a reply is possible.
    pub fn parse(line: &'a [u8]) -> Result<Envelope<'a>, LineError<'a>> {
        let text = std::str::from_utf8(line)
            .map_err(|why| LineError::Unanswerable(format!("not UTF-8: {why}")))?;
        let mut json = serde_json::Deserializer::from_str(text);
        let envelope = object(&mut json).and_then(|envelope| json.end().map(|()| envelope));
        envelope.map_err(|error| {
            let why = format!("{} at column {}", message_of(&error), error.column());
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

    /// Returns the address of a reply, or `None` if the sender expects no reply.
    #[must_use]
    pub fn address(&self) -> Option<Address<'_>> {
        let msg_id = self.body.msg_id?;
        Some(Address { src: (&*self.src).into(), dest: (&*self.dest).into(), msg_id })
    }
}

/// Returns the address of an error reply to a line that is not an [`Envelope`].
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

/// Decodes an object only. A derived struct alone also accepts a list of its fields.
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
