"""Shifts: against a slow watcher of clocks, over years of their changes, and what holds of any rotation."""

from __future__ import annotations

import dataclasses
import importlib.resources
import itertools
import zoneinfo
from datetime import datetime, time, timedelta, timezone
from typing import TYPE_CHECKING
from unittest import mock
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cdk_incidents._shifts import Gap, Rota, Shift, gaps_between, load_zone, shifts_between, zone_names
from tests.shifts.slow_rotation import QUARTERS, STEP, watch

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

examples = settings(max_examples=150, deadline=None, derandomize=True, database=None)
ZONES = ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "UTC"]
UTC = timezone.utc
A_DAY = timedelta(days=1)


def moment(zone: str, *wall: int) -> datetime:
    """Return a local time of a zone."""
    return datetime(*wall, tzinfo=ZoneInfo(zone))  # type: ignore[arg-type,misc]


WEEKLY = Rota(
    members=("Ada", "Bo", "Cy"),
    start=moment("Europe/Berlin", 2027, 1, 4, 9),
    zone="Europe/Berlin",
    unit="weeks",
    hand_offs=((0, time(9)),),
    name="weekly",
)
DAILY = dataclasses.replace(WEEKLY, unit="days", hand_offs=((0, time(9)),))
MONTHLY = dataclasses.replace(WEEKLY, unit="months", hand_offs=((31, time(9)),))
OFFICE = tuple((day, time(9), time(17)) for day in range(5))


def spans(shifts: Sequence[Shift]) -> list[tuple[datetime, datetime]]:
    """Return the instants of shifts, in UTC."""
    return [(shift.start.astimezone(UTC), shift.end.astimezone(UTC)) for shift in shifts]


def told(rota: Rota, *wall: int, count: int = 3) -> list[str]:
    """Return the next shifts since a local time in few words."""
    since = rota.shifts_since(moment(rota.zone, *wall))
    return [
        f"{shift.start:%a %d %b %H:%M%z} {' '.join(shift.contacts)}"
        for shift in itertools.islice(since, count)
    ]


hand_offs = {
    "days": st.tuples(st.just(0), st.sampled_from(QUARTERS)),
    "weeks": st.tuples(st.integers(0, 6), st.sampled_from(QUARTERS)),
    "months": st.tuples(st.integers(1, 31), st.sampled_from(QUARTERS)),
}
coverages = st.tuples(st.integers(0, 6), st.sampled_from(QUARTERS), st.sampled_from(QUARTERS))
# Half of the starts lie a few days before clocks change in one of the zones.
changes = st.sampled_from([(3, 5), (3, 20), (3, 28), (9, 28), (10, 20), (10, 26)])


@st.composite
def rotas(draw: st.DrawFn) -> Rota:
    """Draw any rotation whose times are quarters of an hour."""
    zone = draw(st.sampled_from(ZONES))
    year = draw(st.integers(2026, 2031))
    month, day = draw(st.one_of(changes, st.tuples(st.integers(1, 12), st.integers(1, 28))))
    start = datetime(year, month, day, tzinfo=ZoneInfo(zone)) + draw(st.integers(0, 7 * 96)) * STEP
    unit = draw(st.sampled_from(["days", "weeks", "months"]))
    members = draw(st.integers(1, 5))
    return Rota(
        members=tuple("ABCDE"[:members]),
        # Aware arithmetic is on clocks, which may show a time that does not exist: UTC makes it an instant.
        start=start.astimezone(UTC),
        zone=zone,
        unit=unit,  # type: ignore[arg-type]
        hand_offs=tuple(draw(st.lists(hand_offs[unit], min_size=1, max_size=4, unique=True))),
        multiplier=draw(st.integers(1, 3)),
        on_call=draw(st.integers(1, members)),
        coverages=tuple(draw(st.lists(coverages, max_size=6))),
    )


def assert_as_watched(rota: Rota, until: datetime) -> None:
    """Compare each quarter of an hour with what the slow watcher sees."""
    shifts = [
        (*span, shift.contacts) for shift in rota.shifts_between(rota.start, until) for span in spans([shift])
    ]
    running = iter([*shifts, (until + A_DAY, until + A_DAY, ())])
    start, end, who = next(running)
    for now, expected in watch(rota, until):
        while now >= end:
            start, end, who = next(running)
        assert (who if start <= now else ()) == expected, now.astimezone(ZoneInfo(rota.zone))


@examples
@given(rotas())
def test_who_is_on_call_is_what_a_watcher_of_clocks_sees(rota: Rota) -> None:
    """For any rotation, in any zone, around any clock change: the same people in the same quarters."""
    assert_as_watched(rota, rota.start + 36 * A_DAY)


@pytest.mark.parametrize("zone", ZONES)
def test_years_of_clock_changes_pass_as_watched(zone: str) -> None:
    """Hand-offs and coverages in the very hours that clocks skip or repeat, for four years."""
    rota = Rota(
        members=("A", "B", "C"),
        start=moment(zone, 2026, 2, 27, 12).astimezone(UTC),
        zone=zone,
        unit="weeks",
        hand_offs=((6, time(2, 15)), (6, time(2, 30)), (0, time(1, 45))),
        multiplier=1,
        on_call=2,
        coverages=((6, time(1, 30), time(2, 15)), (6, time(2, 45), time(1, 45)), (3, time(22), time(6))),
    )
    assert_as_watched(rota, rota.start + 4 * 366 * A_DAY)


@examples
@given(rotas(), st.integers(-5 * 96, 60 * 96))
def test_shifts_from_any_instant_are_the_rest_of_all_shifts(rota: Rota, quarters: int) -> None:
    """Starting late neither loses nor changes a shift: the running one is whole, the ended ones are gone."""
    since = rota.start + quarters * STEP
    ended = (shift for shift in rota.shifts_since(rota.start) if spans([shift])[0][1] > since)
    expected = list(itertools.islice(ended, 10))
    assert list(itertools.islice(rota.shifts_since(since), 10)) == expected


@examples
@given(st.lists(rotas(), min_size=1, max_size=3))
def test_shifts_do_not_overlap_and_gaps_are_the_rest(several: list[Rota]) -> None:
    """The shifts of a rotation are in order and apart; all shifts and the gaps fill the time without rest."""
    start = max(rota.start for rota in several)
    end = start + 30 * A_DAY
    for rota in several:
        times = list(itertools.chain.from_iterable(spans(list(rota.shifts_between(start, end)))))
        assert times == sorted(times)
        assert all(first < last for first, last in zip(times[::2], times[1::2], strict=True))
    gaps = [(gap.start.astimezone(UTC), gap.end.astimezone(UTC)) for gap in gaps_between(several, start, end)]
    shifts = spans(shifts_between(several, start, end))
    assert not [1 for first, last in gaps for begin, stop in shifts if begin < last and first < stop]
    reached = start
    for first, last in sorted([*gaps, *shifts]):
        assert first <= reached
        reached = max(reached, last)
    assert reached >= end


def test_a_turn_lasts_from_hand_off_to_hand_off() -> None:
    """Members take turns in their order, in local time whatever clocks do, and begin again after the last."""
    assert told(WEEKLY, 2027, 3, 16, count=4) == [
        "Mon 15 Mar 09:00+0100 Bo",
        "Mon 22 Mar 09:00+0100 Cy",
        "Mon 29 Mar 09:00+0200 Ada",
        "Mon 05 Apr 09:00+0200 Bo",
    ]


def test_the_end_of_a_shift_is_the_start_of_the_next() -> None:
    """Shifts are half-open: at nine the next one is on call, a moment before it is still the other."""
    nine = moment("Europe/Berlin", 2027, 1, 11, 9)
    assert WEEKLY.on_call_at(nine) == ("Bo",)
    assert WEEKLY.on_call_at(nine - timedelta(microseconds=1)) == ("Ada",)


def test_nobody_is_on_call_before_the_start() -> None:
    """The first turn begins at the start, at no hand-off before it."""
    assert WEEKLY.on_call_at(WEEKLY.start - timedelta(microseconds=1)) == ()
    assert WEEKLY.on_call_at(WEEKLY.start) == ("Ada",)


def test_a_first_turn_between_hand_offs_is_shorter() -> None:
    """A rotation that starts on Wednesday hands over on Monday; it does not move its hand-offs."""
    rota = dataclasses.replace(WEEKLY, start=moment("Europe/Berlin", 2027, 1, 6, 12))
    assert told(rota, 2027, 1, 6) == [
        "Wed 06 Jan 12:00+0100 Ada",
        "Mon 11 Jan 09:00+0100 Bo",
        "Mon 18 Jan 09:00+0100 Cy",
    ]


def test_a_multiplier_makes_turns_of_several_units() -> None:
    """Three-week turns are counted from the week of the start, also where it lies in the middle of one."""
    rota = dataclasses.replace(WEEKLY, start=moment("Europe/Berlin", 2027, 1, 6, 12), multiplier=3)
    assert told(rota, 2027, 1, 6) == [
        "Wed 06 Jan 12:00+0100 Ada",
        "Mon 25 Jan 09:00+0100 Bo",
        "Mon 15 Feb 09:00+0100 Cy",
    ]


def test_several_on_call_move_on_together() -> None:
    """With two on call at once the next turn has the next two, so that nobody has two turns in a row."""
    rota = dataclasses.replace(WEEKLY, members=("A", "B", "C", "D", "E"), on_call=2)
    assert told(rota, 2027, 1, 4) == [
        "Mon 04 Jan 09:00+0100 A B",
        "Mon 11 Jan 09:00+0100 C D",
        "Mon 18 Jan 09:00+0100 E A",
    ]


def test_the_31st_of_a_short_month_is_its_last_day() -> None:
    """Every month has its hand-off: on the 28th of February, in a leap year on the 29th."""
    assert told(MONTHLY, 2027, 2, 1) == [
        "Sun 31 Jan 09:00+0100 Bo",
        "Sun 28 Feb 09:00+0100 Cy",
        "Wed 31 Mar 09:00+0200 Ada",
    ]
    assert told(MONTHLY, 2028, 3, 1, count=1) == ["Tue 29 Feb 09:00+0100 Cy"]


def test_a_time_that_does_not_exist_is_the_next_instant_that_does() -> None:
    """At two in the morning clocks jump to three: what is due at half past two is due then."""
    rota = dataclasses.replace(DAILY, hand_offs=((0, time(2, 30)),))
    assert told(rota, 2027, 3, 28, 1, count=2)[1].startswith("Sun 28 Mar 03:00+0200")


def test_a_time_that_exists_twice_is_its_first() -> None:
    """At three in the morning clocks go back to two: what is due at half past two is not due again."""
    rota = dataclasses.replace(DAILY, hand_offs=((0, time(2, 30)),))
    assert [line[:21] for line in told(rota, 2027, 10, 31, 1)] == [
        "Sat 30 Oct 02:30+0200",
        "Sun 31 Oct 02:30+0200",
        "Mon 01 Nov 02:30+0100",
    ]


def test_hand_offs_that_fall_together_cost_one_its_turn() -> None:
    """On a night with both hand-offs at once nobody is seen to have a turn of no length, but it counts."""
    rota = dataclasses.replace(DAILY, hand_offs=((0, time(2, 15)), (0, time(2, 45))))
    lines = told(rota, 2027, 3, 28, 1, count=2)
    order = ["Ada", "Bo", "Cy"]
    assert lines[1].startswith("Sun 28 Mar 03:00+0200")
    before, after = (order.index(line.split()[-1]) for line in lines)
    assert (after - before) % 3 == 2


def test_coverages_cut_turns_into_shifts() -> None:
    """In a turn of a week, office hours are a shift a day; nobody is on call at night."""
    rota = dataclasses.replace(WEEKLY, coverages=OFFICE)
    assert told(rota, 2027, 1, 8, 12) == [
        "Fri 08 Jan 09:00+0100 Ada",
        "Mon 11 Jan 09:00+0100 Bo",
        "Tue 12 Jan 09:00+0100 Bo",
    ]
    assert rota.on_call_at(moment("Europe/Berlin", 2027, 1, 8, 17)) == ()


def test_a_coverage_whose_end_is_not_after_its_start_ends_on_the_next_day() -> None:
    """22:00 to 06:00 is a night, and equal times are 24 hours."""
    night = dataclasses.replace(WEEKLY, coverages=((4, time(22), time(6)),))
    day = dataclasses.replace(WEEKLY, coverages=((4, time(22), time(22)),))
    for rota, hours in ((night, 8), (day, 24)):
        shift = next(rota.shifts_since(WEEKLY.start))
        assert (shift.end - shift.start) == timedelta(hours=hours)


def test_coverages_that_adjoin_are_one_shift() -> None:
    """Seven whole days are no seven shifts but the turn, and Sunday night runs on into Monday."""
    week = tuple((day, time(0), time(0)) for day in range(7))
    assert told(dataclasses.replace(WEEKLY, coverages=week), 2027, 3, 16) == told(WEEKLY, 2027, 3, 16)
    for day, lines in ((6, ["Sun 10 Jan", "Sun 17 Jan"]), (1, ["Tue 12 Jan", "Tue 19 Jan"])):
        night = ((day, time(20), time(0)), ((day + 1) % 7, time(0), time(8)))
        rota = dataclasses.replace(WEEKLY, hand_offs=((3, time(9)),), coverages=night)
        assert [line[:10] for line in told(rota, 2027, 1, 10, count=2)] == lines


def test_a_coverage_that_clocks_skip_is_no_shift() -> None:
    """Half past two to three does not exist on that Sunday: nobody has a shift of no length."""
    rota = dataclasses.replace(WEEKLY, coverages=((6, time(2, 15), time(2, 45)),))
    assert [line[:10] for line in told(rota, 2027, 3, 21, 12, count=2)] == ["Sun 04 Apr", "Sun 11 Apr"]


def test_gaps_are_cut_at_the_ends_of_the_question() -> None:
    """A gap that began earlier begins with the question; one that goes on ends with it."""
    zone = ZoneInfo("Europe/Berlin")
    start, end = datetime(2027, 1, 5, 7, tzinfo=zone), datetime(2027, 1, 5, 18, tzinfo=zone)
    rota = dataclasses.replace(WEEKLY, coverages=OFFICE)
    assert list(gaps_between([rota], start, end)) == [
        Gap(start, start.replace(hour=9)),
        Gap(end.replace(hour=17), end),
    ]
    assert list(gaps_between([rota, WEEKLY], start, end)) == []


def test_two_zones_leave_a_gap_where_only_one_changes_its_clocks() -> None:
    """Follow-the-sun fits in winter and leaves an hour in the weeks in which only America has summer time."""
    new_york = Rota(
        members=("Nan",),
        start=moment("America/New_York", 2027, 1, 4),
        zone="America/New_York",
        unit="weeks",
        hand_offs=((0, time(0)),),
        coverages=tuple((day, time(3), time(18)) for day in range(7)),
    )
    berlin = dataclasses.replace(WEEKLY, coverages=tuple((day, time(0), time(9)) for day in range(7)))
    start = moment("Europe/Berlin", 2027, 1, 18)
    (first, *_) = gaps_between([berlin, new_york], start, start + 300 * A_DAY)
    assert (first.start, first.end) == (
        moment("Europe/Berlin", 2027, 3, 14, 23),
        moment("Europe/Berlin", 2027, 3, 15, 0),
    )


def test_a_far_instant_costs_as_much_as_a_near_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten years after the start a handful of hand-offs is computed, not thousands."""
    rota = dataclasses.replace(DAILY, hand_offs=((0, time(9)), (0, time(21))), coverages=OFFICE)
    counted = mock.create_autospec(Rota._hand_off, side_effect=Rota._hand_off)
    monkeypatch.setattr(Rota, "_hand_off", counted)
    assert rota.on_call_at(moment("Europe/Berlin", 2037, 1, 5, 12))
    assert counted.call_count < 20


def test_reads_the_services_own_words() -> None:
    """What GetRotation answers is a rotation, of each kind of recurrence, with and without coverages."""
    nine = {"HourOfDay": 9, "MinuteOfHour": 30}
    rest = {"NumberOfOnCalls": 2, "RecurrenceMultiplier": 3}
    window = {"Start": nine, "End": {"HourOfDay": 17, "MinuteOfHour": 0}}
    for recurrence, unit, hand_off in (
        ({"DailySettings": [nine]}, "days", (0, time(9, 30))),
        ({"WeeklySettings": [{"DayOfWeek": "WED", "HandOffTime": nine}]}, "weeks", (2, time(9, 30))),
        ({"MonthlySettings": [{"DayOfMonth": 15, "HandOffTime": nine}]}, "months", (15, time(9, 30))),
    ):
        for words, coverages in (
            ({}, ()),
            ({"ShiftCoverages": {"FRI": [window]}}, ((4, time(9, 30), time(17)),)),
        ):
            rota = Rota.from_api(
                members=["arn"],
                start=WEEKLY.start,
                zone="UTC",
                recurrence={**rest, **recurrence, **words},
                name="words",
            )
            assert rota == Rota(
                members=("arn",),
                start=WEEKLY.start,
                zone="UTC",
                unit=unit,  # type: ignore[arg-type]
                hand_offs=(hand_off,),
                multiplier=3,
                on_call=2,
                coverages=coverages,
                name="words",
            )


def test_zones_come_from_the_package_and_not_from_the_machine(tmp_path: Path) -> None:
    """Rules are the same everywhere: a machine whose database says otherwise changes nothing."""
    wrong = tmp_path / "Europe" / "Berlin"
    wrong.parent.mkdir()
    wrong.write_bytes((importlib.resources.files("tzdata") / "zoneinfo" / "UTC").read_bytes())
    zoneinfo.reset_tzpath([str(tmp_path)])
    try:
        machine, package = ZoneInfo.no_cache("Europe/Berlin"), load_zone.__wrapped__("Europe/Berlin")
    finally:
        zoneinfo.reset_tzpath()
    noon = datetime(2027, 7, 1, 12)  # noqa: DTZ001 - it gets one below
    assert noon.replace(tzinfo=machine).utcoffset() == timedelta(0)
    assert noon.replace(tzinfo=package).utcoffset() == timedelta(hours=2)


def test_zones_have_names_that_exist() -> None:
    """A name is looked up in the package's own list, so that no path can be one."""
    assert {"Europe/Berlin", "UTC"} <= set(zone_names())
    for name in ("Europe/Berln", "../zones", ""):
        with pytest.raises(ValueError, match=rf"^no time zone '{name}'$"):
            load_zone(name)
