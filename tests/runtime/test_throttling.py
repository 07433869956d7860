"""A start that the service throttles: who waits for the next turn, and who leaves it to whom."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from incidents_runtime import handling
from incidents_runtime.destinations import ServiceError
from incidents_runtime.errors import RetryLater, TurnLater
from incidents_runtime.signals import read

from tests.runtime.fakes import (
    DENIED,
    EXPIRED,
    INTERNAL,
    NOW,
    ROUTES,
    THROTTLED,
    World,
    alarm,
    bus_alarm,
    failure_record,
    figures,
    message,
    received,
)

NOTHING_FAILED: dict[str, list[dict[str, str]]] = {"batchItemFailures": []}
FOR_LONG = [THROTTLED] * 200


def sent_on(event: dict[str, Any] | None = None) -> World:
    """Make a world in which a throttled signal waits in the retry queue."""
    world = World()
    world.service.fail("StartIncident", THROTTLED)
    assert world.outcome(event or alarm()) == "waiting"
    return world


def read_queue(world: World) -> dict[str, Any]:
    """Let the retry queue's reader have what waits."""
    batch = [received(sent, number=number) for number, sent in enumerate(world.queues.waiting)]
    world.queues.waiting.clear()
    return world.deliver({"Records": batch}, "retry")


# --- the function that was invoked


def test_it_waits_in_the_retry_queue_and_not_in_the_function(capsys: pytest.CaptureFixture[str]) -> None:
    """Asked once and sent on at once, with its route: Lambda would come again after a minute."""
    world = sent_on()
    assert len(world.service.called("StartIncident")) == 1
    assert world.clock.slept == 0
    (sent,) = world.queues.waiting
    assert sent["DelaySeconds"] == 0
    assert json.loads(sent["MessageBody"]) == alarm()
    assert sent["MessageAttributes"] == {"Route": {"DataType": "String", "StringValue": "Critical"}}
    assert figures(capsys.readouterr().out) == {"Retried": 1}
    assert read_queue(world) == NOTHING_FAILED
    assert len(world.service.records) == 1


def test_a_queue_that_takes_nothing_leaves_it_to_lambda() -> None:
    """Which keeps the event, and invokes again when others leave it the start."""
    world = World()
    world.service.fail("StartIncident", THROTTLED)
    world.queues.fail("SendMessage", DENIED)
    with pytest.raises(TurnLater, match="Throttling"):
        world.deliver(alarm())
    world.clock.time += timedelta(minutes=1)
    assert world.outcome(alarm()) == "started"


def test_a_route_of_its_own_queue_sends_it_on_at_once_too() -> None:
    """Not ten seconds later, as what has failed."""
    world = World()
    world.service.fail("StartIncident", THROTTLED)
    assert world.deliver({"Records": [message(bus_alarm())]}, "Manual") == NOTHING_FAILED
    assert world.queues.waiting[0]["DelaySeconds"] == 0


def test_without_a_ledger_it_waits_there_as_well() -> None:
    """The service is asked once all the same."""
    world = World()
    world.table.fail("GetItem", DENIED)
    world.service.fail("StartIncident", THROTTLED)
    assert world.outcome(alarm()) == "waiting"
    assert read_queue(world) == NOTHING_FAILED
    assert len(world.service.records) == 1


def test_a_start_of_unknown_end_is_looked_for_first() -> None:
    """Throttled the second time, the first one may have been done: the next one looks."""
    world = World()
    world.service.fail("StartIncident", INTERNAL, THROTTLED)
    with pytest.raises(ServiceError, match="InternalServer"):
        world.deliver(alarm())
    assert world.queues.waiting == []
    looked = len(world.service.called("ListIncidentRecords"))
    assert world.outcome(alarm()) == "started"
    assert len(world.service.called("ListIncidentRecords")) == looked + 1


def test_a_queue_whose_clock_is_ahead_makes_no_signal_younger() -> None:
    """What says that it is of the future is of now, in the queue too: its recovery is the later one."""
    world = World()
    record = message(failure_record(alarm(at=600)))
    record["attributes"]["SentTimestamp"] = str(int((NOW.timestamp() + 600) * 1000))
    world.deliver({"Records": [record]}, "retry")
    world.clock.time += timedelta(seconds=1)
    assert world.outcome(alarm(state="OK", at=600)) == "resolved"


# --- others of the same cause


def test_others_of_the_cause_leave_the_start_to_it() -> None:
    """For a minute they ask the service for nothing and join when they come again."""
    world = sent_on(alarm(at=-3))
    with pytest.raises(RetryLater, match="waits in the retry queue"):
        world.deliver(alarm(at=-2))
    assert len(world.service.called("StartIncident")) == 1
    assert len(world.queues.waiting) == 1
    assert world.outcome(alarm("Other")) == "started"
    read_queue(world)
    assert world.outcome(alarm(at=-2)) == "joined"


def test_after_a_minute_the_next_one_asks_itself() -> None:
    """Whatever became of the one that waits; and the others leave the start to this one again."""
    world = sent_on()
    world.clock.time += timedelta(seconds=59)
    with pytest.raises(RetryLater, match="waits in the retry queue"):
        world.deliver(alarm(at=1))
    world.clock.time += timedelta(seconds=1)
    world.service.fail("StartIncident", THROTTLED)
    assert world.outcome(alarm(at=1)) == "waiting"
    with pytest.raises(RetryLater, match="waits in the retry queue"):
        world.deliver(alarm(at=2))
    assert len(world.service.called("StartIncident")) == 2


def test_a_reader_asks_whoever_else_waits() -> None:
    """Of two signals of a cause in the queue, the first that is read is started."""
    world = sent_on(alarm(at=1))
    batch = [message(failure_record(alarm(at=at)), number=at) for at in (2, 1)]
    assert world.deliver({"Records": batch}, "retry") == NOTHING_FAILED
    assert len(world.service.records) == 1


def test_once_it_is_started_nothing_is_left_to_anybody() -> None:
    """A signal that comes when people have resolved it starts at once."""
    world = sent_on()
    read_queue(world)
    (record,) = world.service.records.values()
    record["status"] = "RESOLVED"
    assert world.outcome(alarm(at=5)) == "started"


def test_nothing_is_left_for_longer_than_a_minute() -> None:
    """What a restored table says may be of any time."""
    world = sent_on()
    world.entry()["turn_until_ms"] = {"N": str(int((NOW.timestamp() + 61) * 1000))}
    assert world.outcome(alarm(at=1)) == "started"


# --- who waits


def test_a_reader_waits_for_its_turn() -> None:
    """In place: a message that is hidden for ten seconds misses fifty turns."""
    world = sent_on()
    world.service.fail("StartIncident", *[THROTTLED] * 20)
    assert read_queue(world) == NOTHING_FAILED
    assert len(world.service.records) == 1
    assert 5 <= world.clock.slept <= 15
    assert world.queues.hidden == {}


def test_a_reader_waits_until_it_must_answer() -> None:
    """Then the message is hidden like any that failed, and not sent."""
    world = World()
    world.service.fail("StartIncident", *FOR_LONG)
    record = message(failure_record(alarm()))
    assert len(world.deliver({"Records": [record]}, "retry")["batchItemFailures"]) == 1
    assert 16 <= world.clock.slept <= 18
    assert world.queues.hidden == {"handle-0": 7}
    assert world.queues.called("SendMessage") == []


def test_a_smoke_test_is_tried_three_times_in_place() -> None:
    """It is in no queue, and its log must tell before the deployment gives up."""
    world = World()
    world.service.fail("StartIncident", *[THROTTLED] * 2)
    assert world.outcome(alarm("Canary", reason="nonce"), "smoke-test") == "started"
    world.service.fail("StartIncident", *[THROTTLED] * 3)
    with pytest.raises(ServiceError, match="Throttling"):
        world.deliver(alarm("Another", reason="nonce"), "smoke-test")
    assert world.queues.calls == []


def test_a_reader_waits_with_a_question_too() -> None:
    """A join needs a word of the service, which answers ten a second."""
    world = World()
    world.deliver(alarm(at=1))
    world.service.fail("GetIncidentRecord", *[THROTTLED] * 20)
    assert world.deliver({"Records": [message(failure_record(alarm(at=2)))]}, "retry") == NOTHING_FAILED
    assert len(world.service.records) == 1


def test_one_that_waits_takes_the_others_of_its_event_along(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever keeps those from their incidents."""
    both = tuple(read(alarm(name), NOW)[0] for name in "AB")
    monkeypatch.setattr(handling, "read", lambda *_: both)
    world = World()
    world.service.fail("StartIncident", *[EXPIRED] * 3, THROTTLED)
    assert world.outcome({}) == "waiting"
    assert read_queue(world) == NOTHING_FAILED
    assert len(world.service.records) == 2


# --- the word of the service


def word_of(world: World) -> int:
    """Count how often the service was asked for a status."""
    return len(world.service.called("GetIncidentRecord"))


def minutes_later(world: World, minutes: float) -> None:
    """Let time pass."""
    world.clock.time += timedelta(minutes=minutes)


@pytest.mark.parametrize(
    ("happened_at", "minutes", "asked"),
    [(-1.0, 1, 0), (-0.001, 5, 0), (0.0, 1, 1), (1.0, 1, 1), (-1.0, 5.01, 1)],
)
def test_what_happened_before_the_incident_was_opened_joins_unasked(
    happened_at: float, minutes: float, asked: int
) -> None:
    """The start was the service's word; after five minutes the sender's clock is not believed."""
    world = World()
    world.deliver(alarm(at=-2))
    minutes_later(world, minutes)
    assert world.outcome(alarm(at=happened_at)) == "joined"
    assert word_of(world) == asked


def test_a_word_counts_for_all_that_happened_before_it() -> None:
    """One asks for the many that come at once."""
    world = World()
    world.deliver(alarm(at=-2))
    minutes_later(world, 1)
    for at in (30, 31, 32):
        assert world.outcome(alarm(at=at)) == "joined"
    assert word_of(world) == 1


def test_what_people_closed_takes_in_what_happened_before_it_was_opened() -> None:
    """They have seen it; what happened later is another matter, and nobody is paged for the first."""
    world = World()
    world.deliver(alarm(at=-2))
    (record,) = world.service.records.values()
    record["status"] = "RESOLVED"
    minutes_later(world, 1)
    assert world.outcome(alarm(at=-1)) == "joined"
    assert world.outcome(alarm(at=30)) == "started"


def test_a_duplicate_of_a_young_incident_asks_nothing() -> None:
    """Neither does it when it is told by another way."""
    world = World()
    world.deliver(alarm(at=-1))
    assert world.outcome(alarm(at=-1)) == "joined"
    assert world.outcome(bus_alarm(at=-1)) == "joined"
    assert word_of(world) == 0


def test_an_older_incident_of_the_cause_is_asked_about() -> None:
    """The word was about the newest one."""
    world = World(routes=(replace(ROUTES[0], join_for_s=60),))
    world.deliver(alarm(at=-1))
    minutes_later(world, 2)
    assert world.outcome(alarm(at=100)) == "started"
    assert world.outcome(alarm(at=-1)) == "joined"
    assert word_of(world) == 1


def test_a_cause_that_is_new_to_a_group_is_asked_about() -> None:
    """Who closed the incident has not seen it, whenever it happened."""
    world = World(routes=(replace(ROUTES[0], dedupe_key="all of {region}"),))
    world.deliver(alarm("A", at=-2))
    minutes_later(world, 1)
    assert world.outcome(alarm("B", at=-1)) == "joined"
    assert world.outcome(alarm("B", at=-0.5)) == "joined"
    assert word_of(world) == 1
    (record,) = world.service.records.values()
    record["status"] = "RESOLVED"
    assert world.outcome(alarm("C", at=-1)) == "started"


def test_what_the_service_has_just_said_counts_more_than_what_others_were_told() -> None:
    """They asked before people closed it, and wrote between our question and our lease."""
    world = World()
    world.deliver(alarm(at=-2))
    minutes_later(world, 1)
    (record,) = world.service.records.values()
    record["status"] = "RESOLVED"

    def others_write(operation: str) -> None:
        if operation == "PutItem":
            world.table.before_call = lambda _: None
            told_ms = int((world.clock.time - timedelta(seconds=10)).timestamp() * 1000)
            world.entry().update(revision={"S": "theirs"}, open_ms={"N": str(told_ms)})

    world.table.before_call = others_write
    assert world.outcome(alarm(at=30)) == "started"


def test_a_start_that_the_service_remembers_is_no_word_of_it() -> None:
    """The record that it names once more may be gone since long."""
    world = World(token_window=None)
    world.deliver(alarm(at=-2))
    world.service.records.clear()
    minutes_later(world, 6)
    world.deliver(alarm(at=-2))
    assert world.outcome(alarm(at=60)) == "started"
