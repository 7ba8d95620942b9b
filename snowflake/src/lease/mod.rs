//! Leases of node IDs, so that IDs stay unique across restarts, pauses, bad clocks and machines.
//!
//! In practice, Snowflake IDs repeat for three reasons: two pods have the same node ID, a clock
//! steps back before a restart, or a paused process continues after its lease has expired.
//!
//! A **grant** is a node ID and a time range `[from, until)`. A **lease** is what a process
//! holds: a node ID and its current grants. For each node ID the store keeps a **high-water
//! mark**, the end of the last grant. A grant starts at or above the high-water mark, and the
//! store durably advances the mark to the grant's end before it returns the grant. A generator
//! issues IDs with timestamps inside its grants, and no others.
//!
//! ```
//! use snowflake::lease::{FileStore, GrantLimits, Keeper};
//! use snowflake::{Epoch, NodeId, SystemClock};
//!
//! # let temp = tempfile::tempdir()?;
//! # let directory = temp.path().join("ids");
//! // Once, at installation:
//! FileStore::create(&directory, Epoch::Y2024, GrantLimits::default())?;
//!
//! let store = FileStore::open(&directory, Epoch::Y2024, GrantLimits::default())?;
//! let keeper = Keeper::builder(store).node(NodeId::new(7)?).start(SystemClock)?;
//! let ids = keeper.generator().clone(); // for every part of the service that needs IDs
//!
//! let id = ids.next_id()?;
//! keeper.release()?; // when the service stops, as on SIGTERM
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # The promise and its proof
//!
//! All generators that lease from one store issue **different IDs**, and the IDs of each
//! generator increase.
//!
//! 1. An ID is a node ID, a timestamp and a sequence.
//! 2. One generator issues no ID twice, because it claims no slot twice.
//! 3. A generator issues an ID only if its timestamp is in a grant that it holds.
//! 4. A grant of a node ID starts at or above the high-water mark, and advances the mark to its
//!    end.
//! 5. The mark is durable before the store returns the grant. If an answer is lost, or a write
//!    may have failed, no generator has that time.
//! 6. So two grants of a node ID never overlap (4), across any crash (5).
//! 7. Only the last holder lowers the mark, and only while its fencing token is the newest. It
//!    seals its generator first. The new mark is above every ID that this generator has issued, and
//!    no generator has issued an ID at or above the new mark.
//! 8. So two generators never issue IDs with the same node ID and timestamp (3, 6, 7).
//! 9. No step depends on the present time. A clock only selects which timestamps of its grants a
//!    generator uses.
//! 10. A process that is paused, at any instruction and for any time, still holds its grants.
//!
//! A lease that only has a time to live (Gray and Cheriton, SOSP 1989) lacks step 3. Its holder
//! decides by its own clock whether it still holds the lease. So one clock that is a millisecond
//! slow yields the same IDs twice. This module combines the durable high-water mark of Percolator's
//! timestamp oracle (Peng and Dabek, OSDI 2010) with fencing tokens (Kleppmann, "How to do
//! distributed locking", 2016). Chubby calls such tokens sequencers (Burrows, OSDI 2006).
//!
//! # Not promised
//!
//! - A disk image, a volume snapshot or a template of a virtual machine that contains a file store is
//!   not recognized as a copy. Create the store after cloning.
//! - A virtual machine that is cloned with its memory has two generators with one grant. One that
//!   is reverted to a snapshot of its memory continues in an old grant, and issues its IDs again.
//! - A store that is restored from an old backup, or that loses what it has confirmed, has old
//!   high-water marks and grants their time again.
//! - After an operator lowers a high-water mark with `reset`, IDs above it can be issued again.
//! - A store knows only the node IDs that it leases. A process with a node ID from elsewhere, such
//!   as the ordinal of a StatefulSet, can have the same one.
//! - IDs of different node IDs are ordered only as well as the clocks agree.
//!
//! # Time ahead of the clock
//!
//! After a crash the rest of the last grant is lost, and the next holder starts ahead of its
//! clock. Its timestamps then advance at half the pace of the clock until the clock has caught up.
//! Repeated crashes add up to at most one grant. If crashes have used up the time of a grant, the
//! next start waits for at most a sixth of it. If the clock has stepped back by more than a grant,
//! each crash adds a sixth of a grant, up to the store's limit.
//!
//! # Choosing the length of a grant
//!
//! A keeper requests grants that end [`grant_ms`](KeeperBuilder::grant_ms) past the clock, and
//! renews every third of that.
//!
//! | | 3 s, the default | 30 s |
//! |---|---|---|
//! | renewals | every second | every 10 s |
//! | IDs without the store | for 2 to 3 s | for 20 to 30 s |
//! | time ahead of the clock after crashes | at most 3 s | at most 30 s |
//!
//! While the clock catches up after a crash, IDs without the store continue for at least a quarter
//! of a grant, and the generator issues at most 2,048,000 IDs per second.
//!
//! # When something goes wrong
//!
//! | event | what the service sees |
//! |---|---|
//! | the store is unreachable | IDs until the grant ends, then [`LeaseEnded`](crate::ClaimError::LeaseEnded) with `StoreFailed`. IDs again after the store's return. If a lost answer has advanced the mark, they begin up to a grant later |
//! | the process is stopped, or the machine suspended, for longer than a grant | `next_id` waits for one renewal; `try_next_id` returns `LeaseEnded` with `NotRenewed` |
//! | a crash, then a restart with the same node ID | starts [immediately](Takeover::Immediate), ahead of its clock, or [waits](Takeover::AfterExpiry) |
//! | a crash, then a restart with any node ID | gets another node ID. The old one is free when its grant has ended |
//! | two processes with one node ID | no ID twice. The first gets `TakenOver` when its grant ends, and continues, at most eight renewal intervals later, if the second releases |
//! | the clock steps back | as without a lease: the generator waits, or issues IDs up to `max_ahead_ms` ahead of the clock |
//! | the clock steps forward | no effect for a second, then `NotRenewed` until the next renewal. A database rejects the renewal ([`TooFarAhead`](LeaseError::TooFarAhead)) if it exceeds the [`GrantLimits`] |
//! | fork | calls in the child return [`Forked`](crate::ClaimError::Forked), and its copy of the keeper does nothing |
//!
//! # Stores
//!
//! | store | for | the marks survive | clock |
//! |---|---|---|---|
//! | [`MemoryStore`] | tests | nothing | the holder's |
//! | [`FileStore`] | one process, or one for each fixed node ID | a crash of the process or the machine, if the disk keeps what it has synced | the holder's |
//! | `PostgresStore`, feature `postgres` | many machines | what a commit survives; its documentation names the exception | the server's |
//! | `EtcdStore`, feature `etcd` | many machines | the loss of a minority of the members | the earlier of the holder's and the member's |
//!
//! The errors of the stores:
//!
//! | cause | [`StoreErrorKind`] |
//! |---|---|
//! | a directory without a store; with `open`, a database without one | [`Missing`](StoreErrorKind::Missing) |
//! | a damaged or truncated lease file, a damaged key in etcd | [`Damaged`](StoreErrorKind::Damaged). A damaged key affects its own node ID only |
//! | a copy of a directory, as on another host | [`Copied`](StoreErrorKind::Copied) |
//! | a directory that another process has open | [`InUse`](StoreErrorKind::InUse), with the process ID |
//! | a directory on NFS, SMB, FUSE and the like | [`NetworkFileSystem`](StoreErrorKind::NetworkFileSystem) |
//! | a full or read-only disk, no connection, a server that hangs | [`Failed`](StoreErrorKind::Failed). The high-water mark may have advanced, and no generator has that time |
//! | PostgreSQL with `fsync = off` or one of its two tables, an ID format in etcd that is missing or damaged, a lease file of a newer version | [`Misconfigured`](StoreErrorKind::Misconfigured) |
//!
//! `PostgresStore::connect` and `EtcdStore::connect` create a store in an empty database. So a URL
//! with a wrong database, schema or prefix **starts from zero**, and the IDs of the right store can
//! be issued again. Create a store once, by `snowflake lease create`, and use `open`.
//!
//! A process with another epoch or layout gets [`LeaseError::IdFormatMismatch`].
//!
//! The directory `examples` has a service for each store that stops cleanly on SIGTERM:
//! `lease_file`, `lease_postgres` and `lease_etcd`.
//!
//! To implement [`LeaseStore`] for another database, put a transaction around a [`LeaseTable`],
//! which has the rules. Redis does not qualify. It acknowledges before it has written
//! (`appendfsync everysec`) and replicates after it has acknowledged, so a crash or a failover
//! can bring back an old high-water mark.
//!
//! In a store without a clock, a process with a wrong clock can advance a high-water mark far
//! ahead. The mark blocks its node ID until that time. Use another node ID, or
//! [`reset`](LeaseStore::reset) the mark to a time after every ID that was issued with it.
//!
//! # systemd and Kubernetes
//!
//! Release on SIGTERM: stop issuing IDs, call [`Keeper::release`], exit. Without the release
//! the next start finds the node ID as after a crash, which is safe.
//!
//! - systemd: `StateDirectory=myservice` creates a directory for the [`FileStore`]. Create the
//!   store once, when the service is installed. Do not create it in `ExecStartPre`, which would
//!   silently replace a lost store by an empty one. `KillMode=mixed` leaves the release to the main
//!   process.
//! - Kubernetes: a [`FileStore`] needs a separate volume and a fixed node ID for each pod. A
//!   StatefulSet with `volumeClaimTemplates` provides both. Network file systems are rejected.
//!   `terminationGracePeriodSeconds` has to cover the release: one round trip, or up to 10 s if the
//!   store does not answer, and 2 s more for each PostgreSQL host after the second. With PostgreSQL
//!   or etcd a Deployment of up to 1024 pods is enough, and no node ID has to be chosen. Do not
//!   use the etcd of the Kubernetes cluster.
//! - Prefork servers: start the keeper in the worker, after the fork.

mod keeper;
mod random;
mod rules;
mod stores;

pub use keeper::{Keeper, KeeperBuilder, KeeperStatus, ManualKeeper};
pub use rules::{
    AcquireRequest, Grant, GrantLimits, IdFormat, LeaseError, LeaseRecord, LeaseStore, LeaseTable,
    ReleaseRequest, RenewRequest, ResetRequest, StoreError, StoreErrorKind, Takeover,
};
#[cfg(feature = "etcd")]
pub use stores::EtcdStore;
#[cfg(unix)]
pub use stores::FileStore;
pub use stores::MemoryStore;
#[cfg(feature = "postgres")]
pub use stores::PostgresStore;
