//! Every type of the crate, and every form of an ID, is written and read back.

use serde::{Deserialize, Serialize};
use snowflake::{Epoch, Id, NodeId, UnixMillis, node_id};

use crate::formats::{Format, Postcard};
use crate::{EDGES, OrderId, for_every_format};

#[derive(Debug, PartialEq, Deserialize, Serialize)]
struct Record {
    id: Id,
    typed: OrderId,
    some: Option<OrderId>,
    node: NodeId,
    epoch: Epoch,
    time: UnixMillis,
}

/// An absent field for XML and URL-encoded text, which cannot express a missing value.
#[derive(Debug, PartialEq, Deserialize, Serialize)]
struct Optional {
    count: u8,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    none: Option<OrderId>,
}

#[derive(Debug, PartialEq, Deserialize, Serialize)]
struct Forms {
    #[serde(with = "snowflake::serde::as_string")]
    string: Id,
    #[serde(with = "snowflake::serde::as_base32")]
    base32: OrderId,
    #[serde(with = "snowflake::serde::as_u64")]
    unsigned: OrderId,
    #[serde(with = "snowflake::serde::as_i64")]
    signed: Id,
    #[serde(with = "snowflake::serde::as_string::option")]
    some_string: Option<OrderId>,
    #[serde(with = "snowflake::serde::as_base32::option")]
    some_base32: Option<Id>,
    #[serde(with = "snowflake::serde::as_u64::option")]
    some_unsigned: Option<Id>,
    #[serde(with = "snowflake::serde::as_i64::option")]
    some_signed: Option<OrderId>,
}

fn through<F: Format, T>(value: &T)
where
    T: Serialize + serde::de::DeserializeOwned + PartialEq + std::fmt::Debug,
{
    let bytes = F::write(value).unwrap_or_else(|error| panic!("{}: {error}", F::NAME));
    let read = F::read::<T>(&bytes).unwrap_or_else(|error| panic!("{}: {error}", F::NAME));
    assert_eq!(read, *value, "{}", F::NAME);
}

fn every_type<F: Format>() {
    if F::HAS_ANY {
        for id in EDGES {
            let typed = OrderId::new(id);
            let (node, epoch, time) = (node_id!(7), Epoch::Y2024, UnixMillis(1_704_067_200_000));
            through::<F, _>(&Record { id, typed, some: Some(typed), node, epoch, time });
        }
    }
}

fn nothing<F: Format>() {
    if F::IS_SELF_DESCRIBING {
        through::<F, _>(&Optional { count: 1, none: None });
    }
}

fn every_form<F: Format>() {
    for id in EDGES {
        let typed = OrderId::new(id);
        through::<F, _>(&Forms {
            string: id,
            base32: typed,
            unsigned: typed,
            signed: id,
            some_string: Some(typed),
            some_base32: Some(id),
            some_unsigned: Some(id),
            some_signed: Some(typed),
        });
    }
}

#[test]
fn every_type_reads_back_from_every_format() {
    for_every_format!(every_type);
}

#[test]
fn an_absent_id_reads_back_as_none() {
    for_every_format!(nothing);
    through::<Postcard, _>(&(None::<OrderId>, Some(Id::MAX)));
}

#[test]
fn every_form_reads_back_from_every_format() {
    for_every_format!(every_form);
}
