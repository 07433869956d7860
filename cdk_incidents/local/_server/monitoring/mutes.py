"""Alarm mute rules: windows, by a schedule, in which the actions of some alarms wait.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-mute-rules.html
"""

from __future__ import annotations

import datetime as dt
import re
from typing import TYPE_CHECKING, Any, NamedTuple
from zoneinfo import ZoneInfo, available_timezones

from cdk_incidents.local._server.protocol.errors import ServiceError

if TYPE_CHECKING:
    from collections.abc import Callable

    from cdk_incidents.local._server.state import Caller, Cloud

_EXPRESSION = re.compile(r"at\((?P<at>\d{4}-\d\d-\d\dT\d\d:\d\d)\)|cron\((?P<cron>\S+( \S+){4})\)")
_DURATION = re.compile(r"P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?)?")
_MINUTE, _LONGEST = dt.timedelta(minutes=1), dt.timedelta(days=15)
_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_DAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
# What the names of cron's five fields stand for: of months and days alone.
_NAMES: list[dict[str, int]] = [
    *({}, {}, {}),
    {name: number for number, name in enumerate(_MONTHS, 1)},
    {name: number for number, name in enumerate(_DAYS)},
]


class Window(NamedTuple):
    """A time in which a rule mutes."""

    rule: str
    begin: dt.datetime
    end: dt.datetime


def put_alarm_mute_rule(cloud: Cloud, caller: Caller, params: dict[str, Any]) -> dict[str, Any]:
    """Make a rule, or change it."""
    schedule = params["Rule"]["Schedule"]
    _matcher(schedule["Expression"])
    if schedule.get("Timezone", "UTC") not in available_timezones():
        raise _invalid("Timezone", "one of the time zone database", schedule["Timezone"])
    if not _MINUTE <= _duration(schedule["Duration"]) <= _LONGEST:
        raise _invalid("Duration", "from PT1M to P15D", schedule["Duration"])
    _change(cloud, _arn(caller, params["Name"]), params)
    return {}


def delete_alarm_mute_rule(cloud: Cloud, caller: Caller, params: dict[str, Any]) -> dict[str, Any]:
    """Delete a rule, whether there is one or not; what it muted goes on at once."""
    _change(cloud, _arn(caller, params["AlarmMuteRuleName"]), None)
    return {}


def _arn(caller: Caller, name: str) -> str:
    return f"arn:aws:cloudwatch:{caller.region}:{caller.account.id}:alarm-mute-rule:{name}"


def _change(cloud: Cloud, arn: str, rule: dict[str, Any] | None) -> None:
    before = cloud.mutes.pop(arn, {})
    if rule:
        cloud.mutes[arn] = rule
    for name in _targets(before):
        cloud.unmuted(arn.replace(":alarm-mute-rule:", ":alarm:").rpartition(":")[0] + f":{name}")


def _targets(rule: dict[str, Any]) -> list[str]:
    names: list[str] = rule.get("MuteTargets", {}).get("AlarmNames", [])
    return names


def window(cloud: Cloud, alarm_arn: str) -> Window | None:
    """Give the window that mutes an alarm now; of several, the one that ends last."""
    place, _, name = alarm_arn.partition(":alarm:")
    rules = cloud.mutes.items()
    here = [(arn, rule) for arn, rule in rules if arn.startswith(f"{place}:") and name in _targets(rule)]
    found = [window for arn, rule in here if (window := _window(arn, rule, cloud.clock.now()))]
    return max(found, key=lambda window: window.end, default=None)


def _window(arn: str, rule: dict[str, Any], now: dt.datetime) -> Window | None:
    schedule = rule["Rule"]["Schedule"]
    begins, duration = _matcher(schedule["Expression"]), _duration(schedule["Duration"])
    local = now.astimezone(ZoneInfo(schedule.get("Timezone", "UTC"))).replace(second=0, microsecond=0)
    for minute in range(int(duration / _MINUTE)):
        time = local - minute * _MINUTE
        if begins(time):
            begin = time.astimezone(dt.timezone.utc)
            end = min(begin + duration, rule.get("ExpireDate", begin + duration))
            return Window(arn, begin, end) if rule.get("StartDate", begin) <= now < end else None
    return None


def _matcher(expression: str) -> Callable[[dt.datetime], bool]:
    """Give what tells whether a window begins at a local minute."""
    found = _EXPRESSION.fullmatch(expression)
    if found is None:
        raise _invalid("Expression", "at(yyyy-MM-ddThh:mm), or cron(…) of five fields", expression)
    if found["at"]:
        return lambda time: time.strftime("%Y-%m-%dT%H:%M") == found["at"]
    try:
        fields = list(map(_field, found["cron"].upper().split(), _NAMES))
    except ValueError:
        raise _invalid("Expression", "of numbers, names, *, - and ,", expression) from None

    def begins(time: dt.datetime) -> bool:
        values = (time.minute, time.hour, time.day, time.month, time.isoweekday() % 7)
        return all(value in field for value, field in zip(values, fields, strict=True))

    return begins


def _field(text: str, names: dict[str, int]) -> set[int]:
    if text == "*":
        return set(range(60))
    ranges = ([int(names.get(end, end)) for end in part.split("-", 1)] for part in text.split(","))
    return {number for ends in ranges for number in range(ends[0], ends[-1] + 1)}


def _duration(text: str) -> dt.timedelta:
    found = _DURATION.fullmatch(text)
    days, hours, minutes = (int(part or 0) for part in found.groups()) if found else (0, 0, 0)
    return dt.timedelta(days=days, hours=hours, minutes=minutes)


def _invalid(member: str, rule: str, received: str) -> ServiceError:
    return ServiceError("ValidationError", f"{member} must be {rule} (got {received})")
