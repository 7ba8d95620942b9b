//! The golden lease file, which every later version must read.

use std::fs;

use snowflake::lease::{FileStore, IdFormat};
use snowflake::{Epoch, NodeId, UnixMillis};

#[test]
fn the_golden_lease_file_is_read() {
    let temp = tempfile::tempdir().unwrap();
    fs::write(temp.path().join("lock"), "1\n").unwrap();
    fs::write(temp.path().join("leases"), include_str!("../golden/leases-1.txt")).unwrap();
    let (format, table) = FileStore::peek(temp.path()).unwrap();
    assert_eq!(format, IdFormat::new(Epoch::Y2024));
    let record = table.get(NodeId::new(7).unwrap()).unwrap();
    assert_eq!((record.fencing_token, record.held), (3, true));
    assert_eq!(record.high_water_mark, UnixMillis(1_795_177_543_000));
    assert_eq!(record.holder, "pod-7 on host a");
    assert!(!table.get(NodeId::new(1023).unwrap()).unwrap().held);
}
