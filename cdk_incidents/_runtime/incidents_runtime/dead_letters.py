"""Where a signal goes that has no incident: the dead-letter queue, and people by another way."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from incidents_runtime.deliveries import NotJson
from incidents_runtime.errors import describe, kind_of
from incidents_runtime.redaction import redacted
from incidents_runtime.shapes import plain
from incidents_runtime.telemetry import log
from incidents_runtime.text import one_line

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from incidents_runtime.ops_items import OpsItemClient
    from incidents_runtime.settings import Settings

_LONGEST_REASON = 1_000
_LONGEST_TITLE = 200
_LONGEST_SUBJECT = 100
_MOST_TITLES = 100
# Where a queue or a topic takes no more, the event is told in outline. A queue takes 1,048,576 bytes, the
# attributes among them, and the characters of XML 1.0:
# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html
_LONGEST_BODY = 1_044_000
_UNSENDABLE = re.compile("[\ud800-\udfff\ufffe\uffff]")
_SHORT = {"longest_text": 500, "most_items": 40, "depth": 8}
_OUTLINE = {"longest_text": 60, "most_items": 8, "depth": 2}
_LONGEST_OUTLINE = 100_000


class QueueClient(Protocol):
    """What is asked of SQS's client."""

    def send_message(self, **arguments: Any) -> Mapping[str, Any]:
        """Send a message."""

    def change_message_visibility(self, **arguments: Any) -> object:
        """Hide a message for some time."""

    def get_queue_attributes(self, **arguments: Any) -> Mapping[str, Any]:
        """Describe a queue."""


class TopicClient(Protocol):
    """What is asked of SNS's client."""

    def publish(self, **arguments: Any) -> Mapping[str, Any]:
        """Publish a message."""


@dataclass(frozen=True)
class DeadLetters:
    """The way out for what could not be handled."""

    queues: QueueClient
    topics: Callable[[], TopicClient]
    ops_items: Callable[[], OpsItemClient]
    """Each makes its client at the first call: of the two, a trigger's fallback is one."""
    settings: Settings
    trigger: str

    def add(self, event: object, route: str, reason: str, titles: tuple[str, ...]) -> None:
        """Keep an event that could not be handled, and tell people.

        Parameters
        ----------
        event
            The event as it came.
        route
            The route it was for.
        reason
            Why it could not be handled.
        titles
            The titles of the incidents that there should be; empty where none is missing.

        Raises
        ------
        Exception
            The queue did not take it: whoever delivered it must keep it. People are told all the same.
        """
        try:
            self._keep(event, route, reason, titles)
        finally:
            if titles:
                self._tell(event, route, reason, titles)

    def _keep(self, event: object, route: str, reason: str, titles: tuple[str, ...]) -> None:
        # Reason and title are shown in lists of dead letters; the event itself is as it came.
        told = {
            "Reason": redacted(one_line(reason, _LONGEST_REASON)) or "unknown",
            "Route": route or "unknown",
            "Title": redacted(one_line(next(iter(titles), ""), _LONGEST_TITLE)),
        }
        attributes = {
            name: {"DataType": "String", "StringValue": value} for name, value in told.items() if value
        }
        whole = as_message(event)
        if len(whole.encode()) <= _LONGEST_BODY:
            try:
                self._send(whole, attributes)
            except Exception as error:
                # A queue may take less than that. Any other failure must not cost the event its members.
                if kind_of(error) != "permanent":
                    raise
                log("WARNING", "the dead-letter queue does not take the whole event", reason=describe(error))
            else:
                return
        self._send(_in_outline(event), attributes)

    def _send(self, body: str, attributes: dict[str, Any]) -> None:
        self.queues.send_message(
            QueueUrl=self.settings.dead_letter_queue_url, MessageBody=body, MessageAttributes=attributes
        )

    def _tell(self, event: object, route: str, reason: str, titles: tuple[str, ...]) -> None:
        lines = [
            f"{self.trigger} could not start an incident.",
            "",
            *(f"Incident: {one_line(title, _LONGEST_TITLE)}" for title in titles[:_MOST_TITLES]),
            *([f"and {len(titles) - _MOST_TITLES} more"] if titles[_MOST_TITLES:] else []),
            f"Route: {route}",
            f"Reason: {one_line(reason, _LONGEST_REASON)}",
            "",
            "The event is kept in the dead-letter queue. In outline:",
            _in_outline(event),
        ]
        subject = f"No incident: {titles[0]}"
        try:
            if self.settings.fallback_topic_arn:
                self._publish(self.settings.fallback_topic_arn, subject, lines)
            if self.settings.fallback_ops_item is not None:
                from incidents_runtime.ops_items import tell  # noqa: PLC0415 - no alarm needs it

                tell(self.ops_items(), self.settings.fallback_ops_item, title=subject, lines=lines)
        except Exception as error:  # noqa: BLE001 - the dead letter is kept, and its alarm tells
            log("ERROR", "the fallback was not told", route=route, reason=describe(error))

    def _publish(self, topic: str, subject: str, lines: list[str]) -> None:
        # SNS takes a subject in ASCII; an ellipsis becomes three dots.
        told = one_line(subject.encode("ascii", "replace").decode(), _LONGEST_SUBJECT - 2)
        self.topics().publish(TopicArn=topic, Subject=told.replace("…", "..."), Message="\n".join(lines))


def as_message(event: object) -> str:
    """Write an event as the body of a message, as short as it can be without losing anything.

    Parameters
    ----------
    event
        An event as Lambda hands it over, or `NotJson`.

    Returns
    -------
    str
        JSON that reads as the event; what is no JSON as it was. A queue takes every character of it.
    """
    if isinstance(event, NotJson):
        return event.body or "(an empty message)"
    try:
        whole = _as_json(event)
    except (RecursionError, ValueError, TypeError):
        whole = _as_json(plain(event))
    return _UNSENDABLE.sub(lambda character: f"\\u{ord(character[0]):04x}", whole)


def _as_json(event: object) -> str:
    return json.dumps(event, ensure_ascii=False, separators=(",", ":"))


def _in_outline(event: object) -> str:
    event = event.body if isinstance(event, NotJson) else event
    short = json.dumps(plain(event, **_SHORT))
    return short if len(short) <= _LONGEST_OUTLINE else json.dumps(plain(event, **_OUTLINE))
