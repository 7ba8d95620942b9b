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
//! let node = NodeId::new(7)?; // or NodeId::from_env("NODE_ID")?, or from_hostname()?
//! let generator = Generator::builder(node, Epoch::Y2024).build(SystemClock)?;
//!
//! let id = generator.next_id()?; // from any thread, through `&generator`
//! assert_eq!(id.parts().node, 7);
//! assert_eq!(id.to_string().parse(), Ok(id)); // in JSON: a string, with feature `serde`
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What is and is not promised
//!
//! - IDs of one [`Generator`] are **unique and strictly increasing** in the order of
//!   the claims, from any number of threads, whatever the clock does. An ID that
//!   reaches another thread is smaller than that thread's next one. Not so the IDs of
//!   a [`Local`], or of a [`Batch`], which were claimed before: they increase in each.
//! - IDs of generators with **different node ids and one epoch** are unique. Among
//!   each other they are ordered only as well as their clocks agree: k-sorted, in
//!   Twitter's word.
//! - Two generators with one node id, at the same time or after a restart that
//!   forgot, **collide**. Nothing here can know of the other.
//! - Nothing is masked or wrapped. A node id, an epoch or a clock out of range is an
//!   error, in release builds as well.
//! - A node makes at most 4096 IDs a millisecond, 4,096,000 a second. Threads that share
//!   a [`Generator`] leave [some of them](Generator) unused.
//! - Make no IDs in a **signal's handler**: one that interrupts a call of the same thread
//!   may be given the same ID as that call.
//! - An ID tells when it was made and, by comparison, how fast: **not for secrets**.
//!
//! # Choosing an epoch and node ids
//!
//! The [`Epoch`] is for ever, and the same for everyone who shares the IDs. One near
//! the service's birth leaves it nearly all of the 69.7 years that 41 bits count;
//! [`Epoch::Y2024`] ends in 2093. A new service has no reason for
//! [`Epoch::TWITTER`], which ends in 2080, but for IDs that must look like Twitter's.
//!
//! A [`NodeId`] is a number from 0 to 1023 that no other process with this epoch has
//! while this one runs: from the deployment's configuration
//! ([`NodeId::from_env`]), from a StatefulSet's ordinal ([`NodeId::from_hostname`]),
//! or from datacenter and worker ([`NodeId::in_datacenter`]). There is no helper that
//! makes one from an address: ten bits of a MAC or IP address collide.
//!
//! # Restarts
//!
//! A new process with the old node id repeats IDs if its clock is behind the last ID
//! of the old one: because the clock was set back meanwhile, or because that one ran
//! ahead of its clock. So either hand it the last ID
//! ([`resume_after`](Builder::resume_after), with the largest ID in the database, say),
//! or leave it down for as long as the lead and the steps to be expected are.
//!
//! # Forks
//!
//! A child made by libc's `fork` repeats none of its parent's IDs: each call of a generator
//! or a handle that it has a copy of is refused as [`Forked`](ClaimError::Forked), and a batch
//! is empty. It builds a generator of its own, with a node id of its own; a service that
//! forks at its start builds its generator afterwards. A child made by the system call itself is not
//! noticed, nor is any without feature `std`.
//!
//! # When the clock misbehaves
//!
//! The generator stays on its timeline, and no ID is smaller than one before it.
//!
//! - **A full millisecond**, or a clock that **repeats** or **steps back**: the next ID
//!   is of the earliest millisecond with one to spare. How far that may be ahead of
//!   the clock is one setting, [`max_ahead_ms`](Builder::max_ahead_ms), 0 unless set.
//!   Beyond it a call waits, or is refused with the time to wait.
//! - **A jump forward** that the machine's uptime did not see is believed when a
//!   reading at least a second later confirms it. Until then IDs go on by the uptime.
//!   So one bogus reading cannot push the timeline into the future, and a real
//!   correction costs nothing but that second.
//! - **A frozen clock** gives the rest of its millisecond. A call that waits gives up
//!   after a second ([`frozen_after`](Builder::frozen_after)).
//! - **Before the epoch, or past the last timestamp**: an error.
//!
//! [`Generator::counters`] tells how often calls waited and the clock went back or jumped.
//!
//! # Choosing between the ways to ask
//!
//! | | when no ID is free | for |
//! |---|---|---|
//! | [`next_id`](Generator::next_id) | sleeps | most callers |
//! | [`next_id_timeout`](Generator::next_id_timeout), [`next_id_deadline`](Generator::next_id_deadline) | sleeps, up to then | requests with a deadline |
//! | [`try_next_id`](Generator::try_next_id) | is refused, with the time to wait | event loops; `no_std` |
//! | [`reserve`](Generator::reserve), [`try_reserve`](Generator::try_reserve) | all of them or none | bulk inserts: one claim for the whole batch |
//! | [`local`](Generator::local) | as above, by the block | threads at full speed; not ordered between threads |
//! | [`next_id_with`](Generator::next_id_with) | awaits the `sleep` it is given | any async runtime |
//! | `next_id_tokio` | awaits | tokio, with feature `tokio` |
//!
//! A loop that calls [`try_next_id`](Generator::try_next_id) again at once spends a core on
//! waiting: let it sleep for `wait_ms`, or call `next_id`.
//!
//! A call that is refused, times out or is cancelled leaves no trace: however often
//! it is repeated, the next ID is not delayed by it. What becomes of one that has waited in
//! vain, because the clock stopped meanwhile, is told with [`next_id`](Generator::next_id).
//!
//! Where other threads use every millisecond up, only [`next_id`](Generator::next_id), its
//! timeout and its deadline are in line. The other ways may find each next millisecond used
//! up as well, a batch the more so the larger it is, and a `try_next_id` after each
//! `wait_ms` may never have an ID.
//!
//! A [`max_ahead_ms`](Builder::max_ahead_ms) of a few milliseconds takes a burst, or a
//! small correction of the clock, at once instead of waiting it out. Its price is the
//! same time at a restart.
//!
//! # Choosing a clock
//!
//! [`SystemClock`] stamps every ID with the millisecond it is made in. [`CoarseClock`] is
//! cheaper on Linux and Android, and its timestamps can be as old as the kernel's tick,
//! mostly 4 ms. [`ManualClock`] is for tests, and any other time is a [`Clock`] of one's own.
//!
//! # Features
//!
//! - `std` (default): [`SystemClock`], [`CoarseClock`], [`ManualClock`], the calls that
//!   sleep, node ids from the environment. Without it the crate is `no_std` and allocates
//!   nothing: bring a [`Clock`].
//! - `serde`: an [`Id`] is a decimal string in JSON, because JavaScript rounds numbers
//!   above 2^53, and a number in binary formats. Strings and integers are accepted.
//! - `tokio`: `Generator::next_id_tokio`.
//! - `lease`: node ids with a store behind them, in the module `lease`.
//! - `postgres`: `lease::PostgresStore`.
//! - `etcd`: `lease::EtcdStore`.
//! - `cli`: the command-line tool `snowflake`, for leases and to take an ID apart.
//!
//! Rust 1.88 or later, on any platform that has 64-bit atomics.
//!
//! # Panics
//!
//! No function here panics unless its documentation says so.
#![deny(unsafe_code)]
#![cfg_attr(not(feature = "std"), no_std)]
#![cfg_attr(docsrs, feature(doc_cfg))]

/// Has the README's code compiled and run.
#[cfg(all(doctest, feature = "postgres"))]
#[doc = include_str!("../../README.md")]
mod readme {}

mod batch;
#[cfg(feature = "std")]
mod blocking;
mod builder;
mod ceiling;
mod claim;
mod clock;
mod counters;
mod epoch;
mod error;
mod fork;
mod future;
mod gate;
mod generator;
mod id;
mod integrations;
pub mod layout;
#[cfg(feature = "lease")]
pub mod lease;
mod local;
mod node_id;
mod runs;
mod slot;
#[cfg(not(loom))]
mod sync;
#[cfg(loom)]
pub mod sync;
mod text;
#[cfg(feature = "std")]
mod ticket;
mod trust;
mod turns;
mod waiting;
mod word;

pub use batch::Batch;
pub use builder::Builder;
pub use clock::{Clock, HoldsUntil, Reading, SystemClock};
pub use counters::Counters;
pub use epoch::{Epoch, UnixMillis};
pub use error::{BuildError, ClaimError, LeaseEnd, ReserveError, WaitError};
pub use generator::Generator;
pub use id::{Id, Parts, PartsError, RawIdError};
pub use local::Local;
pub use node_id::{NodeId, NodeIdError};
pub use text::{DecimalBuffer, JsonBuffer, ParseIdError};

#[cfg(all(loom, feature = "std"))]
pub use ticket::WaitingCall;

#[cfg(feature = "std")]
pub use clock::{CoarseClock, ManualClock};
#[cfg(feature = "std")]
pub use node_id::NodeIdSourceError;
