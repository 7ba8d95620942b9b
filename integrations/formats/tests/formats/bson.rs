//! BSON values: what a filter has is what a document stores.

use bson::{Bson, doc};
use serde::{Deserialize, Serialize};
use snowflake::{Id, id};

use crate::{EDGES, OrderId};

#[derive(Debug, PartialEq, Deserialize, Serialize)]
struct Document {
    #[serde(rename = "_id")]
    id: OrderId,
    parent: Option<Id>,
}

#[test]
fn a_filter_has_the_value_that_a_document_stores() {
    for id in EDGES {
        let typed = OrderId::new(id);
        let stored = bson::serialize_to_vec(&Document { id: typed, parent: Some(id) }).unwrap();
        let stored: bson::Document = bson::deserialize_from_slice(&stored).unwrap();
        assert_eq!(stored, doc! { "_id": typed, "parent": id });
        assert_eq!(stored.get_i64("_id").unwrap(), i64::from(id));
        let value = stored.get("_id").unwrap().clone();
        assert_eq!(bson::deserialize_from_bson::<OrderId>(value).unwrap(), typed);
    }
}

#[test]
fn none_is_null() {
    assert_eq!(Bson::from(None::<Id>), Bson::Null);
    assert_eq!(Bson::from(Some(id!("5"))), Bson::Int64(5));
}
