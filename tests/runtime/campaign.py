"""A storm in process, on a scaled clock: thousands of signals, real rates, every fault, killed handlers.

    PYTHONPATH=cdk_incidents/_runtime .venv/bin/python -m tests.runtime.campaign [SIGNALS [CAUSES [SEED]]]

It plays Lambda and the retry queue around the real handler, prints its figures, and fails where a cause that
stands has neither an open incident nor a message of the fallback, or where an incident was doubled without
reason: the only reasons are an answer that was lost, a handler that was killed after its start, and a ledger
that did not answer.
"""

from __future__ import annotations

import contextlib
import copy
import heapq
import os
import random
import sys
import time
from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ConnectionClosedError, EndpointConnectionError, ReadTimeoutError
from incidents_runtime.signals import read
from incidents_runtime.start_request import mark_of

from tests.runtime.fakes import (
    INTERNAL,
    NOW,
    PLAN,
    ROUTES,
    THROTTLED,
    FakeContext,
    LostAnswerError,
    World,
    alarm,
    bus_alarm,
    failure_record,
    message,
    refusal,
)
from tests.runtime.interleaving import Interleaving, KilledError
from tests.runtime.rates import Rates

if TYPE_CHECKING:
    from collections.abc import Callable

URL = "https://example.com"
EACH = 0.05
FAULTS: dict[str, Exception | float] = {
    "throttled": THROTTLED,
    "internal error": INTERNAL,
    "conflict": refusal("ConflictException", 409),
    "no connection": EndpointConnectionError(endpoint_url=URL),
    "time-out": ReadTimeoutError(endpoint_url=URL),
    "answer lost": LostAnswerError(ReadTimeoutError(endpoint_url=URL)),
    "reset after the work": LostAnswerError(ConnectionClosedError(endpoint_url=URL)),
    "internal error after the work": LostAnswerError(INTERNAL),
    "slow answer": 5.0,
}
FAULTS_OF_LOAD: Exception = THROTTLED
QUOTA = 200
CAUSES_OF_A_PLAN = 50
# Of a ledger whose client tries three times; a write that had arrived fails its condition then.
LEDGER_DOWN = (3 * EACH) ** 3
KILLED_ONE_IN = 200
FUNCTIONS = 12
# Lambda's own retries of an asynchronous invocation, and the time-out of the queue's messages.
RETRIED_AFTER_S = (60.0, 120.0)
QUEUE_TIME_OUT_S = 180.0


@dataclass
class Sent:
    """A signal, and what became of it."""

    cause: str
    route: str
    state: str
    at: int
    """In seconds from the beginning of the storm."""
    event: dict[str, Any]
    mark: str = ""
    failed: bool = False


@dataclass(order=True)
class Due:
    """A delivery of a signal."""

    at: float
    number: int
    sent: Sent = field(compare=False)
    tries: int = field(default=0, compare=False)
    receives: int = field(default=0, compare=False)


@dataclass
class Figures:
    """What is printed, and what must be nothing."""

    counts: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    start_s: list[float] = field(default_factory=list)
    simulated_s: float = 0.0
    real_s: float = 0.0
    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    left_open: list[str] = field(default_factory=list)

    def lines(self) -> list[str]:
        """Say it, a figure a line."""
        waits = sorted(self.start_s)
        figures = {
            **self.counts,
            **{f"fault: {name}": number for name, number in sorted(self.faults.items())},
            "seconds to a start, median": round(waits[len(waits) // 2], 1),
            "seconds to a start, 95 of 100": round(waits[len(waits) * 95 // 100], 1),
            "seconds to a start, longest": round(waits[-1], 1),
            "minutes on the scaled clock": round(self.simulated_s / 60, 1),
            "seconds of real time": round(self.real_s, 1),
            "causes without an incident or a message": len(self.lost),
            "incidents doubled without a reason": len(self.doubled),
            "incidents left open without a reason": len(self.left_open),
        }
        return [f"{name:44} {number:>9}" for name, number in figures.items()]


class Campaign:
    """The storm."""

    def __init__(self, signals: int, causes: int, seed: int) -> None:
        self.order = random.Random(seed)  # noqa: S311 - a seed is what it is for
        plans = -(-causes // CAUSES_OF_A_PLAN)
        self.world = World(
            routes=tuple(
                replace(ROUTES[0], id=f"Route{number}", response_plan_arn=f"{PLAN}{number}")
                for number in range(plans)
            )
        )
        self.clock = self.world.clock
        self.figures = Figures(Counter(signals=signals, causes=causes, plans=plans))
        self.sent = [sent for number in range(causes) for sent in self._life(number, plans, signals, causes)]
        self.due: list[Due] = []
        for sent in self.sent:
            for _ in range(1 + (self.order.random() < 2 * EACH)):
                self._put(sent, sent.at + self._late())
        self.left = len(self.due)
        self.side = Interleaving(self.clock, self.order, KILLED_ONE_IN)
        self.rates = Rates(self._now)
        self.created: dict[str, list[str]] = {}
        self.in_doubt: set[str] = set()
        self.month: Counter[str] = Counter()
        self.now_serving: dict[int, str] = {}

    def _life(self, number: int, plans: int, signals: int, causes: int) -> list[Sent]:
        own = signals // causes + (number < signals % causes)
        name, route = f"Cause{number}", f"Route{number % plans}"
        life, state = [], "ALARM"
        for at in sorted(self.order.sample(range(max(signals // 20, 3 * own)), own)):
            make = bus_alarm if self.order.random() < EACH else alarm
            sent = Sent(f"{route} {name}", route, state, at, make(name, state, at=at))
            (signal,) = read(sent.event, NOW + timedelta(days=1))
            sent.mark = mark_of(signal, self.world.routes[route])
            life.append(sent)
            changes = self.order.random() < (0.2 if state == "ALARM" else 0.5)
            state = {"ALARM": "OK", "OK": "ALARM"}[state] if changes else state
        return life

    def _late(self) -> float:
        return self.order.uniform(5, 120) if self.order.random() < 2 * EACH else self.order.uniform(0, 2)

    def _put(self, sent: Sent, at: float, tries: int = 0, receives: int = 0) -> None:
        heapq.heappush(self.due, Due(at, self.order.getrandbits(60), sent, tries, receives))

    def _now(self) -> float:
        return (self.clock.time - NOW).total_seconds()

    # --- the services

    def _befall(self, place: str) -> Callable[[str], None]:
        faulty = getattr(self.world, place)

        def before_call(operation: str) -> None:
            self.clock.sleep(self.order.uniform(0.01, 0.1))
            fault = self._fault_of(place, operation)
            if fault is not None:
                faulty.fail(operation, _fresh(fault))

        return before_call

    def _fault_of(self, place: str, operation: str) -> Exception | None:
        if place == "table":
            return self._fault_of_table(operation)
        if place == "topics":
            # Its client tries again; what it cannot tell in the end, the dead-letter queue's alarm tells.
            return None
        if not self.rates.admit(operation):
            self.figures.faults["over the service's rate"] += 1
            return FAULTS_OF_LOAD
        dice = self.order.random()
        chosen = int(dice / EACH)
        if chosen >= len(FAULTS):
            return None
        name, fault = list(FAULTS.items())[chosen]
        self.figures.faults[name] += 1
        if isinstance(fault, float):
            self.clock.sleep(fault)
            return None
        if operation == "StartIncident" and isinstance(fault, LostAnswerError):
            self.in_doubt.add(self._serving())
        return fault

    def _fault_of_table(self, operation: str) -> Exception | None:
        dice = self.order.random()
        if dice < LEDGER_DOWN:
            self.figures.faults["ledger down"] += 1
            self.in_doubt.add(self._serving())
            return FAULTS_OF_LOAD
        if dice < EACH and operation == "PutItem":
            self.figures.faults["ledger's answer lost"] += 1
            return LostAnswerError(refusal("ConditionalCheckFailedException"))
        return None

    def _serving(self) -> str:
        return self.now_serving[id(self.side._current)]

    # --- Lambda and the retry queue

    def _function(self) -> None:
        while self.left:
            due = self.due[0].at if self.due else self._now() + 0.5
            if due > self._now():
                self.side.rest(due - self._now() + 0.01)
                continue
            self._invoke(heapq.heappop(self.due))

    def _invoke(self, due: Due) -> None:
        context = FakeContext(self.clock, "retry" if due.receives else due.sent.route)
        payload: object = due.sent.event
        if due.receives:
            record = message(
                failure_record(due.sent.event, due.sent.route), receives=due.receives, number=due.number
            )
            payload = {"Records": [record]}
        self.side.began(context.ends)
        self.now_serving[id(self.side._current)] = due.sent.mark
        self.figures.counts["invocations"] += 1
        started = len(self.created.get(due.sent.mark, ()))
        dead = len(self.world.queues.sent)
        try:
            result = self.world.trigger.handle(payload, context)
        except KilledError:
            self.figures.counts["handlers killed"] += 1
            if len(self.created.get(due.sent.mark, ())) > started:
                self.in_doubt.add(due.sent.mark)
            self._again(due, QUEUE_TIME_OUT_S)
        except Exception:  # noqa: BLE001 - Lambda delivers it again
            self._again(due, QUEUE_TIME_OUT_S)
        else:
            if result.get("batchItemFailures"):
                self._again(due, self.world.queues.hidden.pop(f"handle-{due.number}", QUEUE_TIME_OUT_S))
                return
            if "waiting" in [outcome["outcome"] for outcome in result.get("outcomes", ())]:
                self.figures.counts["sent on to wait"] += 1
                self._put(due.sent, self._now(), due.tries, 1)
                return
            self.left -= 1
            due.sent.failed |= len(self.world.queues.sent) > dead
            for outcome in result.get("outcomes", ()):
                self.figures.counts[outcome["outcome"]] += 1
                if outcome["outcome"] == "started":
                    self.figures.start_s.append(self._now() - due.sent.at)

    def _again(self, due: Due, hidden_s: float) -> None:
        if due.receives:
            self._put(due.sent, self._now() + hidden_s, due.tries, due.receives + 1)
        elif due.tries < len(RETRIED_AFTER_S):
            self._put(due.sent, self._now() + RETRIED_AFTER_S[due.tries], due.tries + 1)
        else:
            self._put(due.sent, self._now() + 1, due.tries, 1)

    # --- the whole

    def run(self) -> Figures:
        """Let the storm pass, and look what it left."""
        began = time.monotonic()
        usual_start = self.world.service._start

        def start(request: dict[str, Any]) -> dict[str, Any]:
            plan = request["responsePlanArn"]
            if self.month[plan] >= QUOTA:
                self.figures.faults["quota of the month"] += 1
                raise refusal("ServiceQuotaExceededException", 402)
            self.month[plan] += 1
            answer = usual_start(request)
            mark = request["relatedItems"][0]["title"].rpartition(" ")[2]
            self.created.setdefault(mark, []).append(answer["incidentRecordArn"])
            return answer

        self.world.service._start = start  # type: ignore[method-assign]
        for place in ("service", "table", "queues", "topics"):
            getattr(self.world, place).before_call = self._befall(place)
            getattr(self.world, place).remembers = False
        for _ in range(FUNCTIONS):
            self.side.add(self._function)
        with Path(os.devnull).open("w", encoding="utf-8") as nowhere, contextlib.redirect_stdout(nowhere):
            self.side.run()
        self.figures.simulated_s = self._now()
        self._look()
        self.figures.real_s = time.monotonic() - began
        return self.figures

    def _look(self) -> None:
        service, figures = self.world.service, self.figures
        open_now = set(service.open_records())
        figures.counts["incidents"] = len(service.records)
        figures.counts["incidents open at the end"] = len(open_now)
        figures.counts["timeline notes"] = len(service.notes)
        figures.counts["dead letters"] = len(self.world.queues.sent)
        figures.counts["messages of the fallback"] = len(self.world.topics.published)
        figures.counts["starts whose end nobody knew"] = len(self.in_doubt & set(self.created))
        doubled = {mark: arns for mark, arns in self.created.items() if len(arns) > 1}
        figures.counts["of them doubled"] = len(doubled)
        figures.doubled = [mark for mark in doubled if mark not in self.in_doubt]
        told = {_told_of(published["Message"]) for published in self.world.topics.published}
        theirs: dict[str, set[str]] = {}
        for arn, record in service.records.items():
            number = arn.split("/")[1].removeprefix("checkout")
            theirs.setdefault(f"Route{number} {record['title']}", set()).add(arn)
        doubts = {sent.cause for sent in self.sent if sent.mark in self.in_doubt}
        for newest in {sent.cause: sent for sent in self.sent}.values():
            still_open = theirs.get(newest.cause, set()) & open_now
            if newest.state == "ALARM" and not still_open and not (newest.failed and newest.cause in told):
                figures.lost.append(newest.cause)
            if len(still_open) > (newest.state == "ALARM") and newest.cause not in doubts:
                figures.left_open.append(newest.cause)


def _fresh(fault: Exception) -> Exception:
    # What is raised again and again gathers every place that it was raised at.
    if isinstance(fault, LostAnswerError):
        return LostAnswerError(_fresh(fault.error))
    return copy.copy(fault)


def _told_of(text: str) -> str:
    """Read from a message of the fallback which cause it is about."""
    lines = dict(line.partition(": ")[::2] for line in text.splitlines())
    return f"{lines['Route']} {lines['Incident']}"


def main() -> int:
    """Run it with the figures of the command line."""
    numbers = [int(number) for number in sys.argv[1:]]
    signals, causes, seed = (*numbers, *(10_000, 500, 7)[len(numbers) :])
    figures = Campaign(signals, causes, seed).run()
    print("\n".join(figures.lines()))  # noqa: T201 - it is a command, too
    return int(bool(figures.lost or figures.doubled or figures.left_open))


if __name__ == "__main__":
    sys.exit(main())
