"""What topics and queues carry: an event in a message, or a message that is itself what happened."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from incidents_runtime.shapes import epoch, items, loaded, mapping, moment, place_of, text
from incidents_runtime.signal_model import Signal, UnreadableEvent, digest, key_of
from incidents_runtime.text import one_line

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

# More than any service delivers at once; each costs time, and one invocation has 30 seconds.
_MOST_RECORDS = 100
# Where a JSON message says in a word what is wrong.
_TITLES = ("title", "subject", "summary", "message", "name")
_LONGEST_TITLE = 200
_LONGEST_REASON = 1_000


@dataclass(frozen=True)
class Message:
    """A message of a topic or a queue."""

    service: str
    """``sns`` or ``sqs``."""
    id: str
    arn: str
    """The topic's or the queue's."""
    subject: str
    body: str
    time: datetime | None
    attributes: Mapping[str, str]
    is_about_the_subscription: bool = False
    """A topic asks for a confirmation, or confirms an end."""


def messages_in(event: Mapping[str, Any]) -> list[Message] | None:
    """Take the messages out of what a topic or a queue delivers.

    Parameters
    ----------
    event
        An event of SNS or SQS with its records, or the envelope that SNS puts into a queue.

    Returns
    -------
    list of Message or None
        The messages, or None if it is no such event.

    Raises
    ------
    UnreadableEvent
        There are more than anybody delivers at once.
    """
    if _is_envelope(event):
        return [_of_sns(event)]
    records = [mapping(record) for record in items(event.get("Records"))]
    if len(records) > _MOST_RECORDS:
        raise UnreadableEvent(f"an event must have at most {_MOST_RECORDS} records (got {len(records)})")
    if records and all(record.get("EventSource") == "aws:sns" for record in records):
        return [_of_sns(mapping(record.get("Sns"))) for record in records]
    if records and all(record.get("eventSource") == "aws:sqs" for record in records):
        return [_of_sqs(record) for record in records]
    return None


def _is_envelope(event: Mapping[str, Any]) -> bool:
    # Raw messages of any team may have a type.
    kinds = ("Notification", "SubscriptionConfirmation", "UnsubscribeConfirmation")
    return event.get("Type") in kinds and bool(text(event.get("TopicArn"))) and "Message" in event


def _of_sns(told: Mapping[str, Any]) -> Message:
    attributes = mapping(told.get("MessageAttributes"))
    return Message(
        service="sns",
        id=text(told.get("MessageId")),
        arn=text(told.get("TopicArn")),
        subject=text(told.get("Subject")),
        body=text(told.get("Message")),
        time=moment(told.get("Timestamp")),
        attributes={name: text(mapping(value).get("Value")) for name, value in attributes.items()},
        is_about_the_subscription=told.get("Type", "Notification") != "Notification",
    )


def _of_sqs(record: Mapping[str, Any]) -> Message:
    attributes = mapping(record.get("messageAttributes"))
    return Message(
        service="sqs",
        id=text(record.get("messageId")),
        arn=text(record.get("eventSourceARN")),
        subject="",
        body=text(record.get("body")),
        time=epoch(text(mapping(record.get("attributes")).get("SentTimestamp"))),
        attributes={name: text(mapping(value).get("stringValue")) for name, value in attributes.items()},
    )


def message_signal(message: Message, received: datetime) -> Signal:
    """Read a message that is no event which is known: it says by itself that something happened.

    Parameters
    ----------
    message
        The message.
    received
        When it came; stands in for a time that it does not tell.

    Returns
    -------
    Signal
        Opened. Its title is its subject, or what its JSON has for a title, or its first line; messages of one
        title and one topic or queue are of one cause.
    """
    region, account = place_of(message.arn)
    name = message.arn.rpartition(":")[2]
    content = loaded(message.body)
    title = one_line(_title(message, content), _LONGEST_TITLE) or f"Message of {name or message.service}"
    key = key_of(message.service, message.arn, title)
    time = message.time or received
    about = message.is_about_the_subscription
    return Signal(
        source=message.service,
        account=account,
        region=region,
        key=key,
        identity=digest(key, message.id or message.body),
        transition="ignored" if about else "opened",
        title=title,
        reason=(
            "a message about the subscription itself"
            if about
            else one_line(message.body if content is None else "", _LONGEST_REASON)
        ),
        time=time,
        incident_source=f"{message.service}.{name}" if name else message.service,
        event={
            "version": "0",
            "id": message.id,
            "detail-type": "SNS Notification" if message.service == "sns" else "SQS Message",
            "source": message.service,
            "account": account,
            "time": time.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "region": region,
            "resources": [message.arn] if message.arn else [],
            "detail": {
                "subject": message.subject,
                "message": message.body if content is None else content,
                "attributes": message.attributes,
            },
        },
        trigger_arn=message.arn or None,
    )


def _title(message: Message, content: object) -> str:
    if message.subject.strip():
        return message.subject
    named = [text(mapping(content).get(name)).strip() for name in _TITLES]
    lines = [] if content is not None else message.body.strip().splitlines()
    return next((title for title in (*named, *lines) if title), "")
