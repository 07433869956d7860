"""Who is on call, found out the slow way: by watching the clocks of a zone, a quarter of an hour at a time.

Nothing here computes when a local time occurs. A hand-off happens, and a coverage begins or ends, as soon as
clocks have shown its time or a later one.
"""

from __future__ import annotations

import calendar
import collections
import functools
from datetime import date, datetime, time, timedelta, timezone
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cdk_incidents._shifts import Rota

STEP = timedelta(minutes=15)


def watch(rota: Rota, until: datetime) -> Iterator[tuple[datetime, tuple[str, ...]]]:
    """Yield, for each quarter of an hour from two days before the start, who is on call in it."""
    zone = ZoneInfo(rota.zone)
    start = rota.start.astimezone(timezone.utc)
    first_day = start.astimezone(zone).date()
    hand_offs = functools.cache(lambda day: _hand_offs_of(rota, first_day, day))
    is_covered = functools.cache(lambda day, clock: _is_covered(rota, day, clock))
    now = start - timedelta(days=2)
    shown = now.astimezone(zone).replace(tzinfo=None)
    turn = 0
    while now < until:
        later = max(shown, now.astimezone(zone).replace(tzinfo=None))
        if now > start:
            due = {*hand_offs(shown.date()), *hand_offs(later.date())}
            turn += sum(shown < wall <= later for wall in due)
        shown = later
        on_call = now >= start and is_covered(shown.weekday(), shown.time())
        yield now, _members(rota, turn) if on_call else ()
        now += STEP


def _members(rota: Rota, turn: int) -> tuple[str, ...]:
    queue = collections.deque(rota.members)
    queue.rotate(-turn * rota.on_call)
    return tuple(queue)[: rota.on_call]


def _hand_offs_of(rota: Rota, first_day: date, day: date) -> list[datetime]:
    return [
        datetime.combine(day, clock)
        for place, clock in rota.hand_offs
        if _is_hand_off_day(rota, first_day, day, place)
    ]


def _is_hand_off_day(rota: Rota, first_day: date, day: date, place: int) -> bool:
    if rota.unit == "days":
        return (day - first_day).days % rota.multiplier == 0
    if rota.unit == "weeks":
        monday = first_day - timedelta(days=first_day.weekday())
        return day.weekday() == place and ((day - monday).days // 7) % rota.multiplier == 0
    months = (day.year - first_day.year) * 12 + day.month - first_day.month
    last = calendar.monthrange(day.year, day.month)[1]
    return day.day == min(place, last) and months % rota.multiplier == 0


def _is_covered(rota: Rota, today: int, clock: time) -> bool:
    if not rota.coverages:
        return True
    for day, first, last in rota.coverages:
        over_night = last <= first
        if day == today and first <= clock and (over_night or clock < last):
            return True
        if over_night and (day + 1) % 7 == today and clock < last:
            return True
    return False


QUARTERS = [time(hour, minute) for hour in range(24) for minute in (0, 15, 30, 45)]
"""All times of day that a watcher of quarters can tell apart."""
