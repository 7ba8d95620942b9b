//! Warnings: observations that break no rule and that the verdict does not include.

mod rate;
mod replies;

pub(super) use rate::missed_rate;
pub(crate) use replies::Replies;
