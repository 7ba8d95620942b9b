//! IDs in each format that people put them in, as `docs/integrations/formats.md` states it.
#![allow(clippy::unwrap_used, reason = "a test's panic is the failure it reports")]

mod bson;
mod formats;
mod round_trips;
mod spellings;
mod table;

use snowflake::{Id, IdKind, TypedId, id};

/// A marker without any trait, so that no bound on it can hide.
enum Order {}

impl IdKind for Order {
    const NAME: &'static str = "OrderId";
}

type OrderId = TypedId<Order>;

/// The smallest ID, one that JavaScript rounds, and the largest.
const EDGES: [Id; 3] = [Id::MIN, id!("9007199254740993"), Id::MAX];

/// Calls a generic function for every format.
macro_rules! for_every_format {
    ($call:ident) => {{
        use crate::formats::*;
        [
            $call::<Json>(),
            $call::<JsonValue>(),
            $call::<Toml>(),
            $call::<YamlNorway>(),
            $call::<YamlSaphyr>(),
            $call::<XmlQuick>(),
            $call::<XmlSerde>(),
            $call::<Csv>(),
            $call::<UrlEncoded>(),
            $call::<Postcard>(),
            $call::<MessagePack>(),
            $call::<Cbor>(),
            $call::<Bson>(),
        ]
    }};
}
use for_every_format;
