//! `init`, and messages before it.

use serde_json::json;

use super::node::{answers, init, line, replies, request, run};

#[test]
fn a_request_before_init_gets_temporarily_unavailable() {
    let output = run(&[], &request(1, json!({"type": "generate"})));
    assert_eq!(replies(&output)[0]["code"], 11);
}

#[test]
fn a_node_replies_under_its_own_name() {
    let asked =
        json!({"src": "c1", "dest": "n7", "body": {"type": "echo", "echo": 1, "msg_id": 2}});
    let output = run(&[], &[init(&["n0", "n7"]), line(&asked)].concat());
    assert_eq!(replies(&output)[1]["type"], "echo_ok");
}

#[test]
fn a_repeated_init_gets_a_reply_and_keeps_the_state() {
    let replies = answers(&[
        request(2, json!({"type": "broadcast", "message": 1})),
        request(3, json!({"type": "init", "node_id": "n0", "node_ids": ["n0"]})),
        request(4, json!({"type": "read"})),
    ]);
    assert_eq!(replies[1], json!({"type": "init_ok", "in_reply_to": 3}));
    assert_eq!(replies[2]["messages"], json!([1]));
}

#[test]
fn rejects_a_second_init_with_other_names() {
    let replies = answers(&[
        request(2, json!({"type": "broadcast", "message": 1})),
        request(3, json!({"type": "init", "node_id": "n1", "node_ids": ["n0", "n1"]})),
        request(4, json!({"type": "init", "node_id": "n0", "node_ids": ["n0", "n1"]})),
        request(5, json!({"type": "init", "node_id": "n0", "node_ids": []})),
        request(6, json!({"type": "read"})),
        request(7, json!({"type": "init", "node_id": "n0", "node_ids": ["n0"]})),
    ]);
    for rejected in &replies[1..4] {
        assert_eq!((&rejected["type"], &rejected["code"]), (&json!("error"), &json!(12)));
    }
    assert_eq!(replies[4]["messages"], json!([1]));
    assert_eq!(replies[5], json!({"type": "init_ok", "in_reply_to": 7}));
}

#[test]
fn rejects_more_nodes_than_node_ids() {
    let names: Vec<String> = (0..1025).map(|number| format!("n{number}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let output = run(&[], &init(&names));
    let reply = &replies(&output)[0];
    assert_eq!(reply["code"], 12);
    assert!(reply["text"].as_str().is_some_and(|text| text.contains("1025")), "{reply}");
}
