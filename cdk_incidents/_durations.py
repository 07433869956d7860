"""CDK's durations in plain numbers: each question about one is a round trip to Node."""

from __future__ import annotations

import functools

from aws_cdk import Duration

from cdk_incidents._places import identity_of

# By the identity of the duration: it never changes, and one is often given to many.
_SECONDS: dict[str, float | None] = {}


@functools.cache
def whole_minutes(count: int) -> Duration:
    """Return a duration of so many minutes, the same one each time."""
    return Duration.minutes(count)


@functools.cache
def whole_seconds(count: int) -> Duration:
    """Return a duration of so many seconds, the same one each time."""
    return Duration.seconds(count)


def seconds_of(duration: Duration) -> float | None:
    """Return how many seconds a duration lasts; of a token nothing, since its value is not known yet."""
    identity = identity_of(duration)
    if identity not in _SECONDS:
        _SECONDS[identity] = None if duration.is_unresolved() else duration.to_seconds(integral=False)
    return _SECONDS[identity]


def minutes_of(duration: Duration) -> float:
    """Return how many whole minutes a duration lasts, or a token for that, as CDK's L1s take it."""
    seconds = seconds_of(duration)
    return duration.to_minutes() if seconds is None or seconds % 60 else int(seconds // 60)
