//! Leases in simulation: the node alone, with a data directory, and with one that is not synced.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use maelstrom_node::Config;

use super::lease_file::LeaseFile;
use super::simulated::OwnNode;
use crate::drive::sim::{Factory, Simulator, Startup};
use crate::output::progress::Screen;
use crate::plan::{Nemesis, Plan};
use crate::runner::Runner;
use crate::workload::unique_ids::UniqueIds;

/// Simulates kills and steps of the clock, and returns the first seed with a duplicate ID.
///
/// The seeds are fixed, so a test either always passes or always fails.
fn seed_with_duplicate(factory: &Factory<'_>) -> Option<u64> {
    (0..50).find(|&seed| {
        let plan = Plan {
            nemesis: vec![Nemesis::Kill, Nemesis::Clock],
            nemesis_interval: Duration::from_secs(2),
            time_limit: Duration::from_secs(20),
            rate: 200.0,
            seed,
            ..Plan::example()
        };
        let screen = Screen::silent();
        let mut simulator = Simulator::new(&plan, factory, &screen);
        let mut runner = Runner::new(plan, UniqueIds);
        if let Err(failure) = simulator.run(&mut runner) {
            panic!("seed {seed}: {failure}");
        }
        let history = runner.finish().history;
        let ids: Vec<_> = history.completed().map(|done| done.output).collect();
        assert!(ids.len() > 100, "seed {seed}: only {} IDs", ids.len());
        ids.len() > ids.iter().collect::<BTreeSet<_>>().len()
    })
}

fn config(data_dir: Option<&str>) -> Config {
    let mut config = Config::default();
    config.data_dir = data_dir.map(PathBuf::from);
    config
}

#[test]
fn a_node_with_a_data_directory_repeats_no_id_after_kills_and_steps_of_the_clock() {
    let factory = |startup: Startup| Box::new(OwnNode::new(config(Some("ids")), startup)) as _;
    assert_eq!(seed_with_duplicate(&factory), None);
}

#[test]
fn a_node_without_a_data_directory_repeats_ids_after_steps_of_the_clock() {
    let factory = |startup: Startup| Box::new(OwnNode::new(config(None), startup)) as _;
    assert!(seed_with_duplicate(&factory).is_some());
}

/// Without a sync, a kill loses the high-water mark.
#[test]
fn a_lease_file_that_is_not_synced_lets_ids_repeat() {
    let factory = |startup: Startup| {
        let Startup { incarnation, clock, data_dir } = startup;
        let store = move |epoch| LeaseFile::new(data_dir.clone(), epoch).without_sync();
        Box::new(OwnNode::with_store(config(Some("ids")), incarnation, clock, store)) as _
    };
    assert!(seed_with_duplicate(&factory).is_some());
}
