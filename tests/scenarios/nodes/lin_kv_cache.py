#!/usr/bin/env python3
"""A node for lin-kv that is wrong: a proxy of the service lin-kv that caches what it reads.

It forgets a value only when a request of its own changes the key.
"""

import json
import sys

me, last, forwarded, cache = None, 0, {}, {}


def send(dest, body):
    print(json.dumps({"src": me, "dest": dest, "body": body}), flush=True)


for line in sys.stdin:
    message = json.loads(line)
    body = message["body"]
    if "in_reply_to" in body:
        client, request = forwarded.pop(body["in_reply_to"])
        if body["type"] == "read_ok":
            cache[request["key"]] = body["value"]
        body["in_reply_to"] = request["msg_id"]
        body.pop("msg_id", None)
        send(client, body)
    elif body["type"] == "init":
        me = body["node_id"]
        send(message["src"], {"type": "init_ok", "in_reply_to": body["msg_id"]})
    elif body["type"] == "read" and body["key"] in cache:
        value = cache[body["key"]]
        send(message["src"], {"type": "read_ok", "value": value, "in_reply_to": body["msg_id"]})
    else:
        if body["type"] != "read":
            cache.pop(body["key"], None)
        last += 1
        forwarded[last] = (message["src"], body)
        send("lin-kv", {**body, "msg_id": last})
