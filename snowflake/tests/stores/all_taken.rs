//! All 1024 node IDs are held. The next request fails, until a node ID is released or its grant
//! has ended.
//!
//! There is a test for each store. If a server is not installed, its test reports that it was
//! skipped.

use std::collections::HashSet;
use std::thread;
use std::time::Duration;

use crate::servers::{Etcd, Postgres};
use snowflake::lease::{
    AcquireRequest, EtcdStore, FileStore, Grant, GrantLimits, LeaseError, LeaseStore, MemoryStore,
    PostgresStore, ReleaseRequest, StoreErrorKind,
};
use snowflake::{Clock, Epoch, NodeId, SystemClock};

const EPOCH: Epoch = Epoch::Y2024;
const LIMITS: GrantLimits = GrantLimits::DEFAULT.with_max_grant_ms(600_000);
/// Longer than the test takes.
const LONG_MS: u64 = 600_000;
/// Longer than the check that all node IDs are held.
const SHORT_MS: u64 = 15_000;
/// The requests that may time out, because the machine is busy.
const MAX_FAILURES: usize = 10;

#[test]
fn the_memory_store_runs_out_of_node_ids() {
    check_exhaustion(&MemoryStore::new(EPOCH, LIMITS));
}

#[test]
fn the_file_store_runs_out_of_node_ids() {
    let temp = tempfile::tempdir().unwrap();
    check_exhaustion(&FileStore::create(temp.path().join("ids"), EPOCH, LIMITS).unwrap());
}

#[test]
fn the_postgres_store_runs_out_of_node_ids() {
    let Some(server) = Postgres::start() else { return };
    check_exhaustion(&PostgresStore::connect(&server.url(), EPOCH, LIMITS).unwrap());
}

#[test]
fn the_etcd_store_runs_out_of_node_ids() {
    let Some(server) = Etcd::start() else { return };
    check_exhaustion(&EtcdStore::connect(&server.url(), EPOCH, LIMITS).unwrap());
}

fn check_exhaustion(store: &impl LeaseStore) {
    let acquire =
        |grant_ms| store.acquire(&AcquireRequest::new(None, SystemClock.now(), grant_ms, "test"));
    let mut held: Vec<Grant> = Vec::new();
    let (mut unanswered, mut failures) = (0, 0);
    while held.len() + unanswered < 1023 {
        match acquire(LONG_MS) {
            Ok(lease) => held.push(lease),
            Err(LeaseError::Store(error))
                if failures < MAX_FAILURES
                    && matches!(error.kind(), StoreErrorKind::Failed { .. }) =>
            {
                failures += 1;
                // The server may have executed the request.
                let records = store.records().unwrap();
                unanswered = records.iter().filter(|(_, record)| record.held).count() - held.len();
            }
            Err(error) => panic!("{error}"),
        }
    }
    let last = acquire(SHORT_MS).unwrap();
    let nodes: HashSet<NodeId> = held.iter().chain([&last]).map(|lease| lease.node).collect();
    assert_eq!(nodes.len() + unanswered, 1024);
    assert!(unanswered <= failures);

    let none_left = acquire(SHORT_MS).unwrap_err();
    let LeaseError::AllTaken { first_ends, now, .. } = none_left else { panic!("{none_left}") };
    assert_eq!(first_ends, last.until);
    let left_ms = first_ends.0 - now.0;
    assert!(
        none_left
            .to_string()
            .contains(&format!("all 1024 are held, and the first grant ends at {first_ends}")),
        "{none_left}"
    );

    let released = held[77];
    store.release(&ReleaseRequest::at(&released, released.from)).unwrap();
    let taken = acquire(LONG_MS).unwrap();
    assert_eq!((taken.node, taken.fencing_token), (released.node, released.fencing_token + 1));
    assert!(matches!(acquire(SHORT_MS), Err(LeaseError::AllTaken { .. })));

    thread::sleep(Duration::from_millis(left_ms));
    // The store may know its server's clock only to the second.
    let taken = loop {
        match acquire(LONG_MS) {
            Ok(taken) => break taken,
            Err(LeaseError::AllTaken { first_ends, now, .. }) => {
                thread::sleep(Duration::from_millis(first_ends.0 - now.0));
            }
            Err(error) => panic!("{error}"),
        }
    };
    assert_eq!((taken.node, taken.fencing_token), (last.node, last.fencing_token + 1));
    assert!(taken.from >= last.until);
}
