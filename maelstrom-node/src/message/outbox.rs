//! The outbox: the messages that the node sends, as lines.

use serde::Serialize;

use super::{Address, ErrorCode, MsgId, Payload, RequestError, clipped};

/// A buffer of the messages from one or more calls into the node.
///
/// All lines are in one buffer. So the driver writes a batch in one call, and sending
/// allocates nothing once the buffer has grown.
#[derive(Debug, Default)]
pub struct Outbox {
    lines: Vec<u8>,
}

/// A message on its way out, except for the fields that are appended to its body.
#[derive(Serialize)]
struct Line<'a> {
    src: &'a str,
    dest: &'a str,
    body: &'a Payload<'a>,
}

impl Outbox {
    /// Creates an empty outbox.
    #[must_use]
    pub fn new() -> Outbox {
        Outbox::default()
    }

    /// Returns all messages: JSON lines, each with its newline.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.lines
    }

    /// Returns the messages one by one, without their newlines, in the order of sending.
    pub fn lines(&self) -> impl Iterator<Item = &[u8]> {
        self.lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty())
    }

    /// Returns `true` if the outbox has no message.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// Removes all messages, and keeps a few MiB of their memory.
    pub fn clear(&mut self) {
        const MAX_IDLE_BYTES: usize = 4 << 20;
        self.lines.clear();
        self.lines.shrink_to(MAX_IDLE_BYTES);
    }

    /// Sends a message that is not a reply.
    pub fn send(&mut self, src: &str, dest: &str, payload: &Payload<'_>) {
        self.write(src, dest, payload, None);
    }

    /// Replies to a request, if the client expects a reply.
    pub fn reply(&mut self, request: Option<&Address<'_>>, payload: &Payload<'_>) {
        if let Some(Address { src, dest, msg_id }) = request {
            self.write(dest, src, payload, Some(*msg_id));
        }
    }

    pub(crate) fn error(&mut self, request: Option<&Address<'_>>, code: ErrorCode, text: &str) {
        self.reply(request, &Payload::Error { code, text: clipped(text) });
    }

    pub(crate) fn reject(&mut self, request: Option<&Address<'_>>, error: &RequestError) {
        match error {
            RequestError::NotSupported(text) => self.error(request, ErrorCode::NotSupported, text),
            RequestError::Malformed(text) => self.error(request, ErrorCode::MalformedRequest, text),
        }
    }

    fn write(&mut self, src: &str, dest: &str, body: &Payload<'_>, in_reply_to: Option<MsgId>) {
        let start = self.lines.len();
        if let Err(why) = serde_json::to_writer(&mut self.lines, &Line { src, dest, body }) {
            // Writing to memory cannot fail. But half a line would silence this node for the
            // rest of a test, so after an error the node sends nothing.
            self.lines.truncate(start);
            return tracing::error!(%why, "cannot write a message");
        }
        if let Some((name, text)) = body.text_field() {
            self.append(name, text);
        }
        if let Some(msg_id) = in_reply_to {
            self.append("in_reply_to", &msg_id.to_string());
        }
        self.lines.push(b'\n');
    }

    /// Appends a field to the body of the last line. Every body has a field before it, its type.
    fn append(&mut self, name: &str, json: &str) {
        const END: &str = "}}";
        self.lines.truncate(self.lines.len() - END.len());
        for part in [",\"", name, "\":", json, END] {
            self.lines.extend_from_slice(part.as_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::value::RawValue;
    use snowflake::Id;

    use super::super::{MicroOp, raw};
    use super::*;

    fn reply(payload: &Payload<'_>) -> String {
        let mut out = Outbox::new();
        let request = Address { src: "c\"2".into(), dest: "n1".into(), msg_id: i64::MIN };
        out.reply(Some(&request), payload);
        String::from_utf8(out.lines).unwrap()
    }

    #[test]
    fn every_reply_has_the_fields_of_its_schema_and_no_others() {
        let echo: &RawValue = raw(r#"{"a": [1.50]}"#);
        let id = Id::from_raw(u64::MAX >> 1).unwrap();
        let code = ErrorCode::NotSupported;
        let msgs = BTreeMap::from([
            ("a\"", vec![(1, raw("[2]")), (4, raw("\"x\""))]),
            ("b", vec![(0, raw("{}"))]),
        ]);
        let txn = [
            MicroOp::Read { key: raw("1"), value: raw("null") },
            MicroOp::Write { key: raw("\"a\""), value: raw("[ 2]") },
        ];
        let offsets = &BTreeMap::from([("k".to_owned(), 3)]);
        for (payload, kind, fields) in [
            (Payload::InitOk, "init_ok", ""),
            (Payload::EchoOk { echo }, "echo_ok", r#""echo":{"a": [1.50]}"#),
            (Payload::GenerateOk { id }, "generate_ok", r#""id":"9223372036854775807""#),
            (Payload::TopologyOk, "topology_ok", ""),
            (Payload::BroadcastOk, "broadcast_ok", ""),
            (Payload::AddOk, "add_ok", ""),
            (Payload::ReadOk { messages: "[1, {}]" }, "read_ok", r#""messages":[1, {}]"#),
            (Payload::ReadValueOk { value: "-7" }, "read_ok", r#""value":-7"#),
            (Payload::SendOk { offset: 7 }, "send_ok", r#""offset":7"#),
            (Payload::PollOk { msgs: BTreeMap::new() }, "poll_ok", r#""msgs":{}"#),
            (
                Payload::PollOk { msgs },
                "poll_ok",
                r#""msgs":{"a\"":[[1,[2]],[4,"x"]],"b":[[0,{}]]}"#,
            ),
            (Payload::CommitOffsetsOk, "commit_offsets_ok", ""),
            (
                Payload::ListCommittedOffsetsOk { offsets },
                "list_committed_offsets_ok",
                r#""offsets":{"k":3}"#,
            ),
            (Payload::TxnOk { txn: &[] }, "txn_ok", r#""txn":[]"#),
            (Payload::TxnOk { txn: &txn }, "txn_ok", r#""txn":[["r",1,null],["w","a",[ 2]]]"#),
            (Payload::Error { code, text: "no\n" }, "error", r#""code":10,"text":"no\n""#),
        ] {
            let fields = if fields.is_empty() { String::new() } else { format!(",{fields}") };
            let body = format!(r#"{{"type":"{kind}"{fields},"in_reply_to":-9223372036854775808}}"#);
            let expected = format!(r#"{{"src":"n1","dest":"c\"2","body":{body}}}"#);
            assert_eq!(reply(&payload), expected + "\n");
        }
    }

    #[test]
    fn a_message_that_is_not_a_reply_has_no_number() {
        let mut out = Outbox::new();
        out.send("n1", "c\"2", &Payload::TopologyOk);
        let expected = r#"{"src":"n1","dest":"c\"2","body":{"type":"topology_ok"}}"#;
        assert_eq!(out.as_bytes(), format!("{expected}\n").as_bytes());
    }
}
