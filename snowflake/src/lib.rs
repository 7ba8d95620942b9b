//! Unique, time-ordered 64-bit IDs, made without locks and without asking anyone.
//!
//! ```text
//!  63  62                          22 21         12 11          0
//! +---+------------------------------+-------------+-------------+
//! | 0 | timestamp, ms since epoch    | node id     | sequence    |
//! +---+------------------------------+-------------+-------------+
//!   1              41                      10            12
//! ```
//!
//! ```
//! use snowflake::{Epoch, Generator, NodeId, SystemClock};
//!
//! let generator = Generator::builder(NodeId::new(7)?, Epoch::Y2024).build(SystemClock)?;
//! let id = generator.next_id()?;
//! assert_eq!(id.parts().node, 7);
//! println!("{id}");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
#![forbid(unsafe_code)]
#![cfg_attr(not(feature = "std"), no_std)]

mod batch;
#[cfg(feature = "std")]
mod blocking;
mod builder;
mod claim;
mod clock;
mod counters;
mod epoch;
mod error;
mod future;
mod gate;
mod generator;
mod id;
mod integrations;
pub mod layout;
mod local;
mod node_id;
mod slot;
#[cfg(not(loom))]
mod sync;
#[cfg(loom)]
pub mod sync;
mod text;
mod trust;
mod waiting;

pub use batch::Batch;
pub use builder::Builder;
pub use clock::{Clock, HoldsUntil, Reading, SystemClock};
pub use counters::Counters;
pub use epoch::{Epoch, UnixMillis};
pub use error::{BuildError, ClaimError, ReserveError, WaitError};
pub use generator::Generator;
pub use id::{Id, Parts, PartsError, RawIdError};
pub use local::Local;
pub use node_id::{NodeId, NodeIdError};
pub use text::{DecimalBuffer, JsonBuffer, ParseIdError};

#[cfg(feature = "std")]
pub use clock::ManualClock;
#[cfg(feature = "std")]
pub use node_id::NodeIdSourceError;
