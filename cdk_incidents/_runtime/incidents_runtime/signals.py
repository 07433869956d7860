"""Any event in, signals out."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

from incidents_runtime import alarms
from incidents_runtime.shapes import canonical, items, loaded, mapping, moment, plain, text
from incidents_runtime.signal_model import RelatedItem, Signal, UnreadableEvent, digest, key_of
from incidents_runtime.templates import group_of
from incidents_runtime.text import one_line

if TYPE_CHECKING:
    from collections.abc import Mapping

    from incidents_runtime.messages import Message
    from incidents_runtime.settings import Route

__all__ = ["Signal", "UnreadableEvent", "read"]

_OUR_SERVICE = "aws.ssm-incidents"
_EARLIEST = datetime(2000, 1, 1, tzinfo=timezone.utc)
_CLOCKS_DIFFER_BY = timedelta(minutes=5)
_MOST_RESOURCES = 20
_LONGEST_MEMBERS = 200
# A failure record of a queue's message of a topic's message of an event, and as much again.
_MOST_WRAPPINGS = 8


def read(event: object, received: datetime, route: Route | None = None) -> tuple[Signal, ...]:
    """Read an event into signals.

    Parameters
    ----------
    event
        Whatever the function was invoked with: an alarm's payload or message, an event of EventBridge,
        records of a topic or a queue, a failure record of Lambda, the fields of StartIncident; each also
        inside another.
    received
        When that was; stands in for a time that the event does not tell, or cannot mean.
    route
        The route that it came by: a manual call may name no other response plan than its, and where it has a
        deduplication key, an event's detail type does not tell causes apart. By default no route is known.

    Returns
    -------
    tuple of Signal
        What the event says happened; several where several records came at once.

    Raises
    ------
    UnreadableEvent
        The event is of no known kind, or lacks what a signal cannot do without. A message of a topic or a
        queue is always readable: in doubt it is an incident by itself.
    """
    signals = _Reader(received, route).signals(event, _MOST_WRAPPINGS)
    return tuple(replace(signal, time=_believable(signal.time, received)) for signal in signals)


def _believable(time: datetime, received: datetime) -> datetime:
    # A recovery from the year 9999 would make every alarm an old one.
    return time if _EARLIEST <= time <= received + _CLOCKS_DIFFER_BY else received


class _Reader:
    """Reads one event, and what is wrapped in it."""

    def __init__(self, received: datetime, route: Route | None) -> None:
        self.received, self.route = received, route

    def signals(self, event: object, wrappings: int, door: str = "") -> tuple[Signal, ...]:
        """Read what is wrapped so many times at most; the door is the topic or queue that it came by."""
        fields = mapping(event)
        if not fields:
            received_kind = type(event).__name__ if event else repr(event)
            raise UnreadableEvent(f"an event must be a JSON object with members (got {received_kind})")
        if wrappings == 0:
            raise UnreadableEvent(f"an event must be wrapped at most {_MOST_WRAPPINGS - 1} times")
        if "requestPayload" in fields and "requestContext" in fields:
            return self.signals(fields["requestPayload"], wrappings - 1, door)
        if set(fields) == {"recovered"}:
            return tuple(map(_recovered, self.signals(fields["recovered"], wrappings - 1, door)))
        if "alarmArn" in fields and "alarmData" in fields:
            return (alarms.alarm_signal(alarms.in_eventbridge_shape(fields), self.received),)
        return self._of_another_kind(fields, wrappings, door)

    # What an alarm does not need is loaded when something else comes: an alarm waits for nothing.

    def _of_another_kind(self, fields: Mapping[str, Any], wrappings: int, door: str) -> tuple[Signal, ...]:
        from incidents_runtime.messages import messages_in  # noqa: PLC0415

        messages = messages_in(fields)
        if messages is not None:
            return tuple(signal for message in messages for signal in self._in(message, wrappings - 1))
        return (self._signal(fields, door),)

    def _in(self, message: Message, wrappings: int) -> tuple[Signal, ...]:
        from incidents_runtime import manual  # noqa: PLC0415
        from incidents_runtime.messages import message_signal  # noqa: PLC0415

        if not message.is_about_the_subscription:
            try:
                return self.signals(loaded(message.body), wrappings, message.arn)
            except manual.AnotherPlan:
                raise
            except UnreadableEvent:
                pass
        return (message_signal(message, self.received),)

    def _signal(self, fields: Mapping[str, Any], door: str) -> Signal:
        from incidents_runtime import alarm_messages, manual  # noqa: PLC0415

        if text(fields.get("detail-type")) and text(fields.get("source")):
            return self._from_the_bus(fields)
        if alarm_messages.is_alarm_message(fields):
            return alarms.alarm_signal(alarm_messages.of_message(fields), self.received)
        if manual.is_manual(fields):
            return manual.manual_signal(fields, self.received, self.route, door)
        raise UnreadableEvent(
            "an event must be an alarm's (alarmArn, alarmData), EventBridge's (source, detail-type),"
            " a topic's or a queue's (Records), or a manual call: StartIncident's fields and no others"
            f" (got the members {one_line(', '.join(sorted(fields)), _LONGEST_MEMBERS)})"
        )

    def _from_the_bus(self, event: Mapping[str, Any]) -> Signal:
        source, kind = event["source"], text(event.get("detail-type"))
        if source == alarms.SOURCE and kind in (alarms.STATE_CHANGE, alarms.CONTRIBUTOR_STATE_CHANGE):
            return alarms.alarm_signal(event, self.received)
        from incidents_runtime import devops_guru, health  # noqa: PLC0415

        signal = _event_signal(event, self.received)
        if source == alarms.SOURCE and kind == alarms.CONFIGURATION_CHANGE:
            return _ignored(signal, "an alarm's configuration changed, nothing went wrong")
        if source == _OUR_SERVICE:
            # A rule on them would start an incident about every incident, without end.
            return _ignored(signal, "an event about an incident starts no other one")
        if source == health.SOURCE:
            return health.health_signal(signal)
        if source == devops_guru.SOURCE:
            return devops_guru.insight_signal(signal)
        return self._of_its_group(signal)

    def _of_its_group(self, signal: Signal) -> Signal:
        """Where a route says what a cause is, "down" and "up" are of one, whatever their detail types."""
        if self.route is None or group_of(signal, self.route) is None:
            return signal
        return replace(signal, key=_key_of_event(signal.event, ""))


def _ignored(signal: Signal, reason: str) -> Signal:
    return replace(signal, transition="ignored", reason=reason)


def _recovered(signal: Signal) -> Signal:
    """Read a signal as its rule means it: what the rule lets through says that the cause is gone."""
    if signal.transition == "ignored":
        return signal
    return replace(
        signal,
        transition="recovered",
        # The same event may open by another rule.
        identity=digest(signal.identity, "recovered"),
        suppressed_by="",
        suppressed_until=None,
    )


def _event_signal(event: Mapping[str, Any], received: datetime) -> Signal:
    source, kind = text(event.get("source")), text(event.get("detail-type"))
    key = _key_of_event(event, kind)
    return Signal(
        source=source,
        account=text(event.get("account")),
        region=text(event.get("region")),
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
            for resource in _resources(event)[:_MOST_RESOURCES]
        ),
    )


def _key_of_event(event: Mapping[str, Any], kind: str) -> str:
    place = text(event.get("account")), text(event.get("region"))
    return key_of("event", text(event.get("source")), kind, *place, *sorted(_resources(event)))


def _resources(event: Mapping[str, Any]) -> list[str]:
    return [text(resource) for resource in items(event.get("resources")) if text(resource)]
