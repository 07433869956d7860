"""The signal: one thing that happened, whatever event told of it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

Transition = Literal["opened", "recovered", "ignored"]
_LONGEST_KEY = 512


class UnreadableEvent(Exception):  # noqa: N818 - it is an event, and the design's word for it
    """An event that no signal can be read from; the message says why."""


@dataclass(frozen=True)
class RelatedItem:
    """What a responder should look at: exactly one of an ARN and an address."""

    type: Literal["INVOLVED_RESOURCE", "OTHER"]
    title: str
    arn: str | None = None
    url: str | None = None


@dataclass(frozen=True)
class Signal:
    """One thing that happened."""

    source: str
    """Who says so: the event's own source. With the account, it decides who may resolve."""
    account: str
    region: str
    key: str
    """What identifies the cause: signals of one key belong to one incident while it is open."""
    identity: str
    """What identifies this very signal, however often and by whichever way it is delivered."""
    transition: Transition
    title: str
    reason: str
    time: datetime
    incident_source: str
    """What the incident record shows as its source; never begins with ``aws.``, which is the service's."""
    event: Mapping[str, Any]
    """The event in EventBridge shape."""
    trigger_arn: str | None = None
    related_items: tuple[RelatedItem, ...] = ()
    impact: int | None = None
    """What a manual call asks for, where the route says nothing."""
    suppressed_by: str = ""
    """What silences the signal at its source: a mute rule, or another alarm."""
    suppressed_until: datetime | None = None
    """When that ends, if the signal says so; then it is looked at again."""


def key_of(*parts: str) -> str:
    """Join what identifies a cause into a key that a table can hold.

    Parameters
    ----------
    *parts
        The parts, the most telling first.

    Returns
    -------
    str
        A readable key; what is too long ends in a hash of the whole.
    """
    key = "|".join(parts)
    if len(key) <= _LONGEST_KEY:
        return key
    return f"{key[: _LONGEST_KEY - 65]}#{digest(key)}"


def digest(*parts: str) -> str:
    """Hash texts so that no two lists of them meet by joining differently."""
    hashed = hashlib.sha256()
    for part in parts:
        data = part.encode("utf-8", "backslashreplace")
        hashed.update(b"%d:" % len(data))
        hashed.update(data)
    return hashed.hexdigest()
