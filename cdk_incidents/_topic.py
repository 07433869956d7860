"""SNS topics as arguments: CDK's interface, and its class, which pyright does not take for that."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cdk_incidents._checks import refusal

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import TypeAlias

    from aws_cdk import aws_sns as sns

    Topic: TypeAlias = sns.ITopic | sns.TopicBase


def check_topics(argument: str, topics: Sequence[Topic]) -> None:
    """Refuse what is no topic, above all an ARN, and FIFO topics, which CloudFormation refuses here.

    The ARN may hold no dot, and a FIFO topic's ends in ``.fifo``:
    https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-properties-ssmincidents-responseplan-notificationtargetitem.html
    """
    for topic in topics:
        if not hasattr(topic, "topic_arn"):
            raise refusal(
                argument, "SNS topics", topic, "import it with sns.Topic.from_topic_arn(scope, id, arn)."
            )
        if topic.fifo:
            raise refusal(argument, "standard topics", topic.node.path, "the service takes no FIFO topic.")
