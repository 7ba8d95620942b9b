//! `g-counter` and `pn-counter`: counters (CRDTs, Shapiro et al. 2011) to which every node adds.

use serde_json::value::RawValue;

use super::node_counters::NodeCounters;
use super::{Protocol, Replicated, Times};
use crate::base::{Kind, Time};
use crate::dissemination::Dissemination;
use crate::message::{Address, ErrorCode, Outbox, Payload, Request};
use crate::workload::Definition;

const G_COUNTER: Kind = Kind::new("g-counter");
const PN_COUNTER: Kind = Kind::new("pn-counter");

pub(super) const GROW_ONLY: Definition = Definition {
    kind: G_COUNTER,
    is_replicated: true,
    takes_ids: false,
    serves: is_of_a_counter,
    is_identified_by: |_| false,
    create: |context| {
        let counter = Counter { shrinks: false, total: 0 };
        Ok(Box::new(Replicated::new(G_COUNTER, counter, &Times::OFTEN, context)))
    },
};

pub(super) const POSITIVE_NEGATIVE: Definition = Definition {
    kind: PN_COUNTER,
    is_replicated: true,
    takes_ids: false,
    serves: is_of_a_counter,
    // This counter takes every delta.
    is_identified_by: |request| matches!(request, Request::Add { element: None, .. }),
    create: |context| {
        let counter = Counter { shrinks: true, total: 0 };
        Ok(Box::new(Replicated::new(PN_COUNTER, counter, &Times::OFTEN, context)))
    },
};

fn is_of_a_counter(request: &Request<'_>) -> bool {
    matches!(request, Request::Add { .. } | Request::Read)
}

#[derive(Debug)]
pub(crate) struct Counter {
    shrinks: bool,
    /// The sum of what clients have added to this incarnation of the node.
    total: i128,
}

impl Counter {
    /// Adds an amount, or returns why it is rejected.
    fn add(
        &mut self,
        now: Time,
        delta: Option<&RawValue>,
        totals: &mut Dissemination<NodeCounters>,
    ) -> Result<(), &'static str> {
        let delta = delta.ok_or("add: a counter needs a field \"delta\"")?.get();
        let digits = delta.strip_prefix('-').unwrap_or(delta);
        if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err("add: \"delta\" must be an integer without a decimal point or exponent");
        }
        if !self.shrinks && delta.starts_with('-') {
            return Err("add: a g-counter only grows; use a pn-counter for negative deltas");
        }
        let total = delta.parse().ok().and_then(|delta: i128| self.total.checked_add(delta));
        match total {
            Some(total) if total.unsigned_abs() <= NodeCounters::LARGEST.unsigned_abs() => {
                if total != self.total {
                    self.total = total;
                    // Digits are JSON.
                    let text = RawValue::from_string(total.to_string());
                    totals.add(now, text.as_deref().unwrap_or(RawValue::NULL));
                }
                Ok(())
            }
            _ => Err("add: the total of this node would exceed 2^95; nothing was added"),
        }
    }
}

impl Protocol for Counter {
    type State = NodeCounters;

    fn initial(_key: u64) -> NodeCounters {
        NodeCounters::default()
    }

    fn on_request(
        &mut self,
        now: Time,
        client: Option<&Address<'_>>,
        request: Request<'_>,
        totals: &mut Dissemination<NodeCounters>,
        out: &mut Outbox,
    ) {
        match request {
            Request::Add { delta, .. } => match self.add(now, delta, totals) {
                Ok(()) => out.reply(client, &Payload::AddOk),
                Err(text) => out.error(client, ErrorCode::MalformedRequest, text),
            },
            Request::Read => {
                let value = totals.state().sum().to_string();
                out.reply(client, &Payload::ReadValueOk { value: &value });
            }
            _ => {}
        }
    }
}
