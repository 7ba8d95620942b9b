//! The values that flags take.

use std::ffi::OsStr;
use std::fmt::Display;
use std::ops::{Range, RangeInclusive};
use std::str::FromStr;

use clap::builder::{EnumValueParser, PossibleValue, PossibleValuesParser, TypedValueParser};
use clap::error::ErrorKind;
use clap::{Arg, Command, ValueEnum};

use crate::judge::transactions::Model as ConsistencyModel;
use crate::net::Model;
use crate::net::latency::Distribution;
use crate::plan::{Availability, Nemesis, Targets};
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

/// A parser for the name of a fault.
///
/// The parser allows spaces around the name, because people put a space after each comma.
#[derive(Clone, Debug)]
pub(super) struct NemesisParser;

impl TypedValueParser for NemesisParser {
    type Value = Nemesis;

    fn parse_ref(
        &self,
        command: &Command,
        arg: Option<&Arg>,
        value: &OsStr,
    ) -> Result<Nemesis, clap::Error> {
        let trimmed = value.to_str().map_or(value, |text| OsStr::new(text.trim()));
        EnumValueParser::<Nemesis>::new().parse_ref(command, arg, trimmed)
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        let names: Vec<PossibleValue> =
            Nemesis::ALL.iter().filter_map(ValueEnum::to_possible_value).collect();
        Some(Box::new(names.into_iter()))
    }
}

/// A parser for the name of a consistency model.
///
/// The parser allows spaces around the name, and a colon before it.
#[derive(Clone, Debug)]
pub(super) struct ModelParser;

impl TypedValueParser for ModelParser {
    type Value = ConsistencyModel;

    fn parse_ref(
        &self,
        command: &Command,
        arg: Option<&Arg>,
        value: &OsStr,
    ) -> Result<ConsistencyModel, clap::Error> {
        let name = value.to_str().map(|text| text.trim().trim_start_matches(':'));
        if let Some(model) = name.and_then(ConsistencyModel::from_name) {
            return Ok(model);
        }
        // Reports the error as for any other list of names, with the nearest name.
        let names: Vec<&'static str> = model_names().collect();
        PossibleValuesParser::new(names)
            .parse_ref(command, arg, value)
            .and_then(|_| Err(clap::Error::new(ErrorKind::InvalidValue)))
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        Some(Box::new(model_names().map(PossibleValue::new)))
    }
}

/// Returns every name of a consistency model.
fn model_names() -> impl Iterator<Item = &'static str> {
    let names = |model: &ConsistencyModel| {
        [model.name()].into_iter().chain(model.other_names().iter().copied())
    };
    ConsistencyModel::ALL.iter().flat_map(names)
}

/// The largest number of nodes of a test. The node ID of an ID has ten bits.
pub(super) const MAX_NODES: usize = 1024;
/// The largest number of clients that work at the same time.
pub(super) const MAX_CLIENTS: usize = 10_000;
/// The largest number of seeds of a sweep.
const MAX_SEEDS: u64 = 1_000_000;
/// The longest span that a flag accepts, in seconds: eleven days.
pub(super) const MAX_SECONDS: f64 = 1e6;

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

pub(super) fn parse_availability(text: &str) -> Result<Availability, String> {
    if text == "total" {
        return Ok(Availability::Total);
    }
    let share = number(0.0..=1.0)(text);
    share.map(Availability::AtLeast).map_err(|problem| format!("{problem}, or total"))
}
