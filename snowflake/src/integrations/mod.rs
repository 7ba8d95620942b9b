//! One file per optional dependency, behind the feature of its name.

#[cfg(feature = "serde")]
pub mod serde;
#[cfg(feature = "tokio")]
mod tokio;
