"""What a deployment finds of people, plans and doors around it: what it broke fails it, the rest warns."""

from __future__ import annotations

import contextlib
import datetime as dt
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pytest

from cdk_incidents.local.errors import DeployError
from tests.loopback.proven import (
    LEGACY,
    Pipeline,
    left_the_cloud,
    make_legacy,
    role_without,
    told,
    waiting,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from cdk_incidents.local import LocalCloud
    from tests.loopback.proven import Edit

    Undo = Callable[[], object]

# One cloud, in which one thing after another is not as it should be.
pytestmark = pytest.mark.xdist_group("preflight")
ACCOUNT = "000000000000"
PLANS = f"arn:aws:ssm-incidents::{ACCOUNT}:response-plan"


@pytest.fixture
def cloud(deployed: LocalCloud) -> Iterator[LocalCloud]:
    """Give the cloud; nobody is told of anything, and nothing is left."""
    told_before = left_the_cloud(deployed)
    yield deployed
    assert left_the_cloud(deployed) == told_before
    assert waiting(deployed) == {}
    assert deployed.incidents() == []


def engage(cloud: LocalCloud, *contacts: str) -> Undo:
    """Let the imported plan engage somebody."""
    incidents, arn = cloud.client("ssm-incidents"), f"{PLANS}/{LEGACY}"
    incidents.update_response_plan(arn=arn, engagements=list(contacts))
    return lambda: incidents.update_response_plan(arn=arn, engagements=[])


# --- what is broken by hand, each returning what undoes it


def plan_is_gone(cloud: LocalCloud) -> Undo:
    """Delete the imported plan."""
    cloud.client("ssm-incidents").delete_response_plan(arn=f"{PLANS}/{LEGACY}")
    return lambda: make_legacy(cloud)


def plan_is_changed(cloud: LocalCloud) -> Undo:
    """Change the app's own plan in the console."""
    incidents, arn = cloud.client("ssm-incidents"), f"{PLANS}/checkout"
    incidents.update_response_plan(arn=arn, incidentTemplateTitle="Changed in the console")
    return lambda: incidents.update_response_plan(arn=arn, incidentTemplateTitle="Checkout is failing")


def contact_is_gone(cloud: LocalCloud) -> Undo:
    """Let a plan engage somebody who has left."""
    contacts = cloud.client("ssm-contacts")
    arn = contacts.create_contact(Alias="left", Type="PERSONAL", Plan={"Stages": []})["ContactArn"]
    undo = engage(cloud, arn)
    contacts.delete_contact(ContactId=arn)
    return undo


def contact_has_no_channels(cloud: LocalCloud) -> Undo:
    """Let a plan engage somebody who has no channel."""
    contacts = cloud.client("ssm-contacts")
    arn = contacts.create_contact(Alias="mute", Type="PERSONAL", Plan={"Stages": []})["ContactArn"]
    unengage = engage(cloud, arn)

    def undo() -> None:
        unengage()
        contacts.delete_contact(ContactId=arn)

    return undo


def channel_has_lapsed(cloud: LocalCloud) -> Undo:
    """Let Ada have another phone, which she has not activated."""
    contacts = cloud.client("ssm-contacts")
    ada = f"arn:aws:ssm-contacts:us-east-1:{ACCOUNT}:contact/ada"
    channel, *_ = contacts.list_contact_channels(ContactId=ada)["ContactChannels"]
    contacts.deactivate_contact_channel(ContactChannelId=channel["ContactChannelArn"])
    return cloud.activate_channels


def rotation_covers(*hours: tuple[int, int], days: int = 7) -> Callable[[LocalCloud], Undo]:
    """Let the rotation cover these hours only, of so many days from the day after tomorrow."""

    def hand(cloud: LocalCloud) -> Undo:
        contacts = cloud.client("ssm-contacts")
        (rotation,) = contacts.list_rotations()["Rotations"]
        arn = rotation["RotationArn"]
        before = contacts.get_rotation(RotationId=arn)["Recurrence"]
        first = dt.datetime.now(dt.timezone.utc) + dt.timedelta(days=2)
        coverage = [
            {
                "Start": {"HourOfDay": begin, "MinuteOfHour": 0},
                "End": {"HourOfDay": min(end, 23), "MinuteOfHour": 59 if end > 23 else 0},
            }
            for begin, end in hours
        ]
        names = [f"{first + dt.timedelta(days=day):%a}".upper() for day in range(days)]
        contacts.update_rotation(
            RotationId=arn, Recurrence={**before, "ShiftCoverages": dict.fromkeys(names, coverage)}
        )
        return lambda: contacts.update_rotation(RotationId=arn, Recurrence=before)

    return hand


def rotation_has_a_gap(cloud: LocalCloud) -> Undo:
    """Let the rotation leave out an hour of each day, far from this one."""
    hour = 6 if dt.datetime.now(ZoneInfo("Europe/Berlin")).hour >= 12 else 18
    return rotation_covers((0, hour), (hour + 1, 24))(cloud)


def topic_refuses(cloud: LocalCloud) -> Undo:
    """Take away what lets Incident Manager publish to the chat's topic."""
    topics, arn = cloud.client("sns"), f"arn:aws:sns:us-east-1:{ACCOUNT}:chat"
    before = topics.get_topic_attributes(TopicArn=arn)["Attributes"]["Policy"]
    nobody = {
        "Version": "2012-10-17",
        "Statement": [{**json.loads(before)["Statement"][0], "Effect": "Deny"}],
    }
    topics.set_topic_attributes(TopicArn=arn, AttributeName="Policy", AttributeValue=json.dumps(nobody))
    return lambda: topics.set_topic_attributes(TopicArn=arn, AttributeName="Policy", AttributeValue=before)


def runbook_is(document: str, **more: Any) -> Callable[[LocalCloud], Undo]:
    """Let the imported plan start a runbook."""

    def hand(cloud: LocalCloud) -> Undo:
        incidents, arn = cloud.client("ssm-incidents"), f"{PLANS}/{LEGACY}"
        role = f"arn:aws:iam::{ACCOUNT}:role/runbook"
        automation = {"documentName": document, "roleArn": role, **more}
        incidents.update_response_plan(arn=arn, actions=[{"ssmAutomation": automation}])
        return lambda: incidents.update_response_plan(arn=arn, actions=[])

    return hand


def set_without_the_region(cloud: LocalCloud) -> Undo:
    """Let the replication set be of another Region only."""
    here, there = (cloud.client("ssm-incidents", region) for region in ("us-east-1", "eu-west-1"))
    (arn,) = here.list_replication_sets()["replicationSetArns"]

    def change(client: Any, action: str, region: str) -> None:
        client.update_replication_set(arn=arn, actions=[{action: {"regionName": region}}])

    change(here, "addRegionAction", "eu-west-1")
    change(there, "deleteRegionAction", "us-east-1")

    def undo() -> None:
        change(there, "addRegionAction", "us-east-1")
        change(here, "deleteRegionAction", "eu-west-1")

    return undo


def alias_drops_its_failures(cloud: LocalCloud) -> Undo:
    """Take the failure destination from a live alias."""
    functions, of = cloud.client("lambda"), {"FunctionName": "shop", "Qualifier": "Critical"}
    before = functions.get_function_event_invoke_config(**of)
    functions.put_function_event_invoke_config(**of, MaximumRetryAttempts=2)
    return lambda: functions.put_function_event_invoke_config(
        **of, MaximumRetryAttempts=2, DestinationConfig=before["DestinationConfig"]
    )


def alias_keeps_alarms_out(cloud: LocalCloud) -> Undo:
    """Take away what lets alarms invoke a live alias."""
    functions, of = cloud.client("lambda"), {"FunctionName": "shop", "Qualifier": "Critical"}
    (statement,) = json.loads(functions.get_policy(**of)["Policy"])["Statement"]
    functions.remove_permission(**of, StatementId=statement["Sid"])
    return lambda: functions.add_permission(
        **of,
        StatementId=statement["Sid"],
        Action="lambda:InvokeFunction",
        Principal="lambda.alarms.cloudwatch.amazonaws.com",
        SourceAccount=ACCOUNT,
    )


def alarm_is_silent(cloud: LocalCloud) -> Undo:
    """Disable the live alarm's actions."""
    cloudwatch = cloud.client("cloudwatch")
    cloudwatch.disable_alarm_actions(AlarmNames=["shop-errors"])
    return lambda: cloudwatch.enable_alarm_actions(AlarmNames=["shop-errors"])


def set_is(status: str) -> Callable[[LocalCloud], Undo]:
    """Let the replication set be in a status."""

    def hand(cloud: LocalCloud) -> Undo:
        cloud.set_replication_status(status)
        return lambda: cloud.set_replication_status("ACTIVE")

    return hand


@dataclass(frozen=True)
class Fault:
    """One thing that is not as it should be."""

    finding: str
    seen: str
    by_hand: Callable[[LocalCloud], Undo] | None = None
    edit: Edit | None = None
    of: str = LEGACY
    """Whose digest a deployment that broke it changes."""


FAULTS = [
    Fault("plan-missing", "legacy", plan_is_gone),
    Fault("plan-differs", "Changed in the console", plan_is_changed, of="checkout"),
    Fault("contact-missing", "left", contact_is_gone),
    Fault("contact-without-channels", "mute", contact_has_no_channels),
    Fault("nobody-on-call", "on call", rotation_covers((0, 23), days=1), of="checkout"),
    Fault("topic-refuses", ":chat", topic_refuses, of="checkout"),
    Fault("runbook-missing", "no-such-document", runbook_is("no-such-document")),
    Fault(
        "runbook-version-missing",
        "version 99",
        runbook_is("AWSIncidents-CriticalIncidentRunbookTemplate", documentVersion="99"),
    ),
    Fault(
        "runbook-parameters",
        "NoSuchParameter",
        runbook_is("AWSIncidents-CriticalIncidentRunbookTemplate", parameters={"NoSuchParameter": ["x"]}),
    ),
    Fault(
        "trigger-permissions",
        "StartEngagement",
        edit=role_without("ssm-contacts:StartEngagement"),
        of="Trigger",
    ),
]
LATER = [
    Fault("channel-not-activated", "ada", channel_has_lapsed, of="checkout"),
    Fault("rota-gap", "(nobody is from", rotation_has_a_gap, of="checkout"),
    Fault("route-destination", "Critical", alias_drops_its_failures, of="Trigger"),
    Fault("route-permission", "Critical", alias_keeps_alarms_out, of="Trigger"),
    Fault("alarm-actions-disabled", "shop-errors", alarm_is_silent, of="Trigger"),
]
ALWAYS = [
    Fault("replication-set-not-active", "FAILED", set_is("FAILED"), of="Test"),
    Fault("region-not-in-set", "eu-west-1", set_without_the_region, of="Test"),
]


@contextlib.contextmanager
def broken(cloud: LocalCloud, fault: Fault) -> Iterator[None]:
    """Break it by hand, and mend it again."""
    undo = fault.by_hand(cloud) if fault.by_hand else list
    try:
        yield
    finally:
        undo()


def outcome(cloud: LocalCloud, pipeline: Pipeline, fault: Fault, changes: str) -> str:
    """Deploy; return what the test said, or the reason of the failure."""
    edits = [fault.edit] if fault.edit else []
    try:
        pipeline.update(cloud, pipeline.edited(*edits, changes=changes))
    except DeployError as failed:
        return " ".join(failed.reasons)
    return told(cloud)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.finding)
def test_what_a_deployment_broke_fails_it(cloud: LocalCloud, pipeline: Pipeline, fault: Fault) -> None:
    """The same finding warns if it was so before, and fails the deployment that brings it."""
    with broken(cloud, fault):
        # The role that lacks a right is in the template: there is no deployment before the one that broke it.
        if fault.by_hand:
            before = outcome(cloud, pipeline, fault, "Test")
            assert before.startswith("passed: ")
            assert f"warning: {fault.finding}: " in before
        brought = outcome(cloud, pipeline, fault, fault.of)
    assert "failed at preflight" in brought
    assert f"{fault.finding}: " in brought
    assert fault.seen in brought


@pytest.mark.parametrize("fault", LATER, ids=lambda fault: fault.finding)
def test_what_is_mended_later_warns(cloud: LocalCloud, pipeline: Pipeline, fault: Fault) -> None:
    """No deployment can mend it before it ends: it passes, and says so."""
    with broken(cloud, fault):
        result = outcome(cloud, pipeline, fault, fault.of)
    assert result.startswith("passed: ")
    assert f"warning: {fault.finding}: " in result
    assert fault.seen in result


@pytest.mark.parametrize("fault", ALWAYS, ids=lambda fault: fault.finding)
def test_without_a_set_nothing_starts(cloud: LocalCloud, pipeline: Pipeline, fault: Fault) -> None:
    """Whoever broke it, no incident can start here: every deployment that runs the test fails."""
    with broken(cloud, fault):
        result = outcome(cloud, pipeline, fault, fault.of)
    assert "failed at preflight" in result
    assert f"{fault.finding}: " in result
    assert fault.seen in result


def test_all_is_well_again(cloud: LocalCloud, pipeline: Pipeline) -> None:
    """What was found was each test's own; the imported plan tells nobody, which it says each time."""
    pipeline.update(cloud, pipeline.edited(changes="Test"))
    result = told(cloud)
    assert result.startswith("passed: preflight ")
    assert [part.partition(":")[0] for part in result.split("; warning: ")[1:]] == ["plan-reaches-nobody"]
