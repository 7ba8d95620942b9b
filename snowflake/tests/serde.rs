//! IDs in JSON and in a binary format.
#![allow(clippy::unwrap_used, reason = "a test's panic is the failure it reports")]

use serde_json::json;
use snowflake::Id;

const ABOVE_2_53: u64 = (1 << 53) + 1;

fn id(raw: u64) -> Id {
    Id::from_raw(raw).unwrap()
}

#[test]
fn json_gets_a_string_and_takes_a_string_or_an_integer() {
    assert_eq!(serde_json::to_value(id(ABOVE_2_53)).unwrap(), json!("9007199254740993"));
    for spelling in [json!("9007199254740993"), json!(9007199254740993_u64)] {
        assert_eq!(serde_json::from_value::<Id>(spelling).unwrap(), id(ABOVE_2_53));
    }
}

#[test]
fn json_that_is_no_id_is_refused_with_the_reason() {
    for (text, reason) in [
        (r#""+7""#, "byte 0, counted from 0, is `+`"),
        (r#""007""#, "leading zero"),
        (r#""""#, "empty"),
        ("-1", "integer below 2^63"),
        ("9223372036854775808", "above the largest ID"),
        (r#""9223372036854775808""#, "above the largest ID"),
        ("1.5", "a decimal string, or an integer"),
        ("null", "a decimal string, or an integer"),
    ] {
        let error = serde_json::from_str::<Id>(text).unwrap_err().to_string();
        assert!(error.contains(reason), "{text}: {error}");
    }
}

#[test]
fn a_binary_format_gets_a_number() {
    let mut bytes = [0; 16];
    let written = postcard::to_slice(&id(ABOVE_2_53), &mut bytes).unwrap();
    assert_eq!(postcard::from_bytes::<u64>(written).unwrap(), ABOVE_2_53);
    assert_eq!(postcard::from_bytes::<Id>(written).unwrap(), id(ABOVE_2_53));
}
