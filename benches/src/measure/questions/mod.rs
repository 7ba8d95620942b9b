//! One file per question: how it is asked, and the table that answers it.

pub(crate) mod burst;
pub(crate) mod contention;
pub(crate) mod lease;
pub(crate) mod saturation;
pub(crate) mod single;
pub(crate) mod tasks;
pub(crate) mod text;
