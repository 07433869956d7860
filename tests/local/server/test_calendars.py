"""Change Calendars: whether one is open, and until when."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import pytest

from .conftest import ACCOUNT, REGION, unique

if TYPE_CHECKING:
    from .conftest import Aws, Stack

_HOUR = dt.timedelta(hours=1)


def _now(aws: Aws) -> dt.datetime:
    return dt.datetime.fromisoformat(aws.control("GET", "clock")["now"]).replace(microsecond=0)


def _event(begin: dt.datetime, end: dt.datetime, *more: str) -> list[str]:
    times = [f"{name}:{time:%Y%m%dT%H%M%SZ}" for name, time in (("DTSTART", begin), ("DTEND", end))]
    return ["BEGIN:VEVENT", "SUMMARY:A change", *times, *more, "END:VEVENT"]


def _content(*events: list[str], default: str = "DEFAULT_OPEN") -> str:
    lines = ["BEGIN:VCALENDAR", "PRODID:-//AWS//Change Calendar 1.0//EN", "VERSION:2.0"]
    lines += [f"X-CALENDAR-TYPE:{default}", *[line for event in events for line in event], "END:VCALENDAR"]
    return "\r\n".join(lines)


def _calendar(aws: Aws, content: str, key: str = "test") -> str:
    name = unique("calendar")
    kind = {"DocumentType": "ChangeCalendar", "DocumentFormat": "TEXT"}
    aws.client("ssm", key=key).create_document(Name=name, Content=content, **kind)
    return name


def _state(aws: Aws, *names: str) -> dict[str, Any]:
    answer: dict[str, Any] = aws.client("ssm").get_calendar_state(CalendarNames=list(names))
    return answer


def test_an_event_closes_what_is_open_else(aws: Aws) -> None:
    """From its beginning to its end, as the clock moves; the next change is told."""
    now = _now(aws)
    name = _calendar(aws, _content(_event(now + _HOUR, now + 2 * _HOUR)))
    for state, change in (("OPEN", now + _HOUR), ("CLOSED", now + 2 * _HOUR), ("OPEN", None)):
        told = _state(aws, name)
        written = None if change is None else f"{change:%Y-%m-%dT%H:%M:%SZ}"
        assert (told["State"], told.get("NextTransitionTime")) == (state, written)
        aws.advance(minutes=61)


def test_an_event_opens_what_is_closed_else(aws: Aws) -> None:
    """X-CALENDAR-TYPE says which it is."""
    now = _now(aws)
    during = _content(_event(now - _HOUR, now + _HOUR), default="DEFAULT_CLOSED")
    assert _state(aws, _calendar(aws, during))["State"] == "OPEN"
    assert (
        _state(aws, _calendar(aws, _content(default="DEFAULT_CLOSED"))).items() >= {"State": "CLOSED"}.items()
    )


def test_several_calendars_are_open_if_all_are(aws: Aws) -> None:
    """The next change is that of the sum: events that overlap make one."""
    now = _now(aws)
    first = _calendar(aws, _content(_event(now - _HOUR, now + _HOUR)))
    second = _calendar(aws, _content(_event(now, now + 3 * _HOUR)))
    told = _state(aws, first, second, _calendar(aws, _content()))
    assert told["State"] == "CLOSED"
    assert told["NextTransitionTime"] == f"{now + 3 * _HOUR:%Y-%m-%dT%H:%M:%SZ}"


def test_times_may_be_of_a_zone(aws: Aws) -> None:
    """And a long line goes on after a blank."""
    now = _now(aws)
    local = [(now + shift).astimezone(dt.timezone(_HOUR * 9)) for shift in (-_HOUR, _HOUR)]
    lines = [
        f"{name};TZID=Asia/\r\n Tokyo:{time:%Y%m%dT%H%M%S}"
        for name, time in zip(("DTSTART", "DTEND"), local, strict=True)
    ]
    name = _calendar(aws, _content(["BEGIN:VEVENT", *lines, "END:VEVENT"]))
    assert _state(aws, name)["State"] == "CLOSED"


@pytest.mark.parametrize("more", ["RRULE:FREQ=WEEKLY", "DURATION:PT1H"])
def test_what_is_not_played_is_refused(aws: Aws, more: str) -> None:
    """An event that comes again, or says otherwise how long it lasts."""
    now = _now(aws)
    name = _calendar(aws, _content(_event(now, now + _HOUR, more)))
    with pytest.raises(aws.client("ssm").exceptions.UnsupportedCalendarException, match="does not play"):
        _state(aws, name)


def test_another_document_is_no_calendar(aws: Aws) -> None:
    """Nor is one that does not exist."""
    ssm, name = aws.client("ssm"), unique("doc")
    ssm.create_document(Name=name, Content="{}", DocumentType="Automation")
    with pytest.raises(ssm.exceptions.InvalidDocumentType):
        _state(aws, name)
    with pytest.raises(ssm.exceptions.InvalidDocument):
        _state(aws, unique("nowhere"))


def test_another_accounts_calendar_is_named_by_its_arn(aws: Aws) -> None:
    """Its name alone means the caller's own."""
    other = f"{34:012d}"
    name = _calendar(aws, _content(default="DEFAULT_CLOSED"), other)
    assert _state(aws, f"arn:aws:ssm:{REGION}:{other}:document/{name}")["State"] == "CLOSED"
    with pytest.raises(aws.client("ssm").exceptions.InvalidDocument):
        _state(aws, name)


def test_asking_needs_each_calendar_as_a_resource(aws: Aws) -> None:
    """ssm:GetCalendarState on the documents."""
    first, second = _calendar(aws, _content()), _calendar(aws, _content())
    arn = f"arn:aws:ssm:{REGION}:{ACCOUNT}:document/{first}"
    allowed = {"Effect": "Allow", "Action": "ssm:GetCalendarState", "Resource": arn}
    client = aws.as_role(aws.role(allowed), "ssm")
    assert client.get_calendar_state(CalendarNames=[first])["State"] == "OPEN"
    with pytest.raises(client.exceptions.ClientError, match="not authorized"):
        client.get_calendar_state(CalendarNames=[first, second])


def test_a_calendar_deploys(aws: Aws, stack: Stack) -> None:
    """As AWS::SSM::Document of type ChangeCalendar; Ref is its name."""
    properties = {
        "Content": _content(default="DEFAULT_CLOSED"),
        "DocumentType": "ChangeCalendar",
        "DocumentFormat": "TEXT",
    }
    resources = {"C": {"Type": "AWS::SSM::Document", "Properties": properties}}
    assert stack.deploy(resources, Name={"Ref": "C"}) == "CREATE_COMPLETE"
    assert _state(aws, stack.outputs["Name"])["State"] == "CLOSED"
