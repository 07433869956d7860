"""Wired alarms whose actions are switched off: on a first deployment no smoke test could see them yet."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aws_cdk import Stack

from cdk_incidents._found_alarms import alarms_under
from cdk_incidents._plans import arn_by_name, arn_seen_from

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from aws_cdk.interfaces.aws_ssmincidents import IResponsePlanRef
    from constructs import IConstruct

    from cdk_incidents.trigger import IncidentTrigger

DISABLED = "cdk-incidents:alarm-actions-disabled"


def disabled_alarms(
    scope: IConstruct, trigger: IncidentTrigger | None, plans: Sequence[IResponsePlanRef]
) -> Iterator[tuple[str, str]]:
    """Yield a warning for each alarm of the scope's stack that is wired, and starts nothing all the same."""
    stack = Stack.of(scope)
    # Each look at an alarm is a round trip, and there may be a thousand: what is wired is asked of few.
    off = [alarm for alarm in alarms_under(stack) if alarm.resource.actions_enabled is False]
    doors = _doors(stack, trigger, plans) if off else []
    for alarm in off:
        if any(action in doors for action in stack.resolve(alarm.alarm_actions)):
            text = (
                f"{alarm.path} must have its actions enabled (got actions_enabled=False), or it starts no"
                " incident: leave that out, or acknowledge this where it is meant."
            )
            yield DISABLED, text


def _doors(stack: Stack, trigger: IncidentTrigger | None, plans: Sequence[IResponsePlanRef]) -> list[Any]:
    """Return what an alarm of the stack may name to start an incident, resolved."""
    routes = [] if trigger is None else list(trigger._routes.values())  # noqa: SLF001 - one of a kind
    named = [name for route in routes for name in (route.route_arn, route._arn_by_name)]  # noqa: SLF001
    for plan in plans:
        named += [arn_seen_from(plan, stack, ordered=False), arn_by_name(plan, stack)]
    resolved: list[Any] = stack.resolve(named)
    return resolved
