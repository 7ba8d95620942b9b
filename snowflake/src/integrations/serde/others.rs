//! Node IDs, epochs and times.

use core::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};
use serde::ser::{Serialize, Serializer};

use super::element::visit_text_in;
use crate::{Epoch, NodeId, UnixMillis};

impl Serialize for NodeId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u16(self.get())
    }
}

impl<'de> Deserialize<'de> for NodeId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<NodeId, D::Error> {
        if deserializer.is_human_readable() {
            deserializer.deserialize_any(NodeIdVisitor)
        } else {
            deserializer.deserialize_u16(NodeIdVisitor)
        }
    }
}

struct NodeIdVisitor;

impl<'de> Visitor<'de> for NodeIdVisitor {
    type Value = NodeId;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a node ID from 0 to 1023")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<NodeId, E> {
        text.parse().map_err(E::custom)
    }

    fn visit_u64<E: Error>(self, id: u64) -> Result<NodeId, E> {
        NodeId::try_from(id).map_err(E::custom)
    }

    fn visit_i64<E: Error>(self, id: i64) -> Result<NodeId, E> {
        let id = u64::try_from(id).map_err(|_| {
            E::custom(format_args!("invalid node ID: {id} is negative; the smallest node ID is 0"))
        })?;
        self.visit_u64(id)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<NodeId, A::Error> {
        visit_text_in(map, self)
    }
}

impl Serialize for Epoch {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.collect_str(self)
        } else {
            self.start().serialize(serializer)
        }
    }
}

impl<'de> Deserialize<'de> for Epoch {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Epoch, D::Error> {
        if deserializer.is_human_readable() {
            deserializer.deserialize_str(EpochVisitor)
        } else {
            UnixMillis::deserialize(deserializer).map(Epoch::new)
        }
    }
}

/// Accepts strings only: an integer may be a year, seconds or milliseconds.
struct EpochVisitor;

impl Visitor<'_> for EpochVisitor {
    type Value = Epoch;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an epoch as a string: a name, a year, an RFC 3339 date, or milliseconds")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Epoch, E> {
        text.parse().map_err(E::custom)
    }
}

impl Serialize for UnixMillis {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(self.0)
    }
}

impl<'de> Deserialize<'de> for UnixMillis {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<UnixMillis, D::Error> {
        u64::deserialize(deserializer).map(UnixMillis)
    }
}
