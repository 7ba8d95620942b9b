//! The binary as Maelstrom sees it: a process behind two pipes.
//!
//! Nearly every test writes all its lines, ends the input and reads what came out; nothing
//! here waits for a length of time.

use std::io::{BufRead, BufReader, Read, Seek, Write};
use std::process::{Command, Output, Stdio};
use std::thread;

use serde_json::{Value, json};

/// Runs the node with these arguments on this input, to the end.
fn run(args: &[&str], input: &[u8]) -> Output {
    let mut node = Command::new(env!("CARGO_BIN_EXE_maelstrom-node"))
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the node starts");
    let mut stdin = node.stdin.take().expect("stdin is a pipe");
    let mut stdout = node.stdout.take().expect("stdout is a pipe");
    let input = input.to_vec();
    let writer = thread::spawn(move || stdin.write_all(&input));
    let mut replies = Vec::new();
    stdout.read_to_end(&mut replies).expect("the replies can be read");
    // A node that refuses its arguments closes the pipe before it has read anything.
    let _ = writer.join().expect("the writer does not panic");
    let mut output = node.wait_with_output().expect("the node ends");
    output.stdout = replies;
    output
}

fn request(msg_id: u64, mut body: Value) -> Vec<u8> {
    body["msg_id"] = json!(msg_id);
    line(&json!({"id": msg_id, "src": "c1", "dest": "n0", "body": body}))
}

fn line(message: &Value) -> Vec<u8> {
    let mut line = message.to_string().into_bytes();
    line.push(b'\n');
    line
}

fn init(names: &[&str]) -> Vec<u8> {
    request(1, json!({"type": "init", "node_id": "n0", "node_ids": names}))
}

/// The bodies of the replies to client c1, in order.
fn replies(output: &Output) -> Vec<Value> {
    let text = std::str::from_utf8(&output.stdout).expect("UTF-8 on stdout");
    text.lines()
        .map(|line| serde_json::from_str::<Value>(line).expect("JSON on stdout"))
        .filter(|message| message["dest"] == "c1")
        .inspect(|message| assert!(message["src"] == "n0" || message["src"] == "n17"))
        .map(|message| message["body"].clone())
        .collect()
}

/// The replies to these lines, with `init` for a single node before them.
fn answers(lines: &[Vec<u8>]) -> Vec<Value> {
    let input = [init(&["n0"]), lines.concat()].concat();
    let output = run(&[], &input);
    assert!(output.status.success(), "{output:?}");
    let mut replies = replies(&output);
    assert_eq!(replies.remove(0), json!({"type": "init_ok", "in_reply_to": 1}));
    replies
}

fn logged_lines(output: &Output) -> usize {
    String::from_utf8_lossy(&output.stderr).lines().count()
}

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

/// To a reader of lines that knows the return as well, half a value would be junk, and the
/// node silent for good.
#[test]
fn a_return_between_tokens_does_not_break_the_line_of_the_reply() {
    let asked = |body: &str| {
        format!("{{\"src\":\"c1\",\r\"dest\":\"n0\",\"body\":{{{body}}}}}\r\n").into_bytes()
    };
    let output = run(
        &["broadcast"],
        &[
            init(&["n0"]),
            asked("\"type\":\"broadcast\",\"message\":[1,\r2,\"\\r\"],\"msg_id\":2"),
            // Within a string it is no JSON, and does not become any.
            asked("\"type\":\"broadcast\",\"message\":\"a\rb\",\"msg_id\":3"),
            asked("\"type\":\"read\",\"msg_id\":4"),
        ]
        .concat(),
    );
    let text = String::from_utf8(output.stdout.clone()).expect("UTF-8 on stdout");
    assert!(!text.contains('\r'), "{text:?}");
    assert_eq!(replies(&output)[2]["messages"], json!([[1, 2, "\r"]]));
}

#[test]
fn generated_ids_are_distinct_strings_that_carry_the_node_id() {
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
fn broadcast_values_are_read_in_order_of_arrival_once_each() {
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
fn a_value_too_large_to_travel_on_is_refused() {
    let huge = "x".repeat(9 << 20);
    let replies = answers(&[
        request(2, json!({"type": "broadcast", "message": huge})),
        request(3, json!({"type": "read"})),
    ]);
    assert_eq!(replies[0]["code"], 12);
    assert_eq!(replies[1]["messages"], json!([]));
}

#[test]
fn a_million_values_are_read_at_once() {
    const VALUES: usize = 1_000_000;
    let asked = |id: usize, body: String| {
        format!(r#"{{"src":"c1","dest":"n0","body":{{{body},"msg_id":{id}}}}}"#) + "\n"
    };
    let mut input = init(&["n0"]);
    for value in 0..VALUES {
        let body = format!(r#""type":"broadcast","message":{value}"#);
        input.extend_from_slice(asked(value, body).as_bytes());
    }
    input.extend_from_slice(asked(VALUES, r#""type":"read""#.to_owned()).as_bytes());
    let output = run(&[], &input);
    let text = std::str::from_utf8(&output.stdout).expect("UTF-8 on stdout");
    assert_eq!(text.lines().count(), 1 + VALUES + 1, "one reply each");
    let read = text.lines().last().expect("a reply");
    let reply: Value = serde_json::from_str(read).expect("JSON on stdout");
    let messages = reply["body"]["messages"].as_array().expect("a list");
    assert!(messages.iter().map(Value::as_u64).eq((0..VALUES as u64).map(Some)));
}

#[test]
fn a_set_is_read_once_each_whatever_its_elements_are() {
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

/// Runs a counter on these deltas, each as it stands on the line, and returns the codes of
/// the errors, 0 where there was none, and the text of the sum.
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
    (codes.collect(), sum.split(',').next().expect("its text").to_owned())
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
fn a_bare_read_goes_to_the_only_workload_that_has_told_of_itself() {
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
fn an_argument_tells_what_add_means() {
    for (kind, wrong) in [("g-set", "delta"), ("g-counter", "element"), ("pn-counter", "element")] {
        let wrong = request(2, json!({"type": "add", wrong: 1}));
        let output =
            run(&[kind], &[init(&["n0"]), wrong, request(3, json!({"type": "read"}))].concat());
        let replies = replies(&output);
        assert_eq!(replies[1]["code"], 12, "{kind}");
        assert_eq!(replies[2]["type"], "read_ok", "{kind}");
    }
}

#[test]
fn a_log_is_polled_in_order_and_its_commits_never_go_back() {
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
fn a_node_that_starts_takes_nothing_into_its_log_before_it_has_heard_of_others() {
    let lines = [
        request(2, json!({"type": "send", "key": "k", "msg": 1})),
        request(3, json!({"type": "commit_offsets", "offsets": {"k": 1}})),
        request(4, json!({"type": "list_committed_offsets", "keys": ["k"]})),
        request(5, json!({"type": "poll", "offsets": {"k": 0}})),
    ];
    for acks in ["1", "majority"] {
        let input = [init(&["n0", "n1", "n2"]), lines.concat()].concat();
        let replies = replies(&run(&["kafka", "--acks", acks], &input));
        assert!(replies[1..4].iter().all(|reply| reply["code"] == 11), "{replies:?}");
        assert_eq!(replies[4]["msgs"], json!({}));
    }
}

#[test]
fn what_is_unknown_is_error_10_and_what_is_malformed_error_12() {
    let cases = [
        (json!({"type": "frobnicate"}), 10),
        (json!({"type": "frobnicate", "node_id": 5}), 10),
        (json!({"type": ""}), 10),
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
        (json!({"type": "topology"}), 12),
        (json!({"type": "topology", "topology": 5}), 12),
        (json!({"type": "topology", "topology": {"n0": 5}}), 12),
        (json!({"type": "init"}), 12),
        (json!({"type": "init", "node_id": 5, "node_ids": ["n0"]}), 12),
        (json!({"type": "init", "node_id": "n0", "node_ids": "n0"}), 12),
        (json!({"type": "gossip", "gossip": {"of": "broadcast"}}), 12),
        (json!({"type": 5}), 12),
        (json!({}), 12),
    ];
    for (body, code) in cases {
        let replies =
            answers(&[request(2, body.clone()), request(3, json!({"type": "echo", "echo": 1}))]);
        assert_eq!(replies[0]["type"], "error", "{body}");
        assert_eq!(replies[0]["code"], code, "{body}");
        assert_eq!(replies[0]["in_reply_to"], 2, "{body}");
        assert!(replies[0]["text"].as_str().is_some_and(|text| !text.is_empty()), "{body}");
        assert_eq!(replies[1]["type"], "echo_ok", "the node goes on after {body}");
    }
}

#[test]
fn a_strange_value_in_a_field_that_is_not_used_harms_nothing() {
    let body = json!({"type": "echo", "echo": 1, "message": {}, "node_ids": 7, "topology": null});
    assert_eq!(answers(&[request(2, body)])[0]["type"], "echo_ok");
}

#[test]
fn lines_that_are_no_messages_cost_one_line_on_stderr_each() {
    let too_long = vec![b'x'; (16 << 20) + 1];
    let junk: [&[u8]; 10] = [
        b"junk",
        b"{\"src\":",
        b"\xff\xfe",
        b"[]",
        b"null",
        b"{\"dest\":\"n0\"}",
        // The fields of a message, in order, but no message.
        b"[\"c1\",\"n0\",[\"read\",1]]",
        b"{\"src\":\"c1\",\"dest\":\"n0\",\"body\":[1]}",
        // A form feed is no blank to JSON.
        b"\x0c{\"src\":\"c1\",\"dest\":\"n0\",\"body\":{\"type\":\"generate\",\"msg_id\":3}}",
        &too_long,
    ];
    for junk in junk {
        let echo = request(2, json!({"type": "echo", "echo": "still here"}));
        let output = run(&[], &[&init(&["n0"]), junk, b"\n", &echo].concat());
        assert!(output.status.success());
        assert_eq!(replies(&output).last().expect("a reply")["echo"], "still here");
        assert_eq!(logged_lines(&output), 1, "{}", String::from_utf8_lossy(&output.stderr));
    }
}

/// Without a number there is nothing to reply to. What was asked is done all the same.
#[test]
fn a_request_without_a_number_costs_one_line_on_stderr_and_no_reply() {
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
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(said.matches("without msg_id").count(), count, "{said}");
    assert_eq!(logged_lines(&output), count, "{said}");
    let read = json!({"type": "read_ok", "messages": [5], "in_reply_to": 2});
    assert_eq!(replies(&output), [read]);
}

#[test]
fn a_number_of_a_request_that_is_none_is_named() {
    let message = |body: Value| line(&json!({"src": "c1", "dest": "n0", "body": body}));
    for (field, wrong) in
        [("msg_id", json!("7")), ("msg_id", json!(1.5)), ("in_reply_to", json!([]))]
    {
        let asked = message(json!({"type": "echo", "echo": 1, field: wrong}));
        let output = run(&[], &[init(&["n0"]), asked].concat());
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(said.contains(&format!("\"{field}\" must be an integer")), "{said}");
        assert_eq!(logged_lines(&output), 1, "{said}");
    }
    // Who can be told is told.
    let body = json!({"type": "echo", "echo": 1, "msg_id": 2, "in_reply_to": "1"});
    let replies = replies(&run(&[], &[init(&["n0"]), message(body)].concat()));
    let text = replies[1]["text"].as_str().expect("an error has a text");
    assert!(text.contains("\"in_reply_to\" must be an integer"), "{text}");
}

#[test]
fn an_error_quotes_the_beginning_of_what_it_is_about() {
    let huge = "\u{1F600}".repeat(1 << 18);
    for body in [json!({"type": huge}), json!({"type": "init", "node_id": 1, "node_ids": huge})] {
        let replies = answers(&[request(2, body)]);
        let text = replies[0]["text"].as_str().expect("an error has a text");
        assert!((10..=200).contains(&text.chars().count()), "{} characters", text.chars().count());
    }
}

#[cfg(target_os = "linux")] // the one with a limit on a process's memory
#[test]
fn a_few_bytes_that_ask_for_gigabytes_cost_no_such_memory() {
    // Each read is answered with a megabyte, and all are in the pipe at once: the node
    // writes as it goes, or else it would hold every reply before it writes the first.
    let value = request(2, json!({"type": "broadcast", "message": "x".repeat(1 << 20)}));
    let reads: Vec<_> = (3..603).map(|id| request(id, json!({"type": "read"}))).collect();
    let input = [init(&["n0"]), value, reads.concat()].concat();
    let mut node = Command::new("sh")
        .args(["-c", r#"ulimit -v 400000; exec "$0""#, env!("CARGO_BIN_EXE_maelstrom-node")])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the node starts");
    let mut stdin = node.stdin.take().expect("stdin is a pipe");
    let stdout = BufReader::new(node.stdout.take().expect("stdout is a pipe"));
    let writer = thread::spawn(move || stdin.write_all(&input));
    let lengths = stdout.split(b'\n').map(|line| line.expect("a line").len());
    assert_eq!(lengths.filter(|length| *length > 1 << 20).count(), 600);
    writer.join().expect("the writer does not panic").expect("the node reads its input");
    assert!(node.wait().expect("the node ends").success());
}

#[test]
fn deep_nesting_is_just_another_value() {
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let asked = format!(
        r#"{{"src":"c1","dest":"n0","body":{{"type":"broadcast","msg_id":2,"message":{deep}}}}}"#
    );
    let echo = request(3, json!({"type": "echo", "echo": 1}));
    let output = run(&[], &[init(&["n0"]), asked.into_bytes(), b"\n".to_vec(), echo].concat());
    assert!(output.status.success());
    assert_eq!(replies(&output).last().expect("a reply")["type"], "echo_ok");
}

#[test]
fn replies_and_errors_are_never_answered() {
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

#[test]
fn a_peer_heard_before_init_is_not_forgotten() {
    let gossip = json!({
        "of": "broadcast", "incarnation": 5, "have": [[1, 5, 2]], "sent_us": 1,
        "items": [{"node": 1, "incarnation": 5, "first": 0, "items": ["early", 2]}],
    });
    let early =
        line(&json!({"src": "n1", "dest": "n0", "body": {"type": "gossip", "gossip": gossip}}));
    let read = request(2, json!({"type": "read"}));
    let output = run(&[], &[early, init(&["n0", "n1"]), read].concat());
    let replies = replies(&output);
    assert_eq!(replies[0]["type"], "init_ok", "the first line out answers init");
    assert_eq!(replies[1]["messages"], json!(["early", 2]));
}

#[test]
fn a_node_speaks_under_its_own_name_alone() {
    let asked =
        json!({"src": "c1", "dest": "n7", "body": {"type": "echo", "echo": 1, "msg_id": 2}});
    let output = run(&[], &[init(&["n0", "n7"]), line(&asked)].concat());
    assert_eq!(replies(&output)[1]["type"], "echo_ok");
}

#[test]
fn init_twice_is_answered_twice_and_keeps_what_is_known() {
    let replies = answers(&[
        request(2, json!({"type": "broadcast", "message": 1})),
        request(3, json!({"type": "init", "node_id": "n0", "node_ids": ["n0"]})),
        request(4, json!({"type": "read"})),
    ]);
    assert_eq!(replies[1], json!({"type": "init_ok", "in_reply_to": 3}));
    assert_eq!(replies[2]["messages"], json!([1]));
}

#[test]
fn a_second_init_that_says_something_else_is_refused_and_changes_nothing() {
    let replies = answers(&[
        request(2, json!({"type": "broadcast", "message": 1})),
        request(3, json!({"type": "init", "node_id": "n1", "node_ids": ["n0", "n1"]})),
        request(4, json!({"type": "init", "node_id": "n0", "node_ids": ["n0", "n1"]})),
        request(5, json!({"type": "init", "node_id": "n0", "node_ids": []})),
        request(6, json!({"type": "read"})),
        request(7, json!({"type": "init", "node_id": "n0", "node_ids": ["n0"]})),
    ]);
    for refused in &replies[1..4] {
        assert_eq!((&refused["type"], &refused["code"]), (&json!("error"), &json!(12)));
    }
    assert_eq!(replies[4]["messages"], json!([1]));
    assert_eq!(replies[5], json!({"type": "init_ok", "in_reply_to": 7}));
}

#[test]
fn before_init_a_request_is_told_to_come_back() {
    let output = run(&[], &request(1, json!({"type": "generate"})));
    assert_eq!(replies(&output)[0]["code"], 11);
}

#[test]
fn more_nodes_than_node_ids_are_a_clear_error() {
    let names: Vec<String> = (0..1025).map(|number| format!("n{number}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let output = run(&[], &init(&names));
    let reply = &replies(&output)[0];
    assert_eq!(reply["code"], 12);
    assert!(reply["text"].as_str().is_some_and(|text| text.contains("1025")), "{reply}");
}

#[test]
fn an_argument_names_the_only_workload() {
    let input = [
        init(&["n0"]),
        request(2, json!({"type": "read"})),
        request(3, json!({"type": "echo", "echo": 1})),
    ];
    let output = run(&["broadcast"], &input.concat());
    let replies = replies(&output);
    assert_eq!(replies[1]["messages"], json!([]), "a bare read has its workload");
    assert_eq!(replies[2]["code"], 10);
}

#[test]
fn bad_arguments_are_one_clear_line_and_exit_2() {
    for args in [&["--no-such-flag"][..], &["no-such-workload"], &["--max-staleness-ms", "x"]] {
        let output = run(args, b"");
        assert_eq!(output.status.code(), Some(2), "{args:?}");
        assert_eq!(logged_lines(&output), 1, "{args:?}");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(said.contains("see cargo run --package maelstrom-node -- --help"), "{said}");
        assert!(output.stdout.is_empty(), "{args:?}");
    }
}

#[test]
fn help_names_every_workload_and_option() {
    let output = run(&["--help"], b"");
    let help = String::from_utf8(output.stdout).expect("UTF-8");
    for word in [
        "echo",
        "unique-ids",
        "broadcast",
        "g-set",
        "g-counter",
        "pn-counter",
        "--max-staleness-ms",
        "--data-dir",
        "kafka",
        "--acks",
        "stderr",
    ] {
        assert!(help.contains(word), "{word} is missing");
    }
}

#[test]
fn a_request_at_the_end_of_input_is_still_answered() {
    let input: Vec<_> =
        (2..2002).map(|id| request(id, json!({"type": "echo", "echo": id}))).collect();
    assert_eq!(answers(&input).len(), 2000);
}

#[test]
fn what_is_due_is_done_while_the_line_that_came_last_is_half_here() {
    let mut node = Command::new(env!("CARGO_BIN_EXE_maelstrom-node"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the node starts");
    let mut stdin = node.stdin.take().expect("stdin is a pipe");
    let mut stdout = BufReader::new(node.stdout.take().expect("stdout is a pipe"));
    let value = request(2, json!({"type": "broadcast", "message": 7}));
    let echo = request(3, json!({"type": "echo", "echo": 1}));
    let (begin, end) = echo.split_at(20);
    let mut write = |bytes: &[u8]| stdin.write_all(bytes).expect("the node reads its input");
    let mut read = || {
        let mut line = String::new();
        stdout.read_line(&mut line).expect("a line");
        serde_json::from_str::<Value>(&line).expect("JSON on stdout")["body"]["type"].take()
    };
    write(&[init(&["n0", "n1"]), value].concat());
    assert_eq!([read(), read()], ["init_ok", "broadcast_ok"]);
    write(begin);
    assert_eq!(read(), "gossip", "the value is passed on a little later");
    write(end);
    drop(stdin);
    while read() != "echo_ok" {}
    assert!(node.wait().expect("the node ends").success());
}

#[test]
fn input_may_come_from_a_file() {
    // More than is read at once, and something is due all the time.
    let asked = |id| request(id, json!({"type": "broadcast", "message": id}));
    let mut input = tempfile::tempfile().expect("a file");
    let lines: Vec<_> = (2..10_002).map(asked).collect();
    input.write_all(&[init(&["n0", "n1"]), lines.concat()].concat()).expect("there is room");
    input.rewind().expect("it is read from its beginning");
    let output = Command::new(env!("CARGO_BIN_EXE_maelstrom-node"))
        .stdin(input)
        .output()
        .expect("the node runs");
    assert!(output.status.success());
    assert_eq!(replies(&output).len(), 10_001);
}
