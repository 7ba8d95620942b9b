//! Echo: a node sends back what it is sent.

use serde_json::Value;

use super::{Context, Request, Step, Workload};
use crate::checker::{Valid, Verdict};
use crate::edn::Edn;
use crate::excerpt::excerpt;
use crate::history::{History, What};
use crate::rng::Rng;
use crate::wire::{Body, Malformed, Schema, Shape};

const ECHO_OK: Schema = Schema { kind: "echo_ok", fields: &[("echo", Shape::Any)] };

/// The workload. Operations are the strings to be echoed, answers whatever came back.
#[derive(Debug, Default)]
pub struct Echo;

impl Workload for Echo {
    const NAME: &'static str = "echo";

    type Op = String;
    type Answer = Value;
    type Session = ();

    fn next_op(&mut self, rng: &mut Rng) -> String {
        format!("Please echo {}", rng.below(128))
    }

    fn start(&mut self, (): &mut (), op: &String) -> Step<Echo> {
        let echo = Value::from(op.as_str());
        Step::Ask(Request { kind: "echo", fields: format!(r#","echo":{echo}"#), reply: ECHO_OK })
    }

    fn answered(
        &mut self,
        (): &mut (),
        _node: usize,
        _op: &String,
        reply: &Body<'_>,
    ) -> Result<Step<Echo>, Malformed> {
        Ok(Step::Done(reply.value("echo")?))
    }

    fn f(_op: &String) -> &'static str {
        "echo"
    }

    fn op_value(op: &String) -> Edn {
        op.as_str().into()
    }

    fn answer_value(_op: &String, answer: &Value) -> Edn {
        answer.into()
    }

    /// Maelstrom, `doc/workloads.md`, echo: "the response contains the same value".
    fn check(&self, history: &History<Echo>, context: &Context<'_>) -> Verdict {
        let wrong: Vec<_> = history
            .completed()
            .filter(|done| done.answer.as_str() != Some(&done.invocation.op))
            .collect();
        let errors = wrong.iter().map(|done| {
            Edn::map([
                ("expected", done.invocation.op.as_str().into()),
                ("actual", done.answer.into()),
                ("node", context.directory.node_name(done.invocation.node).into()),
            ])
        });
        let problems = wrong.iter().map(|done| {
            let node = context.directory.node_name(done.invocation.node);
            let (op, answer) = (&done.invocation.op, done.answer);
            let at = history.place(done.completed);
            let answer = excerpt(&answer.to_string());
            format!("wrong echo: {node} was sent {op:?} and answered {answer} at {at}")
        });
        // Maelstrom compares what was sent with what came back, and an error brings nothing back.
        let refused: Vec<_> = history
            .events()
            .iter()
            .enumerate()
            .filter_map(|(index, event)| match &event.what {
                What::Fail { invocation, error } => Some((index, *invocation, error)),
                _ => None,
            })
            .collect();
        let refusals = refused.iter().map(|(index, invocation, error)| {
            let asked = history.invocation(*invocation);
            let node = context.directory.node_name(asked.node);
            let at = history.place(*index);
            format!("wrong echo: {node} was sent {:?} and answered with {error} at {at}", asked.op)
        });
        Verdict::new(
            Valid::from(wrong.is_empty() && refused.is_empty()),
            Edn::map([("errors", Edn::vector(errors))]),
            problems.chain(refusals),
        )
    }
}
