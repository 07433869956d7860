"""The topics of the plans let Incident Manager publish."""

from __future__ import annotations

import json
from typing import Any

import pytest
from incidents_runtime.smoke_test.settings import Declared, Plan, Settings

from tests.runtime.preflight_world import ACCOUNT, World, contact_arn, plan_arn, topic_arn

CHAT, NOTES = topic_arn("chat"), topic_arn("notes")


def policy(**condition: Any) -> str:
    """Return the policy that lets the service in, on a condition."""
    statement: dict[str, Any] = {
        "Effect": "Allow",
        "Principal": {"Service": "ssm-incidents.amazonaws.com"},
        "Action": "SNS:Publish",
        "Resource": "*",
    }
    return json.dumps({"Statement": [{**statement, **({"Condition": condition} if condition else {})}]})


@pytest.fixture
def world() -> World:
    """Return an account whose plan has a topic for its chat and one for notifications."""
    world = World()
    world.plan(chatChannel={"chatbotSns": [CHAT]}, template={"notificationTargets": [{"snsTopicArn": NOTES}]})
    by_the_book = policy(StringEqualsIfExists={"AWS:SourceAccount": ACCOUNT})
    world.topics = {CHAT: {"Policy": by_the_book}, NOTES: {"Policy": by_the_book}}
    return world


def test_topics_that_let_the_service_in(world: World) -> None:
    """AWS's own example of a policy is no finding."""
    assert world.found() == []
    assert world.asked["get_topic_attributes"] == 2


@pytest.mark.parametrize("topic", [CHAT, NOTES])
def test_a_topic_that_is_not_there(world: World, topic: str) -> None:
    """A missing topic of chat or notifications is told by its ARN."""
    del world.topics[topic]
    finding = world.only()
    assert (finding.id, finding.plan) == ("topic-missing", "Checkout")
    assert topic in finding.text


def test_a_topic_without_a_policy_of_its_own_refuses(world: World) -> None:
    """The policy that SNS gives a new topic names its owner's own requests only."""
    default = {
        "Effect": "Allow",
        "Principal": {"AWS": "*"},
        "Action": ["SNS:Publish", "SNS:Subscribe"],
        "Resource": CHAT,
        "Condition": {"StringEquals": {"AWS:SourceOwner": ACCOUNT}},
    }
    world.topics[CHAT]["Policy"] = json.dumps({"Id": "__default_policy_ID", "Statement": [default]})
    finding = world.only()
    assert finding.id == "topic-refuses"
    assert f"the topic {CHAT} must let ssm-incidents.amazonaws.com publish" in finding.text
    assert ACCOUNT in finding.remedy


@pytest.mark.parametrize("kind", ["response-plan/Checkout", "incident-record/Checkout/*"])
@pytest.mark.parametrize("region", ["", "*", "us-east-1"])
def test_any_source_that_the_service_might_name_lets_in(world: World, kind: str, region: str) -> None:
    """Plan or record, with a Region or none: no document says which, so each is good enough."""
    arn = f"arn:aws:ssm-incidents:{region}:{ACCOUNT}:{kind}"
    world.topics[CHAT]["Policy"] = policy(ArnLike={"aws:SourceArn": arn})
    assert world.found() == []


def test_a_plan_is_told_from_another_by_its_arn(world: World) -> None:
    """What people call a plan need not be its name: a policy's source is held against the name."""
    world.settings = Settings(plans=(Plan("Shop/Checkout", plan_arn("Checkout")),))
    world.topics[CHAT]["Policy"] = policy(StringLike={"aws:SourceArn": "*:response-plan/Checkout"})
    assert world.found() == []


@pytest.mark.parametrize(("account", "ids"), [(ACCOUNT, []), ("444455556666", ["topic-refuses"])])
def test_a_policy_for_another_account_shuts_this_one_out(world: World, account: str, ids: list[str]) -> None:
    """The source is of the topic's own account, which is the plan's."""
    world.topics[CHAT]["Policy"] = policy(StringEquals={"aws:SourceAccount": account})
    assert world.ids() == ids


def test_a_topic_of_two_plans_must_let_in_both(world: World) -> None:
    """A policy that names one plan shuts out the other, which alone is told."""
    world.plan("Search", chatChannel={"chatbotSns": [CHAT]})
    world.topics[CHAT]["Policy"] = policy(ArnLike={"aws:SourceArn": plan_arn("Search")})
    finding = world.only()
    assert (finding.id, finding.plan, finding.also) == ("topic-refuses", "Checkout", ())


def test_a_topic_that_a_plan_names_twice_is_told_once(world: World) -> None:
    """Chat and notifications of one plan may share a topic, whatever the plan declares."""
    declared = Declared(runbooks=({"document": "Mend"},))
    world.look_at(Plan("Checkout", plan_arn("Checkout"), declared=declared))
    world.plans[plan_arn("Checkout")]["chatChannel"] = {"chatbotSns": [NOTES]}
    world.topics.clear()
    (finding,) = (finding for finding in world.found() if finding.id == "topic-missing")
    assert finding.text == f"the topic {NOTES} must exist (there is none) (plan Checkout)"


def test_the_key_of_sns_lets_no_service_in(world: World) -> None:
    """A topic encrypted with AWS's own key takes no message of a service; with another key it may."""
    world.topics[CHAT]["KmsMasterKeyId"] = "alias/mine"
    world.topics[NOTES]["KmsMasterKeyId"] = "alias/aws/sns"
    finding = world.only()
    assert finding.id == "topic-refuses"
    assert f"{NOTES} must have a key" in finding.text


def test_a_policy_that_cannot_be_read_is_not_a_refusal(world: World) -> None:
    """What is no policy says nothing, and that is said."""
    world.topics[CHAT]["Policy"] = "none"
    finding = world.only()
    assert finding.id == "not-looked"
    assert "the preflight topics could not be made" in finding.text


def test_a_target_without_a_topic_is_none(world: World) -> None:
    """A union that holds something else, and a topic of another Region, are not asked for."""
    other = "arn:aws:sns:eu-west-1:111122223333:chat"
    world.plan("Other", chatChannel={"chatbotSns": [other]}, engagements=[contact_arn("gone")])
    assert world.ids() == ["contact-missing", "not-looked"]
    assert all(question.get("TopicArn") != other for _, question in world.questions)


def test_topics_of_a_later_plan_are_mended_by_its_stack(world: World) -> None:
    """What a later stack brings may be missing until it is deployed."""
    world.topics.clear()
    world.look_at(Plan("Checkout", plan_arn("Checkout"), later=True))
    assert [finding.mends_later for finding in world.found()] == [True, True]
