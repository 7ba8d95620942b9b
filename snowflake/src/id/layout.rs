//! Where the fields of an ID are.
//!
//! ```text
//!  63  62                          22 21         12 11          0
//! +---+------------------------------+-------------+-------------+
//! | 0 | timestamp, ms since epoch    | node id     | sequence    |
//! +---+------------------------------+-------------+-------------+
//!   1              41                      10            12
//! ```
//!
//! The order and the widths are those of Twitter's Snowflake (`IdWorker.scala`
//! in its `snowflake-2010` tag), whose 5 + 5 bits of datacenter and worker are
//! the node id's ten here.

/// Width of the timestamp, in bits. 2^41 ms is 69.7 years.
pub const TIMESTAMP_BITS: u32 = 41;

/// Width of the node id, in bits.
pub const NODE_BITS: u32 = 10;

/// Width of the sequence, in bits.
pub const SEQUENCE_BITS: u32 = 12;

/// The last timestamp an ID can carry, in milliseconds since the epoch.
pub const TIMESTAMP_MAX: u64 = (1 << TIMESTAMP_BITS) - 1;

/// The largest node id.
pub const NODE_MAX: u16 = (1 << NODE_BITS) - 1;

/// The largest sequence: the last ID of its millisecond.
pub const SEQUENCE_MAX: u16 = (1 << SEQUENCE_BITS) - 1;

/// How many IDs one node can make in one millisecond: 4096.
pub const IDS_PER_MS: u64 = 1 << SEQUENCE_BITS;

pub(crate) const NODE_SHIFT: u32 = SEQUENCE_BITS;
pub(crate) const TIMESTAMP_SHIFT: u32 = NODE_SHIFT + NODE_BITS;

// The sign bit stays clear, so that an ID survives a trip through an `i64` column.
const _: () = assert!(TIMESTAMP_SHIFT + TIMESTAMP_BITS == 63);
