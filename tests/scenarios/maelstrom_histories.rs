//! Tests that read histories in Maelstrom's format.

use workbench::base::address::Directory;
use workbench::base::time::Time;
use workbench::format::edn::Edn;
use workbench::format::element::Element;
use workbench::history::{EventKind, History, OpError};
use workbench::judge::transactions::Model;
use workbench::plan::Plan;
use workbench::workload::broadcast::Broadcast;
use workbench::workload::counter::{GCounter, Output as Count};
use workbench::workload::echo::Echo;
use workbench::workload::growing_set::Output as Shown;
use workbench::workload::history_reader::read_history;
use workbench::workload::kafka::{Kafka, Key, Output as Log};
use workbench::workload::lin_kv::{LinKv, Output as Register};
use workbench::workload::txn_list_append::TxnListAppend;
use workbench::workload::txn_rw_register::TxnRwRegister;
use workbench::workload::unique_ids::UniqueIds;
use workbench::workload::{Options, Workload};

fn read<W: Workload>(text: &str) -> Result<History<W>, String> {
    let names = ["n0", "n1", "n2"].map(str::to_owned).into();
    let plan = Plan::new(Directory::new(names).unwrap());
    let mut workload = W::from_options(&Options::new(&plan, &[Model::StrictSerializable]));
    let history = read_history(&mut workload, text, |process| process as usize % 3);
    history.map_err(|error| error.to_string())
}

fn outputs<W: Workload>(history: &History<W>) -> Vec<&W::Output> {
    history.completed().map(|done| done.output).collect()
}

#[test]
fn reads_records_with_errors_and_faults() {
    let history = read::<GCounter>(
        r#"#jepsen.history.Op{:index 0, :time 1000, :type :invoke, :process 4, :f :add, :value 3}
        #jepsen.history.Op{:index 1, :time 2000, :type :info, :process :nemesis, :f :start-partition, :value :majority}
        #jepsen.history.Op{:index 2, :time 3000, :type :info, :process :nemesis, :f :start-partition, :value [:isolated {"n1" #{"n2"}}]}
        #jepsen.history.Op{:index 3, :time 4000, :type :info, :process 4, :f :add, :value 3, :error :net-timeout}
        #jepsen.history.Op{:index 4, :time 5000, :type :invoke, :process 0, :f :add, :value 2}
        #jepsen.history.Op{:index 5, :time 6000, :type :fail, :process 0, :f :add, :value 2, :error [:temporarily-unavailable "later"]}
        {:type :invoke, :process 1, :f :read, :value nil, :time 7000, :final? true}
        {:type :ok, :process 1, :f :read, :value 3, :time 8000}"#,
    )
    .unwrap();
    let starts: Vec<_> =
        history.invocations().map(|(_, start)| (start.node, start.is_final)).collect();
    assert_eq!(starts, [(1, false), (0, false), (1, true)]);
    assert_eq!(outputs(&history), [&Count::Sum(3)]);
    let kinds: Vec<_> = history.events().iter().map(|event| &event.kind).collect();
    assert!(matches!(kinds[1], EventKind::Nemesis { f: "start-partition", .. }));
    assert!(matches!(kinds[2], EventKind::Info { error: OpError::Timeout, .. }));
    let EventKind::Fail { error, .. } = kinds[4] else { panic!("{:?}", kinds[4]) };
    assert_eq!(error, &OpError::Rpc { code: 11, text: "later".to_owned() });
    assert_eq!(history.time(1), Time(2));
}

#[test]
fn reads_the_values_of_each_workload_as_maelstrom_records_them() {
    let echo = read::<Echo>(
        r#"{:type :invoke :f :echo :value "Please echo 1" :process 0 :time 0}
        {:type :ok :f :echo :value {:echo "Please echo 1", :type "echo_ok", :in_reply_to 1} :process 0 :time 9}"#,
    );
    assert_eq!(outputs(&echo.unwrap())[0].as_str(), r#""Please echo 1""#);
    let ids = read::<UniqueIds>(
        "{:type :invoke :f :generate :process 0 :time 0}
        {:type :ok :f :generate :value [1 \"a\"] :process 0 :time 9}",
    );
    assert_eq!(Edn::from(outputs(&ids.unwrap())[0]).to_string(), r#"[1 "a"]"#);
    let sets = read::<Broadcast>(
        "[{:type :invoke :f :read :process 0 :time 0}
          {:type :ok :f :read :value [2 1] :process 0 :time 1}
          {:type :invoke :f :read :process 3 :time 2}
          {:type :ok :f :read :value #{1 5} :process 3 :time 3}]",
    );
    let sets = sets.unwrap();
    let [Shown::Read(first), Shown::Read(second)] = outputs(&sets)[..] else { panic!("{sets:?}") };
    assert_eq!((first.size, second.added.len(), second.removed.len()), (2, 1, 1));
    let logs = read::<Kafka>(
        r#"{:type :invoke :f :assign :value ["0" "7"] :process 0 :time 0}
        {:type :ok :f :assign :value ["0" "7"] :process 0 :time 0}
        {:type :invoke :f :send :value [[:send "0" 5]] :process 0 :time 0}
        {:type :ok :f :send :value [[:send "0" [3 5]]] :process 0 :time 0}
        {:type :invoke :f :poll :value [[:poll]] :process 0 :time 0}
        {:type :ok :f :poll :value [[:poll {"0" [[3 5]]}]] :process 0 :time 0}
        {:type :invoke :f :assign :value ["0"] :process 0 :time 0}
        {:type :ok :f :assign :value ["0"] :process 0 :time 0}
        {:type :invoke :f :crash :process 0 :time 0}
        {:type :info :f :crash :process 0 :time 0}"#,
    );
    let logs = logs.unwrap();
    let [
        Log::Assigned { start, .. },
        Log::Sent(3),
        Log::Polled(polled),
        Log::Assigned { start: next, .. },
    ] = outputs(&logs)[..]
    else {
        panic!("{logs:?}")
    };
    // A client begins with new keys at 0, and the history does not contain it.
    let [zero, seven] = [0, 7].map(Key::Number);
    assert_eq!((start[&zero], start[&seven]), (0, 0));
    assert_eq!((polled[&zero][0].offset, next[&zero]), (3, 4));
}

#[test]
fn an_invalid_history_is_an_error_with_its_line() {
    for (text, expected) in [
        ("{:type :invoke\n :f", "line 1: column 1: the bracket here has no closing '}'"),
        ("\n7", "line 2: an event is a map, found a number"),
        ("{:type :invoke, :f :add, :value 1}", "line 1: the event has no :process"),
        ("{:process :x, :f :add}", "line 1: :process: expected an integer, found a keyword"),
        ("{:process 1, :time :x}", "line 1: :time: expected an integer, found a keyword"),
        ("{:process 1, :type :invoke, :f :cas}", "line 1: this workload has no operation :cas"),
        (
            "{:process 1, :type :invoke, :f :read}\n{:process 1, :type :invoke, :f :read}",
            "line 2: process 1 starts two operations at the same time",
        ),
        (
            "[{:process 1, :type :ok, :f :read}]",
            "line 1: event 0 of the list: process 1 ends an operation that it did not start",
        ),
        (
            "{:process 1, :type :invoke, :f :read}\n{:process 1, :type :ok, :value 1.5}",
            "line 2: :value: expected an integer, found a number",
        ),
        (
            "{:process 1, :type :invoke, :f :read}\n{:process 1, :type :done}",
            "line 2: the event has no :type of :invoke, :ok, :fail or :info",
        ),
    ] {
        assert_eq!(read::<GCounter>(text).unwrap_err(), expected, "{text}");
    }
}

#[test]
fn reads_transactions_and_registers() {
    let history = read::<TxnListAppend>(
        r#"{:type :invoke, :process 0, :f :txn, :value [[:r 3 nil] [:append 3 1]], :time 1000}
        {:type :ok, :process 0, :f :txn, :value [[:r 3 [1 2]] [:append 3 1]], :time 2000}"#,
    )
    .unwrap();
    let value = |history: &History<TxnListAppend>, index: usize| {
        history.event_to_edn(index, &history.events()[index]).get("value").unwrap().to_string()
    };
    assert_eq!(value(&history, 0), "[[:r 3 nil] [:append 3 1]]");
    assert_eq!(value(&history, 1), "[[:r 3 [1 2]] [:append 3 1]]");
    let history = read::<LinKv>(
        r#"{:type :invoke, :process 0, :f :cas, :value [0 [1 2]], :time 1000}
        {:type :invoke, :process 1, :f :read, :value [0 nil], :time 1000}
        {:type :ok, :process 1, :f :read, :value [0 3], :time 2000}"#,
    )
    .unwrap();
    assert_eq!(outputs(&history), [&Register::Read(Element::Int(3))]);
    let wrong = read::<TxnRwRegister>(
        r#"{:type :invoke, :process 0, :f :txn, :value [[:append 3 1]], :time 1000}"#,
    );
    assert_eq!(wrong.unwrap_err(), "line 1: this workload has no step :append");
}
