"""What would have left the loopback AWS: pages to people, messages to topics, runs of runbooks."""

from __future__ import annotations

from typing import TypedDict


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
