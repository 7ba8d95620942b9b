//! Requests that the node cannot serve: the error replies and the log.

use serde_json::{Value, json};

use super::node::{answers, init, line, logged_lines, replies, request, run};

#[test]
fn unknown_requests_get_error_10_and_malformed_requests_get_error_12() {
    let cases = [
        (json!({"type": "frobnicate"}), 10),
        (json!({"type": "frobnicate", "node_id": 5}), 10),
        (json!({"type": ""}), 10),
        (json!({"type": "txn", "txn": [["append", 1, 2]]}), 10),
        (json!({"type": "echo"}), 12),
        (json!({"type": "broadcast"}), 12),
        (json!({"type": "add"}), 12),
        (json!({"type": "send", "key": 5, "msg": 1}), 12),
        (json!({"type": "send", "key": "k"}), 12),
        (json!({"type": "poll"}), 12),
        (json!({"type": "poll", "offsets": [1]}), 12),
        (json!({"type": "poll", "offsets": {"k": "1"}}), 12),
        (json!({"type": "poll", "offsets": {"k": 1.5}}), 12),
        (json!({"type": "poll", "offsets": {"k": 1e30}}), 12),
        (json!({"type": "commit_offsets", "offsets": {"k": 0}}), 12),
        (json!({"type": "commit_offsets", "offsets": {"k": -1}}), 12),
        (json!({"type": "list_committed_offsets", "keys": [5]}), 12),
        (json!({"type": "add", "delta": 1.5}), 12),
        (json!({"type": "add", "delta": "1"}), 12),
        (json!({"type": "add", "delta": null}), 12),
        (json!({"type": "txn"}), 12),
        (json!({"type": "topology"}), 12),
        (json!({"type": "topology", "topology": 5}), 12),
        (json!({"type": "topology", "topology": {"n0": 5}}), 12),
        (json!({"type": "init"}), 12),
        (json!({"type": "init", "node_id": 5, "node_ids": ["n0"]}), 12),
        (json!({"type": "init", "node_id": "n0", "node_ids": "n0"}), 12),
        (json!({"type": "gossip", "gossip": {"workload": "broadcast"}}), 12),
        (json!({"type": 5}), 12),
        (json!({}), 12),
    ];
    for (body, code) in cases {
        let replies =
            answers(&[request(2, body.clone()), request(3, json!({"type": "echo", "echo": 1}))]);
        assert_eq!(replies[0]["type"], "error", "{body}");
        assert_eq!(replies[0]["code"], code, "{body}");
        assert_eq!(replies[0]["in_reply_to"], 2, "{body}");
        let text = replies[0]["text"].as_str().expect("an error has a text");
        assert!(!text.is_empty() && !text.contains("line 1"), "{body}: {text}");
        assert_eq!(replies[1]["type"], "echo_ok", "the node goes on after {body}");
    }
}

#[test]
fn ignores_the_value_of_an_unused_field() {
    let body = json!({"type": "echo", "echo": 1, "message": {}, "node_ids": 7, "topology": null});
    assert_eq!(answers(&[request(2, body)])[0]["type"], "echo_ok");
}

#[test]
fn a_line_that_is_not_a_message_causes_one_log_line() {
    let too_long = vec![b'x'; (16 << 20) + 1];
    let junk: [&[u8]; 10] = [
        b"junk",
        b"{\"src\":",
        b"\xff\xfe",
        b"[]",
        b"null",
        b"{\"dest\":\"n0\"}",
        // An array with the fields of a message in order is not a message.
        b"[\"c1\",\"n0\",[\"read\",1]]",
        b"{\"src\":\"c1\",\"dest\":\"n0\",\"body\":[1]}",
        // A form feed is not whitespace in JSON.
        b"\x0c{\"src\":\"c1\",\"dest\":\"n0\",\"body\":{\"type\":\"generate\",\"msg_id\":3}}",
        &too_long,
    ];
    for junk in junk {
        let echo = request(2, json!({"type": "echo", "echo": "still here"}));
        let output = run(&[], &[&init(&["n0"]), junk, b"\n", &echo].concat());
        assert!(output.status.success());
        assert_eq!(replies(&output).last().expect("a reply")["echo"], "still here");
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(logged_lines(&output), 1, "{stderr}");
        assert!(!stderr.contains("line 1"), "each is a line: {stderr}");
    }
}

/// A request without `msg_id` gets no reply, but the node executes it.
#[test]
fn a_request_without_msg_id_causes_one_log_line_and_no_reply() {
    let message = |body: Value| line(&json!({"src": "c1", "dest": "n0", "body": body}));
    let unnumbered = [
        json!({"type": "init", "node_id": "n0", "node_ids": ["n0"]}),
        json!({"type": "generate"}),
        json!({"type": "broadcast", "message": 5}),
        json!({"type": "echo", "echo": 1, "msg_id": null}),
    ];
    let count = unnumbered.len();
    let read = request(2, json!({"type": "read"}));
    let output = run(&[], &[unnumbered.map(message).concat(), read].concat());
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(stderr.matches("without msg_id").count(), count, "{stderr}");
    assert_eq!(logged_lines(&output), count, "{stderr}");
    let read = json!({"type": "read_ok", "messages": [5], "in_reply_to": 2});
    assert_eq!(replies(&output), [read]);
}

#[test]
fn an_invalid_msg_id_is_named_in_the_error() {
    let message = |body: Value| line(&json!({"src": "c1", "dest": "n0", "body": body}));
    for (field, wrong) in
        [("msg_id", json!("7")), ("msg_id", json!(1_u64 << 63)), ("in_reply_to", json!([]))]
    {
        let asked = message(json!({"type": "echo", "echo": 1, field: wrong}));
        let output = run(&[], &[init(&["n0"]), asked].concat());
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(stderr.contains(&format!("\"{field}\" must be an integer of 64 bits")), "{stderr}");
        assert_eq!(logged_lines(&output), 1, "{stderr}");
    }
    // A request with a valid `msg_id` gets an error reply.
    let body = json!({"type": "echo", "echo": 1, "msg_id": 2, "in_reply_to": "1"});
    let replies = replies(&run(&[], &[init(&["n0"]), message(body)].concat()));
    let text = replies[1]["text"].as_str().expect("an error has a text");
    assert!(text.contains("\"in_reply_to\" must be an integer of 64 bits"), "{text}");
}

#[test]
fn an_error_quotes_only_the_beginning_of_a_long_value() {
    let huge = "\u{1F600}".repeat(1 << 18);
    for body in [json!({"type": huge}), json!({"type": "init", "node_id": 1, "node_ids": huge})] {
        let replies = answers(&[request(2, body)]);
        let text = replies[0]["text"].as_str().expect("an error has a text");
        assert!((10..=200).contains(&text.chars().count()), "{} characters", text.chars().count());
    }
}

/// A peer must be able to receive the record of a request in one line.
#[test]
fn a_record_above_the_size_limit_gets_error_12_and_the_log_continues() {
    const LIMIT: usize = 8 << 20;
    let send = |key: &str, msg: usize| json!({"type": "send", "key": key, "msg": "m".repeat(msg)});
    // As JSON, each of these characters has six bytes.
    let escaped = "\u{1}".repeat(LIMIT / 6 + 1);
    let long = ["a", "b"].map(|name| name.repeat(LIMIT / 2 + 1));
    let replies = answers(&[
        request(2, send(&"k".repeat(LIMIT + 1), 1)),
        request(3, send(&escaped, 1)),
        request(4, send("k", LIMIT + 1)),
        request(5, send(&long[0], 1)),
        request(6, send(&long[1], 1)),
        request(7, json!({"type": "commit_offsets", "offsets": {&long[0]: 0, &long[1]: 0}})),
        request(8, json!({"type": "commit_offsets", "offsets": {&long[0]: 0}})),
        request(9, send("k", 1)),
    ]);
    let codes: Vec<_> = replies.iter().map(|reply| reply["code"].as_u64()).collect();
    let rejected = Some(12);
    assert_eq!(codes, [rejected, rejected, rejected, None, None, rejected, None, None]);
    let text = replies[0]["text"].as_str().expect("an error has a text");
    assert!(text.contains("\"key\" and \"msg\" are too large (limit 8388608 bytes)"), "{text}");
}

#[test]
fn a_log_line_quotes_only_the_beginning_of_a_long_sender_name() {
    let src = "c".repeat(1 << 13);
    let gossip =
        json!({"workload": "broadcast", "incarnation": 5, "digest": [], "sent_us": 1, "items": []});
    for body in [
        json!({"type": "echo", "echo": 1}),
        json!({"type": "frobnicate"}),
        json!({"type": "gossip", "gossip": gossip}),
    ] {
        let asked = line(&json!({"src": src, "dest": "n0", "body": body}));
        let output = run(&[], &[init(&["n0"]), asked].concat());
        assert_eq!(logged_lines(&output), 1, "{body}");
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(stderr.contains("ccc") && stderr.len() < 500, "{body}: {} bytes", stderr.len());
    }
}

#[test]
fn replies_and_errors_get_no_reply() {
    let lines = [
        line(
            &json!({"src": "n1", "dest": "n0", "body": {"type": "error", "in_reply_to": 9, "code": 10}}),
        ),
        line(
            &json!({"src": "n1", "dest": "n0", "body": {"type": "what_ok", "in_reply_to": 9, "msg_id": 1}}),
        ),
    ];
    let output = run(&[], &[init(&["n0", "n1"]), lines.concat()].concat());
    assert_eq!(
        output.stdout.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).count(),
        1
    );
}
