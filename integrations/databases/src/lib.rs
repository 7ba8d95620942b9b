//! This crate contains only tests, including the examples of the page.

#[cfg(doctest)]
#[doc = include_str!("../../../docs/integrations/databases.md")]
mod page {}
