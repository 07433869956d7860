"""EventBridge and its Scheduler: events, rules, their targets, and what they could not deliver."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from .identity import owning
from .messages import deliver
from .permissions import SEND, may_invoke, may_publish, may_send, role_refuses
from .private import bridge, replaces, scheduler

if TYPE_CHECKING:
    from collections.abc import Callable

_EVENTS, _SCHEDULER = "events.amazonaws.com", "scheduler.amazonaws.com"


def put_right() -> None:
    """Ask whether a target may be sent to; what it may not is for the dead letters, if those may be."""

    @replaces(bridge, "_invoke_target")
    def deliver_if_allowed(
        invoke: Any, target: dict[str, Any], event: Any, rule: dict[str, Any], view: Any = None
    ) -> None:
        arn, dead_letters = target.get("Arn", ""), target.get("DeadLetterConfig") or {}
        if _may_send(target, rule["Arn"]):
            with owning(arn if ":lambda:" in arn else rule["Arn"]):
                invoke(target, event, rule, view)
        elif dead_letters and _may_send({**target, **dead_letters}, rule["Arn"]):
            deliver(dead_letters["Arn"], json.dumps(_shaped(event, view)))


def start_incidents_by(
    start: Callable[[dict[str, Any], str, dict[str, Any], dict[str, Any]], None],
) -> None:
    """Hand over what a rule or a schedule sends to Incident Manager: target, input, rule, event."""

    @replaces(bridge, "_invoke_target")
    def invoke_or_hand_over(
        invoke: Any, target: dict[str, Any], event: dict[str, Any], rule: dict[str, Any], view: Any = None
    ) -> None:
        arn = target.get("Arn", "").lower()
        if ":ssm-incidents:" in arn or arn.endswith(":ssmincidents:startincident"):
            start(target, target.get("Input") or "", rule, _shaped(event, view))
        else:
            invoke(target, event, rule, view)


def _shaped(event: dict[str, Any], view: Any) -> dict[str, Any]:
    shaped: dict[str, Any] = (view or bridge._pattern_event_view(event)).event_with_detail()
    return shaped


def _may_send(target: dict[str, Any], source: str) -> bool:
    """Tell whether a rule or a schedule may send to a target.

    A schedule does so as its role. A rule is let in by the target's own policy; to another account it comes
    as its role, which the target must let in too, and to another Region never:
    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-service-cross-account.html
    """
    arn, role = target.get("Arn", ""), target.get("RoleArn", "")
    place, service = arn.split(":")[3:5], "".join(arn.split(":")[2:3])
    if service not in SEND:
        return True
    wanted = {SEND[service]: [arn]}
    if ":schedule/" in source:
        group = source.replace(":schedule/", ":schedule-group/").rpartition("/")[0]
        return not role_refuses(role, _SCHEDULER, group, wanted)
    region, account = source.split(":")[3:5]
    if service == "lambda" and place == [region, account]:
        return may_invoke(arn, _EVENTS, source)
    if service == "lambda":
        as_role = place[0] == region and not role_refuses(role, _EVENTS, source, wanted)
        return as_role and may_invoke(arn, "", role)
    return (
        may_send(arn, _EVENTS, source) if service == "sqs" else not may_publish(arn, _EVENTS, source, account)
    )


def put_event(
    detail_type: str, resources: list[str], detail: dict[str, Any], source: str = "aws.cloudwatch"
) -> None:
    """Put an event of an AWS service on the default bus."""
    entry = {"Source": source, "DetailType": detail_type, "Detail": json.dumps(detail)}
    bridge._put_events({"Entries": [{**entry, "Resources": resources}]}, allow_aws_source=True)


def tick() -> None:
    """Fire what is due among the schedules and the scheduled rules."""
    scheduler._tick_schedules()
    bridge._tick_scheduled_rules()
