"""What holds an incident back, and whether its cause still stands."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from incidents_runtime.settings import Route
from incidents_runtime.signals import read
from incidents_runtime.suppression import EVERY_ROUTE, SWITCH_KEY, Hold, Suppression

from tests.runtime.fakes import (
    DENIED,
    INTERNAL,
    NOW,
    PLAN,
    THROTTLED,
    FakeClock,
    FakeTable,
    Faulty,
    alarm,
    told,
)

if TYPE_CHECKING:
    from incidents_runtime.signal_model import Signal

SOON = NOW + timedelta(hours=1)
CLOSED = {"name": "arn:aws:ssm:us-east-1:123456789012:document/Freeze", "state": "CLOSED"}
OPEN = {"name": "Maintenance", "state": "OPEN"}
ROUTE = Route("Critical", PLAN, calendars=(CLOSED, OPEN))


class FakeCalendars(Faulty):
    """Systems Manager, with a calendar's state and next transition by its name."""

    def __init__(self) -> None:
        super().__init__()
        self.states: dict[str, tuple[str, str | None]] = {
            CLOSED["name"]: ("OPEN", None),
            OPEN["name"]: ("CLOSED", None),
        }

    def get_calendar_state(self, **request: Any) -> dict[str, Any]:
        (name,) = request["CalendarNames"]
        state, ends = self.states[name]
        answer = {"State": state, "AtTime": "x"} | ({"NextTransitionTime": ends} if ends else {})
        return self._call("GetCalendarState", request, lambda: answer)  # type: ignore[no-any-return]


class FakeAlarms(Faulty):
    """CloudWatch, with an alarm's kind and state by its name."""

    def __init__(self) -> None:
        super().__init__()
        self.states: dict[str, tuple[str, str]] = {}

    def describe_alarms(self, **request: Any) -> dict[str, Any]:
        def work() -> dict[str, Any]:
            (name,) = request["AlarmNames"]
            kind, state = self.states.get(name, ("", ""))
            kinds: dict[str, list[Any]] = {"CompositeAlarm": [], "MetricAlarm": []} | (
                {kind: [{"StateValue": state}]} if kind else {}
            )
            return {f"{each}s": found for each, found in kinds.items() if each in request["AlarmTypes"]}

        return self._call("DescribeAlarms", request, work)  # type: ignore[no-any-return]


class Asked:
    """A suppression, and whom it asks."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.table, self.calendars, self.alarms = FakeTable(), FakeCalendars(), FakeAlarms()
        self.suppression = Suppression(
            table="ledger",
            account="123456789012",
            region="us-east-1",
            clock=self.clock,
            switches=self.table,
            calendars=lambda: self.calendars,
            alarms=lambda: self.alarms,
        )

    def flip(self, route: str = EVERY_ROUTE, until: datetime | str = SOON, **more: str) -> None:
        """Flip a switch, as the command does."""
        end = until if isinstance(until, str) else until.isoformat()
        told = {name: {"S": value} for name, value in {"until": end, **more}.items()}
        self.table.items.setdefault(SWITCH_KEY, {})[f"for {route}"] = {"M": told}

    def held(self, route: Route = ROUTE, *, by: str = "", until: datetime | None = None) -> Hold | None:
        """Ask what holds an alarm back."""
        signal = replace(opened(), suppressed_by=by, suppressed_until=until)
        return self.suppression.held(signal, route)

    def passes(self, seconds: float) -> None:
        """Let time pass."""
        self.clock.time += timedelta(seconds=seconds)


def opened(**told: Any) -> Signal:
    """Read an alarm."""
    (signal,) = read(alarm(**told), NOW)
    return signal


@pytest.fixture
def asked() -> Asked:
    """Make one that nothing holds back."""
    return Asked()


def test_nothing_holds_back_what_nothing_suppresses(asked: Asked) -> None:
    """Both calendars are in their other state, no switch was ever flipped."""
    assert asked.held() is None
    assert asked.held(Route("Plain", PLAN)) is None
    assert len(asked.calendars.calls) == 2


# --- the switch


@pytest.mark.parametrize("route", [EVERY_ROUTE, "Critical"])
def test_the_switch_holds_until_its_end(asked: Asked, route: str) -> None:
    """Of all routes or of one; who flipped it, and why, is told."""
    asked.flip(route, reason="migration", by="arn:aws:sts::1:assumed-role/Op/ann")
    assert asked.held() == Hold("the switch: arn:aws:sts::1:assumed-role/Op/ann: migration", SOON)
    asked.passes(3_599)
    assert asked.held() is not None
    asked.passes(1)
    assert asked.held() is None


def test_another_routes_switch_holds_nothing(asked: Asked) -> None:
    """And the longer of two is told."""
    asked.flip("Other")
    assert asked.held() is None
    asked.passes(15)
    asked.flip(until=SOON - timedelta(minutes=1))
    asked.flip("Critical", reason="longer")
    assert asked.held() == Hold("the switch: longer", SOON)


def test_the_switch_is_read_every_fifteen_seconds(asked: Asked) -> None:
    """A flip is seen by then, and a storm does not read the table for each signal."""
    assert asked.held() is None
    asked.flip()
    asked.passes(14)
    assert asked.held() is None
    assert len(asked.table.calls) == 1
    asked.passes(1)
    assert asked.held() is not None
    asked.table.items.clear()
    asked.passes(15)
    assert asked.held() is None


def test_a_switch_that_cannot_be_read_holds_nothing(asked: Asked, capsys: pytest.CaptureFixture[str]) -> None:
    """When in doubt, an incident; the log says so, and the table is not asked again at once."""
    asked.flip()
    asked.table.fail("GetItem", THROTTLED)
    assert asked.held() is None
    assert asked.held() is None
    (line,) = told(capsys.readouterr().out)
    assert line["message"] == "the switch cannot be read and holds nothing back"
    asked.passes(15)
    assert asked.held() is not None


@pytest.mark.parametrize("until", ["", "for ever", "9999"])
def test_a_switch_without_an_end_is_none(asked: Asked, until: str) -> None:
    """Whoever wrote it into the table."""
    asked.flip(until=until)
    assert asked.held() is None


@pytest.mark.parametrize(
    "item",
    [
        {"for *": None},
        {"for *": {"S": "2099-01-01T00:00:00Z"}},
        {"for *": {"M": []}},
        {"for *": {"M": {"until": {"N": "1"}}}},
        {"*": {"M": {"until": {"S": "2099-01-01T00:00:00Z"}}}},
    ],
)
def test_a_table_edited_by_hand_holds_nothing(asked: Asked, item: dict[str, Any]) -> None:
    """What makes no sense is not there."""
    asked.table.items[SWITCH_KEY] = item
    assert asked.held() is None


def test_a_smoke_test_is_never_held(asked: Asked) -> None:
    """A deployment in a window is proven too; the quiet route asks nobody."""
    asked.flip()
    assert asked.held(Route("smoke-test", PLAN, quiet=True, calendars=(CLOSED,))) is None
    assert asked.table.calls == []


# --- mutes


def test_a_mute_holds_until_its_window_ends(asked: Asked) -> None:
    """What the alarm's event says of it is believed."""
    assert asked.held(by="mute rule Night", until=SOON) == Hold("mute rule Night", SOON)
    asked.passes(3_600)
    assert asked.held(by="mute rule Night", until=SOON) is None


def test_a_mute_without_an_end_holds_nothing(asked: Asked) -> None:
    """It would hold for ever; nor does an end alone."""
    assert asked.held(by="mute rule Night") is None
    assert asked.held(until=SOON) is None


# --- Change Calendar


def test_a_calendar_in_the_routes_state_holds_until_its_next_transition(asked: Asked) -> None:
    """One that is closed, or one that is open; each is asked by itself."""
    asked.calendars.states[CLOSED["name"]] = ("CLOSED", "2026-03-05T13:00:00Z")
    assert asked.held() == Hold("the calendar Freeze, which is CLOSED", SOON)
    asked = Asked()
    asked.calendars.states["Maintenance"] = ("OPEN", "2026-03-05T13:00:00Z")
    assert asked.held() == Hold("the calendar Maintenance, which is OPEN", SOON)
    assert [call["CalendarNames"] for call in asked.calendars.called("GetCalendarState")] == [
        [CLOSED["name"]],
        ["Maintenance"],
    ]


@pytest.mark.parametrize("ends", [None, "2026-03-05T11:00:00Z", "never"])
def test_a_calendar_that_names_no_next_transition_is_looked_at_again(asked: Asked, ends: str | None) -> None:
    """In twelve hours, if nothing says when."""
    asked.calendars.states["Maintenance"] = ("OPEN", ends)
    hold = asked.held()
    assert hold is not None
    assert hold.until == NOW + timedelta(hours=12)


def test_a_calendar_is_asked_every_minute(asked: Asked) -> None:
    """And no later than its next transition."""
    asked.held()
    asked.passes(59)
    asked.held()
    assert len(asked.calendars.calls) == 2
    asked.calendars.states["Maintenance"] = ("OPEN", "2026-03-05T12:01:10Z")
    asked.passes(1)
    assert asked.held() is not None
    asked.calendars.states["Maintenance"] = ("CLOSED", None)
    asked.passes(9)
    assert asked.held() is not None
    asked.passes(1)
    assert asked.held() is None


def test_a_calendar_that_is_refused_holds_nothing(asked: Asked, capsys: pytest.CaptureFixture[str]) -> None:
    """The others are asked all the same, and it is not asked again at once."""
    asked.calendars.states["Maintenance"] = ("OPEN", None)
    asked.calendars.fail("GetCalendarState", DENIED)
    for _ in range(2):
        hold = asked.held()
        assert hold is not None
        assert "Maintenance" in hold.by
    assert len(asked.calendars.calls) == 2
    (line,) = told(capsys.readouterr().out)
    assert line["message"] == "a calendar cannot be asked and holds nothing back"
    assert line["calendar"] == CLOSED["name"]
    asked.calendars.states[CLOSED["name"]] = ("CLOSED", None)
    asked.passes(15)
    hold = asked.held()
    assert hold is not None
    assert "Freeze" in hold.by


def test_a_service_that_does_not_answer_is_asked_for_no_other_calendar(asked: Asked) -> None:
    """Not for 15 seconds: a batch of signals must not wait for each."""
    asked.calendars.states["Maintenance"] = ("OPEN", None)
    asked.calendars.fail("GetCalendarState", INTERNAL)
    assert asked.held() is None
    assert asked.held() is None
    assert len(asked.calendars.calls) == 1
    asked.passes(15)
    assert asked.held() is not None


def test_slow_calendars_do_not_use_up_a_signals_time(
    asked: Asked, capsys: pytest.CaptureFixture[str]
) -> None:
    """After four seconds the rest is not asked."""
    asked.calendars.states["Maintenance"] = ("OPEN", None)
    asked.calendars.before_call = lambda _: asked.passes(4.1)
    assert asked.held() is None
    assert len(asked.calendars.calls) == 1
    assert "slow" in capsys.readouterr().out


# --- does it still stand?


@pytest.mark.parametrize("kind", ["MetricAlarm", "CompositeAlarm", "LogAlarm"])
@pytest.mark.parametrize(("state", "stands"), [("ALARM", True), ("OK", False), ("INSUFFICIENT_DATA", None)])
def test_an_alarm_says_whether_its_cause_stands(asked: Asked, kind: str, state: str, stands: object) -> None:
    """Of whatever kind; missing data says nothing."""
    asked.alarms.states["ServerCpuTooHigh"] = (kind, state)
    assert asked.suppression.standing(opened()) is stands


def test_an_alarm_that_is_gone_says_nothing(asked: Asked) -> None:
    """Then an incident is started."""
    assert asked.suppression.standing(opened()) is None
    assert len(asked.alarms.calls) == 1


def test_cloudwatch_that_does_not_answer_says_nothing(
    asked: Asked, capsys: pytest.CaptureFixture[str]
) -> None:
    """The log says so."""
    asked.alarms.states["ServerCpuTooHigh"] = ("MetricAlarm", "OK")
    asked.alarms.fail("DescribeAlarms", INTERNAL)
    assert asked.suppression.standing(opened()) is None
    assert "does not tell of an alarm" in capsys.readouterr().out


@pytest.mark.parametrize(
    "arn",
    [
        None,
        "",
        "arn:aws:sns:us-east-1:123456789012:topic",
        "arn:aws:cloudwatch:us-east-1:123456789012:dashboard:x",
        "arn:aws:cloudwatch:eu-west-1:123456789012:alarm:ServerCpuTooHigh",
        "arn:aws:cloudwatch:us-east-1:210987654321:alarm:ServerCpuTooHigh",
        "arn:aws:cloudwatch:us-east-1:123456789012:alarm:" + "n" * 256,
    ],
)
def test_only_alarms_of_the_own_account_and_region_are_asked_about(asked: Asked, arn: str | None) -> None:
    """Another account's alarm of the same name is another alarm."""
    asked.alarms.states["ServerCpuTooHigh"] = ("MetricAlarm", "OK")
    assert asked.suppression.standing(replace(opened(), trigger_arn=arn)) is None
    assert asked.alarms.calls == []


def test_an_alarms_name_may_hold_colons(asked: Asked) -> None:
    """Everything behind ``:alarm:`` is the name."""
    asked.alarms.states["a:b / ü"] = ("MetricAlarm", "OK")
    signal = replace(opened(), trigger_arn="arn:aws:cloudwatch:us-east-1:123456789012:alarm:a:b / ü")
    assert asked.suppression.standing(signal) is False
