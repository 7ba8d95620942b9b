//! `g-set`: a set that only grows.

use super::MOST_VALUE_BYTES;
use super::replicated::Protocol;
use super::values::Values;
use crate::dissemination::Dissemination;
use crate::message::{Address, ErrorCode, Payload, Request};
use crate::outbox::Outbox;
use crate::time::Time;

#[derive(Debug)]
pub(crate) struct GSet;

impl Protocol for GSet {
    type State = Values;

    fn initial(key: u64) -> Values {
        Values::new(key)
    }

    fn on_request(
        &mut self,
        now: Time,
        client: Option<&Address<'_>>,
        request: Request<'_>,
        elements: &mut Dissemination<Values>,
        out: &mut Outbox,
    ) {
        match request {
            Request::Add { element: Some(element), .. } => {
                if element.get().len() > MOST_VALUE_BYTES {
                    let text = format!("an element may have {MOST_VALUE_BYTES} bytes at the most");
                    return out.error(client, ErrorCode::MalformedRequest, &text);
                }
                out.reply(client, &Payload::AddOk);
                elements.add(now, element);
            }
            Request::Add { element: None, .. } => {
                let text = "add needs a field \"element\" here: this is a g-set";
                out.error(client, ErrorCode::MalformedRequest, text);
            }
            Request::Read => elements.state_mut().with_list(|value| {
                out.reply(client, &Payload::ReadValueOk { value });
            }),
            _ => {}
        }
    }
}
