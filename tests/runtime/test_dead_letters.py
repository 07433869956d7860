"""Where a signal goes that has no incident."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError
from incidents_runtime.deliveries import NotJson

from tests.runtime.fakes import DENIED, THROTTLED, World, refusal

TOO_LONG = refusal("InvalidParameterValue")


def add(world: World, event: object, reason: str = "because", titles: tuple[str, ...] = ("Title",)) -> None:
    """Add a dead letter."""
    world.dead_letters.add(event, "Critical", reason, titles)


def test_the_event_its_reason_and_its_route() -> None:
    """All that is needed to bring it back."""
    world = World()
    add(world, {"a": "ü\x00\ud800"})
    (letter,) = world.queues.sent
    assert json.loads(letter["MessageBody"]) == {"a": "ü\x00\ud800"}
    assert letter["MessageAttributes"] == {
        "Reason": {"DataType": "String", "StringValue": "because"},
        "Route": {"DataType": "String", "StringValue": "Critical"},
        "Title": {"DataType": "String", "StringValue": "Title"},
    }


def test_what_is_shown_in_lists_tells_no_secret() -> None:
    """Reason and title; the event is kept as it came."""
    world = World()
    add(world, {"a": "password=hunter2"}, "password=hunter2", ("password=hunter2",))
    (letter,) = world.queues.sent
    told = {name: value["StringValue"] for name, value in letter["MessageAttributes"].items()}
    assert told == {"Reason": "password=***", "Route": "Critical", "Title": "password=***"}
    assert "hunter2" in letter["MessageBody"]


def test_a_queue_that_takes_less_gets_the_outline() -> None:
    """Better than nothing, and people are told."""
    world = World()
    world.queues.fail("SendMessage", TOO_LONG)
    add(world, {"a": "x" * 10_000, "b": 1})
    body = json.loads(world.queues.sent[0]["MessageBody"])
    assert body == {"a": "x" * 499 + "…", "b": 1}
    assert len(world.topics.published) == 1


def test_a_queue_that_fails_otherwise_costs_the_event_nothing() -> None:
    """It is raised, so that the event is kept as a whole where it is."""
    world = World()
    for error in (THROTTLED, DENIED):
        world.queues.fail("SendMessage", error)
        with pytest.raises(ClientError):
            add(world, {"a": "x" * 10_000})
    assert world.queues.sent == []
    assert len(world.topics.published) == 2


def test_a_fallback_that_fails_is_logged(capsys: pytest.CaptureFixture[str]) -> None:
    """The dead letter is kept, and its alarm tells."""
    world = World()
    world.topics.fail("Publish", DENIED)
    add(world, {})
    assert len(world.queues.sent) == 1
    assert "the fallback was not told" in capsys.readouterr().out


def test_of_many_missing_incidents_people_are_told_of_a_hundred() -> None:
    """What a message holds has an end, and people read no further."""
    world = World()
    add(world, {}, titles=("é" * 200,) * 3_000)
    (message,) = world.topics.published
    assert message["Message"].count("Incident: é") == 100
    assert "\nand 2900 more\n" in message["Message"]


def test_people_are_told_by_an_ops_item() -> None:
    """Where the fallback is OpsCenter: made as the trigger says, once while one of that title is open."""
    world = World(fallback=None, fallback_ops_item={"severity": "1", "category": "Availability"})
    for _ in range(2):
        add(world, {"a": 1}, titles=("Checkout fails", "two"))
    (item,) = world.ops_center.items.values()
    assert item["Title"] == "No incident: Checkout fails"
    assert item["Severity"] == "1"
    assert "incidents could not start an incident." in item["Description"]
    assert "Incident: two" in item["Description"]
    assert "Reason: because" in item["Description"]
    assert world.topics.calls == []
    assert len(world.queues.sent) == 2


def test_a_fallback_without_wishes_is_one_too() -> None:
    """An OpsItem with the service's own severity and category."""
    world = World(fallback=None, fallback_ops_item={})
    add(world, {})
    assert len(world.ops_center.items) == 1


def test_an_ops_item_that_fails_is_logged(capsys: pytest.CaptureFixture[str]) -> None:
    """As a topic that fails."""
    world = World(fallback=None, fallback_ops_item={})
    world.ops_center.fail("CreateOpsItem", DENIED)
    add(world, {})
    assert len(world.queues.sent) == 1
    assert "the fallback was not told" in capsys.readouterr().out


def test_odd_reasons_and_titles_are_fit_for_queue_and_topic() -> None:
    """The fakes refuse what SQS and SNS would."""
    world = World()
    add(world, {}, reason="\x00\ud800" + "r" * 5_000, titles=("ü🚨\n" * 300, "two"))
    add(world, {}, reason="", titles=("",))
    assert world.queues.reasons()[1] == "unknown"
    assert world.topics.published[0]["Subject"].endswith("...")
    assert "Incident: two" in world.topics.published[0]["Message"]


def test_no_missing_incident_no_message() -> None:
    """A recovery that failed is nobody's page."""
    world = World()
    add(world, {}, titles=())
    assert world.topics.calls == []


def test_an_event_is_kept_in_as_few_bytes_as_can_be() -> None:
    """Lambda takes a megabyte, a queue no more: letters are not written by their numbers."""
    world = World()
    event = {"a": "\u00fc\u65e5\U0001f6a8\ufffe\ud800\x01\x7f", "b": [1, None, "\\u0041"]}
    add(world, event)
    body = world.queues.sent[0]["MessageBody"]
    assert json.loads(body) == event
    assert body.startswith('{"a":"\u00fc\u65e5\U0001f6a8\\ufffe\\ud800\\u0001')
    largest = {"a": "\u65e5" * 340_000}
    add(world, largest)
    assert json.loads(world.queues.sent[1]["MessageBody"]) == largest


@pytest.mark.parametrize(
    ("event", "body"), [(NotJson("{"), "{"), (NotJson(""), "(an empty message)"), ("text", '"text"')]
)
def test_a_body_that_is_no_json_is_kept_as_it_was(event: object, body: str) -> None:
    """A queue takes no empty one."""
    world = World()
    add(world, event)
    assert world.queues.sent[0]["MessageBody"] == body


def test_an_event_without_a_bottom_is_kept_down_to_a_depth() -> None:
    """Deeper than Python writes it."""
    world = World()
    event: list[Any] = []
    for _ in range(100_000):
        event = [event]
    add(world, event)
    assert world.queues.sent[0]["MessageBody"] == "[" * 60 + '"…"' + "]" * 60


def test_the_outline_of_a_wide_event_is_bounded() -> None:
    """Thousands of long members do not burst a message."""
    world = World()
    event: dict[str, Any] = {f"{n}🚨" * 100: [["🚨" * 600] * 10] * 10 for n in range(60)}
    add(world, event)
    assert len(world.topics.published[0]["Message"]) < 110_000
