"""The gateway to SNS topics, over a strict fake, and the way of a signal that ends there."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from botocore.exceptions import ReadTimeoutError
from hypothesis import given
from incidents_runtime.destinations import Attempt, Order, ServiceError
from incidents_runtime.settings import Route
from incidents_runtime.signal_model import RelatedItem
from incidents_runtime.signals import Signal, read
from incidents_runtime.start_request import mark_of
from incidents_runtime.topics import message_of, subject

from tests.runtime.fakes import (
    DENIED,
    FUNCTION,
    NOW,
    ROUTE_TOPIC,
    THROTTLED,
    FakeContext,
    LostAnswerError,
    World,
    alarm,
    sample,
)
from tests.runtime.strategies import ANY_EVENT, HOSTILE_TEXTS, examples

ROUTE = Route(id="Critical", topic_arn=ROUTE_TOPIC, auto_resolve=True)
ALIAS = f"{FUNCTION}:Critical"
LOST = LostAnswerError(ReadTimeoutError(endpoint_url="https://example.com"))


def signal_of(event: object) -> Signal:
    """Read an event's only signal."""
    (signal,) = read(event, NOW)
    return signal


SIGNAL = signal_of(sample("alarm_metric"))


class Started:
    """A world, an order, and what its message is known by."""

    def __init__(self, seconds: float = 30.0) -> None:
        self.world = World(routes=(ROUTE,))
        self.order = Order(SIGNAL, ROUTE, ALIAS)
        self.attempt = Attempt(ROUTE_TOPIC, mark_of(SIGNAL, ROUTE), NOW, "source", None)
        self.deadline = FakeContext(self.world.clock, "Critical", seconds).deadline()
        self.topics = self.world.destinations.topics

    def start(self) -> str:
        """Publish the message."""
        return self.topics.start(self.order, self.attempt, self.deadline)


def test_a_message_says_what_the_incident_would_have_said() -> None:
    """Title, reason, source, links and the event, and attributes that subscriptions can filter by."""
    link = RelatedItem("OTHER", "Runbook", url="https://example.com")
    signal = replace(SIGNAL, related_items=(link,))
    message = message_of(Order(signal, replace(ROUTE, impact=2), ALIAS), "opened", "m" * 64)
    assert message["Subject"] == signal.title
    text, event = message["Message"].rsplit("\n\n", 1)
    assert text.splitlines() == [
        signal.title,
        "",
        f"Reason: {signal.reason}",
        "Source: cloudwatch.alarm",
        "Account and Region: 123456789012 us-east-1",
        "Time: 2019-10-02T17:04:40Z",
        f"Route: Critical, signal {'m' * 20}",
        f"Started by route Critical, signal {mark_of(signal, ROUTE)}: {ALIAS}",
        "Runbook: https://example.com",
    ]
    assert json.loads(event)["source"] == "aws.cloudwatch"
    shown = {name: value["StringValue"] for name, value in message["MessageAttributes"].items()}
    assert shown == {"Transition": "opened", "Route": "Critical", "Impact": "2"}


def test_a_recovery_says_what_it_ends() -> None:
    """And why, if it is the recovery that says so: an alarm that came after its recovery is no reason."""
    recovery = replace(SIGNAL, transition="recovered", reason="fine again")
    message = message_of(Order(recovery, ROUTE, ALIAS), "recovered", "mark", "message-1")
    assert message["Subject"] == f"Recovered: {SIGNAL.title}"
    assert "Reason: fine again\n" in message["Message"]
    assert "This ends what message message-1 told of.\n" in message["Message"]
    late = message_of(Order(SIGNAL, ROUTE, ALIAS), "recovered", "mark", "message-1")
    assert "Reason" not in late["Message"].split("\n\n")[1]
    assert {name: value["StringValue"] for name, value in late["MessageAttributes"].items()} == {
        "Transition": "recovered",
        "Route": "Critical",
    }


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Cpu", "Cpu"),
        ("Bücher\n🚨", "B?cher ?"),
        ("", "Incident"),
        ("x" * 98, "x" * 98),
        ("x" * 99, "x" * 97 + "..."),
    ],
)
def test_subjects(text: str, shown: str) -> None:
    """ASCII, at most 100 characters, never empty."""
    assert subject(text) == shown


@examples(80)
@given(event=ANY_EVENT, title=HOSTILE_TEXTS)
def test_any_event_makes_a_message_that_the_service_takes(event: object, title: str) -> None:
    """Every limit of a subject, a message and its attributes."""
    world = World(routes=(replace(ROUTE, title=f"{title}{{title}}"),))
    result = world.deliver(event)
    assert not result.get("batchItemFailures")
    started = [told for told in result.get("outcomes", ()) if told["outcome"] == "started"]
    messages = [message for message in world.topics.published if message["TopicArn"] == ROUTE_TOPIC]
    assert len(started) == len(messages) or "batchItemFailures" in result


def test_the_record_is_the_topic_and_the_message() -> None:
    """Nothing else is known of it: open until it is resolved, and not to be found."""
    started = Started()
    record = started.start()
    assert record == f"{ROUTE_TOPIC}#1"
    assert started.topics.status(record, started.deadline) == "OPEN"
    assert started.topics.find(started.attempt, started.deadline) is None
    started.topics.note(record, "text", "key", started.deadline)
    assert len(started.world.topics.published) == 1


def test_a_message_that_may_have_gone_out_goes_out_again() -> None:
    """Two messages are better than none."""
    started = Started()
    started.world.topics.fail("Publish", LOST, THROTTLED)
    assert started.start() == f"{ROUTE_TOPIC}#2"


def test_a_refusal_is_not_tried_again() -> None:
    """Waiting mends nothing; an answer without an id is none."""
    started = Started()
    started.world.topics.fail("Publish", DENIED)
    with pytest.raises(ServiceError) as raised:
        started.start()
    assert raised.value.kind == "access"
    assert started.world.topics.published == []


@pytest.mark.parametrize("answer", [{}, {"MessageId": ""}, {"MessageId": 7}])
def test_an_answer_without_an_id_is_none(answer: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody knows then."""
    started = Started(seconds=12)
    monkeypatch.setattr(started.world.topics, "publish", lambda **_: answer)
    with pytest.raises(ServiceError, match="names no message") as raised:
        started.start()
    assert raised.value.kind == "ambiguous"


def test_no_message_without_time_for_it() -> None:
    """It may take eight seconds, and there must be time left to answer."""
    started = Started(seconds=11)
    for question in (
        started.start,
        lambda: started.topics.resolve(f"{ROUTE_TOPIC}#1", started.order, started.deadline),
    ):
        with pytest.raises(ServiceError, match="no time is left"):
            question()
    assert started.world.topics.calls == []


def test_one_message_a_cause_and_one_when_it_is_over() -> None:
    """What joins is counted, and told to nobody."""
    world = World(routes=(ROUTE,))
    assert [world.outcome(alarm(at=second)) for second in range(3)] == ["started", "joined", "joined"]
    assert world.outcome(alarm(state="OK", at=3)) == "resolved"
    assert world.outcome(alarm(state="OK", at=3)) == "ignored"
    first, last = world.topics.published
    assert last["Subject"] == f"Recovered: {first['Subject']}"
    assert "This ends what message 1 told of." in last["Message"]
    assert world.outcome(alarm(at=4)) == "started"
    assert world.service.calls == []
