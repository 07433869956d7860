"""CloudWatch alarms, told by the alarm itself or by EventBridge."""

from __future__ import annotations

import json
import re
import uuid
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from incidents_runtime.shapes import canonical, items, mapping, moment, plain, text
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
    return {
        "version": "0",
        # An alarm action carries no id: the same payload gets the same one.
        "id": str(uuid.UUID(digest(canonical(plain(event)))[:32])),
        "detail-type": CONTRIBUTOR_STATE_CHANGE if _contributor(event.get("alarmData")) else STATE_CHANGE,
        "source": SOURCE,
        "account": text(event.get("accountId")),
        "time": _seconds(moment(event.get("time"))) or text(event.get("time")),
        "region": text(event.get("region")),
        "resources": [text(event.get("alarmArn"))],
        "detail": mapping(event.get("alarmData")),
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
        Opened by ALARM, recovered by OK, ignored otherwise.

    Raises
    ------
    UnreadableEvent
        Neither name nor ARN says which alarm it is, or the state is none of CloudWatch's.
    """
    detail = mapping(event.get("detail"))
    state = mapping(detail.get("state"))
    arn, name = _which(event, detail)
    contributor = _contributor(detail)
    transition, reason = _transition(state, detail, moment(state.get("timestamp")) or received)
    told = moment(state.get("timestamp")) or moment(event.get("time"))
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


def _transition(
    state: Mapping[str, Any], detail: Mapping[str, Any], time: datetime
) -> tuple[Transition, str]:
    value = text(state.get("value"))
    if value not in _TRANSITIONS:
        raise UnreadableEvent("an alarm's state.value must be ALARM, OK or INSUFFICIENT_DATA")
    if value == "INSUFFICIENT_DATA":
        return "ignored", "the alarm has insufficient data, which neither opens nor recovers"
    # A mute silences alarms. It keeps no incident open whose cause is gone, so recoveries pass.
    if value == "ALARM":
        suppressor = text(state.get("actionsSuppressedBy"))
        if suppressor:
            return "ignored", f"the alarm's actions are suppressed by {suppressor[:100]}"
        muted_by = _muted_by(detail.get("muteDetail"), time)
        if muted_by:
            return "ignored", f"the alarm's actions are muted by {muted_by[:300]}"
    # PromQL alarms give no reason.
    return _TRANSITIONS[value], text(state.get("reason"))


def _muted_by(mute: object, time: datetime) -> str:
    muted_by = text(mapping(mute).get("mutedByArn"))
    end = moment(mapping(mute).get("muteWindowEnd"))
    # A window that was over when the alarm went off mutes nothing.
    return "" if end and end + timedelta(seconds=1) < time else muted_by


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
    try:
        data = json.loads(text(state.get("reasonData")) or "{}")
    except (ValueError, RecursionError):
        return []
    children = items(mapping(data).get("triggeringAlarms"))[:_MOST_CHILDREN]
    return [text(mapping(child).get("arn")) for child in children if text(mapping(child).get("arn"))]
