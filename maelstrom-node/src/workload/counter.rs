//! `g-counter` and `pn-counter`: a sum to which every node adds. Clients are answered at
//! once, from memory.

use serde_json::value::RawValue;

use super::{Kind, Workload};
use crate::cluster::Cluster;
use crate::dissemination::{Aim, Dissemination, Totals};
use crate::message::{Address, ErrorCode, Gossip, Payload, Request};
use crate::outbox::Outbox;
use crate::time::Time;

#[derive(Debug)]
pub(crate) struct Counter {
    shrinks: bool,
    /// What clients have added here in this life of the node.
    total: i128,
    totals: Dissemination<Totals>,
}

impl Counter {
    /// A counter that only grows.
    pub(crate) fn growing(cluster: Cluster, incarnation: u64, aim: Aim) -> Counter {
        Counter::new(Kind::GCounter, false, cluster, incarnation, aim)
    }

    /// A counter that grows and shrinks.
    pub(crate) fn both_ways(cluster: Cluster, incarnation: u64, aim: Aim) -> Counter {
        Counter::new(Kind::PnCounter, true, cluster, incarnation, aim)
    }

    fn new(kind: Kind, shrinks: bool, cluster: Cluster, incarnation: u64, aim: Aim) -> Counter {
        let totals = Dissemination::new(kind, cluster, incarnation, aim, Totals::default());
        Counter { shrinks, total: 0, totals }
    }

    /// Adds what a client asks for, or says why not and adds nothing.
    fn add(&mut self, now: Time, delta: Option<&RawValue>) -> Result<(), &'static str> {
        let delta = delta.ok_or("add needs a field \"delta\" here: this is a counter")?.get();
        let digits = delta.strip_prefix('-').unwrap_or(delta);
        if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err("add: \"delta\" must be an integer, written without point or exponent");
        }
        if !self.shrinks && delta.starts_with('-') {
            return Err("add: a g-counter only grows; a pn-counter takes negative deltas");
        }
        let total = delta.parse().ok().and_then(|delta: i128| self.total.checked_add(delta));
        match total {
            Some(total) if total.unsigned_abs() <= Totals::LARGEST.unsigned_abs() => {
                if total != self.total {
                    self.total = total;
                    // Digits are JSON.
                    let text = RawValue::from_string(total.to_string());
                    self.totals.add(now, text.as_deref().unwrap_or(RawValue::NULL));
                }
                Ok(())
            }
            _ => Err("add: overflow: what one node adds may come to 2^95 either way; not added"),
        }
    }
}

impl Workload for Counter {
    fn on_request(
        &mut self,
        now: Time,
        client: Option<&Address<'_>>,
        request: Request<'_>,
        out: &mut Outbox,
    ) {
        match request {
            Request::Add { delta, .. } => match self.add(now, delta) {
                Ok(()) => out.reply(client, &Payload::AddOk),
                Err(text) => out.error(client, ErrorCode::MalformedRequest, text),
            },
            Request::Read => {
                let sum = self.totals.state().sum();
                let value = itoa::Buffer::new().format(sum).to_owned();
                out.reply(client, &Payload::ReadValueOk { value: &value });
            }
            _ => {}
        }
    }

    fn on_gossip(&mut self, now: Time, src: &str, gossip: Gossip<'_>, out: &mut Outbox) {
        self.totals.receive(now, src, gossip, out);
    }

    fn on_started(&mut self, now: Time) {
        self.totals.start(now);
    }

    fn deadline(&self) -> Option<Time> {
        self.totals.deadline()
    }

    fn on_deadline(&mut self, now: Time, out: &mut Outbox) {
        self.totals.on_deadline(now, out);
    }
}
