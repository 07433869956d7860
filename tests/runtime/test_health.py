"""AWS Health: an event of the service is one cause, however often its news are sent."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote

import pytest
from incidents_runtime.signals import Signal, read

from tests.runtime.fakes import NOW, sample


def signal_of(event: object) -> Signal:
    """Read an event's only signal."""
    (signal,) = read(event, NOW)
    return signal


def with_detail(name: str, **changes: Any) -> dict[str, Any]:
    """Change a sample."""
    event = sample(name)
    return {**event, "detail": {**event["detail"], **changes}}


ISSUE = signal_of(sample("health_issue"))


def test_an_issue_opens() -> None:
    """Who, what, where and why are the event's, not its delivery's."""
    assert ISSUE.transition == "opened"
    assert ISSUE.title == "AWS Health: EC2 operational issue in af-south-1"
    assert ISSUE.reason.startswith("We are investigating")
    assert (ISSUE.source, ISSUE.account, ISSUE.region) == ("aws.health", "123456789012", "af-south-1")
    assert ISSUE.incident_source == "health"
    arn = sample("health_issue")["detail"]["eventArn"]
    assert ISSUE.trigger_arn == arn
    assert ISSUE.key == f"health|123456789012|{arn}"
    (page,) = ISSUE.related_items
    assert page.title == "AWS Health"
    assert unquote(page.url or "").endswith(f"eventID={arn}&eventTab=details")


def test_its_end_recovers() -> None:
    """Closed, of the same key; a later opening is another signal."""
    closed = signal_of(sample("health_issue_closed"))
    assert (closed.transition, closed.key) == ("recovered", ISSUE.key)
    assert closed.identity != ISSUE.identity


@pytest.mark.parametrize("status", ["open", "upcoming", None, 7, "?"])
def test_any_other_status_opens(status: object) -> None:
    """When in doubt."""
    assert signal_of(with_detail("health_issue", statusCode=status)).transition == "opened"


def test_pages_and_copies_are_one_signal_and_news_are_another() -> None:
    """A page has the communication's id with its number, a copy in another Region the same one."""
    page = with_detail("health_issue", communicationId="01b0993207d81a09dcd552ebd1e633e36cf1f09a-2")
    assert signal_of({**page, "id": "another", "region": "us-west-2"}).identity == ISSUE.identity
    news = signal_of(with_detail("health_issue", communicationId="news-1"))
    assert (news.key, news.identity == ISSUE.identity) == (ISSUE.key, False)


def test_without_a_communication_the_event_is_its_own() -> None:
    """By its id."""
    event = with_detail("health_issue", communicationId=None)
    assert signal_of(event).identity == signal_of(dict(event)).identity
    assert signal_of(event).identity != signal_of({**event, "id": "another"}).identity


def test_the_impaired_region_counts() -> None:
    """Not the one that a copy was delivered to; without one, that is all that is known."""
    assert signal_of(sample("health_instance_retirement")).region == "us-east-1"
    event = with_detail("health_instance_retirement", eventRegion="")
    assert signal_of(event).region == "us-west-2"
    assert signal_of({**event, "region": None}).title == "AWS Health: EC2 instance retirement scheduled"


def test_affected_entities_are_involved() -> None:
    """Those that are no ARNs are named at least; the description is the English one."""
    signal = signal_of(sample("health_instance_retirement"))
    arn = "arn:aws:ec2:us-east-1:123456789012:instance/i-1234567890abcdef0"
    assert [item.arn for item in signal.related_items[1:]] == ["i-abcd1111", arn]
    assert signal.related_items[0].title == f"AWS Health, i-abcd1111, {arn}"
    assert signal.reason == "An instance is scheduled for retirement."
    assert signal.title == "AWS Health: EC2 instance retirement scheduled in us-east-1"


def test_many_entities_are_named_in_part() -> None:
    """Five by name, 35 as items."""
    entities = [{"entityValue": f"i-{number}"} for number in range(500)]
    signal = signal_of(with_detail("health_issue", affectedEntities=entities))
    assert signal.related_items[0].title == "AWS Health, i-0, i-1, i-2, i-3, i-4…"
    assert len(signal.related_items) == 36


def test_accounts_have_their_own() -> None:
    """A public event has one ARN for every account."""
    assert signal_of({**sample("health_issue"), "account": "999999999999"}).key != ISSUE.key


def test_without_an_arn_there_is_no_page_of_it() -> None:
    """The event's resources are involved, as of any other."""
    signal = signal_of(with_detail("health_instance_retirement", eventArn=None))
    assert [item.type for item in signal.related_items] == ["INVOLVED_RESOURCE", "INVOLVED_RESOURCE"]
    assert signal.trigger_arn is None


@pytest.mark.parametrize("wrong", [None, 7, [], {}, [7], ["x"], [{"entityValue": 7}]])
def test_wrong_types_do_no_harm(wrong: object) -> None:
    """Without an ARN it is an event as any other; without a type it has the title of any other."""
    names = ("eventArn", "eventTypeCode", "service", "communicationId", "affectedEntities")
    for name in (*names, "eventDescription", "eventRegion"):
        assert signal_of(with_detail("health_issue", **{name: wrong})).transition == "opened"
    assert signal_of(with_detail("health_issue", eventArn=wrong)).key.startswith("event|aws.health|")
    untyped = signal_of(with_detail("health_issue", eventTypeCode=wrong))
    assert untyped.title == "AWS Health Event (aws.health)"
    assert signal_of({**sample("health_issue"), "detail": wrong}).transition == "opened"
