"""Hostile JSON, read without trusting a type: what is not of the wanted kind is empty."""

from __future__ import annotations

import json
import math
import re
from datetime import datetime, timezone
from typing import Any

from incidents_runtime.text import sendable

_MOMENT = re.compile(
    r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)(?:[.,](\d{1,12}))?(?:Z|([+-]\d\d):?(\d\d))?", re.ASCII
)
_MILLISECONDS = re.compile(r"\d{1,13}", re.ASCII)
_ARN = re.compile(r"arn:[a-z-]+:[a-z0-9-]+:([a-z0-9-]*):(\d{12}|):.+", re.ASCII | re.DOTALL)
# Python refuses to write longer numbers, and no reader of JSON keeps so many digits.
_MOST_BITS = 1024
# Deeper than any real event, shallower than what json.dumps can still write.
DEEPEST = 60


def text(value: object) -> str:
    """Return the value if it is a string, else an empty one."""
    return sendable(value) if isinstance(value, str) else ""


def mapping(value: object) -> dict[str, Any]:
    """Return the value if it is an object, else an empty one."""
    return value if isinstance(value, dict) else {}


def items(value: object) -> list[Any]:
    """Return the value if it is an array, else an empty one."""
    return value if isinstance(value, list) else []


def loaded(value: object) -> Any:
    """Return what a JSON text says, or None if it is no text, or no JSON."""
    try:
        return json.loads(value) if isinstance(value, str) else None
    except (ValueError, RecursionError):
        return None


def place_of(arn: str) -> tuple[str, str]:
    """Return the Region and the account of an ARN, each empty if it is not there."""
    parts = _ARN.fullmatch(arn)
    return (parts[1], parts[2]) if parts else ("", "")


def moment(value: object) -> datetime | None:
    """Read a time as AWS writes it, ``+0000`` and ``Z`` included.

    Parameters
    ----------
    value
        Whatever stands where a time should be.

    Returns
    -------
    datetime or None
        The time in UTC (its own zone if it has none), or None if it is not a time.
    """
    parts = _MOMENT.fullmatch(text(value))
    if parts is None:
        return None
    day, clock, fraction, hours, minutes = parts.groups()
    # fromisoformat takes neither "+0000" nor one or nine digits of a second before Python 3.11.
    offset = f"{hours}:{minutes}" if hours else "+00:00"
    try:
        return datetime.fromisoformat(f"{day}T{clock}.{(fraction or '')[:6]:0<6}{offset}").astimezone(
            timezone.utc
        )
    except (ValueError, OverflowError):
        return None


def epoch(value: str) -> datetime | None:
    """Read a time as SQS writes it: milliseconds since 1970."""
    # Longer ones are no time that can be meant, and no time that Python knows.
    if not _MILLISECONDS.fullmatch(value):
        return None
    return datetime.fromtimestamp(int(value) / 1000, tz=timezone.utc)


def plain(
    value: Any, *, longest_text: int | None = None, most_items: int | None = None, depth: int = DEEPEST
) -> Any:
    """Copy a value so that it can always be written as JSON, and no larger than is allowed.

    Parameters
    ----------
    value
        Any JSON value, of any depth.
    longest_text
        The most characters of a string; longer ones end with an ellipsis.
    most_items
        The most members of an array or an object; the first ones stay.
    depth
        What lies deeper becomes an ellipsis.

    Returns
    -------
    Any
        The copy: no lone surrogate, no NaN, no bottomless nesting.
    """
    return _plain(value, longest_text, most_items, depth)


def _plain(value: Any, longest_text: int | None, most_items: int | None, depth: int) -> Any:
    if isinstance(value, str):
        return _short(sendable(value), longest_text)
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if (
        value is None
        or isinstance(value, float)
        or (isinstance(value, int) and value.bit_length() <= _MOST_BITS)
    ):
        return value
    if depth == 0 or not isinstance(value, (dict, list, tuple)):
        return "…"
    if isinstance(value, dict):
        return {
            _short(sendable(str(name)), longest_text): _plain(member, longest_text, most_items, depth - 1)
            for name, member in list(value.items())[:most_items]
        }
    return [_plain(member, longest_text, most_items, depth - 1) for member in value[:most_items]]


def _short(value: str, longest: int | None) -> str:
    return value if longest is None or len(value) <= longest else value[: longest - 1] + "…"


def written(value: Any) -> str:
    """Write a value as JSON in ASCII: every character then counts once, whoever counts."""
    return json.dumps(value, separators=(",", ":"), allow_nan=False)


def canonical(value: Any) -> str:
    """Write a value so that equal values give equal texts, whatever order their members came in."""
    return json.dumps(value, separators=(",", ":"), sort_keys=True, allow_nan=False, default=str)
