"""SNS topics as arguments: CDK's interface, and its class, which pyright does not take for that."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cdk_incidents._checks import refusal

if TYPE_CHECKING:
    from typing import TypeAlias

    from aws_cdk import aws_sns as sns

    Topic: TypeAlias = sns.ITopic | sns.TopicBase


def check_topic(argument: str, topic: Topic) -> None:
    """Refuse what is no topic, above all an ARN, and a FIFO topic, which CloudFormation refuses here.

    The ARN may hold no dot, and a FIFO topic's ends in ``.fifo``:
    https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-properties-ssmincidents-responseplan-notificationtargetitem.html
    """
    if not hasattr(topic, "topic_arn"):
        raise refusal(argument, "an SNS topic", topic, "import one with sns.Topic.from_topic_arn.")
    if topic.fifo:
        raise refusal(argument, "a standard topic", topic.node.path, "the service takes no FIFO topic.")
