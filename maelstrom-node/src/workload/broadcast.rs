//! `broadcast`: values that every node shall come to know.
//!
//! Clients are answered at once, from memory. Everything about how values travel is
//! the dissemination layer's; the topology that Maelstrom suggests is not needed.

use super::{Kind, MOST_VALUE_BYTES, Workload};
use crate::cluster::Cluster;
use crate::dissemination::{Aim, Dissemination, Values};
use crate::message::{Address, ErrorCode, Gossip, Payload, Request};
use crate::outbox::Outbox;
use crate::time::Time;

#[derive(Debug)]
pub(crate) struct Broadcast {
    values: Dissemination<Values>,
}

impl Broadcast {
    pub(crate) fn new(cluster: Cluster, incarnation: u64, aim: Aim) -> Broadcast {
        let values = Values::new(incarnation);
        Broadcast { values: Dissemination::new(Kind::Broadcast, cluster, incarnation, aim, values) }
    }
}

impl Workload for Broadcast {
    fn on_request(
        &mut self,
        now: Time,
        client: Option<&Address<'_>>,
        request: Request<'_>,
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
                self.values.add(now, message);
            }
            Request::Read => self.values.state_mut().with_list(|messages| {
                out.reply(client, &Payload::ReadOk { messages });
            }),
            _ => {}
        }
    }

    fn on_gossip(&mut self, now: Time, src: &str, gossip: Gossip<'_>, out: &mut Outbox) {
        self.values.receive(now, src, gossip, out);
    }

    fn on_started(&mut self, now: Time) {
        self.values.start(now);
    }

    fn deadline(&self) -> Option<Time> {
        self.values.deadline()
    }

    fn on_deadline(&mut self, now: Time, out: &mut Outbox) {
        self.values.on_deadline(now, out);
    }
}
