"""The way from an SQS queue to a route: an event source mapping on the alias, and what it may do."""

# ruff: noqa: SLF001 - a door of the route, in a file of its own
from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import Annotations, Stack
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sqs as sqs

from cdk_incidents._checks import check_range, is_token, refusal
from cdk_incidents._names import role_name

if TYPE_CHECKING:
    from aws_cdk import aws_iam as iam

    from cdk_incidents._route_base import RouteBase

TIMEOUT_S = 30
"""How long the function may take."""
READ = [
    "sqs:ChangeMessageVisibility",
    "sqs:DeleteMessage",
    "sqs:GetQueueAttributes",
    "sqs:ReceiveMessage",
]
_ENOUGH = 6
_SQS_DEFAULT_S = 30


def read_queue(
    route: RouteBase, queue: sqs.IQueue | sqs.Queue, *, batch_size: int, max_concurrency: int
) -> None:
    """Let a route read a queue; the arguments are those of `IRoute.on_queue`."""
    if not hasattr(queue, "queue_arn"):
        raise refusal("queue", "a queue", queue, "import one with sqs.Queue.from_queue_arn.")
    # More would not fit into the function's time, message by message.
    check_range("batch_size", batch_size, minimum=1, maximum=10, remedy="10 at a time are the most.")
    check_range("max_concurrency", max_concurrency, minimum=2, maximum=1_000, remedy="Lambda's own limits.")
    route._refuse_own_queue(queue)
    _check_place(route, queue)
    _check_visibility(queue)
    arn = route._arn_for(queue, "queue")
    scope = route._reader_scope(queue)
    reader_id = f"{route._trigger_name}-{queue.node.addr[-8:]}"
    if route._has_reader(scope, reader_id):
        raise refusal(
            "queue", "read once by the trigger", queue.node.path, "two readers would share its messages."
        )
    mapping = lambda_.CfnEventSourceMapping(
        scope,
        reader_id,
        function_name=arn,
        event_source_arn=queue.queue_arn,
        batch_size=batch_size,
        scaling_config=lambda_.CfnEventSourceMapping.ScalingConfigProperty(
            maximum_concurrency=max_concurrency
        ),
        # A message that fails comes again alone.
        function_response_types=["ReportBatchItemFailures"],
    )
    # Lambda tries the role's rights while it makes the mapping.
    for granted in _let_read(route, queue):
        granted.apply_before(mapping)


def _let_read(route: RouteBase, queue: sqs.IQueue | sqs.Queue) -> list[iam.Grant]:
    role = route._role_for(queue)
    grants = [queue.grant(role, *READ)]
    if queue.encryption_master_key is not None:
        grants.append(queue.encryption_master_key.grant(role, "kms:Decrypt"))
    return grants


def _check_place(route: RouteBase, queue: sqs.IQueue | sqs.Queue) -> None:
    # Of an import the stack is where it stands in the app, and the environment is the queue's own.
    if route._is_foreign(queue):
        raise refusal(
            "queue",
            f"read from a stack of the trigger's account, {route._account}",
            f"{queue.node.path} in {Stack.of(queue).account}",
            "Lambda reads queues for functions of its own account: let the trigger's stack import the queue"
            " and call on_queue.",
        )
    ours, theirs = route._region, queue.env.region
    if ours != theirs and not is_token(ours) and not is_token(theirs):
        raise refusal(
            "queue", f"in the trigger's Region, {ours}", theirs, "forward its messages to one there."
        )
    here, account = Stack.of(queue).account, queue.env.account
    if account == here or is_token(account) or is_token(here):
        return
    Annotations.of(queue).add_warning_v2(
        "cdk-incidents:queue-policy",
        f"queue must let the trigger's role read it (got {queue.node.path} of {account}, whose policy nobody"
        f" here knows): allow {role_name(route._trigger_name, ours)} of {here} {', '.join(READ)} there, and"
        " kms:Decrypt on its key, if it has one.",
    )


def _check_visibility(queue: sqs.IQueue | sqs.Queue) -> None:
    resource = queue.node.default_child
    if not isinstance(resource, sqs.CfnQueue):
        return
    seconds = resource.visibility_timeout
    seconds = _SQS_DEFAULT_S if seconds is None else seconds
    if is_token(seconds) or seconds >= _ENOUGH * TIMEOUT_S:
        return
    if seconds < TIMEOUT_S:
        raise refusal(
            "queue",
            f"hidden for the function's {TIMEOUT_S} seconds at least",
            f"visibility_timeout of {seconds} seconds",
            f"Lambda does not take it: give it {_ENOUGH * TIMEOUT_S}.",
        )
    Annotations.of(queue).add_warning_v2(
        "cdk-incidents:queue-visibility",
        f"queue should hide a message for {_ENOUGH * TIMEOUT_S} seconds, six times the function's time-out"
        f" (got visibility_timeout of {seconds} at {queue.node.path}): else a message comes again while it is"
        " being handled.",
    )
