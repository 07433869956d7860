"""The on-call team of `benchmarks.team`, in the constructs of cdk_incidents."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import Duration

from benchmarks.team import LEAD, PHONES, ROTATIONS, SERVICES
from cdk_incidents import (
    Contact,
    ContactChannel,
    EscalationPlan,
    IncidentTemplate,
    OnCallSchedule,
    Recurrence,
    ResponsePlan,
    Rotation,
    Stage,
)

if TYPE_CHECKING:
    from aws_cdk import Stack


def make(stack: Stack) -> None:
    """Make the whole team."""
    people = {name: _person(stack, name, phone) for name, phone in PHONES.items()}
    on_call = OnCallSchedule(
        stack,
        "OnCall",
        alias="on-call",
        display_name="On call",
        rotations=[
            Rotation(
                name=name,
                contacts=[people[member] for member in members],
                start="2027-01-04T09:00:00",
                time_zone="Europe/Berlin",
                recurrence=Recurrence.weekly(monday="09:00"),
            )
            for name, members in ROTATIONS.items()
        ],
    )
    escalation = EscalationPlan(
        stack,
        "Escalation",
        alias="escalation",
        display_name="Escalation",
        stages=[
            Stage(contacts=[contact], duration=Duration.minutes(15)) for contact in (on_call, people[LEAD])
        ],
    )
    for service in SERVICES:
        incident = IncidentTemplate.critical(title=f"{service} is failing")
        ResponsePlan(stack, service, response_plan_name=service, incident=incident, engagements=[escalation])


def _person(stack: Stack, name: str, phone: str) -> Contact:
    channels = [
        ContactChannel.email(f"{name.lower()}@example.com"),
        ContactChannel.sms(phone),
        ContactChannel.voice(phone),
    ]
    return Contact(stack, name, alias=name.lower(), display_name=name, channels=channels)
