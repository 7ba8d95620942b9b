//! Decimal text.

use proptest::prelude::*;
use snowflake::{Id, ParseIdError, TextBuffer, id};

use crate::ids;

#[test]
fn parsing_rejects_text_that_is_not_an_id() {
    for (text, error) in [
        ("", ParseIdError::Empty),
        ("0", ParseIdError::Zero),
        ("007", ParseIdError::LeadingZero),
        ("00", ParseIdError::LeadingZero),
        ("+7", ParseIdError::NotADigit { at: 0, byte: b'+' }),
        ("-7", ParseIdError::NotADigit { at: 0, byte: b'-' }),
        (" 7", ParseIdError::NotADigit { at: 0, byte: b' ' }),
        ("0x10", ParseIdError::NotADigit { at: 1, byte: b'x' }),
        ("0.5", ParseIdError::NotADigit { at: 1, byte: b'.' }),
        ("1234567x90", ParseIdError::NotADigit { at: 7, byte: b'x' }),
        ("123456789 ", ParseIdError::NotADigit { at: 9, byte: b' ' }),
        ("7\0", ParseIdError::NotADigit { at: 1, byte: 0 }),
        ("７", ParseIdError::NotADigit { at: 0, byte: 0xef }),
        ("9223372036854775808", ParseIdError::TooLarge),
        ("9999999999999999999", ParseIdError::TooLarge),
        ("10000000000000000000", ParseIdError::TooLarge),
        ("18446744073709551617", ParseIdError::TooLarge),
        ("1000000000000000000000000000x", ParseIdError::NotADigit { at: 28, byte: b'x' }),
    ] {
        assert_eq!(text.parse::<Id>(), Err(error), "{text:?}");
    }
    let endless = "1".repeat(100_000);
    assert_eq!(endless.parse::<Id>(), Err(ParseIdError::TooLarge));
}

#[test]
fn parse_errors_say_what_to_do() {
    for (text, message) in [
        ("", "invalid ID: empty text; write 1 to 19 decimal digits"),
        ("0", "invalid ID: 0 is not an ID; the smallest ID is 1"),
        ("07", "invalid ID: leading zero; remove it"),
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
fn a_used_buffer_shows_nothing_of_a_longer_id() {
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
        if let Err(ParseIdError::NotADigit { at, byte }) = text.parse::<Id>() {
            prop_assert_eq!(text.as_bytes()[at], byte);
            prop_assert!(text.as_bytes()[..at].iter().all(u8::is_ascii_digit));
        }
    }
}
