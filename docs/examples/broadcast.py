#!/usr/bin/env python3
"""A node for the workload `broadcast`, with Python's standard library alone.

Values travel through a hub, in batches, and are retransmitted until they are acknowledged.
A node keeps its values in memory, so a node that is killed loses them.
"""

import json
import sys
import threading
import time

# How long values wait for others that leave with them, in seconds.
FLUSH_INTERVAL = float(sys.argv[1]) if len(sys.argv) > 1 else 0.1
# When a batch without an acknowledgement is sent again: more than a round trip.
ACK_TIMEOUT = 1.0

lock = threading.Lock()
node_id = None
neighbors = []
values = {}  # an ordered set: every value that this node knows
unsent = {}  # for each neighbor: the values of its next batch
unacked = {}  # by message ID: the neighbor, the values and the time of sending
last_msg_id = 0


def send(dest, body):
    print(json.dumps({"src": node_id, "dest": dest, "body": body}), flush=True)


def reply(request, body):
    send(request["src"], {**body, "in_reply_to": request["body"]["msg_id"]})


def learn(value, source):
    """Stores a value, and queues it for every neighbor except its source."""
    if value in values:
        return
    values[value] = True
    for neighbor in neighbors:
        if neighbor != source:
            unsent[neighbor].append(value)


def handle(message):
    global node_id, neighbors
    body = message["body"]
    match body["type"]:
        case "init":
            node_id = body["node_id"]
            hub, *leaves = sorted(body["node_ids"])
            neighbors = leaves if node_id == hub else [hub]
            unsent.update({neighbor: [] for neighbor in neighbors})
            reply(message, {"type": "init_ok"})
        case "echo":
            reply(message, {"type": "echo_ok", "echo": body["echo"]})
        case "topology":
            reply(message, {"type": "topology_ok"})
        case "broadcast":
            learn(body["message"], None)
            reply(message, {"type": "broadcast_ok"})
        case "read":
            reply(message, {"type": "read_ok", "messages": list(values)})
        case "batch":
            for value in body["values"]:
                learn(value, message["src"])
            reply(message, {"type": "batch_ok"})
        case "batch_ok":
            unacked.pop(body["in_reply_to"], None)
        case other:
            text = f"{other}: unknown request"
            reply(message, {"type": "error", "code": 10, "text": text})


def flush():
    """Sends each neighbor its next batch."""
    global last_msg_id
    now = time.monotonic()
    for msg_id, (neighbor, batch, sent_at) in list(unacked.items()):
        if now - sent_at > ACK_TIMEOUT:
            del unacked[msg_id]
            unsent[neighbor] += batch
    for neighbor, batch in unsent.items():
        if batch:
            last_msg_id += 1
            unacked[last_msg_id] = (neighbor, batch, now)
            unsent[neighbor] = []
            send(neighbor, {"type": "batch", "msg_id": last_msg_id, "values": batch})


def flush_forever():
    while True:
        time.sleep(FLUSH_INTERVAL)
        with lock:
            flush()


threading.Thread(target=flush_forever, daemon=True).start()
for line in sys.stdin:
    with lock:
        handle(json.loads(line))
