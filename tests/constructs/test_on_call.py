"""On-call schedules: what they render, what they refuse, whom and which gaps they preview."""

from __future__ import annotations

import dataclasses
from datetime import datetime, time
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import aws_cdk as cdk
import pytest
from aws_cdk import aws_iam as iam
from aws_cdk import aws_ssmcontacts as ssmcontacts

from cdk_incidents import (
    Contact,
    ContactChannel,
    EscalationPlan,
    Gap,
    OnCallSchedule,
    Recurrence,
    ReplicationSet,
    Rotation,
    Shift,
    ShiftCoverage,
    Stage,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.synthesis import Make, Synth

CONTACT = "AWS::SSMContacts::Contact"
ROTATION = "AWS::SSMContacts::Rotation"
ARN = "arn:aws:ssm-contacts:eu-west-1:111122223333:contact/theirs"
START = "2027-01-04T09:00:00"
BERLIN = ZoneInfo("Europe/Berlin")
WEEKLY = Recurrence.weekly(monday="09:00")
OFFICE = ShiftCoverage.weekdays("09:00", "17:00")


def person(stack: cdk.Stack, name: str = "Ada") -> Contact:
    """Return a person's contact, its alias its name."""
    channels = [ContactChannel.email("ada@example.com")]
    return Contact(stack, name, display_name=name, alias=name.lower(), channels=channels)


def rotation(*people: Any, **changes: Any) -> Rotation:
    """Return a weekly rotation of these people, or with changes."""
    given = {"contacts": people, "start": START, "time_zone": "Europe/Berlin", "recurrence": WEEKLY}
    return Rotation(**{**given, **changes})


def berlin(*wall: int) -> datetime:
    """Return a local time of Berlin."""
    return datetime(*wall, tzinfo=BERLIN)  # type: ignore[arg-type,misc]


@pytest.fixture(scope="module")
def full(make: Make) -> Synth:
    """Return a stack with a schedule that uses every argument, and one that uses none."""
    stack = make.stack(env=make.env)
    ada, bo = person(stack, "Ada"), person(stack, "Bo")
    days = ShiftCoverage.days(
        monday=[("00:00", "00:00")],
        tuesday=[("09:00", "12:00"), ("13:00", "17:00")],
        wednesday=[("22:00", "06:00")],
        thursday=[("09:00", "09:30")],
        friday=[("09:00", "17:00")],
        saturday=[("09:00", "17:00")],
        sunday=[("00:00", "23:59")],
    )
    by_the_day = Recurrence.daily(
        "08:00", "20:00", recurrence_multiplier=100, number_of_on_calls=2, shift_coverages=days
    )
    by_the_week = Recurrence.weekly(
        monday="00:00",
        tuesday="01:00",
        wednesday="02:00",
        thursday="03:00",
        friday="04:00",
        saturday="05:00",
        sunday="23:59",
        recurrence_multiplier=2,
        shift_coverages=[OFFICE, ShiftCoverage.weekend("10:00", "14:00")],
    )
    OnCallSchedule(
        stack,
        "Full",
        alias="on-call",
        display_name="On call",
        rotations=[
            rotation(ada, bo, recurrence=by_the_day, name="by_the_day"),
            rotation(bo, recurrence=by_the_week, name="By_the_Week", time_zone="America/New_York"),
            rotation(ada, recurrence=Recurrence.monthly({1: "09:00", 31: "18:30"})),
        ],
    )
    OnCallSchedule(stack, "Bare", rotations=[rotation(ada)])
    return make.synth(stack)


def window(start: str, end: str) -> dict[str, str]:
    """Return a window as CloudFormation writes it."""
    return {"StartTime": start, "EndTime": end}


def covered(day: str, *windows: tuple[str, str]) -> dict[str, Any]:
    """Return a day's coverage as CloudFormation writes it."""
    return {"DayOfWeek": day, "CoverageTimes": [window(*times) for times in windows]}


def test_renders_daily_turns_with_coverage(full: Synth) -> None:
    """Each argument becomes the property that the service documents for it."""
    assert full.properties(ROTATION, "FullByTheDayRotation") == {
        "Name": "by_the_day",
        "ContactIds": [{"Ref": full.id_of(CONTACT, "Ada")}, {"Ref": full.id_of(CONTACT, "Bo")}],
        "StartTime": START,
        "TimeZoneId": "Europe/Berlin",
        "Recurrence": {
            "DailySettings": ["08:00", "20:00"],
            "RecurrenceMultiplier": 100,
            "NumberOfOnCalls": 2,
            "ShiftCoverages": [
                covered("MON", ("00:00", "00:00")),
                covered("TUE", ("09:00", "12:00"), ("13:00", "17:00")),
                covered("WED", ("22:00", "06:00")),
                covered("THU", ("09:00", "09:30")),
                covered("FRI", ("09:00", "17:00")),
                covered("SAT", ("09:00", "17:00")),
                covered("SUN", ("00:00", "23:59")),
            ],
        },
    }


def test_renders_weekly_turns_and_coverages_that_add_up(full: Synth) -> None:
    """A day has its hand-off, and several coverages are rendered as one."""
    assert full.properties(ROTATION, "FullByTheWeekRotation")["Recurrence"] == {
        "WeeklySettings": [
            {"DayOfWeek": day, "HandOffTime": time}
            for day, time in (
                ("MON", "00:00"),
                ("TUE", "01:00"),
                ("WED", "02:00"),
                ("THU", "03:00"),
                ("FRI", "04:00"),
                ("SAT", "05:00"),
                ("SUN", "23:59"),
            )
        ],
        "RecurrenceMultiplier": 2,
        "NumberOfOnCalls": 1,
        "ShiftCoverages": [
            *(covered(day, ("09:00", "17:00")) for day in ("MON", "TUE", "WED", "THU", "FRI")),
            *(covered(day, ("10:00", "14:00")) for day in ("SAT", "SUN")),
        ],
    }


def test_renders_monthly_turns(full: Synth) -> None:
    """A day of the month has its hand-off; all hours are covered where none are named."""
    assert full.properties(ROTATION, "FullRotation")["Recurrence"] == {
        "MonthlySettings": [
            {"DayOfMonth": 1, "HandOffTime": "09:00"},
            {"DayOfMonth": 31, "HandOffTime": "18:30"},
        ],
        "RecurrenceMultiplier": 1,
        "NumberOfOnCalls": 1,
    }


def test_the_schedule_is_a_contact_with_its_rotations(full: Synth) -> None:
    """Its plan has rotations and no stages, stands in the contact and nowhere else."""
    rotations = [
        {"Ref": full.id_of(ROTATION, f"Full{name}")} for name in ("ByTheDay", "ByTheWeek", "Rotation")
    ]
    assert full.properties(CONTACT, "Full") == {
        "Alias": "on-call",
        "DisplayName": "On call",
        "Type": "ONCALL_SCHEDULE",
        "Plan": [{"RotationIds": rotations}],
    }
    assert len(full.of_type("AWS::SSMContacts::Plan")) == 2  # Ada's and Bo's


def test_defaults(full: Synth) -> None:
    """Alias and display name are derived and end in the kind; the rotation's name has no hyphen."""
    properties = full.properties(CONTACT, "Bare")
    assert properties["DisplayName"] == properties["Alias"]
    assert properties["Alias"].endswith("-schedule")
    name = full.properties(ROTATION, "BareRotation")["Name"]
    assert name.replace("_", "").isalnum()
    assert name != full.properties(ROTATION, "FullRotation")["Name"]


def test_warns_of_nothing(full: Synth) -> None:
    """Schedules without a gap make no warning."""
    assert full.messages == []


def test_rotations_wait_for_channels_and_plans(full: Synth) -> None:
    """Nobody is on call before they can be reached."""
    ada = {
        key
        for kind in (CONTACT, "AWS::SSMContacts::ContactChannel", "AWS::SSMContacts::Plan")
        for key in full.of_type(kind, "Ada")
    }
    assert full.comes_after(full.id_of(ROTATION, "BareRotation")) == ada
    assert len(ada) == 3


def test_rotations_wait_for_the_apps_replication_set(make: Make) -> None:
    """Also rotations of imported contacts, which wait for no contact of the app."""
    stack = make.stack(env=make.env)
    ReplicationSet(stack, "ReplicationSet", regions=["eu-west-1"])
    OnCallSchedule(stack, "OnCall", rotations=[rotation(Contact.from_contact_arn(stack, "Theirs", ARN))])
    synth = make.synth(stack)
    assert synth.comes_after(synth.id_of(ROTATION)) == {synth.id_of("AWS::SSMIncidents::ReplicationSet")}


def test_adding_and_reordering_rotations_replaces_none(make: Make) -> None:
    """A rotation keeps its logical id and its name: replacing it would lose its overrides."""

    def ids(*names: str | None) -> dict[str, str]:
        stack = make.stack()
        ada = person(stack)
        OnCallSchedule(stack, "OnCall", rotations=[rotation(ada, name=name) for name in names])
        made = make.synth(stack).of_type(ROTATION)
        return {logical_id: rotation["Properties"]["Name"] for logical_id, rotation in made.items()}

    before, after = ids(None, "night"), ids("weekend", "night", None)
    assert before.items() <= after.items()
    assert len(after) == 3


@pytest.mark.parametrize(
    ("names", "shown"), [((None, None), "no name"), (("a_b", "aB"), "a_b"), (("x", "x"), "x")]
)
def test_rotations_need_names(make: Make, names: tuple[str | None, ...], shown: str) -> None:
    """One rotation can do without a name; names that would make one construct id count as one."""
    stack = make.stack()
    ada = person(stack)
    expected = rf"^rotations must be of different names \(got '{shown} twice'\): give each a name"
    with pytest.raises(ValueError, match=expected):
        OnCallSchedule(stack, "OnCall", rotations=[rotation(ada, name=name) for name in names])


def test_a_schedule_has_up_to_eight_rotations(make: Make) -> None:
    """None is as wrong as nine."""
    stack = make.stack()
    ada = person(stack)
    rotations = [rotation(ada, name=f"r{number}") for number in range(9)]
    assert OnCallSchedule(stack, "Fits", rotations=rotations[:8])
    with pytest.raises(
        ValueError, match=r"^rotations must be at most 8 items \(got '9 items'\): make a second sche"
    ):
        OnCallSchedule(stack, "TooMany", rotations=rotations)
    with pytest.raises(
        ValueError, match=r"^rotations must be at least one rotation \(got 'none'\): nobody would be"
    ):
        OnCallSchedule(stack, "None", rotations=[])


def test_a_rotation_has_up_to_thirty_contacts(make: Make) -> None:
    """None is as wrong as thirty-one."""
    ada = person(make.stack())
    assert rotation(*[ada] * 30)
    with pytest.raises(
        ValueError, match=r"^contacts must be at most 30 items \(got '31 items'\): make a second rota"
    ):
        rotation(*[ada] * 31)
    with pytest.raises(
        ValueError, match=r"^contacts must be at least one contact \(got 'none'\): nobody would be on"
    ):
        rotation()


def test_a_rotation_has_as_many_contacts_as_are_on_call_at_once(make: Make) -> None:
    """Two cannot be on call at once where there is one."""
    ada = person(make.stack())
    both = Recurrence.daily("09:00", number_of_on_calls=2)
    assert rotation(ada, ada, recurrence=both)
    with pytest.raises(
        ValueError, match=r"^contacts must be at least number_of_on_calls, 2 \(got 1\): add contacts, or"
    ):
        rotation(ada, recurrence=both)


def test_a_rotation_has_people(make: Make) -> None:
    """The service takes no escalation plan and no schedule into a rotation; what is no contact is none."""
    stack = make.stack()
    ada = person(stack)
    wrong = {
        "Owned": OnCallSchedule(stack, "Owned", rotations=[rotation(ada)]),
        "Escalation": EscalationPlan(stack, "Escalation", stages=[Stage(contacts=[ada])]),
        "Imported": OnCallSchedule.from_on_call_schedule_arn(stack, "Imported", ARN),
        "Cfn": ssmcontacts.CfnContact(stack, "Cfn", alias="e", display_name="E", type="ESCALATION"),
    }
    for name, contact in wrong.items():
        with pytest.raises(
            ValueError, match=rf"^contacts must be people \(got 'Stack/{name}, which is none'\): escal"
        ):
            rotation(ada, contact)
    with pytest.raises(
        ValueError, match=r"^contacts must be a contact, .* \(got 'ada'\): import it with Contact\."
    ):
        rotation("ada")
    by_hand = ssmcontacts.CfnContact(stack, "Hand", alias="h", display_name="H", type="PERSONAL")
    assert rotation(by_hand, Contact.from_contact_arn(stack, "Person", ARN))


@pytest.mark.parametrize(
    "start",
    [
        "2027-01-04",
        "2027-01-04 09:00:00",
        "2027-01-04T09:00",
        "2027-01-04T09:00:00Z",
        "2027-01-04T09:00:00+01:00",
        "2027-02-30T09:00:00",
        "2027-01-04T24:00:00",
        "2027-1-4T9:00:00",
        "now",
        "",
        datetime(2027, 1, 4, 9),  # noqa: DTZ001 - the mistake
    ],
)
def test_a_start_is_a_fixed_local_time(make: Make, start: Any) -> None:
    """CloudFormation takes one form; a time that changes with every synth would change who is on call."""
    expected = (
        r"^start must be a fixed local time like 2027-01-04T09:00:00 \(got .*\): write it out, without a zone"
    )
    with pytest.raises(ValueError, match=expected):
        rotation(person(make.stack()), start=start)


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/Argentina/Buenos_Aires", "UTC", "Etc/GMT+5"])
def test_takes_zones(make: Make, zone: str) -> None:
    """Zones have the names that the IANA gives them."""
    assert rotation(person(make.stack()), time_zone=zone).time_zone == zone


@pytest.mark.parametrize(
    ("zone", "remedy"),
    [
        ("PST", "abbreviations like PST know no daylight saving time; name a city"),
        ("EST", "abbreviations like PST know no daylight saving time; name a city"),
        ("Mars/Olympus", "abbreviations like PST know no daylight saving time; name a city"),
        ("", "abbreviations like PST know no daylight saving time; name a city"),
        ("europe/berlin", r"did you mean Europe/Berlin\?"),
        ("America/NewYork", r"did you mean America/New_York\?"),
        ("../zones", "abbreviations"),
    ],
)
def test_refuses_zones(make: Make, zone: str, remedy: str) -> None:
    """An abbreviation is no zone, nor is a misspelt name; a close one is offered."""
    expected = (
        rf"^time_zone must be the IANA name of a zone, like Europe/Berlin or UTC \(got '{zone}'\): {remedy}"
    )
    with pytest.raises(ValueError, match=expected):
        rotation(person(make.stack()), time_zone=zone)


@pytest.mark.parametrize("name", ["n", "n" * 255, "Night_shift_2"])
def test_takes_rotation_names(make: Make, name: str) -> None:
    """Letters, digits and underscores are a rotation's name."""
    assert rotation(person(make.stack()), name=name).name == name


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("", "name must be 1 to 255 characters long"),
        ("n" * 256, "name must be 1 to 255 characters long"),
        ("night-shift", r"name must be letters a to z, digits and underscores only \(got 'night-shift'\)"),
        ("night shift", "name must be letters"),
        ("${Token[TOKEN.1]}", "name must be known at synth"),
    ],
)
def test_refuses_rotation_names(make: Make, name: str, message: str) -> None:
    """CloudFormation takes no hyphen, though the API does."""
    with pytest.raises(ValueError, match=f"^{message}"):
        rotation(person(make.stack()), name=name)


@pytest.mark.parametrize("clock", ["9:00", "24:00", "09:60", "09", "", "nine", "09:00:00"])
def test_times_have_one_form(clock: str) -> None:
    """Hand-offs and coverages are written like 09:00."""
    for make_it in (
        lambda: Recurrence.daily(clock),
        lambda: Recurrence.weekly(monday=clock),
        lambda: Recurrence.monthly({1: clock}),
        lambda: ShiftCoverage.weekdays(clock, "17:00"),
        lambda: ShiftCoverage.weekend("09:00", clock),
    ):
        with pytest.raises(
            ValueError, match=rf" must be a time of day from 00:00 to 23:59 \(got '{clock}'\): write"
        ):
            make_it()


def test_recurrences_have_hand_offs() -> None:
    """None is as wrong as one twice, and months have 31 days."""
    expected = r"^Recurrence must be of at least one hand-off \(got 'none'\): name a time"
    with pytest.raises(ValueError, match=expected):
        Recurrence.daily()
    with pytest.raises(ValueError, match=expected):
        Recurrence.weekly()
    with pytest.raises(ValueError, match=expected):
        Recurrence.monthly({})
    with pytest.raises(
        ValueError, match=r"^Recurrence must be of different hand-offs \(got '09:00 twice'\): leave one"
    ):
        Recurrence.daily("09:00", "21:00", "09:00")
    for day in (0, 32):
        with pytest.raises(
            ValueError, match=rf"^a day of the month must be a whole number from 1 to 31 \(got {day}\)"
        ):
            Recurrence.monthly({day: "09:00"})


@pytest.mark.parametrize(
    ("argument", "maximum"), [("recurrence_multiplier", 100), ("number_of_on_calls", 30)]
)
def test_numbers_have_limits(argument: str, maximum: int) -> None:
    """Turns last 1 to 100 units and belong to 1 to 30 contacts at once."""
    for fits in (1, maximum):
        assert getattr(Recurrence.daily("09:00", **{argument: fits}), argument) == fits  # type: ignore[arg-type]
    for wrong in (0, maximum + 1, 1.5, True):
        with pytest.raises(
            ValueError, match=rf"^{argument} must be a whole number from 1 to {maximum} \(got {wrong}\)"
        ):
            Recurrence.daily("09:00", **{argument: wrong})  # type: ignore[arg-type]


def test_coverages_have_hours() -> None:
    """No day is as wrong as less than half an hour, which the service does not take; nights are fine."""
    with pytest.raises(
        ValueError, match=r"^ShiftCoverage must be of at least one day \(got 'none'\): name a day"
    ):
        ShiftCoverage.days()
    for start, end in (("09:00", "09:29"), ("23:45", "00:14")):
        expected = (
            rf"^ShiftCoverage must be of windows of at least 30 minutes \(got '{start} to {end}'\): the serv"
        )
        with pytest.raises(ValueError, match=expected):
            ShiftCoverage.weekdays(start, end)
    for start, end in (("09:00", "09:30"), ("23:45", "00:15"), ("09:00", "09:00"), ("09:00", "08:59")):
        assert ShiftCoverage.weekend(start, end).windows == ((5, start, end), (6, start, end))


def test_tokens_reach_the_template(make: Make) -> None:
    """Start, zone and times may be the deployment's; then there is no preview, and no warning of gaps."""
    stack = make.stack()
    texts = {
        key: cdk.CfnParameter(stack, key).value_as_string
        for key in ("Start", "Zone", "HandOff", "From", "Alias")
    }
    number: Any = cdk.CfnParameter(stack, "Number", type="Number").value_as_number
    recurrence = Recurrence.daily(
        texts["HandOff"],
        recurrence_multiplier=number,
        number_of_on_calls=number,
        shift_coverages=ShiftCoverage.days(monday=[(texts["From"], "17:00")]),
    )
    known = rotation(
        person(stack), name="known", recurrence=Recurrence.daily("09:00", shift_coverages=OFFICE)
    )
    tokens = rotation(
        person(stack, "Bo"), start=texts["Start"], time_zone=texts["Zone"], recurrence=recurrence
    )
    schedule = OnCallSchedule(stack, "OnCall", rotations=[known, tokens], alias=texts["Alias"])
    expected = r"^rotations must be known at synth to be previewed \(got 'tokens'\): pass start, time_zone"
    with pytest.raises(ValueError, match=expected):
        schedule.shifts("2027-01-04", "2027-01-05")
    with pytest.raises(ValueError, match=expected):
        schedule.gaps("2027-01-04", "2027-01-05")
    synth = make.synth(stack)
    assert synth.messages == []
    assert synth.properties(CONTACT, "OnCall")["Alias"] == {"Ref": "Alias"}
    (logical_id,) = (key for key in synth.of_type(ROTATION) if "Known" not in key)
    properties = synth.resources[logical_id]["Properties"]
    assert (properties["StartTime"], properties["TimeZoneId"]) == ({"Ref": "Start"}, {"Ref": "Zone"})
    assert properties["Recurrence"] == {
        "DailySettings": [{"Ref": "HandOff"}],
        "RecurrenceMultiplier": {"Ref": "Number"},
        "NumberOfOnCalls": {"Ref": "Number"},
        "ShiftCoverages": [
            {"DayOfWeek": "MON", "CoverageTimes": [{"StartTime": {"Ref": "From"}, "EndTime": "17:00"}]}
        ],
    }


@pytest.fixture(scope="module")
def previewed(make: Make) -> OnCallSchedule:
    """Return a schedule with office hours in Berlin and an imported contact for New York's."""
    stack = make.stack()
    ada, bo = person(stack, "Ada"), person(stack, "Bo")
    theirs = Contact.from_contact_arn(stack, "Theirs", ARN)
    office = dataclasses.replace(WEEKLY, shift_coverages=OFFICE)
    return OnCallSchedule(
        stack,
        "OnCall",
        rotations=[
            rotation(ada, bo, recurrence=office, name="berlin"),
            rotation(theirs, recurrence=office, name="new_york", time_zone="America/New_York"),
        ],
    )


def test_previews_shifts(previewed: OnCallSchedule) -> None:
    """Each shift is told whole, in its rotation's zone, with names as people know them."""
    new_york = ZoneInfo("America/New_York")
    assert previewed.shifts("2027-03-15T16:00:00", "2027-03-16T10:00:00") == [
        Shift(berlin(2027, 3, 15, 9), berlin(2027, 3, 15, 17), ("Ada",), "berlin"),
        Shift(
            datetime(2027, 3, 15, 9, tzinfo=new_york),
            datetime(2027, 3, 15, 17, tzinfo=new_york),
            ("theirs",),
            "new_york",
        ),
        Shift(berlin(2027, 3, 16, 9), berlin(2027, 3, 16, 17), ("Ada",), "berlin"),
    ]


def test_previews_gaps(previewed: OnCallSchedule) -> None:
    """Gaps are told in the first rotation's zone; in March New York's clocks are an hour nearer."""
    (gap,) = previewed.gaps("2027-03-15T12:00:00", "2027-03-16T12:00:00")
    assert gap == Gap(berlin(2027, 3, 15, 22), berlin(2027, 3, 16, 9))
    (gap,) = previewed.gaps("2027-04-05T12:00:00", "2027-04-06T12:00:00")
    assert gap == Gap(berlin(2027, 4, 5, 23), berlin(2027, 4, 6, 9))


@pytest.mark.parametrize(
    ("start", "end"),
    [
        (datetime(2027, 3, 15), datetime(2027, 3, 16)),  # noqa: DTZ001 - local time of the first rotation
        (berlin(2027, 3, 15), berlin(2027, 3, 16)),
        ("2027-03-15", "2027-03-16"),
        ("2027-03-15T00:00:00+01:00", "2027-03-15T23:00:00Z"),
    ],
)
def test_takes_times_of_any_form(previewed: OnCallSchedule, start: Any, end: Any) -> None:
    """Datetimes and texts, with a zone or without."""
    shifts = previewed.shifts(start, end)
    assert [shift.rotation for shift in shifts] == ["berlin", "new_york"]
    assert previewed.gaps(start, end)[0] == Gap(berlin(2027, 3, 15), berlin(2027, 3, 15, 9))


@pytest.mark.parametrize("argument", ["start", "end"])
def test_refuses_what_is_no_time(previewed: OnCallSchedule, argument: str) -> None:
    """A text that cannot be read is refused with the form that it must have."""
    times = {"start": "2027-03-15", "end": "2027-03-16", argument: "tomorrow"}
    expected = (
        rf"^{argument} must be a datetime or a text like 2027-03-22T09:00:00 \(got 'tomorrow'\): write year"
    )
    for ask in (previewed.shifts, previewed.gaps):
        with pytest.raises(ValueError, match=expected):
            ask(**times)


@pytest.mark.parametrize("end", ["2027-03-15", "2027-03-14T23:59:59"])
def test_an_end_is_after_its_start(previewed: OnCallSchedule, end: str) -> None:
    """Nothing lies between two times in the wrong order, or in one moment: somebody has swapped them."""
    for ask in (previewed.shifts, previewed.gaps):
        with pytest.raises(
            ValueError, match=rf"^end must be after start \(got '{end}'\): start is 2027-03-15; swap"
        ):
            ask("2027-03-15", end)


def test_what_is_of_another_type_is_refused_by_name(make: Make) -> None:
    """One instead of several, a time instead of a text: told with the argument, not from the depth."""
    stack = make.stack()
    ada: Any = person(stack)
    one: Any = rotation(ada)
    any_time: Any = time(9)
    pair: Any = ("09:00", "17:00")
    wrong: list[tuple[str, Callable[[], object]]] = [
        ("rotations must be a list of Rotation", lambda: OnCallSchedule(stack, "One", rotations=one)),
        ("rotations must be a list of Rotation", lambda: OnCallSchedule(stack, "Person", rotations=[ada])),
        ("contacts must be a list of contacts", lambda: rotation(contacts=ada)),
        ("recurrence must be a Recurrence", lambda: rotation(ada, recurrence="weekly")),
        ("time_zone must be a text", lambda: rotation(ada, time_zone=None)),
        ("a hand-off must be a text", lambda: Recurrence.daily(any_time)),
        ("hours of a day must be a list of pairs", lambda: ShiftCoverage.days(monday=pair)),
        ("hours of a day must be a list of pairs", lambda: ShiftCoverage.days(monday=[(*pair, "x")])),
        ("shift_coverages must be a list", lambda: Recurrence.daily("09:00", shift_coverages=[pair])),
    ]
    for message, make_it in wrong:
        with pytest.raises(ValueError, match=f"^{message}"):
            make_it()
    schedule = OnCallSchedule(stack, "OnCall", rotations=[rotation(ada)])
    with pytest.raises(ValueError, match=r"^start must be a datetime or a text"):
        schedule.shifts(5, "2027-01-04")  # type: ignore[arg-type]


def test_warns_of_hours_that_nobody_covers(make: Make) -> None:
    """The first gap is told as people say it; it can be meant, so it can be acknowledged."""
    stack = make.stack()
    schedule = OnCallSchedule(
        stack,
        "OnCall",
        rotations=[rotation(person(stack), recurrence=dataclasses.replace(WEEKLY, shift_coverages=OFFICE))],
    )
    ((path, level, text),) = make.synth(stack).messages
    assert (path, level) == ("/Stack/OnCall", "warning")
    assert text == (
        "rotations must cover all hours (got nobody on call Mon 17:00 to Tue 09:00 Europe/Berlin, first on"
        " 2027-01-04), or incidents page nobody then: cover it by a rotation, or acknowledge this where it is"
        " meant. [ack: cdk-incidents:on-call-gap]"
    )
    assert schedule.gaps("2027-01-04T09:00:00", "2027-01-05")[0].start == berlin(2027, 1, 4, 17)


def test_an_acknowledged_gap_is_silent(make: Make) -> None:
    """A business-hours rota is what some teams want."""
    stack = make.stack()
    recurrence = dataclasses.replace(WEEKLY, shift_coverages=OFFICE)
    schedule = OnCallSchedule(stack, "OnCall", rotations=[rotation(person(stack), recurrence=recurrence)])
    cdk.Annotations.of(schedule).acknowledge_warning("cdk-incidents:on-call-gap", "Nobody works at night.")
    assert make.synth(stack).messages == []


def test_a_gap_that_only_a_clock_change_opens_is_found(make: Make) -> None:
    """Two zones that fit together in winter do not in the weeks in which one has summer time."""
    stack = make.stack()
    ada = person(stack)

    def part(name: str, zone: str, start: str, end: str) -> Rotation:
        week = [ShiftCoverage.weekdays(start, end), ShiftCoverage.weekend(start, end)]
        recurrence = Recurrence.daily("00:00", shift_coverages=week)
        return rotation(ada, name=name, time_zone=zone, recurrence=recurrence, start="2027-01-04T00:00:00")

    rotations = [
        part("berlin", "Europe/Berlin", "00:00", "09:00"),
        part("new_york", "America/New_York", "03:00", "18:00"),
    ]
    OnCallSchedule(stack, "OnCall", rotations=rotations)
    ((_, _, text),) = make.synth(stack).messages
    assert "(got nobody on call Sun 23:00 to Mon 00:00 Europe/Berlin, first on 2027-03-14)" in text


def test_a_gap_before_the_last_rotation_starts_is_not_warned_of(make: Make) -> None:
    """While rotations come into effect there are hours before the first of them; those are no fault."""
    stack = make.stack()
    ada = person(stack)
    days = Recurrence.daily("09:00", shift_coverages=ShiftCoverage.weekdays("00:00", "00:00"))
    ends = Recurrence.daily("09:00", shift_coverages=ShiftCoverage.weekend("00:00", "00:00"))
    rotations = [
        rotation(ada, name="week", recurrence=days),
        rotation(ada, name="weekend", recurrence=ends, start="2027-02-05T00:00:00"),
    ]
    schedule = OnCallSchedule(stack, "OnCall", rotations=rotations)
    assert make.synth(stack).messages == []
    assert len(schedule.gaps(START, "2027-02-05")) == 4


def test_warns_of_tags_that_rotations_refuse(make: Make) -> None:
    """Rotations carry the app's tags as the schedule does, and their members' contacts."""
    stack = make.stack()
    OnCallSchedule(stack, "OnCall", rotations=[rotation(Contact.from_contact_arn(stack, "Theirs", ARN))])
    cdk.Tags.of(stack).add("cost center", "x", exclude_resource_types=[CONTACT])
    messages = make.synth(stack).messages
    assert [text.rpartition("[")[2] for *_, text in messages] == ["ack: cdk-incidents:refused-tags]"]


def test_grants_to_read_include_rotations(make: Make) -> None:
    """Who may see a schedule may see its shifts and overrides."""
    stack = make.stack(env=make.env)
    user = iam.User(stack, "User")
    OnCallSchedule(stack, "OnCall", rotations=[rotation(person(stack))]).grant_read(user)
    statements = make.synth(stack).properties("AWS::IAM::Policy")["PolicyDocument"]["Statement"]
    (rotations,) = (s for s in statements if "ssm-contacts:GetRotation" in s["Action"])
    assert rotations["Action"] == [
        "ssm-contacts:GetRotation",
        "ssm-contacts:ListRotationOverrides",
        "ssm-contacts:ListRotationShifts",
    ]
    assert rotations["Resource"]["Fn::Join"][1][-1] == ":ssm-contacts:eu-west-1:111122223333:rotation/*"


def test_warns_of_a_rotation_that_begins_a_year_late(make: Make) -> None:
    """A year that was mistyped leaves a year of gaps."""
    stack = make.stack()
    ada = person(stack)
    days = Recurrence.daily("09:00", shift_coverages=ShiftCoverage.weekdays("00:00", "00:00"))
    ends = Recurrence.daily("09:00", shift_coverages=ShiftCoverage.weekend("00:00", "00:00"))
    rotations = [
        rotation(ada, name="week", recurrence=days),
        rotation(ada, name="weekend", recurrence=ends, start="2028-01-04T00:00:00"),
    ]
    OnCallSchedule(stack, "OnCall", rotations=rotations)
    ((_, _, text),) = make.synth(stack).messages
    assert "(got nobody on call Sat 00:00 to Mon 00:00 Europe/Berlin, first on 2027-02-13)" in text
