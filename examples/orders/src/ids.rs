//! The IDs of the service: their kinds, their epoch and their generator.

use std::path::Path;

use snowflake::lease::{
    FileStore, GrantLimits, Keeper, LeaseError, LeaseStore, PostgresStore, StoreErrorKind,
};
use snowflake::{ClaimError, Epoch, IdKind, SystemClock, TypedId};

use crate::Service;
use crate::config::{Config, is_postgresql};

/// The epoch of all IDs in the database. It can never change.
pub(crate) const EPOCH: Epoch = Epoch::Y2024;

/// The kind of an order's ID.
pub(crate) enum Order {}

impl IdKind for Order {
    const NAME: &'static str = "OrderId";
}

pub(crate) type OrderId = TypedId<Order>;

/// The kind of a customer's ID.
pub(crate) enum Customer {}

impl IdKind for Customer {
    const NAME: &'static str = "CustomerId";
}

pub(crate) type CustomerId = TypedId<Customer>;

/// Leases a node ID, and renews the lease in the background.
pub(crate) fn start_keeper(config: &Config) -> Result<Keeper<SystemClock>, LeaseError> {
    let leases = &*config.leases;
    let store: Box<dyn LeaseStore> = if is_postgresql(leases) {
        Box::new(PostgresStore::connect(leases, EPOCH, GrantLimits::default())?)
    } else {
        Box::new(open_or_create(Path::new(leases), config.has_no_database_yet())?)
    };
    Keeper::builder(store).start(SystemClock)
}

/// Opens a lease store in a directory, and creates it at the first start.
///
/// If the database exists, an empty store would permit its IDs again. So a lost store is an error.
fn open_or_create(directory: &Path, is_first_start: bool) -> Result<FileStore, LeaseError> {
    match FileStore::open(directory, EPOCH, GrantLimits::default()) {
        Err(LeaseError::Store(error))
            if *error.kind() == StoreErrorKind::Missing && is_first_start =>
        {
            FileStore::create(directory, EPOCH, GrantLimits::default())
        }
        opened => opened,
    }
}

impl Service {
    /// Issues an ID of this kind.
    pub(crate) async fn new_id<K: IdKind>(&self) -> Result<TypedId<K>, ClaimError> {
        self.keeper.generator().next_id_tokio().await.map(TypedId::new)
    }
}
