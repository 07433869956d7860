"""What a trigger keeps: signals that wait, signals that failed, and which incident is open for what."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_sqs as sqs

from cdk_incidents._delivery import let_account_send
from cdk_incidents._names import dead_letter_queue_name
from cdk_incidents._trigger_function import TIMEOUT_S

if TYPE_CHECKING:
    from constructs import Construct

# SQS's longest.
_KEPT_FOR_DAYS = 14
_MOST_RECEIVES = 200


def dead_letter_queue(scope: Construct, trigger_name: str) -> sqs.Queue:
    """Return the queue of what could not become an incident, open to the account's rules and topics."""
    queue = sqs.Queue(
        scope,
        "DeadLetters",
        queue_name=dead_letter_queue_name(trigger_name),
        encryption=sqs.QueueEncryption.SQS_MANAGED,
        enforce_ssl=True,
        retention_period=Duration.days(_KEPT_FOR_DAYS),
    )
    let_account_send(queue)
    return queue


def retry_queue(scope: Construct, dead_letters: sqs.Queue) -> sqs.Queue:
    """Return the queue of what is tried again, or held back for now."""
    # The handler waits for the service's turns, and lengthens a message's visibility at each try that fails,
    # up to some minutes: 100 tries are hours, and of 500 causes at once nearly each is received once. What a
    # maintenance window holds back waits here as well, and is received each time that the handler looks
    # whether it ended.
    return sqs.Queue(
        scope,
        "Retries",
        encryption=sqs.QueueEncryption.SQS_MANAGED,
        enforce_ssl=True,
        retention_period=Duration.days(_KEPT_FOR_DAYS),
        visibility_timeout=Duration.seconds(6 * TIMEOUT_S),
        dead_letter_queue=sqs.DeadLetterQueue(queue=dead_letters, max_receive_count=_MOST_RECEIVES),
    )


def ledger_table(scope: Construct) -> dynamodb.TableV2:
    """Return the table of which incident is open for which cause."""
    return dynamodb.TableV2(
        scope,
        "Ledger",
        partition_key=dynamodb.Attribute(name="key", type=dynamodb.AttributeType.STRING),
        time_to_live_attribute="expires_at",
        # A cache: the truth is the service's.
        removal_policy=RemovalPolicy.DESTROY,
    )
