"""A DynamoDB and an Incident Manager that answer at once, or after a while, and know when an incident began.

Run as a program, in a process of its own: it tells its port, and serves until its standard input ends.
"""

from __future__ import annotations

import json
import re
import sys
import threading
import time
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

STARTED = "/started"
"""Ask here when the first StartIncident came since this was last asked, by the machine's monotonic clock."""
_ASSIGNMENTS = re.compile(r"([#\w]+) (?:= )?(:\w+)")
_RECORDS = "arn:aws:ssm-incidents::123456789012:incident-record/checkout/"


class _Table:
    def __init__(self) -> None:
        self._items: dict[str, dict[str, Any]] = {}

    def call(self, operation: str, asked: dict[str, Any]) -> dict[str, Any] | None:
        """Answer a call; None if its condition does not hold."""
        key = json.dumps(asked["Key"] if "Key" in asked else _key_of(asked["Item"]))
        item = self._items.get(key)
        if operation == "GetItem":
            return {} if item is None else {"Item": item}
        if item is not None and not _holds(asked, item):
            return None
        if operation == "PutItem":
            self._items[key] = asked["Item"]
        elif operation == "UpdateItem":
            self._items[key] = {**asked["Key"], **(item or {}), **_updates(asked, item or {})}
        else:
            self._items.pop(key, None)
        return {"Attributes": self._items.get(key, {})} if "ReturnValues" in asked else {}


def _key_of(item: dict[str, Any]) -> dict[str, Any]:
    return {name: item[name] for name in ("key", "id") if name in item}


def _holds(asked: dict[str, Any], item: dict[str, Any]) -> bool:
    """Say whether a condition holds for an item that is there: none does but that of a known revision."""
    condition = asked.get("ConditionExpression")
    seen = asked.get("ExpressionAttributeValues", {}).get(":seen")
    return condition is None or (condition == "revision = :seen" and item.get("revision") == seen)


def _updates(asked: dict[str, Any], item: dict[str, Any]) -> dict[str, Any]:
    names, values = asked.get("ExpressionAttributeNames", {}), asked["ExpressionAttributeValues"]
    told, _, added = asked["UpdateExpression"].partition("ADD ")
    updates = {names.get(name, name): values[value] for name, value in _ASSIGNMENTS.findall(told)}
    for name, value in _ASSIGNMENTS.findall(added):
        number = values[value].get("N")
        before = item.get(name, {"N": "0"})
        updates[name] = values[value] if number is None else {"N": str(int(before["N"]) + int(number))}
    return updates


class _Service(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1
    disable_nagle_algorithm = True
    table = _Table()
    latency_s = 0.0
    started: float | None = None

    def do_GET(self) -> None:
        started, _Service.started = _Service.started, None
        self._answer(200, {"started": started})

    def do_POST(self) -> None:
        came = time.monotonic()
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])) or b"{}")
        operation = self.headers.get("X-Amz-Target", "").rpartition(".")[2] or self.path.strip("/")
        if operation == "startIncident":
            _Service.started = _Service.started or came
            answer: dict[str, Any] | None = {"incidentRecordArn": f"{_RECORDS}{uuid.uuid4()}"}
        else:
            answer = self.table.call(operation, asked)
        time.sleep(self.latency_s)
        if answer is None:
            self._answer(400, {"__type": "com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException"})
        else:
            self._answer(200, answer)

    def _answer(self, status: int, answer: dict[str, Any]) -> None:
        body = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def main() -> None:
    """Serve."""
    _Service.latency_s = float(sys.argv[1]) / 1000
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Service)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(server.server_port, flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
