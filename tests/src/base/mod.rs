//! Basics for every other module: addresses, instants, random numbers, excerpts.

pub mod address;
pub mod excerpt;
pub mod rng;
pub mod time;
