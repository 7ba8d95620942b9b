//! Unique, time-ordered 64-bit IDs, without locks and without coordination.
//!
//! ```text
//!  63  62                          22 21         12 11          0
//! +---+------------------------------+-------------+-------------+
//! | 0 | timestamp, ms since epoch    | node ID     | sequence    |
//! +---+------------------------------+-------------+-------------+
//!   1              41                      10            12
//! ```
//!
//! ```
//! use snowflake::{Epoch, Generator, NodeId};
//!
//! let node = NodeId::new(7)?; // different in every process
//! let generator = Generator::new(node, Epoch::Y2024)?; // the same epoch everywhere
//!
//! let id = generator.next_id()?; // from any thread, through `&generator`
//! assert_eq!(id.parts().node, 7);
//! assert_eq!(id.to_string().parse(), Ok(id)); // in JSON: a string, with feature `serde`
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Promises
//!
//! - The IDs of one [`Generator`] are **unique and strictly increasing** in the order of the
//!   claims, from any number of threads and from signal handlers, whatever the clock does. An
//!   ID is smaller than every ID of a call that begins after the ID was received. The IDs
//!   increase within one [`Block`] or [`Batch`], but may be smaller than IDs that other calls
//!   returned before.
//! - The IDs of generators with **different node IDs and one epoch** are unique. They are
//!   k-sorted: ordered only as well as the clocks agree.
//! - No field is masked or wrapped. A node ID, an epoch or a clock out of range is an error,
//!   in release builds too. 0 is not an ID, so `Option<Id>` has 8 bytes.
//!
//! # Limits
//!
//! - Two generators with the same node ID **issue duplicates** if they run together. The second also
//!   repeats IDs of the first if it is built within the millisecond of the first one's last ID, or
//!   after the clock has stepped back. Neither detects this. Keep one generator per process. Feature
//!   `lease` prevents it.
//! - A node issues at most 4096 IDs in a millisecond, 4,096,000 in a second.
//! - An ID reveals when it was issued. Two IDs of one node reveal its rate. **Do not use an ID as a
//!   secret.**
//! - At low rates the sequence is nearly always 0. Do not shard by `id % n`, or set
//!   [`first_sequence_spread`](Builder::first_sequence_spread).
//! - Decimal strings of different length do not sort by time.
//!
//! # Choosing an epoch and node IDs
//!
//! The [`Epoch`] never changes, and all services that share IDs use the same one. An epoch
//! shortly before the service starts leaves it nearly all of the 69.7 years that 41 bits
//! count. [`Epoch::Y2024`] ends in 2093. Use [`Epoch::TWITTER`], which ends in 2080, only for
//! IDs that must look like Twitter's.
//!
//! While a process runs, no other process with the same epoch may use its node ID. [`NodeId`] lists
//! the ways to assign node IDs.
//!
//! # Restarts
//!
//! A new process with the old node ID repeats IDs if its clock is not past the millisecond of the
//! old process's last ID. Pass the last ID to [`resume_after`](Builder::resume_after), or use a
//! lease. Otherwise wait before the start, for [`max_ahead_ms`](Builder::max_ahead_ms) and the
//! longest expected backward step.
//!
//! # Forks
//!
//! A child of libc's `fork` never repeats its parent's IDs. Calls of a generator or a [`Block`]
//! return [`Forked`](ClaimError::Forked) there, and a [`Batch`] is empty. The child has to build
//! another generator, with another node ID. A service that forks at its start builds its generator
//! afterwards. A child of the raw system call is not detected. Without feature `std`, no forked
//! child is detected. Do not fork in a signal handler. Do not nest 2^21 forks without `exec`.
//!
//! # Clocks that misbehave
//!
//! No ID is smaller than an earlier one, whatever the clock does.
//!
//! - **A full millisecond**, or a clock that **repeats** or **steps back**: the next ID is in
//!   the earliest millisecond with a free slot. It may be ahead of the clock by
//!   [`max_ahead_ms`](Builder::max_ahead_ms), 0 by default. If it would be further ahead, a call
//!   waits or fails.
//! - **A forward step** that the monotonic clock did not see takes effect when a reading at
//!   least a second later confirms it. Until then timestamps follow the monotonic clock.
//! - **A frozen clock**: IDs continue to the end of its millisecond. Then a waiting call fails
//!   after [`frozen_clock_ms`](Builder::frozen_clock_ms).
//! - **Before the epoch, or past the last timestamp**: an error.
//!
//! [`Generator::counters`] reports waits and steps.
//!
//! # Choosing a call
//!
//! | | if no ID is free | for |
//! |---|---|---|
//! | [`next_id`](Generator::next_id) | sleeps | most callers |
//! | [`next_id_timeout`](Generator::next_id_timeout), [`next_id_deadline`](Generator::next_id_deadline) | sleeps until then | requests with a deadline |
//! | [`next_id_async`](Generator::next_id_async), `next_id_tokio` | awaits | async runtimes; tokio, with feature `tokio` |
//! | [`try_next_id`](Generator::try_next_id) | returns [`Ahead`](ClaimError::Ahead) | event loops, signal handlers, `no_std` |
//! | [`reserve`](Generator::reserve), [`try_reserve`](Generator::try_reserve) | sleeps; returns an error | bulk inserts: one claim for a batch |
//! | [`block`](Generator::block) | as above, per block | threads at full speed; not ordered between threads |
//!
//! A waiting call reserves its ID, so it is starvation-free. A `try_` call has no reservation: it
//! can fail every time if other threads use up every millisecond.
//!
//! # Choosing a clock
//!
//! With [`SystemClock`], a call that does not wait gets the current millisecond, unless the
//! generator is ahead of the clock.
//! [`CoarseClock`] costs less on Linux and Android, and its timestamps can be as old as a kernel
//! tick, usually 4 ms.
//! [`ManualClock`] is for tests. Implement [`Clock`] for any other source of time: a generator then
//! reads it for every ID, and does not filter forward steps.
//!
//! # Features
//!
//! - `std` (default): the system's clock and blocking calls. Without it: `no_std`, no allocation.
//! - `tokio`: `Generator::next_id_tokio`, which awaits an ID.
//! - `lease`: node IDs with a durable store, in the module `lease`.
//! - `postgres`: `lease::PostgresStore`.
//! - `etcd`: `lease::EtcdStore`.
//! - `cli`: the command-line tool `snowflake`, which issues and decodes IDs and repairs leases.
//!
//! These implement traits of other crates for [`Id`] and [`TypedId`]. A name that ends in a version
//! is for that version of the crate. A feature with a Rust version needs at least that Rust.
//!
//! - `serde`: an ID is a decimal string in JSON, and an integer in binary formats.
//! - `bson-3`: `From<Id>` for BSON values.
//! - `sqlx-0_9`: `BIGINT` columns in every database of sqlx. Rust 1.94.
//! - `sqlx-postgres-0_9`: the same, with arrays in PostgreSQL. Rust 1.94.
//! - `diesel-2`: `BigInt` columns in every backend of diesel.
//! - `postgres-types-0_2`: `INT8` columns and arrays for postgres and tokio-postgres.
//! - `rusqlite`: `INTEGER` columns, for rusqlite 0.39 to 0.43. Rust 1.89 with 0.43.
//! - `sea-orm-2`: `BigInteger` columns and primary keys. Rust 1.94.
//! - `schemars-1`: JSON schemas with format, pattern and the name of the kind.
//! - `utoipa-6`: the same for OpenAPI.
//! - `jiff-1`: [`UnixMillis`] to and from `jiff::Timestamp`.
//! - `time-0_3`: [`UnixMillis`] to and from `time::OffsetDateTime`.
//! - `chrono-0_4`: [`UnixMillis`] to and from `chrono::DateTime<Utc>`.
//! - `arbitrary-1`: any ID and any node ID, for fuzzers.
//! - `proptest-1`: any ID and any node ID, for property tests.
//! - `borsh-1`: an ID as 8 bytes.
//! - `rkyv-0_8`: an ID as 8 bytes in an archive.
//! - `bytemuck-1`: slices of IDs as slices of integers, and the checked reverse.
//! - `metrics-0_24`: the counters of generators and leases, in the module `metrics`.
//! - `tracing-0_1`: log lines of leases, with the target `snowflake::lease`.
//!
//! JavaScript rounds integers above 2^53, so an ID is a string in JSON. An integer is read too.
//! Attributes of the module `serde` change the form of one field.
//!
//! Rust 1.88 or later, on any platform with 64-bit atomics.
//!
//! # Panics
//!
//! No function panics, except where its documentation has a section "Panics".
#![deny(unsafe_code)]
#![cfg_attr(not(feature = "std"), no_std)]
#![cfg_attr(docsrs, feature(doc_cfg))]

/// Compiles and runs the examples in the project's pages.
#[cfg(all(doctest, feature = "serde"))]
mod pages {
    #[doc = include_str!("../../docs/faq.md")]
    mod faq {}
    #[doc = include_str!("../../docs/integrations.md")]
    mod integrations {}
    #[doc = include_str!("../../docs/migration.md")]
    mod migration {}
    #[doc = include_str!("../../docs/platforms.md")]
    mod platforms {}
    #[doc = include_str!("../../docs/sql.md")]
    mod sql {}
    #[cfg(feature = "postgres")]
    #[doc = include_str!("../../docs/guide.md")]
    mod guide {}
    #[cfg(feature = "postgres")]
    #[doc = include_str!("../../README.md")]
    mod readme {}
}

mod clock;
mod error;
mod generator;
mod id;
mod integrations;
#[cfg(feature = "lease")]
pub mod lease;
mod wait;

pub use clock::{Clock, SystemClock};
#[cfg(feature = "std")]
pub use clock::{CoarseClock, ManualClock};
pub use error::{BuildError, ClaimError, LeaseEnd};
pub use generator::{Batch, Block, Builder, Counters, Generator};
pub use id::{
    AnyId, Epoch, Id, IdError, IdKind, NodeId, NodeIdError, ParseIdError, ParseTimeError, Parts,
    TextBuffer, TypedId, TypedIdError, UnixMillis, layout,
};
#[doc(hidden)]
pub use id::{id_literal, node_id_literal};
#[cfg(any(feature = "chrono-0_4", feature = "jiff-1", feature = "time-0_3"))]
pub use integrations::TimeRangeError;
#[cfg(feature = "metrics-0_24")]
pub use integrations::metrics;
#[cfg(feature = "serde")]
pub use integrations::serde;
