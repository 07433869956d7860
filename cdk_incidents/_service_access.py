"""What Incident Manager itself must be let into: topics and their keys, secrets and theirs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import Annotations, Stack

from cdk_incidents._checks import is_token, refusal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aws_cdk import CfnResource
    from aws_cdk import aws_iam as iam
    from aws_cdk import aws_kms as kms
    from aws_cdk import aws_secretsmanager as secretsmanager
    from constructs import Construct

    from cdk_incidents._topic import Topic

SERVICE = "ssm-incidents.amazonaws.com"
_USE_A_KEY = ["kms:Decrypt", "kms:GenerateDataKey*"]
_TOPIC_POLICY = "cdk-incidents:topic-policy"
_TOPIC_KEY = "cdk-incidents:topic-key"
_TOPIC_REGION = "cdk-incidents:topic-region"
_SECRET_POLICY = "cdk-incidents:secret-policy"  # noqa: S105 - the name of a warning
_SECRET_KEY = "cdk-incidents:secret-key"  # noqa: S105 - the same


def let_publish(plan: Construct, resource: CfnResource, argument: str, topics: Sequence[Topic]) -> None:
    """Let the service publish to a plan's topics, with the keys that encrypt them.

    It proves each with a message while it creates the plan, so the plan's resource waits for the policies.
    Plans that share a topic share the statement too: CDK renders the same one once.

    Parameters
    ----------
    plan
        The plan.
    resource
        What waits.
    argument
        The name of the plan's argument, for the messages.
    topics
        The topics.

    Notes
    -----
    https://docs.aws.amazon.com/incident-manager/latest/userguide/chat.html
    """
    for topic in topics:
        _check_place(plan, argument, topic)
        added = topic.add_to_resource_policy(_statement(plan, ["sns:Publish"], topic.topic_arn))
        if added.policy_dependable is not None:
            resource.node.add_dependency(added.policy_dependable)
        if not added.statement_added:
            Annotations.of(plan).add_warning_v2(
                _TOPIC_POLICY,
                f"{argument} must let {SERVICE} publish, or the plan cannot be created (got"
                f" {topic.node.path}, an import, whose policy nobody here knows): allow it sns:Publish with"
                " aws:SourceAccount of this account, and kms:Decrypt and kms:GenerateDataKey* on the topic's"
                " key, if it has one.",
            )
        elif topic.master_key is not None:
            _let_use(plan, resource, argument, topic.master_key, _TOPIC_KEY)


def let_read(plan: Construct, resource: CfnResource, argument: str, secret: secretsmanager.ISecret) -> None:
    """Let the service read a secret, with the key that encrypts it; the plan's resource waits for that.

    Parameters
    ----------
    plan
        The plan.
    resource
        What waits.
    argument
        The name of the plan's argument, for the messages.
    secret
        The secret.

    Notes
    -----
    https://docs.aws.amazon.com/incident-manager/latest/userguide/integrations-pagerduty-secret.html
    """
    added = secret.add_to_resource_policy(_statement(plan, ["secretsmanager:GetSecretValue"], "*"))
    if added.policy_dependable is not None:
        resource.node.add_dependency(added.policy_dependable)
    if not added.statement_added:
        Annotations.of(plan).add_warning_v2(
            _SECRET_POLICY,
            f"{argument}: the secret must let {SERVICE} read it (got {secret.node.path}, an import, whose"
            " policy nobody here knows): allow it secretsmanager:GetSecretValue there, and kms:Decrypt and"
            " kms:GenerateDataKey* on its customer managed key.",
        )
    elif secret.encryption_key is not None:
        _let_use(plan, resource, argument, secret.encryption_key, _SECRET_KEY)


def _check_place(plan: Construct, argument: str, topic: Topic) -> None:
    stack = Stack.of(plan)
    account, region = topic.env.account, topic.env.region
    if not is_token(account) and not is_token(stack.account) and account != stack.account:
        raise refusal(
            argument,
            f"topics of the plan's own account, {stack.account}",
            f"{topic.node.path} of {account}",
            "make one in this account, and forward from there.",
        )
    if not is_token(region) and not is_token(stack.region) and region != stack.region:
        # Two pages of the guide disagree: one wants the same Region, one a topic in each of the set's.
        Annotations.of(plan).add_warning_v2(
            _TOPIC_REGION,
            f"{argument} must be of the plan's own Region, {stack.region}, by one page of AWS's guide (got"
            f" {topic.node.path} in {region}): another page suggests a topic in each Region of the"
            " replication set. Have one here too, and acknowledge this where yours was seen to work.",
        )


def _let_use(plan: Construct, resource: CfnResource, argument: str, key: kms.IKey, warning_id: str) -> None:
    if key.key_id.startswith("alias/aws/"):
        raise refusal(
            argument,
            "encrypted with a customer managed key, or not at all",
            key.key_id,
            "AWS's own key lets no other service in; make a kms.Key.",
        )
    if key.add_to_resource_policy(_statement(plan, _USE_A_KEY, "*")).statement_added:
        # Its policy is a part of the key, and what CDK gives to depend on is no construct.
        resource.node.add_dependency(key)
    else:
        Annotations.of(plan).add_warning_v2(
            warning_id,
            f"{argument}: the key must let {SERVICE} use it (got {key.node.path}, an import, whose policy"
            " nobody here knows): allow it kms:Decrypt and kms:GenerateDataKey* there.",
        )


def _statement(plan: Construct, actions: list[str], resource: str) -> iam.PolicyStatement:
    from aws_cdk import aws_iam as iam  # noqa: PLC0415 - few plans have a topic, a secret or a key

    return iam.PolicyStatement(
        principals=[iam.ServicePrincipal(SERVICE)],
        actions=actions,
        resources=[resource],
        # As AWS's guide has it: whenever the service says for whom it comes, it must be for this account.
        conditions={"StringEqualsIfExists": {"aws:SourceAccount": Stack.of(plan).account}},
    )
