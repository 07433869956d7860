"""CloudWatch alarms, told by the alarm itself or by EventBridge."""

from __future__ import annotations

import json
from datetime import datetime, timezone
from typing import Any

import pytest
from incidents_runtime.alarms import in_eventbridge_shape
from incidents_runtime.signals import Signal, UnreadableEvent, read

from tests.runtime.fakes import NOW, alarm, bus_alarm, sample

ARN = "arn:aws:cloudwatch:us-east-1:123456789012:alarm:"


def signal_of(event: object) -> Signal:
    """Read an event's only signal."""
    (signal,) = read(event, NOW)
    return signal


def test_a_metric_alarm() -> None:
    """Who, what, why, when and where are the alarm's."""
    signal = signal_of(sample("alarm_metric"))
    assert signal.source == "aws.cloudwatch"
    assert signal.account == "123456789012"
    assert signal.region == "us-east-1"
    assert signal.key == f"alarm|{ARN}ServerCpuTooHigh"
    assert signal.transition == "opened"
    assert signal.title == "ServerCpuTooHigh: Goes into alarm when server CPU utilization is too high!"
    assert signal.reason.startswith("Threshold Crossed")
    assert signal.time == datetime(2019, 10, 2, 17, 4, 40, 989000, timezone.utc)
    assert signal.trigger_arn == f"{ARN}ServerCpuTooHigh"
    assert signal.incident_source == "cloudwatch.alarm"


def test_the_direct_event_becomes_the_one_on_the_bus() -> None:
    """But for its id, which an alarm's action does not have, and which is the same each time."""
    shaped = in_eventbridge_shape(sample("alarm_metric"))
    assert shaped == {**sample("eventbridge_alarm"), "id": shaped["id"]}
    assert in_eventbridge_shape(sample("alarm_metric"))["id"] == shaped["id"]
    assert in_eventbridge_shape(sample("alarm_metric_ok"))["id"] != shaped["id"]


def test_an_unreadable_time_stays_as_it_is() -> None:
    """In the raw data nothing is invented."""
    assert in_eventbridge_shape({**alarm(), "time": "soon"})["time"] == "soon"


def test_both_ways_tell_of_one_signal() -> None:
    """Key and identity do not depend on the way."""
    direct, bus = signal_of(alarm()), signal_of(bus_alarm())
    assert (direct.key, direct.identity) == (bus.key, bus.identity)
    assert signal_of(alarm(at=1)).identity != direct.identity
    assert signal_of(alarm(state="OK")).identity != direct.identity


def test_a_composite_alarm_names_its_children() -> None:
    """No metrics; ALARM to ALARM after a suppression; the triggering alarms are related items."""
    signal = signal_of(sample("alarm_composite"))
    assert signal.transition == "opened"
    assert [item.arn for item in signal.related_items[1:]] == [f"{ARN}CompositeDemo.FirstChild"]
    assert signal.related_items[1].title == "Alarm CompositeDemo.FirstChild"
    assert signal.related_items[0].url == (
        "https://us-east-1.console.aws.amazon.com/cloudwatch/home?region=us-east-1#alarmsV2:alarm/CompositeDemo.Main"
    )


@pytest.mark.parametrize("data", ["{", "[" * 100_000, "7", '{"triggeringAlarms": {"arn": 1}}', 7, None])
def test_reason_data_that_is_none_gives_no_children(data: object) -> None:
    """A JSON string inside JSON can be anything."""
    event = alarm()
    event["alarmData"]["state"]["reasonData"] = data
    assert len(signal_of(event).related_items) == 1


def test_a_composite_alarm_is_not_its_own_child() -> None:
    """Nor is what has no ARN."""
    event = alarm()
    children = [{"arn": event["alarmArn"]}, {"name": "x"}, 7]
    event["alarmData"]["state"]["reasonData"] = json.dumps({"triggeringAlarms": children})
    assert len(signal_of(event).related_items) == 1


def test_contributors_are_causes_of_their_own() -> None:
    """Each contributor of one alarm has its incident, whose title names it."""
    signal = signal_of(sample("eventbridge_alarm_contributor"))
    assert signal.key == f"alarm|{ARN}DynamoDBInsightsAlarm|6d442278dba546f6"
    assert signal.title.startswith(
        "DynamoDBInsightsAlarm (TableName=example-dynamodb-table-name): Metrics Insights"
    )
    direct = in_eventbridge_shape(sample("alarm_promql"))
    assert direct["detail-type"] == "CloudWatch Alarm Contributor State Change"
    assert signal_of(sample("alarm_promql")).reason == ""


def test_a_muted_alarm_opens_and_says_until_when_it_is_muted() -> None:
    """It is held back, not forgotten: its cause may outlast the mute."""
    signal = signal_of(sample("eventbridge_alarm_muted"))
    assert signal.transition == "opened"
    assert signal.suppressed_by == "arn:aws:cloudwatch:us-east-1:123456789012:alarm-mute-rule:testMute"
    assert signal.suppressed_until == datetime(2019, 10, 2, 20, 0, tzinfo=timezone.utc)


def test_a_mute_counts_while_it_lasts() -> None:
    """A window that was over when the alarm went off mutes nothing; one without an end holds nothing back."""
    event = sample("eventbridge_alarm_muted")
    event["detail"]["muteDetail"]["muteWindowEnd"] = "2019-10-02T17:00:00.000+0000"
    assert signal_of(event).suppressed_by == ""
    del event["detail"]["muteDetail"]["muteWindowEnd"]
    assert signal_of(event).suppressed_by.endswith(":alarm-mute-rule:testMute")
    assert signal_of(event).suppressed_until is None
    event["detail"]["muteDetail"] = {"mutedByArn": "m" * 5_000, "muteWindowEnd": "2019-10-02T20:00:00Z"}
    assert len(signal_of(event).suppressed_by) == 300
    event["detail"]["muteDetail"] = {"muteWindowEnd": "2019-10-02T20:00:00Z"}
    assert signal_of(event).suppressed_until is None
    event["detail"]["muteDetail"] = "yes"
    assert signal_of(event).suppressed_by == ""


def test_suppressed_alarms_are_ignored_with_who_suppresses() -> None:
    """The wait period, or the suppressor; insufficient data is not suppressed, it is nothing."""
    event = sample("eventbridge_alarm_composite_suppressed")
    signal = signal_of(event)
    assert (signal.transition, signal.suppressed_by) == ("ignored", "WaitPeriod")
    assert signal.reason == "the alarm's actions are suppressed by WaitPeriod"
    event["detail"]["state"]["value"] = "INSUFFICIENT_DATA"
    assert signal_of(event).suppressed_by == ""


def test_recoveries_pass_a_mute() -> None:
    """A mute silences alarms; it keeps no incident open whose cause is gone."""
    event = sample("eventbridge_alarm_ok")
    event["detail"]["muteDetail"] = sample("eventbridge_alarm_muted")["detail"]["muteDetail"]
    event["detail"]["state"]["actionsSuppressedBy"] = "WaitPeriod"
    assert signal_of(event).transition == "recovered"
    assert signal_of(event).suppressed_by == ""


@pytest.mark.parametrize("value", [None, "alarm", 7, ["ALARM"]])
def test_a_state_that_is_none_is_unreadable(value: object) -> None:
    """Not ignored: it may be an alarm."""
    event = alarm()
    event["alarmData"]["state"]["value"] = value
    with pytest.raises(UnreadableEvent, match=r"state\.value must be"):
        read(event, NOW)


def test_an_alarm_without_a_name_is_unreadable() -> None:
    """Nothing says what is wrong."""
    event: dict[str, Any] = {**bus_alarm(), "resources": []}
    event["detail"] = {**event["detail"], "alarmName": None}
    with pytest.raises(UnreadableEvent, match="must name its alarm"):
        read(event, NOW)


def test_name_and_arn_stand_in_for_one_another() -> None:
    """Either is enough, and the key is the same."""
    nameless = alarm("Cpu")
    del nameless["alarmData"]["alarmName"]
    assert signal_of(nameless).title == "Cpu"
    without_arn = {**bus_alarm("Cpu"), "resources": "none"}
    assert signal_of(without_arn).key == signal_of(nameless).key


def test_no_link_into_a_region_that_is_none() -> None:
    """The Region becomes a host name that a responder is meant to click on."""
    assert signal_of({**alarm(), "region": "evil.example.com/"}).related_items == ()


def test_a_time_that_is_none_is_the_time_of_arrival() -> None:
    """And the identity is the event's."""
    event = alarm()
    event["time"] = event["alarmData"]["state"]["timestamp"] = "soon"
    other = alarm("Other")
    other["time"] = other["alarmData"]["state"]["timestamp"] = "soon"
    assert signal_of(event).time == NOW
    assert signal_of(event).identity == signal_of(event).identity
    assert signal_of(event).identity != signal_of(other).identity
    event["time"] = "2026-03-05T11:00:00Z"
    assert signal_of(event).time.hour == 11


def test_what_an_alarm_names_is_bounded() -> None:
    """Twenty children, five attributes, a hundred characters of a suppressor."""
    event = alarm()
    children = [{"arn": f"{ARN}{number}"} for number in range(25)]
    event["alarmData"]["state"]["reasonData"] = json.dumps({"triggeringAlarms": children})
    event["alarmData"]["alarmContributor"] = {"id": "i", "attributes": dict.fromkeys("abcdefg", "1")}
    signal = signal_of(event)
    assert len(signal.related_items) == 21
    assert signal.title == "ServerCpuTooHigh (a=1, b=1, c=1, d=1, e=1)"
    event["alarmData"]["state"]["actionsSuppressedBy"] = "s" * 500
    assert signal_of(event).suppressed_by == "s" * 100


def test_insufficient_data_says_so() -> None:
    """It neither opens nor recovers."""
    signal = signal_of(sample("alarm_metric_insufficient_data"))
    assert signal.transition == "ignored"
    assert signal.reason.startswith("the alarm has insufficient data")
