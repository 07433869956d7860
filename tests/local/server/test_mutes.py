"""Alarm mute rules: what an alarm does in their windows, and when they end."""

from __future__ import annotations

import datetime as dt
import json
from typing import TYPE_CHECKING

import pytest
from botocore.exceptions import ClientError

from cdk_incidents.local._server.monitoring import mutes
from cdk_incidents.local._server.state import Cloud

from .conftest import ACCOUNT, REGION, unique

if TYPE_CHECKING:
    from .conftest import Aws, Stack

_PLACE = f"arn:aws:cloudwatch:{REGION}:{ACCOUNT}"


def _now(aws: Aws) -> dt.datetime:
    return dt.datetime.fromisoformat(aws.control("GET", "clock")["now"])


def _alarm(aws: Aws) -> tuple[str, str, str]:
    """Make an alarm in OK that starts incidents of a plan, and give its name, the plan, its events' queue."""
    watch, name, plan = aws.client("cloudwatch"), unique("alarm"), aws.plan()
    watch.put_metric_alarm(
        AlarmName=name,
        Namespace="App",
        MetricName=name,
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1.0,
        ComparisonOperator="GreaterThanThreshold",
        AlarmActions=[plan],
        OKActions=[aws.plan(title=name)],
    )
    _set(aws, name, "OK")
    url, arn = aws.queue()
    events, rule = aws.client("events"), unique("rule")
    pattern = {"source": ["aws.cloudwatch"], "detail": {"alarmName": [name]}}
    events.put_rule(Name=rule, EventPattern=json.dumps(pattern))
    events.put_targets(Rule=rule, Targets=[{"Id": "q", "Arn": arn}])
    return name, plan, url


def _set(aws: Aws, name: str, state: str) -> None:
    aws.client("cloudwatch").set_alarm_state(AlarmName=name, StateValue=state, StateReason="a drill")


def _mute(aws: Aws, *alarms: str, duration: str = "PT2H", begin: dt.datetime | None = None) -> str:
    """Mute alarms from this minute on, and give the rule's name."""
    name = unique("rule")
    schedule = {"Expression": f"at({begin or _now(aws):%Y-%m-%dT%H:%M})", "Duration": duration}
    aws.client("cloudwatch").put_alarm_mute_rule(
        Name=name, Rule={"Schedule": schedule}, MuteTargets={"AlarmNames": list(alarms)}
    )
    return name


def _started(aws: Aws, plan: str) -> int:
    aws.control("GET", "health")
    return sum(start["plan"] == plan for start in aws.control("GET", "audit")["audit"])


def test_a_muted_alarm_acts_when_the_window_ends(aws: Aws) -> None:
    """If it is still in its state; the bus was told at once, by which rule and until when, and only then."""
    name, plan, queue = _alarm(aws)
    begin = _now(aws)
    rule = _mute(aws, name, begin=begin)
    _set(aws, name, "ALARM")
    (event,) = aws.messages(queue)
    assert event["detail"]["muteDetail"] == {
        "mutedByArn": f"{_PLACE}:alarm-mute-rule:{rule}",
        "muteWindowStart": f"{begin:%Y-%m-%dT%H:%M}:00.000+0000",
        "muteWindowEnd": f"{begin + dt.timedelta(hours=2):%Y-%m-%dT%H:%M}:00.000+0000",
    }
    assert event["detail"]["state"]["value"] == "ALARM"
    aws.advance(minutes=118)
    assert _started(aws, plan) == 0
    aws.advance(minutes=3)
    assert _started(aws, plan) == 1
    _set(aws, name, "OK")
    told = [event["detail"] for event in aws.messages(queue, 2)]  # the first one is there again by now
    assert {(detail["state"]["value"], "muteDetail" in detail) for detail in told} == {
        ("ALARM", True),
        ("OK", False),
    }


def test_what_recovers_in_the_window_does_not_act(aws: Aws) -> None:
    """Nothing is left to do when it ends."""
    name, plan, _ = _alarm(aws)
    _mute(aws, name)
    for state in ("ALARM", "OK"):
        _set(aws, name, state)
    aws.advance(minutes=121)
    assert _started(aws, plan) == 0
    # What it did as it was made is all that its history has.
    history = aws.client("cloudwatch").describe_alarm_history(AlarmName=name, HistoryItemType="Action")
    assert len(history["AlarmHistoryItems"]) == 1


def test_only_the_rules_targets_are_muted(aws: Aws) -> None:
    """Other alarms act, and so does one whose window is over."""
    name, plan, _ = _alarm(aws)
    _mute(aws, _alarm(aws)[0])
    _set(aws, name, "ALARM")
    assert _started(aws, plan) == 1
    over, its_plan, _ = _alarm(aws)
    _mute(aws, over, duration="PT1M")
    aws.advance(minutes=2)
    _set(aws, over, "ALARM")
    assert _started(aws, its_plan) == 1


def test_windows_that_overlap_mute_until_the_last_ends(aws: Aws) -> None:
    """A rule that is made while another one mutes goes on after it."""
    name, plan, _ = _alarm(aws)
    _mute(aws, name, duration="PT1H")
    _set(aws, name, "ALARM")
    _mute(aws, name, duration="PT3H")
    aws.advance(minutes=61)
    assert _started(aws, plan) == 0
    aws.advance(minutes=121)
    assert _started(aws, plan) == 1


def test_an_event_tells_the_window_that_ends_last(aws: Aws) -> None:
    """Of several that mute."""
    name, _, queue = _alarm(aws)
    long, _ = _mute(aws, name, duration="PT3H"), _mute(aws, name, duration="PT1H")
    _set(aws, name, "ALARM")
    (event,) = aws.messages(queue)
    assert event["detail"]["muteDetail"]["mutedByArn"].endswith(f":{long}")


def test_playing_out_does_not_wait_for_a_window_without_end(aws: Aws) -> None:
    """One that begins again before it ends; deleting it unmutes still."""
    name, plan, _ = _alarm(aws)
    schedule = {"Expression": "cron(* * * * *)", "Duration": "P15D"}
    rule = {"Name": unique("rule"), "Rule": {"Schedule": schedule}, "MuteTargets": {"AlarmNames": [name]}}
    aws.client("cloudwatch").put_alarm_mute_rule(**rule)
    _set(aws, name, "ALARM")
    begun = _now(aws)
    aws.control("POST", "clock", {})
    assert _now(aws) - begun < dt.timedelta(days=15)
    assert _started(aws, plan) == 0
    aws.client("cloudwatch").delete_alarm_mute_rule(AlarmMuteRuleName=rule["Name"])
    assert _started(aws, plan) == 1


def test_deleting_a_rule_unmutes_at_once(aws: Aws) -> None:
    """And deleting one that is not there is no fault."""
    name, plan, _ = _alarm(aws)
    rule = _mute(aws, name)
    _set(aws, name, "ALARM")
    for _ in range(2):
        aws.client("cloudwatch").delete_alarm_mute_rule(AlarmMuteRuleName=rule)
        assert _started(aws, plan) == 1


def test_a_rule_deploys(aws: Aws, stack: Stack) -> None:
    """AWS::CloudWatch::AlarmMuteRule mutes, with its dates in its zone, and goes with its stack."""
    name, plan, _ = _alarm(aws)
    there = _now(aws).astimezone(dt.timezone(dt.timedelta(hours=9)))
    schedule = {"Expression": "cron(* * * * *)", "Duration": "P1D", "Timezone": "Asia/Tokyo"}
    properties = {
        "Rule": {"Schedule": schedule},
        "MuteTargets": {"AlarmNames": [name]},
        "StartDate": f"{there - dt.timedelta(hours=1):%Y-%m-%dT%H:%M}",
        "ExpireDate": f"{there + dt.timedelta(hours=1):%Y-%m-%dT%H:%M}",
    }
    resources = {"Mute": {"Type": "AWS::CloudWatch::AlarmMuteRule", "Properties": properties}}
    assert stack.deploy(resources, Arn={"Fn::GetAtt": ["Mute", "Arn"]}) == "CREATE_COMPLETE"
    assert stack.outputs["Arn"].startswith(f"{_PLACE}:alarm-mute-rule:{stack.name}-Mute-")
    _set(aws, name, "ALARM")
    assert _started(aws, plan) == 0
    stack.delete()
    assert _started(aws, plan) == 1


# When a window is


def _window(now: str, expression: str, duration: str = "PT4H", zone: str = "UTC", **dates: str) -> str:
    """Give the begin and the end of the window that a rule has at a time of UTC, as texts."""

    def utc(text: str) -> dt.datetime:
        return dt.datetime.fromisoformat(f"{text}+00:00")

    cloud = Cloud(REGION)
    cloud.clock._real = lambda: utc(now)
    cloud.mutes[f"{_PLACE}:alarm-mute-rule:r"] = {
        "Rule": {"Schedule": {"Expression": expression, "Duration": duration, "Timezone": zone}},
        "MuteTargets": {"AlarmNames": ["a"]},
        **{name: utc(date) for name, date in dates.items()},
    }
    found = mutes.window(cloud, f"{_PLACE}:alarm:a")
    return f"{found.begin:%dT%H:%M} {found.end:%dT%H:%M}" if found else ""


@pytest.mark.parametrize(
    ("now", "rule", "expected"),
    [
        ("2027-01-05T02:00", ("cron(0 2 * * *)",), "05T02:00 05T06:00"),
        ("2027-01-05T05:59", ("cron(0 2 * * *)",), "05T02:00 05T06:00"),
        ("2027-01-05T06:00", ("cron(0 2 * * *)",), ""),
        ("2027-01-05T01:59", ("cron(0 2 * * *)",), ""),
        ("2027-01-03T02:00", ("cron(0 2 * * SUN)",), "03T02:00 03T06:00"),
        ("2027-01-04T02:00", ("cron(0 2 * * SUN)",), ""),
        ("2027-01-04T02:00", ("cron(0 2 * * mon-FRI)",), "04T02:00 04T06:00"),
        ("2027-01-10T12:00", ("cron(0 18 * JAN,FEB FRI)", "P2DT12H"), "08T18:00 11T06:00"),
        ("2027-03-05T18:00", ("cron(0 18 * 1,FEB FRI)",), ""),
        ("2027-02-05T18:00", ("cron(0 18 * FEB *)",), "05T18:00 05T22:00"),
        ("2027-01-05T02:15", ("cron(0,15 0-2 5 * *)",), "05T02:15 05T06:15"),
        ("2027-01-05T08:30", ("cron(0 9 * * *)", "PT4H", "Europe/Berlin"), "05T08:00 05T12:00"),
        ("2027-01-05T09:30", ("at(2027-01-05T09:00)", "PT45M"), "05T09:00 05T09:45"),
        ("2027-01-06T09:30", ("at(2027-01-05T09:00)",), ""),
        ("2027-01-15T09:00", ("at(2027-01-01T00:00)", "P15D"), "01T00:00 16T00:00"),
    ],
)
def test_a_window_is_as_its_schedule_says(now: str, rule: tuple[str, ...], expected: str) -> None:
    """By the last time that it began, for its duration, in its zone."""
    assert _window(now, *rule) == expected


def test_a_rule_holds_between_its_dates() -> None:
    """Not before it starts, and a window ends when it expires."""
    daily = "cron(0 2 * * *)"
    assert _window("2027-01-05T03:00", daily, StartDate="2027-01-05T03:00") == "05T02:00 05T06:00"
    assert _window("2027-01-05T02:59", daily, StartDate="2027-01-05T03:00") == ""
    assert _window("2027-01-05T03:00", daily, ExpireDate="2027-01-05T04:00") == "05T02:00 05T04:00"
    assert _window("2027-01-05T04:00", daily, ExpireDate="2027-01-05T04:00") == ""


@pytest.mark.parametrize(
    "wrong",
    [
        {"Expression": "rate(1 hour)"},
        {"Expression": "cron(0 2 * * ? *)"},
        {"Expression": "cron(0 2 * * L)"},
        {"Expression": "at(tomorrow)"},
        {"Duration": "PT0M"},
        {"Duration": "P15DT1M"},
        {"Duration": "an hour"},
        {"Timezone": "Berlin"},
    ],
)
def test_a_schedule_that_cannot_be_is_refused(aws: Aws, wrong: dict[str, str]) -> None:
    """As it is put, with what it must be."""
    schedule = {"Expression": "cron(0 2 * * *)", "Duration": "PT1M", **wrong}
    with pytest.raises(ClientError, match=f"{next(iter(wrong))} must be"):
        aws.client("cloudwatch").put_alarm_mute_rule(Name=unique("rule"), Rule={"Schedule": schedule})
