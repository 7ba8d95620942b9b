//! The width of each field of an ID, in the order that the [front page](crate) draws.
//!
//! Twitter's Snowflake has the same order and widths (`IdWorker.scala` in its `snowflake-2010`
//! tag). The ten bits of the node ID are its 5 + 5 bits of datacenter and worker.

/// Width of the timestamp, in bits. 2^41 ms is 69.7 years.
pub const TIMESTAMP_BITS: u32 = 41;

/// Width of the node ID, in bits.
pub const NODE_BITS: u32 = 10;

/// Width of the sequence, in bits.
pub const SEQUENCE_BITS: u32 = 12;

/// Largest timestamp of an ID, in milliseconds since the epoch.
pub const TIMESTAMP_MAX: u64 = (1 << TIMESTAMP_BITS) - 1;

/// Largest node ID, 1023.
pub const NODE_MAX: u16 = (1 << NODE_BITS) - 1;

/// Largest sequence, 4095: the last ID of its millisecond.
pub const SEQUENCE_MAX: u16 = (1 << SEQUENCE_BITS) - 1;

/// Number of IDs that one node can issue in one millisecond: 4096.
pub const IDS_PER_MS: u64 = 1 << SEQUENCE_BITS;

pub(crate) const NODE_SHIFT: u32 = SEQUENCE_BITS;
pub(crate) const TIMESTAMP_SHIFT: u32 = NODE_SHIFT + NODE_BITS;

// The sign bit stays clear, so that an ID survives a trip through an `i64` column.
const _: () = assert!(TIMESTAMP_SHIFT + TIMESTAMP_BITS == 63);
// The messages of `IdError` and the diagrams of `lib.rs` and `slot.rs` name these widths.
const _: () = assert!(TIMESTAMP_BITS == 41 && NODE_BITS == 10 && SEQUENCE_BITS == 12);
