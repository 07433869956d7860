"""Any event in, signals out."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

from incidents_runtime import alarms
from incidents_runtime.shapes import canonical, items, mapping, moment, plain, text
from incidents_runtime.signal_model import RelatedItem, Signal, UnreadableEvent, digest, key_of

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["Signal", "UnreadableEvent", "read"]

_OUR_SERVICE = "aws.ssm-incidents"
_EARLIEST = datetime(2000, 1, 1, tzinfo=timezone.utc)
_CLOCKS_DIFFER_BY = timedelta(minutes=5)
_MOST_RESOURCES = 20


def read(event: object, received: datetime) -> tuple[Signal, ...]:
    """Read an event into signals.

    Parameters
    ----------
    event
        Whatever the function was invoked with.
    received
        When that was; stands in for a time that the event does not tell, or cannot mean.

    Returns
    -------
    tuple of Signal
        What the event says happened.

    Raises
    ------
    UnreadableEvent
        The event is of no known kind, or lacks what a signal cannot do without.
    """
    fields = mapping(event)
    if not fields:
        received_kind = type(event).__name__ if event else repr(event)
        raise UnreadableEvent(f"an event must be a JSON object with members (got {received_kind})")
    if "alarmArn" in fields and "alarmData" in fields:
        signal = alarms.alarm_signal(alarms.in_eventbridge_shape(fields), received)
    elif text(fields.get("detail-type")) and text(fields.get("source")):
        signal = _from_the_bus(fields, received)
    else:
        raise UnreadableEvent(
            "an event must be an alarm's (alarmArn, alarmData) or EventBridge's (source, detail-type)"
        )
    return (replace(signal, time=_believable(signal.time, received)),)


def _believable(time: datetime, received: datetime) -> datetime:
    # A recovery from the year 9999 would make every alarm an old one.
    return time if _EARLIEST <= time <= received + _CLOCKS_DIFFER_BY else received


def _from_the_bus(event: Mapping[str, Any], received: datetime) -> Signal:
    kind = text(event.get("detail-type"))
    if event["source"] == alarms.SOURCE and kind in (alarms.STATE_CHANGE, alarms.CONTRIBUTOR_STATE_CHANGE):
        return alarms.alarm_signal(event, received)
    signal = _event_signal(event, received)
    if event["source"] == alarms.SOURCE and kind == alarms.CONFIGURATION_CHANGE:
        return replace(
            signal, transition="ignored", reason="an alarm's configuration changed, nothing went wrong"
        )
    if event["source"] == _OUR_SERVICE:
        # A rule on them would start an incident about every incident, without end.
        return replace(signal, transition="ignored", reason="an event about an incident starts no other one")
    return signal


def _event_signal(event: Mapping[str, Any], received: datetime) -> Signal:
    source, kind = text(event.get("source")), text(event.get("detail-type"))
    account, region = text(event.get("account")), text(event.get("region"))
    resources = [text(resource) for resource in items(event.get("resources")) if text(resource)]
    key = key_of("event", source, kind, account, region, *sorted(resources))
    return Signal(
        source=source,
        account=account,
        region=region,
        key=key,
        identity=digest(key, text(event.get("id")) or canonical(plain(event))),
        transition="opened",
        title=f"{kind} ({source})",
        reason=text(mapping(event.get("detail")).get("reason")),
        time=moment(event.get("time")) or received,
        # The service keeps the prefix to itself.
        incident_source=source.removeprefix("aws."),
        event=event,
        related_items=tuple(
            RelatedItem(type="INVOLVED_RESOURCE", title=resource, arn=resource)
            for resource in resources[:_MOST_RESOURCES]
        ),
    )
