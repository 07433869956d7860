"""The trigger of `benchmarks.trigger`, as cdk_incidents makes it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import aws_sns as sns

from benchmarks.trigger import NAME, PLAN
from cdk_incidents import IncidentTrigger, ResponsePlan

if TYPE_CHECKING:
    from aws_cdk import Stack


def make(stack: Stack) -> None:
    """Make the trigger, its fallback and its route."""
    plan = ResponsePlan.from_response_plan_name(stack, "Plan", PLAN)
    fallback = sns.Topic(stack, "Fallback")
    trigger = IncidentTrigger(stack, "Trigger", trigger_name=NAME, fallback=fallback)
    trigger.add_route("Critical", response_plan=plan, auto_resolve=True)
