"""A manual call: a person or another function says what StartIncident would be told."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from incidents_runtime.shapes import canonical, items, loaded, mapping, moment, place_of, plain, text
from incidents_runtime.signal_model import RelatedItem, Signal, Transition, UnreadableEvent, digest, key_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from incidents_runtime.settings import Route

SOURCE = "manual"
_FIELDS = ("clientToken", "impact", "relatedItems", "responsePlanArn", "status", "title", "triggerDetails")
_TELLING = {"clientToken", "responsePlanArn", "title", "triggerDetails"}
_TRANSITIONS: Mapping[str, Transition] = {"OPEN": "opened", "RESOLVED": "recovered"}
_LEAST_URGENT = 5


class AnotherPlan(UnreadableEvent):
    """A call that insists on a response plan which is not its route's."""


def is_manual(event: Mapping[str, Any]) -> bool:
    """Say whether an event has StartIncident's fields, and no others but ``status``."""
    return not _TELLING.isdisjoint(event) and set(event) <= set(_FIELDS)


def manual_signal(
    event: Mapping[str, Any], received: datetime, route: Route | None, door: str = ""
) -> Signal:
    """Read a manual call.

    Parameters
    ----------
    event
        The fields of StartIncident: ``title``, ``impact``, ``relatedItems``, ``triggerDetails``,
        ``clientToken``, ``responsePlanArn``; and ``status``.
    received
        When it came; the time of what happened, where ``triggerDetails.timestamp`` tells none.
    route
        The route that was called, if it is known.
    door
        The topic or queue that the call came by. By default the function was called itself.

    Returns
    -------
    Signal
        Opened, or recovered by the status ``RESOLVED``. Calls of one ``clientToken`` are of one cause;
        without one, calls of one title about the same resource, or by the same door from the same source.

    Raises
    ------
    AnotherPlan
        ``responsePlanArn`` is not the route's: whoever may use a route may use its plan, and no other.
    UnreadableEvent
        ``title``, ``impact`` or ``status`` is not what StartIncident takes.
    """
    _check(event)
    plan = event.get("responsePlanArn")
    if plan is not None and route is not None and plan != route.response_plan_arn:
        raise AnotherPlan(
            f"responsePlanArn must be that of the route {route.id!r}, or left out (got another one)"
        )
    details = mapping(event.get("triggerDetails"))
    arn, token = text(details.get("triggerArn")), text(event.get("clientToken"))
    source = text(details.get("source")) or SOURCE
    title = text(event.get("title")).strip() or f"Incident of {source}"
    transition = _TRANSITIONS[event.get("status", "OPEN")]
    told = moment(details.get("timestamp"))
    about = [arn] if arn else [source, door] if door else [source]
    key = key_of("manual", token) if token else key_of("manual", *about, title)
    return Signal(
        # Not the source that the call names: a RESOLVED with nothing but its token has none.
        source=SOURCE,
        account="",
        region=place_of(arn)[0],
        key=key,
        # The token alone would make the next call of the same cause, a month later, a duplicate.
        identity=digest(key, transition, (told or received).isoformat(), canonical(plain(event))),
        transition=transition,
        title=title,
        reason="",
        time=told or received,
        incident_source=source.removeprefix("aws."),
        event=_event(event, details, source, told or received),
        trigger_arn=arn or None,
        related_items=tuple(_related_items(event)),
        impact=event.get("impact"),
    )


def _check(event: Mapping[str, Any]) -> None:
    for name in ("title", "clientToken", "responsePlanArn"):
        if not isinstance(event.get(name, ""), str):
            raise UnreadableEvent(f"{name} must be text (got {type(event[name]).__name__})")
    impact = event.get("impact")
    # type() and not isinstance(): True is an int, and no impact.
    if impact is not None and not (type(impact) is int and 1 <= impact <= _LEAST_URGENT):
        raise UnreadableEvent("impact must be a whole number from 1 to 5")
    status = event.get("status", "OPEN")
    if not isinstance(status, str) or status not in _TRANSITIONS:
        raise UnreadableEvent("status must be OPEN, as without one, or RESOLVED")


def _event(
    event: Mapping[str, Any], details: Mapping[str, Any], source: str, time: datetime
) -> Mapping[str, Any]:
    raw = mapping(loaded(details.get("rawData")))
    if text(raw.get("source")) and text(raw.get("detail-type")):
        return raw
    arn = text(details.get("triggerArn"))
    region, account = place_of(arn)
    return {
        "version": "0",
        "id": str(uuid.UUID(digest(canonical(plain(event)))[:32])),
        "detail-type": "Manual incident",
        "source": source,
        "account": account,
        "time": time.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "region": region,
        "resources": [arn] if arn else [],
        "detail": event,
    }


def _related_items(event: Mapping[str, Any]) -> list[RelatedItem]:
    told = []
    for item in items(event.get("relatedItems")):
        identifier = mapping(mapping(item).get("identifier"))
        value = mapping(identifier.get("value"))
        involved = identifier.get("type") == "INVOLVED_RESOURCE"
        told.append(
            RelatedItem(
                "INVOLVED_RESOURCE" if involved else "OTHER",
                text(mapping(item).get("title")),
                arn=text(value.get("arn")) or None,
                url=text(value.get("url")) or None,
            )
        )
    return told
