"""AWS Health: an event of the service is one cause, however often its news are sent."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from incidents_runtime.shapes import items, mapping, text
from incidents_runtime.signal_model import RelatedItem, Signal, Transition, digest, key_of

if TYPE_CHECKING:
    from collections.abc import Mapping

SOURCE = "aws.health"
_MOST_ENTITIES = 35
_MOST_NAMED = 5


def health_signal(signal: Signal) -> Signal:
    """Read what an event of AWS Health says beyond any other event.

    Parameters
    ----------
    signal
        The event, read as any other.

    Returns
    -------
    Signal
        Recovered by the status ``closed``, opened by any other. News of one event, its pages and its copies
        in another Region have one key; pages and copies have one identity too.

    Notes
    -----
    https://docs.aws.amazon.com/health/latest/ug/aws-health-events-eventbridge-schema.html
    """
    detail = mapping(signal.event.get("detail"))
    arn = text(detail.get("eventArn"))
    transition: Transition = "recovered" if text(detail.get("statusCode")) == "closed" else "opened"
    # A public event has one ARN for every account, and each account's news are its own.
    key = key_of("health", signal.account, arn) if arn else signal.key
    # The part after the last hyphen is the page.
    communication = text(detail.get("communicationId")).rpartition("-")[0]
    # Not where it was delivered, but what is impaired.
    region = text(detail.get("eventRegion")) or signal.region
    return replace(
        signal,
        key=key,
        identity=digest(key, transition, communication or signal.identity),
        transition=transition,
        region=region,
        title=_title(detail, region) or signal.title,
        reason=_description(detail),
        trigger_arn=arn or None,
        related_items=_related_items(detail, arn) or signal.related_items,
    )


def _title(detail: Mapping[str, Any], region: str) -> str:
    service, code = text(detail.get("service")), text(detail.get("eventTypeCode"))
    if not code:
        return ""
    # AWS_EC2_OPERATIONAL_ISSUE of the service EC2 is its operational issue.
    what = code.removeprefix("AWS_").removeprefix(f"{service}_").replace("_", " ").lower()
    return f"AWS Health: {service} {what}" + (f" in {region}" if region else "")


def _description(detail: Mapping[str, Any]) -> str:
    told = [mapping(each) for each in items(detail.get("eventDescription"))]
    # Others may come first, where AWS is not read in English.
    told.sort(key=lambda each: not text(each.get("language")).startswith("en"))
    return text(told[0].get("latestDescription")) if told else ""


def _related_items(detail: Mapping[str, Any], arn: str) -> tuple[RelatedItem, ...]:
    if not arn:
        return ()
    entities = [text(mapping(each).get("entityValue")) for each in items(detail.get("affectedEntities"))]
    named = [entity for entity in entities if entity]
    # Not all of them are ARNs, and those that are not have no other place.
    title = ", ".join(["AWS Health", *named[:_MOST_NAMED]]) + ("…" if named[_MOST_NAMED:] else "")
    # Documented nowhere, but the console's for years.
    event = quote(arn, safe="", errors="replace")
    page = f"https://health.aws.amazon.com/health/home#/account/event-log?eventID={event}&eventTab=details"
    return (
        RelatedItem("OTHER", title, url=page),
        *(RelatedItem("INVOLVED_RESOURCE", entity, arn=entity) for entity in named[:_MOST_ENTITIES]),
    )
