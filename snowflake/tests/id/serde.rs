//! The forms of IDs, node IDs, epochs and times in JSON and in a binary format.

use proptest::prelude::*;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use snowflake::{Epoch, Id, NodeId, UnixMillis, id, node_id};

use crate::ids;
use crate::typed::UserId;

const ABOVE_2_53: Id = id!("9007199254740993");

#[derive(Clone, Copy, Debug, PartialEq, Deserialize, Serialize)]
struct Forms {
    #[serde(with = "snowflake::serde::as_string")]
    string: Id,
    #[serde(with = "snowflake::serde::as_base32")]
    base32: UserId,
    #[serde(with = "snowflake::serde::as_u64")]
    unsigned: Id,
    #[serde(with = "snowflake::serde::as_i64")]
    signed: UserId,
}

#[derive(Clone, Copy, Debug, PartialEq, Deserialize, Serialize)]
struct OptionalForms {
    #[serde(with = "snowflake::serde::as_string::option")]
    string: Option<UserId>,
    #[serde(with = "snowflake::serde::as_base32::option")]
    base32: Option<Id>,
    #[serde(with = "snowflake::serde::as_u64::option")]
    unsigned: Option<UserId>,
    #[serde(with = "snowflake::serde::as_i64::option")]
    signed: Option<Id>,
}

fn forms(id: Id) -> (Forms, OptionalForms) {
    let typed = UserId::new(id);
    (
        Forms { string: id, base32: typed, unsigned: id, signed: typed },
        OptionalForms {
            string: Some(typed),
            base32: Some(id),
            unsigned: Some(typed),
            signed: Some(id),
        },
    )
}

fn through_binary<T: Serialize + DeserializeOwned>(value: &T) -> T {
    let mut bytes = [0; 128];
    postcard::from_bytes(postcard::to_slice(value, &mut bytes).unwrap()).unwrap()
}

fn json_error<T: DeserializeOwned + std::fmt::Debug>(value: Value) -> String {
    serde_json::from_value::<T>(value).unwrap_err().to_string()
}

#[test]
fn json_has_a_string_and_accepts_a_string_or_an_integer() {
    assert_eq!(serde_json::to_value(ABOVE_2_53).unwrap(), json!("9007199254740993"));
    assert_eq!(serde_json::to_value(UserId::new(ABOVE_2_53)).unwrap(), json!("9007199254740993"));
    for spelling in [json!("9007199254740993"), json!(9007199254740993_u64)] {
        assert_eq!(serde_json::from_value::<Id>(spelling.clone()).unwrap(), ABOVE_2_53);
        assert_eq!(serde_json::from_value::<UserId>(spelling).unwrap().id(), ABOVE_2_53);
    }
}

#[test]
fn json_that_is_not_an_id_is_an_error_with_the_reason() {
    for (text, reason) in [
        (r#""+7""#, "byte 0, counted from 0, is `+`"),
        (r#""007""#, "leading zero"),
        (r#""""#, "empty"),
        (r#""0""#, "0 is not an ID"),
        ("0", "0 is not an ID"),
        ("-1", "-1 is negative"),
        ("9223372036854775808", "above the largest ID"),
        (r#""9223372036854775808""#, "above the largest ID"),
        ("1.5", "a decimal string, or an integer from 1 to 2^63 - 1"),
        ("null", "a decimal string, or an integer"),
    ] {
        let error = serde_json::from_str::<Id>(text).unwrap_err().to_string();
        assert!(error.contains(reason), "{text}: {error}");
        let error = serde_json::from_str::<UserId>(text).unwrap_err().to_string();
        assert!(error.contains(reason) && error.contains("UserId: "), "{text}: {error}");
    }
}

#[test]
fn an_id_is_a_map_key() {
    let map = std::collections::BTreeMap::from([(ABOVE_2_53, 1)]);
    let json = serde_json::to_value(&map).unwrap();
    assert_eq!(json, json!({ "9007199254740993": 1 }));
    assert_eq!(serde_json::from_value::<std::collections::BTreeMap<Id, i32>>(json).unwrap(), map);
}

#[test]
fn a_binary_format_has_an_integer() {
    let mut bytes = [0; 16];
    let written = postcard::to_slice(&ABOVE_2_53, &mut bytes).unwrap();
    assert_eq!(postcard::from_bytes::<u64>(written).unwrap(), ABOVE_2_53.get());
    assert_eq!(postcard::from_bytes::<UserId>(written).unwrap().id(), ABOVE_2_53);
}

#[test]
fn every_form_has_its_module() {
    let (forms, optional) = forms(id!("4242"));
    let json =
        json!({ "string": "4242", "base32": "000000000044J", "unsigned": 4242, "signed": 4242 });
    assert_eq!(serde_json::to_value(forms).unwrap(), json);
    assert_eq!(serde_json::to_value(optional).unwrap(), json);
    let none = json!({ "string": null, "base32": null, "unsigned": null, "signed": null });
    let nothing = serde_json::from_value::<OptionalForms>(none.clone()).unwrap();
    assert_eq!(nothing, OptionalForms { string: None, base32: None, unsigned: None, signed: None });
    assert_eq!(serde_json::to_value(nothing).unwrap(), none);
    assert_eq!(through_binary(&nothing), nothing);
}

#[test]
fn a_module_accepts_its_own_form_only() {
    let valid = serde_json::to_value(forms(id!("4242")).0).unwrap();
    for (field, wrong, reason) in [
        ("string", json!(4242), "expected a Snowflake ID as a decimal string"),
        ("string", json!("000000000044J"), "byte 12, counted from 0, is `J`"),
        ("base32", json!(4242), "expected UserId: a Snowflake ID as a string of 13 base32"),
        ("base32", json!("4242"), "UserId: invalid ID: 4 characters; write 13 characters"),
        ("unsigned", json!("4242"), "expected a Snowflake ID as an integer"),
        ("unsigned", json!(-1), "-1 is negative"),
        ("signed", json!("4242"), "expected UserId: a Snowflake ID as an integer"),
        ("signed", json!(1_u64 << 63), "UserId: invalid ID: 9223372036854775808 is above"),
        ("signed", json!(0), "UserId: invalid ID: 0 is not an ID"),
        ("signed", json!(1.5), "floating point"),
    ] {
        let mut json = valid.clone();
        json[field] = wrong;
        for error in [json_error::<Forms>(json.clone()), json_error::<OptionalForms>(json)] {
            // The optional field has the other type: its error may lack or have the name.
            let reason = reason.replace("UserId: ", "");
            assert!(error.replace("UserId: ", "").contains(&reason), "{field}: {error}");
        }
    }
}

#[test]
fn a_node_id_is_a_number() {
    assert_eq!(serde_json::to_value(node_id!(7)).unwrap(), json!(7));
    for spelling in [json!(7), json!("7")] {
        assert_eq!(serde_json::from_value::<NodeId>(spelling).unwrap(), node_id!(7));
    }
    assert_eq!(through_binary(&node_id!(1023)), NodeId::MAX);
    for (wrong, reason) in [
        (json!(1024), "1024 is above the largest"),
        (json!(-1), "-1 is negative"),
        (json!("07"), "leading zero"),
        (json!(7.5), "a node ID from 0 to 1023"),
    ] {
        let error = json_error::<NodeId>(wrong);
        assert!(error.contains(reason), "{error}");
    }
}

#[test]
fn an_epoch_is_a_date_and_a_time_is_a_number() {
    assert_eq!(serde_json::to_value(Epoch::Y2024).unwrap(), json!("2024-01-01T00:00:00.000Z"));
    for spelling in ["2024", "2024-01-01", "1704067200000", "2024-01-01T00:00:00.000Z"] {
        assert_eq!(serde_json::from_value::<Epoch>(json!(spelling)).unwrap(), Epoch::Y2024);
    }
    assert!(json_error::<Epoch>(json!(2024)).contains("an epoch as a string"));
    assert!(json_error::<Epoch>(json!("soon")).contains("invalid epoch"));
    assert_eq!(through_binary(&Epoch::TWITTER), Epoch::TWITTER);

    let time = UnixMillis(1_704_067_200_000);
    assert_eq!(serde_json::to_value(time).unwrap(), json!(1_704_067_200_000_u64));
    assert_eq!(serde_json::from_value::<UnixMillis>(json!(1_704_067_200_000_u64)).unwrap(), time);
    assert_eq!(through_binary(&time), time);
}

proptest! {
    #[test]
    fn every_form_reads_back_from_json_and_binary(id in ids()) {
        let (forms, optional) = forms(id);
        let json = serde_json::to_string(&forms).unwrap();
        prop_assert_eq!(serde_json::from_str::<Forms>(&json).unwrap(), forms);
        let json = serde_json::to_string(&optional).unwrap();
        prop_assert_eq!(serde_json::from_str::<OptionalForms>(&json).unwrap(), optional);
        prop_assert_eq!(through_binary(&forms), forms);
        prop_assert_eq!(through_binary(&optional), optional);
    }
}
