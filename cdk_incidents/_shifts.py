"""Who is on call when: the shifts of a rotation, worked out as Incident Manager documents them.

The constructs preview with it, and the loopback AWS pages by it. It imports nothing but Python's own library
and the time zone database, which comes as a package, so that the answer is the same on every machine.

What a rotation means here, with **(U)** beside what no source settles:

- A rotation is a row of *turns*. The first begins at the rotation's start, each other one at a hand-off, and
  each ends where the next begins. Turn 0 has the first members in their order, as many as are on call at
  once; turn 1 has the members after these, and so on around **(U: whether the group moves on as a whole)**.
- Hand-offs stand in days, weeks (from Monday) or months, counted from the one that holds the start. With a
  multiplier of n there are hand-offs in every n-th of these only, so that a turn lasts n of them. The first
  turn, begun between two hand-offs, is shorter **(U)**. Where a unit has several hand-offs and n is more than
  one, the last of them begins a turn that lasts until the next unit that has some **(U)**.
- Hand-offs after the last day of a short month come on its last day **(U)**.
- Times are local times of the rotation's zone. A time that does not exist, since clocks are put forward, is
  the next instant that does; one that exists twice is its first **(U)**. Two hand-offs that fall together
  make a turn of no length: nobody sees it, but it counts.
- Coverages, where there are any, cut the turns into *shifts*: only their hours are covered. A coverage whose
  end is not after its start ends on the next day, so equal times are 24 hours, as the console writes them.
  Coverages that overlap or adjoin are one.
- Everything is half-open: who ends at nine is not on call at nine.

https://docs.aws.amazon.com/incident-manager/latest/userguide/incident-manager-on-call-schedule-create.html
https://docs.aws.amazon.com/incident-manager/latest/APIReference/API_SSMContacts_RecurrenceSettings.html
"""

from __future__ import annotations

import calendar
import dataclasses
import functools
import importlib.resources
import itertools
from datetime import date, datetime, time, timedelta, timezone
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from zoneinfo import ZoneInfo

DAYS = ("MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN")
"""The days of the week as the service writes them."""

_DAY = 24 * 60
_WEEK = 7 * _DAY
_MINUTE = timedelta(minutes=1)
_SECOND = timedelta(seconds=1)

Unit = Literal["days", "weeks", "months"]
HandOff = tuple[int, time]
"""A time on a day of its unit: 0 of days, 0 (Monday) to 6 of weeks, 1 to 31 of months."""
Coverage = tuple[int, time, time]
"""From a time to a time, on a day of the week from 0 (Monday) to 6."""


@dataclasses.dataclass(frozen=True)
class Shift:
    """Somebody on call, without a break.

    Parameters
    ----------
    start, end
        From when and until when, the end not included; aware datetimes in the rotation's zone.
    contacts
        Who, in their order; each by its display name, or by its alias where it is an import.
    rotation
        The name of the rotation.
    """

    start: datetime
    end: datetime
    contacts: tuple[str, ...]
    rotation: str


@dataclasses.dataclass(frozen=True)
class Gap:
    """Time in which nobody is on call.

    Parameters
    ----------
    start, end
        From when and until when, the end not included; aware datetimes in the zone of the first rotation.
    """

    start: datetime
    end: datetime


@dataclasses.dataclass(frozen=True, kw_only=True)
class Rota:
    """A rotation in plain values.

    Parameters
    ----------
    members
        Who takes turns, in their order: names or ARNs, it does not matter.
    start
        When the first turn begins; an aware datetime.
    zone
        The name of the time zone.
    unit, hand_offs
        At which times of which days of a unit turns end.
    multiplier
        How many units a turn lasts.
    on_call
        How many members have a turn together.
    coverages
        The hours that are covered; none means all.
    name
        What the shifts call the rotation.
    """

    members: tuple[str, ...]
    start: datetime
    zone: str
    unit: Unit
    hand_offs: tuple[HandOff, ...]
    multiplier: int = 1
    on_call: int = 1
    coverages: tuple[Coverage, ...] = ()
    name: str = ""

    @classmethod
    def from_api(
        cls,
        *,
        members: Sequence[str],
        start: datetime,
        zone: str,
        recurrence: Mapping[str, Any],
        name: str = "",
    ) -> Rota:
        """Return the rotation that the service's API writes so; `recurrence` is its RecurrenceSettings."""
        unit, hand_offs = _hand_offs_from_api(recurrence)
        coverages = (
            (DAYS.index(day), _time_from_api(window["Start"]), _time_from_api(window["End"]))
            for day, windows in (recurrence.get("ShiftCoverages") or {}).items()
            for window in windows
        )
        return cls(
            members=tuple(members),
            start=start,
            zone=zone,
            unit=unit,
            hand_offs=hand_offs,
            multiplier=recurrence["RecurrenceMultiplier"],
            on_call=recurrence["NumberOfOnCalls"],
            coverages=tuple(coverages),
            name=name,
        )

    def shifts_since(self, since: datetime) -> Iterator[Shift]:
        """Yield, in order and without end, the shifts that end after an instant.

        It costs the same whether the instant is a day or a hundred years after the start.
        """
        zone = load_zone(self.zone)
        for start, end, who in self._shifts_since(since.astimezone(timezone.utc)):
            yield Shift(start.astimezone(zone), end.astimezone(zone), who, self.name)

    def shifts_between(self, start: datetime, end: datetime) -> Iterator[Shift]:
        """Yield the shifts that have a part between two instants, uncut."""
        for shift in self.shifts_since(start):
            # Datetimes of one zone are compared by what their clocks show, which is wrong when they go back.
            if shift.start.astimezone(timezone.utc) >= end:
                return
            yield shift

    def on_call_at(self, instant: datetime) -> tuple[str, ...]:
        """Return who is on call at an instant; nobody before the start, or outside of the coverages."""
        instant = instant.astimezone(timezone.utc)
        start, _, who = next(self._shifts_since(instant))
        return who if start <= instant else ()

    def _shifts_since(self, since: datetime) -> Iterator[tuple[datetime, datetime, tuple[str, ...]]]:
        for turn in itertools.count(self._turn_at(since)):
            begin = self._start if turn == 0 else self._hand_off(self._first + turn - 1)
            first = turn * self.on_call
            who = tuple(self.members[i % len(self.members)] for i in range(first, first + self.on_call))
            for start, end in self.covered(begin, self._hand_off(self._first + turn), since):
                yield start, end, who

    def covered(
        self, begin: datetime, end: datetime, since: datetime | None = None
    ) -> Iterator[tuple[datetime, datetime]]:
        """Yield what is covered of an interval, those pieces that end after `since`; all in UTC."""
        begin = max(begin, self._start)
        since = begin if since is None else max(begin, since)
        if self._weekly_minutes is None:
            pieces: Iterable[tuple[datetime, datetime]] = [(begin, end)]
        else:
            pieces = self._pieces(self._weekly_minutes, begin, end, since)
        for first, last in pieces:
            if first < last and last > since:
                yield first, last

    def _pieces(
        self, spans: Sequence[tuple[int, int]], begin: datetime, end: datetime, since: datetime
    ) -> Iterator[tuple[datetime, datetime]]:
        zone = load_zone(self.zone)
        # A coverage lasts less than a week, so one that is running began last week at the earliest.
        monday = _monday_of(since.astimezone(zone).date()) - timedelta(weeks=1)
        for week in itertools.count():
            midnight = datetime.combine(monday + timedelta(weeks=week), time())
            for first, last in spans:
                start = instant_of(midnight + first * _MINUTE, zone)
                if start >= end:
                    return
                stop = instant_of(midnight + last * _MINUTE, zone)
                yield max(start, begin), min(stop, end)

    @functools.cached_property
    def _weekly_minutes(self) -> tuple[tuple[int, int], ...] | None:
        """Return the coverages in minutes of a week, joined; none where nothing is left uncovered."""
        if not self.coverages:
            return None
        spans: list[tuple[int, int]] = []
        for first, last in sorted(_minutes_of(coverage) for coverage in self.coverages):
            if spans and first <= spans[-1][1]:
                spans[-1] = (spans[-1][0], max(spans[-1][1], last))
            else:
                spans.append((first, last))
        # The end of Sunday may reach into Monday.
        while len(spans) > 1 and spans[-1][1] >= spans[0][0] + _WEEK:
            _, last = spans.pop(0)
            spans[-1] = (spans[-1][0], max(spans[-1][1], last + _WEEK))
        return None if spans[0][1] - spans[0][0] >= _WEEK else tuple(spans)

    @functools.cached_property
    def _start(self) -> datetime:
        return self.start.astimezone(timezone.utc)

    @functools.cached_property
    def _first_day(self) -> date:
        return self._start.astimezone(load_zone(self.zone)).date()

    @functools.cached_property
    def _first(self) -> int:
        """Return the number of the hand-off that ends turn 0."""
        return next(number for number in itertools.count() if self._hand_off(number) > self._start)

    def _turn_at(self, instant: datetime) -> int:
        """Return the first turn that ends after an instant."""
        day = instant.astimezone(load_zone(self.zone)).date()
        units = _units_between(self.unit, self._first_day, day)
        # Hand-offs of earlier units are past; a few of this one are tried, whatever clocks do on that day.
        guess = units // self.multiplier * len(self.hand_offs)
        numbers = itertools.count(max(self._first, guess))
        return next(number for number in numbers if self._hand_off(number) > instant) - self._first

    def _hand_off(self, number: int) -> datetime:
        """Return a hand-off by its number; 0 is the first in the unit of the start, even if before it."""
        count, position = divmod(number, len(self.hand_offs))
        walls = _walls(self.unit, self._first_day, count * self.multiplier, self.hand_offs)
        return instant_of(walls[position], load_zone(self.zone))


def shifts_between(rotas: Sequence[Rota], start: datetime, end: datetime) -> list[Shift]:
    """Return the shifts of several rotations that have a part between two instants, uncut, by their start."""
    shifts = (shift for rota in rotas for shift in rota.shifts_between(start, end))
    return sorted(shifts, key=lambda shift: shift.start.astimezone(timezone.utc))


def gaps_between(rotas: Sequence[Rota], start: datetime, end: datetime) -> Iterator[Gap]:
    """Yield the gaps that several rotations together leave between two instants, cut at these."""
    zone = load_zone(rotas[0].zone)
    free, until = start.astimezone(timezone.utc), end.astimezone(timezone.utc)
    for first, last in sorted(piece for rota in rotas for piece in rota.covered(free, until)):
        if first > free:
            yield Gap(free.astimezone(zone), first.astimezone(zone))
        free = max(free, last)
    if free < until:
        yield Gap(free.astimezone(zone), until.astimezone(zone))


@functools.cache
def zone_names() -> tuple[str, ...]:
    """Return the names of all time zones."""
    return tuple((importlib.resources.files("tzdata") / "zones").read_text().split())


@functools.cache
def load_zone(name: str) -> ZoneInfo:
    """Return a time zone, read from the package and not from the machine, whose rules may be older."""
    from zoneinfo import ZoneInfo  # noqa: PLC0415 - a recurrence alone needs no zone

    if name not in zone_names():
        raise ValueError(f"no time zone {name!r}")
    with importlib.resources.files("tzdata").joinpath("zoneinfo", *name.split("/")).open("rb") as file:
        return ZoneInfo.from_file(file, key=name)


def instant_of(wall: datetime, zone: ZoneInfo) -> datetime:
    """Return, in UTC, the first instant at which clocks in a zone show a time or have jumped over it."""
    earlier, later = (wall.replace(tzinfo=zone, fold=fold).astimezone(timezone.utc) for fold in (0, 1))
    if earlier <= later:  # It exists, maybe twice.
        return earlier
    # Clocks jump over it, so that `later` lies before their jump and `earlier` after it.
    before, after = later, earlier
    offset = before.astimezone(zone).utcoffset()
    while after - before > _SECOND:
        middle = before + (after - before) // (2 * _SECOND) * _SECOND
        if middle.astimezone(zone).utcoffset() == offset:
            before = middle
        else:
            after = middle
    return after


def _walls(unit: Unit, first_day: date, units: int, hand_offs: Sequence[HandOff]) -> list[datetime]:
    """Return the local times of all hand-offs in a unit, which is so many after that of the first day."""
    if unit == "days":
        days = [first_day + timedelta(days=units) for _ in hand_offs]
    elif unit == "weeks":
        monday = _monday_of(first_day) + timedelta(weeks=units)
        days = [monday + timedelta(days=day) for day, _ in hand_offs]
    else:
        year, month = divmod(first_day.year * 12 + first_day.month - 1 + units, 12)
        last = calendar.monthrange(year, month + 1)[1]
        days = [date(year, month + 1, min(day, last)) for day, _ in hand_offs]
    return sorted(datetime.combine(day, clock) for day, (_, clock) in zip(days, hand_offs, strict=True))


def _units_between(unit: Unit, first: date, day: date) -> int:
    if unit == "days":
        return (day - first).days
    if unit == "weeks":
        return (_monday_of(day) - _monday_of(first)).days // 7
    return (day.year - first.year) * 12 + day.month - first.month


def _monday_of(day: date) -> date:
    return day - timedelta(days=day.weekday())


def _minutes_of(coverage: Coverage) -> tuple[int, int]:
    day, first, last = coverage
    start, end = (day * _DAY + clock.hour * 60 + clock.minute for clock in (first, last))
    return start, end if end > start else end + _DAY


def _hand_offs_from_api(recurrence: Mapping[str, Any]) -> tuple[Unit, tuple[HandOff, ...]]:
    if daily := recurrence.get("DailySettings"):
        return "days", tuple((0, _time_from_api(clock)) for clock in daily)
    if weekly := recurrence.get("WeeklySettings"):
        return "weeks", tuple(
            (DAYS.index(setting["DayOfWeek"]), _time_from_api(setting["HandOffTime"])) for setting in weekly
        )
    return "months", tuple(
        (setting["DayOfMonth"], _time_from_api(setting["HandOffTime"]))
        for setting in recurrence["MonthlySettings"]
    )


def _time_from_api(clock: Mapping[str, int]) -> time:
    return time(clock["HourOfDay"], clock["MinuteOfHour"])
