//! A grow-only set: every element becomes visible on all nodes and stays visible.

use super::Options;
use super::growing_set::{GrowingSet, Protocol};
use crate::format::wire::{Schema, Shape};

/// The grow-only set workload.
pub type GSet = GrowingSet<Elements>;

/// The requests of the workload: `add` with an `element`, and `read`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Elements;

impl Protocol for Elements {
    const NAME: &'static str = "g-set";
    const SUMMARY: &'static str = "A set that grows";
    const MAY_BEGIN_WITH_BARE_READ: bool = true;
    const CATCHES_ERRORS: bool = false;
    const ADD: &'static str = "add";
    const VALUE: &'static str = "element";
    const ADD_OK: Schema = Schema { kind: "add_ok", fields: &[] };
    const READ_OK: Schema = Schema { kind: "read_ok", fields: &[("value", Shape::List)] };
    const VALUES: &'static str = "value";

    fn from_options(_: &Options<'_>) -> Elements {
        Elements
    }
}
