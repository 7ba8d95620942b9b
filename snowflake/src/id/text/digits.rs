//! Digits of base 10, 16 and 32.

use super::ParseIdError;
use crate::Id;

/// Douglas Crockford's alphabet: without I, L, O and U.
const BASE32: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

const HEX: &[u8; 16] = b"0123456789abcdef";

/// Returns the digits of a base. The first ten are the same in each.
const fn alphabet<const BASE: u64>() -> &'static [u8] {
    if BASE == 32 { BASE32 } else { HEX }
}

/// Fills `text` with the last digits of `id`.
pub(super) fn encode<const BASE: u64>(id: Id, text: &mut [u8]) -> &str {
    let mut rest = id.get();
    for place in text.iter_mut().rev() {
        *place = alphabet::<BASE>()[(rest % BASE) as usize];
        rest /= BASE;
    }
    // The alphabets are ASCII.
    str::from_utf8(text).unwrap_or_default()
}

/// Parses text of `width` digits, or of any width without a leading zero.
pub(in crate::id) const fn decode<const BASE: u64>(
    text: &str,
    width: Option<usize>,
) -> Result<Id, ParseIdError> {
    let text = text.as_bytes();
    if text.is_empty() {
        return Err(ParseIdError::Empty);
    }
    let (mut raw, mut has_overflow, mut at) = (0_u64, false, 0);
    while at < text.len() {
        let Some(digit) = digit::<BASE>(text[at]) else {
            return Err(ParseIdError::NotADigit { at, byte: text[at], base: BASE as u8 });
        };
        let (product, is_too_large) = raw.overflowing_mul(BASE);
        let (sum, has_carry) = product.overflowing_add(digit);
        has_overflow |= is_too_large | has_carry;
        raw = sum;
        at += 1;
    }
    match (width, Id::from_raw(raw)) {
        (Some(expected), _) if at != expected => Err(ParseIdError::Length { found: at, expected }),
        // A UUID may begin with a zero too, and has a byte that is not a digit.
        (None, _) if at > 1 && text[0] == b'0' => Err(ParseIdError::LeadingZero),
        (_, Ok(id)) if !has_overflow => Ok(id),
        (_, Err(_)) if raw == 0 && !has_overflow => Err(ParseIdError::Zero),
        _ => Err(ParseIdError::TooLarge),
    }
}

/// Returns the value of a digit.
const fn digit<const BASE: u64>(byte: u8) -> Option<u64> {
    let decimal = byte.wrapping_sub(b'0') as u64;
    if decimal < 10 {
        return Some(decimal);
    }
    let mut value = 10;
    while value < BASE {
        if alphabet::<BASE>()[value as usize] == byte {
            return Some(value);
        }
        value += 1;
    }
    None
}
