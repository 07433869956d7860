"""A route's templates, filled from a signal in one pass: what an event says is never read as a template."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from incidents_runtime.shapes import plain, text, written
from incidents_runtime.signal_model import key_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from incidents_runtime.settings import Route
    from incidents_runtime.signal_model import Signal

FIELDS = ("account", "key", "reason", "region", "source", "time", "title")
"""What a template may name of a signal; any other name is a path into its event."""
# {title}, {detail.service.name}, {resources.0}. Other braces are text.
PLACEHOLDER = re.compile(r"\{([\w-]+(?:\.[\w:/-]+)*)\}", re.ASCII)
# No array of an event is longer; and Python refuses to read numbers of thousands of digits.
_MOST_DIGITS = 6


def fill(template: str, signal: Signal, shown: Callable[[str], str]) -> str:
    """Fill a template from a signal.

    Parameters
    ----------
    template
        Text with fields in braces: one of `FIELDS`, or a path such as ``{detail.service.name}`` and
        ``{resources.0}`` into the event in EventBridge shape.
    signal
        What happened.
    shown
        How a value is written where it goes. It must bound its length.

    Returns
    -------
    str
        The text. A field that is missing, or is no scalar, is empty.
    """
    return PLACEHOLDER.sub(lambda field: shown(value_of(field[1], signal) or ""), template)


def value_of(name: str, signal: Signal) -> str | None:
    """Give the value of a template's field.

    Parameters
    ----------
    name
        The field without its braces.
    signal
        What happened.

    Returns
    -------
    str or None
        The value as text, or None if it is missing, empty, an array or an object.
    """
    if name in FIELDS:
        return _own(signal)[name] or None
    place: object = signal.event
    for step in name.split("."):
        if isinstance(place, dict):
            place = place.get(step)
        elif isinstance(place, list) and step.isdecimal() and len(step) <= _MOST_DIGITS:
            place = place[int(step)] if int(step) < len(place) else None
        else:
            return None
    if isinstance(place, str):
        return text(place) or None
    # Arrays and objects come back as text, endless numbers too; NaN as nothing.
    number = plain(place, depth=0)
    return written(number) if isinstance(number, (int, float)) else None


def _own(signal: Signal) -> dict[str, str]:
    return {
        "account": signal.account,
        "key": signal.key,
        "reason": signal.reason,
        "region": signal.region,
        "source": signal.incident_source,
        "time": signal.time.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "title": signal.title,
    }


def group_of(signal: Signal, route: Route) -> str | None:
    """Name the group that a route's deduplication key puts a signal into.

    Parameters
    ----------
    signal
        What happened.
    route
        Its ``dedupe_key``.

    Returns
    -------
    str or None
        The filled template, or None if the route has none, or one of its fields has no value: half a key
        would put strangers into one incident.
    """
    if route.dedupe_key is None:
        return None
    if not all(value_of(name, signal) for name in PLACEHOLDER.findall(route.dedupe_key)):
        return None
    return fill(route.dedupe_key, signal, key_of)


def ledger_key(signal: Signal, route: Route) -> str:
    """Name a signal's entry: one cause may have an incident on each of several routes.

    Parameters
    ----------
    signal
        What happened.
    route
        Where it goes; its ``dedupe_key`` puts several causes under one key.

    Returns
    -------
    str
        The key. A group's never meets a signal's own.
    """
    group = group_of(signal, route)
    return key_of(route.id, signal.key) if group is None else key_of(route.id, "group", group)
