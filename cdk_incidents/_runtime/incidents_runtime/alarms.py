"""CloudWatch alarms, told by the alarm itself or by EventBridge."""

from __future__ import annotations

import re
import uuid
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from incidents_runtime.shapes import canonical, items, loaded, mapping, moment, plain, text
from incidents_runtime.signal_model import RelatedItem, Signal, Transition, UnreadableEvent, digest, key_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

SOURCE = "aws.cloudwatch"
STATE_CHANGE = "CloudWatch Alarm State Change"
CONTRIBUTOR_STATE_CHANGE = "CloudWatch Alarm Contributor State Change"
CONFIGURATION_CHANGE = "CloudWatch Alarm Configuration Change"

_REGION = re.compile(r"[a-z]{2}(-[a-z]+)+-\d+", re.ASCII)
_TRANSITIONS: dict[str, Transition] = {"ALARM": "opened", "OK": "recovered", "INSUFFICIENT_DATA": "ignored"}
_MOST_CHILDREN = 20
# Of a mute rule's ARN: it is written down wherever the signal is.
_LONGEST_NAME = 300


def in_eventbridge_shape(event: Mapping[str, Any]) -> dict[str, Any]:
    """Turn what an alarm sends to a function into what it puts on the event bus.

    Parameters
    ----------
    event
        The payload of an alarm's Lambda action.

    Returns
    -------
    dict
        The same facts in EventBridge shape, which runbooks read.
    """
    return shaped(
        mapping(event.get("alarmData")),
        arn=text(event.get("alarmArn")),
        account=text(event.get("accountId")),
        region=text(event.get("region")),
        time=text(event.get("time")),
        told_by=event,
    )


def shaped(
    detail: dict[str, Any], *, arn: str, account: str, region: str, time: str, told_by: object
) -> dict[str, Any]:
    """Put an alarm's change of state into EventBridge shape.

    Parameters
    ----------
    detail
        What the event is about.
    arn, account, region, time
        Which alarm it is, and when it changed.
    told_by
        Whatever told of it. It carries no id: the same thing gets the same one.

    Returns
    -------
    dict
        The event.
    """
    return {
        "version": "0",
        "id": str(uuid.UUID(digest(canonical(plain(told_by)))[:32])),
        "detail-type": CONTRIBUTOR_STATE_CHANGE if _contributor(detail) else STATE_CHANGE,
        "source": SOURCE,
        "account": account,
        "time": _seconds(moment(time)) or time,
        "region": region,
        "resources": [arn],
        "detail": detail,
    }


def _seconds(time: datetime | None) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ") if time else ""


def alarm_signal(event: Mapping[str, Any], received: datetime) -> Signal:
    """Read an alarm's change of state from its event in EventBridge shape.

    Parameters
    ----------
    event
        The event.
    received
        When it came; stands in for a time that cannot be read.

    Returns
    -------
    Signal
        Opened by ALARM, recovered by OK, ignored otherwise. An alarm that is muted opens too, and says how
        long it is to be held back.

    Raises
    ------
    UnreadableEvent
        Neither name nor ARN says which alarm it is, or the state is none of CloudWatch's.
    """
    detail = mapping(event.get("detail"))
    state = mapping(detail.get("state"))
    arn, name = _which(event, detail)
    contributor = _contributor(detail)
    told = moment(state.get("timestamp")) or moment(event.get("time"))
    transition, reason, suppressed_by = _transition(state)
    suppressed_until = None
    # A mute silences alarms. It keeps no incident open whose cause is gone, so recoveries pass.
    if transition == "opened":
        suppressed_by, suppressed_until = _muted(detail.get("muteDetail"), told or received)
    key = key_of("alarm", arn, *([contributor] if contributor else []))
    return Signal(
        source=SOURCE,
        account=text(event.get("account")),
        region=text(event.get("region")),
        key=key,
        # Not the event's id: the alarm's own action and the event bus tell of one change by two events.
        identity=digest(key, transition, told.isoformat() if told else canonical(plain(event))),
        transition=transition,
        title=_title(name, detail),
        reason=reason,
        time=told or received,
        incident_source="cloudwatch.alarm",
        event=event,
        trigger_arn=arn,
        related_items=_related_items(arn, name, text(event.get("region")), state),
        suppressed_by=suppressed_by,
        suppressed_until=suppressed_until,
    )


def _which(event: Mapping[str, Any], detail: Mapping[str, Any]) -> tuple[str, str]:
    name = text(detail.get("alarmName")).strip()
    resources = items(event.get("resources"))
    arn = text(resources[0]).strip() if resources else ""
    if not arn and not name:
        raise UnreadableEvent(
            "an alarm event must name its alarm: neither an alarm ARN nor alarmName is there"
        )
    if not arn:
        arn = f"arn:aws:cloudwatch:{text(event.get('region'))}:{text(event.get('account'))}:alarm:{name}"
    return arn, name or arn.rpartition(":alarm:")[2]


def _contributor(detail: object) -> str:
    return text(mapping(mapping(detail).get("alarmContributor")).get("id"))


def _transition(state: Mapping[str, Any]) -> tuple[Transition, str, str]:
    """Say what the state means, why, and which suppressor silences it."""
    value = text(state.get("value"))
    if value not in _TRANSITIONS:
        raise UnreadableEvent("an alarm's state.value must be ALARM, OK or INSUFFICIENT_DATA")
    if value == "INSUFFICIENT_DATA":
        return "ignored", "the alarm has insufficient data, which neither opens nor recovers", ""
    suppressor = text(state.get("actionsSuppressedBy"))[:100]
    if value == "ALARM" and suppressor:
        # When that ends, a composite alarm that still stands tells of it once more, from ALARM to ALARM.
        return "ignored", f"the alarm's actions are suppressed by {suppressor}", suppressor
    # PromQL alarms give no reason.
    return _TRANSITIONS[value], text(state.get("reason")), ""


def _muted(mute: object, time: datetime) -> tuple[str, datetime | None]:
    end = moment(mapping(mute).get("muteWindowEnd"))
    # A window that was over when the alarm went off mutes nothing.
    if end and end + timedelta(seconds=1) < time:
        return "", None
    muted_by = text(mapping(mute).get("mutedByArn"))[:_LONGEST_NAME]
    return muted_by, end if muted_by else None


def _title(name: str, detail: Mapping[str, Any]) -> str:
    attributes = mapping(mapping(detail.get("alarmContributor")).get("attributes"))
    if attributes:
        named = ", ".join(f"{attribute}={text(value)}" for attribute, value in list(attributes.items())[:5])
        name = f"{name} ({named})"
    description = text(mapping(detail.get("configuration")).get("description")).strip()
    return f"{name}: {description}" if description else name


def _related_items(arn: str, name: str, region: str, state: Mapping[str, Any]) -> tuple[RelatedItem, ...]:
    found = (
        [RelatedItem(type="OTHER", title=f"Alarm {name}", url=_console(region, name))] if _is(region) else []
    )
    found += [
        RelatedItem(type="OTHER", title=f"Alarm {child.rpartition(':alarm:')[2]}", arn=child)
        for child in _triggering_alarms(state)
        if child != arn
    ]
    return tuple(found)


def _is(region: str) -> bool:
    # The Region becomes a host name that a responder is meant to click on.
    return _REGION.fullmatch(region) is not None


def _console(region: str, name: str) -> str:
    home = f"https://{region}.console.aws.amazon.com/cloudwatch/home?region={region}"
    return f"{home}#alarmsV2:alarm/{quote(name, safe='')}"


def _triggering_alarms(state: Mapping[str, Any]) -> list[str]:
    data = loaded(state.get("reasonData"))
    children = items(mapping(data).get("triggeringAlarms"))[:_MOST_CHILDREN]
    return [text(mapping(child).get("arn")) for child in children if text(mapping(child).get("arn"))]
