"""Suppression: what holds an incident back for now, and whether its cause still stands afterwards.

Whatever cannot be asked holds nothing back: when in doubt, an incident is started.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any, Protocol

from botocore.config import Config

from incidents_runtime.errors import describe, kind_of
from incidents_runtime.shapes import items, mapping, moment, text
from incidents_runtime.telemetry import log
from incidents_runtime.text import one_line

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from incidents_runtime.clock import Clock
    from incidents_runtime.settings import Route
    from incidents_runtime.signal_model import Signal

# They stand between a signal and its incident: one quick try each.
CONFIG = Config(connect_timeout=1, read_timeout=2, retries={"total_max_attempts": 1, "mode": "standard"})

SWITCH_KEY = ":suppressed"
"""The ledger's item with the operators' switches; entries are named by a route, whose id has no colon.

The command ``cdk-incidents suppress`` writes it, an attribute a switch.
"""
_PREFIX = "for "
EVERY_ROUTE = "*"
"""The switch of all routes."""

_SWITCH_IS_FRESH_FOR = timedelta(seconds=15)
_CALENDAR_IS_FRESH_FOR = timedelta(seconds=60)
# A service that did not answer is not asked again for so long, lest every signal of a batch wait for it.
_SILENCE_IS_BELIEVED_FOR = timedelta(seconds=15)
_LONG_AGO = datetime.min.replace(tzinfo=timezone.utc)
# A signal that waits for calendars has no time left to start its incident.
_ASKING_MAY_TAKE = timedelta(seconds=4)
# Where nothing says when a window ends.
_LOOK_AGAIN_IN = timedelta(hours=12)
_LONGEST_BY = 300
_ALARM = re.compile(r"arn:aws[a-z-]*:cloudwatch:([a-z0-9-]+):(\d{12}):alarm:(.{1,255})", re.ASCII | re.DOTALL)
# The newest kind is unknown to an older SDK, and asked for all the same.
_ALARM_TYPES = {"CompositeAlarm": "CompositeAlarms", "LogAlarm": "LogAlarms", "MetricAlarm": "MetricAlarms"}
_STANDING = {"ALARM": True, "OK": False}


@dataclass(frozen=True)
class Hold:
    """Something holds an incident back."""

    by: str
    """What it is, in words."""
    until: datetime
    """When it ends, as far as is known: then the signal is looked at again."""


class SwitchClient(Protocol):
    """What is asked of DynamoDB's client."""

    def get_item(self, **arguments: Any) -> Mapping[str, Any]:
        """Read an item."""


class CalendarClient(Protocol):
    """What is asked of Systems Manager's client."""

    def get_calendar_state(self, **arguments: Any) -> Mapping[str, Any]:
        """Say whether a Change Calendar is open."""


class AlarmClient(Protocol):
    """What is asked of CloudWatch's client."""

    def describe_alarms(self, **arguments: Any) -> Mapping[str, Any]:
        """Describe alarms."""


@dataclass(frozen=True)
class _Switch:
    until: datetime
    reason: str
    flipped_by: str


@dataclass(frozen=True)
class _CalendarState:
    state: str
    until: datetime | None


@dataclass
class _Memory:
    """What was heard lately, and until when it is believed; a function lives for hours."""

    switches: Mapping[str, _Switch] = field(default_factory=dict)
    switches_until: datetime = _LONG_AGO
    calendars: dict[str, tuple[_CalendarState | None, datetime]] = field(default_factory=dict)
    silent_until: datetime = _LONG_AGO


@dataclass(frozen=True)
class Suppression:
    """What may hold an incident back: an operator's switch, a mute of the alarm, a Change Calendar."""

    table: str
    """The ledger's table, which holds the switches too."""
    account: str
    region: str
    """Our own: alarms elsewhere cannot be asked about."""
    clock: Clock
    switches: SwitchClient
    calendars: Callable[[], CalendarClient]
    alarms: Callable[[], AlarmClient]
    """Made on demand: most triggers never ask."""
    memory: _Memory = field(default_factory=_Memory)

    def held(self, signal: Signal, route: Route) -> Hold | None:
        """Say what holds a signal's incident back.

        Parameters
        ----------
        signal
            A signal that is about to start an incident.
        route
            Its route. The quiet one is never held: a smoke test proves a deployment in a window too.

        Returns
        -------
        Hold or None
            What holds it, and until when; None if nothing does, or nothing can be asked.
        """
        if route.quiet:
            return None
        now = self.clock.now()
        return self._switched_off(route, now) or _muted(signal, now) or self._in_a_window(route, now)

    def standing(self, signal: Signal) -> bool | None:
        """Say whether a signal's cause still stands.

        Parameters
        ----------
        signal
            A signal that was held back.

        Returns
        -------
        bool or None
            What its alarm says. None if the signal is no alarm's of this account and Region, the alarm is
            gone or has no data, or CloudWatch does not answer.
        """
        alarm = _ALARM.fullmatch(signal.trigger_arn or "")
        if alarm is None or alarm.group(1, 2) != (self.region, self.account):
            return None
        try:
            answer = self.alarms().describe_alarms(
                AlarmNames=[alarm.group(3)], AlarmTypes=list(_ALARM_TYPES), MaxRecords=1
            )
        except Exception as error:  # noqa: BLE001 - then nobody knows
            log("WARNING", "CloudWatch does not tell of an alarm", reason=describe(error))
            return None
        states = {
            text(mapping(found).get("StateValue"))
            for kind in _ALARM_TYPES.values()
            for found in items(answer.get(kind))
        }
        return _STANDING.get(states.pop()) if len(states) == 1 else None

    # --- the switch

    def _switched_off(self, route: Route, now: datetime) -> Hold | None:
        switches = self._switches(now)
        standing = [
            switch
            for name in (EVERY_ROUTE, route.id)
            if (switch := switches.get(name)) and switch.until > now
        ]
        if not standing:
            return None
        longest = max(standing, key=lambda switch: switch.until)
        told = ": ".join(("the switch", *filter(None, (longest.flipped_by, longest.reason))))
        return Hold(one_line(told, _LONGEST_BY), longest.until)

    def _switches(self, now: datetime) -> Mapping[str, _Switch]:
        if now < self.memory.switches_until:
            return self.memory.switches
        try:
            answer = self.switches.get_item(
                TableName=self.table, Key={"key": {"S": SWITCH_KEY}}, ConsistentRead=True
            )
        except Exception as error:  # noqa: BLE001 - then nothing is held back
            log("WARNING", "the switch cannot be read and holds nothing back", reason=describe(error))
            self.memory.switches = {}
        else:
            self.memory.switches = _switches_in(mapping(answer.get("Item")))
        self.memory.switches_until = now + _SWITCH_IS_FRESH_FOR
        return self.memory.switches

    # --- Change Calendar

    def _in_a_window(self, route: Route, now: datetime) -> Hold | None:
        for calendar in route.calendars:
            name = text(calendar.get("name"))
            if self.clock.now() > now + _ASKING_MAY_TAKE:
                log("WARNING", "the calendars are slow, and the rest holds nothing back", calendar=name)
                return None
            known = self._state_of(name, now)
            if known is not None and known.state == calendar.get("state"):
                told = f"the calendar {name.rpartition('/')[2]}, which is {known.state}"
                return Hold(one_line(told, _LONGEST_BY), known.until or now + _LOOK_AGAIN_IN)
        return None

    def _state_of(self, name: str, now: datetime) -> _CalendarState | None:
        # Each by itself: of several together, the answer says only whether all are open.
        known, believed_until = self.memory.calendars.get(name, (None, _LONG_AGO))
        if now < believed_until:
            return known
        if now < self.memory.silent_until:
            return None
        known, believed_until = self._ask_for_state(name, now)
        self.memory.calendars[name] = (known, believed_until)
        return known

    def _ask_for_state(self, name: str, now: datetime) -> tuple[_CalendarState | None, datetime]:
        try:
            answer = self.calendars().get_calendar_state(CalendarNames=[name])
        except Exception as error:  # noqa: BLE001 - then nothing is held back
            told = describe(error)
            log("WARNING", "a calendar cannot be asked and holds nothing back", calendar=name, reason=told)
            believed_until = now + _SILENCE_IS_BELIEVED_FOR
            if kind_of(error) in ("retry", "ambiguous"):
                self.memory.silent_until = believed_until
            return None, believed_until
        ends = moment(answer.get("NextTransitionTime"))
        ends = ends if ends is not None and ends > now else None
        fresh_until = now + _CALENDAR_IS_FRESH_FOR
        state = _CalendarState(text(answer.get("State")), ends)
        return state, min(fresh_until, ends or fresh_until)


def _muted(signal: Signal, now: datetime) -> Hold | None:
    until = signal.suppressed_until
    # A mute without an end would hold for ever.
    if not signal.suppressed_by or until is None or until <= now:
        return None
    return Hold(one_line(signal.suppressed_by, _LONGEST_BY), until)


def _switches_in(item: Mapping[str, Any]) -> dict[str, _Switch]:
    # Tables are edited by hand: a switch that makes no sense, or has no end, is none.
    found = {}
    for name, value in item.items():
        fields = mapping(mapping(value).get("M"))
        told = {part: text(mapping(fields.get(part)).get("S")) for part in ("until", "reason", "by")}
        until = moment(told["until"])
        if name.startswith(_PREFIX) and until is not None:
            found[name[len(_PREFIX) :]] = _Switch(until, told["reason"], told["by"])
    return found
