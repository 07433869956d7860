"""Whether somebody is on call: now, and in the next seven days."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

from incidents_runtime.smoke_test.preflight_answers import MissingError, every
from incidents_runtime.smoke_test.preflight_reach import alias_of, each, finding, reached

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from incidents_runtime.smoke_test.findings import Finding
    from incidents_runtime.smoke_test.preflight_answers import Answers
    from incidents_runtime.smoke_test.preflight_reach import Reached
    from incidents_runtime.smoke_test.settings import Settings

    _Span = tuple[datetime, datetime]

_AHEAD = timedelta(days=7)
# A shift may be told to end a second before the next begins; nobody is missed for that.
_NO_GAP = timedelta(minutes=1)
_UNITS = {"DailySettings": 1, "WeeklySettings": 7, "MonthlySettings": 31}
_REMEDY = (
    "fill it: console > Incident Manager > On-call schedules > SCHEDULE, or aws ssm-contacts"
    " create-rotation-override."
)


def look(settings: Settings, aws: Answers) -> Iterator[Finding]:
    """Yield when nobody would answer."""
    now = datetime.now(timezone.utc)

    def at(contact: Reached) -> Iterator[Finding]:
        if aws.elsewhere(contact.arn):
            return
        try:
            found = aws.contacts.get_contact(ContactId=contact.arn)
        except MissingError:
            # The look at the contacts tells.
            return
        if found["Type"] == "ONCALL_SCHEDULE":
            yield from _at_schedule(contact, found["Plan"].get("RotationIds") or [], aws, now)

    return each(reached(settings, aws), at)


def _at_schedule(contact: Reached, arns: list[str], aws: Answers, now: datetime) -> Iterator[Finding]:
    found = {arn: _rotation(arn, aws) for arn in arns}
    for arn in (arn for arn, rotation in found.items() if rotation is None):
        yield finding(
            "contact-missing",
            contact.plans,
            f"the on-call schedule {contact.alias} must have its rotation {alias_of(arn)} (there is none)",
            "make it, or take it out of the schedule.",
        )
    rotations = [rotation for rotation in found.values() if rotation is not None]
    covered = [span for rotation in rotations for span in _covered(rotation, aws, now)]
    gaps = _without([(now, now + _AHEAD)], covered)
    gaps = [(start, end) for start, end in gaps if end - start >= _NO_GAP]
    if gaps and gaps[0][0] == now:
        yield _nobody(contact, rotations, now, until=gaps.pop(0)[1])
    if gaps:
        start, end = gaps[0]
        more = f", and {len(gaps) - 1} times more within {_AHEAD.days} days" if len(gaps) > 1 else ""
        yield finding(
            "rota-gap",
            contact.plans,
            f"somebody must be on call in the on-call schedule {contact.alias} (nobody is from {_told(start)}"
            f" to {_told(end)}{more})",
            _REMEDY,
        )


def _rotation(arn: str, aws: Answers) -> dict[str, Any] | None:
    try:
        return dict(aws.contacts.get_rotation(RotationId=arn))
    except MissingError:
        return None


def _nobody(contact: Reached, rotations: list[dict[str, Any]], now: datetime, *, until: datetime) -> Finding:
    begins = [rotation["StartTime"] for rotation in rotations]
    waits = bool(begins) and min(begins) > now
    if waits:
        seen = f"its first rotation begins at {_told(min(begins))}"
    elif not rotations:
        seen = "it has no rotation"
    elif until < now + _AHEAD:
        seen = f"nobody is until {_told(until)}"
    else:
        seen = f"nobody is in all of the next {_AHEAD.days} days"
    return finding(
        "nobody-on-call",
        contact.plans,
        f"somebody must be on call now in the on-call schedule {contact.alias} ({seen})",
        "wait until then, or let it begin earlier." if waits else _REMEDY,
        mends_later=waits,
    )


def _covered(rotation: dict[str, Any], aws: Answers, now: datetime) -> list[_Span]:
    """Return when a rotation has somebody on call, overrides laid over its turns."""
    spans = _shifts(rotation, aws, now, now + _AHEAD)
    if rotation["StartTime"] > now or any(start <= now < end for start, end in spans):
        return spans
    # No document says whether a turn is listed that began before the time that was asked for.
    return _shifts(rotation, aws, now - _longest_turn(rotation["Recurrence"]), now + _AHEAD)


def _shifts(rotation: dict[str, Any], aws: Answers, since: datetime, until: datetime) -> list[_Span]:
    turns, overridden, stand_ins = [], [], []
    for shift in every(
        aws.contacts.list_rotation_shifts,
        "RotationShifts",
        RotationId=rotation["RotationArn"],
        StartTime=since,
        EndTime=until,
    ):
        span = (shift["StartTime"], shift["EndTime"])
        staffed = [span] if shift.get("ContactIds") else []
        if shift.get("Type") == "OVERRIDDEN":
            # One that names nobody takes those away who would have been there.
            overridden.append(span)
            stand_ins += staffed
        else:
            turns += staffed
    return [*_without(turns, overridden), *stand_ins]


def _longest_turn(recurrence: dict[str, Any]) -> timedelta:
    unit = max(days for name, days in _UNITS.items() if recurrence.get(name))
    return timedelta(days=unit * recurrence["RecurrenceMultiplier"] + 1)


def _without(spans: Iterable[_Span], holes: Iterable[_Span]) -> list[_Span]:
    """Return what is left of spans of time, in their order, without others."""
    left = list(spans)
    for begin, finish in holes:
        left = [
            part
            for start, end in left
            for part in ((start, min(end, begin)), (max(start, finish), end))
            if part[0] < part[1]
        ]
    return left


def _told(moment: datetime) -> str:
    return f"{moment.astimezone(timezone.utc):%Y-%m-%d %H:%M} UTC"
