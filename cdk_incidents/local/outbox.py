"""What would have left the loopback AWS: pages to people, messages to topics, runs of runbooks."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, TypedDict

from .errors import MessageTimeoutError

if TYPE_CHECKING:
    from collections.abc import Callable

_POLL_S = 0.05


class Page(TypedDict):
    """A page that would have been sent. It holds no address.

    Attributes
    ----------
    contact, contact_arn
        to whom: the alias, and the ARN
    channel, channel_name
        by what: `SMS`, `VOICE` or `EMAIL`, and the channel's own name
    after_s
        how long after the engagement began, in seconds
    sent_at
        when, as ISO 8601 writes it
    incident_record_arn
        for which incident; empty if somebody was engaged by hand
    engagement_arn, page_arn
        what the service knows it by
    accept_code
        the code that acknowledges it
    """

    contact: str
    contact_arn: str
    channel: str
    channel_name: str
    after_s: float
    sent_at: str
    incident_record_arn: str
    engagement_arn: str
    page_arn: str
    accept_code: str


class RunbookExecution(TypedDict):
    """A run of a runbook that would have been started.

    Attributes
    ----------
    incident_record_arn
        for which incident
    document, version
        of which document
    parameters
        with what parameters, the incident's own filled in
    role
        as which role
    target_account
        `RESPONSE_PLAN_OWNER_ACCOUNT` or `IMPACTED_ACCOUNT`
    execution_arn
        what the service knows it by
    started_at
        when, as ISO 8601 writes it
    problem
        why it could not be started; empty if it was
    """

    incident_record_arn: str
    document: str
    version: str
    parameters: dict[str, list[str]]
    role: str
    target_account: str
    execution_arn: str
    started_at: str
    problem: str


class TopicMessage(TypedDict):
    """A message that a topic took.

    Attributes
    ----------
    topic
        the topic's ARN
    subject, message
        what it says; Incident Manager's text is JSON
    sent_at
        when, as ISO 8601 writes it
    event
        of Incident Manager's: `TEST`, `OPENED`, `UPDATED` or `RESOLVED`; empty if another sent it
    incident_record_arn
        for which incident; empty if for none
    """

    topic: str
    subject: str
    message: str
    sent_at: str
    event: str
    incident_record_arn: str


def wait_for_message(
    read: Callable[[], list[TopicMessage]], *, text: str | None, topic: str | None, timeout_s: float
) -> TopicMessage:
    """Wait for a message that fits all that is asked for and return it; of several, the newest.

    Raises
    ------
    MessageTimeoutError
        if none is there in time; the message lists the subjects of those that are
    """
    until = time.monotonic() + timeout_s
    while True:
        messages = read()
        for message in reversed(messages):
            said = f"{message['subject']}\n{message['message']}"
            if (text is None or text in said) and (topic is None or topic in message["topic"]):
                return message
        if time.monotonic() > until:
            break
        time.sleep(_POLL_S)
    wanted = [f"{name} {value!r}" for name, value in (("text", text), ("topic", topic)) if value is not None]
    found = "; ".join(f"{one['subject']!r} to {one['topic']}" for one in messages) or "no message at all"
    raise MessageTimeoutError(
        f"no message with {' and '.join(wanted) or 'any text'} within {timeout_s:g} s (found: {found})"
    )
