//! The error on platforms without file stores.

use std::io;
use std::path::Path;

use snowflake::lease::{IdFormat, LeaseError, LeaseStore, LeaseTable, StoreError, StoreErrorKind};
use snowflake::{Epoch, UnixMillis};

pub(crate) fn create(directory: &Path, _: Epoch) -> Result<(), LeaseError> {
    Err(unsupported(directory))
}

pub(crate) fn open(directory: &Path, _: Epoch) -> Result<Box<dyn LeaseStore>, LeaseError> {
    Err(unsupported(directory))
}

pub(crate) fn peek(directory: &Path) -> Result<(IdFormat, LeaseTable), LeaseError> {
    Err(unsupported(directory))
}

pub(crate) fn is_copy(_: &Path) -> bool {
    false
}

pub(crate) fn recorded_epoch(directory: &Path) -> Result<Option<Epoch>, LeaseError> {
    Err(unsupported(directory))
}

pub(crate) fn rebuild(directory: &Path, _: Epoch, _: UnixMillis) -> Result<(), LeaseError> {
    Err(unsupported(directory))
}

fn unsupported(directory: &Path) -> LeaseError {
    let kind = StoreErrorKind::Failed { doing: "using a directory" };
    let cause = "file stores need Unix; pass the URL of a PostgreSQL or etcd store";
    let cause = io::Error::new(io::ErrorKind::Unsupported, cause);
    StoreError::new(directory.display().to_string(), kind).because(cause).into()
}
