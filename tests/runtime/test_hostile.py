"""Any event in: a request within every limit or a dead letter out, never an exception that loses it."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from incidents_runtime.settings import Route
from incidents_runtime.signals import UnreadableEvent, read
from incidents_runtime.start_request import start_request
from incidents_runtime.templates import ledger_key

from tests.runtime.fakes import FUNCTION, NOW, PLAN, World, alarm, failure_record, message
from tests.runtime.model import violations
from tests.runtime.strategies import ANY_EVENT, HOSTILE_TEXTS, JSON, examples

TITLES = ("{title}", "{reason} {source} {account} {region} {time}", "{unknown} {title", None)
# The fakes refuse what AWS would: every length, range, pattern and character.
MANY = examples(250)


def ended(world: World, event: object, result: dict[str, Any]) -> None:
    """Each event has ended somewhere."""
    if "batchItemFailures" in result:
        # A queue's record: a message is an incident by itself, or holds what starts none.
        assert result["batchItemFailures"] == []
        assert len(world.queues.sent) + len(world.service.records) <= 1
        return
    (outcome,) = result["outcomes"]
    if outcome["outcome"] == "failed":
        assert len(world.queues.sent) == 1
        assert world.queues.reasons()[0]
        body = json.loads(world.queues.sent[0]["MessageBody"])
        assert isinstance(body, type(event)) or body is None
    else:
        assert outcome["outcome"] in ("started", "ignored", "suppressed")
        assert len(world.service.records) == (outcome["outcome"] == "started")


TEMPLATES = (
    "",
    "{title}{title}{title}",
    "{key} {reason} {time} {source}",
    "{detail.reason}{resources.0}{detail.message.title}{account}{region}",
    "https://example.com/{key}?{detail.state.reason}={resources.0}",
    "arn:aws:sqs:{region}:{account}:{title}",
    "{resources.0}",
    "{ {{}} {0} {title.x} {detail} \ud800 \n",
)


@MANY
@given(
    event=ANY_EVENT,
    title=st.sampled_from(TEMPLATES),
    key=st.sampled_from(TEMPLATES),
    item=st.sampled_from(TEMPLATES),
    impact=st.sampled_from([None, 1, 5]),
)
def test_any_event_makes_a_request_within_every_limit(
    event: object, title: str, key: str, item: str, impact: int | None
) -> None:
    """Or it is unreadable; nothing else is ever raised, whatever the route's templates are."""
    route = Route(
        id="Critical",
        response_plan_arn=PLAN,
        impact=impact,
        title=title,
        dedupe_key=key,
        related_items=({"title": item, "url": item}, {"title": item, "arn": item}),
    )
    try:
        signals = read(event, NOW, route)
    except UnreadableEvent:
        return
    assert signals
    for signal in signals:
        request = start_request(signal, route, f"{FUNCTION}:Critical")
        assert violations("ssm-incidents", "StartIncident", request) == []
        assert request["title"]
        assert len(request["relatedItems"]) <= 40
        assert not request["triggerDetails"]["source"].startswith("aws.")
        assert isinstance(json.loads(request["triggerDetails"]["rawData"]), dict)
        assert 0 < len(ledger_key(signal, route).encode()) <= 2_048
        assert signal.time <= NOW + timedelta(minutes=5)
        assert len(signal.suppressed_by) <= 300


@MANY
@given(event=ANY_EVENT, title=st.sampled_from(TITLES))
def test_straight_to_a_route(event: object, title: str | None) -> None:
    """An incident, a reason to ignore it, or a dead letter."""
    world = World(routes=(Route(id="Critical", response_plan_arn=PLAN, title=title, auto_resolve=True),))
    ended(world, event, world.deliver(event))


@MANY
@given(event=ANY_EVENT)
def test_by_the_retry_queue(event: object) -> None:
    """The same, and the message is done."""
    world = World()
    record = message(failure_record(event), receives=1)
    assert world.deliver({"Records": [record]}, "retry") == {"batchItemFailures": []}
    assert len(world.queues.sent) + len(world.service.records) <= 1


@examples(150)
@given(event=ANY_EVENT)
def test_with_a_service_that_refuses(event: object) -> None:
    """A refusal becomes a dead letter and a message to people, of any event."""
    world = World()
    refusal = {"Error": {"Code": "ValidationException", "Message": "\ud800" + "x" * 10_000}}
    from botocore.exceptions import ClientError  # noqa: PLC0415 - only here

    world.service.fail("StartIncident", ClientError({**refusal, "ResponseMetadata": {}}, "StartIncident"))
    result = world.deliver(event)
    if "batchItemFailures" in result:
        assert result["batchItemFailures"] == []
        assert len(world.queues.sent) <= 1
    else:
        (outcome,) = result["outcomes"]
        assert outcome["outcome"] in ("failed", "ignored", "suppressed")
        assert len(world.queues.sent) == (outcome["outcome"] == "failed")
    assert not world.service.records


@examples(150)
@given(records=st.lists(JSON, max_size=3), body=HOSTILE_TEXTS)
def test_any_batch(records: list[object], body: str) -> None:
    """Whatever stands in a batch, the handler answers."""
    world = World()
    batch = [{"eventSource": "aws:sqs", "body": body}, *records]
    result = world.deliver({"Records": batch}, "retry")
    assert set(result) <= {"batchItemFailures", "outcomes"}


@examples(100)
@given(event=ANY_EVENT)
def test_twice_is_once(event: object) -> None:
    """A second delivery of anything starts nothing new."""
    world = World()
    world.deliver(event)
    world.clock.time += timedelta(seconds=30)
    before = len(world.service.records)
    world.deliver(event)
    assert len(world.service.records) == before


def test_bottomless_nesting() -> None:
    """An event that json cannot write back ends as a dead letter, or an incident, in outline."""
    nested: Any = "deep"
    for _ in range(50_000):
        nested = {"a": nested}
    world = World()
    assert world.outcome({"nested": nested}) == "failed"
    assert json.loads(world.queues.sent[0]["MessageBody"])["nested"]
    event = alarm()
    event["alarmData"]["configuration"]["metrics"] = nested
    assert world.outcome(event) == "started"
    body = "[" * 100_000 + "]" * 100_000
    assert world.deliver({"Records": [message(body, route="Critical")]}, "retry") == {"batchItemFailures": []}
    assert world.queues.sent[1]["MessageBody"] == body


@pytest.mark.parametrize("size", [300_000, 990_000, 1_100_000])
def test_huge_events(size: int) -> None:
    """What the queue takes is kept whole, what it does not is kept in outline."""
    world = World()
    event = {"text": "x" * size}
    assert world.outcome(event) == "failed"
    body = json.loads(world.queues.sent[0]["MessageBody"])
    assert (body == event) == (size < 1_000_000)
    assert len(world.topics.published[0]["Message"]) < 10_000


def test_secrets_stay_out_of_the_log(capsys: pytest.CaptureFixture[str]) -> None:
    """What an event holds is not logged, whatever becomes of it."""
    world = World()
    for event in (
        {"password": "hunter2"},
        {"source": "shop", "detail-type": "x", "detail": {"token": "hunter2"}},
        {"alarmArn": 7, "alarmData": {"key": "hunter2"}},
    ):
        world.deliver(event)
    assert "hunter2" not in capsys.readouterr().out
