"""What Incident Manager is let into for a plan: topics of any origin, and the keys that encrypt them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns

from cdk_incidents import ChatChannel, IncidentTemplate, ResponsePlan

if TYPE_CHECKING:
    from tests.synthesis import Make, Synth

PLAN = "AWS::SSMIncidents::ResponsePlan"
POLICY = "AWS::SNS::TopicPolicy"
KEY = "AWS::KMS::Key"
WAYS = ["notification_topics", "chat_channel"]


def plan_of(scope: cdk.Stack, way: str, topic: sns.ITopic | sns.Topic, name: str = "Plan") -> ResponsePlan:
    """Return a plan that publishes to a topic, by either argument."""
    if way == "chat_channel":
        incident = IncidentTemplate.low(title="Title")
        return ResponsePlan(scope, name, incident=incident, chat_channel=ChatChannel.topics(topic))
    incident = IncidentTemplate.low(title="Title", notification_topics=[topic])
    return ResponsePlan(scope, name, incident=incident)


def statements_of_the_service(document: dict[str, Any]) -> list[dict[str, Any]]:
    """Return what a policy says of Incident Manager."""
    principal = {"Service": "ssm-incidents.amazonaws.com"}
    return [each for each in document["Statement"] if each["Principal"] == principal]


@pytest.fixture(scope="module", params=["no-flags", "cdk-init", "policies-of-their-own"])
def shared(request: pytest.FixtureRequest, make: Make) -> Synth:
    """Return a stack where three plans share an encrypted topic, two of them in both ways."""
    stack = make.stack(context=make.flags[request.param])
    topic = sns.Topic(stack, "Topic", master_key=kms.Key(stack, "Key"), enforce_ssl=True)
    incident = IncidentTemplate.low(title="Title", notification_topics=[topic])
    for name in ("One", "Two"):
        ResponsePlan(stack, name, incident=incident, chat_channel=ChatChannel.topics(topic))
    plan_of(stack, "chat_channel", topic, "Three")
    return make.synth(stack)


def test_plans_share_a_topics_statement(shared: Synth) -> None:
    """However many plans publish to a topic, and in whichever way, its policy says so once."""
    (statement,) = statements_of_the_service(shared.properties(POLICY)["PolicyDocument"])
    assert statement["Action"] == "sns:Publish"
    assert statement["Condition"] == {
        "StringEqualsIfExists": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}
    }


def test_plans_share_a_keys_statement(shared: Synth) -> None:
    """The service may use an encrypted topic's key for this account; its policy says so once."""
    (statement,) = statements_of_the_service(shared.properties(KEY)["KeyPolicy"])
    assert statement == {
        "Action": ["kms:Decrypt", "kms:GenerateDataKey*"],
        "Effect": "Allow",
        "Principal": {"Service": "ssm-incidents.amazonaws.com"},
        "Resource": "*",
        "Condition": {"StringEqualsIfExists": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}},
    }


def test_every_plan_waits_for_topic_and_key(shared: Synth) -> None:
    """The service proves a topic while it makes a plan, so it must be let in before each of them."""
    for name in ("One", "Two", "Three"):
        assert {shared.id_of(POLICY), shared.id_of(KEY)} <= set(shared.one(PLAN, name)["DependsOn"])
    assert shared.messages == []


@pytest.mark.parametrize("way", WAYS)
def test_takes_a_key_by_its_own_alias(make: Make, way: str) -> None:
    """An alias of the app leads to its key, whose policy is added to."""
    stack = make.stack()
    alias = kms.Alias(stack, "Alias", alias_name="alias/topics", target_key=kms.Key(stack, "Key"))
    plan_of(stack, way, sns.Topic(stack, "Topic", master_key=alias))
    synth = make.synth(stack)
    assert len(statements_of_the_service(synth.properties(KEY)["KeyPolicy"])) == 1
    assert synth.id_of(KEY) in synth.comes_after(synth.id_of(PLAN))


@pytest.mark.parametrize("way", WAYS)
def test_warns_of_a_key_whose_policy_nobody_here_knows(make: Make, way: str) -> None:
    """A topic of the app may have an imported key, of which synth says what it must allow."""
    stack = make.stack()
    arn = "arn:aws:kms:eu-west-1:111122223333:key/12345678-1234-1234-1234-123456789012"
    key = kms.Key.from_key_arn(stack, "Theirs", arn)
    plan_of(stack, way, sns.Topic(stack, "Topic", master_key=key))
    ((path, level, text),) = make.synth(stack).messages
    assert (path, level) == ("/Stack/Plan", "warning")
    assert text == (
        f"{way}: the key must let ssm-incidents.amazonaws.com use it (got Stack/Theirs, an import, whose"
        " policy nobody here knows): allow it kms:Decrypt and kms:GenerateDataKey* there."
        " [ack: cdk-incidents:topic-key]"
    )


@pytest.mark.parametrize("way", WAYS)
def test_refuses_a_topic_with_the_key_of_aws(make: Make, way: str) -> None:
    """The key that AWS manages for SNS lets no other service in, and nobody can change that."""
    stack = make.stack()
    key = kms.Alias.from_alias_name(stack, "Own", "alias/aws/sns")
    topic = sns.Topic(stack, "Topic", master_key=key)
    message = (
        rf"^{way} must be encrypted with a customer managed key, or not at all \(got 'alias/aws/sns'\): AWS's"
        r" own key lets no other service in; make a kms\.Key\.$"
    )
    with pytest.raises(ValueError, match=message):
        plan_of(stack, way, topic)


@pytest.mark.parametrize("way", WAYS)
def test_warns_once_of_an_imported_topic(make: Make, way: str) -> None:
    """Of an import synth says what its policy must allow, and its key's with it, told or not."""
    stack = make.stack(env=make.env)
    arn = "arn:aws:sns:eu-west-1:111122223333:theirs"
    key_arn = "arn:aws:kms:eu-west-1:111122223333:key/12345678-1234-1234-1234-123456789012"
    topic = sns.Topic.from_topic_attributes(stack, "Theirs", topic_arn=arn, key_arn=key_arn)
    plan_of(stack, way, topic)
    ((_, _, text),) = make.synth(stack).messages
    assert text.startswith(
        f"{way} must let ssm-incidents.amazonaws.com publish, or the plan cannot be created"
    )
    assert "kms:Decrypt and kms:GenerateDataKey* on the topic's key, if it has one." in text


PLACES = {
    "Here": "eu-west-1:111122223333",
    "OtherRegion": "us-east-1:111122223333",
    "OtherAccount": "eu-west-1:444455556666",
}


def topic_in(scope: cdk.Stack, place: str, name: str = "Topic") -> sns.ITopic:
    """Return a topic that exists."""
    return sns.Topic.from_topic_arn(scope, name, f"arn:aws:sns:{PLACES[place]}:topic")


@pytest.mark.parametrize("way", WAYS)
def test_refuses_a_topic_of_another_account(make: Make, way: str) -> None:
    """The service publishes to topics of the plan's account only, so another one is refused."""
    stack = make.stack(env=make.env)
    message = (
        rf"^{way} must be topics of the plan's own account, 111122223333 \(got 'Stack/Topic of"
        r" 444455556666'\): make one in this account, and forward from there\.$"
    )
    with pytest.raises(ValueError, match=message):
        plan_of(stack, way, topic_in(stack, "OtherAccount"))


def test_warns_of_a_topic_of_another_region(make: Make) -> None:
    """AWS's guide wants the plan's Region on one page, and all of the set's on another: synth says so."""
    stack = make.stack(env=make.env)
    for place in ("Here", "OtherRegion"):
        topic = topic_in(stack, place, f"{place}Topic")
        for way in WAYS:
            plan_of(stack, way, topic, f"{place}-{way}")
    found = {path: text for path, _, text in make.synth(stack).messages if "topic-policy" not in text}
    assert found == {
        f"/Stack/OtherRegion-{way}": (
            f"{way} must be of the plan's own Region, eu-west-1, by one page of AWS's guide (got"
            " Stack/OtherRegionTopic in us-east-1): another page suggests a topic in each Region of the"
            " replication set. Have one here too, and acknowledge this where yours was seen to work."
            " [ack: cdk-incidents:topic-region]"
        )
        for way in WAYS
    }


def test_takes_any_topic_where_synth_does_not_know_the_place(make: Make) -> None:
    """Where the stack names no account and Region, an import of any place is taken."""
    stack = make.stack()
    for place in PLACES:
        topic = topic_in(stack, place, f"{place}Topic")
        for way in WAYS:
            plan_of(stack, way, topic, f"{place}-{way}")
    texts = [text for _, _, text in make.synth(stack).messages]
    assert len(texts) == 2 * len(PLACES)
    assert all("[ack: cdk-incidents:topic-policy]" in text for text in texts)


@pytest.mark.parametrize("way", WAYS)
def test_takes_a_topic_of_another_stack(make: Make, way: str) -> None:
    """A topic of another stack of the app gets its statement there, and that stack comes first."""
    app = make.app()
    there, here = cdk.Stack(app, "There", env=make.env), cdk.Stack(app, "Here", env=make.env)
    plan_of(here, way, sns.Topic(there, "Topic", master_key=kms.Key(there, "Key")))
    theirs, ours = make.synth_all(there, here)
    assert len(statements_of_the_service(theirs.properties(POLICY)["PolicyDocument"])) == 1
    assert len(statements_of_the_service(theirs.properties(KEY)["KeyPolicy"])) == 1
    assert ours.dependencies == ["There"]
