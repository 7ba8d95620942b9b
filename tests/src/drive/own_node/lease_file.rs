//! The lease store of a simulated node: one file in its data directory.
//!
//! The rules of leases are the crate's own: its lease table decides, its keeper renews, and its
//! generator issues IDs. Only the file is simulated. The crate's `FileStore` takes the same steps
//! on a real disk, where its own tests make each step fail.

use parking_lot::Mutex;
use snowflake::lease::{
    AcquireRequest, Grant, GrantLimits, IdFormat, LeaseError, LeaseRecord, LeaseStore, LeaseTable,
    ReleaseRequest, RenewRequest, ResetRequest, StoreError, StoreErrorKind,
};
use snowflake::{Epoch, NodeId, UnixMillis};

use crate::drive::sim::DataDir;

const NAME: &str = "leases";

/// The lease file of a simulated node.
#[derive(Debug)]
pub(super) struct LeaseFile {
    data_dir: DataDir,
    format: IdFormat,
    /// Held during a change, so that changes follow one another.
    change: Mutex<()>,
    syncs: bool,
}

impl LeaseFile {
    pub(super) fn new(data_dir: DataDir, epoch: Epoch) -> LeaseFile {
        let format = IdFormat::new(epoch);
        LeaseFile { data_dir, format, change: Mutex::new(()), syncs: true }
    }

    /// Returns a faulty store, which grants time before its record is durable.
    #[cfg(test)]
    pub(super) fn without_sync(self) -> LeaseFile {
        LeaseFile { syncs: false, ..self }
    }

    fn table(&self) -> Result<LeaseTable, LeaseError> {
        let content = self.data_dir.read(NAME).unwrap_or_default();
        let damaged = || {
            let details = format!("its file `{NAME}` is not a list of leases");
            StoreError::new("of the simulation", StoreErrorKind::Damaged { details, node: None })
        };
        let text = String::from_utf8(content).map_err(|_| damaged())?;
        let mut table = LeaseTable::new();
        for line in text.lines() {
            let (node, record) = parse(line).ok_or_else(damaged)?;
            table.insert(node, record);
        }
        Ok(table)
    }

    /// Changes the table. The change is durable when this returns.
    fn change<T>(
        &self,
        change: impl FnOnce(&mut LeaseTable) -> Result<T, LeaseError>,
    ) -> Result<T, LeaseError> {
        let _guard = self.change.lock();
        let mut table = self.table()?;
        let result = change(&mut table)?;
        let text: String = table.iter().map(|(node, record)| line(node, record)).collect();
        self.data_dir.write(NAME, text.into_bytes());
        if self.syncs {
            self.data_dir.sync();
        }
        Ok(result)
    }
}

fn line(node: NodeId, record: &LeaseRecord) -> String {
    let LeaseRecord { fencing_token, from, high_water_mark, held, holder } = record;
    let state = if *held { "held" } else { "released" };
    format!("{node} {fencing_token} {} {} {state} {holder}\n", from.0, high_water_mark.0)
}

fn parse(line: &str) -> Option<(NodeId, LeaseRecord)> {
    let mut words = line.splitn(6, ' ');
    let node = NodeId::new(words.next()?.parse().ok()?).ok()?;
    let fencing_token = words.next()?.parse().ok()?;
    let from = UnixMillis(words.next()?.parse().ok()?);
    let high_water_mark = UnixMillis(words.next()?.parse().ok()?);
    let held = words.next()? == "held";
    let holder = words.next()?.to_owned();
    Some((node, LeaseRecord { fencing_token, from, high_water_mark, held, holder }))
}

impl LeaseStore for LeaseFile {
    fn id_format(&self) -> IdFormat {
        self.format
    }

    fn acquire(&self, request: &AcquireRequest) -> Result<Grant, LeaseError> {
        self.change(|table| table.acquire(request, request.now, GrantLimits::default()))
    }

    fn renew(&self, request: &RenewRequest) -> Result<Grant, LeaseError> {
        self.change(|table| table.renew(request, request.now, GrantLimits::default()))
    }

    fn release(&self, request: &ReleaseRequest) -> Result<(), LeaseError> {
        self.change(|table| table.release(request))
    }

    fn records(&self) -> Result<Vec<(NodeId, LeaseRecord)>, LeaseError> {
        let table = self.table()?;
        Ok(table.iter().map(|(node, record)| (node, record.clone())).collect())
    }

    fn reset(
        &self,
        node: NodeId,
        request: &ResetRequest,
    ) -> Result<Option<UnixMillis>, LeaseError> {
        self.change(|table| table.reset(node, request))
    }
}
