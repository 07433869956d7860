"""How an event came: straight to a route's alias, by a route's own queue, or once more by the retry queue."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from incidents_runtime.shapes import epoch, items, mapping, moment, text

if TYPE_CHECKING:
    from datetime import datetime

# arn:aws:lambda:REGION:ACCOUNT:function:NAME:QUALIFIER
_FUNCTION_PARTS = 7
_ALIAS = re.compile(r"(?!\d+$)[A-Za-z0-9_-]{1,128}", re.ASCII)


@dataclass(frozen=True)
class NotJson:
    """A message's body that is no JSON: kept as it is, and read by nobody."""

    body: str


@dataclass(frozen=True)
class Delivery:
    """An event and the door it came through."""

    event: Any
    function_arn: str
    """The function's ARN without a qualifier."""
    alias: str
    """The route's id; empty if no alias was invoked."""
    held_since: datetime | None = None
    """When it was first held back, if it was."""
    waits_since: datetime | None = None
    """When it came into the retry queue, if it did."""


@dataclass(frozen=True)
class Message:
    """A message of the retry queue."""

    id: str
    receipt_handle: str
    receive_count: int
    body: str
    route: str
    held_since: datetime | None = None
    sent: datetime | None = None

    @classmethod
    def of(cls, record: object) -> Message:
        """Read a record of the queue's batch.

        Parameters
        ----------
        record
            The record.

        Returns
        -------
        Message
            What matters of it.
        """
        fields = mapping(record)
        told = mapping(fields.get("attributes"))
        count = text(told.get("ApproximateReceiveCount"))
        attributes = mapping(fields.get("messageAttributes"))
        # A dead letter of EventBridge knows no route, but the alias that it did not reach.
        _, target = _door(_string(attributes, "TARGET_ARN"))
        return cls(
            id=text(fields.get("messageId")),
            receipt_handle=text(fields.get("receiptHandle")),
            receive_count=int(count) if count.isdecimal() and len(count) < 10 else 1,  # noqa: PLR2004 - no count has more
            body=text(fields.get("body")),
            route=_string(attributes, "Route") or target,
            held_since=moment(_string(attributes, "Held")),
            sent=epoch(text(told.get("SentTimestamp"))),
        )


def _string(attributes: dict[str, Any], name: str) -> str:
    return text(mapping(attributes.get(name)).get("stringValue"))


def batch(event: object) -> list[object] | None:
    """Give the records of a queue's batch, or None if the event is none."""
    records = items(mapping(event).get("Records"))
    from_queue = [mapping(record).get("eventSource") == "aws:sqs" for record in records]
    return records if records and all(from_queue) else None


def straight(event: object, invoked_arn: str) -> Delivery:
    """Read an invocation of a route's alias."""
    function_arn, alias = _door(invoked_arn)
    return Delivery(event, function_arn, alias)


def queued(record: object, invoked_arn: str) -> Delivery:
    """Read a record of a queue that a route reads by itself.

    Parameters
    ----------
    record
        The record.
    invoked_arn
        The ARN of the route's alias.

    Returns
    -------
    Delivery
        An event of this one record: whatever its body is, it stays a message of its queue. As JSON it can be
        sent to the retry queue, and is read there as here.
    """
    # The handle deletes the message, and belongs to this very receive.
    kept = {name: value for name, value in mapping(record).items() if name != "receiptHandle"}
    return straight({"Records": [kept]}, invoked_arn)


def once_more(message: Message, invoked_arn: str) -> Delivery:
    """Read a message of the retry queue: a failure record of Lambda, or a dead letter that was brought back.

    Parameters
    ----------
    message
        The message.
    invoked_arn
        The ARN that was invoked to read the queue.

    Returns
    -------
    Delivery
        The event as it first came, or `NotJson`.
    """
    function_arn, _ = _door(invoked_arn)
    event, alias = _event_in(message)
    return Delivery(event, function_arn, alias, message.held_since, message.sent)


def _event_in(message: Message) -> tuple[Any, str]:
    try:
        body = json.loads(message.body)
    except (ValueError, RecursionError):
        return NotJson(message.body), message.route
    record = mapping(body)
    # Beside a route it is the event itself: another function's failures may be what a route is for.
    if "requestPayload" in record and "requestContext" in record and not message.route:
        _, alias = _door(text(mapping(record["requestContext"]).get("functionArn")))
        return record["requestPayload"], alias
    return body, message.route


def _door(invoked_arn: str) -> tuple[str, str]:
    parts = invoked_arn.split(":")
    qualifier = parts[_FUNCTION_PARTS] if len(parts) == _FUNCTION_PARTS + 1 else ""
    # A version's number or $LATEST is no alias.
    return ":".join(parts[:_FUNCTION_PARTS]), qualifier if _ALIAS.fullmatch(qualifier) else ""
