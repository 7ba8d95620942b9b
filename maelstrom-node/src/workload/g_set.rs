//! `g-set`: a set that only grows. Clients are answered at once, from memory.

use super::{Kind, MOST_VALUE_BYTES, Workload};
use crate::cluster::Cluster;
use crate::dissemination::{Aim, Dissemination, Values};
use crate::message::{Address, ErrorCode, Gossip, Payload, Request};
use crate::outbox::Outbox;
use crate::time::Time;

#[derive(Debug)]
pub(crate) struct GSet {
    elements: Dissemination<Values>,
}

impl GSet {
    pub(crate) fn new(cluster: Cluster, incarnation: u64, aim: Aim) -> GSet {
        let elements = Values::new(incarnation);
        GSet { elements: Dissemination::new(Kind::GSet, cluster, incarnation, aim, elements) }
    }
}

impl Workload for GSet {
    fn on_request(
        &mut self,
        now: Time,
        client: Option<&Address<'_>>,
        request: Request<'_>,
        out: &mut Outbox,
    ) {
        match request {
            Request::Add { element: Some(element), .. } => {
                if element.get().len() > MOST_VALUE_BYTES {
                    let text = format!("an element may have {MOST_VALUE_BYTES} bytes at the most");
                    return out.error(client, ErrorCode::MalformedRequest, &text);
                }
                out.reply(client, &Payload::AddOk);
                self.elements.add(now, element);
            }
            Request::Add { element: None, .. } => {
                let text = "add needs a field \"element\" here: this is a g-set";
                out.error(client, ErrorCode::MalformedRequest, text);
            }
            Request::Read => self.elements.state_mut().with_list(|value| {
                out.reply(client, &Payload::ReadValueOk { value });
            }),
            _ => {}
        }
    }

    fn on_gossip(&mut self, now: Time, src: &str, gossip: Gossip<'_>, out: &mut Outbox) {
        self.elements.receive(now, src, gossip, out);
    }

    fn on_started(&mut self, now: Time) {
        self.elements.start(now);
    }

    fn deadline(&self) -> Option<Time> {
        self.elements.deadline()
    }

    fn on_deadline(&mut self, now: Time, out: &mut Outbox) {
        self.elements.on_deadline(now, out);
    }
}
