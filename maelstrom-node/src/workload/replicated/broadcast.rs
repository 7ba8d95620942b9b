//! `broadcast`: values that every node shall come to know. The topology that Maelstrom suggests
//! is not needed.

use super::Protocol;
use super::grow_only_set::GrowOnlySet;
use super::{Replicated, Times};
use crate::base::Kind;
use crate::base::Time;
use crate::dissemination::Dissemination;
use crate::message::Outbox;
use crate::message::{Address, ErrorCode, Payload, Request};
use crate::workload::Definition;
use crate::workload::MAX_VALUE_BYTES;

const KIND: Kind = Kind::new("broadcast");

pub(crate) const BROADCAST: Definition = Definition {
    kind: KIND,
    is_replicated: true,
    takes_ids: false,
    serves: |request| is_broadcast(request) || matches!(request, Request::Read),
    is_identified_by: is_broadcast,
    create: |context| Ok(Box::new(Replicated::new(KIND, Broadcast, &TIMES, context))),
};

/// Nodes of a broadcast have a new value every few hundred milliseconds at most, and
/// report it immediately unless the bound is long.
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
            Request::Broadcast { message } if message.get().len() > MAX_VALUE_BYTES => {
                let text =
                    format!("broadcast: \"message\" is too large (limit {MAX_VALUE_BYTES} bytes)");
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
