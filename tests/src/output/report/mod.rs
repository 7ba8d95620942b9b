//! `report.html` and the files beside it: what a test looks like.

pub mod chart;
pub mod column;
pub mod cycle;
pub mod data;
pub mod lamport;
pub mod page;
pub mod plots;
pub mod svg;
