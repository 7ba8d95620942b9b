//! `echo`: the same value back, byte for byte.

use super::Workload;
use crate::message::{Address, Payload, Request};
use crate::outbox::Outbox;
use crate::time::Time;

#[derive(Debug)]
pub(crate) struct Echo;

impl Workload for Echo {
    fn on_request(
        &mut self,
        _now: Time,
        client: Option<&Address<'_>>,
        request: Request<'_>,
        out: &mut Outbox,
    ) {
        if let Request::Echo { echo } = request {
            out.reply(client, &Payload::EchoOk { echo });
        }
    }
}
