"""What a trigger may do, action by action: with routes to everything, and with one kind alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import aws_cdk as cdk
import cdk_nag
import pytest
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns
from aws_cdk import aws_ssmcontacts as ssmcontacts

from cdk_incidents import (
    Impact,
    IncidentBudget,
    IncidentTemplate,
    IncidentTrigger,
    OpsItems,
    RelatedItem,
    ReplicationSet,
    ResponsePlan,
    SmokeTest,
    Suppression,
)
from tests.constructs.permitted import (
    VIA_INCIDENT_MANAGER,
    Permission,
    expect,
    own,
    permitted,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.synthesis import Make, Synth

VIA_SNS = {"StringEquals": {"kms:ViaService": "sns.eu-west-1.amazonaws.com"}}
THEIR_CALENDAR = "arn:aws:ssm:eu-west-1:444455556666:document/freeze"


def permissions_of(synth: Synth) -> list[Permission]:
    """Return what the trigger's role may do: actions, resources and conditions, one by one."""
    role = synth.id_of("AWS::IAM::Role", "TriggerRole")
    resource = synth.resources[role]["Properties"]
    assert set(resource) == {"AssumeRolePolicyDocument", "Policies", "RoleName"}
    documents = [policy["PolicyDocument"] for policy in resource["Policies"]]
    documents += [
        policy["Properties"]["PolicyDocument"]
        for kind in ("AWS::IAM::Policy", "AWS::IAM::ManagedPolicy")
        for policy in synth.of_type(kind).values()
        if {"Ref": role} in policy["Properties"]["Roles"]
    ]
    return permitted(documents)


ALWAYS = [
    *expect("dynamodb:GetItem PutItem UpdateItem", "<TriggerLedger>"),
    *expect("sqs:SendMessage", "<TriggerRetries>", "<TriggerDeadLetters>"),
    *expect(
        "sqs:ChangeMessageVisibility DeleteMessage GetQueueAttributes ReceiveMessage",
        "<TriggerRetries>",
    ),
    *expect("logs:CreateLogStream PutLogEvents", "<TriggerLog>"),
    # With anything narrower CloudWatch tells nothing of composite alarms.
    *expect("cloudwatch:DescribeAlarms", "*"),
]
TO_OPSCENTER = [
    *expect("ssm:CreateOpsItem DescribeOpsItems", "*"),
    *expect("ssm:GetOpsItem UpdateOpsItem", own("ssm", "opsitem/*")),
]
TO_THE_TOPIC = [
    *expect("sns:Publish", "<Topic>"),
    *expect("kms:Decrypt GenerateDataKey", "<Key>", condition=VIA_SNS),
]
LOOK_AT_QUIET = expect("ssm-incidents:GetResponsePlan", "<Quiet>")
CALENDARS = expect("ssm:GetCalendarState", own("ssm", "document/maintenance"), THEIR_CALENDAR)
TO_THE_FALLBACK = expect("sns:Publish", "<Fallback>")


def to_plans(**plans: str) -> list[Permission]:
    """Return what a trigger may do with plans, by their logical ids and names."""
    arns = [f"<{logical_id}>" for logical_id in plans]
    records = [own("ssm-incidents", f"incident-record/{name}/*", region="") for name in plans.values()]
    follow = "ssm-incidents:CreateTimelineEvent GetIncidentRecord ListRelatedItems UpdateIncidentRecord"
    return [
        *expect("ssm-incidents:StartIncident", *arns),
        *expect(follow, *arns, *records),
        *expect("ssm-incidents:TagResource", *records),
        *expect("ssm-incidents:ListIncidentRecords", "*"),
        *expect("ssm:CreateOpsItem", "*", condition=VIA_INCIDENT_MANAGER),
    ]


@pytest.fixture(scope="module", params=["no-flags", "cdk-init", "policies-of-their-own"])
def all_of_it(request: pytest.FixtureRequest, make: Make) -> Synth:
    """Return a trigger with every argument and routes to everything."""
    stack = make.stack(env=make.env, context=make.flags[request.param])
    trigger = IncidentTrigger(
        stack,
        "Trigger",
        fallback=sns.Topic(stack, "Fallback"),
        health_plan=make.plan(stack, "HealthPlan"),
        budget=IncidentBudget(ceiling=100),
        failover_regions=["eu-central-1"],
    )
    windows = [Suppression.while_closed("maintenance"), Suppression.while_open(THEIR_CALENDAR)]
    pages = [RelatedItem.url("Runbook", "https://example.com"), RelatedItem.arn("Involved", "{resources.0}")]
    everything: dict[str, Any] = {
        "impact": Impact.LOW,
        "title": "{title}",
        "dedupe_key": "{key}",
        "related_items": pages,
        "suppression": windows,
        "auto_resolve": True,
    }
    topic = sns.Topic(stack, "Topic", master_key=kms.Key(stack, "Key"))
    trigger.add_route("Plan", response_plan=make.plan(stack, name="checkout"), **everything)
    trigger.add_route("OpsItems", ops_items=OpsItems(severity=1), **everything)
    trigger.add_route("Topic", topic=topic, **everything)
    SmokeTest(stack, "SmokeTest", trigger=trigger, quiet_plan=make.plan(stack, "Quiet", name="quiet"))
    return make.synth(stack)


def test_all_of_it(all_of_it: Synth) -> None:
    """These are its permissions; a further one is a decision, and failover Regions need none."""
    expected = [
        *ALWAYS,
        *to_plans(Plan="checkout", Quiet="quiet"),
        *LOOK_AT_QUIET,
        *TO_OPSCENTER,
        *TO_THE_TOPIC,
        *CALENDARS,
        *TO_THE_FALLBACK,
    ]
    assert permissions_of(all_of_it) == sorted(expected)


def plan_route(make: Make, trigger: IncidentTrigger) -> list[Permission]:
    """Add a route to a plan."""
    trigger.add_route("Route", response_plan=make.plan(trigger.node.scope, name="checkout"))  # type: ignore[arg-type]
    return to_plans(Plan="checkout")


def ops_items_route(_: Make, trigger: IncidentTrigger) -> list[Permission]:
    """Add a route to OpsItems."""
    trigger.add_route("Route", ops_items=OpsItems())
    return TO_OPSCENTER


def topic_route(_: Make, trigger: IncidentTrigger) -> list[Permission]:
    """Add a route to a topic."""
    stack = trigger.node.scope
    topic = sns.Topic(stack, "Topic", master_key=kms.Key(stack, "Key"))  # type: ignore[arg-type]
    trigger.add_route("Route", topic=topic)
    return TO_THE_TOPIC


@pytest.mark.parametrize("add", [plan_route, ops_items_route, topic_route])
def test_each_destination_by_itself(
    make: Make, add: Callable[[Make, IncidentTrigger], list[Permission]]
) -> None:
    """A trigger may do what its routes lead to, and nothing of what they do not."""
    stack = make.stack(env=make.env)
    expected = add(make, IncidentTrigger(stack, "Trigger"))
    assert permissions_of(make.synth(stack)) == sorted([*ALWAYS, *expected])


def test_ops_items_as_a_fallback(make: Make) -> None:
    """What is made as a last resort is never looked at again."""
    stack = make.stack(env=make.env)
    trigger = IncidentTrigger(stack, "Trigger", fallback=OpsItems())
    expected = [*topic_route(make, trigger), *expect("ssm:CreateOpsItem", "*")]
    assert permissions_of(make.synth(stack)) == sorted([*ALWAYS, *expected])


def test_a_users_own_cdk_nag_finds_nothing_with_an_encrypted_fallback(make: Make) -> None:
    """CDK's own grant on a topic's key has a wildcard in its action."""
    app = make.app()
    cdk.Validations.of(app).add_plugins(cdk_nag.AwsSolutionsChecks())
    stack = cdk.Stack(app, "Stack")
    key = kms.Key(stack, "Key", enable_key_rotation=True)
    fallback = sns.Topic(stack, "Fallback", master_key=key, enforce_ssl=True)
    trigger = IncidentTrigger(stack, "Trigger", fallback=fallback)
    trigger.add_route("Critical", response_plan=make.plan(stack))
    assert "kms:GenerateDataKey*" in [action for action, _, _ in permissions_of(make.synth(stack))]


def test_the_set_gives_no_rights(make: Make) -> None:
    """Plans and records have no Region in their ARNs: failing over takes no further right."""
    stack = make.stack(env=make.env)
    trigger = IncidentTrigger(stack, "Trigger")
    ReplicationSet(stack, "ReplicationSet", regions=["eu-west-1", "eu-central-1"])
    expected = plan_route(make, trigger)
    assert permissions_of(make.synth(stack)) == sorted([*ALWAYS, *expected])


def test_a_users_own_cdk_nag_finds_nothing(make: Make) -> None:
    """Each wildcard is acknowledged with its reason: for failing over, OpsItems, and another stack's key."""
    app = make.app()
    cdk.Validations.of(app).add_plugins(cdk_nag.AwsSolutionsChecks())
    stack, team = cdk.Stack(app, "Stack"), cdk.Stack(app, "Team")
    contact = ssmcontacts.CfnContact(stack, "Ada", alias="ada", display_name="Ada", type="PERSONAL")
    incident = IncidentTemplate.critical(title="Checkout is failing")
    plan = ResponsePlan(stack, "Plan", incident=incident, engagements=[contact])
    key = kms.Key(team, "Key", enable_key_rotation=True)
    topic = sns.Topic(team, "Pages", topic_name="pages", master_key=key, enforce_ssl=True)
    trigger = IncidentTrigger(stack, "Trigger", fallback=OpsItems(), failover_regions=["us-east-2"])
    trigger.add_route("Plan", response_plan=plan)
    trigger.add_route("OpsItems", ops_items=OpsItems(), suppression=[Suppression.while_open("freeze")])
    trigger.add_route("Topic", topic=topic)
    (engaged,) = [arn for action, arn, _ in permissions_of(make.synth(stack)) if "Engage" in action]
    assert engaged.endswith(":ssm-contacts:*:<AWS::AccountId>:contact/ada")
