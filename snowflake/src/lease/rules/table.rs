//! The lease table: the rules by which records change.

use std::collections::BTreeMap;

mod choice;
#[cfg(test)]
mod tests;

pub(crate) use self::choice::Choice;
use super::grant::shortest_grant_ms;
#[cfg(feature = "etcd")]
use crate::lease::StoreError;
use crate::lease::{
    AcquireRequest, Grant, GrantLimits, LeaseError, LeaseRecord, ReleaseRequest, RenewRequest,
    ResetRequest, Takeover,
};
use crate::{NodeId, UnixMillis};

/// The largest fencing token: the largest `bigint` of SQL. Only a damaged record reaches it.
const MAX_FENCING_TOKEN: u64 = i64::MAX.cast_unsigned();

/// The length to which a holder's name is cut, in characters.
const MAX_HOLDER_CHARS: usize = 256;

/// The lease table: the records of a store, and the rules by which they change.
///
/// Every store uses this table, and so does the model that searches the protocol for duplicates
/// (`tests/lease/model.rs`). The table reads no clock and has no durable state. `now` is the
/// store's time, or the holder's if the store has no clock.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct LeaseTable {
    records: BTreeMap<NodeId, LeaseRecord>,
}

impl LeaseTable {
    /// Creates a table in which no node ID was ever held.
    pub const fn new() -> LeaseTable {
        LeaseTable { records: BTreeMap::new() }
    }

    /// Returns the record of a node ID, if it was ever held.
    pub fn get(&self, node: NodeId) -> Option<&LeaseRecord> {
        self.records.get(&node)
    }

    /// Returns the records, by node ID.
    pub fn iter(&self) -> impl Iterator<Item = (NodeId, &LeaseRecord)> {
        self.records.iter().map(|(node, record)| (*node, record))
    }

    /// Inserts a record of a store.
    pub fn insert(&mut self, node: NodeId, record: LeaseRecord) {
        self.records.insert(node, record);
    }

    /// Makes the requester the holder of the node ID that it names, or of a free one.
    ///
    /// The grant starts at the high-water mark, or at the requester's time if that is later. Its
    /// end depends on the mark, with `grant_ms` of 3000 as the example:
    ///
    /// | high-water mark | the grant ends |
    /// |---|---|
    /// | up to 2500 ms past the requester's time | `grant_ms` past that time |
    /// | up to 5500 ms past it, as after crashes in quick succession | not granted: [`LeaseError::GrantUsedUp`] has the wait |
    /// | later, because a clock has stepped back | a sixth of `grant_ms` past the mark |
    ///
    /// So repeated crashes never advance the mark by more than `grant_ms` past the clock.
    ///
    /// A request for any node ID prefers those whose mark is not ahead of the requester's clock.
    /// Among those it prefers released ones, then ones that were never held. A node ID whose grant has
    /// ended comes last, because its holder may only be suspended. Of these it prefers the earliest
    /// end.
    ///
    /// A grant has ended if the earlier of the store's time and the requester's time is past its
    /// end. The store's time alone does not decide, because a holder's clock may be as slow as the
    /// requester's.
    ///
    /// # Errors
    ///
    /// [`LeaseError::AllTaken`], [`LeaseError::Held`], [`LeaseError::GrantTooLong`],
    /// [`LeaseError::GrantUsedUp`], [`LeaseError::TooFarAhead`] and
    /// [`LeaseError::FencingTokensExhausted`]. Nothing was changed.
    pub fn acquire(
        &mut self,
        request: &AcquireRequest,
        now: UnixMillis,
        limits: GrantLimits,
    ) -> Result<Grant, LeaseError> {
        self.acquire_by(Choice::FIRST, request, now, limits)
    }

    fn acquire_by(
        &mut self,
        choice: Choice,
        request: &AcquireRequest,
        now: UnixMillis,
        limits: GrantLimits,
    ) -> Result<Grant, LeaseError> {
        if request.grant_ms > limits.max_grant_ms {
            let (requested_ms, max_ms) = (request.grant_ms, limits.max_grant_ms);
            return Err(LeaseError::GrantTooLong { requested_ms, max_ms });
        }
        if let Some(node) = request.node {
            return self.acquire_node(node, request, now, limits);
        }
        let earlier = now.min(request.now);
        let node = self.choose(choice, request.now, earlier)?;
        let acquired = self.acquire_node(node, request, now, limits);
        acquired.map_err(|error| self.with_shorter_wait(error, request.now, earlier))
    }

    fn acquire_node(
        &mut self,
        node: NodeId,
        request: &AcquireRequest,
        now: UnixMillis,
        limits: GrantLimits,
    ) -> Result<Grant, LeaseError> {
        let earlier = now.min(request.now);
        let (fencing_token, high_water_mark) = match self.get(node) {
            Some(record) => {
                if request.takeover == Takeover::AfterExpiry && record.is_held_at(earlier) {
                    let (holder, until) = (record.holder.clone(), record.high_water_mark);
                    return Err(LeaseError::Held { node, holder, until, now: earlier });
                }
                if record.fencing_token >= MAX_FENCING_TOKEN {
                    let fencing_token = record.fencing_token;
                    return Err(LeaseError::FencingTokensExhausted { node, fencing_token });
                }
                (record.fencing_token + 1, record.high_water_mark)
            }
            None => (1, UnixMillis(0)),
        };
        let from = high_water_mark.max(request.now);
        let until = first_grant_end(node, from, request)?;
        check_end(limits, node, until, now)?;
        let shortened = request.holder.chars().take(MAX_HOLDER_CHARS);
        let holder = shortened.map(|c| if c.is_control() { ' ' } else { c }).collect();
        let record =
            LeaseRecord { fencing_token, from, high_water_mark: until, held: true, holder };
        self.insert(node, record);
        Ok(Grant { node, from, until, fencing_token })
    }

    /// Acquires as [`acquire`](LeaseTable::acquire), but by `choice` and none of the `damaged` node
    /// IDs.
    ///
    /// Their records are unreadable, so this table does not have them. A request for one of them
    /// returns its error, and a request for any node ID gets another one.
    #[cfg(feature = "etcd")]
    pub(crate) fn acquire_except(
        &mut self,
        damaged: Vec<(NodeId, StoreError)>,
        choice: Choice,
        request: &AcquireRequest,
        now: UnixMillis,
        limits: GrantLimits,
    ) -> Result<Grant, LeaseError> {
        let mut first = None;
        for (node, error) in damaged {
            if request.node == Some(node) {
                return Err(error.into());
            }
            // The node ID is neither unused nor free.
            let never = UnixMillis(u64::MAX);
            let record = LeaseRecord {
                fencing_token: u64::MAX,
                from: never,
                high_water_mark: never,
                held: true,
                holder: String::new(),
            };
            self.insert(node, record);
            first.get_or_insert(error);
        }
        match (self.acquire_by(choice, request, now, limits), first) {
            (Err(LeaseError::AllTaken { .. }), Some(error)) => Err(error.into()),
            (granted, _) => granted,
        }
    }

    /// Advances the high-water mark to the requested end, and grants the added time.
    ///
    /// If the mark is at or past that end already, it advances by 1 ms.
    ///
    /// # Errors
    ///
    /// [`LeaseError::TakenOver`], [`LeaseError::Released`] and [`LeaseError::TooFarAhead`].
    /// Nothing was changed.
    pub fn renew(
        &mut self,
        request: &RenewRequest,
        now: UnixMillis,
        limits: GrantLimits,
    ) -> Result<Grant, LeaseError> {
        let RenewRequest { node, fencing_token, until, .. } = *request;
        let record = self.held_by(node, fencing_token)?;
        let from = record.high_water_mark;
        let until = until.max(UnixMillis(from.0.saturating_add(1)));
        check_end(limits, node, until, now)?;
        (record.from, record.high_water_mark) = (from, until);
        Ok(Grant { node, from, until, fencing_token })
    }

    /// Releases the node ID, and lowers the high-water mark to the requested one if that is lower.
    ///
    /// A repeated release changes nothing: the answer to the first one may have been lost.
    ///
    /// # Errors
    ///
    /// [`LeaseError::TakenOver`], and [`LeaseError::Released`] if the node ID was never held.
    /// Nothing was changed.
    pub fn release(&mut self, request: &ReleaseRequest) -> Result<(), LeaseError> {
        let newest = self.get(request.node);
        if newest.is_some_and(|it| !it.held && it.fencing_token == request.fencing_token) {
            return Ok(());
        }
        let record = self.held_by(request.node, request.fencing_token)?;
        record.high_water_mark = record.high_water_mark.min(request.high_water_mark);
        record.from = record.from.min(record.high_water_mark);
        record.held = false;
        Ok(())
    }

    /// Sets a high-water mark by hand, and ends the lease. Returns the former mark, if the node ID
    /// was ever held.
    ///
    /// # Errors
    ///
    /// [`LeaseError::LowersMark`]. Nothing was changed.
    pub fn reset(
        &mut self,
        node: NodeId,
        request: &ResetRequest,
    ) -> Result<Option<UnixMillis>, LeaseError> {
        let former = self.get(node).map(|record| record.high_water_mark);
        former.map_or(Ok(()), |recorded| request.check(node, recorded))?;
        let fencing_token = match self.get(node).map_or(0, |record| record.fencing_token) {
            token if token < MAX_FENCING_TOKEN => token + 1,
            // The token is damaged. This one is larger than every token that a holder ever had, and
            // leaves enough for later holders.
            _ => MAX_FENCING_TOKEN / 2,
        };
        let holder = "lease reset".to_owned();
        let (from, high_water_mark) = (request.high_water_mark, request.high_water_mark);
        self.insert(
            node,
            LeaseRecord { fencing_token, from, high_water_mark, held: false, holder },
        );
        Ok(former)
    }

    /// Raises high-water marks and fencing tokens to the values in `other`.
    ///
    /// `other` is the result of a change whose write failed. The change may be on the disk.
    pub(crate) fn raise_to(&mut self, other: &LeaseTable) {
        for (node, theirs) in other.iter() {
            match self.records.get_mut(&node) {
                Some(ours) => {
                    let high_water_mark = ours.high_water_mark.max(theirs.high_water_mark);
                    if theirs.fencing_token > ours.fencing_token {
                        *ours = theirs.clone();
                    }
                    ours.high_water_mark = high_water_mark;
                }
                None => self.insert(node, theirs.clone()),
            }
        }
    }

    fn held_by(
        &mut self,
        node: NodeId,
        fencing_token: u64,
    ) -> Result<&mut LeaseRecord, LeaseError> {
        match self.records.get_mut(&node) {
            Some(record) if record.fencing_token != fencing_token => Err(LeaseError::TakenOver {
                node,
                fencing_token,
                newest: record.fencing_token,
                holder: record.holder.clone(),
            }),
            Some(record) if record.held => Ok(record),
            _ => Err(LeaseError::Released { node }),
        }
    }
}

/// Returns the end of a first grant that starts at `from`.
fn first_grant_end(
    node: NodeId,
    from: UnixMillis,
    request: &AcquireRequest,
) -> Result<UnixMillis, LeaseError> {
    let AcquireRequest { now, grant_ms, .. } = *request;
    let latest = UnixMillis(now.0.saturating_add(grant_ms));
    let until = UnixMillis(from.0.saturating_add(shortest_grant_ms(grant_ms)));
    match until.0.saturating_sub(latest.0) {
        0 => Ok(latest),
        wait_ms if wait_ms <= grant_ms => {
            let free_at = UnixMillis(now.0.saturating_add(wait_ms));
            Err(LeaseError::GrantUsedUp { node, free_at, now })
        }
        _ => Ok(until),
    }
}

/// Rejects a grant that ends too far past the store's clock.
fn check_end(
    limits: GrantLimits,
    node: NodeId,
    until: UnixMillis,
    now: UnixMillis,
) -> Result<(), LeaseError> {
    if until > limits.latest(now) {
        let limit_ms = limits.limit_ms();
        return Err(LeaseError::TooFarAhead { node, until, now, limit_ms });
    }
    Ok(())
}
