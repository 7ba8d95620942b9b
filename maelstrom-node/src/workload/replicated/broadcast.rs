//! `broadcast`: a grow-only set of values. The node does not use the suggested topology.

use super::grow_only_set::GrowOnlySet;
use super::{Protocol, Replicated, Times};
use crate::base::{Kind, Time};
use crate::dissemination::Dissemination;
use crate::message::{Address, ErrorCode, Outbox, Payload, Request};
use crate::workload::{Definition, check_size};

const KIND: Kind = Kind::new("broadcast");

pub(super) const DEFINITION: Definition = Definition {
    kind: KIND,
    is_replicated: true,
    takes_ids: false,
    serves: |request| is_broadcast(request) || matches!(request, Request::Read),
    is_identified_by: is_broadcast,
    create: |context| Ok(Box::new(Replicated::new(KIND, Broadcast, &TIMES, context))),
};

/// Values are rare: a node gets one every few hundred milliseconds. So short rounds do not pay off.
const TIMES: Times = Times { default_staleness_ms: 550, min_round_ms: 1000 };

fn is_broadcast(request: &Request<'_>) -> bool {
    matches!(request, Request::Topology | Request::Broadcast { .. })
}

#[derive(Debug)]
pub(crate) struct Broadcast;

impl Protocol for Broadcast {
    type State = GrowOnlySet;

    fn initial(key: u64) -> GrowOnlySet {
        GrowOnlySet::new(key)
    }

    fn on_request(
        &mut self,
        now: Time,
        client: Option<&Address<'_>>,
        request: Request<'_>,
        values: &mut Dissemination<GrowOnlySet>,
        out: &mut Outbox,
    ) {
        match request {
            Request::Topology => out.reply(client, &Payload::TopologyOk),
            Request::Broadcast { message } => {
                if let Err(text) = check_size("broadcast: \"message\" is", message.get().len()) {
                    return out.error(client, ErrorCode::MalformedRequest, &text);
                }
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
