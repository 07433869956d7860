"""Asynchronous invocation as Lambda has it: settings, retries and failure destination by qualifier.

With no settings for the very qualifier that was invoked, AWS's defaults hold: two retries, then the event
is gone. Settings of the function itself do not reach its aliases.
"""

from __future__ import annotations

import contextvars
import datetime as dt
import json
import threading
import time
import uuid
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cdk_incidents.local._server.adapter import Emulator

_RETRIES = 2
_MAX_AGE_S = 21_600
_MAX_WAIT_S = 30.0


class AsyncInvoker:
    """Invokes functions in the background.

    Parameters
    ----------
    base_s
        how long the first retry waits; AWS waits a minute
    twice
        whose next events are delivered twice: a part of the ARN for each of them
    """

    def __init__(self, emulator: Emulator, base_s: float, twice: list[str]) -> None:
        self._emulator = emulator
        self._base_s = base_s
        self._twice = twice

    def __call__(self, function_arn: str, event: Any) -> None:
        """Take an event for a function, a version or an alias, and come back at once."""
        asked = next((part for part in self._twice if part in function_arn), None)
        if asked is not None:
            self._twice.remove(asked)
        for _ in range(1 if asked is None else 2):
            with self._emulator.owning(function_arn):
                context = contextvars.copy_context()
            threading.Thread(target=context.run, args=(self._run, function_arn, event), daemon=True).start()

    def _run(self, arn: str, event: Any) -> None:
        settings = self._emulator.event_invoke_config(arn)
        attempts = settings.get("MaximumRetryAttempts", _RETRIES) + 1
        until = time.monotonic() + settings.get("MaximumEventAgeInSeconds", _MAX_AGE_S)
        failures, pause, condition = 0, min(self._base_s, _MAX_WAIT_S), "RetriesExhausted"
        # The alias is looked up anew each time: it may have moved in between.
        while (result := self._emulator.execute(arn, event)).get("error"):
            failures += not result.get("throttle")
            if failures == attempts:
                break
            if time.monotonic() + pause > until:
                condition = "EventAgeExceeded"
                break
            time.sleep(pause)
            pause = min(2 * pause, _MAX_WAIT_S)
        if not result.get("error"):
            return
        # The function's own dead letters are bare events; a destination gets its record besides.
        dead_letters = settings.get("TargetArn", "")
        if dead_letters and self._emulator.may_deliver(arn, dead_letters):
            self._emulator.deliver(dead_letters, json.dumps(event))
        destination = settings.get("DestinationConfig", {}).get("OnFailure", {}).get("Destination")
        if not destination or not self._emulator.may_deliver(arn, destination):
            return
        now = dt.datetime.now(dt.timezone.utc).isoformat(timespec="milliseconds")
        record = {
            "version": "1.0",
            "timestamp": now.replace("+00:00", "Z"),
            "requestContext": {
                "requestId": str(uuid.uuid4()),
                "functionArn": arn,
                "condition": condition,
                "approximateInvokeCount": failures,
            },
            "requestPayload": event,
            "responseContext": {
                "statusCode": 200,
                "executedVersion": self._emulator.version_of(arn),
                "functionError": result.get("function_error") or "Unhandled",
            },
            "responsePayload": result.get("body"),
        }
        if ":lambda:" in destination:
            self(destination, record)
        else:
            self._emulator.deliver(destination, json.dumps(record))
