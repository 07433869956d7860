"""Constructs created, changed argument by argument, replaced and deleted by CloudFormation."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_sns as sns
from aws_cdk import aws_ssm as ssm

import cdk_incidents as incidents
from cdk_incidents.local import LocalCloud
from tests.synthesis import Make

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Build = Callable[[cdk.Stack], object]

EMAIL = incidents.ContactChannel.email("ada@example.com")
SMS = incidents.ContactChannel.sms("+14255550101")
MINUTES = cdk.Duration.minutes


@pytest.fixture(scope="module")
def cloud() -> Iterator[LocalCloud]:
    """Give a cloud."""
    with LocalCloud() as running:
        yield running


class Stack:
    """A stack that is deployed again and again."""

    numbers = itertools.count()

    def __init__(self, cloud: LocalCloud, make: Make) -> None:
        self.cloud = cloud
        self.name = f"Changing{next(self.numbers)}"
        self._make = make
        self._exists = False

    def deploy(self, build: Build) -> None:
        """Create the stack, or update it."""
        stack = self._make.stack(self.name)
        build(stack)
        template = self._make.synth(stack).template
        if self._exists:
            self.cloud.update_stack(self.name, template)
        else:
            self.cloud.create_stack(self.name, template)
        self._exists = True

    def ids(self, kind: str) -> list[str]:
        """Return the physical ids of its resources of a type."""
        found = self.cloud.client("cloudformation").list_stack_resources(StackName=self.name)
        return [
            resource["PhysicalResourceId"]
            for resource in found["StackResourceSummaries"]
            if resource["ResourceType"] == kind and resource["ResourceStatus"] != "DELETE_COMPLETE"
        ]

    def pages(self) -> list[tuple[str, int]]:
        """Start an incident of its only plan and return its pages: by what, after how many minutes."""
        self.cloud.activate_channels()
        service = self.cloud.client("ssm-incidents")
        (plan,) = self.ids("AWS::SSMIncidents::ResponsePlan")
        arn = service.start_incident(responsePlanArn=plan)["incidentRecordArn"]
        self.cloud.clock.play_out()
        service.update_incident_record(arn=arn, status="RESOLVED")
        return [
            (page["channel"], round(page["after_s"] / 60))
            for page in self.cloud.pages
            if page["incident_record_arn"] == arn
        ]


@pytest.fixture
def stack(cloud: LocalCloud, tmp_path: Any) -> Iterator[Stack]:
    """Give a stack, and delete it afterwards with nothing left."""
    made = Stack(cloud, Make(tmp_path))
    yield made
    cloud.delete_stack(made.name)
    assert cloud.client("ssm-incidents").list_response_plans()["responsePlanSummaries"] == []
    assert cloud.client("ssm-contacts").list_contacts()["Contacts"] == []
    assert cloud.client("ssm-contacts").list_rotations()["Rotations"] == []


def plan_for(scope: cdk.Stack, *engaged: incidents.IContact, **changes: Any) -> incidents.ResponsePlan:
    """Return a plan that engages somebody."""
    template = incidents.IncidentTemplate.critical(title="Checkout is failing")
    return incidents.ResponsePlan(scope, "Plan", **{"incident": template, "engagements": engaged, **changes})


def contact(**changes: Any) -> Build:
    """Return what builds a contact, and a plan that pages it."""

    def build(scope: cdk.Stack) -> None:
        given = {"display_name": "Ada", "channels": [EMAIL], **changes}
        plan_for(scope, incidents.Contact(scope, "Ada", **given))

    return build


def test_contact_changes_in_place(stack: Stack) -> None:
    """A name, a further channel, another plan: the same contact, whose channels stay activated."""
    stack.deploy(contact())
    assert stack.pages() == [("EMAIL", minute) for minute in range(0, 30, 5)]
    before = stack.ids("AWS::SSMContacts::Contact")
    (email,) = stack.ids("AWS::SSMContacts::ContactChannel")

    first = incidents.ChannelStage(channels=[SMS.retried(MINUTES(2))], duration=MINUTES(4))
    then = incidents.ChannelStage(channels=[EMAIL], duration=MINUTES(5), retry_interval=MINUTES(0))
    stack.deploy(contact(display_name="Ada Lovelace", channels=[SMS, EMAIL], plan=[first, then]))
    assert stack.ids("AWS::SSMContacts::Contact") == before
    service = stack.cloud.client("ssm-contacts")
    assert service.get_contact(ContactId=before[0])["DisplayName"] == "Ada Lovelace"
    assert service.get_contact_channel(ContactChannelId=email)["ActivationStatus"] == "ACTIVATED"
    assert stack.pages() == [("SMS", 0), ("SMS", 2), ("EMAIL", 4)]

    stack.deploy(contact(channels=[SMS]))
    assert email not in stack.ids("AWS::SSMContacts::ContactChannel")
    assert {channel for channel, _ in stack.pages()} == {"SMS"}


def test_contact_of_another_alias_is_another_contact(stack: Stack) -> None:
    """An alias replaces the contact and its channels, which must be activated anew."""
    stack.deploy(contact(alias="ada"))
    stack.deploy(contact(alias="lovelace"))
    (arn,) = stack.ids("AWS::SSMContacts::Contact")
    assert arn.endswith("contact/lovelace")
    (channel,) = stack.ids("AWS::SSMContacts::ContactChannel")
    service = stack.cloud.client("ssm-contacts")
    assert service.get_contact_channel(ContactChannelId=channel)["ActivationStatus"] == "NOT_ACTIVATED"
    assert stack.pages()[0] == ("EMAIL", 0)


def test_another_kind_under_the_same_id(stack: Stack) -> None:
    """A construct id that stands for a contact, then for an escalation plan, deploys: the aliases differ."""

    def person(scope: cdk.Stack, name: str) -> incidents.Contact:
        return incidents.Contact(scope, name, display_name=name, channels=[EMAIL])

    stack.deploy(lambda scope: plan_for(scope, person(scope, "OnCall")))

    def escalation(scope: cdk.Stack) -> None:
        stages = [incidents.Stage(contacts=[person(scope, "Ada")])]
        plan_for(scope, incidents.EscalationPlan(scope, "OnCall", stages=stages))

    stack.deploy(escalation)
    kinds = {found["Type"] for found in stack.cloud.client("ssm-contacts").list_contacts()["Contacts"]}
    assert kinds == {"PERSONAL", "ESCALATION"}
    assert stack.pages()[0] == ("EMAIL", 0)


def test_escalation_plan_changes_in_place(stack: Stack) -> None:
    """Stages change, and with them who is paged when; an acknowledgement of an essential contact stops it."""

    def build(*stages: tuple[str, int]) -> Build:
        def build(scope: cdk.Stack) -> None:
            people = {
                name: incidents.Contact(
                    scope, name, display_name=name, channels=[EMAIL if name == "Ada" else SMS]
                )
                for name in ("Ada", "Grace")
            }
            made = [incidents.Stage(contacts=[people[who]], duration=MINUTES(long)) for who, long in stages]
            plan_for(scope, incidents.EscalationPlan(scope, "Escalation", stages=made))

        return build

    stack.deploy(build(("Ada", 10), ("Grace", 10)))
    assert next(page for page in stack.pages() if page[0] == "SMS") == ("SMS", 10)
    before = stack.ids("AWS::SSMContacts::Contact")
    stack.deploy(build(("Grace", 5), ("Ada", 10)))
    assert sorted(stack.ids("AWS::SSMContacts::Contact")) == sorted(before)
    assert stack.pages()[0] == ("SMS", 0)
    assert next(page for page in stack.pages() if page[0] == "EMAIL") == ("EMAIL", 5)


def test_on_call_schedule_changes_in_place(stack: Stack) -> None:
    """Other turns, zone and members: the same rotation and schedule, which page whoever is on call now."""

    def build(first: str, **changes: Any) -> Build:
        def build(scope: cdk.Stack) -> None:
            people = {
                name: incidents.Contact(
                    scope, name, display_name=name, channels=[EMAIL if name == "Ada" else SMS]
                )
                for name in ("Ada", "Grace")
            }
            rotation = incidents.Rotation(
                contacts=[people.pop(first), *people.values()],
                **{
                    "start": "2020-01-06T09:00:00",
                    "time_zone": "UTC",
                    # Nobody hands over within a hundred months.
                    "recurrence": incidents.Recurrence.monthly({6: "09:00"}, recurrence_multiplier=100),
                    **changes,
                },
            )
            plan_for(scope, incidents.OnCallSchedule(scope, "OnCall", rotations=[rotation]))

        return build

    stack.deploy(build("Ada"))
    assert {channel for channel, _ in stack.pages()} == {"EMAIL"}
    rotation = stack.ids("AWS::SSMContacts::Rotation")
    stack.deploy(build("Grace", time_zone="Europe/Berlin"))
    assert stack.ids("AWS::SSMContacts::Rotation") == rotation
    assert {channel for channel, _ in stack.pages()} == {"SMS"}
    both = incidents.Recurrence.monthly({6: "09:00"}, recurrence_multiplier=100, number_of_on_calls=2)
    stack.deploy(build("Grace", recurrence=both))
    assert {channel for channel, _ in stack.pages()} == {"SMS", "EMAIL"}


def changed(**changes: Any) -> Callable[[cdk.Stack], dict[str, Any]]:
    """Return what gives a plan these arguments."""
    return lambda _: changes


def with_runbook(scope: cdk.Stack) -> dict[str, Any]:
    """Give a plan a runbook."""
    content = {"schemaVersion": "0.3", "mainSteps": [], "parameters": {"Incident": {"type": "String"}}}
    document = ssm.CfnDocument(scope, "Document", document_type="Automation", content=content)
    runbook = incidents.Runbook(document, parameters={"Incident": incidents.Runbook.INCIDENT_ARN})
    return {"runbook": runbook}


@pytest.mark.parametrize(
    ("change", "path", "expected"),
    [
        (changed(display_name="The checkout"), ("displayName",), "The checkout"),
        (changed(incident=incidents.IncidentTemplate.low(title="T")), ("incidentTemplate", "impact"), 4),
        (changed(incident=incidents.IncidentTemplate.low(title="T")), ("incidentTemplate", "title"), "T"),
        (
            changed(incident=incidents.IncidentTemplate.low(title="T", summary="S")),
            ("incidentTemplate", "summary"),
            "S",
        ),
        (
            changed(incident=incidents.IncidentTemplate.low(title="T", dedupe_string="D")),
            ("incidentTemplate", "dedupeString"),
            "D",
        ),
        (
            changed(incident=incidents.IncidentTemplate.low(title="T", tags={"team": "shop"})),
            ("incidentTemplate", "incidentTags"),
            {"team": "shop"},
        ),
        (changed(engagements=()), ("engagements",), []),
        (
            lambda scope: {"chat_channel": incidents.ChatChannel.topics(sns.Topic(scope, "Topic"))},
            ("chatChannel", "chatbotSns"),
            1,
        ),
        (
            lambda scope: {
                "incident": incidents.IncidentTemplate.low(
                    title="T", notification_topics=[sns.Topic(scope, "Topic")]
                )
            },
            ("incidentTemplate", "notificationTargets"),
            1,
        ),
        (with_runbook, ("actions",), 1),
    ],
)
def test_plan_changes_in_place(
    stack: Stack,
    change: Callable[[cdk.Stack], dict[str, Any]],
    path: tuple[str, ...],
    expected: object,
) -> None:
    """Each argument that changes shows in the same plan, and is gone again when it is taken away."""

    def build(scope: cdk.Stack, *, with_change: bool) -> None:
        ada = incidents.Contact(scope, "Ada", display_name="Ada", channels=[EMAIL])
        plan_for(scope, ada, **(change(scope) if with_change else {}))

    def look() -> Any:
        (arn,) = stack.ids("AWS::SSMIncidents::ResponsePlan")
        found = stack.cloud.client("ssm-incidents").get_response_plan(arn=arn)
        for name in path:
            found = found.get(name) if isinstance(found, dict) else None
        return arn, found

    stack.deploy(lambda scope: build(scope, with_change=False))
    before = look()
    stack.deploy(lambda scope: build(scope, with_change=True))
    arn, after = look()
    assert arn == before[0]
    assert (len(after) if expected == 1 else after) == expected
    assert after != before[1]
    stack.deploy(lambda scope: build(scope, with_change=False))
    assert (look()[1] or None) == (before[1] or None)


def test_plan_of_another_name_is_another_plan(stack: Stack) -> None:
    """A name replaces the plan; the old one is gone."""
    stack.deploy(lambda scope: plan_for(scope, response_plan_name="old"))
    stack.deploy(lambda scope: plan_for(scope, response_plan_name="new"))
    service = stack.cloud.client("ssm-incidents")
    assert [plan["name"] for plan in service.list_response_plans()["responsePlanSummaries"]] == ["new"]
