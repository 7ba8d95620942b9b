//! Spellings of a number that are not the ID's: a format may accept them, `as_string` never does.

use serde::Deserialize;
use snowflake::id;

use crate::OrderId;
use crate::formats::{Csv, Format, Json, Toml, XmlQuick, YamlNorway, YamlSaphyr};

#[derive(Debug, Deserialize)]
struct Lenient {
    id: OrderId,
}

#[derive(Debug, Deserialize)]
struct Strict {
    #[serde(with = "snowflake::serde::as_string")]
    id: OrderId,
}

/// Checks which spellings a plain field accepts, and that `as_string` accepts only the ID's own
/// spelling.
fn check<F: Format>(accepted: &[&str], document: impl Fn(&str) -> String) {
    for spelling in ["5", "05", "+5", "0x5", "5.0", "5e0", "-5", "0", "9223372036854775808"] {
        let text = document(spelling);
        let lenient = F::read::<Lenient>(text.as_bytes());
        assert_eq!(lenient.is_ok(), accepted.contains(&spelling), "{}: {text}", F::NAME);
        if let Ok(read) = lenient {
            assert_eq!(read.id.id(), id!("5"), "{}: {text}", F::NAME);
        }
        let strict = F::read::<Strict>(text.as_bytes());
        match spelling {
            "5" => assert_eq!(strict.unwrap().id.id(), id!("5"), "{}", F::NAME),
            _ => assert!(strict.is_err(), "{}: {text}", F::NAME),
        }
    }
}

#[test]
fn csv_guesses_numbers_and_as_string_does_not() {
    check::<Csv>(&["5", "05", "+5"], |id| format!("id\n{id}\n"));
}

#[test]
fn yaml_has_many_numbers_and_as_string_has_one() {
    check::<YamlNorway>(&["5", "+5", "0x5"], |id| format!("id: {id}\n"));
    check::<YamlSaphyr>(&["5", "+5", "0x5"], |id| format!("id: {id}\n"));
}

#[test]
fn xml_text_has_one_spelling() {
    check::<XmlQuick>(&["5"], |id| format!("<order><id>{id}</id></order>"));
}

#[test]
fn json_and_toml_strings_have_one_spelling() {
    check::<Json>(&["5"], |id| format!("{{\"id\":\"{id}\"}}"));
    check::<Toml>(&["5"], |id| format!("id = \"{id}\"\n"));
}

#[test]
fn as_string_rejects_the_integers_that_javascript_may_have_rounded() {
    assert!(Json::read::<Lenient>(br#"{"id":5}"#).is_ok());
    assert!(Json::read::<Strict>(br#"{"id":5}"#).is_err());
    assert!(Toml::read::<Strict>(b"id = 5").is_err());
}

#[test]
fn an_xml_element_is_text_alone() {
    let read = |text: &str| XmlQuick::read::<Lenient>(text.as_bytes());
    assert_eq!(read("<order><id type='bigint'>5</id></order>").unwrap().id.id(), id!("5"));
    for wrong in ["<id/>", "<id></id>", "<id><raw>5</raw></id>", "<id>5<raw>5</raw></id>"] {
        let error = read(&format!("<order>{wrong}</order>")).unwrap_err().to_string();
        assert!(error.contains("invalid map") || error.contains("OrderId: "), "{wrong}: {error}");
    }
}

#[test]
fn a_json_object_is_an_error_that_names_what_is_expected() {
    for wrong in [r#"{"id":{}}"#, r#"{"id":{"raw":"5"}}"#] {
        let error = Json::read::<Lenient>(wrong.as_bytes()).unwrap_err().to_string();
        assert!(error.contains("invalid type: map, expected OrderId: a Snowflake ID"), "{error}");
    }
}
