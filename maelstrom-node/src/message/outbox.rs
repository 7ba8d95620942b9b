//! What the node wants sent, as lines ready to go.

use super::payload::write_line;
use super::{Address, ErrorCode, Payload, Refusal, clipped};

/// Collects the messages of one or more calls into the node.
///
/// The lines stand in one buffer, so that the runtime writes a whole batch at once
/// and sending allocates nothing once the buffer has grown.
#[derive(Debug, Default)]
pub struct Outbox {
    lines: Vec<u8>,
}

impl Outbox {
    /// An empty outbox.
    #[must_use]
    pub fn new() -> Outbox {
        Outbox::default()
    }

    /// Everything to be sent: JSON lines, each with its newline.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.lines
    }

    /// The messages one by one, without their newlines, in the order they were sent.
    pub fn lines(&self) -> impl Iterator<Item = &[u8]> {
        self.lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty())
    }

    /// Whether nothing is to be sent.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// Forgets the messages, keeping their space up to a few MiB.
    pub fn clear(&mut self) {
        const KEPT_BYTES: usize = 4 << 20;
        self.lines.clear();
        self.lines.shrink_to(KEPT_BYTES);
    }

    /// Sends a message that answers nothing.
    pub fn send(&mut self, src: &str, dest: &str, payload: &Payload<'_>) {
        write_line(&mut self.lines, src, dest, None, payload);
    }

    /// Answers a request, if it asked to be answered.
    pub fn reply(&mut self, request: Option<&Address<'_>>, payload: &Payload<'_>) {
        if let Some(Address { src, dest, msg_id }) = request {
            write_line(&mut self.lines, dest, src, Some(*msg_id), payload);
        }
    }

    pub(crate) fn error(&mut self, request: Option<&Address<'_>>, code: ErrorCode, text: &str) {
        self.reply(request, &Payload::Error { code, text: clipped(text) });
    }

    pub(crate) fn refuse(&mut self, request: Option<&Address<'_>>, refusal: &Refusal) {
        match refusal {
            Refusal::NotSupported(text) => self.error(request, ErrorCode::NotSupported, text),
            Refusal::Malformed(text) => self.error(request, ErrorCode::MalformedRequest, text),
        }
    }
}
