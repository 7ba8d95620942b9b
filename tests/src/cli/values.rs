//! The values that flags take.

use std::ops::Range;

use clap::ValueEnum;
use clap::builder::PossibleValue;

use crate::checker::availability::Availability;
use crate::nemesis::Nemesis;
use crate::net::Model;
use crate::net::latency::Distribution;
use crate::workload::broadcast::topology::Topology;

/// The workloads, by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum WorkloadName {
    /// A node sends back what it is sent.
    Echo,
    /// IDs that nobody has seen before.
    UniqueIds,
    /// Values that reach every node.
    Broadcast,
    /// A set that grows.
    GSet,
    /// A counter that grows.
    GCounter,
    /// A counter that grows and shrinks.
    PnCounter,
    /// Logs to which clients append, and which they poll.
    Kafka,
}

/// Seeds, from the first up to and without the second.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seeds(pub Range<u64>);

/// How many clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Concurrency {
    /// So many.
    Clients(usize),
    /// So many for each node.
    PerNode(usize),
}

/// Maelstrom's topologies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum TopologyName {
    /// A roughly square grid.
    Grid,
    /// One after the other.
    Line,
    /// A binary tree.
    Tree,
    /// A binary tree.
    Tree2,
    /// A tree of degree 3.
    Tree3,
    /// A tree of degree 4.
    Tree4,
    /// Everybody next to everybody.
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

impl ValueEnum for Nemesis {
    fn value_variants<'a>() -> &'a [Nemesis] {
        &Nemesis::ALL
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
        &[Model::Maelstrom, Model::Ideal]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(
            match self {
                Model::Maelstrom => "maelstrom",
                Model::Ideal => "ideal",
            }
            .into(),
        )
    }
}

pub(super) fn parse_concurrency(text: &str) -> Result<Concurrency, String> {
    let wrong = "must be a number above 0, or a number followed by n";
    let (digits, per_node) = match text.strip_suffix('n') {
        Some("") => ("1", true),
        Some(digits) => (digits, true),
        None => (text, false),
    };
    match digits.parse() {
        Ok(count @ 1..=1_000_000) if per_node => Ok(Concurrency::PerNode(count)),
        Ok(count @ 1..=1_000_000) => Ok(Concurrency::Clients(count)),
        _ => Err(wrong.to_owned()),
    }
}

pub(super) fn parse_seeds(text: &str) -> Result<Seeds, String> {
    let wrong = || "must be two numbers like 0..1000, the second larger".to_owned();
    let (first, end) = text.split_once("..").ok_or_else(wrong)?;
    match (first.parse(), end.parse()) {
        (Ok(first), Ok(end)) if first < end => Ok(Seeds(first..end)),
        _ => Err(wrong()),
    }
}

pub(super) fn parse_count(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(count @ 1..=1_000_000) => Ok(count),
        _ => Err("must be a whole number above 0".to_owned()),
    }
}

pub(super) fn parse_availability(text: &str) -> Result<Availability, String> {
    if text == "total" {
        return Ok(Availability::Total);
    }
    match text.parse() {
        Ok(share) if (0.0..=1.0).contains(&share) => Ok(Availability::AtLeast(share)),
        _ => Err("must be a number from 0 to 1, or total".to_owned()),
    }
}

/// The largest number a flag may hold: in seconds, thirty years.
const MOST: f64 = 1e9;

pub(super) fn parse_not_negative(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(number) if (0.0..=MOST).contains(&number) => Ok(number),
        _ => Err("must be a number that is not negative".to_owned()),
    }
}

pub(super) fn parse_positive(text: &str) -> Result<f64, String> {
    match parse_not_negative(text) {
        Ok(number) if number > 0.0 => Ok(number),
        _ => Err("must be a number above 0".to_owned()),
    }
}
