//! Judges a history of transactions on registers by transactional causal consistency.
//!
//! The axioms are from Biswas and Enea, "On the Complexity of Checking Transactional
//! Consistency" (OOPSLA 2019). Causal consistency implies read atomic and read committed. A
//! session is an incarnation of a node, so causal consistency implies the session guarantees
//! of each node as well.

use std::collections::BTreeMap;

/// A key and a value. No two writes of a key have one value.
pub(crate) type Write = (u32, u32);

/// An operation with the value that it read or wrote.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Op {
    Read(u32, Option<u32>),
    Write(u32, u32),
}

/// A committed transaction.
#[derive(Clone, Debug)]
pub(crate) struct Transaction {
    /// The session, whose transactions have the order of the history.
    pub(crate) session: usize,
    pub(crate) ops: Vec<Op>,
}

/// The largest history: a set of transactions is one `u128`, with one bit for the initial one.
pub(crate) const MAX_TRANSACTIONS: usize = 127;

/// The index of the transaction that wrote the initial values.
const INITIAL: usize = 0;

/// A relation between transactions: a row of successors for each.
type Relation = Vec<u128>;

/// Returns why no commit order explains the history, or `Ok` if one does.
pub(crate) fn judge(history: &[Transaction]) -> Result<(), String> {
    assert!(history.len() <= MAX_TRANSACTIONS);
    let mut writers: BTreeMap<Write, usize> = BTreeMap::new();
    let mut final_writes = vec![BTreeMap::new()];
    for (index, transaction) in (1..).zip(history) {
        let mut last = BTreeMap::new();
        for op in &transaction.ops {
            if let Op::Write(key, value) = *op {
                last.insert(key, value);
            }
        }
        writers.extend(last.iter().map(|(key, value)| ((*key, *value), index)));
        final_writes.push(last);
    }

    let mut order: Relation = vec![0; history.len() + 1];
    let mut reads = Vec::new();
    let mut last_of_session = BTreeMap::new();
    for (index, transaction) in (1..).zip(history) {
        let before = last_of_session.insert(transaction.session, index).unwrap_or(INITIAL);
        order[before] |= 1 << index;
        for (key, value) in external_reads(index, &transaction.ops)? {
            let writer = match value {
                None => INITIAL,
                Some(value) => *writers.get(&(key, value)).ok_or_else(|| {
                    format!("T{index} reads {value} of key {key}, which no transaction committed")
                })?,
            };
            if writer != index {
                order[writer] |= 1 << index;
                reads.push((key, writer, index));
            }
        }
    }

    let happens_before = closure(&order);
    for (key, writer, reader) in reads {
        for (other, writes) in final_writes.iter().enumerate() {
            let is_before = happens_before[other] >> reader & 1 == 1;
            if other != writer && is_before && writes.contains_key(&key) {
                order[other] |= 1 << writer;
            }
        }
    }
    match (0..order.len()).find(|index| closure(&order)[*index] >> index & 1 == 1) {
        Some(index) => Err(format!("T{index} is before itself in every commit order")),
        None => Ok(()),
    }
}

/// Returns the reads of other transactions' writes, after a check of the other reads.
fn external_reads(index: usize, ops: &[Op]) -> Result<Vec<(u32, Option<u32>)>, String> {
    let mut known: BTreeMap<u32, Option<u32>> = BTreeMap::new();
    let mut external = Vec::new();
    for op in ops {
        match *op {
            Op::Write(key, value) => drop(known.insert(key, Some(value))),
            Op::Read(key, value) => match known.insert(key, value) {
                None => external.push((key, value)),
                Some(expected) if expected == value => {}
                Some(expected) => {
                    return Err(format!("T{index} reads {value:?} of key {key}, not {expected:?}"));
                }
            },
        }
    }
    Ok(external)
}

fn closure(relation: &Relation) -> Relation {
    let mut closed = relation.clone();
    for middle in 0..closed.len() {
        let successors = closed[middle];
        for row in &mut closed {
            if *row >> middle & 1 == 1 {
                *row |= successors;
            }
        }
    }
    closed
}

#[cfg(test)]
mod tests {
    use super::Op::{Read, Write};
    use super::*;

    /// A history: transactions, each with its session.
    type History<'a> = &'a [(usize, &'a [Op])];

    fn judged(history: History<'_>) -> Result<(), String> {
        let history = history
            .iter()
            .map(|(session, ops)| Transaction { session: *session, ops: ops.to_vec() });
        judge(&history.collect::<Vec<_>>())
    }

    #[test]
    fn accepts_what_causal_consistency_permits() {
        // Two lost updates, a write skew, and readers that see them in either order.
        let history: [(usize, &[Op]); 6] = [
            (0, &[Read(1, None), Write(1, 10)]),
            (1, &[Read(1, None), Write(1, 11)]),
            (0, &[Read(2, None), Write(3, 12)]),
            (1, &[Read(3, None), Write(2, 13)]),
            (2, &[Read(1, Some(10)), Read(1, Some(10)), Read(4, None)]),
            (2, &[Read(1, Some(11)), Write(1, 14), Read(1, Some(14))]),
        ];
        assert_eq!(judged(&history), Ok(()));
    }

    #[test]
    fn rejects_each_anomaly() {
        let anomalies: [(&str, History<'_>); 9] = [
            ("aborted read (G1a)", &[(0, &[Read(1, Some(7))])]),
            (
                "intermediate read (G1b)",
                &[(0, &[Write(1, 7), Write(1, 8)]), (1, &[Read(1, Some(7))])],
            ),
            (
                "cyclic information flow (G1c)",
                &[(0, &[Write(1, 7), Read(2, Some(8))]), (1, &[Write(2, 8), Read(1, Some(7))])],
            ),
            (
                "dirty write (G0)",
                &[
                    (0, &[Write(1, 7), Write(2, 7)]),
                    (1, &[Write(1, 8), Write(2, 8)]),
                    (2, &[Read(1, Some(7))]),
                    (2, &[Read(1, Some(8))]),
                    (3, &[Read(2, Some(8))]),
                    (3, &[Read(2, Some(7))]),
                ],
            ),
            ("own write not read (internal)", &[(0, &[Write(1, 7), Read(1, None)])]),
            (
                "fractured read",
                &[(0, &[Write(1, 7), Write(2, 7)]), (1, &[Read(1, Some(7)), Read(2, None)])],
            ),
            ("own write not read in the next", &[(0, &[Write(1, 7)]), (0, &[Read(1, None)])]),
            (
                "non-monotonic reads",
                &[(0, &[Write(1, 7)]), (1, &[Read(1, Some(7))]), (1, &[Read(1, None)])],
            ),
            (
                "effect without its cause",
                &[
                    (0, &[Write(1, 7)]),
                    (1, &[Read(1, Some(7)), Write(2, 8)]),
                    (2, &[Read(2, Some(8)), Read(1, None)]),
                ],
            ),
        ];
        for (name, history) in anomalies {
            assert!(judged(history).is_err(), "{name}");
        }
    }
}
