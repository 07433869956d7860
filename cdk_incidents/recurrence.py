"""When the turns of a rotation change, and which hours they cover; pure values."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from aws_cdk import aws_ssmcontacts as ssmcontacts

from cdk_incidents._checks import check_list, check_pattern, check_range, check_text, is_token, refusal
from cdk_incidents._shifts import DAYS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from cdk_incidents._shifts import Unit

_LARGEST_ROTATION = 30
_DAY = 24 * 60
# The console's; shorter ones are refused there.
_SHORTEST_COVERAGE = 30


@dataclasses.dataclass(frozen=True)
class ShiftCoverage:
    """Hours of the week in which somebody is on call; made by `days`, `weekdays` and `weekend`.

    Times are local times of the rotation's zone. An end that is not after its start is on the next day, so
    ``("22:00", "06:00")`` is a night and ``("00:00", "00:00")`` a whole day.
    """

    windows: tuple[tuple[int, str, str], ...]

    def __post_init__(self) -> None:
        if not self.windows:
            raise refusal("ShiftCoverage", "of at least one day", "none", "name a day and its hours.")
        for _, start, end in self.windows:
            _check_time("start of a coverage", start)
            _check_time("end of a coverage", end)
            if not is_token(start) and not is_token(end):
                length = (_minutes(end) - _minutes(start)) % _DAY or _DAY
                if length < _SHORTEST_COVERAGE:
                    raise refusal(
                        "ShiftCoverage",
                        f"of windows of at least {_SHORTEST_COVERAGE} minutes",
                        f"{start} to {end}",
                        "the service takes no shorter ones.",
                    )

    @classmethod
    def days(
        cls,
        *,
        monday: Sequence[tuple[str, str]] = (),
        tuesday: Sequence[tuple[str, str]] = (),
        wednesday: Sequence[tuple[str, str]] = (),
        thursday: Sequence[tuple[str, str]] = (),
        friday: Sequence[tuple[str, str]] = (),
        saturday: Sequence[tuple[str, str]] = (),
        sunday: Sequence[tuple[str, str]] = (),
    ) -> ShiftCoverage:
        """Return the hours of each day, as pairs of start and end.

        Parameters
        ----------
        monday, tuesday, wednesday, thursday, friday, saturday, sunday
            E.g. ``[("09:00", "12:00"), ("13:00", "17:00")]``. By default nobody is on call on that day.

        Raises
        ------
        ValueError
            If no day has hours, a time is not like ``09:00``, or a window is shorter than 30 minutes.
        """
        week = (monday, tuesday, wednesday, thursday, friday, saturday, sunday)
        for windows in week:
            pair = 'pairs like ("09:00", "17:00")'
            check_list("hours of a day", windows, tuple, pair)
            for window in windows:
                if len(window) != 2:  # noqa: PLR2004 - a start and an end
                    raise refusal("hours of a day", f"a list of {pair}", window, "name a start and an end.")
        return cls(tuple((day, *window) for day, windows in enumerate(week) for window in windows))

    @classmethod
    def weekdays(cls, start: str, end: str) -> ShiftCoverage:
        """Return the same hours from Monday to Friday, e.g. ``weekdays("09:00", "17:00")``."""
        return cls(tuple((day, start, end) for day in range(5)))

    @classmethod
    def weekend(cls, start: str, end: str) -> ShiftCoverage:
        """Return the same hours on Saturday and Sunday."""
        return cls(tuple((day, start, end) for day in (5, 6)))


@dataclasses.dataclass(frozen=True, kw_only=True)
class Recurrence:
    """When turns change; made by `daily`, `weekly` and `monthly`.

    Notes
    -----
    https://docs.aws.amazon.com/incident-manager/latest/APIReference/API_SSMContacts_RecurrenceSettings.html
    """

    unit: Unit
    hand_offs: tuple[tuple[int, str], ...]
    recurrence_multiplier: int
    number_of_on_calls: int
    shift_coverages: ShiftCoverage | Sequence[ShiftCoverage] | None

    def __post_init__(self) -> None:
        if not self.hand_offs:
            raise refusal("Recurrence", "of at least one hand-off", "none", 'name a time, e.g. "09:00".')
        if not isinstance(self.shift_coverages, (ShiftCoverage, type(None))):
            check_list("shift_coverages", self.shift_coverages, ShiftCoverage, "ShiftCoverage")
        for day, clock in self.hand_offs:
            _check_time("a hand-off", clock)
            if self.hand_offs.count((day, clock)) > 1:
                raise refusal("Recurrence", "of different hand-offs", f"{clock} twice", "leave one out.")
        check_range(
            "recurrence_multiplier",
            self.recurrence_multiplier,
            minimum=1,
            maximum=100,
            remedy="a turn lasts so many days, weeks or months.",
        )
        check_range(
            "number_of_on_calls",
            self.number_of_on_calls,
            minimum=1,
            maximum=_LARGEST_ROTATION,
            remedy="so many contacts are on call at once.",
        )

    @classmethod
    def daily(
        cls,
        *hand_offs: str,
        recurrence_multiplier: int = 1,
        number_of_on_calls: int = 1,
        shift_coverages: ShiftCoverage | Sequence[ShiftCoverage] | None = None,
    ) -> Recurrence:
        """Return turns that change at times of the day.

        Parameters
        ----------
        hand_offs
            Local times like ``09:00``, at least one.
        recurrence_multiplier
            How many days a turn lasts: 1 to 100. By default one. They are counted from the one that holds the
            rotation's start.
        number_of_on_calls
            How many contacts are on call at once, at most as many as the rotation has. By default one.
        shift_coverages
            A `ShiftCoverage`, or several, whose hours add up. By default all hours of the week are covered.

        Raises
        ------
        ValueError
            If there is no hand-off, one of another form or one twice, or a number breaks its limit.
        """
        return cls(
            unit="days",
            hand_offs=tuple((0, clock) for clock in hand_offs),
            recurrence_multiplier=recurrence_multiplier,
            number_of_on_calls=number_of_on_calls,
            shift_coverages=shift_coverages,
        )

    @classmethod
    def weekly(  # noqa: PLR0913 - one a day
        cls,
        *,
        monday: str | None = None,
        tuesday: str | None = None,
        wednesday: str | None = None,
        thursday: str | None = None,
        friday: str | None = None,
        saturday: str | None = None,
        sunday: str | None = None,
        recurrence_multiplier: int = 1,
        number_of_on_calls: int = 1,
        shift_coverages: ShiftCoverage | Sequence[ShiftCoverage] | None = None,
    ) -> Recurrence:
        """Return turns that change on days of the week.

        Parameters
        ----------
        monday, tuesday, wednesday, thursday, friday, saturday, sunday
            A local time like ``09:00`` for each day on which turns change, at least one.
        recurrence_multiplier
            How many weeks a turn lasts: 1 to 100. By default one. They are counted, from Monday, from the one
            that holds the rotation's start.
        number_of_on_calls, shift_coverages
            As in `daily`.

        Raises
        ------
        ValueError
            If there is no hand-off or one of another form, or a number breaks its limit.
        """
        week = (monday, tuesday, wednesday, thursday, friday, saturday, sunday)
        return cls(
            unit="weeks",
            hand_offs=tuple((day, clock) for day, clock in enumerate(week) if clock is not None),
            recurrence_multiplier=recurrence_multiplier,
            number_of_on_calls=number_of_on_calls,
            shift_coverages=shift_coverages,
        )

    @classmethod
    def monthly(
        cls,
        hand_offs: Mapping[int, str],
        *,
        recurrence_multiplier: int = 1,
        number_of_on_calls: int = 1,
        shift_coverages: ShiftCoverage | Sequence[ShiftCoverage] | None = None,
    ) -> Recurrence:
        """Return turns that change on days of the month.

        Parameters
        ----------
        hand_offs
            Days from 1 to 31 with a local time each, e.g. ``{1: "09:00", 15: "09:00"}``, at least one. What
            the service makes of the 31st of a short month is not documented; previews take the last day.
        recurrence_multiplier
            How many months a turn lasts: 1 to 100. By default one. They are counted from the one that holds
            the rotation's start.
        number_of_on_calls, shift_coverages
            As in `daily`.

        Raises
        ------
        ValueError
            If there is no hand-off or one of another form, or a number breaks its limit.
        """
        for day in hand_offs:
            check_range("a day of the month", day, minimum=1, maximum=31, remedy="months begin with day 1.")
        return cls(
            unit="months",
            hand_offs=tuple(hand_offs.items()),
            recurrence_multiplier=recurrence_multiplier,
            number_of_on_calls=number_of_on_calls,
            shift_coverages=shift_coverages,
        )

    @property
    def windows(self) -> tuple[tuple[int, str, str], ...]:
        """The windows of all coverages."""
        coverages = self.shift_coverages or ()
        if isinstance(coverages, ShiftCoverage):
            coverages = (coverages,)
        return tuple(sorted({window for coverage in coverages for window in coverage.windows}))


def rendered(recurrence: Recurrence) -> ssmcontacts.CfnRotation.RecurrenceSettingsProperty:
    """Return the recurrence as CDK's L1 takes it."""
    cfn = ssmcontacts.CfnRotation
    hand_offs = recurrence.hand_offs
    windows: dict[int, list[ssmcontacts.CfnRotation.CoverageTimeProperty]] = {}
    for day, start, end in recurrence.windows:
        times = cfn.CoverageTimeProperty(start_time=start, end_time=end)
        windows.setdefault(day, []).append(times)
    return cfn.RecurrenceSettingsProperty(
        number_of_on_calls=recurrence.number_of_on_calls,
        recurrence_multiplier=recurrence.recurrence_multiplier,
        daily_settings=[clock for _, clock in hand_offs] if recurrence.unit == "days" else None,
        weekly_settings=[
            cfn.WeeklySettingProperty(day_of_week=DAYS[day], hand_off_time=clock) for day, clock in hand_offs
        ]
        if recurrence.unit == "weeks"
        else None,
        monthly_settings=[
            cfn.MonthlySettingProperty(day_of_month=day, hand_off_time=clock) for day, clock in hand_offs
        ]
        if recurrence.unit == "months"
        else None,
        shift_coverages=[
            cfn.ShiftCoverageProperty(day_of_week=DAYS[day], coverage_times=times)
            for day, times in windows.items()
        ]
        or None,
    )


def _check_time(argument: str, clock: str) -> None:
    check_text(argument, clock)
    check_pattern(
        argument,
        clock,
        pattern="([01][0-9]|2[0-3]):[0-5][0-9]",
        rule="a time of day from 00:00 to 23:59",
        remedy="write it with two digits each, e.g. 09:00; midnight is 00:00.",
    )


def _minutes(clock: str) -> int:
    return int(clock[:2]) * 60 + int(clock[3:])
