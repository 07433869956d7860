"""What the function is told: its environment, and the routes that travel with its version."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

TWELVE_HOURS = 12 * 60 * 60
OPS_ITEMS = "ops-items"
_ROUTE_LINE = "# {"
_KINDS: dict[str, type] = {
    "id": str,
    "response_plan_arn": str,
    "ops_item": dict,
    "topic_arn": str,
    "regions": list,
    "impact": int,
    "title": str,
    "dedupe_key": str,
    "related_items": list,
    "calendars": list,
    "auto_resolve": bool,
    "join_for_s": int,
    "quiet": bool,
}
_MEMBERS: dict[str, type] = {"regions": str, "related_items": dict, "calendars": dict}
_DESTINATIONS = ("response_plan_arn", "ops_item", "topic_arn")


class SettingsError(Exception):
    """The function's environment or its route lines are not what the constructs write."""


@dataclass(frozen=True)
class Route:
    """Where signals go and how."""

    id: str
    response_plan_arn: str | None = None
    """One of three destinations; exactly one is there."""
    ops_item: Mapping[str, Any] | None = None
    """What OpsItems are made with: ``category``, ``severity`` and ``priority``, each optional."""
    topic_arn: str | None = None
    regions: tuple[str, ...] = ()
    """Where else the response plan can be started, in this order, while the own Region does not answer."""
    impact: int | None = None
    title: str | None = None
    """A template over the signal's fields."""
    dedupe_key: str | None = None
    """A template too: signals that fill it alike are of one cause."""
    related_items: tuple[Mapping[str, str], ...] = ()
    """``title`` and one of ``url`` and ``arn``, each a template."""
    calendars: tuple[Mapping[str, str], ...] = ()
    """Change Calendars as ``name`` and ``state``: in that state nothing starts."""
    auto_resolve: bool = False
    join_for_s: int = TWELVE_HOURS
    quiet: bool = False

    @property
    def destination(self) -> str:
        """Name where its incidents are: the plan's or the topic's ARN, or ``ops-items``."""
        return self.response_plan_arn or self.topic_arn or OPS_ITEMS


@dataclass(frozen=True)
class Settings:
    """Everything that the trigger is told from outside."""

    ledger_table: str
    retry_queue_url: str
    dead_letter_queue_url: str
    routes: Mapping[str, Route]
    fallback_topic_arn: str | None = None
    fallback_ops_item: Mapping[str, Any] | None = None
    """What the fallback's OpsItems are made with, if the fallback is OpsCenter."""
    ceiling: int = 150
    """How many incidents of a plan and month its repeated causes may use up."""
    per_cause: int = 20
    """How many of them one cause may use up."""


def load(environment: Mapping[str, str]) -> Settings:
    """Read the settings from the environment and from ``index.py``.

    Parameters
    ----------
    environment
        The process's environment variables.

    Returns
    -------
    Settings
        Checked once; nothing reads the environment later.

    Raises
    ------
    SettingsError
        A variable is missing, ``index.py`` cannot be read, or one of its route lines is wrong.
    """
    return Settings(
        ledger_table=_variable(environment, "INCIDENTS_LEDGER_TABLE"),
        retry_queue_url=_variable(environment, "INCIDENTS_RETRY_QUEUE_URL"),
        dead_letter_queue_url=_variable(environment, "INCIDENTS_DEAD_LETTER_QUEUE_URL"),
        fallback_topic_arn=environment.get("INCIDENTS_FALLBACK_TOPIC_ARN") or None,
        fallback_ops_item=_object(environment, "INCIDENTS_FALLBACK_OPS_ITEM"),
        ceiling=_number(environment, "INCIDENTS_CEILING", 150),
        per_cause=_number(environment, "INCIDENTS_PER_CAUSE", 20),
        routes=_routes_of(Path(_variable(environment, "LAMBDA_TASK_ROOT")) / "index.py"),
    )


def _variable(environment: Mapping[str, str], name: str) -> str:
    value = environment.get(name, "")
    if not value:
        raise SettingsError(f"the environment variable {name} must be set (got nothing)")
    return value


def _number(environment: Mapping[str, str], name: str, default: int) -> int:
    value = environment.get(name) or str(default)
    if not value.isdecimal():
        raise SettingsError(f"the environment variable {name} must be a number (got {value!r})")
    return int(value)


def _object(environment: Mapping[str, str], name: str) -> Mapping[str, Any] | None:
    value = environment.get(name)
    if not value:
        return None
    try:
        read = json.loads(value)
    except ValueError as error:
        raise SettingsError(f"the environment variable {name} must be JSON (got {error})") from error
    if not isinstance(read, dict):
        raise SettingsError(f"the environment variable {name} must be a JSON object (got {value!r})")
    return read


def _routes_of(index: Path) -> dict[str, Route]:
    try:
        lines = index.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"the routes must be readable from {index} (got {error})") from error
    return routes_in(lines)


def routes_in(lines: list[str]) -> dict[str, Route]:
    """Read the routes from the lines of ``index.py``, one JSON object a comment line.

    Parameters
    ----------
    lines
        The lines of the function's inline code.

    Returns
    -------
    dict of str to Route
        The routes by their ids.

    Raises
    ------
    SettingsError
        A line is not a route, or two lines have one id.
    """
    routes: dict[str, Route] = {}
    for number, line in enumerate(lines, start=1):
        if not line.startswith(_ROUTE_LINE):
            continue
        route = _route(line[2:], f"index.py line {number}")
        if route.id in routes:
            raise SettingsError(f"index.py line {number}: the route id {route.id!r} must be there only once")
        routes[route.id] = route
    return routes


def _route(text: str, where: str) -> Route:
    try:
        fields: dict[str, Any] = json.loads(text)
    except ValueError as error:
        raise SettingsError(f"{where}: a route must be one JSON object (got {error})") from error
    for name, value in fields.items():
        kind = _KINDS.get(name)
        if kind is None:
            raise SettingsError(f"{where}: a route has no field {name!r}; it knows {', '.join(_KINDS)}")
        # type() and not isinstance(): True is an int, and no impact.
        if type(value) is not kind:
            raise SettingsError(f"{where}: {name} must be {kind.__name__} (got {type(value).__name__})")
        if isinstance(value, list) and not all(type(each) is _MEMBERS[name] for each in value):
            raise SettingsError(f"{where}: each of {name} must be {_MEMBERS[name].__name__} (got {value!r})")
    if not fields.get("id"):
        raise SettingsError(f"{where}: a route must have id (got none)")
    named = [name for name in _DESTINATIONS if name in fields]
    if len(named) != 1 or not (fields[named[0]] or named == ["ops_item"]):
        raise SettingsError(
            f"{where}: a route must have one of {', '.join(_DESTINATIONS)} (got {', '.join(named) or 'none'})"
        )
    for name, value in fields.items():
        if isinstance(value, list):
            fields[name] = tuple(value)
    return Route(**fields)
