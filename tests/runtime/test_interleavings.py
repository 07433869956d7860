"""Duplicates, reordering, concurrency, faults and killed handlers: never fewer incidents than causes."""

from __future__ import annotations

import random
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from botocore.exceptions import ConnectionClosedError, EndpointConnectionError, ReadTimeoutError
from hypothesis import given
from hypothesis import strategies as st

from tests.runtime.fakes import (
    INTERNAL,
    ROUTES,
    THROTTLED,
    FakeContext,
    Faulty,
    LostAnswerError,
    World,
    alarm,
    bus_alarm,
    failure_record,
    message,
    refusal,
)
from tests.runtime.interleaving import Interleaving, KilledError
from tests.runtime.strategies import examples

if TYPE_CHECKING:
    from collections.abc import Sequence

    from incidents_runtime.admission import Outcome

URL = "https://ssm-incidents.us-east-1.amazonaws.com"
NOT_DONE: tuple[Exception, ...] = (
    THROTTLED,
    INTERNAL,
    refusal("ConflictException", 409),
    EndpointConnectionError(endpoint_url=URL),
    ReadTimeoutError(endpoint_url=URL),
)
DONE: tuple[Exception, ...] = (
    LostAnswerError(ReadTimeoutError(endpoint_url=URL)),
    LostAnswerError(ConnectionClosedError(endpoint_url=URL)),
    LostAnswerError(INTERNAL),
)
SERVICE_OPERATIONS = (
    "StartIncident",
    "GetIncidentRecord",
    "UpdateIncidentRecord",
    "ListIncidentRecords",
    "ListRelatedItems",
    "CreateTimelineEvent",
)
WINDOWS = st.sampled_from([timedelta(0), timedelta(days=1), None])
SEEDS = st.integers(min_value=0, max_value=2**32)
ROUNDS = examples(60)


@dataclass
class Trouble:
    """Faults at random, from a seed."""

    order: random.Random
    one_in: int
    faults: tuple[Exception, ...]
    happened: list[str] = field(default_factory=list)

    def befall(self, place: Faulty, operations: Sequence[str]) -> None:
        """Let some calls of a client fail."""
        usual = place.before_call

        def before_call(operation: str) -> None:
            usual(operation)
            if operation in operations and self.order.randrange(self.one_in) == 0:
                fault = self.order.choice(self.faults)
                self.happened.append(f"{operation}: {fault!r}")
                place.fail(operation, fault)

        place.before_call = before_call


def deliver_all(
    world: World,
    events: Sequence[dict[str, object]],
    order: random.Random,
    *,
    kill_one_in: int | None = None,
) -> Interleaving:
    """Deliver each event in an invocation of its own, all at once, and again until it is handled."""
    side_by_side = Interleaving(world.clock, order, kill_one_in)
    for place in (world.service, world.table, world.queues):
        place.before_call = side_by_side.step

    def lambda_of(event: dict[str, object]) -> None:
        through_the_queue = order.randrange(4) == 0
        for receives in range(1, 60):
            alias, payload = "Critical", event
            if through_the_queue or receives > 3:
                alias, payload = "retry", {"Records": [message(failure_record(event), receives=receives)]}
            context = FakeContext(world.clock, alias)
            side_by_side.began(context.ends)
            try:
                result = world.trigger.handle(payload, context)
            except (Exception, KilledError):  # noqa: BLE001 - Lambda invokes again whatever it was
                side_by_side.rest(order.choice((0.1, 60.0, 120.0)))
                continue
            if "waiting" in [outcome["outcome"] for outcome in result.get("outcomes", ())]:
                through_the_queue = True
                continue
            if not result.get("batchItemFailures"):
                return
            side_by_side.rest(60.0)
        raise AssertionError("an event was never handled")

    for event in events:
        side_by_side.add(lambda event=event: lambda_of(event))  # type: ignore[misc]
    return side_by_side


def at_random(
    order: random.Random, events: Sequence[dict[str, object]], copies: int
) -> list[dict[str, object]]:
    """Shuffle events and their duplicates."""
    shuffled = [event for event in events for _ in range(order.randint(1, copies))]
    order.shuffle(shuffled)
    return shuffled


@ROUNDS
@given(seed=SEEDS, window=WINDOWS)
def test_each_cause_gets_one_incident_however_often_and_at_once_it_is_told(
    seed: int, window: timedelta | None
) -> None:
    """Concurrent duplicates of alarms, by two ways: one open incident a cause."""
    order = random.Random(seed)  # noqa: S311 - a seed is what it is for
    world = World(token_window=window)
    events = [make(f"Cause{number}", at=number) for number in range(3) for make in (alarm, bus_alarm)]
    deliver_all(world, at_random(order, events, 3), order).run()
    assert len(world.service.records) == 3
    assert len(world.service.open_records()) == 3


@ROUNDS
@given(seed=SEEDS, window=WINDOWS)
def test_faults_and_killed_handlers_double_nothing_and_lose_nothing(
    seed: int, window: timedelta | None
) -> None:
    """With every fault of the service, answers lost, and invocations killed at any call: one a cause."""
    order = random.Random(seed)  # noqa: S311 - a seed is what it is for
    world = World(token_window=window)
    events = [alarm(f"Cause{number}", at=number) for number in range(3)]
    side_by_side = deliver_all(world, at_random(order, events, 3), order, kill_one_in=40)
    Trouble(order, 6, NOT_DONE + DONE).befall(world.service, SERVICE_OPERATIONS)
    side_by_side.run()
    assert len(world.service.records) == 3
    assert len(world.service.open_records()) == 3


@ROUNDS
@given(seed=SEEDS, window=WINDOWS)
def test_a_recovery_in_any_order_leaves_one_resolved_incident(seed: int, window: timedelta | None) -> None:
    """ALARM and OK with duplicates, reordered, at once, under faults: one incident, and it is resolved."""
    order = random.Random(seed)  # noqa: S311 - a seed is what it is for
    world = World(token_window=window)
    events = [alarm(at=1), alarm(state="OK", at=2)]
    side_by_side = deliver_all(world, at_random(order, events, 3), order, kill_one_in=40)
    Trouble(order, 6, NOT_DONE + DONE).befall(world.service, SERVICE_OPERATIONS)
    side_by_side.run()
    assert len(world.service.records) == 1
    assert world.service.open_records() == []


@ROUNDS
@given(seed=SEEDS, window=WINDOWS, last=st.sampled_from(["ALARM", "OK"]))
def test_the_newest_state_wins_in_any_order(seed: int, window: timedelta | None, last: str) -> None:
    """A flapping alarm told in any order ends with an open incident if it ends in ALARM, else with none."""
    order = random.Random(seed)  # noqa: S311 - a seed is what it is for
    world = World(token_window=window)
    states = ["ALARM", "OK", "ALARM", "OK", *(["ALARM"] if last == "ALARM" else [])]
    events = [alarm(state=state, at=second) for second, state in enumerate(states)]
    side_by_side = deliver_all(world, at_random(order, events, 2), order, kill_one_in=60)
    Trouble(order, 10, NOT_DONE + DONE).befall(world.service, SERVICE_OPERATIONS)
    side_by_side.run()
    assert 1 <= len(world.service.records) <= states.count("ALARM")
    assert bool(world.service.open_records()) == (last == "ALARM")


@ROUNDS
@given(seed=SEEDS, window=WINDOWS, standing=st.integers(min_value=0, max_value=2))
def test_a_group_has_one_open_incident_while_any_of_its_causes_stands(
    seed: int, window: timedelta | None, standing: int
) -> None:
    """Three causes of one key, all of whose changes come at once, under faults: open if any has not gone."""
    order = random.Random(seed)  # noqa: S311 - a seed is what it is for
    world = World(routes=(replace(ROUTES[0], dedupe_key="all of {region}"),), token_window=window)
    events = [alarm(f"Cause{number}", at=number) for number in range(3)]
    events += [alarm(f"Cause{number}", "OK", at=10 + number) for number in range(standing, 3)]
    side_by_side = deliver_all(world, at_random(order, events, 2), order, kill_one_in=60)
    Trouble(order, 8, NOT_DONE + DONE).befall(world.service, SERVICE_OPERATIONS)
    side_by_side.run()
    assert len(world.service.open_records()) == min(standing, 1)


@ROUNDS
@given(seed=SEEDS, window=WINDOWS)
def test_a_broken_ledger_costs_no_cause_its_incident(seed: int, window: timedelta | None) -> None:
    """With a ledger that fails and loses answers every cause has an open incident, if not only one."""
    order = random.Random(seed)  # noqa: S311 - a seed is what it is for
    world = World(token_window=window)
    events = [alarm(f"Cause{number}", at=number) for number in range(3)]
    side_by_side = deliver_all(world, at_random(order, events, 2), order, kill_one_in=60)
    Trouble(order, 4, NOT_DONE + DONE).befall(world.table, ("GetItem", "PutItem"))
    side_by_side.run()
    titles = [world.service.records[arn]["title"] for arn in world.service.open_records()]
    assert set(titles) == {"Cause0", "Cause1", "Cause2"}


@ROUNDS
@given(seed=SEEDS)
def test_a_signal_joins_only_what_is_open(seed: int) -> None:
    """While people resolve and delete records, whatever joins found its record open during its invocation."""
    order = random.Random(seed)  # noqa: S311 - a seed is what it is for
    world = World()
    events = [alarm(at=second) for second in range(6)]
    side_by_side = deliver_all(world, events, order)
    world_admit = world.admission.admit
    joined: list[bool] = []

    def people() -> None:
        for _ in range(4):
            side_by_side.rest(order.random())
            for arn in world.service.open_records():
                world.service.records[arn]["status"] = "RESOLVED"
                if order.randrange(2):
                    del world.service.records[arn]

    def admit(*arguments: object) -> Outcome:
        open_before = set(world.service.open_records())
        outcome = world_admit(*arguments)  # type: ignore[arg-type]
        if outcome.happened == "joined":
            ever_open = open_before | set(world.service.open_records()) | started
            joined.append(outcome.record in ever_open)
        started.add(str(outcome.record))
        return outcome

    started: set[str] = set()
    object.__setattr__(world.trigger.handling, "admission", type("Spy", (), {"admit": staticmethod(admit)}))
    side_by_side.add(people)
    side_by_side.run()
    assert all(joined)
    assert started
