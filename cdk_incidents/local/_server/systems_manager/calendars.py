"""Change Calendar: documents in iCalendar whose events are exceptions from what is open, or closed, else.

https://docs.aws.amazon.com/systems-manager/latest/userguide/change-calendar-create.html
"""

from __future__ import annotations

import datetime as dt
import re
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from cdk_incidents.local._server.protocol.errors import ServiceError

from . import documents

if TYPE_CHECKING:
    from collections.abc import Callable

    from cdk_incidents.local._server.state import Caller, Cloud

_EVENT = re.compile(r"^BEGIN:VEVENT$(.*?)^END:VEVENT$", re.MULTILINE | re.DOTALL)
_TIME = re.compile(r"^(DTSTART|DTEND)(?:;TZID=([^:;]+))?:(\d{8}T\d{6})(Z?)$", re.MULTILINE)
_NOT_PLAYED = re.compile(r"^(RRULE|RDATE|EXDATE|DURATION|DTSTART;VALUE=DATE)\b", re.MULTILINE)


def get_calendar_state(cloud: Cloud, caller: Caller, params: dict[str, Any]) -> dict[str, Any]:
    """Tell whether all of some calendars are open, and when that changes."""
    if "AtTime" in params:
        raise _unsupported("another time than now")
    calendars = [_read(_find(cloud, caller, name)) for name in params["CalendarNames"]]
    at = cloud.clock.now()

    def is_open(time: dt.datetime) -> bool:
        return all(opened(time) for opened, _ in calendars)

    edges = sorted(edge for _, edges in calendars for edge in edges if edge > at)
    change = next((edge for edge in edges if is_open(edge) != is_open(at)), None)
    state = "OPEN" if is_open(at) else "CLOSED"
    return {
        "State": state,
        "AtTime": _written(at),
        **({"NextTransitionTime": _written(change)} if change else {}),
    }


def _find(cloud: Cloud, caller: Caller, name: str) -> str:
    _, _, _, region, account, resource = documents.arn(caller, name).split(":", 5)
    document = cloud.account(account).documents.get((region, resource.partition("/")[2]))
    if document is None:
        raise ServiceError("InvalidDocument", f"There is no document {name}")
    if document["DocumentType"] != "ChangeCalendar":
        raise ServiceError("InvalidDocumentType", f"{name} is a document of type {document['DocumentType']}")
    content: str = document["versions"][document["DefaultVersion"]]
    return content


def _read(content: str) -> tuple[Callable[[dt.datetime], bool], list[dt.datetime]]:
    """Read a calendar: whether it is open at a time, and when an event of it begins or ends."""
    text = re.sub(r"\n[ \t]", "", content.replace("\r\n", "\n"))  # a long line goes on after a blank
    events = []
    for event in _EVENT.findall(text):
        times = {name: _time(*rest) for name, *rest in _TIME.findall(event)}
        if set(times) != {"DTSTART", "DTEND"} or _NOT_PLAYED.search(event):
            raise _unsupported("other events than once, with DTSTART and DTEND, in UTC or with a TZID")
        events.append((times["DTSTART"], times["DTEND"]))
    default = "X-CALENDAR-TYPE:DEFAULT_CLOSED" not in text

    def is_open(time: dt.datetime) -> bool:
        return any(begin <= time < end for begin, end in events) != default

    return is_open, [edge for event in events for edge in event]


def _time(zone: str, text: str, utc: str) -> dt.datetime:
    zoned = ZoneInfo("UTC" if utc or not zone else zone)
    return dt.datetime.strptime(text, "%Y%m%dT%H%M%S").replace(tzinfo=zoned).astimezone(dt.timezone.utc)


def _written(time: dt.datetime) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ")


def _unsupported(what: str) -> ServiceError:
    return ServiceError("UnsupportedCalendarException", f"The loopback AWS does not play {what}")
