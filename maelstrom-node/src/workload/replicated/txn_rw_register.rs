//! `txn-rw-register`: transactions on registers, which every node executes by itself.
//!
//! # The protocol
//!
//! - **T1** A transaction takes a Snowflake ID of its node, its *stamp*. Stamps of one node
//!   increase. A node without a new ID (its clock stepped back, its lease ended) repeats its
//!   last stamp. The *version* of a transaction is its stamp, its stream and its sequence
//!   number in the stream, compared in that order. No two writing transactions share one.
//! - **T2** The node makes transactions visible that have arrived. A transaction becomes visible
//!   after all earlier ones of its stream, and after all that were visible to it on its own
//!   node. Its version must be smaller than the version of the transaction to execute. The
//!   other transactions stay hidden for now.
//! - **T3** The node executes the operations in order. A read returns the last write of the same
//!   transaction, or else the visible value. No step waits for a peer.
//! - **T4** The last write of each key becomes one item of the node's stream. A node that makes
//!   the item visible applies its writes together. The write with the largest version wins.
//!
//! # The argument
//!
//! The edges are from Adya (1999): ww leads from a write to the next version of the key, wr from
//! a write to its reader.
//!
//! 1. *No G0.* By T4 all nodes order the writes of a key by version. So every ww edge leads
//!    to a larger version.
//! 2. *No G1c.* By T2 a transaction reads from smaller versions only. So every wr edge leads to
//!    a larger version too, and no cycle of ww and wr edges exists. The rule of T2 does what
//!    Lamport's receive rule does for logical clocks: a stamp exceeds all stamps that were read.
//!    Here a node does not move its clock forward. It hides a transaction whose stamp is ahead
//!    of its own clock. So a wrong clock delays only the writes of the node that has it.
//! 3. *No G1a.* A failed transaction gets an error reply before T4, and creates no item. *No G1b.*
//!    The item has no intermediate write.
//! 4. *Atomic visibility.* By T4 a reader that sees one write of a transaction sees, for
//!    each of its other keys, that write or one with a larger version. The visible set does not
//!    change during a transaction, so reads repeat (item cut isolation).
//! 5. *Sessions.* Only T2 and T4 change the visible set of a node, and it only grows. So on one
//!    node reads are monotonic, and a client reads its own writes.
//! 6. *Causality.* By T2 the visible set of every node is closed under "was visible to". So
//!    writes follow reads across nodes, and what a node reads is never older than a cause of
//!    what it has read. With 1 to 5 this is transactional causal consistency with convergence.
//! 7. *Convergence.* Visible sets that are equal have equal values, by T4. Dissemination
//!    makes them equal once the clocks have passed every stamp.
//!
//! Lost updates and write skew are possible. No system that answers every client during a partition
//! prevents them (Bailis et al., "Highly Available Transactions", VLDB 2013). Atomic visibility by
//! one item per transaction follows RAMP (Bailis et al., SIGMOD 2014).
//!
//! A node that restarts without its memory begins a new stream, and sessions on it begin
//! again. If a transaction was lost with its node, those that follow it in its stream or by
//! causality stay hidden everywhere. Points 1 to 4 do not depend on memory, and 6 holds
//! within each incarnation.
//!
//! | Points | Tests |
//! |---|---|
//! | 1, 4, 6 | the unit tests of `registers.rs` |
//! | 2, 3, 5 | the unit tests below, with clocks that differ and step back |
//! | 1 to 7 | `tests/integration/transactions`: random transactions under loss, partitions, restarts and wrong clocks, judged by the axioms of Biswas and Enea (OOPSLA 2019) |

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::value::RawValue;
use snowflake::{ClaimError, Id};

use super::registers::{Commit, Registers, Version};
use super::{Protocol, Replicated, Times};
use crate::base::{Kind, Time};
use crate::dissemination::Dissemination;
use crate::message::{Address, ErrorCode, MicroOp, Outbox, Payload, Request};
use crate::workload::{Definition, IdGenerator, check_size};

const KIND: Kind = Kind::new("txn-rw-register");

pub(super) const DEFINITION: Definition = Definition {
    kind: KIND,
    is_replicated: true,
    takes_ids: true,
    serves: is_txn,
    is_identified_by: is_txn,
    create: |context| {
        let transactions = Transactions { ids: (context.ids)()?, last: None };
        Ok(Box::new(Replicated::new(KIND, transactions, &Times::OFTEN, context)))
    },
};

fn is_txn(request: &Request<'_>) -> bool {
    matches!(request, Request::Txn { .. })
}

#[derive(Debug)]
pub(crate) struct Transactions {
    ids: Arc<dyn IdGenerator>,
    /// The stamp of the last transaction.
    last: Option<Id>,
}

/// The writes of a transaction by the text of their keys, each with its key and value.
type Writes<'a> = BTreeMap<&'a str, (&'a RawValue, &'a RawValue)>;

impl Transactions {
    /// Returns the stamp of the next transaction: step T1.
    fn stamp(&mut self) -> Result<Id, ClaimError> {
        match (self.ids.try_next_id(), self.last) {
            (Err(_), Some(last)) => Ok(last),
            (new, _) => {
                self.last = Some(new?);
                new
            }
        }
    }

    fn execute(
        &mut self,
        now: Time,
        client: Option<&Address<'_>>,
        txn: &[MicroOp<'_>],
        registers: &mut Dissemination<Registers>,
        out: &mut Outbox,
    ) {
        let stamp = match self.stamp() {
            Ok(stamp) => stamp,
            Err(why) => {
                return out.error(client, ErrorCode::TemporarilyUnavailable, &why.to_string());
            }
        };
        let sequence = registers.next_of_mine();
        let (state, view) = registers.split();
        let origin = view.mine();
        state.reveal(Version { stamp, origin, sequence });
        let (done, writes) = run(txn, state);
        // A short request may read one large value a million times.
        let read = done.iter().map(|op| match op {
            MicroOp::Read { value, .. } => value.get().len(),
            MicroOp::Write { .. } => 0,
        });
        if let Err(text) = check_size("txn: the reads are", read.sum()) {
            return out.error(client, ErrorCode::MalformedRequest, &text);
        }
        out.reply(client, &Payload::TxnOk { txn: &done });
        if !writes.is_empty() {
            let writes = writes.into_values().collect();
            let commit = Commit { stamp, writes, after: state.take_seen(origin) };
            registers.add(now, &commit.text());
            // Its own writes are visible to the next transaction, even with the same stamp.
            registers.state_mut().reveal(Version { stamp, origin, sequence: sequence + 1 });
        }
    }
}

/// Executes the operations: step T3. Returns them with the values read, and the last write of
/// each key.
fn run<'t: 'r, 'r>(
    txn: &[MicroOp<'t>],
    registers: &'r Registers,
) -> (Vec<MicroOp<'r>>, Writes<'t>) {
    let mut writes = Writes::new();
    let done = txn.iter().map(|op| match *op {
        MicroOp::Read { key, .. } => {
            let written = writes.get(key.get()).map(|(_, value)| *value);
            let value = written.or_else(|| registers.get(key)).unwrap_or(RawValue::NULL);
            MicroOp::Read { key, value }
        }
        MicroOp::Write { key, value } => {
            writes.insert(key.get(), (key, value));
            *op
        }
    });
    (done.collect(), writes)
}

impl Protocol for Transactions {
    type State = Registers;

    fn initial(_key: u64) -> Registers {
        Registers::default()
    }

    fn on_request(
        &mut self,
        now: Time,
        client: Option<&Address<'_>>,
        request: Request<'_>,
        registers: &mut Dissemination<Registers>,
        out: &mut Outbox,
    ) {
        let Request::Txn { txn } = request else { return };
        let written = txn.iter().map(|op| match op {
            MicroOp::Read { .. } => 0,
            MicroOp::Write { key, value } => key.get().len() + value.get().len(),
        });
        if let Err(text) = check_size("txn: the writes are", written.sum()) {
            return out.error(client, ErrorCode::MalformedRequest, &text);
        }
        self.execute(now, client, &txn, registers, out);
    }
}
