"""Shifts as the API tells them: worked out as the constructs' preview does, overrides laid over."""

from __future__ import annotations

import datetime as dt
import itertools
from typing import TYPE_CHECKING, Any

from cdk_incidents._shifts import Rota, instant_of, load_zone, shifts_between

if TYPE_CHECKING:
    from collections.abc import Iterable

SETTINGS = ("DailySettings", "WeeklySettings", "MonthlySettings")


def read_local_time(text: str, zone: str) -> dt.datetime:
    """Read a time as CloudFormation writes it: with no zone, so it is the rotation's."""
    try:
        return instant_of(dt.datetime.strptime(text, "%Y-%m-%dT%H:%M:%S"), load_zone(zone))  # noqa: DTZ007
    except ValueError as wrong:
        raise ValueError(f"StartTime and TimeZoneId of a rotation cannot be read: {wrong}") from None


def at(rotation: dict[str, Any], overrides: Iterable[dict[str, Any]], now: dt.datetime) -> list[str]:
    """Tell who is on call. CHOICE: of overrides that overlap, the last one made holds."""
    override = _override(overrides, now)
    return list(override["NewContactIds"] if override else _rota(rotation).on_call_at(now))


def between(
    rotation: dict[str, Any], overrides: Iterable[dict[str, Any]], start: dt.datetime, end: dt.datetime
) -> list[dict[str, Any]]:
    """Tell the shifts between two moments, uncut but for overrides."""
    regular = shifts_between([_rota(rotation)], start, end)
    laid = [o for o in overrides if o["StartTime"] < end and o["EndTime"] > start]
    edges = {edge for o in laid for edge in (o["StartTime"], o["EndTime"])}
    edges |= {edge.astimezone(dt.timezone.utc) for shift in regular for edge in (shift.start, shift.end)}
    told: list[dict[str, Any]] = []
    for first, last in itertools.pairwise(sorted(edges)):
        override = _override(laid, first)
        people = [who for shift in regular if shift.start <= first < shift.end for who in shift.contacts]
        shift = {"StartTime": first, "EndTime": last, "Type": "REGULAR", "ContactIds": people}
        if override:
            shift |= {"Type": "OVERRIDDEN", "ContactIds": override["NewContactIds"]}
            shift["ShiftDetails"] = {"OverriddenContactIds": people}
        if override or people:
            told.append(shift)
    return told


def _override(overrides: Iterable[dict[str, Any]], now: dt.datetime) -> dict[str, Any] | None:
    return next((o for o in reversed(list(overrides)) if o["StartTime"] <= now < o["EndTime"]), None)


def _rota(rotation: dict[str, Any]) -> Rota:
    return Rota.from_api(
        members=rotation["ContactIds"],
        start=rotation["StartTime"],
        zone=rotation["TimeZoneId"],
        recurrence=rotation["Recurrence"],
    )
