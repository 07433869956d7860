"""assert_plans_reach_somebody: which plans would page or tell anybody."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_secretsmanager as secretsmanager
from aws_cdk import aws_sns as sns
from aws_cdk import aws_ssmcontacts as ssmcontacts

import cdk_incidents as incidents
from cdk_incidents.testing import assert_plans_reach_somebody
from tests.synthesis import CONTACT

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.synthesis import Make

EMAIL = incidents.ContactChannel.email("ada@example.com")


def contact(stack: cdk.Stack, name: str = "Ada") -> incidents.Contact:
    """Return somebody with a channel."""
    return incidents.Contact(stack, name, display_name=name, channels=[EMAIL])


def elsewhere(stack: cdk.Stack) -> cdk.Stack:
    """Return another stack of the app."""
    app = stack.node.root
    assert isinstance(app, cdk.App)
    return cdk.Stack(app, "Contacts")


def mute(stack: cdk.Stack, name: str = "Mute", **properties: Any) -> ssmcontacts.CfnContact:
    """Return somebody without one; the library itself would refuse it."""
    given = {"type": "PERSONAL", "plan": [], **properties}
    return ssmcontacts.CfnContact(stack, name, alias=name.lower(), display_name=name, **given)


def stage(target: dict[str, Any]) -> dict[str, Any]:
    """Return a stage of a contact's plan, as it is written by hand."""
    return {"durationInMinutes": 5, "targets": [target]}


def to_contact(arn: str) -> dict[str, Any]:
    """Return a stage that goes to a contact."""
    return stage({"contactTargetInfo": {"contactId": arn, "isEssential": True}})


def schedule(stack: cdk.Stack, *members: incidents.Contact) -> incidents.OnCallSchedule:
    """Return a schedule of some members."""
    rotation = incidents.Rotation(
        contacts=list(members),
        start="2027-01-04T09:00:00",
        time_zone="UTC",
        recurrence=incidents.Recurrence.daily("09:00"),
    )
    return incidents.OnCallSchedule(stack, "Schedule", rotations=[rotation])


def on_call(stack: cdk.Stack, rotation_id: str) -> str:
    """Return a schedule that was written by hand."""
    stages = [{"rotationIds": [rotation_id]}]
    return mute(stack, "Schedule", type="ONCALL_SCHEDULE", plan=stages).attr_arn


def rotation(stack: cdk.Stack) -> str:
    """Return a rotation of somebody without a channel."""
    return ssmcontacts.CfnRotation(
        stack,
        "Rotation",
        name="rotation",
        contact_ids=[mute(stack).attr_arn],
        start_time="2027-01-04T09:00:00",
        time_zone_id="UTC",
        recurrence=ssmcontacts.CfnRotation.RecurrenceSettingsProperty(
            daily_settings=["09:00"], number_of_on_calls=1, recurrence_multiplier=1
        ),
    ).attr_arn


def plan(stack: cdk.Stack, construct_id: str = "Plan", **options: Any) -> incidents.ResponsePlan:
    """Return a plan that may reach somebody."""
    topics = options.pop("notification_topics", ())
    incident = incidents.IncidentTemplate.critical(title="Checkout is failing", notification_topics=topics)
    return incidents.ResponsePlan(stack, construct_id, incident=incident, **options)


def pager_duty(stack: cdk.Stack) -> incidents.PagerDuty:
    """Return a way to PagerDuty."""
    secret = secretsmanager.Secret.from_secret_complete_arn(
        stack, "Secret", "arn:aws:secretsmanager:eu-west-1:111122223333:secret:token-AbCdEf"
    )
    return incidents.PagerDuty(name="shop", secret=secret, service_id="P123456")


REACHES: dict[str, Callable[[Make, cdk.Stack], Any]] = {
    "a contact": lambda _make, stack: plan(stack, engagements=[contact(stack)]),
    "a contact with an inline plan": lambda make, stack: make.cfn_plan(
        stack,
        engagements=[
            mute(
                stack, plan=[stage({"channelTargetInfo": {"channelId": "arn", "retryIntervalInMinutes": 1}})]
            ).attr_arn
        ],
    ),
    "an escalation plan": lambda _make, stack: plan(
        stack,
        engagements=[
            incidents.EscalationPlan(
                stack, "Escalation", stages=[incidents.Stage(contacts=[schedule(stack, contact(stack))])]
            )
        ],
    ),
    "an import": lambda make, stack: make.cfn_plan(stack, engagements=[CONTACT]),
    "somebody of another stack": lambda make, stack: make.cfn_plan(
        stack, engagements=[contact(elsewhere(stack)).contact_arn]
    ),
    "one of two": lambda make, stack: make.cfn_plan(
        stack, engagements=[mute(stack).attr_arn, contact(stack).contact_arn]
    ),
    "an imported rotation": lambda make, stack: make.cfn_plan(
        stack,
        engagements=[on_call(stack, "arn:aws:ssm-contacts:eu-west-1:111122223333:rotation/1")],
    ),
    "a chat": lambda _make, stack: plan(
        stack, chat_channel=incidents.ChatChannel.topics(sns.Topic(stack, "Chat"))
    ),
    "a topic": lambda _make, stack: plan(stack, notification_topics=[sns.Topic(stack, "Topic")]),
    "PagerDuty": lambda _make, stack: plan(stack, pager_duty=pager_duty(stack)),
}


@pytest.mark.parametrize("way", REACHES)
def test_takes_every_way_to_somebody(make: Make, way: str) -> None:
    """A channel behind whomever the plan engages, a chat, a topic or an integration."""
    stack = make.stack()
    REACHES[way](make, stack)
    assert_plans_reach_somebody(stack)


def round_about(stack: cdk.Stack) -> str:
    """Return an escalation plan that leads back to itself."""
    one = mute(stack, "One", type="ESCALATION")
    another = mute(stack, "Another", type="ESCALATION", plan=[to_contact(one.attr_arn)])
    one.add_property_override("Plan", [])
    ssmcontacts.CfnPlan(
        stack,
        "Stages",
        contact_id=one.attr_arn,
        stages=[
            ssmcontacts.CfnPlan.StageProperty(
                duration_in_minutes=5,
                targets=[
                    ssmcontacts.CfnPlan.TargetsProperty(
                        contact_target_info=ssmcontacts.CfnPlan.ContactTargetInfoProperty(
                            contact_id=another.attr_arn, is_essential=True
                        )
                    )
                ],
            )
        ],
    )
    return one.attr_arn


REACHES_NOBODY: dict[str, tuple[Callable[[Make, cdk.Stack], Any], str]] = {
    "no engagement": (
        lambda make, stack: make.plan(stack),
        "it engages nobody, and tells no chat, topic or integration. Pass engagements=[…].",
    ),
    "a runbook only": (
        lambda _make, stack: plan(stack, runbook=incidents.Runbook("first-aid")),
        "it engages nobody",
    ),
    "a contact without a channel": (
        lambda make, stack: make.cfn_plan(stack, engagements=[mute(stack).attr_arn]),
        "nobody behind Stack/Mute has a channel. Pass channels=[…] to the contacts.",
    ),
    "a schedule of such": (
        lambda make, stack: make.cfn_plan(
            stack,
            engagements=[on_call(stack, rotation(stack))],
        ),
        "nobody behind Stack/Schedule has a channel.",
    ),
    "round about": (
        lambda make, stack: make.cfn_plan(stack, engagements=[round_about(stack)]),
        "nobody behind Stack/One has a channel.",
    ),
}


@pytest.mark.parametrize("way", REACHES_NOBODY)
def test_says_why_a_plan_reaches_nobody(make: Make, way: str) -> None:
    """The message names the plan, whom it engages in vain, and the remedy."""
    arrange, why = REACHES_NOBODY[way]
    stack = make.stack()
    arrange(make, stack)
    with pytest.raises(AssertionError) as raised:
        assert_plans_reach_somebody(stack)
    first, line, last = str(raised.value).splitlines()
    assert first == "1 of 1 response plans of Stack reach nobody:"
    assert line.startswith(("- Stack/Plan (", "- Stack/CfnPlan ("))
    assert why in line
    assert last == "What is meant to be so is named in except_for."


@pytest.mark.parametrize("made", ["by the smoke test", "by hand", "in another stack"])
def test_leaves_out_quiet_plans(make: Make, made: str) -> None:
    """The plan of a smoke test reaches nobody on purpose, whoever made it and wherever it stands."""
    app = make.app()
    stack, other = cdk.Stack(app, "Stack"), cdk.Stack(app, "Other")
    trigger = incidents.IncidentTrigger(stack, "Trigger")
    trigger.add_route("Critical", response_plan=plan(stack, engagements=[contact(stack)]))
    place = {"by hand": stack, "in another stack": other}.get(made)
    quiet = None if place is None else make.plan(place, "Quiet")
    incidents.SmokeTest(stack, "SmokeTest", trigger=trigger, quiet_plan=quiet)
    plan(other, "Told", notification_topics=[sns.Topic(other, "Topic")])
    assert_plans_reach_somebody(stack)
    assert_plans_reach_somebody(other)


@pytest.mark.parametrize(
    "line",
    [
        '{"response_plan_arn": "arn:aws:ssm-incidents::${AWS::AccountId}:response-plan/quiet", "quiet": 1}',
        '{"path": {"kind": "service", "quiet_plan_arn": "${Quiet}"}}',
    ],
)
def test_knows_a_quiet_plan_by_the_trigger_or_by_the_test(line: str) -> None:
    """Either function tells in its own file, by the plan's name or by a reference."""
    told = {"Name": "told", "ChatChannel": {"ChatbotSns": ["arn:aws:sns:eu-west-1:111122223333:chat"]}}
    code: dict[str, Any] = {"ZipFile": {"Fn::Sub": f"from incidents_runtime.x import handler\n# {line}\n"}}
    template: dict[str, Any] = {
        "Resources": {
            "Quiet": {"Type": "AWS::SSMIncidents::ResponsePlan", "Properties": {"Name": "quiet"}},
            "Told": {"Type": "AWS::SSMIncidents::ResponsePlan", "Properties": told},
            "Function": {"Type": "AWS::Lambda::Function", "Properties": {"Code": code}},
        }
    }
    assert_plans_reach_somebody(template)
    code["ZipFile"] = {"Fn::Sub": f"# {{a comment}}\n# {line}\n"}
    with pytest.raises(AssertionError, match=r"- Quiet \(quiet\): it engages nobody"):
        assert_plans_reach_somebody(template)


@pytest.mark.parametrize("pattern", ["Stack/Nobody", "nobody-at-all", "Nobody*"])
def test_leaves_out_what_is_named(make: Make, pattern: str) -> None:
    """A plan is named by its path, its own name or its logical id."""
    stack = make.stack()
    make.plan(stack, "Nobody", name="nobody-at-all")
    plan(stack, engagements=[contact(stack)])
    assert_plans_reach_somebody(stack, except_for=[pattern])
    with pytest.raises(AssertionError, match=r"- Stack/Nobody \(nobody-at-all\): it engages nobody"):
        assert_plans_reach_somebody(stack)


def test_fails_where_there_is_no_plan(make: Make) -> None:
    """A stack without a plan has nothing to assert."""
    with pytest.raises(AssertionError, match=r"^Stack has no response plan: there is nothing to assert"):
        assert_plans_reach_somebody(make.stack())
