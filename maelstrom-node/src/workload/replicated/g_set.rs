//! `g-set`: a grow-only set (a CRDT, Shapiro et al. 2011).

use super::grow_only_set::GrowOnlySet;
use super::{Protocol, Replicated, Times};
use crate::base::{Kind, Time};
use crate::dissemination::Dissemination;
use crate::message::{Address, ErrorCode, Outbox, Payload, Request};
use crate::workload::{Definition, check_size};

const KIND: Kind = Kind::new("g-set");

pub(super) const DEFINITION: Definition = Definition {
    kind: KIND,
    is_replicated: true,
    takes_ids: false,
    serves: |request| matches!(request, Request::Add { .. } | Request::Read),
    is_identified_by: |request| matches!(request, Request::Add { element: Some(_), .. }),
    create: |context| Ok(Box::new(Replicated::new(KIND, GSet, &Times::OFTEN, context))),
};

#[derive(Debug)]
pub(crate) struct GSet;

impl Protocol for GSet {
    type State = GrowOnlySet;

    fn initial(key: u64) -> GrowOnlySet {
        GrowOnlySet::new(key)
    }

    fn on_request(
        &mut self,
        now: Time,
        client: Option<&Address<'_>>,
        request: Request<'_>,
        elements: &mut Dissemination<GrowOnlySet>,
        out: &mut Outbox,
    ) {
        match request {
            Request::Add { element: Some(element), .. } => {
                if let Err(text) = check_size("add: \"element\" is", element.get().len()) {
                    return out.error(client, ErrorCode::MalformedRequest, &text);
                }
                out.reply(client, &Payload::AddOk);
                elements.add(now, element);
            }
            Request::Add { element: None, .. } => {
                let text = "add: a g-set needs a field \"element\"";
                out.error(client, ErrorCode::MalformedRequest, text);
            }
            Request::Read => elements.state_mut().with_list(|value| {
                out.reply(client, &Payload::ReadValueOk { value });
            }),
            _ => {}
        }
    }
}
