"""EventBridge and its Scheduler: events, rules, their targets, and what they could not deliver."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from .identity import owning
from .messages import deliver
from .permissions import may_invoke, role_refuses
from .private import bridge, replaces, scheduler

if TYPE_CHECKING:
    from collections.abc import Callable

_EVENTS = "events.amazonaws.com"


def put_right() -> None:
    """Ask a function's policy whether a rule may call it; what it may not is for the dead letters."""

    @replaces(bridge, "_invoke_target")
    def deliver_if_allowed(
        invoke: Any, target: dict[str, Any], event: Any, rule: dict[str, Any], view: Any = None
    ) -> None:
        arn = target.get("Arn", "")
        if ":lambda:" not in arn:
            invoke(target, event, rule, view)
        elif _may_invoke(target, rule["Arn"]):
            with owning(arn):
                invoke(target, event, rule, view)
        elif dead_letters := (target.get("DeadLetterConfig") or {}).get("Arn"):
            deliver(dead_letters, json.dumps(_shaped(event, view)))


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


def _may_invoke(target: dict[str, Any], rule_arn: str) -> bool:
    """Tell whether a rule may call a function: another account's only as a role, another Region's never.

    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-service-cross-account.html
    """
    (region, account), arn = rule_arn.split(":")[3:5], target["Arn"]
    if arn.split(":")[3:5] == [region, account]:
        return may_invoke(arn, _EVENTS, rule_arn)
    wanted, role = {"lambda:InvokeFunction": [arn]}, target.get("RoleArn", "")
    return (
        arn.split(":")[3] == region
        and not role_refuses(role, _EVENTS, rule_arn, wanted)
        and may_invoke(arn, "", role)
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
