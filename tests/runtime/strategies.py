"""Any JSON, and real events with anything in them."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st

from tests.runtime.fakes import EVENTS, sample


def examples(number: int) -> settings:
    """Try so many examples, the same ones every time: a check that fails must fail again."""
    return settings(max_examples=number, deadline=None, derandomize=True, database=None)


HOSTILE_TEXTS = st.one_of(
    st.text(st.characters(), max_size=40),
    st.sampled_from(
        [
            "",
            "\x00",
            "\ud800",
            "\uffff",
            "{title}{reason}{x}{0.__class__}",
            "%s%n$(id)",
            "x" * 50_000,
            "🚨" * 5_000,
            "\u202eelif",
            "arn:aws:cloudwatch:us-east-1:123456789012:alarm:" + "a" * 2_000,
            "arn:aws:x:::y\nz",
            "aws.aws.cloudwatch",
            "ALARM",
            "OK",
            "9999-12-31T23:59:59Z",
            "0001-01-01T00:00:00-23:59",
        ]
    ),
)
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(min_value=-(10**400), max_value=10**400),
    st.floats(),
    HOSTILE_TEXTS,
)
JSON: st.SearchStrategy[Any] = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(HOSTILE_TEXTS, inner, max_size=4)),
    max_leaves=8,
)
NAMES = sorted(Path(path).stem for path in EVENTS.glob("*.json"))


def _paths(value: object, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [path] if path else []
    if isinstance(value, dict):
        for name, member in value.items():
            found += _paths(member, (*path, name))
    elif isinstance(value, list):
        for number, member in enumerate(value):
            found += _paths(member, (*path, number))
    return found


@st.composite
def broken_events(draw: st.DrawFn) -> Any:
    """Take a real event and put anything into one to three places of it, or leave them out."""
    event = copy.deepcopy(sample(draw(st.sampled_from(NAMES))))
    for _ in range(draw(st.integers(min_value=1, max_value=3))):
        *way, last = draw(st.sampled_from(_paths(event)))
        place = event
        for step in way:
            place = place[step]
        if isinstance(place, dict) and draw(st.booleans()):
            del place[last]
        else:
            place[last] = draw(JSON)
        if not event:
            break
    return event


def _in_topic(event: Any) -> Any:
    return {"Records": [{"EventSource": "aws:sns", "Sns": {"Type": "Notification", "Message": _text(event)}}]}


def _in_queue(event: Any) -> Any:
    return {"Records": [{"eventSource": "aws:sqs", "messageId": "1", "body": _text(event)}]}


def _in_queue_behind_topic(event: Any) -> Any:
    return _in_queue({"Type": "Notification", "TopicArn": "arn:aws:sns:::t", "Message": _text(event)})


def _as_recovery(event: Any) -> Any:
    return {"recovered": event}


def _as_failure(event: Any) -> Any:
    return {"requestContext": {}, "requestPayload": event}


def _text(event: Any) -> str:
    # A message may also be no JSON at all.
    return event if isinstance(event, str) else json.dumps(event)


WRAPPINGS = (_in_topic, _in_queue, _in_queue_behind_topic, _as_recovery, _as_failure)
MANUAL_CALLS = st.dictionaries(
    st.sampled_from(
        ["clientToken", "impact", "relatedItems", "responsePlanArn", "status", "title", "triggerDetails"]
    ),
    st.one_of(JSON, st.sampled_from(["RESOLVED", 1, 5])),
)
PLAIN_EVENT = st.one_of(JSON, broken_events(), broken_events(), MANUAL_CALLS)


@st.composite
def wrapped_events(draw: st.DrawFn) -> Any:
    """Put anything into what messages, failures and rules wrap events in, once to three times."""
    event = draw(PLAIN_EVENT)
    for wrapping in draw(st.lists(st.sampled_from(WRAPPINGS), min_size=1, max_size=3)):
        event = wrapping(event)
    return event


ANY_EVENT = st.one_of(PLAIN_EVENT, PLAIN_EVENT, wrapped_events())
