//! `broadcast`: values that every node shall come to know. The topology that Maelstrom suggests
//! is not needed.

use super::MOST_VALUE_BYTES;
use super::replicated::Protocol;
use super::values::Values;
use crate::dissemination::Dissemination;
use crate::message::{Address, ErrorCode, Payload, Request};
use crate::outbox::Outbox;
use crate::time::Time;

#[derive(Debug)]
pub(crate) struct Broadcast;

impl Protocol for Broadcast {
    type State = Values;

    fn initial(key: u64) -> Values {
        Values::new(key)
    }

    fn on_request(
        &mut self,
        now: Time,
        client: Option<&Address<'_>>,
        request: Request<'_>,
        values: &mut Dissemination<Values>,
        out: &mut Outbox,
    ) {
        match request {
            Request::Topology => out.reply(client, &Payload::TopologyOk),
            Request::Broadcast { message } if message.get().len() > MOST_VALUE_BYTES => {
                let text = format!("a value may have {MOST_VALUE_BYTES} bytes at the most");
                out.error(client, ErrorCode::MalformedRequest, &text);
            }
            Request::Broadcast { message } => {
                out.reply(client, &Payload::BroadcastOk);
                values.add(now, message);
            }
            Request::Read => values.state_mut().with_list(|messages| {
                out.reply(client, &Payload::ReadOk { messages });
            }),
            _ => {}
        }
    }
}
