"""One function for each drawing: the least of each construct."""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_events as events
from aws_cdk import aws_sns as sns

import cdk_incidents as incidents

__all__ = ["contact", "on_call", "plan", "smoke_test", "trigger", "way_in"]


def contact(stack: cdk.Stack) -> incidents.Contact:
    """Return a contact with two channels."""
    email = incidents.ContactChannel.email("ada@example.com")
    sms = incidents.ContactChannel.sms("+14255550101")
    return incidents.Contact(stack, "Ada", display_name="Ada", channels=[email, sms])


def on_call(stack: cdk.Stack) -> incidents.EscalationPlan:
    """Return an escalation plan over a schedule of one."""
    ada = contact(stack)
    rotation = incidents.Rotation(
        contacts=[ada],
        start="2027-01-04T09:00:00",
        time_zone="Europe/Berlin",
        recurrence=incidents.Recurrence.weekly(monday="09:00"),
    )
    schedule = incidents.OnCallSchedule(stack, "OnCall", rotations=[rotation])
    return incidents.EscalationPlan(
        stack, "Escalation", stages=[incidents.Stage(contacts=[schedule]), incidents.Stage(contacts=[ada])]
    )


def plan(stack: cdk.Stack) -> incidents.ResponsePlan:
    """Return a plan with all that it may have of its own."""
    topic = sns.Topic(stack, "Told")
    return incidents.ResponsePlan(
        stack,
        "Checkout",
        incident=incidents.IncidentTemplate.critical(
            title="Checkout is failing", notification_topics=[topic]
        ),
        engagements=[contact(stack)],
        runbook=incidents.Runbook("restart-checkout"),
        chat_channel=incidents.ChatChannel.topics(sns.Topic(stack, "Chat")),
    )


def way_in(stack: cdk.Stack) -> events.Rule:
    """Return a rule whose events start incidents."""
    imported = incidents.ResponsePlan.from_response_plan_name(stack, "Checkout", "checkout")
    target = incidents.ResponsePlanTarget(imported)
    pattern = events.EventPattern(source=["aws.health"])
    return events.Rule(stack, "Health", event_pattern=pattern, targets=[target])


def trigger(stack: cdk.Stack) -> incidents.IncidentTrigger:
    """Return a trigger with a route to an imported plan."""
    imported = incidents.ResponsePlan.from_response_plan_name(stack, "Checkout", "checkout")
    made = incidents.IncidentTrigger(stack, "Trigger", fallback=sns.Topic(stack, "Fallback"))
    made.add_route("Critical", response_plan=imported, auto_resolve=True)
    return made


def smoke_test(stack: cdk.Stack) -> incidents.SmokeTest:
    """Return a trigger with its smoke test."""
    return incidents.SmokeTest(stack, "SmokeTest", trigger=trigger(stack))
