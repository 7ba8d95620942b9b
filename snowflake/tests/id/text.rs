//! Decimal text.

use proptest::prelude::*;
use snowflake::{Id, ParseIdError, TextBuffer, id};

use crate::ids;

#[test]
fn parsing_rejects_text_that_is_not_an_id() {
    let not_a_digit = |at, byte| ParseIdError::NotADigit { at, byte, base: 10 };
    for (text, error) in [
        ("", ParseIdError::Empty),
        ("0", ParseIdError::Zero),
        ("007", ParseIdError::LeadingZero),
        ("00", ParseIdError::LeadingZero),
        ("+7", not_a_digit(0, b'+')),
        ("-7", not_a_digit(0, b'-')),
        (" 7", not_a_digit(0, b' ')),
        ("0x10", not_a_digit(1, b'x')),
        ("0.5", not_a_digit(1, b'.')),
        ("1234567x90", not_a_digit(7, b'x')),
        ("123456789 ", not_a_digit(9, b' ')),
        ("7\0", not_a_digit(1, 0)),
        ("７", not_a_digit(0, 0xef)),
        ("9223372036854775808", ParseIdError::TooLarge),
        ("9999999999999999999", ParseIdError::TooLarge),
        ("10000000000000000000", ParseIdError::TooLarge),
        ("18446744073709551617", ParseIdError::TooLarge),
        ("1000000000000000000000000000x", not_a_digit(28, b'x')),
    ] {
        assert_eq!(text.parse::<Id>(), Err(error), "{text:?}");
    }
    let endless = "1".repeat(100_000);
    assert_eq!(endless.parse::<Id>(), Err(ParseIdError::TooLarge));
}

#[test]
fn parse_errors_name_the_remedy() {
    for (text, message) in [
        ("", "invalid ID: empty text; write 1 to 19 decimal digits"),
        ("0", "invalid ID: 0 is not an ID; the smallest ID is 1"),
        ("07", "invalid ID: leading zero; remove it"),
        (
            "018f9d5e-0000-7000-8000-000000000000",
            "invalid ID: byte 3, counted from 0, is `f`; write decimal digits only",
        ),
        ("+7", "invalid ID: byte 0, counted from 0, is `+`; remove the sign"),
        ("\"7\"", "invalid ID: byte 0, counted from 0, is `\\\"`; remove the quotes"),
        ("0x10", "invalid ID: byte 1, counted from 0, is `x`; convert hexadecimal to decimal"),
        ("7\n", "invalid ID: byte 1, counted from 0, is `\\n`; write decimal digits only"),
        ("7é", "invalid ID: byte 1, counted from 0, is `\\xc3`; write decimal digits only"),
        (
            "9223372036854775808",
            "invalid ID: the number is above the largest ID (limit 9223372036854775807)",
        ),
    ] {
        assert_eq!(text.parse::<Id>().unwrap_err().to_string(), message, "{text:?}");
    }
}

#[test]
fn display_pads_like_a_number() {
    let id = id!("42");
    assert_eq!(format!("{id:>5}|{id:05}|{id:<4}|"), "   42|00042|42  |");
}

#[test]
fn a_reused_buffer_shows_no_digits_of_a_longer_id() {
    let mut buffer = TextBuffer::new();
    for digits in (1..=18).rev() {
        let raw = 9 * 10_u64.pow(digits - 1);
        assert_eq!(Id::from_raw(raw).unwrap().encode_decimal(&mut buffer), raw.to_string());
    }
}

proptest! {
    #[test]
    fn text_is_the_number_and_parses_back(id in ids()) {
        let text = id.to_string();
        prop_assert_eq!(&text, &id.get().to_string());
        let mut buffer = TextBuffer::new();
        prop_assert_eq!(text.as_str(), id.encode_decimal(&mut buffer));
        prop_assert_eq!(text.parse::<Id>(), Ok(id));
    }

    #[test]
    fn only_the_canonical_spelling_parses(text in "[-+ 0-9a]{0,21}") {
        if let Ok(id) = text.parse::<Id>() {
            prop_assert_eq!(id.to_string(), text);
        }
    }

    #[test]
    fn every_number_in_range_parses(raw: u64) {
        prop_assert_eq!(raw.to_string().parse().ok(), Id::from_raw(raw).ok());
    }

    #[test]
    fn any_text_parses_or_names_its_first_wrong_byte(text in ".{0,30}") {
        if let Err(ParseIdError::NotADigit { at, byte, .. }) = text.parse::<Id>() {
            prop_assert_eq!(text.as_bytes()[at], byte);
            prop_assert!(text.as_bytes()[..at].iter().all(u8::is_ascii_digit));
        }
    }
}

/// Returns the IDs at and next to each power of two.
fn at_edges() -> impl Iterator<Item = Id> {
    let near = |raw: u64| [raw - 1, raw, raw + 1];
    (0..63).flat_map(move |bit| near(1 << bit)).filter_map(|raw| Id::from_raw(raw).ok())
}

#[test]
fn base32_and_hex_have_a_fixed_width_at_every_edge() {
    let mut buffer = TextBuffer::new();
    for id in at_edges().chain([Id::MAX]) {
        assert_eq!(id.encode_base32(&mut buffer).len(), 13);
        assert_eq!(Id::from_base32(id.encode_base32(&mut buffer)), Ok(id));
        assert_eq!(id.encode_hex(&mut buffer), format!("{:016x}", id.get()));
        assert_eq!(Id::from_hex(id.encode_hex(&mut buffer)), Ok(id));
    }
    assert_eq!(Id::MIN.encode_base32(&mut buffer), "0000000000001");
    assert_eq!(Id::MAX.encode_base32(&mut buffer), "7ZZZZZZZZZZZZ");
}

#[test]
fn base32_rejects_text_that_is_not_an_id() {
    let not_base32 = |at, byte| ParseIdError::NotADigit { at, byte, base: 32 };
    let length = |found| ParseIdError::Length { found, expected: 13 };
    for (text, error) in [
        ("", ParseIdError::Empty),
        ("0000000000000", ParseIdError::Zero),
        ("1", length(1)),
        ("00000000000001", length(14)),
        ("8000000000000", ParseIdError::TooLarge),
        ("G000000000001", ParseIdError::TooLarge),
        ("ZZZZZZZZZZZZZ", ParseIdError::TooLarge),
        ("000000000000a", not_base32(12, b'a')),
        ("000000000000I", not_base32(12, b'I')),
        ("L000000000000", not_base32(0, b'L')),
        ("O000000000000", not_base32(0, b'O')),
        ("U000000000000", not_base32(0, b'U')),
        ("-000000000001", not_base32(0, b'-')),
        ("000000000001 ", not_base32(12, b' ')),
        ("00000000000１", not_base32(11, 0xef)),
    ] {
        assert_eq!(Id::from_base32(text), Err(error), "{text:?}");
    }
}

#[test]
fn hex_rejects_text_that_is_not_an_id() {
    let not_hex = |at, byte| ParseIdError::NotADigit { at, byte, base: 16 };
    for (text, error) in [
        ("", ParseIdError::Empty),
        ("0000000000000000", ParseIdError::Zero),
        ("1", ParseIdError::Length { found: 1, expected: 16 }),
        ("8000000000000000", ParseIdError::TooLarge),
        ("000000000000000A", not_hex(15, b'A')),
        ("0x00000000000001", not_hex(1, b'x')),
    ] {
        assert_eq!(Id::from_hex(text), Err(error), "{text:?}");
    }
}

proptest! {
    #[test]
    fn base32_and_hex_sort_as_ids_do(a in ids(), b in ids()) {
        let (mut left, mut right) = (TextBuffer::new(), TextBuffer::new());
        prop_assert_eq!(a.encode_base32(&mut left).cmp(b.encode_base32(&mut right)), a.cmp(&b));
        prop_assert_eq!(a.encode_hex(&mut left).cmp(b.encode_hex(&mut right)), a.cmp(&b));
        prop_assert_eq!(Id::from_base32(a.encode_base32(&mut left)), Ok(a));
        prop_assert_eq!(Id::from_hex(a.encode_hex(&mut left)), Ok(a));
    }

    #[test]
    fn only_the_canonical_base32_and_hex_parse(text in "[0-9A-Za-z-]{12,17}|.{0,20}") {
        let mut buffer = TextBuffer::new();
        if let Ok(id) = Id::from_base32(&text) {
            prop_assert_eq!(id.encode_base32(&mut buffer), &text);
        }
        if let Ok(id) = Id::from_hex(&text) {
            prop_assert_eq!(id.encode_hex(&mut buffer), &text);
        }
    }
}

/// One change to a text: signs, zeros, blanks, other alphabets, digits that are not ASCII.
fn changes() -> impl Strategy<Value = (proptest::sample::Index, usize, String)> {
    let inserted = prop_oneof![
        Just(String::new()),
        "[-+ 0_.,x\u{0}\u{660}\u{ff11}]",
        "[0-9A-Za-z]{1,3}",
        "0{1,40}",
        "\\PC{1,3}",
    ];
    (any::<proptest::sample::Index>(), 0_usize..3, inserted)
}

/// Replaces up to `removed` characters of ASCII text.
fn changed(
    text: &str,
    (at, removed, inserted): &(proptest::sample::Index, usize, String),
) -> String {
    let start = at.index(text.len() + 1);
    let end = (start + removed).min(text.len());
    format!("{}{inserted}{}", &text[..start], &text[end..])
}

proptest! {
    #[test]
    fn changed_text_is_an_error_or_the_text_of_another_id(id in ids(), change in changes()) {
        let mut buffer = TextBuffer::new();
        let text = changed(id.encode_decimal(&mut buffer), &change);
        match text.parse::<Id>() {
            Ok(other) => prop_assert_eq!(other.encode_decimal(&mut buffer), &text),
            Err(error) => prop_assert!(!error.to_string().is_empty()),
        }
        let text = changed(id.encode_base32(&mut buffer), &change);
        match Id::from_base32(&text) {
            Ok(other) => prop_assert_eq!(other.encode_base32(&mut buffer), &text),
            Err(error) => prop_assert!(!error.to_string().is_empty()),
        }
        let text = changed(id.encode_hex(&mut buffer), &change);
        match Id::from_hex(&text) {
            Ok(other) => prop_assert_eq!(other.encode_hex(&mut buffer), &text),
            Err(error) => prop_assert!(!error.to_string().is_empty()),
        }
    }
}
