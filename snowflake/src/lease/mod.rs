//! Node IDs with a store behind them: unique across restarts, pauses, bad clocks and machines.
//!
//! Node IDs are where Snowflake IDs really fail: two pods with the same number, a restart
//! after the clock went back, a process that was paused and wakes up after its lease. Here a
//! **lease** is a node ID and a range of time, `[from, until)`, and a fencing_token. The store keeps
//! a **high-water mark** for each node ID: a grant begins at the mark or later, and the mark
//! is at its end, durably, before anyone has the grant. A generator makes IDs with
//! timestamps inside its grants and nowhere else.
//!
//! ```
//! use snowflake::lease::{GrantLimits, FileStore, Keeper};
//! use snowflake::{Epoch, NodeId, SystemClock};
//!
//! # let temp = tempfile::tempdir()?;
//! # let folder = temp.path().join("ids");
//! FileStore::create(&folder, Epoch::Y2024, GrantLimits::default())?; // once, at installation
//!
//! let store = FileStore::open(&folder, Epoch::Y2024, GrantLimits::default())?;
//! let keeper = Keeper::builder(store).node(NodeId::new(7)?).start(SystemClock)?;
//! let ids = keeper.generator().clone(); // to wherever IDs are needed
//!
//! let id = ids.next_id()?;
//! keeper.release()?; // at the end, as on SIGTERM
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What is promised, and why it holds
//!
//! All generators that lease from one store make **different IDs**, and each one's increase.
//! In ten lines:
//!
//! 1. An ID is a node ID, a timestamp and a sequence.
//! 2. One generator makes no ID twice, because it claims no slot twice.
//! 3. A generator makes an ID only if its timestamp lies in a grant that it holds.
//! 4. A grant of a node ID begins at its mark or later, and moves the mark to its end.
//! 5. The mark has moved durably before the grant is given. An answer that is lost, or a
//!    write that may not have happened, is time that nobody has.
//! 6. So two grants of a node ID never overlap (4), across any crash (5).
//! 7. Marks are lowered only by the last holder, to where its sealed generator stopped, and
//!    only while its fencing_token is the newest: below that it has made IDs, above it nobody has.
//! 8. So two generators never make IDs with one node ID and one timestamp (3, 6, 7).
//! 9. No step of this asks what time it is. A clock decides which of its grant's
//!    timestamps a generator uses, and when it has none left.
//! 10. A process that is paused, at any instruction and for any time, holds what it held.
//!
//! A plain lease with a time to live has no 3: its holder asks its own clock whether it is
//! still the holder, and one clock that is a millisecond slow makes the same IDs twice.
//!
//! # What is not promised
//!
//! - A virtual machine that is cloned with its memory has two generators with one grant.
//! - A store that is restored from an old backup, or that forgets what it has confirmed,
//!   has old marks, and grants their time again.
//! - An operator who lowers a mark with `reset` lets the IDs above it be made again.
//! - IDs of different node IDs are ordered only as well as the clocks agree.
//!
//! # Which grant to ask for
//!
//! With [`grant_ms`](KeeperBuilder::grant_ms) a keeper asks for time up to that much ahead,
//! every third of it. It is the one trade-off there is:
//!
//! | | 3 s, the default | 30 s |
//! |---|---|---|
//! | the store is asked | each second | every 10 s |
//! | IDs go on without the store for | 2 to 3 s | 20 to 30 s |
//! | after a crash, timestamps run ahead of the clock by | at most 3 s | at most 30 s |
//!
//! # When something goes wrong
//!
//! | what | what the service sees |
//! |---|---|
//! | the store is gone | IDs until the grant ends, then [`LeaseEnded`](crate::ClaimError::LeaseEnded) with `StoreFailed`; IDs again after its return, at most a grant later if it had moved the mark meanwhile |
//! | the process is stopped longer than its grant | `LeaseEnded` with `NotRenewed`, until the next renewal: one round trip |
//! | a crash, then a restart with the same node ID | starts at once, at most a grant [ahead](Takeover::Immediate) of its clock; or [waits](Takeover::AfterExpiry) |
//! | a crash, then a restart with any node ID | another one; the old one is free when its grant has ended |
//! | two processes with one node ID | no ID twice; the first is told `TakenOver` when its grant ends, and goes on if the second releases |
//! | the clock steps back | as without a lease: the generator waits, or runs ahead by `max_ahead_ms` |
//! | the clock jumps ahead | not believed for a second, then `NotRenewed` until the next renewal, which a database refuses ([`TooFarAhead`](LeaseError::TooFarAhead)) if it is out of [`GrantLimits`] |
//! | fork | the child's calls say [`Forked`](crate::ClaimError::Forked); its copy of the keeper does nothing |
//!
//! # Stores
//!
//! | | for | survives | its clock |
//! |---|---|---|---|
//! | [`MemoryStore`] | tests | nothing | the holder's |
//! | [`FileStore`] | one process, or one for each fixed node ID | a crash of process or machine, as far as the disk keeps what it has synced | the holder's |
//! | `PostgresStore`, feature `postgres` | many machines | what a commit survives; its page has the exception | the server's |
//! | `EtcdStore`, feature `etcd` | many machines | the loss of a minority of the members | the earlier of the holder's and the member's |
//!
//! How they fail, and what [`StoreError`] then says:
//!
//! | | says |
//! |---|---|
//! | a folder without a store | [`Missing`](StoreErrorKind::Missing): there is no silent start from zero |
//! | its file damaged, or cut short; a key of etcd that cannot be read, a row of PostgreSQL with a time before 1970 | [`Damaged`](StoreErrorKind::Damaged), and how to go on. A key or row stops its own node ID only: whoever asks for any gets another, if one is free |
//! | a folder that was copied, as to another host | [`Copied`](StoreErrorKind::Copied) |
//! | a folder that another process has open | [`InUse`](StoreErrorKind::InUse), and by which one |
//! | a folder on NFS, SMB, FUSE and the like | [`NetworkFileSystem`](StoreErrorKind::NetworkFileSystem) |
//! | a full or read-only disk; no connection, or a server that hangs | [`Failed`](StoreErrorKind::Failed), and why; within what its page says where nothing answers. The mark may have moved: nobody has that time |
//! | PostgreSQL with `fsync = off`; an etcd id_format that is gone or cannot be read | [`Misconfigured`](StoreErrorKind::Misconfigured) |
//! | another epoch or layout | [`IdFormatMismatch`](LeaseError::IdFormatMismatch), with both |
//!
//! There is a runnable service for each, with a clean stop on SIGTERM: `lease_file`,
//! `lease_postgres` and `lease_etcd` in the folder `examples`.
//!
//! [`LeaseStore`] is small, and [`LeaseTable`] has the rules: a store of your own is a
//! transaction around it. Redis is left out on purpose: it acknowledges before it has
//! written (`appendfsync everysec`) and replicates after it has acknowledged, so that a
//! crash or a failover can bring back an old mark. That is the one thing a store must not do.
//!
//! A mark that is too far ahead, because a process ran with a wrong clock in a store that
//! has none, frees its node ID when the time has come. Until then use another node ID, or
//! [`reset`](LeaseStore::reset) the mark to a time past every ID made with it: an ID at or
//! above the new mark can be made again, and nothing will notice.
//!
//! # systemd and Kubernetes
//!
//! Release on SIGTERM: stop making IDs, call [`Keeper::release`], exit. Without it the next
//! start finds the node ID as after a crash, which is safe.
//!
//! - systemd: `StateDirectory=myservice` makes a folder for the [`FileStore`]; create the
//!   store once, when the service is installed, and not in `ExecStartPre`, where a lost disk
//!   would be a silent restart from zero. `KillMode=mixed` leaves the release to the main
//!   process.
//! - Kubernetes: a [`FileStore`] needs a volume of its own for each pod and a fixed node ID:
//!   a StatefulSet with `volumeClaimTemplates` and
//!   [`NodeId::from_hostname`](crate::NodeId::from_hostname). A network file system is
//!   refused. `terminationGracePeriodSeconds` has to cover the release: one round trip.
//!   With PostgreSQL or etcd a Deployment will do, of up to 1024 pods, and no node ID has
//!   to be chosen. The etcd of the cluster itself is not for its guests: run another.
//! - Prefork servers: start the keeper in the worker, after the fork.

mod keeper;
mod rules;
mod stores;

pub use keeper::{Keeper, KeeperBuilder, KeeperStatus};
pub use rules::{
    AcquireRequest, Grant, GrantLimits, IdFormat, LeaseError, LeaseRecord, LeaseStore, LeaseTable,
    ReleaseRequest, RenewRequest, StoreError, StoreErrorKind, Takeover,
};
#[cfg(feature = "etcd")]
pub use stores::EtcdStore;
#[cfg(unix)]
pub use stores::FileStore;
pub use stores::MemoryStore;
#[cfg(feature = "postgres")]
pub use stores::PostgresStore;
