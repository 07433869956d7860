"""On-call schedules: rotations, overrides, and the shifts that come of both."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import pytest

from .rules import contacts_api, quota, unsettled

if TYPE_CHECKING:
    from .account import Aws

_DAY = dt.timedelta(days=1)
_DAILY = {
    "NumberOfOnCalls": 1,
    "RecurrenceMultiplier": 1,
    "DailySettings": [{"HourOfDay": 9, "MinuteOfHour": 0}],
}
_MONTHLY = [{"DayOfMonth": 1, "HandOffTime": {"HourOfDay": 9, "MinuteOfHour": 0}}]


@pytest.fixture(scope="module")
def start() -> dt.datetime:
    """Give next week's first hand-off: a rotation's shifts are asked for from today on."""
    today = dt.datetime.now(dt.timezone.utc).replace(hour=9, minute=0, second=0, microsecond=0)
    return today + 7 * _DAY


def _rotation(aws: Aws, people: list[str], start: dt.datetime, **more: Any) -> str:
    return aws.rotation(people, **{"StartTime": start, "TimeZoneId": "UTC", "Recurrence": _DAILY, **more})


def _shifts(aws: Aws, rotation: str, start: dt.datetime, days: int) -> list[tuple[list[str], str]]:
    found = aws.contacts.list_rotation_shifts(
        RotationId=rotation, StartTime=start, EndTime=start + days * _DAY
    )["RotationShifts"]
    return [(shift["ContactIds"], shift["Type"]) for shift in found]


@contacts_api("CreateRotation")
def test_a_rotation_gives_back_what_went_in(aws: Aws, start: dt.datetime) -> None:
    """And is listed."""
    person = aws.person()
    rotation = _rotation(aws, [person], start)
    found = aws.contacts.get_rotation(RotationId=rotation)
    assert (found["ContactIds"], found["StartTime"], found["Recurrence"]) == ([person], start, _DAILY)
    listed = aws.contacts.list_rotations(RotationNamePrefix=found["Name"])["Rotations"]
    assert [each["RotationArn"] for each in listed] == [rotation]


@contacts_api("UpdateRotation")
def test_a_rotation_is_changed_by_what_is_given(aws: Aws, start: dt.datetime) -> None:
    """The rest stays."""
    rotation = _rotation(aws, [aws.person()], start)
    twice = {**_DAILY, "RecurrenceMultiplier": 2}
    aws.contacts.update_rotation(RotationId=rotation, Recurrence=twice)
    found = aws.contacts.get_rotation(RotationId=rotation)
    assert (found["Recurrence"], found["TimeZoneId"], found["StartTime"]) == (twice, "UTC", start)


@pytest.mark.parametrize(
    "wrong",
    [
        {"TimeZoneId": "PST"},
        {"Recurrence": {**_DAILY, "MonthlySettings": _MONTHLY}},
        {"Recurrence": {**_DAILY, "RecurrenceMultiplier": 101}},
    ],
    ids=["a zone of no city", "two recurrences", "every 101 days"],
)
@contacts_api("CreateRotation")
def test_a_rotation_is_checked(aws: Aws, start: dt.datetime, wrong: dict[str, Any]) -> None:
    """An IANA zone, one recurrence, a multiplier of 100 at most."""
    people = [aws.person()]
    assert aws.code(lambda: _rotation(aws, people, start, **wrong)) == "ValidationException"


@unsettled("more on call than a rotation has", here="ValidationException")
@contacts_api("RecurrenceSettings")
def test_more_on_call_than_a_rotation_has(aws: Aws, start: dt.datetime) -> str:
    """Nothing is said of it."""
    two, people = {**_DAILY, "NumberOfOnCalls": 2}, [aws.person()]
    return aws.code(lambda: _rotation(aws, people, start, Recurrence=two)) or "accepted"


@quota()
def test_a_rotation_has_thirty_members(aws: Aws, start: dt.datetime) -> None:
    """The thirty-first is refused."""
    people = [aws.person() for _ in range(31)]
    assert _rotation(aws, people[:30], start)
    assert aws.code(lambda: _rotation(aws, people, start)) == "ValidationException"


@contacts_api("CreateRotation")
def test_only_people_take_turns(aws: Aws, start: dt.datetime) -> None:
    """An escalation plan does not."""
    team = aws.escalation()
    assert aws.code(lambda: _rotation(aws, [team], start)) in (
        *("ValidationException", "ResourceNotFoundException"),
    )


@contacts_api("ListRotationShifts")
def test_shifts_go_round(aws: Aws, start: dt.datetime) -> None:
    """Each day has the next contact, in the order of the rotation."""
    ann, bob = aws.person(), aws.person()
    rotation = _rotation(aws, [ann, bob], start)
    assert _shifts(aws, rotation, start, 3) == [([ann], "REGULAR"), ([bob], "REGULAR"), ([ann], "REGULAR")]


@contacts_api("ListPreviewRotationShifts")
def test_shifts_are_previewed_without_a_rotation(aws: Aws, start: dt.datetime) -> None:
    """By names as the caller gives them."""
    told = aws.contacts.list_preview_rotation_shifts(
        RotationStartTime=start,
        StartTime=start,
        EndTime=start + 2 * _DAY,
        Members=["ann", "bob"],
        TimeZoneId="UTC",
        Recurrence=_DAILY,
    )["RotationShifts"]
    assert [shift["ContactIds"] for shift in told] == [["ann"], ["bob"]]


@contacts_api("CreateRotationOverride")
def test_an_override_stands_in(aws: Aws, start: dt.datetime) -> None:
    """It cuts the shift and names whom it replaces."""
    ann, bob = aws.person(), aws.person()
    rotation = _rotation(aws, [ann, bob], start)
    begin, end = start + _DAY / 4, start + _DAY / 2
    aws.contacts.create_rotation_override(
        RotationId=rotation, NewContactIds=[bob], StartTime=begin, EndTime=end
    )
    told = aws.contacts.list_rotation_shifts(RotationId=rotation, StartTime=start, EndTime=start + _DAY)[
        "RotationShifts"
    ]
    assert [(s["ContactIds"], s["Type"], s["StartTime"]) for s in told] == [
        ([ann], "REGULAR", start),
        ([bob], "OVERRIDDEN", begin),
        ([ann], "REGULAR", end),
    ]
    assert told[1]["ShiftDetails"] == {"OverriddenContactIds": [ann]}


@contacts_api("DeleteRotationOverride")
def test_an_override_ends_when_it_is_deleted(aws: Aws, start: dt.datetime) -> None:
    """And nobody finds it any more."""
    ann, bob = aws.person(), aws.person()
    rotation = _rotation(aws, [ann, bob], start)
    within = {"RotationId": rotation, "StartTime": start, "EndTime": start + _DAY}
    number = aws.contacts.create_rotation_override(**within, NewContactIds=[bob])["RotationOverrideId"]
    (listed,) = aws.contacts.list_rotation_overrides(**within)["RotationOverrides"]
    assert (listed["RotationOverrideId"], listed["StartTime"]) == (number, start)
    name = {"RotationId": rotation, "RotationOverrideId": number}
    aws.contacts.delete_rotation_override(**name)
    assert aws.code(lambda: aws.contacts.get_rotation_override(**name)) == "ResourceNotFoundException"
    assert _shifts(aws, rotation, start, 1) == [([ann], "REGULAR")]


@contacts_api("CreateRotationOverride")
def test_an_override_ends_after_it_starts(aws: Aws, start: dt.datetime) -> None:
    """Not before, and not at once."""
    ann = aws.person()
    asked = {"RotationId": _rotation(aws, [ann], start), "NewContactIds": [ann], "StartTime": start}
    for end in (start, start - _DAY):
        code = aws.code(aws.contacts.create_rotation_override, **asked, EndTime=end)
        assert code == "ValidationException"


@unsettled("an override by who is no member", here="ValidationException")
@contacts_api("CreateRotationOverride")
def test_an_override_by_who_is_no_member(aws: Aws, start: dt.datetime) -> str:
    """The console offers members only; the reference does not say that it must be one."""
    within = {"StartTime": start, "EndTime": start + _DAY}
    rotation, stranger = _rotation(aws, [aws.person()], start), aws.person()
    override = aws.contacts.create_rotation_override
    return aws.code(override, RotationId=rotation, NewContactIds=[stranger], **within) or "accepted"


@unsettled("overrides of one time", here="the last one made holds")
@contacts_api("CreateRotationOverride")
def test_overrides_of_one_time(aws: Aws, start: dt.datetime) -> str:
    """Nothing is said of them."""
    ann, bob, eve = (aws.person() for _ in range(3))
    rotation = _rotation(aws, [ann, bob, eve], start)
    within = {"StartTime": start, "EndTime": start + _DAY}
    for who in (bob, eve):
        override = aws.contacts.create_rotation_override
        if code := aws.code(override, RotationId=rotation, NewContactIds=[who], **within):
            return code
    on_call, _ = _shifts(aws, rotation, start, 1)[0]
    return {bob: "the first one made holds", eve: "the last one made holds"}.get(on_call[0], "neither holds")


@quota()
def test_a_schedule_has_eight_rotations(aws: Aws, start: dt.datetime) -> None:
    """The ninth is over the quota."""
    person = aws.person()
    rotations = [_rotation(aws, [person], start) for _ in range(9)]
    assert aws.schedule(*rotations[:8])
    code = aws.code(lambda: aws.schedule(*rotations))
    assert code in ("ServiceQuotaExceededException", "ValidationException")


@contacts_api("Plan")
def test_a_schedule_has_its_rotations(aws: Aws, start: dt.datetime) -> None:
    """And no stages."""
    rotation = _rotation(aws, [aws.person()], start)
    plan = aws.contacts.get_contact(ContactId=aws.schedule(rotation))["Plan"]
    assert (plan["RotationIds"], plan.get("Stages", [])) == ([rotation], [])


@unsettled("a schedule with a rotation that is not there", here="ValidationException")
@contacts_api("CreateContact")
def test_a_schedule_with_a_rotation_that_is_not_there(aws: Aws) -> str:
    """Nothing is said of it."""
    none = f"arn:aws:ssm-contacts:{aws.region}:{aws.account}:rotation/{aws.name('none')}"
    return aws.code(lambda: aws.schedule(none)) or "accepted"


@contacts_api("DeleteRotation")
def test_a_deleted_rotation_leaves_its_schedules(aws: Aws, start: dt.datetime) -> None:
    """It is deleted from all on-call schedules that it belongs to."""
    person = aws.person()
    gone, kept = _rotation(aws, [person], start), _rotation(aws, [person], start)
    schedules = [aws.schedule(gone, kept) for _ in range(2)]
    aws.contacts.delete_rotation(RotationId=gone)
    for schedule in schedules:
        assert aws.contacts.get_contact(ContactId=schedule)["Plan"]["RotationIds"] == [kept]


@unsettled("deleting a contact that a rotation has", here="ConflictException")
@contacts_api("DeleteContact")
def test_deleting_a_contact_that_a_rotation_has(aws: Aws, start: dt.datetime) -> str:
    """The operation knows a conflict with entities that depend on the contact; which, is not said."""
    person = aws.person()
    _rotation(aws, [person], start)
    return aws.code(lambda: aws.contacts.delete_contact(ContactId=person)) or "deleted"
