//! Computes the table of the forms that each format writes and reads, and compares it with the
//! docs.

use std::collections::BTreeMap;
use std::fmt::Debug;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use snowflake::Id;

use crate::formats::{Format, Result};
use crate::{EDGES, for_every_format};

const DOCUMENT: &str = include_str!("../../../../docs/integrations/formats.md");

const NONE: &str = "–";

/// A field of any type, so that the form of an ID can be compared with those of other types.
#[derive(Debug, PartialEq, Deserialize, Serialize)]
struct Plain<T> {
    id: T,
}

#[derive(Debug, PartialEq, Deserialize, Serialize)]
struct Flat<T> {
    #[serde(flatten)]
    inner: Plain<T>,
}

#[derive(Debug, PartialEq, Deserialize, Serialize)]
#[serde(untagged)]
enum Untagged<T> {
    Id { id: T },
}

#[derive(Debug, PartialEq, Deserialize, Serialize)]
struct Keys<T: Ord> {
    keys: BTreeMap<T, bool>,
}

/// Names what an ID is written as: "text" is both, in a format without types.
fn writes<F: Format>(id: Id) -> &'static str {
    let written = F::write(&Plain { id }).unwrap();
    let is_string = written == F::write(&Plain { id: id.to_string() }).unwrap();
    let is_integer = written == F::write(&Plain { id: id.get() }).unwrap();
    match (is_string, is_integer) {
        (true, true) => "text",
        (true, false) => "string",
        (false, true) => "integer",
        (false, false) => panic!("{}: {written:?}", F::NAME),
    }
}

/// Reports whether `bytes` are read as a value that equals `expected`.
///
/// # Panics
///
/// Panics if they are read as another value, which is worse than an error.
fn is_read<F: Format, T>(bytes: Result<Vec<u8>>, expected: &T) -> bool
where
    T: DeserializeOwned + PartialEq + Debug,
{
    let Ok(read) = bytes.and_then(|bytes| F::read::<T>(&bytes)) else { return false };
    assert_eq!(read, *expected, "{}", F::NAME);
    true
}

/// Names the forms from which an ID is read inside a shape.
fn reads<F: Format, T>(
    string: &impl Serialize,
    integer: &impl Serialize,
    expected: &T,
) -> &'static str
where
    T: DeserializeOwned + Serialize + PartialEq + Debug,
{
    // The bytes of a string are other numbers to a format that does not write types.
    let is_string = F::IS_SELF_DESCRIBING && is_read::<F, T>(F::write(string), expected);
    let is_integer = is_read::<F, T>(F::write(integer), expected);
    let round_trips = is_read::<F, T>(F::write(expected), expected);
    assert_eq!(round_trips, is_string || is_integer, "{}", F::NAME);
    match (is_string, is_integer) {
        (true, true) => "both",
        (true, false) => "string",
        (false, true) => "integer",
        (false, false) => NONE,
    }
}

fn row_of<F: Format>(id: Id) -> String {
    let (string, integer) = (id.to_string(), id.get());
    let field = reads::<F, _>(&Plain { id: &string }, &Plain { id: integer }, &Plain { id });
    let flat = reads::<F, _>(
        &Flat { inner: Plain { id: &string } },
        &Flat { inner: Plain { id: integer } },
        &Flat { inner: Plain { id } },
    );
    let untagged = reads::<F, _>(
        &Untagged::Id { id: &string },
        &Untagged::Id { id: integer },
        &Untagged::Id { id },
    );
    let keys = Keys { keys: BTreeMap::from([(id, true)]) };
    let key = if is_read::<F, _>(F::write(&keys), &keys) { "yes" } else { NONE };
    format!("| {} | {} | {field} | {flat} | {untagged} | {key} |", F::NAME, writes::<F>(id))
}

/// Returns the row of a format, which is the same for every ID.
fn row<F: Format>() -> String {
    let [smallest, middle, largest] = EDGES.map(row_of::<F>);
    assert_eq!(smallest, middle);
    assert_eq!(middle, largest);
    largest
}

#[test]
fn the_document_states_what_each_format_writes_and_reads() {
    let head =
        "| Format | writes | field | `flatten` | `untagged` | map key |\n|---|---|---|---|---|---|";
    let rows = for_every_format!(row);
    let table = format!("{head}\n{}\n", rows.join("\n"));
    assert!(
        DOCUMENT.contains(&table),
        "docs/integrations/formats.md does not have this table:\n{table}"
    );
}
