//! Nothing but tests; the examples of the page are among them.

#[cfg(doctest)]
#[doc = include_str!("../../../docs/integrations/values.md")]
mod page {}
