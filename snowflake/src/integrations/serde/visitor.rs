//! One visitor for every form of an ID.

use core::fmt;
use core::marker::PhantomData;

use serde::de::{Error, MapAccess, Unexpected, Visitor};

use super::element::visit_text_in;
use crate::{AnyId, Id, ParseIdError};

type Parse = fn(&str) -> Result<Id, ParseIdError>;

/// A visitor that accepts the forms of an ID that it is made for.
pub(super) struct IdVisitor<T> {
    parse: Option<Parse>,
    accepts_integers: bool,
    expecting: &'static str,
    id: PhantomData<T>,
}

impl<T> IdVisitor<T> {
    pub(super) fn decimal_or_integer() -> IdVisitor<T> {
        IdVisitor {
            accepts_integers: true,
            expecting: "a Snowflake ID: a decimal string, or an integer from 1 to 2^63 - 1",
            ..IdVisitor::decimal()
        }
    }

    pub(super) fn decimal() -> IdVisitor<T> {
        IdVisitor {
            parse: Some(|text| text.parse()),
            accepts_integers: false,
            expecting: "a Snowflake ID as a decimal string",
            id: PhantomData,
        }
    }

    pub(super) fn base32() -> IdVisitor<T> {
        IdVisitor {
            parse: Some(Id::from_base32),
            expecting: "a Snowflake ID as a string of 13 base32 characters",
            ..IdVisitor::decimal()
        }
    }

    pub(super) fn integer() -> IdVisitor<T> {
        IdVisitor {
            parse: None,
            accepts_integers: true,
            expecting: "a Snowflake ID as an integer from 1 to 2^63 - 1",
            id: PhantomData,
        }
    }

    fn check_integer<E: Error>(&self, found: Unexpected<'_>) -> Result<(), E>
    where
        T: AnyId,
    {
        if self.accepts_integers { Ok(()) } else { Err(E::invalid_type(found, self)) }
    }
}

/// Names the kind of a typed ID in the error.
fn named<T: AnyId, E: Error>(result: Result<Id, impl fmt::Display>) -> Result<T, E> {
    result.map(T::of_id).map_err(|error| match T::KIND {
        Some(kind) => E::custom(format_args!("{kind}: {error}")),
        None => E::custom(error),
    })
}

impl<'de, T: AnyId> Visitor<'de> for IdVisitor<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(kind) = T::KIND {
            write!(f, "{kind}: ")?;
        }
        f.write_str(self.expecting)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
        match self.parse {
            Some(parse) => named(parse(text)),
            None => Err(E::invalid_type(Unexpected::Str(text), &self)),
        }
    }

    fn visit_u64<E: Error>(self, raw: u64) -> Result<T, E> {
        self.check_integer(Unexpected::Unsigned(raw))?;
        named(Id::try_from(raw))
    }

    fn visit_i64<E: Error>(self, raw: i64) -> Result<T, E> {
        self.check_integer(Unexpected::Signed(raw))?;
        named(Id::try_from(raw))
    }
    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<T, A::Error> {
        match self.parse {
            Some(_) => visit_text_in(map, self),
            None => Err(A::Error::invalid_type(Unexpected::Map, &self)),
        }
    }
}
