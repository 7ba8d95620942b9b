//! Unique IDs: every `generate` returns a new value.

mod checker;
mod clock_step;
mod order;

use super::{Context, Options, RecordedEvent, Request, Step, Workload};
use crate::base::rng::Rng;
use crate::format::edn::Edn;
use crate::format::json::Canonical;
use crate::format::wire::{Body, Malformed, Schema, Shape};
use crate::history::{History, Operations};
use crate::judge::Verdict;

const GENERATE_OK: Schema = Schema { kind: "generate_ok", fields: &[("id", Shape::Any)] };

/// The workload of unique IDs.
#[derive(Debug, Default)]
pub struct UniqueIds;

/// The only operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Generate;

/// An ID of any JSON type. Equal IDs compare equal, whatever their JSON text.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum UniqueId {
    /// An integer.
    Int(i128),
    /// A number with a fraction or an exponent, as the bits of a double. As in Maelstrom, it
    /// differs from every integer.
    Float(u64),
    /// A string.
    Text(Box<str>),
    /// Anything else.
    Other(Canonical),
}

impl UniqueId {
    fn parse(body: &Body<'_>) -> Result<UniqueId, Malformed> {
        let text = body.raw("id").map_or("null", |raw| raw.get());
        UniqueId::from_json(text).map_err(|problem| Malformed {
            problem: format!("has an ID that cannot be read: {problem}"),
            expected: "any JSON value".to_owned(),
            hint: "check the JSON of the ID",
        })
    }

    fn from_json(text: &str) -> Result<UniqueId, String> {
        if let Ok(number) = serde_json::from_str::<i128>(text) {
            return Ok(UniqueId::Int(number));
        }
        if let Ok(number) = serde_json::from_str::<f64>(text)
            && text.contains(['.', 'e', 'E'])
        {
            return Ok(UniqueId::Float(number.to_bits()));
        }
        if let Ok(text) = serde_json::from_str::<Box<str>>(text) {
            return Ok(UniqueId::Text(text));
        }
        Canonical::parse(text).map(UniqueId::Other)
    }

    /// Returns the type by which Maelstrom's checker compares IDs, or `None` for null.
    ///
    /// The checker can compare null with an ID of any type.
    fn kind(&self) -> Option<&'static str> {
        Some(match self {
            UniqueId::Int(_) | UniqueId::Float(_) => "number",
            UniqueId::Text(_) => "string",
            UniqueId::Other(json) => match json.as_str().bytes().next() {
                Some(b'n') => return None,
                Some(b't' | b'f') => "boolean",
                Some(b'[') => "list",
                Some(b'{') => "object",
                _ => "number",
            },
        })
    }
}

impl From<&UniqueId> for Edn {
    fn from(id: &UniqueId) -> Edn {
        match id {
            UniqueId::Int(number) => Edn::Int(*number),
            UniqueId::Float(bits) => Edn::Float(f64::from_bits(*bits)),
            UniqueId::Text(text) => text.as_ref().into(),
            UniqueId::Other(json) => json.into(),
        }
    }
}

impl Operations for UniqueIds {
    type Op = Generate;
    type Output = UniqueId;

    fn f(_op: &Generate) -> &'static str {
        "generate"
    }

    fn op_value(_op: &Generate) -> Edn {
        Edn::Nil
    }

    fn output_value(_op: &Generate, output: &UniqueId) -> Edn {
        output.into()
    }
}

impl Workload for UniqueIds {
    const NAME: &'static str = "unique-ids";
    const SUMMARY: &'static str = "IDs that are unique across all nodes";
    const CAUSES: &'static [(&'static str, &'static str)] = &[
        (
            "duplicate ID",
            "IDs do not contain the node, start again after a restart, or have a data \
                          race",
        ),
        ("mixed types of ID", "one code path writes IDs as strings, and another writes numbers"),
        ("objects as IDs", "Maelstrom cannot compare objects; return strings, numbers or lists"),
        ("incomparable lists", "Maelstrom compares lists item by item, and compares no objects"),
    ];
    const REUSABLE_CLIENTS: bool = true;

    type Session = ();

    fn from_options(_: &Options<'_>) -> UniqueIds {
        UniqueIds
    }

    fn next_op(&mut self, _worker: usize, _rng: &mut Rng) -> Generate {
        Generate
    }

    fn start(&mut self, (): &mut (), _op: &Generate) -> Step<UniqueIds> {
        Step::Send(Request::bare("generate", GENERATE_OK))
    }

    fn reply_received(
        &mut self,
        (): &mut (),
        _node: usize,
        _op: &Generate,
        reply: &Body<'_>,
    ) -> Result<Step<UniqueIds>, Malformed> {
        Ok(Step::Done(UniqueId::parse(reply)?))
    }

    fn recorded_op(event: RecordedEvent<'_>) -> Result<Generate, String> {
        match event.f() {
            "generate" => Ok(Generate),
            f => Err(format!("this workload has no operation :{f}")),
        }
    }

    fn recorded_output(
        &mut self,
        (): &mut (),
        _node: usize,
        _op: &Generate,
        event: RecordedEvent<'_>,
    ) -> Result<UniqueId, String> {
        UniqueId::from_json(&event.value().to_json())
    }

    fn check(&self, history: &History<Self>, context: &Context<'_>) -> Verdict {
        checker::check(history, context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(json: &str) -> UniqueId {
        let body = format!(r#"{{"id":{json}}}"#);
        UniqueId::parse(&Body::parse_text(&body).unwrap()).unwrap()
    }

    #[test]
    fn ids_are_equal_exactly_if_their_json_is() {
        assert_eq!(id(r#""a""#), id(r#""\u0061""#));
        assert_eq!(id(r#"{"b":1,"a":2}"#), id(r#"{"a":2,"b":1}"#));
        assert_ne!(id("1"), id(r#""1""#));
        let long = "123456789012345678901234567890123456789012345";
        assert_ne!(id(&format!("{long}0")), id(&format!("{long}1")));
        assert_ne!(id("18446744073709551617"), id("18446744073709551616"));
    }
}
