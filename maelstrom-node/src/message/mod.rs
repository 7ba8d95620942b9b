//! Messages as lines of JSON. No other module knows Maelstrom's JSON names.
//!
//! A line is decoded once, into a flat struct that borrows from it. Values of clients stay
//! raw JSON, and replies repeat them byte for byte. Maelstrom's
//! `doc/protocol.md` and `doc/workloads.md` define the names and the error codes.
//!
//! | File | Contents |
//! |---|---|
//! | `envelope.rs` | a line that arrives: sender, receiver, body |
//! | `body.rs` | the bodies by type: requests, and the payloads of replies |
//! | `micro_op.rs` | the operations of a transaction |
//! | `gossip.rs` | the body of messages between nodes |
//! | `error.rs` | error codes, and the reasons why a request is rejected |
//! | `outbox.rs` | the lines that the node writes |

mod body;
mod envelope;
mod error;
mod gossip;
mod micro_op;
mod outbox;

pub use body::{Body, Offsets, Payload, Request};
pub use envelope::{Address, Envelope, LineError, MsgId};
pub(crate) use error::clipped;
pub use error::{ErrorCode, RequestError};
pub use gossip::Gossip;
pub(crate) use gossip::{DigestEntry, RoundTiming, Run, TimeEcho};
pub use micro_op::MicroOp;
pub use outbox::Outbox;

/// Returns a text that is JSON as a raw value, and null for any other text.
pub(crate) fn raw(text: &str) -> &serde_json::value::RawValue {
    serde_json::from_str(text).unwrap_or(serde_json::value::RawValue::NULL)
}
