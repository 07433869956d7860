"""Redrive: bring dead letters back to the retry queue, each with its route."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from .deployed_trigger import said_plainly

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .deployed_trigger import DeployedTrigger

_HIDDEN_S = 120
_BATCH = 10
_ALIAS_ARN = re.compile(r"arn:[^:]+:lambda:[^:]+:[^:]*:function:[^:]+:([A-Za-z0-9_-]+)")
# They belong to the dead letter and not to the event: its reason and title, and since when it was held back.
_NOT_KEPT = frozenset({"Reason", "Title", "Held", "Route"})
_MOST_ATTRIBUTES = 10


@dataclass(frozen=True)
class DeadLetter:
    """A message of the dead-letter queue.

    Attributes
    ----------
    route
        where it will go; empty if it says none and none was given
    title
        of the incident that is missing; what looks like a secret is hidden in it, as in the reason
    reason
        why it ended here
    since
        when it did
    """

    route: str
    title: str
    reason: str
    since: datetime
    body: str
    attributes: dict[str, dict[str, Any]]
    receipt_handle: str


class Redrive:
    """What brings a trigger's dead letters back.

    Parameters
    ----------
    trigger
        the trigger
    route
        the route of those that name none of the trigger's routes; such letters stay where they are by default

    Raises
    ------
    OperationError
        if the trigger has no such route

    Notes
    -----
    Needs `sqs:ReceiveMessage`, `sqs:ChangeMessageVisibility` and `sqs:DeleteMessage` on the dead-letter
    queue, and `sqs:SendMessage` on the retry queue.
    """

    def __init__(self, trigger: DeployedTrigger, *, route: str | None = None) -> None:
        if route is not None:
            trigger.check_route(route)
        self._trigger = trigger
        self._route = route or ""
        self._queues = trigger.client("sqs")

    def letters(self) -> Iterator[DeadLetter]:
        """Give each dead letter once; nobody else sees it for two minutes.

        Raises
        ------
        OperationError
            if AWS refuses
        """
        seen: set[str] = set()
        while True:
            with said_plainly("sqs"):
                answer = self._queues.receive_message(
                    QueueUrl=self._trigger.dead_letter_queue_url,
                    MaxNumberOfMessages=_BATCH,
                    VisibilityTimeout=_HIDDEN_S,
                    # So that every server of the queue is asked: then nothing means nothing.
                    WaitTimeSeconds=1,
                    AttributeNames=["SentTimestamp"],
                    MessageAttributeNames=["All"],
                )
            new = [message for message in answer.get("Messages", []) if message["MessageId"] not in seen]
            if not new:
                return
            seen |= {message["MessageId"] for message in new}
            yield from map(self._letter, new)

    def send(self, letter: DeadLetter) -> None:
        """Send a letter to the retry queue, and then delete it: in doubt it is there twice, and joins.

        Raises
        ------
        OperationError
            if AWS refuses; then the dead letter is kept
        """
        kept = {name: value for name, value in letter.attributes.items() if name not in _NOT_KEPT}
        route = {"Route": {"DataType": "String", "StringValue": letter.route}}
        with said_plainly("sqs"):
            self._queues.send_message(
                QueueUrl=self._trigger.retry_queue_url,
                MessageBody=letter.body,
                MessageAttributes=dict([*route.items(), *kept.items()][:_MOST_ATTRIBUTES]),
            )
            self._queues.delete_message(
                QueueUrl=self._trigger.dead_letter_queue_url, ReceiptHandle=letter.receipt_handle
            )

    def keep(self, letter: DeadLetter) -> None:
        """Let a letter be seen again at once.

        Raises
        ------
        OperationError
            if AWS refuses; then it is seen in two minutes
        """
        with said_plainly("sqs"):
            self._queues.change_message_visibility(
                QueueUrl=self._trigger.dead_letter_queue_url,
                ReceiptHandle=letter.receipt_handle,
                VisibilityTimeout=0,
            )

    def _letter(self, message: dict[str, Any]) -> DeadLetter:
        attributes = message.get("MessageAttributes", {})
        told = {name: str(value.get("StringValue", "")) for name, value in attributes.items()}
        body = str(message["Body"])
        payload, failed_at = _failure_record(body)
        named = told.get("Route") or _alias(failed_at or told.get("TARGET_ARN", ""))
        route = named if named in self._trigger.routes else self._route
        sent_ms = int(message.get("Attributes", {}).get("SentTimestamp", 0))
        return DeadLetter(
            route=route,
            title=told.get("Title") or "(no title)",
            reason=told.get("Reason") or told.get("ERROR_MESSAGE") or "(no reason)",
            since=datetime.fromtimestamp(sent_ms / 1000, timezone.utc),
            # A failure record of another route does not name this one.
            body=body if payload is None or _alias(failed_at) == route else payload,
            attributes=attributes,
            receipt_handle=message["ReceiptHandle"],
        )


def _failure_record(body: str) -> tuple[str | None, str]:
    """Give a failure record's event and the ARN it failed at; None if it is no such record."""
    try:
        record = json.loads(body)
        return json.dumps(record["requestPayload"]), str(record["requestContext"]["functionArn"])
    except (ValueError, TypeError, KeyError, RecursionError):
        return None, ""


def _alias(arn: str) -> str:
    named = _ALIAS_ARN.fullmatch(arn)
    return named[1] if named else ""
