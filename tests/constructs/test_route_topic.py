"""Routes to topics: which topics they take, and what the function and its role are told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns
from incidents_runtime.settings import routes_in

from cdk_incidents import IncidentTrigger

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.synthesis import Make, Synth

FUNCTION = "AWS::Lambda::Function"
VERSION = "AWS::Lambda::Version"
SNS = {"Fn::Join": ["", ["sns.", {"Ref": "AWS::Region"}, ".amazonaws.com"]]}
THROUGH_SNS = {"StringEquals": {"kms:ViaService": SNS}}
THEIRS = "arn:aws:sns:eu-west-1:444455556666:their-topic"


def publishes(make: Make, topic: Any, stack: cdk.Stack | None = None, **changes: Any) -> Synth:
    """Return a stack whose trigger publishes to a topic."""
    stack = stack or cdk.Stack.of(topic)
    IncidentTrigger(stack, "Trigger").add_route("Team", topic=topic, **changes)
    return make.synth(stack)


def topic_read(synth: Synth) -> str | None:
    """Return the topic that the function reads."""
    code = synth.properties(FUNCTION)["Code"]["ZipFile"]
    text = code if isinstance(code, str) else "".join(map(_shown, code["Fn::Join"][1]))
    return routes_in(text.splitlines())["Team"].topic_arn


def _shown(part: Any) -> str:
    return part if isinstance(part, str) else f"<{part['Ref']}>"


def allowed(synth: Synth) -> list[tuple[Any, Any, Any]]:
    """Return what the role may do with topics and keys."""
    (inline,) = synth.properties("AWS::IAM::Role", "TriggerRole")["Policies"]
    return [
        (each["Action"], each["Resource"], each.get("Condition"))
        for each in inline["PolicyDocument"]["Statement"]
        if "sns:" in str(each["Action"]) or "kms:" in str(each["Action"])
    ]


def test_a_topic_of_the_stack_is_known_by_reference(make: Make) -> None:
    """A topic without a name is published to, and nothing of Incident Manager may be used."""
    topic = sns.Topic(make.stack(), "Topic")
    synth = publishes(make, topic)
    reference = {"Ref": synth.id_of("AWS::SNS::Topic")}
    assert topic_read(synth) == f"<{reference['Ref']}>"
    assert allowed(synth) == [("sns:Publish", [reference], None)]
    assert "ssm-incidents:" not in str(synth.properties("AWS::IAM::Role", "TriggerRole"))
    assert synth.of_type("AWS::IAM::Policy") == {}


def test_a_renamed_topic_makes_a_new_version(make: Make) -> None:
    """An old version goes on with the old name, so another name must be another version."""
    synths = [publishes(make, sns.Topic(make.stack(), "Topic", topic_name=name)) for name in ("one", "two")]
    own = "arn:<AWS::Partition>:sns:<AWS::Region>:<AWS::AccountId>:"
    assert [topic_read(synth) for synth in synths] == [f"{own}one", f"{own}two"]
    assert len({synth.id_of(VERSION) for synth in synths}) == 2


def test_the_topics_key_may_be_used(make: Make) -> None:
    """To an encrypted topic one publishes with its key, which may be used through SNS only."""
    stack = make.stack()
    synth = publishes(make, sns.Topic(stack, "Topic", master_key=kms.Key(stack, "Key")))
    key = {"Fn::GetAtt": [synth.id_of("AWS::KMS::Key"), "Arn"]}
    assert allowed(synth)[1:] == [(["kms:Decrypt", "kms:GenerateDataKey"], [key], THROUGH_SNS)]


def test_an_imported_topic(make: Make) -> None:
    """A topic that exists, another account's too, is known by its ARN."""
    stack = make.stack(env=make.env)
    synth = publishes(make, sns.Topic.from_topic_arn(stack, "Topic", THEIRS))
    assert topic_read(synth) == THEIRS
    assert allowed(synth) == [("sns:Publish", [THEIRS], None)]


def test_a_topic_of_another_stack_makes_no_export(make: Make) -> None:
    """A team's topic is named by a text, its stack may come later, and nothing is exported."""
    app = make.app()
    central, team = cdk.Stack(app, "Central", env=make.env), cdk.Stack(app, "Team", env=make.env)
    synth = publishes(make, sns.Topic(team, "Topic", topic_name="pages"), central)
    assert topic_read(synth) == "arn:<AWS::Partition>:sns:eu-west-1:111122223333:pages"
    assert synth.dependencies == []
    assert make.synth(team).exports() == []


def test_the_key_of_another_stack_makes_no_export(make: Make) -> None:
    """A key has no name to write down: its account's keys may be used, through SNS alone."""
    app = make.app()
    central, team = cdk.Stack(app, "Central"), cdk.Stack(app, "Team")
    topic = sns.Topic(team, "Topic", topic_name="pages", master_key=kms.Key(team, "Key"))
    synth = publishes(make, topic, central)
    place: list[Any] = ["arn:", {"Ref": "AWS::Partition"}, ":kms:", {"Ref": "AWS::Region"}, ":"]
    keys = {"Fn::Join": ["", [*place, {"Ref": "AWS::AccountId"}, ":key/*"]]}
    assert allowed(synth)[1:] == [(["kms:Decrypt", "kms:GenerateDataKey"], [keys], THROUGH_SNS)]
    assert synth.dependencies == []
    assert make.synth(team).exports() == []


def test_what_a_route_does_besides_is_the_same(make: Make) -> None:
    """All but the failover Regions is the same for any destination."""
    topic = sns.Topic(make.stack(), "Topic")
    synth = publishes(make, topic, impact=2, title="{key}", dedupe_key="{account}", auto_resolve=True)
    text = "".join(map(_shown, synth.properties(FUNCTION)["Code"]["ZipFile"]["Fn::Join"][1]))
    route = routes_in(text.splitlines())["Team"]
    assert (route.impact, route.title, route.dedupe_key, route.auto_resolve) == (
        2,
        "{key}",
        "{account}",
        True,
    )


REFUSED: dict[str, tuple[Callable[[Make], object], str]] = {
    "an-arn": (
        lambda make: publishes(make, THEIRS, make.stack()),
        r"topic must be an SNS topic \(got 'arn:.*'\): import one with sns\.Topic\.from_topic_arn\.$",
    ),
    "fifo": (
        lambda make: publishes(make, sns.Topic(make.stack(), "Topic", fifo=True)),
        r"topic must be a standard topic \(got 'Stack/Topic'\): ",
    ),
    "another-region": (
        lambda make: publishes(
            make,
            sns.Topic.from_topic_arn(make.stack(), "Topic", THEIRS.replace("eu-west-1", "us-east-1")),
            make.stack(env=make.env),
        ),
        r"topic must be in the trigger's Region, eu-west-1 \(got 'Stack/Topic in us-east-1'\): make one ther",
    ),
    "unnamed-of-another-stack": (
        lambda make: publishes(make, sns.Topic(make.stack("Other"), "Topic"), make.stack()),
        r"topic must be named, since its stack is another than the trigger's \(got 'Other/Topic'\): pass",
    ),
    "fallback-of-another-region": (
        lambda make: IncidentTrigger(
            make.stack(env=make.env),
            "T",
            fallback=sns.Topic.from_topic_arn(make.stack(), "F", THEIRS.replace("eu-west-1", "us-east-1")),
        ),
        r"fallback must be in the trigger's Region, eu-west-1 \(got 'Stack/F in us-east-1'\): make one there",
    ),
    "fallback-fifo": (
        lambda make: IncidentTrigger(make.stack(), "T", fallback=sns.Topic(make.stack(), "F", fifo=True)),
        r"fallback must be a standard topic \(got 'Stack/F'\): ",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refuses_what_it_could_not_publish_to(make: Make, case: str) -> None:
    """What would fail at each signal, or make an export, is refused at synth."""
    act, message = REFUSED[case]
    with pytest.raises(ValueError, match=f"^{message}"):
        act(make)


@pytest.mark.parametrize("argument", ["fallback", "topic"])
@pytest.mark.parametrize("account", ["444455556666", "111122223333"])
def test_warns_of_a_topic_of_another_account(make: Make, argument: str, account: str) -> None:
    """Its policy is not ours: what nobody may publish nobody is told."""
    stack = make.stack(env=make.env)
    topic = sns.Topic.from_topic_arn(stack, "Topic", f"arn:aws:sns:eu-west-1:{account}:theirs")
    fallback = topic if argument == "fallback" else sns.Topic(stack, "Own")
    trigger = IncidentTrigger(stack, "Trigger", trigger_name="central", fallback=fallback)
    trigger.add_route("Team", topic=topic if argument == "topic" else sns.Topic(stack, "Own"))
    texts = [text for _, _, text in make.synth(stack).messages if "cdk-incidents:publish-policy" in text]
    if account == "111122223333":
        assert texts == []
        return
    (text,) = texts
    assert text.startswith(
        f"{argument} must let the trigger publish to it (got Stack/Topic of 444455556666, "
    )
    assert "central-eu-west-1 of 111122223333" in text
    assert ("cloudwatch.amazonaws.com" in text) == (argument == "fallback")


def test_exactly_one_destination(make: Make) -> None:
    """A route without a destination, or with two, is refused."""
    stack = make.stack()
    trigger = IncidentTrigger(stack, "Trigger")
    rule = r"^destination must be exactly one of response_plan, ops_items and topic \(got '{}'\): pass one of"
    with pytest.raises(ValueError, match=rule.format("none")):
        trigger.add_route("None")
    plan, topic = make.plan(stack), sns.Topic(stack, "Topic")
    with pytest.raises(ValueError, match=rule.format("response_plan and topic")):
        trigger.add_route("Two", response_plan=plan, topic=topic)
