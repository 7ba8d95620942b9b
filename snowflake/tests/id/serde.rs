//! IDs in JSON and in a binary format.

use serde_json::json;
use snowflake::{Id, id};

const ABOVE_2_53: Id = id!("9007199254740993");

#[test]
fn json_has_a_string_and_accepts_a_string_or_an_integer() {
    assert_eq!(serde_json::to_value(ABOVE_2_53).unwrap(), json!("9007199254740993"));
    for spelling in [json!("9007199254740993"), json!(9007199254740993_u64)] {
        assert_eq!(serde_json::from_value::<Id>(spelling).unwrap(), ABOVE_2_53);
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
    }
}

#[test]
fn an_optional_id_is_null() {
    assert_eq!(serde_json::to_value(None::<Id>).unwrap(), json!(null));
    assert_eq!(serde_json::from_value::<Option<Id>>(json!(null)).unwrap(), None);
}

#[test]
fn a_binary_format_has_an_integer() {
    let mut bytes = [0; 16];
    let written = postcard::to_slice(&ABOVE_2_53, &mut bytes).unwrap();
    assert_eq!(postcard::from_bytes::<u64>(written).unwrap(), ABOVE_2_53.get());
    assert_eq!(postcard::from_bytes::<Id>(written).unwrap(), ABOVE_2_53);
}
