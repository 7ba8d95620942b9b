//! `g-counter` and `pn-counter`: a sum to which every node adds.

use serde_json::value::RawValue;

use super::replicated::Protocol;
use super::totals::Totals;
use crate::dissemination::Dissemination;
use crate::message::{Address, ErrorCode, Payload, Request};
use crate::outbox::Outbox;
use crate::time::Time;

#[derive(Debug)]
pub(crate) struct Counter {
    shrinks: bool,
    /// What clients have added here in this life of the node.
    total: i128,
}

impl Counter {
    /// A counter that only grows.
    pub(crate) fn growing() -> Counter {
        Counter { shrinks: false, total: 0 }
    }

    /// A counter that grows and shrinks.
    pub(crate) fn both_ways() -> Counter {
        Counter { shrinks: true, total: 0 }
    }

    /// Adds what a client asks for, or says why not and adds nothing.
    fn add(
        &mut self,
        now: Time,
        delta: Option<&RawValue>,
        totals: &mut Dissemination<Totals>,
    ) -> Result<(), &'static str> {
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
                    totals.add(now, text.as_deref().unwrap_or(RawValue::NULL));
                }
                Ok(())
            }
            _ => Err("add: overflow: what one node adds may come to 2^95 either way; not added"),
        }
    }
}

impl Protocol for Counter {
    type State = Totals;

    fn initial(_key: u64) -> Totals {
        Totals::default()
    }

    fn on_request(
        &mut self,
        now: Time,
        client: Option<&Address<'_>>,
        request: Request<'_>,
        totals: &mut Dissemination<Totals>,
        out: &mut Outbox,
    ) {
        match request {
            Request::Add { delta, .. } => match self.add(now, delta, totals) {
                Ok(()) => out.reply(client, &Payload::AddOk),
                Err(text) => out.error(client, ErrorCode::MalformedRequest, text),
            },
            Request::Read => {
                let sum = totals.state().sum();
                let value = itoa::Buffer::new().format(sum).to_owned();
                out.reply(client, &Payload::ReadValueOk { value: &value });
            }
            _ => {}
        }
    }
}
