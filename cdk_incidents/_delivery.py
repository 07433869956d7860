"""What EventBridge and SNS do with what they cannot deliver: retries, then a queue for dead letters."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import Annotations, Duration, Stack
from aws_cdk import aws_iam as iam

from cdk_incidents._arn import same_deployment
from cdk_incidents._checks import check_range, is_token, refusal

if TYPE_CHECKING:
    from aws_cdk import aws_kms as kms
    from aws_cdk import aws_sqs as sqs
    from aws_cdk.interfaces.aws_events import IRuleRef
    from constructs import IConstruct

_MINUTE, _DAY = 60, 86_400
_EVENTS = "events.amazonaws.com"


def check_retries(retry_attempts: int | None, max_event_age: Duration | None) -> None:
    """Refuse what EventBridge would refuse: https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_RetryPolicy.html."""
    check_range("retry_attempts", retry_attempts, minimum=0, maximum=185, remedy="0 never tries again.")
    if max_event_age is None:
        return
    rule = "a Duration of 1 minute to 1 day"
    if not isinstance(max_event_age, Duration):
        raise refusal("max_event_age", rule, max_event_age, "e.g. Duration.hours(1).")
    if not max_event_age.is_unresolved() and not _MINUTE <= max_event_age.to_seconds(integral=False) <= _DAY:
        raise refusal("max_event_age", rule, max_event_age.to_human_string(), "e.g. Duration.hours(1).")


def check_queue(queue: sqs.IQueue | None) -> None:
    """Refuse what is no queue, above all an ARN."""
    if queue is not None and not hasattr(queue, "queue_arn"):
        raise refusal("dead_letter_queue", "a queue", queue, "import one with sqs.Queue.from_queue_arn.")


def check_place(queue: sqs.IQueue, user: IConstruct) -> None:
    """Refuse a queue of another Region."""
    here, there = Stack.of(user).region, queue.env.region
    if here != there and not is_token(here) and not is_token(there):
        raise refusal(
            "dead_letter_queue",
            f"in the Region of {user.node.path}, {here}",
            f"{queue.node.path} in {there}",
            "make one there.",
        )


def let_rule_send(rule: IRuleRef, queue: sqs.IQueue) -> None:
    """Let a rule put its dead letters into a queue, with the key that encrypts it."""
    from aws_cdk import aws_sqs as sqs  # noqa: PLC0415 - who has a queue has loaded it

    if queue.encryption_type == sqs.QueueEncryption.KMS_MANAGED:
        raise refusal(
            "dead_letter_queue",
            "encrypted by SQS or by a key of your own",
            f"{queue.node.path} with alias/aws/sqs",
            f"AWS's own key does not let {_EVENTS} in.",
        )
    from aws_cdk import aws_events as events  # noqa: PLC0415 - the same

    stack = Stack.of(rule)
    # By name of the rule where that makes no cycle between stacks.
    source = (
        events.CfnRule.arn_for_rule(rule)
        if same_deployment(rule, queue)
        else stack.format_arn(service="events", resource="rule", resource_name="*")
    )
    added = queue.add_to_resource_policy(
        iam.PolicyStatement(
            principals=[iam.ServicePrincipal(_EVENTS)],
            actions=["sqs:SendMessage"],
            resources=[queue.queue_arn],
            conditions={"ArnLike": {"aws:SourceArn": source}},
        )
    )
    if not added.statement_added:
        Annotations.of(rule).add_warning_v2(
            "cdk-incidents:dead-letter-policy",
            f"dead_letter_queue must let {_EVENTS} send to it, or dead letters are lost (got"
            f" {queue.node.path}, an import, whose policy nobody here knows): allow it sqs:SendMessage, and"
            " kms:Decrypt and kms:GenerateDataKey* on the queue's key, if it has one.",
        )
    elif queue.encryption_master_key is not None:
        _let_use(rule, queue.encryption_master_key)


def let_account_send(queue: sqs.Queue) -> None:
    """Let all rules and topics of the account put their dead letters into a queue.

    One for all: SQS takes 20 statements of a queue, and one that named a rule would tie the rule's stack to
    the queue's.
    https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-policies.html
    """
    stack = Stack.of(queue)
    rules = stack.format_arn(service="events", resource="rule", resource_name="*")
    # A topic may be of another Region.
    topics = stack.format_arn(service="sns", region="*", resource="*")
    queue.add_to_resource_policy(
        iam.PolicyStatement(
            principals=[iam.ServicePrincipal(_EVENTS), iam.ServicePrincipal("sns.amazonaws.com")],
            actions=["sqs:SendMessage"],
            resources=[queue.queue_arn],
            conditions={"ArnLike": {"aws:SourceArn": [rules, topics]}},
        )
    )


def let_role_send(role: iam.IRole, queue: sqs.IQueue) -> None:
    """Let a role put dead letters into a queue, with the key that encrypts it."""
    queue.grant(role, "sqs:SendMessage")
    if queue.encryption_master_key is not None:
        queue.encryption_master_key.grant(role, "kms:Decrypt", "kms:GenerateDataKey")


def _let_use(rule: IRuleRef, key: kms.IKey) -> None:
    key.add_to_resource_policy(
        iam.PolicyStatement(
            principals=[iam.ServicePrincipal(_EVENTS)],
            actions=["kms:Decrypt", "kms:GenerateDataKey*"],
            resources=["*"],
            conditions={"StringEquals": {"aws:SourceAccount": Stack.of(rule).account}},
        )
    )
