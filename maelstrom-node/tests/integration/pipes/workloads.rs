//! The replies of each workload.

use serde_json::{Value, json};

use super::node::{answers, init, replies, request, run};

#[test]
fn echo_returns_any_json_byte_for_byte() {
    for value in ["null", "123456789012345678901234567890", r#""\u00e9\n""#, r#"[1, {"a":2.50}]"#] {
        let asked = format!(
            r#"{{"src":"c1","dest":"n0","body":{{"type":"echo","msg_id":2,"echo":{value}}}}}"#
        );
        let output = run(&[], &[init(&["n0"]), asked.into_bytes()].concat());
        let text = String::from_utf8(output.stdout).expect("UTF-8 on stdout");
        let expected = format!(
            r#"{{"src":"n0","dest":"c1","body":{{"type":"echo_ok","echo":{value},"in_reply_to":2}}}}"#
        );
        assert_eq!(text.lines().last(), Some(expected.as_str()));
    }
}

#[test]
fn generated_ids_are_distinct_strings_with_the_node_id() {
    let asked: Vec<_> = (2..20_002).map(|id| request(id, json!({"type": "generate"}))).collect();
    let input = [
        request(1, json!({"type": "init", "node_id": "n17", "node_ids": ["n17", "n3"]})),
        asked.concat(),
    ];
    let output = run(&["unique-ids"], &input.concat());
    let mut ids: Vec<snowflake::Id> = replies(&output)[1..]
        .iter()
        .map(|reply| {
            assert_eq!(reply["type"], "generate_ok");
            reply["id"].as_str().expect("a string").parse().expect("an ID")
        })
        .collect();
    assert_eq!(ids.len(), 20_000);
    assert!(ids.is_sorted(), "one node's IDs increase");
    ids.dedup();
    assert_eq!(ids.len(), 20_000);
    assert!(ids.iter().all(|id| id.parts().node == 17));
}

#[test]
fn a_read_returns_broadcast_values_once_in_order_of_arrival() {
    let replies = answers(&[
        request(2, json!({"type": "topology", "topology": {"n0": []}})),
        request(3, json!({"type": "broadcast", "message": 7})),
        request(4, json!({"type": "broadcast", "message": {"a": [null]}})),
        request(5, json!({"type": "broadcast", "message": 7})),
        request(6, json!({"type": "broadcast", "message": null})),
        request(7, json!({"type": "read"})),
    ]);
    assert_eq!(replies[0], json!({"type": "topology_ok", "in_reply_to": 2}));
    assert_eq!(replies[1], json!({"type": "broadcast_ok", "in_reply_to": 3}));
    let read = json!({"type": "read_ok", "messages": [7, {"a": [null]}, null], "in_reply_to": 7});
    assert_eq!(replies[5], read);
}

#[test]
fn rejects_a_value_too_large_to_forward() {
    let huge = "x".repeat(9 << 20);
    for (body, read, then) in [
        (
            json!({"type": "broadcast", "message": huge}),
            json!({"type": "read"}),
            json!({"type": "read_ok", "messages": [], "in_reply_to": 3}),
        ),
        (
            json!({"type": "add", "element": huge}),
            json!({"type": "read"}),
            json!({"type": "read_ok", "value": [], "in_reply_to": 3}),
        ),
        (
            json!({"type": "send", "key": "k", "msg": huge}),
            json!({"type": "poll", "offsets": {"k": 0}}),
            json!({"type": "poll_ok", "msgs": {}, "in_reply_to": 3}),
        ),
    ] {
        let replies = answers(&[request(2, body), request(3, read)]);
        assert_eq!(replies[0]["code"], 12);
        assert_eq!(replies[1], then);
    }
}

#[test]
fn a_transaction_with_reads_too_large_for_a_reply_has_no_effect() {
    let large = json!("x".repeat(5 << 20));
    let txn = |id, txn: Value| request(id, json!({"type": "txn", "txn": txn}));
    let replies = answers(&[
        txn(2, json!([["w", 1, large]])),
        txn(3, json!([["w", 2, 7], ["r", 1, null], ["r", 1, null]])),
        txn(4, json!([["w", 2, large], ["r", 2, null], ["r", 2, null]])),
        txn(5, json!([["r", 1, null], ["r", 2, null]])),
    ]);
    assert_eq!(replies[0]["type"], "txn_ok");
    assert_eq!([&replies[1]["code"], &replies[2]["code"]], [12, 12]);
    assert_eq!(replies[3]["txn"], json!([["r", 1, large], ["r", 2, null]]));
}

#[test]
fn a_read_of_a_set_returns_each_element_once() {
    let elements = [json!(7), json!({"a": [null]}), json!(7), json!(null)];
    let added = (3..)
        .zip(&elements)
        .map(|(id, element)| request(id, json!({"type": "add", "element": element})));
    let lines: Vec<_> = added.chain([request(9, json!({"type": "read"}))]).collect();
    let replies = answers(&lines);
    assert_eq!(replies[0], json!({"type": "add_ok", "in_reply_to": 3}));
    let read = json!({"type": "read_ok", "value": [7, {"a": [null]}, null], "in_reply_to": 9});
    assert_eq!(replies[4], read);
}

/// Runs a counter on these deltas, which the lines contain unchanged.
///
/// Returns the error code of each addition, with 0 for success, and the text of the sum.
fn count(kind: &str, deltas: &[&str]) -> (Vec<u64>, String) {
    let add = |delta| {
        format!(r#"{{"src":"c1","dest":"n0","body":{{"type":"add","msg_id":2,"delta":{delta}}}}}"#)
            + "\n"
    };
    let adds: String = deltas.iter().map(add).collect();
    let read = request(9, json!({"type": "read"}));
    let output = run(&[kind], &[init(&["n0"]), adds.into_bytes(), read].concat());
    let replies = replies(&output);
    let codes = replies[1..=deltas.len()].iter().map(|reply| reply["code"].as_u64().unwrap_or(0));
    let text = String::from_utf8(output.stdout.clone()).expect("UTF-8 on stdout");
    let sum = text.rsplit_once("\"value\":").expect("a sum").1;
    (codes.collect(), sum.split([',', '}']).next().expect("its text").to_owned())
}

#[test]
fn a_counter_adds_exactly_or_not_at_all() {
    let largest = (1i128 << 95).to_string();
    let smallest = format!("-{largest}");
    let endless = "9".repeat(10_000);
    for (kind, deltas, codes, sum) in [
        ("pn-counter", &["5", "-8", "0", "-0"][..], &[0, 0, 0, 0][..], "-3"),
        ("pn-counter", &["9007199254740993", "1"], &[0, 0], "9007199254740994"),
        ("pn-counter", &[&largest, "1", "-1"], &[0, 12, 0], "39614081257132168796771975167"),
        ("pn-counter", &[&smallest, "-1"], &[0, 12], &smallest),
        (
            "pn-counter",
            &[&endless, "1.0", "1e3", "\"1\"", "null", "2"],
            &[12, 12, 12, 12, 12, 0],
            "2",
        ),
        ("g-counter", &["5", "-1", "2"], &[0, 12, 0], "7"),
    ] {
        assert_eq!(count(kind, deltas), (codes.to_vec(), sum.to_owned()), "{kind} {deltas:?}");
    }
}

#[test]
fn a_read_without_a_workload_goes_to_the_only_workload_in_use() {
    let read = |id| request(id, json!({"type": "read"}));
    let replies = answers(&[
        read(2),
        request(3, json!({"type": "add", "delta": 4})),
        read(4),
        request(5, json!({"type": "add", "element": 4})),
        read(6),
    ]);
    assert_eq!(replies[0]["code"], 11);
    assert_eq!(replies[2]["value"], 4);
    assert_eq!(replies[4]["code"], 11, "a set's or a counter's?");
}

#[test]
fn polls_are_in_order_and_committed_offsets_never_decrease() {
    let send = |id, msg| request(id, json!({"type": "send", "key": "k", "msg": msg}));
    let commit =
        |id, offset| request(id, json!({"type": "commit_offsets", "offsets": {"k": offset}}));
    let replies = answers(&[
        send(2, json!({"a": [null]})),
        send(3, json!("b")),
        send(4, json!(7)),
        request(5, json!({"type": "poll", "offsets": {"k": 1, "unknown": 0}})),
        request(6, json!({"type": "poll", "offsets": {"k": -5}})),
        request(7, json!({"type": "poll", "offsets": {"k": i64::MAX}})),
        commit(8, 2),
        commit(9, 1),
        commit(10, 3),
        request(11, json!({"type": "list_committed_offsets", "keys": ["k", "unknown"]})),
    ]);
    let ok = |id: u64, mut body: Value| {
        body["in_reply_to"] = json!(id);
        body
    };
    let all = json!([[0, {"a": [null]}], [1, "b"], [2, 7]]);
    assert_eq!(replies[1], ok(3, json!({"type": "send_ok", "offset": 1})));
    let tail = json!({"k": [[1, "b"], [2, 7]]});
    assert_eq!(replies[3], ok(5, json!({"type": "poll_ok", "msgs": tail})));
    assert_eq!(replies[4], ok(6, json!({"type": "poll_ok", "msgs": {"k": all}})));
    assert_eq!(replies[5], ok(7, json!({"type": "poll_ok", "msgs": {}})));
    assert_eq!(replies[7], ok(9, json!({"type": "commit_offsets_ok"})));
    assert_eq!(replies[8]["code"], 12, "no message has that offset");
    let listed = json!({"type": "list_committed_offsets_ok", "offsets": {"k": 2}});
    assert_eq!(replies[9], ok(11, listed));
}

#[test]
fn a_starting_node_rejects_log_requests_until_its_peers_respond() {
    let lines = [
        request(2, json!({"type": "send", "key": "k", "msg": 1})),
        request(3, json!({"type": "commit_offsets", "offsets": {"k": 1}})),
        request(4, json!({"type": "list_committed_offsets", "keys": ["k"]})),
        request(5, json!({"type": "poll", "offsets": {"k": 0}})),
    ];
    for acks in ["1", "majority"] {
        let input = [init(&["n0", "n1", "n2"]), lines.concat()].concat();
        let replies = replies(&run(&["kafka", "--acks", acks], &input));
        let codes: Vec<_> = replies[1..4].iter().map(|reply| &reply["code"]).collect();
        assert_eq!(codes, [11, 0, 11], "the error of a commit is indefinite: {replies:?}");
        assert_eq!(replies[4]["msgs"], json!({}));
    }
}

#[test]
fn a_transaction_reads_its_own_writes_and_returns_keys_and_values_byte_for_byte() {
    let txn = |txn: &str| {
        let body = format!(r#"{{"type":"txn","msg_id":2,"txn":{txn}}}"#);
        format!("{{\"src\":\"c1\",\"dest\":\"n0\",\"body\":{body}}}\n").into_bytes()
    };
    let input = [
        init(&["n0", "n1"]),
        txn(r#"[["r",1,null],["w",1,6],["r",1,null],["w",1,[7, 8.0]],["w",{"k": 1},9]]"#),
        txn(r#"[["r",1,null],["r",{"k": 1},null],["r","1",null]]"#),
        txn("[]"),
    ];
    let output = run(&["txn-rw-register"], &input.concat());
    let text = String::from_utf8(output.stdout).expect("UTF-8 on stdout");
    let reply = |txn: &str| {
        let body = format!(r#"{{"type":"txn_ok","txn":{txn},"in_reply_to":2}}"#);
        format!(r#"{{"src":"n0","dest":"c1","body":{body}}}"#)
    };
    let replies: Vec<&str> = text.lines().filter(|line| line.contains("txn_ok")).collect();
    assert_eq!(
        replies,
        [
            reply(r#"[["r",1,null],["w",1,6],["r",1,6],["w",1,[7, 8.0]],["w",{"k": 1},9]]"#),
            reply(r#"[["r",1,[7, 8.0]],["r",{"k": 1},9],["r","1",null]]"#),
            reply("[]"),
        ]
    );
}

#[test]
fn a_transaction_with_an_unknown_or_malformed_operation_has_no_effect() {
    let txn = |id, txn: Value| request(id, json!({"type": "txn", "txn": txn}));
    let replies = answers(&[
        txn(2, json!([["w", 1, 1], ["append", 1, 2]])),
        txn(3, json!([["w", 1, 1], ["r", 1]])),
        txn(4, json!([["w", 1, 1], ["r", 1, null, null]])),
        txn(5, json!({"w": 1})),
        txn(6, json!([["r", 1, null]])),
    ]);
    let codes = replies[..4].iter().map(|reply| &reply["code"]);
    assert!(codes.eq([10, 12, 12, 12].iter()), "{replies:?}");
    assert_eq!(replies[4]["txn"], json!([["r", 1, null]]));
}

#[test]
fn a_node_for_another_workload_does_not_support_transactions() {
    let txn = request(2, json!({"type": "txn", "txn": []}));
    let output = run(&["broadcast"], &[init(&["n0"]), txn].concat());
    assert_eq!(replies(&output)[1]["code"], 10);
}
