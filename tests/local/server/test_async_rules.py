"""How long and how often Lambda tries: the rules whose waits are too long for a real function."""

from __future__ import annotations

import contextlib
import json
import threading
from typing import TYPE_CHECKING, Any, cast

from cdk_incidents.local._server.monitoring import async_invoke
from cdk_incidents.local._server.monitoring.async_invoke import AsyncInvoker

if TYPE_CHECKING:
    import pytest

    from cdk_incidents.local._server.adapter import Emulator

_ARN = "arn:aws:lambda:us-east-1:000000000000:function:f:live"
_QUEUE = "arn:aws:sqs:us-east-1:000000000000:q"
_FAILED: dict[str, Any] = {"error": True, "body": {"errorMessage": "no"}}
_THROTTLED: dict[str, Any] = {"error": True, "throttle": True}


class _Functions:
    """An emulator whose one function answers as told, and whose clock is what was slept."""

    def __init__(self, *answers: dict[str, Any], **settings: Any) -> None:
        self.answers = list(answers)
        self.calls = 0
        self.slept: list[float] = []
        self.delivered: list[dict[str, Any]] = []
        self.settings = {"DestinationConfig": {"OnFailure": {"Destination": _QUEUE}}, **settings}
        self.done = threading.Event()

    def owning(self, _arn: str) -> contextlib.AbstractContextManager[None]:
        return contextlib.nullcontext()

    def event_invoke_config(self, _arn: str) -> dict[str, Any]:
        return self.settings

    def execute(self, _arn: str, _event: Any) -> dict[str, Any]:
        self.calls += 1
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if not answer.get("error"):
            self.done.set()
        return answer

    def version_of(self, _arn: str) -> str:
        return "1"

    def may_deliver(self, _arn: str, _destination: str) -> bool:
        return True

    def deliver(self, arn: str, payload: str) -> None:
        assert arn == _QUEUE
        self.delivered.append(json.loads(payload))
        self.done.set()

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)

    def monotonic(self) -> float:
        return sum(self.slept)

    def run(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(async_invoke, "time", self)
        AsyncInvoker(cast("Emulator", self), 60, [])(_ARN, {"n": 1})
        assert self.done.wait(5)


def test_the_waits_double_up_to_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each retry waits twice as long as the one before."""
    monkeypatch.setattr(async_invoke, "_MAX_WAIT_S", 1000.0)
    functions = _Functions(_FAILED)
    functions.run(monkeypatch)
    assert functions.slept == [60, 120]


def test_a_throttled_try_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    """Throttles are tried again for hours, beside the two retries."""
    functions = _Functions(*[_THROTTLED] * 20, {"body": "done"})
    functions.run(monkeypatch)
    assert (functions.calls, functions.delivered) == (21, [])


def test_an_event_that_is_too_old_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """MaximumEventAgeInSeconds ends the waiting, and the record says so."""
    functions = _Functions(_THROTTLED, MaximumEventAgeInSeconds=100)
    functions.run(monkeypatch)
    (record,) = functions.delivered
    assert record["requestContext"]["condition"] == "EventAgeExceeded"
    assert sum(functions.slept) <= 100


def test_without_a_destination_the_event_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three tries, and nobody is told."""
    functions = _Functions(_FAILED, _FAILED, _FAILED, {"body": "a fourth try"}, DestinationConfig={})
    monkeypatch.setattr(async_invoke, "time", functions)
    thread = threading.Thread(target=AsyncInvoker(cast("Emulator", functions), 60, [])._run, args=(_ARN, {}))
    thread.start()
    thread.join(5)
    assert (functions.calls, functions.delivered) == (3, [])
