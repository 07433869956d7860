"""What the trigger tells its operators: a line of JSON for the log, a line of JSON for the metrics."""

from __future__ import annotations

import json
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Literal

from incidents_runtime.redaction import redacted

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

NAMESPACE = "CdkIncidents"
Level = Literal["INFO", "WARNING", "ERROR"]
_UNITS = {"TimeToStart": "Milliseconds", "BudgetUsed": "Percent"}
_bound: ContextVar[Mapping[str, object] | None] = ContextVar("bound", default=None)


@contextmanager
def about(**fields: object) -> Iterator[None]:
    """Say what the lines of a block are about: each has these fields too.

    Parameters
    ----------
    **fields
        The facts, such as the route and the signal's key. After the block they are forgotten.
    """
    before = _bound.set({**(_bound.get() or {}), **fields})
    try:
        yield
    finally:
        _bound.reset(before)


def known(**fields: object) -> None:
    """Add what was learned on the way, such as the incident, to what the lines of the block are about."""
    before = _bound.get()
    if before is not None:
        _bound.set({**before, **fields})


def log(level: Level, message: str, **fields: object) -> None:
    """Print one line of the log.

    Parameters
    ----------
    level
        How much it matters.
    message
        What happened, in fixed words: what differs goes into the fields.
    **fields
        The facts, never an event as a whole: it may hold secrets. What looks like one is hidden.
    """
    told = {
        name: value if isinstance(value, (int, float)) else redacted(str(value))
        for name, value in {**(_bound.get() or {}), **fields}.items()
        if value not in (None, "")
    }
    print(json.dumps({"level": level, "message": message, **told}))


def count(trigger: str, route: str, timestamp_ms: int, **figures: int) -> None:
    """Print figures in the embedded metric format, from which CloudWatch makes metrics.

    Parameters
    ----------
    trigger
        The function's name.
    route
        The route's id.
    timestamp_ms
        Now.
    **figures
        The metrics' names and values.
    """
    metrics = [{"Name": name, "Unit": _UNITS.get(name, "Count")} for name in figures]
    directive = {
        "Namespace": NAMESPACE,
        "Dimensions": [["Trigger"], ["Trigger", "Route"]],
        "Metrics": metrics,
    }
    print(
        json.dumps(
            {
                "_aws": {"Timestamp": timestamp_ms, "CloudWatchMetrics": [directive]},
                "Trigger": trigger,
                "Route": route,
                **figures,
            }
        )
    )
