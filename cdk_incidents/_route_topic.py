"""A topic that signals are published to: as an argument, and by the ARN that the function is told."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import Annotations, Stack

from cdk_incidents._arn import same_deployment
from cdk_incidents._checks import is_token, refusal
from cdk_incidents._names import role_name
from cdk_incidents._places import place_of

if TYPE_CHECKING:
    from aws_cdk import aws_kms as kms
    from constructs import IConstruct

    from cdk_incidents._topic import Topic


def check_topic_of_ours(argument: str, topic: Topic, rule: str) -> None:
    """Refuse what is no topic, above all an ARN, and a FIFO topic: signals have no message group."""
    if not hasattr(topic, "topic_arn"):
        raise refusal(argument, rule, topic, "import one with sns.Topic.from_topic_arn.")
    if topic.fifo:
        raise refusal(argument, "a standard topic", topic.node.path, "alarms take no FIFO topic either.")


def check_region_of_topic(user: IConstruct, argument: str, topic: Topic) -> None:
    """Refuse a topic of another Region, to which nothing is sent from here."""
    here, there = place_of(user).region, topic.env.region
    if here != there and not is_token(here) and not is_token(there):
        raise refusal(
            argument, f"in the trigger's Region, {here}", f"{topic.node.path} in {there}", "make one there."
        )


def warn_of_foreign_topic(user: IConstruct, argument: str, topic: Topic, trigger_name: str) -> None:
    """Tell what the owner of a topic must allow: nobody here knows its policy."""
    here, theirs = place_of(user).account, topic.env.account
    if theirs == here or is_token(theirs) or is_token(here):
        return
    role = role_name(trigger_name, place_of(user).region)
    alarms = ", cloudwatch.amazonaws.com for the alarms of that account too" if argument == "fallback" else ""
    Annotations.of(user).add_warning_v2(
        "cdk-incidents:publish-policy",
        f"{argument} must let the trigger publish to it (got {topic.node.path} of {theirs}, whose policy"
        f" nobody here knows): allow {role} of {here} sns:Publish there{alarms}; and kms:Decrypt and"
        " kms:GenerateDataKey on its key, if it has one.",
    )


def key_arn_seen_from(key: kms.IKey, user: IConstruct) -> str:
    """Return a key's ARN for a policy; of another stack's, which has no name, all keys of that account."""
    from aws_cdk import aws_kms as kms  # noqa: PLC0415 - few topics have a key

    if not isinstance(key.node.default_child, kms.CfnKey) or same_deployment(key, user):
        return key.key_arn
    account = Stack.of(key).account
    return Stack.of(user).format_arn(service="kms", account=account, resource="key", resource_name="*")


def topic_arn_seen_from(topic: Topic, user: IConstruct) -> str:
    """Return a topic's ARN for a trigger.

    A text where synth knows the topic's name: a changed name must make a version of the function, and an
    export to another stack would block later changes.
    """
    from aws_cdk import aws_sns as sns  # noqa: PLC0415 - most routes lead to a plan

    resource = topic.node.default_child
    if not isinstance(resource, sns.CfnTopic):
        return topic.topic_arn
    theirs = Stack.of(topic)
    name = theirs.resolve(resource.topic_name)
    if isinstance(name, str):
        stack = Stack.of(user)
        return stack.format_arn(service="sns", account=theirs.account, resource=name)
    if same_deployment(topic, user):
        return topic.topic_arn
    raise refusal(
        "topic",
        "named, since its stack is another than the trigger's",
        topic.node.path,
        "pass topic_name= there.",
    )
