//! Requests to nodes, and what a client does next.

use crate::format::wire::Schema;
use crate::history::Operations;

/// A request to a node, and the form of the reply that means success.
#[derive(Clone, Debug)]
pub struct Request {
    /// The fields of the body between `type` and `msg_id`, each with its leading comma, as JSON.
    pub fields: String,
    /// The `type`.
    pub kind: &'static str,
    /// The schema of the reply.
    pub reply: Schema,
}

/// The next step of a client.
#[derive(Debug)]
pub enum Step<W: Operations> {
    /// Sends a request and waits for its reply.
    Send(Request),
    /// Ends the operation with success.
    Done(W::Output),
    /// Drops the client and its state; a new client takes its place.
    Crash,
}

impl Request {
    /// Creates a request without further fields.
    #[must_use]
    pub fn bare(kind: &'static str, reply: Schema) -> Request {
        Request { fields: String::new(), kind, reply }
    }

    /// Returns the body, as it is sent over the network. As in Maelstrom, `msg_id` is last.
    #[must_use]
    pub fn body(&self, msg_id: u64) -> String {
        format!(r#"{{"type":"{}"{},"msg_id":{msg_id}}}"#, self.kind, self.fields)
    }
}
