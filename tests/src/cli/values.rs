//! The values that flags take.

use std::ffi::OsStr;
use std::fmt::{self, Display};
use std::ops::{Range, RangeInclusive};
use std::str::FromStr;

use clap::builder::{EnumValueParser, PossibleValue, TypedValueParser};
use clap::{Arg, Command, ValueEnum};

use crate::judge::transactions::Model as ConsistencyModel;
use crate::net::Model;
use crate::net::latency::Distribution;
use crate::plan::{Availability, MAX_CLIENTS, Nemesis, Targets};
use crate::workload::WorkloadName;
use crate::workload::broadcast::topology::Topology;

/// A range of seeds, without its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seeds(pub Range<u64>);

/// The number of clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Concurrency {
    /// A number of clients in all.
    Clients(usize),
    /// A number of clients for each node.
    PerNode(usize),
}

impl Concurrency {
    /// Returns the number of clients of a test with this many nodes.
    pub(super) fn clients(self, node_count: usize) -> usize {
        match self {
            Concurrency::Clients(count) => count,
            Concurrency::PerNode(count) => count * node_count,
        }
    }
}

/// The name of one of Maelstrom's topologies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum TopologyName {
    /// A roughly square grid.
    Grid,
    /// A line, in which each node is a neighbor of the next.
    Line,
    /// A binary tree.
    Tree,
    /// A binary tree.
    Tree2,
    /// A tree of degree 3.
    Tree3,
    /// A tree of degree 4.
    Tree4,
    /// A complete graph, in which each node is a neighbor of every other node.
    Total,
}

impl From<TopologyName> for Topology {
    fn from(name: TopologyName) -> Topology {
        match name {
            TopologyName::Grid => Topology::Grid,
            TopologyName::Line => Topology::Line,
            TopologyName::Tree | TopologyName::Tree2 => Topology::Tree(2),
            TopologyName::Tree3 => Topology::Tree(3),
            TopologyName::Tree4 => Topology::Tree(4),
            TopologyName::Total => Topology::Total,
        }
    }
}

impl ValueEnum for WorkloadName {
    fn value_variants<'a>() -> &'a [WorkloadName] {
        WorkloadName::ALL
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        let facts = self.facts();
        Some(PossibleValue::new(facts.name).help(facts.summary))
    }
}

impl ValueEnum for Nemesis {
    fn value_variants<'a>() -> &'a [Nemesis] {
        &Nemesis::ALL
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(PossibleValue::new(self.name()).help(self.help()))
    }
}

impl ValueEnum for Targets {
    fn value_variants<'a>() -> &'a [Targets] {
        &Targets::ALL
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(PossibleValue::new(self.name()).help(self.help()))
    }
}

impl ValueEnum for Distribution {
    fn value_variants<'a>() -> &'a [Distribution] {
        &[Distribution::Constant, Distribution::Uniform, Distribution::Exponential]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(
            match self {
                Distribution::Constant => "constant",
                Distribution::Uniform => "uniform",
                Distribution::Exponential => "exponential",
            }
            .into(),
        )
    }
}

impl ValueEnum for Model {
    fn value_variants<'a>() -> &'a [Model] {
        &[Model::Maelstrom, Model::Busy, Model::Ideal]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(
            match self {
                Model::Maelstrom => "maelstrom",
                Model::Busy => "busy",
                Model::Ideal => "ideal",
            }
            .into(),
        )
    }
}

/// The names of `--nodes`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeNames(pub Vec<String>);

/// Returns the names of Maelstrom's default nodes.
pub(super) fn default_nodes() -> Vec<String> {
    (1..=5).map(|node| format!("n{node}")).collect()
}

/// The faults of `--nemesis`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Faults(pub Vec<Nemesis>);

/// The models of `--consistency-models`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Models {
    /// The models that the bench can judge.
    pub known: Vec<ConsistencyModel>,
    /// The names of other models. Maelstrom accepts them, and its checker then fails.
    pub unknown: Vec<String>,
}

/// Formats the models as the command line takes them.
impl Display for Models {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unknown = self.unknown.iter().map(String::as_str);
        let names: Vec<&str> = self.known.iter().map(|model| model.name()).chain(unknown).collect();
        f.write_str(&names.join(","))
    }
}

/// The value of `--availability`; `None` if no share has to succeed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Share(pub Option<Availability>);

/// A parser for a list of faults.
///
/// The list is one value, so that a repeated flag takes its last list. The parser allows spaces
/// around the names, because people put a space after each comma.
#[derive(Clone, Debug)]
pub(super) struct NemesisParser;

impl TypedValueParser for NemesisParser {
    type Value = Faults;

    fn parse_ref(
        &self,
        command: &Command,
        arg: Option<&Arg>,
        value: &OsStr,
    ) -> Result<Faults, clap::Error> {
        let one = |name: &OsStr| EnumValueParser::<Nemesis>::new().parse_ref(command, arg, name);
        let Some(text) = value.to_str() else { return one(value).map(|fault| Faults(vec![fault])) };
        let faults = text.split(',').map(|name| one(OsStr::new(name.trim())));
        faults.collect::<Result<_, _>>().map(Faults)
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        let names: Vec<PossibleValue> =
            Nemesis::ALL.iter().filter_map(ValueEnum::to_possible_value).collect();
        Some(Box::new(names.into_iter()))
    }
}

/// Parses the names of nodes. A space after a comma does not belong to a name, as in Jepsen.
pub(super) fn parse_nodes(text: &str) -> Result<NodeNames, String> {
    let mut parts = text.split(',');
    let first = parts.next().map(str::to_owned);
    let rest = parts.map(|name| name.trim_ascii_start().to_owned());
    let mut names: Vec<String> = first.into_iter().chain(rest).collect();
    // A comma at the end adds no name.
    while names.len() > 1 && names.last().is_some_and(String::is_empty) {
        names.pop();
    }
    Ok(NodeNames(names))
}

/// Parses the names of consistency models, with or without a colon before each.
pub(super) fn parse_models(text: &str) -> Result<Models, String> {
    let mut models = Models::default();
    for name in text.split(',').map(|name| name.trim().trim_start_matches(':')) {
        match ConsistencyModel::from_name(name) {
            Some(model) => models.known.push(model),
            None => models.unknown.push(name.to_owned()),
        }
    }
    Ok(models)
}

/// The largest number of seeds of a sweep.
const MAX_SEEDS: u64 = 1_000_000;

/// Returns a parser for numbers within a range.
///
/// Flags read numbers with this parser. An accepted number therefore neither overflows nor keeps a
/// test from its end.
pub(super) fn within<T>(
    range: RangeInclusive<T>,
    kind: &'static str,
) -> impl Fn(&str) -> Result<T, String> + Clone + Send + Sync + 'static
where
    T: FromStr + PartialOrd + Display + Clone + Send + Sync + 'static,
{
    move |text| match text.parse() {
        Ok(number) if range.contains(&number) => Ok(number),
        _ => Err(format!("must be a {kind} from {} to {}", range.start(), range.end())),
    }
}

/// Returns a parser for numbers that may have a fraction.
pub(super) fn number(
    range: RangeInclusive<f64>,
) -> impl Fn(&str) -> Result<f64, String> + Clone + Send + Sync + 'static {
    within(range, "number")
}

/// Returns a parser for whole numbers from 1.
pub(super) fn count(
    most: usize,
) -> impl Fn(&str) -> Result<usize, String> + Clone + Send + Sync + 'static {
    within(1..=most, "whole number")
}

pub(super) fn parse_concurrency(text: &str) -> Result<Concurrency, String> {
    let (digits, of): (_, fn(usize) -> Concurrency) = match text.strip_suffix('n') {
        Some("") => ("1", Concurrency::PerNode),
        Some(digits) => (digits, Concurrency::PerNode),
        None => (text, Concurrency::Clients),
    };
    let clients = count(MAX_CLIENTS)(digits);
    clients.map(of).map_err(|problem| format!("{problem}, or one followed by n"))
}

pub(super) fn parse_seeds(text: &str) -> Result<Seeds, String> {
    let wrong = || format!("must be a range of at most {MAX_SEEDS} seeds, like 0..1000");
    let (first, end) = text.split_once("..").ok_or_else(wrong)?;
    match (first.parse::<u64>(), end.parse::<u64>()) {
        (Ok(first), Ok(end)) if first < end && end - first <= MAX_SEEDS => Ok(Seeds(first..end)),
        _ => Err(wrong()),
    }
}

/// Parses a share as Maelstrom reads it: a number, a fraction, `total` or `nil`.
pub(super) fn parse_availability(text: &str) -> Result<Share, String> {
    let expected = match text {
        "total" | ":total" => Some(Availability::Total),
        "nil" => None,
        _ => {
            let fraction = text.split_once('/').and_then(|(over, under)| {
                let over = f64::from(over.parse::<u32>().ok()?);
                let under = under.parse::<u32>().ok().filter(|under| *under > 0)?;
                Some(over / f64::from(under))
            });
            let share = match fraction {
                Some(share) if share <= 1.0 => Ok(share),
                _ => number(0.0..=1.0)(text),
            };
            Some(Availability::AtLeast(share.map_err(|problem| format!("{problem}, or total"))?))
        }
    };
    Ok(Share(expected))
}
