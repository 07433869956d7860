"""What the loopback AWS tells of pages, and how its clock plays engagements out."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

import pytest

from .conftest import unique

if TYPE_CHECKING:
    from .conftest import Aws


def _alias(arn: str) -> str:
    return arn.rpartition("/")[2]


def _incident(aws: Aws, *engaged: str) -> str:
    """Start an incident of a plan that engages contacts."""
    plan = aws.client("ssm-incidents").create_response_plan(
        name=unique("plan"), incidentTemplate={"title": "Failing", "impact": 1}, engagements=list(engaged)
    )["arn"]
    return aws.start(plan)


def _now(aws: Aws) -> dt.datetime:
    return dt.datetime.fromisoformat(aws.control("GET", "clock")["now"])


def test_a_page_tells_whom_it_reached(aws: Aws) -> None:
    """Who, how, when and why, and no address."""
    person = aws.contact("SMS", "EMAIL")
    incident = _incident(aws, person)
    assert aws.pages(incident) == [(_alias(person), "SMS", 0), (_alias(person), "EMAIL", 0)]
    (page, _) = [p for p in aws.control("GET", "pages")["pages"] if p["incident_record_arn"] == incident]
    assert (page["contact_arn"], page["channel_name"]) == (person, "SMS of it")
    assert "+49" not in str(page)


def test_the_clock_moves_the_records_times(aws: Aws) -> None:
    """And it never goes back."""
    before = _now(aws)
    aws.advance(minutes=90)
    created = aws.record(_incident(aws))["creationTime"]
    assert dt.timedelta(minutes=90) <= created - before < dt.timedelta(minutes=91)
    with pytest.raises(OSError, match="400"):
        aws.advance(minutes=-1)


def test_the_clock_plays_out(aws: Aws) -> None:
    """Until nothing is left to do."""
    person = aws.contact("SMS", stages=[(30, 0), (30, 29)])
    incident = _incident(aws, person)
    assert aws.control("POST", "clock", {})["due"] is None
    assert [minutes for _, _, minutes in aws.pages(incident)] == [0, 30, 59]


def test_an_engagement_of_no_sender_is_told_as_it_is(aws: Aws) -> None:
    """The model asks for a Sender, which may be blank."""
    contacts = aws.client("ssm-contacts")
    person = aws.contact("SMS")
    engaged = contacts.start_engagement(ContactId=person, Sender="", Subject="s", Content="c")[
        "EngagementArn"
    ]
    assert contacts.describe_engagement(EngagementId=engaged)["Sender"] == ""
