"""What an alarm publishes to a topic."""

from __future__ import annotations

import json
from typing import Any

import pytest
from incidents_runtime.alarm_messages import of_message
from incidents_runtime.signals import Signal, read

from tests.runtime.fakes import NOW, sample

ARN = "arn:aws:cloudwatch:us-east-1:123456789012:alarm:"


def signal_of(event: object) -> Signal:
    """Read an event's only signal."""
    (signal,) = read(event, NOW)
    return signal


def message_of(name: str) -> dict[str, Any]:
    """Take the message out of a sample of a topic's records."""
    return dict(json.loads(sample(name)["Records"][0]["Sns"]["Message"]))


@pytest.mark.parametrize(
    ("of_topic", "of_bus"),
    [("sns_alarm", "eventbridge_alarm"), ("sns_alarm_metric_math", "eventbridge_alarm_metric_math")],
)
def test_the_message_becomes_the_event_on_the_bus(of_topic: str, of_bus: str) -> None:
    """But for ids, and for what a topic does not tell of the previous state, the reason and labels."""
    shaped, event = of_message(message_of(of_topic)), sample(of_bus)
    assert {**shaped, "detail": None, "id": ""} == {**event, "detail": None, "id": ""}
    assert shaped["detail"]["previousState"] == {"value": event["detail"]["previousState"]["value"]}
    del event["detail"]["state"]["reasonData"]
    assert shaped["detail"]["state"] == event["detail"]["state"]
    for metric in event["detail"]["configuration"]["metrics"]:
        if of_topic == "sns_alarm":
            metric["id"] = "m1"
    assert shaped["detail"]["configuration"] == event["detail"]["configuration"]


def test_all_ways_tell_of_one_signal() -> None:
    """By the alarm's action, by the bus, by a topic, and by a queue behind it."""
    names = "alarm_metric", "eventbridge_alarm", "sns_alarm", "sqs_sns_alarm", "sqs_raw_alarm"
    signals = [signal_of(sample(name)) for name in names]
    assert len({(each.key, each.identity, each.title, each.source, each.account) for each in signals}) == 1
    assert {each.transition for each in signals} == {"opened"}


def test_a_recovery_is_one() -> None:
    """Of the same key."""
    signal = signal_of(sample("sns_alarm_ok"))
    assert signal.transition == "recovered"
    assert signal.key == f"alarm|{ARN}ServerCpuTooHigh"
    assert signal.identity == signal_of(sample("alarm_metric_ok")).identity


def test_the_region_is_the_arns() -> None:
    """``Region`` is a name for people."""
    assert signal_of(sample("sns_alarm")).region == "us-east-1"


def test_a_composite_alarm_names_its_children() -> None:
    """Its description may be null, and there is no trigger."""
    signal = signal_of(sample("sns_alarm_composite"))
    assert signal.title == "CompositeDemo.Main"
    assert [item.arn for item in signal.related_items[1:]] == [f"{ARN}CompositeDemo.FirstChild"]
    assert signal.event["detail"]["configuration"] == {
        "alarmRule": "ALARM(CompositeDemo.FirstChild) OR ALARM(CompositeDemo.SecondChild)"
    }


def test_a_contributor_is_a_cause_of_its_own() -> None:
    """Its data of the reason are JSON in JSON on the bus."""
    signal = signal_of(sample("sns_alarm_contributor"))
    assert signal.key == f"alarm|{ARN}EndpointLatency|a1b2c3d4e5f6g7h8"
    assert signal.title == "EndpointLatency (endpoint=/api/orders)"
    assert signal.event["detail-type"] == "CloudWatch Alarm Contributor State Change"
    assert json.loads(signal.event["detail"]["state"]["reasonData"])["threshold"] == 2.0


def test_percentiles_stay_as_they_are() -> None:
    """Only statistics are told in capitals."""
    message = message_of("sns_alarm")
    trigger = {**message["Trigger"], "StatisticType": "ExtendedStatistic", "ExtendedStatistic": "p99"}
    del trigger["Statistic"]
    (metric,) = of_message({**message, "Trigger": trigger})["detail"]["configuration"]["metrics"]
    assert metric["metricStat"]["stat"] == "p99"


def test_an_account_may_be_known_by_the_arn_only() -> None:
    """And is the message's, if it is there."""
    message = message_of("sns_alarm")
    assert of_message({**message, "AWSAccountId": None})["account"] == "123456789012"
    assert of_message({**message, "AWSAccountId": "999999999999"})["account"] == "999999999999"


@pytest.mark.parametrize("wrong", [7, "x", [7], {"a": 1}, [{"State": 7}], None])
def test_wrong_types_do_no_harm(wrong: object) -> None:
    """No type is trusted, wherever it stands."""
    message = message_of("sns_alarm")
    for name in ("AlarmArn", "AlarmRule", "Trigger", "TriggeringChildren", "NewStateReasonData"):
        assert signal_of({**message, name: wrong}).transition == "opened"
    trigger = message["Trigger"]
    for changed in (
        {**trigger, "Dimensions": wrong},
        {**trigger, "MetricName": wrong},
        {"Metrics": wrong},
        {"Metrics": [wrong]},
        {"Metrics": [{"MetricStat": wrong}]},
        {"Metrics": [{"MetricStat": {"Metric": wrong, "Stat": wrong}}]},
    ):
        assert signal_of({**message, "Trigger": changed}).transition == "opened"
