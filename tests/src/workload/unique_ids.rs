//! Unique IDs: every `generate` returns a value that nobody has seen before.

use std::collections::BTreeMap;

use super::{Context, Request, Step, Workload};
use crate::checker::{Valid, Verdict};
use crate::edn::Edn;
use crate::history::{Completed, History};
use crate::json::Canonical;
use crate::rng::Rng;
use crate::wire::{Body, Malformed, Schema, Shape};

const GENERATE_OK: Schema = Schema { kind: "generate_ok", fields: &[("id", Shape::Any)] };

/// How many of those that gave one ID are told one by one; the results count them all.
const MOST_GIVERS: usize = 10;

/// The workload.
#[derive(Debug, Default)]
pub struct UniqueIds;

/// The one operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Generate;

/// An ID of any JSON type, such that equal IDs are equal here however they were written.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum UniqueId {
    /// An integer.
    Int(i128),
    /// A number with a fraction or an exponent, as the bits of a double. It differs from every
    /// integer, as it does for Maelstrom.
    Float(u64),
    /// A string.
    Text(Box<str>),
    /// Anything else.
    Other(Canonical),
}

impl UniqueId {
    fn parse(body: &Body<'_>) -> Result<UniqueId, Malformed> {
        let text = body.raw("id").map_or("null", |raw| raw.get());
        if let Ok(number) = serde_json::from_str::<i128>(text) {
            return Ok(UniqueId::Int(number));
        }
        if let Ok(number) = serde_json::from_str::<f64>(text)
            && text.contains(['.', 'e', 'E'])
        {
            return Ok(UniqueId::Float(number.to_bits()));
        }
        if text.starts_with('"') {
            return Ok(UniqueId::Text(body.read("id", "a string")?));
        }
        Canonical::parse(text).map(UniqueId::Other).map_err(|problem| Malformed {
            problem: format!("has an ID that cannot be read: {problem}"),
            expected: "any JSON value".to_owned(),
            hint: "check how the ID is written",
        })
    }

    /// The type, as far as Maelstrom's checker can compare IDs. It compares null with everything.
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

impl Workload for UniqueIds {
    const NAME: &'static str = "unique-ids";
    const REUSABLE_CLIENTS: bool = true;

    type Op = Generate;
    type Answer = UniqueId;
    type Session = ();

    fn next_op(&mut self, _rng: &mut Rng) -> Generate {
        Generate
    }

    fn start(&mut self, (): &mut (), _op: &Generate) -> Step<UniqueIds> {
        Step::Ask(Request::bare("generate", GENERATE_OK))
    }

    fn answered(
        &mut self,
        (): &mut (),
        _node: usize,
        _op: &Generate,
        reply: &Body<'_>,
    ) -> Result<Step<UniqueIds>, Malformed> {
        Ok(Step::Done(UniqueId::parse(reply)?))
    }

    fn f(_op: &Generate) -> &'static str {
        "generate"
    }

    fn op_value(_op: &Generate) -> Edn {
        Edn::Nil
    }

    fn answer_value(_op: &Generate, answer: &UniqueId) -> Edn {
        answer.into()
    }

    /// Maelstrom, `doc/workloads.md`, unique-ids: IDs "may be of any type", but must be "globally
    /// unique". Its checker sorts them, so the types must not mix.
    fn check(&self, history: &History<UniqueIds>, context: &Context<'_>) -> Verdict {
        let mut givers: BTreeMap<&UniqueId, Vec<Completed<'_, UniqueIds>>> = BTreeMap::new();
        for done in history.completed() {
            givers.entry(done.answer).or_default().push(done);
        }
        let attempted = history.invocations().count();
        let acknowledged: usize = givers.values().map(Vec::len).sum();
        let duplicated: Vec<_> = givers.iter().filter(|(_, givers)| givers.len() > 1).collect();
        // The first ID of each type.
        let mut kinds: BTreeMap<&str, Completed<'_, UniqueIds>> = BTreeMap::new();
        for done in history.completed() {
            if let Some(kind) = done.answer.kind() {
                kinds.entry(kind).or_insert(done);
            }
        }

        let mut problems: Vec<String> = duplicated
            .iter()
            .map(|(id, givers)| {
                let told = givers.iter().take(MOST_GIVERS).map(|done| {
                    let node = context.directory.node_name(done.invocation.node);
                    format!("{node} at {}", history.place(done.completed))
                });
                let told = told.collect::<Vec<_>>().join(", ");
                let more = match givers.len().saturating_sub(MOST_GIVERS) {
                    0 => String::new(),
                    1 => ", and once more".to_owned(),
                    more => format!(", and {more} times more"),
                };
                format!("duplicate ID: {} was given by {told}{more}", Edn::from(**id))
            })
            .collect();
        let is_incomparable = kinds.len() > 1 || givers.len() > 1 && kinds.contains_key("object");
        if kinds.len() > 1 {
            let given: Vec<String> = kinds
                .iter()
                .map(|(kind, done)| {
                    let node = context.directory.node_name(done.invocation.node);
                    let (id, at) = (Edn::from(done.answer), history.place(done.completed));
                    format!("{kind} {id} by {node} at {at}")
                })
                .collect();
            problems.push(format!("mixed types of ID: {}", given.join(", ")));
        }
        if givers.len() > 1
            && let Some(done) = kinds.get("object")
        {
            let node = context.directory.node_name(done.invocation.node);
            let (id, at) = (Edn::from(done.answer), history.place(done.completed));
            problems.push(format!("objects as IDs: {node} gave {id} at {at}"));
        }
        let range = givers.first_key_value().zip(givers.last_key_value());
        let map = Edn::map([
            ("attempted-count", attempted.into()),
            ("acknowledged-count", acknowledged.into()),
            ("duplicated-count", duplicated.len().into()),
            (
                "duplicated",
                Edn::Map(
                    duplicated.iter().map(|(id, g)| (Edn::from(**id), g.len().into())).collect(),
                ),
            ),
            (
                "range",
                range.map_or(Edn::Nil, |((first, _), (last, _))| Edn::vector([*first, *last])),
            ),
        ]);
        // Maelstrom's checker fails where it cannot compare two IDs, and nobody can tell.
        let valid = if is_incomparable { Valid::Unknown } else { Valid::from(problems.is_empty()) };
        Verdict::new(valid, map, problems)
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
