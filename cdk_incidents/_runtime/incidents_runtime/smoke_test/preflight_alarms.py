"""Whether the alarms that lead to a live route or to a plan may act."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from incidents_runtime.smoke_test.findings import Finding
from incidents_runtime.smoke_test.preflight_answers import every
from incidents_runtime.smoke_test.preflight_reach import each
from incidents_runtime.smoke_test.preflight_routes import alias_arn

if TYPE_CHECKING:
    from collections.abc import Iterator

    from incidents_runtime.smoke_test.preflight_answers import Answers
    from incidents_runtime.smoke_test.settings import Settings

# CloudWatch tells of metric alarms only unless it is asked for the others by name.
_KINDS = ("MetricAlarm", "CompositeAlarm", "LogAlarm")


def look(settings: Settings, aws: Answers) -> Iterator[Finding]:
    """Yield the alarms whose actions are disabled."""
    # By ARN: for people, and the plan whose people it concerns.
    places = {plan.arn: (f"the plan {plan.name}", plan.name) for plan in settings.plans}
    trigger = settings.trigger
    if trigger is not None:
        places |= {alias_arn(settings, route): (f"the route {route}", "") for route in trigger.routes}
    # One question for all plans of an account, and one for all routes.
    prefixes = dict.fromkeys(arn[: arn.rindex("/" if "/" in arn else ":") + 1] for arn in places)
    found: dict[str, str] = {}

    def at(prefix: str) -> Iterator[Finding]:
        for alarm in every(
            aws.cloudwatch.describe_alarms,
            *(f"{kind}s" for kind in _KINDS),
            ActionPrefix=prefix,
            AlarmTypes=list(_KINDS),
        ):
            place = next((places[arn] for arn in _actions(alarm) if arn in places), None)
            name = alarm["AlarmName"]
            if place is not None and alarm.get("ActionsEnabled") is False and name not in found:
                found[name] = prefix
                yield Finding(
                    "alarm-actions-disabled",
                    place[1],
                    f"the alarm {name!r}, which leads to {place[0]}, must have actions enabled (it has not)",
                    "aws cloudwatch enable-alarm-actions --alarm-names ALARM.",
                )

    return each(prefixes, at)


def _actions(alarm: dict[str, Any]) -> list[str]:
    return [
        action
        for kind in ("AlarmActions", "OKActions", "InsufficientDataActions")
        for action in alarm.get(kind) or []
    ]
