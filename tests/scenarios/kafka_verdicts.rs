//! Verdicts on small histories of logs, as Maelstrom's checker gives them.

use workbench::base::address::Directory;
use workbench::judge::Valid;
use workbench::output::report::Report;
use workbench::plan::Plan;
use workbench::workload::history_reader::read_history;
use workbench::workload::kafka::{Kafka, Settings};

/// Returns the report on a history of `(process, f, invoked value, type, value)`.
fn report(history: &[(u64, &str, &str, &str, &str)], strict: bool) -> Report {
    let mut text = String::new();
    for (time, (process, f, invoked, kind, value)) in history.iter().enumerate() {
        let at = time * 2000;
        text.push_str(&format!(
            "{{:type :invoke :f :{f} :value {invoked} :process {process} :time {at}}}\n\
             {{:type :{kind} :f :{f} :value {value} :process {process} :time {}}}\n",
            at + 1000
        ));
    }
    let names = ["n0", "n1"].map(str::to_owned).into();
    let plan = Plan { strict, ..Plan::new(Directory::new(names).unwrap()) };
    let settings = Settings { key_count: 1, max_writes_per_key: 1, crashes_per_op: 0.0 };
    let mut workload = Kafka::new(settings);
    let history = read_history(&mut workload, &text, |process| process as usize % 2).unwrap();
    Report::of_history(&workload, &history, &plan)
}

/// Checks the verdict, and the finding or else the anomaly that the report has.
#[track_caller]
fn expect(history: &[(u64, &str, &str, &str, &str)], valid: Valid, begins: &str) {
    let report = report(history, false);
    assert_eq!(report.valid, valid, "{report}");
    let problems = report.anomalies.iter().chain(&report.findings);
    let problems: Vec<&str> = problems.map(|problem| problem.text.as_str()).collect();
    assert!(problems.iter().any(|text| text.starts_with(begins)), "{problems:?}");
    assert_eq!(self::report(history, true).valid, Valid::False, "a strict test fails");
}

const POLL: &str = "[[:poll]]";
/// Three messages of key 0, of which process 1 polls all.
const SENT: [(u64, &str, &str, &str, &str); 4] = [
    (1, "send", "[[:send \"0\" 10]]", "ok", "[[:send \"0\" [0 10]]]"),
    (1, "send", "[[:send \"0\" 11]]", "ok", "[[:send \"0\" [1 11]]]"),
    (1, "send", "[[:send \"0\" 12]]", "ok", "[[:send \"0\" [2 12]]]"),
    (1, "poll", POLL, "ok", "[[:poll {\"0\" [[0 10] [1 11] [2 12]]}]]"),
];

#[test]
fn a_client_skips_the_messages_of_a_poll_whose_commit_failed() {
    let [first, second, third, all] = SENT;
    let polls = |end| {
        [
            first,
            second,
            third,
            all,
            (0, "poll", POLL, "ok", "[[:poll {\"0\" [[0 10]]}]]"),
            (0, "poll", POLL, end, "[[:poll {\"0\" [[1 11]]}]]"),
            (0, "poll", POLL, "ok", "[[:poll {\"0\" [[2 12]]}]]"),
        ]
    };
    expect(&polls("fail"), Valid::False, "skipped offset: n0 returned offset 2");
    assert_eq!(report(&polls("ok"), true).valid, Valid::True);
}

#[test]
fn a_message_that_only_polls_with_failed_commits_show_is_unseen() {
    let [first, second, third, all] = SENT;
    let (process, f, invoked, _, value) = all;
    for end in ["fail", "info"] {
        let empty = (0, "poll", POLL, "ok", "[[:poll {}]]");
        let history = [first, second, third, empty, (process, f, invoked, end, value)];
        expect(&history, Valid::False, "unseen: 10, acknowledged by n1");
    }
}

#[test]
fn a_first_poll_may_start_anywhere() {
    let [first, second, third, all] = SENT;
    let assigned = "{:start {\"0\" 0} :committed {}}";
    let history = [
        first,
        second,
        third,
        all,
        (0, "assign", "[\"0\"]", "ok", assigned),
        (0, "poll", POLL, "ok", "[[:poll {\"0\" [[1 11]]}]]"),
    ];
    expect(&history, Valid::True, "skipped offset: n0 returned offset 1");
}

/// Only anomalies that Maelstrom sees are errors in the results.
#[test]
fn the_results_separate_errors_from_findings() {
    let [first, second, third, all] = SENT;
    let assigned = (0, "assign", "[\"0\"]", "ok", "{:start {\"0\" 0} :committed {}}");
    let from_1 = (0, "poll", POLL, "ok", "[[:poll {\"0\" [[1 11]]}]]");
    let finding = [first, second, third, all, assigned, from_1];
    let error = [all, first, second, third];
    for (history, types, findings) in [
        (&finding[..], "[]", Some("{:poll-skip {:count 1, ")),
        (&error[..], "[:G1c-realtime]", None),
    ] {
        let results = report(history, false).results;
        let workload = results.get("workload").unwrap();
        for key in ["error-types", "bad-error-types"] {
            assert_eq!(workload.get(key).unwrap().to_string(), types, "{workload}");
        }
        let found = workload.get("findings").map(ToString::to_string);
        assert_eq!(found.is_some(), findings.is_some(), "{workload}");
        assert!(found.unwrap_or_default().starts_with(findings.unwrap_or_default()), "{workload}");
    }
}

#[test]
fn a_poll_after_an_empty_list_may_start_anywhere() {
    let [first, second, third, all] = SENT;
    let history = |between| {
        [
            first,
            second,
            third,
            all,
            (0, "poll", POLL, "ok", "[[:poll {\"0\" [[0 10]]}]]"),
            (0, "poll", POLL, "ok", between),
            (0, "poll", POLL, "ok", "[[:poll {\"0\" [[2 12]]}]]"),
        ]
    };
    expect(&history("[[:poll {\"0\" []}]]"), Valid::True, "skipped offset: n0 returned offset 2");
    expect(&history("[[:poll {}]]"), Valid::False, "skipped offset: n0 returned offset 2");
}

#[test]
fn offsets_of_sends_may_go_back_after_an_assignment_without_their_key() {
    let history = |keys| {
        [
            (1, "send", "[[:send \"0\" 11]]", "ok", "[[:send \"0\" [1 11]]]"),
            (1, "assign", keys, "ok", keys),
            (1, "send", "[[:send \"0\" 10]]", "ok", "[[:send \"0\" [0 10]]]"),
            (0, "poll", POLL, "ok", "[[:poll {\"0\" [[0 10] [1 11]]}]]"),
        ]
    };
    expect(&history("[\"7\"]"), Valid::True, "offset going back: n1 returned offset 0");
    expect(&history("[\"0\"]"), Valid::False, "offset going back: n1 returned offset 0");
}

/// Maelstrom takes the offset of such a message from the polls that show it.
#[test]
fn the_message_of_a_send_without_a_reply_must_not_be_before_earlier_ones() {
    let history = |after, shown| {
        [
            (1, "send", "[[:send \"0\" 11]]", "ok", "[[:send \"0\" [1 11]]]"),
            (1, "send", "[[:send \"0\" 10]]", "info", "[[:send \"0\" 10]]"),
            (0, "send", "[[:send \"0\" 12]]", "ok", after),
            (0, "poll", POLL, "ok", shown),
        ]
    };
    let after = "[[:send \"0\" [2 12]]]";
    let before = history(after, "[[:poll {\"0\" [[0 10] [1 11] [2 12]]}]]");
    expect(&before, Valid::False, "offset going back: polls show offset 0 of key 0");
    let never = history(after, "[[:poll {\"0\" [[1 11] [2 12]]}]]");
    assert_eq!(report(&never, true).valid, Valid::True);
    let later = history("[[:send \"0\" [3 12]]]", "[[:poll {\"0\" [[1 11] [2 10] [3 12]]}]]");
    assert_eq!(report(&later, true).valid, Valid::True);
}

/// For Maelstrom a key is any string.
#[test]
fn a_key_that_no_client_uses_leaves_the_test_unjudged() {
    let [first, second, third, all] = SENT;
    for key in ["foo", "007", "+1", "", "-1", "4294967296", "1.0", "a\\\"b"] {
        let [shown, empty] =
            ["[[0 10]]", "[]"].map(|messages| format!("[[:poll {{\"{key}\" {messages}}}]]"));
        let history = |end, value| [first, second, third, all, (0, "poll", POLL, end, value)];
        let phantom = "message without a send: phantom value: n0 shows 10 under key ";
        expect(&history("ok", &shown), Valid::Unknown, phantom);
        let unjudged = report(&history("ok", &empty), false);
        assert_eq!(unjudged.valid, Valid::Unknown, "{unjudged}");
        let text = &unjudged.anomalies[0].text;
        assert!(text.starts_with("empty lists: polls return key "), "{text}");
        // Maelstrom drops the messages of a poll that failed.
        let failed = history("fail", &shown);
        expect(&failed, Valid::True, "phantom value: n0 shows 10 under key ");
    }
}

#[test]
fn a_message_without_a_send_leaves_the_test_unjudged() {
    let [first, second, third, all] = SENT;
    for made_up in ["\"0\" [[3 99]]", "\"0\" [[3 10.0]]", "\"0\" [[3 nil]]", "\"5\" [[0 12]]"] {
        let value = format!("[[:poll {{{made_up}}}]]");
        let history = [first, second, third, all, (0, "poll", POLL, "ok", value.as_str())];
        expect(&history, Valid::Unknown, "message without a send: phantom value: n0 shows ");
        // The other anomalies change nothing.
        let history = [first, second, third, (0, "poll", POLL, "ok", value.as_str())];
        expect(&history, Valid::Unknown, "phantom value: n0 shows ");
    }
}

#[test]
fn a_message_that_is_polled_before_its_send_makes_the_test_invalid() {
    let [first, second, third, all] = SENT;
    expect(&[all, first, second, third], Valid::False, "early value: n1 shows 10 under key 0");
}

#[test]
fn a_key_that_is_always_empty_leaves_the_test_unjudged() {
    let [first, second, third, all] = SENT;
    let empty = |value| (0, "poll", POLL, "ok", value);
    let history = [first, second, third, empty("[[:poll {\"0\" []}]]")];
    expect(&history, Valid::Unknown, "empty lists: polls return key 0, but never a message");
    let history = [first, second, third, empty("[[:poll {}]]")];
    expect(&history, Valid::False, "unseen: 10, acknowledged by n1");
    let history = [empty("[[:poll {\"0\" []}]]"), first, second, third, all];
    assert_eq!(report(&history, true).valid, Valid::True);
}
