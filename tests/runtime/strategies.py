"""Any JSON, and real events with anything in them."""

from __future__ import annotations

import copy
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


ANY_EVENT = st.one_of(JSON, broken_events(), broken_events())
