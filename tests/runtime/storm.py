"""A storm in process: many signals of few causes at once, in an account that throttles as AWS does.

    PYTHONPATH=cdk_incidents/_runtime .venv/bin/python -m tests.runtime.storm [SIGNALS [CAUSES [SEED]]]

It plays what stands around the handler, on a clock that nobody waits for: Lambda's queue of asynchronous
events, its environments and their limit, the retry queue with its readers, and the service's rates. The
handler is the real one.

https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html
https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html
"""

from __future__ import annotations

import contextlib
import os
import random
import sys
import threading
from collections import Counter, deque
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from incidents_runtime.signals import read
from incidents_runtime.start_request import mark_of

from tests.runtime.fakes import (
    NOW,
    PLAN,
    RETRIES,
    ROUTES,
    THROTTLED,
    FakeContext,
    World,
    alarm,
    failure_record,
    received,
    refusal,
)
from tests.runtime.interleaving import KilledError
from tests.runtime.rates import RATES, Rates
from tests.runtime.virtual_time import VirtualTime

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from incidents_runtime.admission import Outcome

SIGNALS, CAUSES, SEED = 10_000, 500, 7
ARRIVE_WITHIN_S = 10.0
# A plan takes 200 incidents a month.
CAUSES_OF_A_PLAN = 50
RETRIED_AFTER_S = (60.0, 120.0)


@dataclass(frozen=True)
class Account:
    """What the function has: the first five as it is deployed, the others as an account may be."""

    readers: int = 5
    batch: int = 1
    hidden_s: float = 180.0
    most_receives: int = 200
    oldest_event_s: float = 3600.0
    """How long Lambda keeps an event that it cannot deliver."""
    concurrency: int = 1_000
    cold_start_s: float = 1.0
    killed_one_in: int = 0
    """Of how many calls one is a function's last."""
    ledger_fails_one_in: int = 0


@dataclass(eq=False)
class Waiting:
    """A message of the retry queue."""

    sent: dict[str, Any]
    sent_s: float
    visible_s: float | None = None
    """When it will be seen; None if it is seen, or deleted."""
    receives: int = 0


@dataclass
class Event:
    """An asynchronous event in Lambda's queue."""

    alias: str
    payload: dict[str, Any]
    since_s: float
    tries: int = 0
    throttled: int = 0


@dataclass
class Figures:
    """What came of it."""

    signals: int
    """Those that differ: of one cause and millisecond, two are one."""
    causes: int
    first_started_s: dict[str, float] = field(default_factory=dict)
    incidents: Counter[str] = field(default_factory=Counter)
    settled: dict[str, float] = field(default_factory=dict)
    outcomes: Counter[str] = field(default_factory=Counter)
    calls: Counter[str] = field(default_factory=Counter)
    throttled: Counter[str] = field(default_factory=Counter)
    invocations: int = 0
    not_invoked: int = 0
    function_s: float = 0.0
    most_at_once: int = 0
    messages: int = 0
    most_receives: int = 0
    dead_letters: int = 0
    in_doubt: set[str] = field(default_factory=set)
    """Causes one of whose handlers was killed, or could not ask the ledger."""
    killed: int = 0

    @property
    def last_start_s(self) -> float:
        """When the last cause had its incident, from the first signal on."""
        return max(self.first_started_s.values(), default=0.0)

    @property
    def last_settled_s(self) -> float:
        """When the last signal was started or joined."""
        return max(self.settled.values(), default=0.0)

    @property
    def limit_s(self) -> float:
        """When it could have it at the earliest."""
        return self.causes / RATES["StartIncident"]

    @property
    def lost(self) -> int:
        """How many signals are neither started nor joined."""
        return self.signals - len(self.settled)

    @property
    def without_incident(self) -> int:
        """How many causes have none."""
        return self.causes - len(self.first_started_s)

    @property
    def doubled(self) -> list[str]:
        """Causes that have more than one, and no reason."""
        return [
            cause for cause, number in self.incidents.items() if number > 1 and cause not in self.in_doubt
        ]

    def lines(self) -> Iterable[str]:
        """Say it, a figure a line."""
        figures = {
            "seconds until the last cause has its incident": round(self.last_start_s, 1),
            "seconds of the limit": self.limit_s,
            "seconds until every signal is settled": round(self.last_settled_s, 1),
            "causes without an incident": self.without_incident,
            "signals that are neither started nor joined": self.lost,
            "causes with two, without a reason": len(self.doubled),
            "dead letters": self.dead_letters,
            **{f"signals {name}": number for name, number in sorted(self.outcomes.items())},
            **{f"calls of {name}": number for name, number in sorted(self.calls.items())},
            **{f"throttled {name}": number for name, number in sorted(self.throttled.items()) if number},
            "invocations": self.invocations,
            "invocations that Lambda throttled": self.not_invoked,
            "seconds of the function": round(self.function_s),
            "functions at once, at most": self.most_at_once,
            "functions killed": self.killed,
            "messages of the retry queue": self.messages,
            "receives of a message, at most": self.most_receives,
        }
        return [f"{name:48} {number:>9}" for name, number in figures.items()]


class Storm:
    """The storm."""

    def __init__(
        self,
        signals: int,
        causes: int,
        seed: int,
        account: Account | None = None,
        beside: Storm | None = None,
    ) -> None:
        """Prepare it; ``beside`` is another trigger's, which meets the same clock and the same rates."""
        self.account = account or Account()
        self.order = random.Random(seed)  # noqa: S311 - a seed is what it is for
        self.time: VirtualTime = VirtualTime() if beside is None else beside.time
        self.rates: Rates = Rates(lambda: self.time.now_s) if beside is None else beside.rates
        plans = -(-causes // CAUSES_OF_A_PLAN)
        self.world = World(
            routes=tuple(
                replace(ROUTES[0], id=f"Route{number}", response_plan_arn=f"{PLAN}{number}")
                for number in range(plans)
            )
        )
        self.figures = Figures(0, causes)
        self.visible: deque[Waiting] = deque()
        self.handles: dict[str, Waiting] = {}
        self.free_readers = self.account.readers
        self.running = 0
        self.warm = 0
        self.cause_of_mark: dict[str, str] = {}
        self.serving = threading.local()
        self._play_the_clock()
        self._play_the_services()
        for number in range(signals):
            self._signal(number % causes, plans)
        self.figures.signals = len(self.cause_of_mark)

    # --- the signals

    def _signal(self, number: int, plans: int) -> None:
        at = round(self.order.uniform(0, ARRIVE_WITHIN_S), 3)
        route = f"Route{number % plans}"
        event = alarm(f"Cause{number}", at=at)
        (signal,) = read(event, NOW)
        self.cause_of_mark[mark_of(signal, self.world.routes[route])] = event["alarmArn"]
        arrives = at + self.order.uniform(0.05, 0.5)
        self.time.at(arrives, lambda: self._invoke(Event(route, event, arrives)))

    # --- the clock and the services

    def _play_the_clock(self) -> None:
        clock, time = self.world.clock, self.time

        def sleep(seconds: float) -> None:
            time.sleep(seconds)
            clock.time = NOW + timedelta(seconds=time.now_s)

        clock.sleep = sleep  # type: ignore[method-assign]
        clock.now = lambda: NOW + timedelta(seconds=time.now_s)  # type: ignore[method-assign]
        clock.jitter = self.order.random  # type: ignore[method-assign]

    def _play_the_services(self) -> None:
        world, figures = self.world, self.figures
        for place, takes in (
            (world.service, (0.02, 0.05)),
            (world.table, (0.003, 0.012)),
            (world.queues, (0.005, 0.02)),
            (world.topics, (0.02, 0.05)),
        ):
            place.before_call = self._before_call(place, takes)
            place.remembers = False
        usual_start, usual_send = world.service._start, world.queues.send_message
        usual_change = world.queues.change_message_visibility
        usual_admit = world.admission.admit

        def start(request: dict[str, Any]) -> dict[str, Any]:
            answer = usual_start(request)
            cause = request["triggerDetails"]["triggerArn"]
            figures.incidents[cause] += 1
            figures.first_started_s.setdefault(cause, self.time.now_s)
            return answer

        def send(**request: Any) -> dict[str, Any]:
            answer = usual_send(**request)
            if request["QueueUrl"] == RETRIES:
                world.queues.waiting.clear()
                self._send(request, request.get("DelaySeconds", 0))
            return answer

        def change(**request: Any) -> dict[str, Any]:
            answer = usual_change(**request)
            self._show_at(
                self.time.now_s + request["VisibilityTimeout"], self.handles[request["ReceiptHandle"]]
            )
            return answer

        def admit(signal: Any, route: Any, *others: Any) -> Outcome:
            mark = mark_of(signal, route)
            self.serving.cause = self.cause_of_mark[mark]
            outcome = usual_admit(signal, route, *others)
            figures.outcomes[outcome.happened] += 1
            if outcome.happened in ("started", "joined"):
                figures.settled[mark] = self.time.now_s
            return outcome

        world.service._start = start  # type: ignore[method-assign]
        world.queues.send_message = send  # type: ignore[method-assign]
        world.queues.change_message_visibility = change  # type: ignore[method-assign]
        spy = type("Spy", (), {"admit": staticmethod(admit)})
        object.__setattr__(world.trigger.handling, "admission", spy)

    def _before_call(self, place: Any, takes: tuple[float, float]) -> Callable[[str], None]:
        def before_call(operation: str) -> None:
            self.figures.calls[operation] += 1
            self._die_perhaps()
            self.time.sleep(self.order.uniform(*takes))
            if not self.rates.admit(operation):
                place.fail(operation, THROTTLED)
                return
            if operation == "StartIncident":
                self.time.sleep(self.order.uniform(0.1, 0.4))
            fails = self.account.ledger_fails_one_in
            if place is self.world.table and fails and self.order.randrange(fails) == 0:
                self._doubt()
                place.fail(operation, refusal("InternalServerError", 500))

        return before_call

    def _die_perhaps(self) -> None:
        one_in = self.account.killed_one_in
        is_over = self.world.clock.now() >= self.serving.ends
        if is_over or (one_in and self.order.randrange(one_in) == 0):
            self.figures.killed += 1
            self._doubt()
            raise KilledError

    def _doubt(self) -> None:
        self.figures.in_doubt.add(getattr(self.serving, "cause", ""))

    # --- Lambda

    def _invoke(self, event: Event) -> None:
        if self.time.now_s - event.since_s > self.account.oldest_event_s:
            self._to_the_queue(event)
        elif self.running >= self.account.concurrency:
            self.figures.not_invoked += 1
            event.throttled += 1
            self.time.at(
                self.time.now_s + min(300.0, 2.0 ** (event.throttled - 1)), lambda: self._invoke(event)
            )
        else:
            self.running += 1
            self.time.spawn(lambda: self._handle_event(event))

    def _handle_event(self, event: Event) -> None:
        try:
            self._handle(event.payload, event.alias)
        except (Exception, KilledError):  # noqa: BLE001 - Lambda invokes again whatever it was
            if event.tries == len(RETRIED_AFTER_S):
                self._to_the_queue(event)
                return
            after = RETRIED_AFTER_S[event.tries]
            event.tries += 1
            self.time.at(self.time.now_s + after, lambda: self._invoke(event))

    def _to_the_queue(self, event: Event) -> None:
        self._send({"MessageBody": failure_record(event.payload, event.alias), "MessageAttributes": {}}, 0)

    def _handle(self, payload: object, alias: str) -> dict[str, Any]:
        figures, world = self.figures, self.world
        figures.invocations += 1
        figures.most_at_once = max(figures.most_at_once, self.running)
        began = self.time.now_s
        try:
            if self.warm:
                self.warm -= 1
            else:
                self.time.sleep(self.account.cold_start_s)
            context = FakeContext(world.clock, alias)
            self.serving.ends = context.ends
            return world.trigger.handle(payload, context)
        except KilledError:
            # Its environment is gone.
            self.warm -= 1
            raise
        finally:
            self.warm += 1
            self.running -= 1
            figures.function_s += self.time.now_s - began

    # --- the retry queue

    def _send(self, sent: dict[str, Any], delay_s: float) -> None:
        self.figures.messages += 1
        self._show_at(self.time.now_s + delay_s, Waiting(sent, self.time.now_s))

    def _show_at(self, seconds: float, one: Waiting) -> None:
        one.visible_s = seconds
        self.time.at(seconds, lambda: self._show(one, seconds))

    def _show(self, one: Waiting, seconds: float) -> None:
        # Unless it is deleted, or was hidden for another time since.
        if one.visible_s == seconds:
            one.visible_s = None
            self.visible.append(one)
            self._read()

    def _read(self) -> None:
        """Let readers that are free take what is visible."""
        while self.free_readers and self.visible:
            few = range(min(self.account.batch, len(self.visible)))
            batch = [one for _ in few if self._is_received(one := self.visible.popleft())]
            if batch:
                self.free_readers -= 1
                soon = self.time.now_s + self.order.uniform(0.02, 0.1)
                self.time.at(soon, lambda batch=batch: self._deliver(batch))  # type: ignore[misc]

    def _is_received(self, one: Waiting) -> bool:
        one.receives += 1
        if one.receives > self.account.most_receives:
            self.figures.dead_letters += 1
            return False
        self.figures.most_receives = max(self.figures.most_receives, one.receives)
        self._show_at(self.time.now_s + self.account.hidden_s, one)
        return True

    def _deliver(self, batch: list[Waiting]) -> None:
        if self.running >= self.account.concurrency:
            self.figures.not_invoked += 1
            self.time.at(self.time.now_s + 1, lambda: self._deliver(batch))
            return
        self.running += 1
        self.time.spawn(lambda: self._handle_batch(batch))

    def _handle_batch(self, batch: list[Waiting]) -> None:
        received_as = {f"{id(one)} {one.receives}": one for one in batch}
        self.handles |= received_as
        records = []
        for handle, one in received_as.items():
            record = received(one.sent, receives=one.receives)
            sent_ms = int((NOW + timedelta(seconds=one.sent_s)).timestamp() * 1000)
            record["attributes"]["SentTimestamp"] = str(sent_ms)
            records.append({**record, "messageId": handle, "receiptHandle": handle})
        try:
            answer = self._handle({"Records": records}, "retry")
        except (Exception, KilledError):  # noqa: BLE001 - the queue brings it back
            left = set(received_as)
        else:
            left = {failed["itemIdentifier"] for failed in answer["batchItemFailures"]}
        self.free_readers += 1
        for handle, one in received_as.items():
            del self.handles[handle]
            # What was received once more meanwhile is another reader's.
            if handle not in left and one.visible_s is not None:
                one.visible_s = None
        self._read()

    # --- the whole

    def run(self) -> Figures:
        """Let the storm pass, and look what it left."""
        with Path(os.devnull).open("w", encoding="utf-8") as nowhere, contextlib.redirect_stdout(nowhere):
            self.time.run()
        self.figures.throttled = self.rates.throttled
        self.figures.dead_letters += len(self.world.queues.sent)
        return self.figures


def main() -> int:
    """Run it with the figures of the command line."""
    numbers = [int(number) for number in sys.argv[1:]]
    signals, causes, seed = (*numbers, *(SIGNALS, CAUSES, SEED)[len(numbers) :])
    figures = Storm(signals, causes, seed).run()
    print("\n".join(figures.lines()))  # noqa: T201 - it is a command, too
    return int(bool(figures.lost or figures.without_incident or figures.doubled or figures.dead_letters))


if __name__ == "__main__":
    sys.exit(main())
