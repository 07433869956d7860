"""The on-call team of `benchmarks.team`, in the L1s of aws-cdk-lib."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk.aws_ssmcontacts import CfnContact, CfnContactChannel, CfnPlan, CfnRotation
from aws_cdk.aws_ssmincidents import CfnResponsePlan

from benchmarks.team import LEAD, PHONES, ROTATIONS, SERVICES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aws_cdk import Stack


def make(stack: Stack) -> None:
    """Make the whole team."""
    people = {name: _Person(stack, name, phone) for name, phone in PHONES.items()}
    rotations = [
        _rotation(stack, name, [people[member] for member in members]) for name, members in ROTATIONS.items()
    ]
    on_call = CfnContact(
        stack,
        "OnCall",
        alias="on-call",
        display_name="On call",
        type="ONCALL_SCHEDULE",
        plan=[CfnContact.StageProperty(rotation_ids=[rotation.ref for rotation in rotations])],
    )
    escalation = CfnContact(
        stack,
        "Escalation",
        alias="escalation",
        display_name="Escalation",
        type="ESCALATION",
        plan=[_stage(on_call.ref), _stage(people[LEAD].arn)],
    )
    escalation.add_resource_dependency(people[LEAD].plan)
    for service in SERVICES:
        CfnResponsePlan(
            stack,
            service,
            name=service,
            incident_template=CfnResponsePlan.IncidentTemplateProperty(
                title=f"{service} is failing", impact=1
            ),
            engagements=[escalation.ref],
        )


class _Person:
    def __init__(self, stack: Stack, name: str, phone: str) -> None:
        alias = name.lower()
        self.arn = CfnContact(stack, name, alias=alias, display_name=name, type="PERSONAL").ref
        ways = [("Email", f"{alias}@example.com"), ("Sms", phone), ("Voice", phone)]
        channels = [
            CfnContactChannel(
                stack,
                f"{name}{way}",
                contact_id=self.arn,
                channel_name=way,
                channel_type=way.upper(),
                channel_address=address,
            )
            for way, address in ways
        ]
        targets = [
            CfnPlan.TargetsProperty(
                channel_target_info=CfnPlan.ChannelTargetInfoProperty(
                    channel_id=channel.ref, retry_interval_in_minutes=5
                )
            )
            for channel in channels
        ]
        # It names the channels, and these the contact: what waits for it waits for all of them.
        self.plan = CfnPlan(
            stack,
            f"{name}Plan",
            contact_id=self.arn,
            stages=[CfnPlan.StageProperty(duration_in_minutes=30, targets=targets)],
        )


def _rotation(stack: Stack, name: str, members: Sequence[_Person]) -> CfnRotation:
    rotation = CfnRotation(
        stack,
        name,
        name=name,
        contact_ids=[person.arn for person in members],
        start_time="2027-01-04T09:00:00",
        time_zone_id="Europe/Berlin",
        recurrence=CfnRotation.RecurrenceSettingsProperty(
            number_of_on_calls=1,
            recurrence_multiplier=1,
            weekly_settings=[CfnRotation.WeeklySettingProperty(day_of_week="MON", hand_off_time="09:00")],
        ),
    )
    rotation.node.add_dependency(*(person.plan for person in members))
    return rotation


def _stage(arn: str) -> CfnContact.StageProperty:
    target = CfnContact.ContactTargetInfoProperty(contact_id=arn, is_essential=True)
    return CfnContact.StageProperty(
        duration_in_minutes=15, targets=[CfnContact.TargetsProperty(contact_target_info=target)]
    )
