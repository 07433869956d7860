"""What the tests that deploy share: stacks of one synthesis, and looks at what became of them."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    import aws_cdk as cdk

    from cdk_incidents.local import LocalCloud
    from tests.synthesis import Make


def synthesised(make: Make, build: Callable[[cdk.App], object]) -> Path:
    """Synthesise an app and return its assembly."""
    app = make.app()
    build(app)
    return Path(app.synth().directory)


def template_of(assembly: Path, stack: str) -> dict[str, Any]:
    """Return the synthesised template of a stack."""
    template: dict[str, Any] = json.loads((assembly / f"{stack}.template.json").read_text())
    return template


def create(cloud: LocalCloud, assembly: Path, stack: str, *, timeout_s: float = 60) -> dict[str, str]:
    """Create a stack of an assembly and return its outputs."""
    return cloud.create_stack(stack, template_of(assembly, stack), assets=assembly, timeout_s=timeout_s)


def update(cloud: LocalCloud, assembly: Path, stack: str, *, timeout_s: float = 60) -> dict[str, str]:
    """Update a stack to what it is in an assembly, and return its outputs."""
    return cloud.update_stack(stack, template_of(assembly, stack), assets=assembly, timeout_s=timeout_s)


def statuses(cloud: LocalCloud) -> dict[str, str]:
    """Return the status of each of our stacks by its name."""
    stacks = cloud.client("cloudformation").describe_stacks()["Stacks"]
    return {
        stack["StackName"]: stack["StackStatus"]
        for stack in stacks
        if stack["StackName"] != "CDKToolkit" and stack["StackStatus"] != "DELETE_COMPLETE"
    }


def tidy(cloud: LocalCloud) -> None:
    """Take away what a test has left: faults, stacks, incidents."""
    cloud.faults.clear()
    for name in statuses(cloud):
        cloud.delete_stack(name)
    incidents = cloud.client("ssm-incidents")
    for record in cloud.incidents():
        incidents.update_incident_record(arn=record["arn"], status="RESOLVED")
        incidents.delete_incident_record(arn=record["arn"])


def fire(cloud: LocalCloud, stack: str) -> None:
    """Set the stack's live alarm to ALARM."""
    cloudwatch = cloud.client("cloudwatch")
    (name,) = (
        alarm["AlarmName"]
        for alarm in cloudwatch.describe_alarms()["MetricAlarms"]
        if alarm["AlarmName"].startswith(f"{stack}-Alarm")
    )
    cloudwatch.set_alarm_state(AlarmName=name, StateValue="OK", StateReason="test")
    cloudwatch.set_alarm_state(AlarmName=name, StateValue="ALARM", StateReason="test")


def wait_for_note(cloud: LocalCloud, record: str, text: str) -> None:
    """Wait until an incident's timeline has a note."""
    incidents = cloud.client("ssm-incidents")
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        for event in incidents.list_timeline_events(incidentRecordArn=record)["eventSummaries"]:
            data = incidents.get_timeline_event(incidentRecordArn=record, eventId=event["eventId"])
            if text in data["event"]["eventData"]:
                return
        time.sleep(0.2)
    pytest.fail(f"no note {text!r} in time")
