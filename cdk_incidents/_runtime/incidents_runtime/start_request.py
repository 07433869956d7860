"""A signal and its route as a request to StartIncident that the service takes."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from incidents_runtime.raw_data import raw_data
from incidents_runtime.related_items import is_arn, related_items
from incidents_runtime.shapes import canonical
from incidents_runtime.signal_model import RelatedItem, digest
from incidents_runtime.templates import fill
from incidents_runtime.text import one_line

if TYPE_CHECKING:
    from incidents_runtime.settings import Route
    from incidents_runtime.signal_model import Signal

LONGEST_TITLE = 200
_LONGEST_SOURCE = 50
# The service takes 50 and adds its own.
_MOST_ITEMS = 40
_NOT_PRINTABLE_ASCII = re.compile(r"[^\x20-\x7e]+")


def start_request(signal: Signal, route: Route, started_by: str) -> dict[str, Any]:
    """Make the request that starts a signal's incident.

    Parameters
    ----------
    signal
        What happened.
    route
        Where it goes and how.
    started_by
        The ARN of the route's alias; a related item names it.

    Returns
    -------
    dict
        The arguments of StartIncident. Equal signals give equal requests and so equal tokens; two
        requests that differ in anything never share one.
    """
    details: dict[str, Any] = {
        "source": source_of(signal),
        "timestamp": signal.time,
        "rawData": raw_data(signal.event),
    }
    trigger_arn = trigger_arn_of(signal)
    if trigger_arn:
        details["triggerArn"] = trigger_arn
    request: dict[str, Any] = {
        "responsePlanArn": route.response_plan_arn,
        "title": title(signal, route),
        "triggerDetails": details,
        "relatedItems": _related_items(signal, route, started_by),
    }
    impact = signal.impact if route.impact is None else route.impact
    if impact is not None:
        request["impact"] = impact
    return {**request, "clientToken": digest(canonical(request))}


def mark_of(signal: Signal, route: Route) -> str:
    """Name this very signal on this route, shortly: the incident carries it and can be found by it."""
    return digest(route.id, signal.identity)[:20]


def title(signal: Signal, route: Route) -> str:
    """Fill the route's template, or take the signal's own title.

    Parameters
    ----------
    signal
        What happened.
    route
        Its template, if it has one.

    Returns
    -------
    str
        One line of at most 200 characters, never empty.
    """
    filled = signal.title if route.title is None else fill(route.title, signal, _in_title)
    return one_line(filled, LONGEST_TITLE) or one_line(signal.key, LONGEST_TITLE) or "Incident"


def _in_title(value: str) -> str:
    return one_line(value, LONGEST_TITLE)


def trigger_arn_of(signal: Signal) -> str | None:
    """Give the ARN that the record shows as what set it off, if the service would take it."""
    return signal.trigger_arn if signal.trigger_arn and is_arn(signal.trigger_arn) else None


def source_of(signal: Signal) -> str:
    """Give the source that the record shows: at most 50 printable characters, and not the service's own."""
    # Sources in other scripts get no metrics.
    readable = one_line(_NOT_PRINTABLE_ASCII.sub("?", signal.incident_source), _LONGEST_SOURCE)
    shown = _NOT_PRINTABLE_ASCII.sub("~", readable)
    # The prefix is the service's own, and may come twice.
    return "custom" if not shown or shown.startswith("aws.") else shown


def _related_items(signal: Signal, route: Route, started_by: str) -> list[dict[str, Any]]:
    mark = f"Started by route {route.id}, signal {mark_of(signal, route)}"
    # Where there is no response plan, the request is only looked at.
    arn = started_by if is_arn(started_by) else route.response_plan_arn or ""
    ours = RelatedItem("OTHER", mark, arn=arn)
    return [_written(item) for item in (ours, *related_items(signal, route)[: _MOST_ITEMS - 1])]


def _written(item: RelatedItem) -> dict[str, Any]:
    value = {"url": item.url} if item.arn is None else {"arn": item.arn}
    return {"identifier": {"type": item.type, "value": value}, "title": item.title}
