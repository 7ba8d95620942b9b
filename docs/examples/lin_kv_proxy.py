#!/usr/bin/env python3
"""A node for the workload `lin-kv` that leaves everything to the service `lin-kv`.

It forwards each request of a client, and forwards the reply when it comes. It keeps no value, so it
can be no less linearizable than the service.
"""

import json
import sys

node_id = None
last_msg_id = 0
forwarded = {}  # by message ID: the client's request


def send(dest, body):
    print(json.dumps({"src": node_id, "dest": dest, "body": body}), flush=True)


def reply(request, body):
    send(request["src"], {**body, "in_reply_to": request["body"]["msg_id"]})


def forward(request):
    global last_msg_id
    last_msg_id += 1
    forwarded[last_msg_id] = request
    send("lin-kv", {**request["body"], "msg_id": last_msg_id})


def handle(message):
    global node_id
    body = message["body"]
    if "in_reply_to" in body:
        request = forwarded.pop(body["in_reply_to"])
        result = {name: value for name, value in body.items() if name not in ("msg_id", "in_reply_to")}
        reply(request, result)
    elif body["type"] == "init":
        node_id = body["node_id"]
        reply(message, {"type": "init_ok"})
    elif body["type"] in ("read", "write", "cas"):
        forward(message)
    else:
        text = f"{body['type']}: unknown request"
        reply(message, {"type": "error", "code": 10, "text": text})


for line in sys.stdin:
    handle(json.loads(line))
