//! The checkers of registers and transactions.

use workbench::judge::Valid;
use workbench::judge::transactions::Model;
use workbench::plan::{Nemesis, Plan};
use workbench::workload::lin_kv::LinKv;
use workbench::workload::txn::{Data, Txn, TxnLimits};
use workbench::workload::{txn_list_append, txn_rw_register};

use super::{expect_anomaly, expect_valid, judge, plan};

const LIMITS: TxnLimits = TxnLimits { key_count: 3, max_txn_length: 6, max_writes_per_key: 8 };

fn transactions<D: Data>(models: &[Model]) -> Txn<D> {
    Txn::new(LIMITS, models)
}

#[test]
fn a_store_that_runs_one_transaction_at_a_time_is_strictly_serializable() {
    let strict = &[Model::StrictSerializable];
    expect_valid(&judge(plan(1), transactions::<txn_rw_register::Registers>(strict), "none"));
    expect_valid(&judge(plan(1), transactions::<txn_list_append::Lists>(strict), "none"));
}

/// Each case has a fault, a model that it refutes, and possibly a weaker model that it satisfies.
#[test]
fn wrong_transactions_are_found() {
    use Model::{
        CursorStability, ReadAtomic, ReadCommitted, Serializable, SnapshotIsolation,
        StrictSerializable,
    };
    fn found<D: Data>(mistake: &str, model: Model, anomaly: &str, weaker: Option<Model>) {
        let report = judge(plan(1), transactions::<D>(&[model]), mistake);
        expect_anomaly(&report, &format!("{anomaly}: "), "n1 at ");
        let workload = report.results.get("workload").unwrap();
        let kinds = workload.get("anomaly-types").unwrap().to_string();
        assert!(kinds.contains(&format!(":{anomaly}")), "{mistake}: {kinds}");
        if let Some(weaker) = weaker {
            expect_valid(&judge(plan(1), transactions::<D>(&[weaker]), mistake));
        }
    }
    use txn_list_append::Lists;
    use txn_rw_register::Registers;
    found::<Registers>("keeps what it aborts", ReadCommitted, "G1a", None);
    found::<Lists>("keeps what it aborts", ReadCommitted, "G1a", None);
    found::<Lists>("keeps what it aborts", ReadCommitted, "dirty-update", None);
    found::<Registers>("shows intermediate writes", ReadCommitted, "G1b", None);
    found::<Lists>("shows intermediate writes", ReadCommitted, "G1b", None);
    found::<Registers>("interleaves transactions", ReadCommitted, "G1c", None);
    found::<Lists>("interleaves transactions", ReadCommitted, "G0", None);
    found::<Lists>("interleaves transactions", ReadCommitted, "G1c", None);
    found::<Registers>("allows write skew", Serializable, "G2-item", Some(SnapshotIsolation));
    found::<Lists>("allows write skew", Serializable, "G2-item", Some(SnapshotIsolation));
    found::<Registers>("loses updates", CursorStability, "lost-update", Some(ReadCommitted));
    found::<Lists>("loses updates", CursorStability, "lost-update", None);
    found::<Lists>("loses updates", ReadCommitted, "incompatible-order", None);
    found::<Registers>(
        "reads an old snapshot",
        StrictSerializable,
        "G-single-item-realtime",
        Some(Serializable),
    );
    found::<Lists>(
        "reads an old snapshot",
        StrictSerializable,
        "G-single-item-realtime",
        Some(Serializable),
    );
    found::<Registers>("forgets its own writes", ReadAtomic, "internal", Some(ReadCommitted));
    found::<Lists>("forgets its own writes", ReadAtomic, "internal", Some(ReadCommitted));
    found::<Lists>("appends twice", ReadCommitted, "duplicate-elements", None);
}

#[test]
fn wrong_registers_are_found() {
    expect_valid(&judge(plan(1), LinKv::new(1, 2), "none"));
    for (mistake, begins, mentions) in [
        ("reads old values", "nonlinearizable read: n1 at ", ", where the value can only be "),
        ("loses writes", "nonlinearizable read: n1 at ", "; the last effect before it: n1 at "),
        ("compares with an old value", "nonlinearizable cas: n1 at ", " of key 0, where "),
    ] {
        let report = judge(plan(1), LinKv::new(1, 2), mistake);
        expect_anomaly(&report, begins, mentions);
        let results = report.results.get("workload").unwrap();
        assert_eq!(results.get("failures").unwrap().to_string(), "[0]", "{mistake}");
        let result = results.get("results").unwrap().to_string();
        assert!(result.contains(":prefix [{:index "), "{mistake}: {result}");
        assert!(result.contains(":previous-ok {:index "), "{mistake}: {result}");
    }
    // Each of the two nodes is correct on its own.
    let report = judge(plan(2), LinKv::new(2, 4), "none");
    expect_anomaly(&report, "nonlinearizable ", " of key 0, where the value can only be ");
}

#[test]
fn values_that_no_transaction_wrote_are_findings() {
    let models = &[Model::ReadCommitted];
    let workload = transactions::<txn_rw_register::Registers>(models);
    let report = judge(plan(1), workload, "invents values");
    expect_anomaly(&report, "phantom value: n1 at ", "read true of key");
    let workload = transactions::<txn_rw_register::Registers>(models);
    let lenient = judge(Plan { strict: false, ..plan(1) }, workload, "invents values");
    assert_eq!(lenient.valid, Valid::True, "{}", lenient.results);
}

/// An assertion of Elle fails, and Maelstrom loses the verdict on availability, too.
#[test]
fn an_element_that_was_never_appended_makes_the_whole_result_unknown() {
    let killed = Plan {
        strict: false,
        availability: Some(workbench::plan::Availability::Total),
        nemesis: vec![Nemesis::Kill],
        ..plan(1)
    };
    let report = |mistake| {
        let lists = transactions::<txn_list_append::Lists>(&[Model::ReadCommitted]);
        judge(killed.clone(), lists, mistake)
    };
    assert_eq!(report("none").valid, Valid::False, "the availability is not 1");
    assert_eq!(report("invents elements").valid, Valid::Unknown);
}
