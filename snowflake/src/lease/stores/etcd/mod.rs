//! A store in etcd.

mod conflicts;
mod gateway;
mod messages;
mod url;
mod view;

use std::fmt;

use parking_lot::Mutex;

use self::conflicts::Conflicts;
use self::gateway::Gateway;
use self::messages::{Compare, Operation, Revision, Transaction, TransactionResponse};
use self::url::EtcdUrl;
use self::view::{Keys, View};
use crate::clock::ForkGeneration;
use crate::lease::rules::Choice;
use crate::lease::{
    AcquireRequest, Grant, GrantLimits, IdFormat, LeaseError, LeaseRecord, LeaseStore, LeaseTable,
    ReleaseRequest, RenewRequest, ResetRequest, StoreError, StoreErrorKind,
};
use crate::{Epoch, NodeId, UnixMillis};

/// A store in etcd, for many machines.
///
/// It uses the JSON gateway (`/v3/`) that every etcd member serves on its client port. Its keys
/// begin with a prefix, `snowflake` unless the URL names another. Each prefix is a separate store.
///
/// | key | value |
/// |---|---|
/// | `snowflake/id_format` | `{"epoch_ms":…,"timestamp_bits":41,"node_id_bits":10,"sequence_bits":12}` |
/// | `snowflake/node_id/0007` | `{"fencing_token":3,"from_ms":…,"high_water_mark_ms":…,"held":true,"holder":"pod-7"}` |
///
/// `snowflake lease create` writes the ID format, and so does [`connect`](EtcdStore::connect) at a
/// prefix without keys. [`open`](EtcdStore::open) never does.
///
/// No key has an etcd lease. Do not delete a key while its node IDs are in use, because without it
/// IDs can be issued twice. With authentication, the user's role needs `readwrite` on the prefix
/// (`etcdctl role grant-permission ids readwrite --prefix=true snowflake/`).
///
/// A grant is one transaction. It compares the last changes of the node ID's key and of the
/// ID format's key, and puts the new high-water mark. If a request times out and is applied later,
/// the mark advances, and the next renewal is granted from there. A renewal is one round trip, and
/// an acquisition takes two. Processes that start together conflict and repeat their transactions. After
/// a conflict a process chooses at random among the first node IDs of the same
/// [preference](LeaseTable::acquire), so hundreds of processes can start together.
///
/// # The URL
///
/// ```text
/// etcd://host                                      port 2379, prefix `snowflake`, no TLS
/// etcd://user:password@host:2379,host2:2379/prefix
/// etcds://host?cacert=ca.pem&cert=client.pem&key=client-key.pem
/// ```
///
/// - `etcds` is TLS. The server's certificate must be for the host in the URL. It must be signed by
///   a certificate in `cacert`, or by one that the system trusts. `cert` and `key` are this
///   client's certificate and key. All three are PEM files, with the names of etcdctl's flags.
/// - With several members a request goes first to the member that answered last, and then to the
///   others in turn.
/// - `timeout_ms` limits one request, and the members share it evenly. The default is 1000.
/// - User, password, prefix and options are percent-decoded, as in `%40`.
///
/// The calls block for at most `timeout_ms` per request, and the first request without an answer
/// ends the call. With authentication a call may send four requests: one for a token, the
/// transaction, and both again if the token has expired. A transaction that conflicts with another
/// one is repeated for up to 5 s.
///
/// After 15 s without an answer, a request opens a new connection. So the first renewal after a
/// suspend of the machine succeeds, although the server or the network has ended the old one.
///
/// # Clocks
///
/// [`GrantLimits`] are measured from the earlier of two clocks: the requester's, and that of the
/// member that answers, rounded up to a second. So a holder whose clock is far ahead cannot block
/// its node ID. A holder whose clock is far behind the high-water mark gets
/// [`TooFarAhead`](LeaseError::TooFarAhead).
///
/// # Durability
///
/// etcd answers when a majority of its members has written and synced the transaction. Do not
/// start it with `--unsafe-no-fsync`. A cluster that is restored from a snapshot has old
/// high-water marks. Keep its clients stopped for the length of a grant, and then
/// [`reset`](LeaseStore::reset) the marks to the present.
///
/// # Examples
///
/// ```no_run
/// use snowflake::lease::{GrantLimits, EtcdStore, Keeper};
/// use snowflake::{Epoch, SystemClock};
///
/// let store = EtcdStore::connect("etcd://localhost/orders", Epoch::Y2024, GrantLimits::default())?;
/// let keeper = Keeper::builder(store).start(SystemClock)?;
/// println!("node ID {}", keeper.generator().node());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct EtcdStore {
    gateway: Gateway,
    location: String,
    keys: Keys,
    format: IdFormat,
    limits: GrantLimits,
    /// A cache of the records that this process has put, so that a renewal needs no read.
    cache: Mutex<View>,
    /// The process that connected.
    fork_generation: ForkGeneration,
}

impl fmt::Debug for EtcdStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EtcdStore")
            .field("location", &self.location)
            .field("format", &self.format)
            .finish_non_exhaustive()
    }
}

const READ_ID_FORMAT: &str = "reading the ID format";
const READ_LEASES: &str = "reading the leases";

impl EtcdStore {
    /// Connects to the cluster at `url`, and writes the ID format if the prefix has no keys.
    ///
    /// A prefix without keys is a new store, in which no node ID was ever held. So a URL with a
    /// wrong prefix or cluster starts from zero, and can repeat IDs. After the installation of a
    /// service, use [`open`](EtcdStore::open).
    ///
    /// # Errors
    ///
    /// - [`LeaseError::Store`] if no member answers, or etcd rejects the user.
    /// - [`LeaseError::Store`] with [`StoreErrorKind::Misconfigured`] if node IDs have keys, and
    ///   the ID format has none.
    /// - [`LeaseError::IdFormatMismatch`] if the store at the prefix has another epoch.
    pub fn connect(url: &str, epoch: Epoch, limits: GrantLimits) -> Result<EtcdStore, LeaseError> {
        let store = EtcdStore::at(url, epoch, limits)?;
        let key = &store.keys.id_format;
        let response = store.transact(
            READ_ID_FORMAT,
            &Transaction {
                // The format of present records is not known: another epoch could repeat their IDs.
                compare: vec![
                    Compare::changed_at(key, Revision(0)),
                    Compare::none_under(&store.keys.nodes),
                ],
                success: vec![Operation::put(key, &view::id_format_json(store.format))],
                failure: store.keys.reading(None),
            },
        )?;
        if !response.succeeded {
            store.view(response)?;
        }
        Ok(store)
    }

    /// Connects to the cluster at `url`, where the prefix must have a store.
    ///
    /// Without an epoch the store's IDs have the recorded one.
    ///
    /// # Errors
    ///
    /// As [`connect`](EtcdStore::connect). [`LeaseError::Store`] with [`StoreErrorKind::Missing`]
    /// if the prefix has no keys.
    pub fn open(
        url: &str,
        epoch: impl Into<Option<Epoch>>,
        limits: GrantLimits,
    ) -> Result<EtcdStore, LeaseError> {
        let epoch = epoch.into();
        // Without an epoch, any one until it is read.
        let mut store = EtcdStore::at(url, epoch.unwrap_or(Epoch::Y2024), limits)?;
        let (_, recorded) = store.parsed(store.transact(READ_ID_FORMAT, &store.reading(None))?)?;
        store.format = recorded.for_epoch(epoch)?;
        Ok(store)
    }

    /// Returns the intact records, and the errors of the damaged ones.
    ///
    /// It is for an overview of the store. [`records`](LeaseStore::records) returns an error if any
    /// record is damaged.
    ///
    /// # Errors
    ///
    /// As [`records`](LeaseStore::records), except for a damaged record.
    pub fn intact_records(&self) -> Result<(LeaseTable, Vec<StoreError>), LeaseError> {
        let (table, damaged) = self.split_damaged(&self.read(READ_LEASES, None)?);
        Ok((table, damaged.into_iter().map(|(_, error)| error).collect()))
    }

    /// Returns a store that has not connected yet.
    fn at(url: &str, epoch: Epoch, limits: GrantLimits) -> Result<EtcdStore, LeaseError> {
        let failed = |doing| StoreError::new("in etcd", StoreErrorKind::Failed { doing });
        let url = EtcdUrl::parse(url).map_err(|error| failed("reading the URL").because(error))?;
        let location = format!("in etcd at {}/{}", url.members.join(","), url.prefix);
        let keys = Keys::under(&url.prefix);
        let gateway =
            Gateway::new(url).map_err(|error| failed("reading the certificates").because(error))?;
        let format = IdFormat::new(epoch);
        let (cache, fork_generation) = (Mutex::default(), ForkGeneration::current());
        Ok(EtcdStore { gateway, location, keys, format, limits, cache, fork_generation })
    }

    /// Returns an error in a forked child. The connections are the parent's, and a lock may never
    /// be unlocked here.
    fn check_process(&self) -> Result<(), LeaseError> {
        if self.fork_generation.is_forked() {
            return Err(StoreError::new(&*self.location, StoreErrorKind::Forked).into());
        }
        Ok(())
    }

    fn transact(
        &self,
        doing: &'static str,
        transaction: &Transaction,
    ) -> Result<TransactionResponse, LeaseError> {
        self.check_process()?;
        self.gateway.transact(transaction).map_err(|error| {
            StoreError::new(&*self.location, StoreErrorKind::Failed { doing }).because(error).into()
        })
    }

    fn reading(&self, node: Option<NodeId>) -> Transaction {
        let success = self.keys.reading(node);
        Transaction { compare: Vec::new(), success, failure: Vec::new() }
    }

    fn read(&self, doing: &'static str, node: Option<NodeId>) -> Result<View, LeaseError> {
        self.view(self.transact(doing, &self.reading(node))?)
    }

    /// Returns what was read, if the ID format is ours.
    fn view(&self, response: TransactionResponse) -> Result<View, LeaseError> {
        let (view, format) = self.parsed(response)?;
        format.check(self.format)?;
        Ok(view)
    }

    /// Returns what was read, and the ID format.
    fn parsed(&self, response: TransactionResponse) -> Result<(View, IdFormat), LeaseError> {
        let key = &self.keys.id_format;
        let kind = match View::of(&self.keys, response) {
            Ok((view, Some(format))) => return Ok((view, format)),
            Ok((view, None)) if view.is_empty() => StoreErrorKind::Missing,
            Ok((_, None)) => StoreErrorKind::Misconfigured {
                details: format!(
                    "its key `{key}` is missing; restore its value with the epoch of its holders: \
                     `{{\"epoch_ms\":EPOCH,\"timestamp_bits\":41,\"node_id_bits\":10,\
                     \"sequence_bits\":12}}`",
                ),
            },
            Err(kind) => kind,
        };
        Err(StoreError::new(&*self.location, kind).into())
    }

    /// Returns the records, and the errors of the damaged ones.
    fn split_damaged(&self, view: &View) -> (LeaseTable, Vec<(NodeId, StoreError)>) {
        let (table, damaged) = view.split_damaged();
        let error = |(node, kind)| (node, StoreError::new(&*self.location, kind));
        (table, damaged.into_iter().map(error).collect())
    }

    /// Returns the records, if none is damaged.
    fn table(&self, view: &View) -> Result<LeaseTable, LeaseError> {
        let (table, damaged) = self.split_damaged(view);
        damaged.into_iter().next().map_or(Ok(table), |(_, error)| Err(error.into()))
    }

    /// Returns the time from which the limits are measured.
    fn now(&self, requester: UnixMillis) -> UnixMillis {
        self.gateway.time().map_or(requester, |member| requester.min(member))
    }

    /// Returns `result`. After an error for which a member's clock is too slow, the next call
    /// goes to another member first.
    fn skip_slow_clock<T>(
        &self,
        requester: UnixMillis,
        result: Result<T, LeaseError>,
    ) -> Result<T, LeaseError> {
        if let Err(LeaseError::TooFarAhead { now, .. }) = &result
            && *now < requester
        {
            self.gateway.skip_member();
        }
        result
    }

    /// Changes the record of `node`, or of a node ID that `change` chooses.
    ///
    /// The first attempt uses the cached record, and takes one request if the record has not
    /// changed in etcd. If `change` rejects the cached record, the record is read. Only a rejection
    /// of a record that was read is an error.
    fn change<T>(
        &self,
        doing: &'static str,
        node: Option<NodeId>,
        change: impl Fn(&View, Choice) -> Result<(NodeId, LeaseRecord, T), LeaseError>,
    ) -> Result<T, LeaseError> {
        self.check_process()?;
        let mut conflicts = Conflicts::new();
        let mut cached = node.and_then(|node| self.cache.lock().only(node));
        let mut read = None;
        loop {
            let (view, is_cached) = match (cached.take(), read.take()) {
                (Some(cached), _) => (cached, true),
                (None, Some(read)) => (read, false),
                (None, None) => (self.read(doing, node)?, false),
            };
            let (chosen, record, granted) = match change(&view, conflicts.choice()) {
                Ok(changed) => changed,
                Err(_) if is_cached => continue,
                Err(error) => return Err(error),
            };
            let key = self.keys.node(chosen);
            let response = self.transact(
                doing,
                &Transaction {
                    compare: vec![
                        Compare::changed_at(&self.keys.id_format, view.id_format()),
                        Compare::changed_at(&key, view.revision(chosen)),
                    ],
                    success: vec![Operation::put(&key, &view::record_json(&record))],
                    failure: self.keys.reading(node),
                },
            )?;
            if response.succeeded {
                self.cache.lock().insert(view.id_format(), chosen, response.revision(), record);
                return Ok(granted);
            }
            read = Some(self.view(response)?);
            conflicts.record().map_err(|conflict| {
                let failed = StoreError::new(&*self.location, StoreErrorKind::Failed { doing });
                failed.because(conflict)
            })?;
        }
    }
}

/// Returns the record of a table after a change.
fn changed<T>(
    table: &LeaseTable,
    node: NodeId,
    granted: T,
) -> Result<(NodeId, LeaseRecord, T), LeaseError> {
    let record = table.get(node).cloned().ok_or(LeaseError::Released { node })?;
    Ok((node, record, granted))
}

impl LeaseStore for EtcdStore {
    fn id_format(&self) -> IdFormat {
        self.format
    }

    fn acquire(&self, request: &AcquireRequest) -> Result<Grant, LeaseError> {
        let acquired = self.change("acquiring a node ID", request.node, |view, choice| {
            let (mut table, damaged) = self.split_damaged(view);
            let now = self.now(request.now);
            let lease = table.acquire_except(damaged, choice, request, now, self.limits)?;
            changed(&table, lease.node, lease)
        });
        self.skip_slow_clock(request.now, acquired)
    }

    fn renew(&self, request: &RenewRequest) -> Result<Grant, LeaseError> {
        let renewed = self.change("renewing", Some(request.node), |view, _| {
            let mut table = self.table(view)?;
            let renewed = table.renew(request, self.now(request.now), self.limits)?;
            changed(&table, request.node, renewed)
        });
        self.skip_slow_clock(request.now, renewed)
    }

    fn release(&self, request: &ReleaseRequest) -> Result<(), LeaseError> {
        self.change("releasing", Some(request.node), |view, _| {
            let mut table = self.table(view)?;
            table.release(request)?;
            changed(&table, request.node, ())
        })
    }

    fn records(&self) -> Result<Vec<(NodeId, LeaseRecord)>, LeaseError> {
        let table = self.table(&self.read(READ_LEASES, None)?)?;
        Ok(table.iter().map(|(node, record)| (node, record.clone())).collect())
    }

    fn record(&self, node: NodeId) -> Result<Option<LeaseRecord>, LeaseError> {
        let table = self.table(&self.read("reading the lease", Some(node))?)?;
        Ok(table.get(node).cloned())
    }

    fn reset(
        &self,
        node: NodeId,
        request: &ResetRequest,
    ) -> Result<Option<UnixMillis>, LeaseError> {
        self.change("resetting", Some(node), |view, _| {
            let mut table = view.table_for_reset();
            let former = table.reset(node, request)?;
            changed(&table, node, former)
        })
    }
}
