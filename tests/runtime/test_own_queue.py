"""A route's own queue: every message by itself, and one policy for what must come again."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tests.runtime.fakes import (
    DENIED,
    EXPIRED,
    FUNCTION,
    THROTTLED,
    World,
    alarm,
    bus_alarm,
    figures,
    message,
    received,
    refusal,
    told,
)
from tests.runtime.test_held_signals import held_world

if TYPE_CHECKING:
    import pytest

NOTHING_FAILED: dict[str, list[dict[str, str]]] = {"batchItemFailures": []}


def batch(*events: object) -> dict[str, Any]:
    """Make a batch of a queue of the user's."""
    return {"Records": [message(event, number=number) for number, event in enumerate(events)]}


def test_each_message_has_its_incident_by_the_queues_own_route() -> None:
    """Whatever stands in the message, its route is the alias that reads the queue."""
    world = World()
    stranger = message(bus_alarm("B"), route="Critical", number=1)
    events = {"Records": [message(bus_alarm("A")), stranger]}
    assert world.deliver(events, "Manual") == NOTHING_FAILED
    starts = world.service.called("StartIncident")
    assert [start["title"] for start in starts] == ["A", "B"]
    assert {start["relatedItems"][0]["identifier"]["value"]["arn"] for start in starts} == {
        f"{FUNCTION}:Manual"
    }


def test_what_fails_for_now_goes_on_by_the_retry_queue(capsys: pytest.CaptureFixture[str]) -> None:
    """Once, with its route; the others are none of its business, and it is read there as here."""
    world = World()
    world.service.fail("StartIncident", *[EXPIRED] * 3)
    assert world.deliver(batch(bus_alarm("A"), bus_alarm("B")), "Manual") == NOTHING_FAILED
    assert [record["title"] for record in world.service.records.values()] == ["B"]
    (waiting,) = world.queues.waiting
    assert waiting["MessageAttributes"] == {"Route": {"DataType": "String", "StringValue": "Manual"}}
    assert waiting["DelaySeconds"] == 10
    assert figures(capsys.readouterr().out)["Retried"] == 1
    assert world.deliver({"Records": [received(waiting)]}, "retry") == NOTHING_FAILED
    assert [record["title"] for record in world.service.records.values()] == ["B", "A"]
    assert len(world.queues.called("SendMessage")) == 1


def test_a_retry_queue_that_takes_nothing_leaves_it_in_its_own() -> None:
    """Then, and only then, the batch has a failure."""
    world = World()
    world.service.fail("StartIncident", *[EXPIRED] * 3)
    world.queues.fail("SendMessage", DENIED)
    answer = world.deliver(batch(bus_alarm("A"), bus_alarm("B")), "Manual")
    assert answer == {"batchItemFailures": [{"itemIdentifier": "message-0"}]}
    assert len(world.service.records) == 1


def test_without_time_the_rest_of_the_batch_goes_on_untried(capsys: pytest.CaptureFixture[str]) -> None:
    """Its own queue may allow it a few receives only; the first is always tried."""
    world = World()
    answer = world.deliver(batch(bus_alarm("A"), bus_alarm("B"), bus_alarm("C")), "Manual", seconds=13)
    assert answer == NOTHING_FAILED
    assert [record["title"] for record in world.service.records.values()] == ["A"]
    assert len(world.queues.waiting) == 2
    assert "took all the time" in capsys.readouterr().out


def test_what_is_held_waits_in_the_retry_queue() -> None:
    """And comes back to its route."""
    world = held_world()
    assert world.deliver(batch(bus_alarm("A")), "Manual") == NOTHING_FAILED
    (waiting,) = world.queues.waiting
    assert set(waiting["MessageAttributes"]) == {"Route", "Held"}
    world.hold = None
    assert world.deliver({"Records": [received(waiting)]}, "retry") == NOTHING_FAILED
    assert len(world.service.records) == 1


def test_a_held_message_that_no_queue_takes_stays_where_it_is() -> None:
    """Neither to be held nor to be tried again: its own queue keeps it."""
    world = held_world()
    world.queues.fail("SendMessage", THROTTLED, THROTTLED)
    answer = world.deliver(batch(bus_alarm("A")), "Manual")
    assert answer == {"batchItemFailures": [{"itemIdentifier": "message-0"}]}


def test_what_waiting_will_not_mend_is_a_dead_letter_at_once() -> None:
    """As by any other way, with the message as it came."""
    world = World()
    world.service.fail("StartIncident", refusal("ValidationException"))
    assert world.deliver(batch(bus_alarm("A")), "Manual") == NOTHING_FAILED
    assert world.queues.waiting == []
    kept = json.loads(world.queues.sent[0]["MessageBody"])
    assert json.loads(kept["Records"][0]["body"])["detail"]["alarmName"] == "A"
    assert "receiptHandle" not in kept["Records"][0]


def test_a_queue_without_a_route_loses_nothing() -> None:
    """The function itself, or an alias that is no route: dead letters."""
    world = World()
    for alias in ("", "Unknown"):
        assert world.deliver(batch(alarm("A")), alias) == NOTHING_FAILED
    assert len(world.queues.sent) == 2


def test_the_quiet_route_sends_nothing_on() -> None:
    """Its failures are discarded wherever they turn up."""
    world = World()
    world.service.fail("StartIncident", *[EXPIRED] * 3)
    assert world.deliver(batch(alarm("Canary")), "smoke-test") == NOTHING_FAILED
    assert world.queues.calls == []


def test_every_line_says_which_message_it_is_about(capsys: pytest.CaptureFixture[str]) -> None:
    """And which signal, once it is read."""
    world = World()
    world.service.fail("StartIncident", *[EXPIRED] * 3)
    world.deliver(batch(bus_alarm("A"), bus_alarm("B")), "Manual")
    lines = [line for line in told(capsys.readouterr().out) if "level" in line]
    assert [(line["message_id"], line["message"], line["key"][-1]) for line in lines] == [
        ("message-0", "signal not admitted", "A"),
        ("message-0", "tried again later", "A"),
        ("message-1", "signal started", "B"),
    ]
    assert {line["route"] for line in lines} == {"Manual"}
