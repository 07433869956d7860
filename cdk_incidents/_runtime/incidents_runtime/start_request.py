"""A signal and its route as a request to StartIncident that the service takes."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from incidents_runtime.raw_data import raw_data
from incidents_runtime.shapes import canonical
from incidents_runtime.signal_model import RelatedItem, digest
from incidents_runtime.text import one_line, sendable

if TYPE_CHECKING:
    from incidents_runtime.settings import Route
    from incidents_runtime.signal_model import Signal

LONGEST_TITLE = 200
_LONGEST_SOURCE = 50
_LONGEST_ARN = 1000
_LONGEST_URL = 1000
# The service takes 50 and adds its own.
_MOST_ITEMS = 40
# The service's own pattern, without line breaks and other controls in the part that it leaves open.
_ARN = re.compile(
    r"arn:aws(-cn|-us-gov)?:[a-z0-9-]*:[a-z0-9-]*:([0-9]{12})?:[^\x00-\x1f\x7f-\x9f\u2028\u2029]+"
)
_FIELD = re.compile(r"\{([a-z]+)\}")
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
    if route.impact is not None:
        request["impact"] = route.impact
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
    if route.title is None:
        filled = signal.title
    else:
        fields = {
            "title": signal.title,
            "reason": signal.reason,
            "source": signal.incident_source,
            "account": signal.account,
            "region": signal.region,
            "time": signal.time.strftime("%Y-%m-%dT%H:%M:%SZ"),
        }
        # One pass, no str.format: text from an event is never read as a template.
        filled = _FIELD.sub(lambda field: fields.get(field[1], field[0]), route.title)
    return one_line(filled, LONGEST_TITLE) or one_line(signal.key, LONGEST_TITLE) or "Incident"


def is_arn(value: str) -> bool:
    """Say whether the service would take a text for an ARN."""
    return len(value) <= _LONGEST_ARN and _ARN.fullmatch(value) is not None


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
    ours = RelatedItem(
        type="OTHER", title=mark, arn=started_by if is_arn(started_by) else route.response_plan_arn
    )
    written: list[dict[str, Any]] = []
    seen: set[str] = set()
    for item in (ours, *signal.related_items):
        value = _value(item)
        if value is None or canonical(value) in seen:
            continue
        seen.add(canonical(value))
        identifier = {"type": item.type, "value": value}
        written.append({"identifier": identifier, "title": one_line(item.title, LONGEST_TITLE) or "Related"})
    return written[:_MOST_ITEMS]


def _value(item: RelatedItem) -> dict[str, str] | None:
    if item.arn is not None:
        return {"arn": item.arn} if is_arn(item.arn) else None
    url = sendable(item.url or "")
    return {"url": url} if 0 < len(url) <= _LONGEST_URL else None
