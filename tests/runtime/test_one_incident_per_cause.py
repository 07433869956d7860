"""One incident per cause while it is open, and when in doubt two rather than none: case by case.

Groups of causes are in test_grouping, what is held back in test_held, concurrency and chance in
test_interleavings and test_stateful; here is each way by which one cause could get two, or none.
"""

from __future__ import annotations

import copy
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ConnectionClosedError, ReadTimeoutError

from tests.runtime.fakes import (
    EXPIRED,
    INTERNAL,
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
from tests.runtime.interleaving import KilledError, killed_at
from tests.runtime.test_admission import kill

WINDOWS = [timedelta(0), timedelta(days=1), None]
URL = "https://example.com"


def by_the_queue(world: World, event: object, receives: int = 1) -> dict[str, Any]:
    """Deliver what Lambda gave up, once more."""
    return world.deliver({"Records": [message(failure_record(event), receives=receives)]}, "retry")


def calls_of(world: World, event: dict[str, Any]) -> int:
    """Count the calls to AWS that handling an event takes."""
    places: tuple[Faulty, ...] = (world.service, world.table)
    before = sum(len(place.calls) for place in places)
    world.deliver(event)
    return sum(len(place.calls) for place in places) - before


def kill_at(call: int, world: World, event: dict[str, Any], *, after: bool) -> None:
    """Handle an event and end the invocation at a call to AWS; then let the time of the invocation pass."""
    with killed_at(call, (world.service, world.table), after=after), pytest.raises(KilledError):
        world.deliver(event)
    world.clock.time += timedelta(minutes=1)


# --- the same signal more than once


@pytest.mark.parametrize("window", WINDOWS)
def test_duplicates(window: timedelta | None) -> None:
    """At once, by another way, and hours later; nothing rests on the service's memory of tokens."""
    world = World(token_window=window)
    assert world.outcome(alarm()) == "started"
    assert world.outcome(alarm()) == "joined"
    assert world.outcome(bus_alarm()) == "joined"
    world.clock.time += timedelta(hours=11)
    assert world.outcome(alarm()) == "joined"
    assert len(world.service.records) == 1


def test_retries_at_every_level() -> None:
    """The gateway's own, Lambda's, the queue's: throttled at each, it is started once in the end."""
    world = World()
    world.service.fail("StartIncident", *[EXPIRED] * 9)
    for _ in range(2):
        with pytest.raises(Exception, match="ExpiredToken"):
            world.deliver(alarm())
    assert by_the_queue(world, alarm())["batchItemFailures"] != []
    assert by_the_queue(world, alarm(), receives=2)["batchItemFailures"] == []
    assert len(world.service.records) == 1


def test_a_replay_hours_after_everything_is_over() -> None:
    """Its incident is resolved: nobody is paged again."""
    world = World()
    world.deliver(alarm())
    world.deliver(alarm(state="OK", at=1))
    world.clock.time += timedelta(days=2)
    assert world.outcome(alarm()) == "joined"
    assert world.outcome(alarm(state="OK", at=1)) == "ignored"
    assert len(world.service.records) == 1


def test_alarm_after_alarm() -> None:
    """A composite alarm goes from ALARM to ALARM: one incident, resolved by one recovery."""
    world = World()
    assert [world.outcome(alarm(at=second)) for second in range(3)] == ["started", "joined", "joined"]
    assert world.outcome(alarm(state="OK", at=3)) == "resolved"
    assert world.service.open_records() == []


def test_a_delivery_while_another_is_starting() -> None:
    """It waits for the other's word, and joins."""
    world = World()
    seen: list[str] = []

    def meanwhile(operation: str) -> None:
        if operation == "PutItem" and len(world.table.called("PutItem")) == 1:
            world.table.before_call = lambda _: None
            world.clock.on_sleep = lambda: None
            context = FakeContext(world.clock, "Critical")
            with pytest.raises(Exception, match="another delivery"):
                world.trigger.handle(alarm(), context)
            seen.append("waited")

    world.table.before_call = meanwhile
    assert world.outcome(alarm()) == "started"
    assert seen == ["waited"]
    assert world.outcome(alarm()) == "joined"


def test_a_delivery_that_overtakes_another_between_its_reading_and_its_writing() -> None:
    """The slower one's write fails its condition: it reads again, and joins."""
    for slower in (alarm(), alarm(at=1)):
        world = World()

        def meanwhile(operation: str, world: World = world) -> None:
            if operation == "PutItem":
                world.table.before_call = lambda _: None
                assert world.outcome(alarm()) == "started"

        world.table.before_call = meanwhile
        assert world.outcome(slower) == "joined"
        assert len(world.service.records) == 1


def test_a_recovery_that_overtakes_a_join() -> None:
    """What was open when it was read is not any more: the alarm starts."""
    world = World()
    world.deliver(alarm())

    def meanwhile(operation: str) -> None:
        if operation == "PutItem":
            world.table.before_call = lambda _: None
            assert world.outcome(alarm(state="OK", at=1)) == "resolved"

    world.table.before_call = meanwhile
    assert world.outcome(alarm(at=2)) == "started"
    assert len(world.service.open_records()) == 1


def test_a_recovery_before_its_alarm() -> None:
    """The incident is started, so that it is known, and resolved at once."""
    world = World()
    assert world.outcome(alarm(state="OK", at=2)) == "ignored"
    assert world.outcome(alarm(at=1)) == "started"
    assert world.service.open_records() == []
    assert world.outcome(alarm(at=3)) == "started"
    assert len(world.service.open_records()) == 1


# --- what may happen between two calls


@pytest.mark.parametrize("window", WINDOWS)
@pytest.mark.parametrize("after", [False, True])
def test_a_start_that_is_killed_at_any_call(window: timedelta | None, *, after: bool) -> None:
    """Before the call or after its work: its retry, or another signal, ends with one incident."""
    for retry in (alarm(), alarm(at=1)):
        number = calls_of(World(token_window=window), alarm())
        assert number >= 4
        for call in range(1, number + 1):
            world = World(token_window=window)
            kill_at(call, world, alarm(), after=after)
            world.deliver(retry)
            world.deliver(alarm())
            assert len(world.service.records) == 1, (call, after)
            assert world.outcome(alarm(state="OK", at=9)) == "resolved", (call, after)


@pytest.mark.parametrize("after", [False, True])
def test_a_recovery_that_is_killed_at_any_call(*, after: bool) -> None:
    """Its retry, or the next alarm, leaves no incident of the past open."""
    for following, left_open in ((alarm(state="OK", at=1), 0), (alarm(at=2), 1)):
        world = World()
        world.deliver(alarm())
        for call in range(1, calls_of(world, alarm(state="OK", at=1)) + 1):
            world = World()
            world.deliver(alarm())
            kill_at(call, world, alarm(state="OK", at=1), after=after)
            world.deliver(following)
            world.deliver(alarm(state="OK", at=1))
            assert len(world.service.open_records()) == left_open, (call, after, following)


@pytest.mark.parametrize("after", [False, True])
def test_a_join_that_is_killed_at_any_call(*, after: bool) -> None:
    """Its retry joins; one incident, one recovery."""
    world = World()
    world.deliver(alarm())
    for call in range(1, calls_of(world, alarm(at=1)) + 1):
        world = World()
        world.deliver(alarm())
        kill_at(call, world, alarm(at=1), after=after)
        assert world.outcome(alarm(at=1)) == "joined"
        assert world.outcome(alarm(state="OK", at=2)) == "resolved"
        assert len(world.service.records) == 1


@pytest.mark.parametrize("window", WINDOWS)
@pytest.mark.parametrize(
    "lost", [ReadTimeoutError(endpoint_url=URL), ConnectionClosedError(endpoint_url=URL), INTERNAL]
)
def test_an_answer_that_is_lost_after_the_work_was_done(lost: Exception, window: timedelta | None) -> None:
    """The incident is looked for before it is started again."""
    world = World(token_window=window)
    world.service.fail("StartIncident", LostAnswerError(lost))
    assert world.outcome(alarm()) == "started"
    assert len(world.service.records) == 1
    assert len(world.service.called("StartIncident")) == 1


def test_the_incident_of_a_dead_handler_that_two_find_at_once() -> None:
    """The second one's word comes too late, and is read again."""
    world = World()
    kill(world, world.table, "PutItem", alarm(), call=2)
    world.table.fail("PutItem", refusal("ConditionalCheckFailedException"))
    assert world.outcome(alarm(at=1)) == "joined"
    assert len(world.service.records) == 1


# --- people, and the ledger


@pytest.mark.parametrize("gone", ["resolved", "deleted"])
def test_a_record_that_a_responder_resolved_or_deleted(gone: str) -> None:
    """What happens later starts a new incident, which its recovery resolves."""
    world = World()
    world.deliver(alarm())
    (arn,) = world.service.records
    if gone == "resolved":
        world.service.records[arn]["status"] = "RESOLVED"
    else:
        del world.service.records[arn]
    assert world.outcome(alarm(at=1)) == "started"
    assert world.outcome(alarm(at=2)) == "joined"
    assert world.outcome(alarm(state="OK", at=3)) == "resolved"
    assert world.service.open_records() == []


@pytest.mark.parametrize(
    "fault",
    [
        refusal("ProvisionedThroughputExceededException"),
        refusal("InternalServerError", 500),
        refusal("ResourceNotFoundException"),
        ReadTimeoutError(endpoint_url=URL),
    ],
)
def test_a_ledger_that_is_down_or_throttled(fault: Exception) -> None:
    """Causes get their incidents, duplicates find theirs, and recoveries wait for the ledger."""
    world = World()
    down = copy.copy(world.table.before_call)
    world.table.before_call = lambda operation: world.table.fail(operation, fault)
    assert [world.outcome(alarm(name)) for name in "ABA"] == ["started", "started", "joined"]
    world.clock.time += timedelta(hours=1)
    assert world.outcome(alarm("B")) == "joined"
    with pytest.raises(Exception, match="the ledger is unreachable"):
        world.deliver(alarm("A", "OK", at=1))
    world.table.before_call = down
    world.table.faults.clear()
    assert len(world.service.open_records()) == 2
    assert world.outcome(alarm("A", at=2)) == "started"


def test_a_ledger_that_was_restored_from_a_backup() -> None:
    """It names an incident that is long resolved, or knows nothing: what happens now starts."""
    world = World()
    world.deliver(alarm())
    backup = copy.deepcopy(world.table.items)
    world.deliver(alarm(state="OK", at=1))
    world.deliver(alarm(at=2))
    world.table.items = copy.deepcopy(backup)
    assert world.outcome(alarm(at=3)) == "started"
    assert world.outcome(alarm(state="OK", at=4)) == "resolved"
    world.table.items = {}
    assert world.outcome(alarm(at=5)) == "started"


def test_a_ledger_that_was_restored_in_the_middle_of_a_start() -> None:
    """The lease of then has run out, and its incident is found by its mark."""
    world = World()
    kill(world, world.table, "PutItem", alarm(), call=2)
    backup = copy.deepcopy(world.table.items)
    assert world.outcome(alarm()) == "joined"
    world.table.items = backup
    world.clock.time += timedelta(hours=1)
    assert world.outcome(alarm(at=1)) == "joined"
    assert len(world.service.records) == 1


@pytest.mark.parametrize(
    "name", ["record", "plan", "causes", "opened_ms", "started_ms", "joined", "served", "month", "starts"]
)
@pytest.mark.parametrize("value", [None, {"S": "wrong"}, {"N": "-7"}, {"L": [{"S": "wrong 1 1"}]}])
def test_a_ledger_that_is_wrong(name: str, value: dict[str, Any] | None) -> None:
    """Whatever an attribute says: the cause has an open incident, perhaps a second one."""
    world = World()
    world.deliver(alarm())
    world.entry().pop(name)
    if value is not None:
        world.entry()[name] = value
    assert world.outcome(alarm(at=1)) in ("started", "joined")
    assert 1 <= len(world.service.open_records()) <= 2
    world.deliver(alarm(state="OK", at=2))
    assert world.outcome(alarm(at=3)) in ("started", "joined")
    assert world.service.open_records() != []


def test_a_lease_that_never_ends_is_none() -> None:
    """No invocation lasts so long: whoever waited for it would wait until people are told, hours later."""
    world = World()
    kill(world, world.service, "StartIncident", alarm())
    world.entry()["lease_until_ms"] = {"N": "253370000000000"}
    assert world.outcome(alarm(at=1)) == "started"
    assert len(world.service.open_records()) == 1


def test_only_who_opened_it_resolves_it() -> None:
    """The same alarm told of by another account, before or after: neither resolves nor spoils it."""
    world = World()
    stranger = "999999999999"
    world.deliver(alarm(state="OK", at=5, account=stranger))
    assert world.outcome(alarm(at=1)) == "started"
    assert world.outcome(alarm(state="OK", at=2, account=stranger)) == "ignored"
    assert world.outcome(alarm(state="OK", at=6, account=stranger)) == "ignored"
    assert len(world.service.open_records()) == 1
    assert world.outcome(alarm(state="OK", at=3)) == "resolved"
