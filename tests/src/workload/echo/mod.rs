//! Echo: a node returns the value that it receives.

mod checker;

use serde_json::Value;

use super::{Context, Options, RecordedEvent, Request, Step, Workload};
use crate::base::rng::Rng;
use crate::format::datum::Datum;
use crate::format::edn::Edn;
use crate::format::json::Canonical;
use crate::format::wire::{Body, Malformed, Schema, Shape};
use crate::history::{History, Operations};
use crate::judge::Verdict;

const ECHO_OK: Schema = Schema { kind: "echo_ok", fields: &[("echo", Shape::Any)] };

/// The echo workload. An operation is a string, and its result is the value in the reply.
#[derive(Debug, Default)]
pub struct Echo;

impl Operations for Echo {
    type Op = String;
    type Output = Canonical;

    fn f(_op: &String) -> &'static str {
        "echo"
    }

    fn op_value(op: &String) -> Edn {
        op.as_str().into()
    }

    fn output_value(_op: &String, output: &Canonical) -> Edn {
        output.into()
    }
}

impl Workload for Echo {
    const NAME: &'static str = "echo";
    const SUMMARY: &'static str = "A node returns the value that it receives";
    const CAUSES: &'static [(&'static str, &'static str)] =
        &[("wrong echo", "the reply belongs to another request, or the value was converted")];

    type Session = ();

    fn from_options(_: &Options<'_>) -> Echo {
        Echo
    }

    fn next_op(&mut self, _worker: usize, rng: &mut Rng) -> String {
        format!("Please echo {}", rng.below(128))
    }

    fn start(&mut self, (): &mut (), op: &String) -> Step<Echo> {
        let echo = Value::from(op.as_str());
        Step::Send(Request { kind: "echo", fields: format!(r#","echo":{echo}"#), reply: ECHO_OK })
    }

    fn reply_received(
        &mut self,
        (): &mut (),
        _node: usize,
        _op: &String,
        reply: &Body<'_>,
    ) -> Result<Step<Echo>, Malformed> {
        Ok(Step::Done(reply.value("echo")?))
    }

    fn recorded_op(event: RecordedEvent<'_>) -> Result<String, String> {
        match (event.f(), event.value()) {
            ("echo", Datum::Text(text)) => Ok(text.clone()),
            ("echo", value) => Err(format!("expected an echo of a string, found {}", value.kind())),
            (f, _) => Err(format!("this workload has no operation :{f}")),
        }
    }

    /// Reads the value in the reply. Maelstrom records the whole body of the response.
    fn recorded_output(
        &mut self,
        (): &mut (),
        _node: usize,
        _op: &String,
        event: RecordedEvent<'_>,
    ) -> Result<Canonical, String> {
        Canonical::parse(&event.value().get("echo").unwrap_or(event.value()).to_json())
    }

    fn check(&self, history: &History<Self>, context: &Context<'_>) -> Verdict {
        checker::check(history, context)
    }
}
