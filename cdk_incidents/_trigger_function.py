"""The trigger's function, the role that it has, and what reads the retry queue with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import Duration
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_

from cdk_incidents import _permissions as permissions
from cdk_incidents._nag import acknowledge_runtime, acknowledge_wildcard
from cdk_incidents._names import role_name
from cdk_incidents._places import place_of
from cdk_incidents._route_settings import RETRY
from cdk_incidents._runtime_asset import RuntimeLayer, architecture, runtime

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aws_cdk import aws_dynamodb as dynamodb
    from aws_cdk import aws_logs as logs
    from aws_cdk import aws_sqs as sqs
    from constructs import Construct

TIMEOUT_S = 30
"""How long the function may take."""

_LEDGER = ["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem"]
_QUEUE_READER = [
    "sqs:ChangeMessageVisibility",
    "sqs:DeleteMessage",
    "sqs:GetQueueAttributes",
    "sqs:ReceiveMessage",
]
_LOG_WRITER = ["logs:CreateLogStream", "logs:PutLogEvents"]


def least_role(
    scope: Construct,
    document: iam.PolicyDocument,
    *,
    trigger_name: str,
    ledger: dynamodb.TableV2,
    retries: sqs.Queue,
    dead_letters: sqs.Queue,
    log_group: logs.LogGroup,
) -> iam.Role:
    """Return the function's role with what every trigger does; the document grows with the routes."""
    document.add_statements(
        iam.PolicyStatement(actions=_LEDGER, resources=[ledger.table_arn]),
        iam.PolicyStatement(
            actions=["sqs:SendMessage"], resources=[retries.queue_arn, dead_letters.queue_arn]
        ),
        iam.PolicyStatement(actions=_QUEUE_READER, resources=[retries.queue_arn]),
        iam.PolicyStatement(actions=_LOG_WRITER, resources=[log_group.log_group_arn]),
        iam.PolicyStatement(actions=permissions.ASK_ALARMS, resources=["*"]),
    )
    # Inline, so that whatever waits for the role waits for its permissions too.
    role = iam.Role(
        scope,
        "Role",
        # Fixed at synth, so that a policy of another stack can name it.
        role_name=role_name(trigger_name, place_of(scope).region),
        assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"),
        inline_policies={"Trigger": document},
    )
    acknowledge_wildcard(
        role,
        "*",
        "CreateOpsItem, DescribeOpsItems and ListIncidentRecords know no resource; DescribeAlarms tells"
        " nothing of composite alarms to a role with less.",
    )
    return role


def trigger_function(
    scope: Construct,
    *,
    trigger_name: str,
    index: str,
    environment: Mapping[str, str],
    role: iam.Role,
    log_group: logs.LogGroup,
) -> lambda_.Function:
    """Return the function; `index` is its own file, which tells it its routes."""
    layer = RuntimeLayer.of(scope)
    function = lambda_.Function(
        scope,
        "Function",
        function_name=trigger_name,
        description="Turns signals into incidents (cdk_incidents)",
        runtime=runtime(),
        architecture=architecture(),
        code=lambda_.Code.from_inline(index),
        handler="index.handler",
        layers=[layer],
        environment=environment,
        role=role.without_policy_updates(),
        log_group=log_group,
        memory_size=256,
        timeout=Duration.seconds(TIMEOUT_S),
    )
    acknowledge_runtime(function)
    # A grant on the fallback's key is a policy of its own.
    function.node.add_dependency(role)
    # The function's own hash knows a layer by its logical id, unless a feature flag says otherwise.
    function.invalidate_version_based_on(layer.digest)
    return function


def read_retries(scope: Construct, function: lambda_.Function, retries: sqs.Queue) -> None:
    """Let the function read the retry queue by an alias of its own."""
    alias = lambda_.Alias(scope, RETRY, alias_name=RETRY, version=function.current_version)
    # Under the alias, whose name is reserved: a route may have any other id.
    lambda_.EventSourceMapping(
        alias,
        "Retries",
        target=alias,
        event_source_arn=retries.queue_arn,
        # Whoever waits for the service's next turn keeps no other signal waiting.
        batch_size=1,
        # The service takes 5 starts a second, and one with its ledger takes up to a second.
        max_concurrency=5,
        report_batch_item_failures=True,
    )
