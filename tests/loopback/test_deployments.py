"""What a smoke test is for: a broken way from alarm to incident fails the deployment, by the real CDK CLI."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from cdk_incidents.local import LocalCloud
from cdk_incidents.local.errors import DeployError

if TYPE_CHECKING:
    from collections.abc import Iterator

APP = f"{sys.executable} {Path(__file__).parent / 'apps' / 'breakable.py'}"


@pytest.fixture(scope="module")
def own_cloud() -> Iterator[LocalCloud]:
    """Give a cloud that no other module's tests have left anything in."""
    with LocalCloud() as cloud:
        yield cloud


@pytest.fixture
def cloud(own_cloud: LocalCloud) -> Iterator[LocalCloud]:
    """Give the cloud, without what a test before left in it."""
    yield own_cloud
    own_cloud.faults.clear()
    for name in statuses(own_cloud):
        own_cloud.delete_stack(name)
    incidents = own_cloud.client("ssm-incidents")
    for record in own_cloud.incidents():
        incidents.update_incident_record(arn=record["arn"], status="RESOLVED")
        incidents.delete_incident_record(arn=record["arn"])


def statuses(cloud: LocalCloud) -> dict[str, str]:
    """Return the status of each of our stacks by its name."""
    stacks = cloud.client("cloudformation").describe_stacks()["Stacks"]
    return {
        stack["StackName"]: stack["StackStatus"]
        for stack in stacks
        if stack["StackName"] != "CDKToolkit" and stack["StackStatus"] != "DELETE_COMPLETE"
    }


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


def failed_deployment(cloud: LocalCloud, **context: str) -> str:
    """Deploy what must not deploy; return CloudFormation's reason."""
    with pytest.raises(DeployError) as failure:
        cloud.deploy(APP, context=context)
    return " ".join(failure.value.reasons)


@pytest.mark.parametrize(
    ("broken", "reasons"),
    [
        ("role", ["failed at incident", "AccessDenied", "StartIncident"]),
        ("permission", ["failed at incident", ":smoke-test", "no resource-based policy allows"]),
        ("code", ["failed at incident", "broken on purpose"]),
    ],
)
def test_broken_link_fails_the_deployment(cloud: LocalCloud, broken: str, reasons: list[str]) -> None:
    """Each broken link fails the deployment with a reason that names it, and leaves nothing."""
    before = len(cloud.starts)
    reason = failed_deployment(cloud, **{"break": broken, "stack": f"Broken-{broken}"})
    for part in reasons:
        assert part in reason
    assert statuses(cloud)[f"Broken-{broken}"] == "ROLLBACK_COMPLETE"
    assert cloud.incidents() == []
    assert [start for start in cloud.starts[before:] if "QuietPlan" not in start["plan"]] == []
    assert cloud.pages == []


def test_service_that_refuses_fails_the_deployment(cloud: LocalCloud) -> None:
    """When the service refuses to start, the reason is the service's own error."""
    cloud.faults.add("StartIncident", error="ValidationException", times=100)
    reason = failed_deployment(cloud, stack="Refused")
    assert "failed at incident" in reason
    assert "ValidationException" in reason
    assert cloud.incidents() == []


@pytest.mark.parametrize("broken", ["crash", "time-out"])
def test_smoke_test_that_dies_is_reported_at_once(cloud: LocalCloud, broken: str) -> None:
    """A crashed or timed-out smoke test fails the deployment in seconds, not at CloudFormation's time-out."""
    stack = cloud.cdk.synthesise(APP, context={"break": broken, "stack": f"Dead-{broken}"})
    with pytest.raises(DeployError) as failure:
        cloud.create_stack(
            f"Dead-{broken}",
            template_of(stack.directory, f"Dead-{broken}"),
            assets=stack.directory,
            timeout_s=60,
        )
    assert any("Custom::IncidentSmokeTest" in reason for reason in failure.value.reasons)
    assert cloud.incidents() == []


def template_of(assembly: Path, stack: str) -> dict[str, Any]:
    """Return the synthesised template of a stack."""
    template: dict[str, Any] = json.loads((assembly / f"{stack}.template.json").read_text())
    return template


def test_broken_code_never_reaches_live_alarms(cloud: LocalCloud) -> None:
    """A broken edit rolls back, and the old code serves the live alarm all the while."""
    cloud.deploy(APP, context={"stack": "Live"})
    reason = failed_deployment(cloud, stack="Live", **{"break": "code"})
    assert "broken on purpose" in reason
    assert statuses(cloud)["Live"] == "UPDATE_ROLLBACK_COMPLETE"
    fire(cloud, "Live")
    assert cloud.wait_for_incident(title="Live-Alarm")["status"] == "OPEN"


def test_changed_route_runs_the_smoke_test_again(cloud: LocalCloud) -> None:
    """An update that changes what is proven runs the test; one that changes nothing of it does not."""
    starts = []
    for title in ("{title}", "{title}", "Shop: {title}"):
        cloud.deploy(APP, context={"stack": "Again", "title": title})
        starts.append(sum("Again" in start["plan"] for start in cloud.starts))
    assert starts == [1, 1, 2]


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


def test_rule_brings_its_events(cloud: LocalCloud) -> None:
    """An event that a rule matches opens an incident by its route; the next of its cause joins that."""
    app = cloud.cdk.synthesise(APP, context={"stack": "Ruled"})
    cloud.create_stack("Ruled", template_of(app.directory, "Ruled"), assets=app.directory)
    entry = {
        "Source": "shop",
        "DetailType": "Stock is empty",
        "Detail": "{}",
        "Resources": ["arn:aws:s3:::x"],
    }
    for _ in range(2):
        cloud.client("events").put_events(Entries=[entry])
    record = cloud.wait_for_incident(title="Stock is empty")
    assert record["impact"] == 2
    wait_for_note(cloud, record["arn"], "1 more signal has joined")
    assert [start["title"] for start in cloud.starts if "Stock" in start["title"]] == [record["title"]]


def test_deletion_never_fails(cloud: LocalCloud) -> None:
    """A stack whose canary and quiet plan somebody removed by hand is deleted all the same."""
    cloud.deploy(APP, context={"stack": "Gone"})
    cloudwatch, incidents = cloud.client("cloudwatch"), cloud.client("ssm-incidents")
    names = [alarm["AlarmName"] for alarm in cloudwatch.describe_alarms()["MetricAlarms"]]
    cloudwatch.delete_alarms(AlarmNames=[name for name in names if "Canary" in name])
    for plan in incidents.list_response_plans()["responsePlanSummaries"]:
        if "QuietPlan" in plan["name"]:
            incidents.delete_response_plan(arn=plan["arn"])
    cloud.delete_stack("Gone")
    assert "Gone" not in statuses(cloud)
