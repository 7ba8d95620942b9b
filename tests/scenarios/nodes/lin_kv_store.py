#!/usr/bin/env python3
"""A node for g-set, the counters and kafka that keeps everything in the service lin-kv.

The first argument names the workload. Every request becomes: read a key, change the value,
compare and set, and try again if another request changed the key first.
"""

import json
import sys
import threading

workload = sys.argv[1]
lock = threading.Lock()
me, next_id, waiting = None, 0, {}


def send(dest, body):
    with lock:
        print(json.dumps({"src": me, "dest": dest, "body": body}), flush=True)


def ask(body):
    global next_id
    with lock:
        next_id += 1
        number = next_id
        waiting[number] = done = {"event": threading.Event()}
    send("lin-kv", {**body, "msg_id": number})
    done["event"].wait()
    return done["body"]


def load(key):
    """The value of a key, and what a compare-and-set has to expect."""
    body = ask({"type": "read", "key": key})
    return body.get("value")


def update(key, change):
    """Applies `change` to the value of a key; returns what it returns."""
    while True:
        before = load(key)
        after, result = change(before)
        body = ask({"type": "cas", "key": key, "from": before, "to": after,
                    "create_if_not_exists": True})
        if body["type"] == "cas_ok":
            return result


def handle(body):
    kind = body["type"]
    if kind == "add" and "delta" in body:
        update("sum", lambda value: ((value or 0) + body["delta"], None))
        return {"type": "add_ok"}
    if kind == "add":
        update("set", lambda value: ((value or []) + [body["element"]], None))
        return {"type": "add_ok"}
    if kind == "read":
        value = load("set" if workload == "g-set" else "sum")
        return {"type": "read_ok", "value": value or ([] if workload == "g-set" else 0)}
    if kind == "send":
        def append(log):
            log = log or []
            return log + [body["msg"]], len(log)
        return {"type": "send_ok", "offset": update("log " + body["key"], append)}
    if kind == "poll":
        logs = {key: load("log " + key) or [] for key in body["offsets"]}
        return {"type": "poll_ok", "msgs": {
            key: [[offset, log[offset]] for offset in range(body["offsets"][key], len(log))]
            for key, log in logs.items()}}
    if kind == "commit_offsets":
        for key, offset in body["offsets"].items():
            update("committed " + key, lambda value: (max(value or 0, offset), None))
        return {"type": "commit_offsets_ok"}
    if kind == "list_committed_offsets":
        found = {key: load("committed " + key) for key in body["keys"]}
        return {"type": "list_committed_offsets_ok",
                "offsets": {key: value for key, value in found.items() if value is not None}}
    return {"type": "error", "code": 10, "text": "not supported"}


def serve(client, body):
    send(client, {**handle(body), "in_reply_to": body["msg_id"]})


for line in sys.stdin:
    message = json.loads(line)
    body = message["body"]
    if "in_reply_to" in body:
        done = waiting.pop(body["in_reply_to"])
        done["body"] = body
        done["event"].set()
    elif body["type"] == "init":
        me = body["node_id"]
        send(message["src"], {"type": "init_ok", "in_reply_to": body["msg_id"]})
    else:
        threading.Thread(target=serve, args=(message["src"], body), daemon=True).start()
