"""What the trigger tells its operators: a line of JSON for the log, a line of JSON for the metrics."""

from __future__ import annotations

import json
from typing import Literal

NAMESPACE = "CdkIncidents"
Level = Literal["INFO", "WARNING", "ERROR"]
_UNITS = {"TimeToStart": "Milliseconds"}


def log(level: Level, message: str, **fields: object) -> None:
    """Print one line of the log.

    Parameters
    ----------
    level
        How much it matters.
    message
        What happened, in fixed words: what differs goes into the fields.
    **fields
        The facts, never an event as a whole: it may hold secrets.
    """
    told = {name: value for name, value in fields.items() if value not in (None, "")}
    print(json.dumps({"level": level, "message": message, **told}, default=str))


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
