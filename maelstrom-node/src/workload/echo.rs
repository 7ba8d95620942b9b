//! `echo`: replies with the value of the request, byte for byte.

use super::{Definition, Workload};
use crate::base::{Kind, Time};
use crate::message::{Address, Outbox, Payload, Request};

const KIND: Kind = Kind::new("echo");

pub(super) const DEFINITION: Definition = Definition {
    kind: KIND,
    is_replicated: false,
    takes_ids: false,
    serves: is_echo,
    is_identified_by: is_echo,
    create: |_| Ok(Box::new(Echo)),
};

fn is_echo(request: &Request<'_>) -> bool {
    matches!(request, Request::Echo { .. })
}

#[derive(Debug)]
pub(crate) struct Echo;

impl Workload for Echo {
    fn on_request(
        &mut self,
        _now: Time,
        _sent_at: Time,
        client: Option<&Address<'_>>,
        request: Request<'_>,
        out: &mut Outbox,
    ) {
        if let Request::Echo { echo } = request {
            out.reply(client, &Payload::EchoOk { echo });
        }
    }
}
