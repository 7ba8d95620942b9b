#!/usr/bin/env python3
"""A small node for echo and broadcast. It sends each value to every node until that node acknowledges it."""

import json
import sys
import threading
import time

lock = threading.Lock()
me, peers = None, []
values, unconfirmed = [], {}


def send(dest, body):
    print(json.dumps({"src": me, "dest": dest, "body": body}), flush=True)


def learn(value, source=None):
    if value not in values:
        values.append(value)
        for peer in peers:
            if peer != source:
                unconfirmed[peer].add(value)
                send(peer, {"type": "tell", "value": value})


def repeat():
    while True:
        time.sleep(0.3)
        with lock:
            for peer, missing in unconfirmed.items():
                for value in missing:
                    send(peer, {"type": "tell", "value": value})


for line in sys.stdin:
    message = json.loads(line)
    client, body = message["src"], message["body"]
    kind, reply = body["type"], {"in_reply_to": body.get("msg_id")}
    with lock:
        if kind == "init":
            me = body["node_id"]
            peers = [node for node in body["node_ids"] if node != me]
            unconfirmed.update((peer, set()) for peer in peers)
            send(client, {"type": "init_ok", **reply})
            threading.Thread(target=repeat, daemon=True).start()
        elif kind == "echo":
            send(client, {"type": "echo_ok", "echo": body["echo"], **reply})
        elif kind == "topology":
            send(client, {"type": "topology_ok", **reply})
        elif kind == "broadcast":
            learn(body["message"])
            send(client, {"type": "broadcast_ok", **reply})
        elif kind == "read":
            send(client, {"type": "read_ok", "messages": values, **reply})
        elif kind == "tell":
            learn(body["value"], client)
            send(client, {"type": "told", "value": body["value"]})
        elif kind == "told":
            unconfirmed[client].discard(body["value"])
