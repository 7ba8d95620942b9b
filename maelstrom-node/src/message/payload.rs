//! What a node says, and how it stands on a line.
//!
//! Lines are written by hand. Derived writing, which escapes every field name again for
//! every message, was a third of all the instructions that a request cost.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::value::RawValue;
use snowflake::Id;

use super::{Gossip, MsgId};

/// What a node can say. The closed schemas of the replies: no field is ever null.
#[derive(Debug)]
pub enum Payload<'a> {
    /// Answers `init`.
    InitOk,
    /// Answers `echo`.
    EchoOk {
        /// The value of the request.
        echo: &'a RawValue,
    },
    /// Answers `generate`.
    GenerateOk {
        /// A JSON string: JavaScript loses digits of larger numbers.
        id: Id,
    },
    /// Answers `topology`.
    TopologyOk,
    /// Answers `broadcast`.
    BroadcastOk,
    /// Answers `add`.
    AddOk,
    /// Answers a counter's or a set's `read`.
    ReadValueOk {
        /// The text of the sum, or of a JSON list of every element.
        value: &'a str,
    },
    /// Answers a broadcast's `read`.
    ReadOk {
        /// The text of a JSON list: every value known, in order of arrival.
        messages: &'a str,
    },
    /// Answers `send`.
    SendOk {
        /// The message's place in its log.
        offset: u64,
    },
    /// Answers `poll`.
    PollOk {
        /// By key, offsets and messages.
        polled: &'a [(&'a str, Vec<(u64, &'a str)>)],
    },
    /// Answers `commit_offsets`.
    CommitOffsetsOk,
    /// Answers `list_committed_offsets`.
    ListCommittedOffsetsOk {
        /// By key; one that nothing is committed of is left out.
        offsets: &'a BTreeMap<String, u64>,
    },
    /// Answers any request that cannot be served.
    Error {
        /// What kind of failure it is.
        code: ErrorCode,
        /// What was wrong and what to do, for a person.
        text: &'a str,
    },
    /// Tells a peer what this node knows.
    Gossip {
        /// The share itself.
        gossip: &'a Gossip<'a>,
    },
}

/// The errors this node gives. All but the first are definite: what was asked for did not
/// and will not happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorCode {
    /// It could not be confirmed in time; it may have happened, or happen yet.
    Timeout,
    /// Nothing here serves such a request.
    NotSupported,
    /// Not now; trying again later may help.
    TemporarilyUnavailable,
    /// The request is not as its type demands.
    MalformedRequest,
}

impl From<ErrorCode> for u32 {
    fn from(code: ErrorCode) -> u32 {
        match code {
            ErrorCode::Timeout => 0,
            ErrorCode::NotSupported => 10,
            ErrorCode::TemporarilyUnavailable => 11,
            ErrorCode::MalformedRequest => 12,
        }
    }
}

/// Writes one message and its newline at the end of `lines`.
pub(crate) fn write_line(
    lines: &mut Vec<u8>,
    src: &str,
    dest: &str,
    in_reply_to: Option<MsgId>,
    payload: &Payload<'_>,
) {
    let start = lines.len();
    if let Err(why) = Line(lines).message(src, dest, in_reply_to, payload) {
        // Writing to memory cannot fail, and half a line would silence this node for
        // good, so if it ever does, nothing is said at all.
        lines.truncate(start);
        tracing::error!(%why, "a message could not be written");
    }
}

/// A line in the making, at the end of a buffer.
struct Line<'a>(&'a mut Vec<u8>);

impl Line<'_> {
    fn message(
        &mut self,
        src: &str,
        dest: &str,
        in_reply_to: Option<MsgId>,
        payload: &Payload<'_>,
    ) -> serde_json::Result<()> {
        self.json(r#"{"src":"#);
        self.value(src)?;
        self.json(r#","dest":"#);
        self.value(dest)?;
        self.json(r#","body":{"type":"#);
        self.payload(payload)?;
        if let Some(msg_id) = in_reply_to {
            self.json(r#","in_reply_to":"#);
            self.integer(msg_id);
        }
        self.json("}}\n");
        Ok(())
    }

    /// The type, as a value, and the fields that go with it.
    fn payload(&mut self, payload: &Payload<'_>) -> serde_json::Result<()> {
        match payload {
            Payload::InitOk => self.json(r#""init_ok""#),
            Payload::EchoOk { echo } => {
                self.json(r#""echo_ok","echo":"#);
                self.json(echo.get());
            }
            Payload::GenerateOk { id } => {
                self.json(r#""generate_ok","id":""#);
                self.integer(id.get());
                self.json("\"");
            }
            Payload::TopologyOk => self.json(r#""topology_ok""#),
            Payload::BroadcastOk => self.json(r#""broadcast_ok""#),
            Payload::AddOk => self.json(r#""add_ok""#),
            Payload::ReadValueOk { value } => {
                self.json(r#""read_ok","value":"#);
                self.json(value);
            }
            Payload::ReadOk { messages } => {
                self.json(r#""read_ok","messages":"#);
                self.json(messages);
            }
            Payload::SendOk { offset } => {
                self.json(r#""send_ok","offset":"#);
                self.integer(*offset);
            }
            Payload::PollOk { polled } => {
                self.json(r#""poll_ok","msgs":"#);
                self.polled(polled)?;
            }
            Payload::CommitOffsetsOk => self.json(r#""commit_offsets_ok""#),
            Payload::ListCommittedOffsetsOk { offsets } => {
                self.json(r#""list_committed_offsets_ok","offsets":"#);
                self.value(offsets)?;
            }
            Payload::Error { code, text } => {
                self.json(r#""error","code":"#);
                self.integer(u32::from(*code));
                self.json(r#","text":"#);
                self.value(text)?;
            }
            Payload::Gossip { gossip } => {
                self.json(r#""gossip","gossip":"#);
                self.value(gossip)?;
            }
        }
        Ok(())
    }

    /// An object of lists of pairs: an offset and a message, which is JSON already.
    fn polled(&mut self, polled: &[(&str, Vec<(u64, &str)>)]) -> serde_json::Result<()> {
        self.json("{");
        for (nth, (key, messages)) in polled.iter().enumerate() {
            self.json(if nth == 0 { "" } else { "," });
            self.value(key)?;
            self.json(":[");
            for (nth, (offset, message)) in messages.iter().enumerate() {
                self.json(if nth == 0 { "[" } else { ",[" });
                self.integer(*offset);
                self.json(",");
                self.json(message);
                self.json("]");
            }
            self.json("]");
        }
        self.json("}");
        Ok(())
    }

    /// Text that is JSON, or a piece of it, already.
    fn json(&mut self, text: &str) {
        self.0.extend_from_slice(text.as_bytes());
    }

    fn integer(&mut self, number: impl itoa::Integer) {
        self.json(itoa::Buffer::new().format(number));
    }

    fn value(&mut self, value: &(impl Serialize + ?Sized)) -> serde_json::Result<()> {
        serde_json::to_writer(&mut *self.0, value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(in_reply_to: Option<MsgId>, payload: &Payload<'_>) -> String {
        let mut lines = Vec::new();
        write_line(&mut lines, "n1", "c\"2", in_reply_to, payload);
        String::from_utf8(lines).unwrap()
    }

    #[test]
    fn every_reply_has_the_fields_of_its_schema_and_no_others() {
        let echo: &RawValue = serde_json::from_str(r#"{"a": [1.50]}"#).unwrap();
        let id = Id::from_raw(u64::MAX >> 1).unwrap();
        let code = ErrorCode::NotSupported;
        for (payload, body) in [
            (Payload::InitOk, r#""init_ok""#),
            (Payload::EchoOk { echo }, r#""echo_ok","echo":{"a": [1.50]}"#),
            (Payload::GenerateOk { id }, r#""generate_ok","id":"9223372036854775807""#),
            (Payload::TopologyOk, r#""topology_ok""#),
            (Payload::BroadcastOk, r#""broadcast_ok""#),
            (Payload::AddOk, r#""add_ok""#),
            (Payload::ReadValueOk { value: "-7" }, r#""read_ok","value":-7"#),
            (Payload::ReadOk { messages: "[1,2]" }, r#""read_ok","messages":[1,2]"#),
            (Payload::SendOk { offset: 7 }, r#""send_ok","offset":7"#),
            (Payload::PollOk { polled: &[] }, r#""poll_ok","msgs":{}"#),
            (
                Payload::PollOk {
                    polled: &[("a\"", vec![(1, "[2]"), (4, "\"x\"")]), ("b", vec![(0, "{}")])],
                },
                r#""poll_ok","msgs":{"a\"":[[1,[2]],[4,"x"]],"b":[[0,{}]]}"#,
            ),
            (Payload::CommitOffsetsOk, r#""commit_offsets_ok""#),
            (
                Payload::ListCommittedOffsetsOk { offsets: &BTreeMap::from([("k".to_owned(), 3)]) },
                r#""list_committed_offsets_ok","offsets":{"k":3}"#,
            ),
            (Payload::Error { code, text: "no\n" }, r#""error","code":10,"text":"no\n""#),
        ] {
            let body = format!(r#"{{"type":{body},"in_reply_to":{}}}"#, i64::MIN);
            let expected = format!(r#"{{"src":"n1","dest":"c\"2","body":{body}}}"#);
            assert_eq!(line(Some(i64::MIN), &payload), expected + "\n");
        }
    }

    #[test]
    fn what_answers_nothing_names_no_request() {
        let expected = r#"{"src":"n1","dest":"c\"2","body":{"type":"topology_ok"}}"#;
        assert_eq!(line(None, &Payload::TopologyOk), format!("{expected}\n"));
    }
}
