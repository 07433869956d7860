"""Our own alarms, which a rule for all alarms brings back to us."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from incidents_runtime.own_alarms import unless_our_own
from incidents_runtime.settings import Settings
from incidents_runtime.signals import read

from tests.runtime.fakes import (
    DEAD_LETTERS,
    FUNCTION,
    NOW,
    RETRIES,
    TOPIC,
    World,
    alarm,
    bus_alarm,
    figures,
    sample,
)

if TYPE_CHECKING:
    from collections.abc import Callable

Metric = tuple[str, str, dict[str, str]]
CANARY: Metric = ("CdkIncidents", "Canary", {"Trigger": "another"})
OTHER: Metric = ("AWS/EC2", "CPUUtilization", {"InstanceId": "i-1"})
# What the fakes' trigger, its retry queue and its dead-letter queue are watched by.
OUR_OWN: tuple[Metric, ...] = (
    ("CdkIncidents", "Failed", {"Trigger": "incidents"}),
    ("CdkIncidents", "Started", {"Route": "Critical", "Trigger": "incidents"}),
    ("AWS/Lambda", "Errors", {"FunctionName": "incidents"}),
    ("AWS/Lambda", "Throttles", {"FunctionName": "incidents", "Resource": "incidents:Critical"}),
    ("AWS/Lambda", "Errors", {"FunctionName": "smoke-test-incidents"}),
    ("AWS/SQS", "ApproximateNumberOfMessagesVisible", {"QueueName": "dead-letters"}),
    ("AWS/SQS", "ApproximateNumberOfMessagesNotVisible", {"QueueName": "retries"}),
)
OF_OTHERS: tuple[Metric, ...] = (
    OTHER,
    ("CdkIncidents", "Failed", {"Trigger": "another"}),
    ("CdkIncidents", "Failed", {}),
    ("Shop", "Canary", {"Trigger": "incidents"}),
    ("AWS/Lambda", "Errors", {"FunctionName": "checkout"}),
    ("AWS/Lambda", "Errors", {"FunctionName": "smoke-test-checkout"}),
    ("AWS/SQS", "ApproximateNumberOfMessagesVisible", {"QueueName": "orders"}),
    ("AWS/SQS", "ApproximateNumberOfMessagesVisible", {"FunctionName": "incidents"}),
)


def watching(event: dict[str, Any], *metrics: Metric) -> dict[str, Any]:
    """Make an alarm watch these metrics, by metric math if there are several."""
    stats: list[dict[str, Any]] = [
        {
            "id": f"m{number}",
            "metricStat": {"metric": {"namespace": namespace, "name": name, "dimensions": dimensions}},
        }
        for number, (namespace, name, dimensions) in enumerate(metrics)
    ]
    if len(metrics) > 1:
        stats.insert(0, {"id": "e", "expression": "SUM(METRICS())", "returnData": True})
    told = event.get("alarmData") or event["detail"]
    told["configuration"] = {"metrics": stats}
    return event


@pytest.mark.parametrize("make", [alarm, bus_alarm])
@pytest.mark.parametrize("state", ["ALARM", "OK"])
@pytest.mark.parametrize("metric", [CANARY, *OUR_OWN])
def test_our_own_alarms_start_nothing(
    make: Callable[..., dict[str, Any]], state: str, metric: Metric, capsys: pytest.CaptureFixture[str]
) -> None:
    """The canary of any trigger, and whatever watches this one, is ignored with a reason, by either way."""
    world = World()
    outcome = world.deliver(watching(make(state=state), metric))["outcomes"][0]
    assert outcome["outcome"] == "ignored"
    expected = "the smoke test's" if metric == CANARY else "watches this trigger"
    assert expected in outcome["reason"]
    printed = capsys.readouterr().out
    assert expected in printed
    assert figures(printed) == {"Ignored": 1}
    assert not world.service.calls
    assert not world.table.calls


def test_metric_math_over_our_own_metrics_is_ours() -> None:
    """One of the metrics is enough."""
    world = World()
    assert world.outcome(watching(bus_alarm(), OTHER, OUR_OWN[4])) == "ignored"
    assert world.outcome(watching(bus_alarm(), OTHER, OTHER)) == "started"


@pytest.mark.parametrize("metric", OF_OTHERS)
def test_alarms_of_others_start_incidents(metric: Metric) -> None:
    """Another trigger, function or queue, and a metric that is only named like ours."""
    assert World().outcome(watching(bus_alarm(), metric)) == "started"


def test_a_composite_alarm_has_no_metrics_and_passes() -> None:
    """Whatever its children watch."""
    assert World().outcome(sample("alarm_composite")) == "started"


@pytest.mark.parametrize("metric", [CANARY, *OUR_OWN])
def test_the_quiet_route_takes_the_canary(metric: Metric) -> None:
    """It is what the route is for."""
    assert World().outcome(watching(alarm(), metric), "smoke-test") == "started"


def test_what_is_ignored_for_another_reason_keeps_it() -> None:
    """Insufficient data stays insufficient data."""
    event = watching(alarm(state="INSUFFICIENT_DATA"), CANARY)
    assert "insufficient data" in World().deliver(event)["outcomes"][0]["reason"]


def test_an_event_that_only_looks_like_an_alarm_is_none_of_ours() -> None:
    """Only CloudWatch tells of alarms."""
    event = {**watching(bus_alarm(), CANARY), "source": "shop", "detail-type": "Order lost"}
    assert World().outcome(event) == "started"


@pytest.mark.parametrize("metrics", [None, 7, [7], [{"metricStat": 7}], [{"metricStat": {"metric": [1]}}]])
def test_metrics_that_are_none_are_not_ours(metrics: object) -> None:
    """No type is trusted."""
    event = alarm()
    event["alarmData"]["configuration"]["metrics"] = metrics
    assert World().outcome(event) == "started"


@pytest.mark.parametrize(
    ("region", "account", "outcome"),
    [
        ("us-east-1", "123456789012", "ignored"),
        ("eu-west-1", "123456789012", "started"),
        ("us-east-1", "999999999999", "started"),
        ("", "", "ignored"),
    ],
)
def test_another_trigger_of_the_same_name_may_be_watched(region: str, account: str, outcome: str) -> None:
    """In another Region or account it is another one."""
    event = {**watching(bus_alarm(), OUR_OWN[0]), "region": region, "account": account}
    assert World().outcome(event) == outcome


def test_where_the_queue_does_not_say_where_it_is_the_name_counts() -> None:
    """A loopback's host has no Region in it; what is no queue's address has nothing."""
    event = {**watching(bus_alarm(), OUR_OWN[0]), "region": "eu-west-1", "account": "999999999999"}
    (signal,) = read(event, NOW)
    for url, transition in (
        ("http://127.0.0.1:4566/999999999999/retries", "ignored"),
        ("http://127.0.0.1:4566/123456789012/retries", "opened"),
        ("retries", "ignored"),
    ):
        known = Settings("ledger", url, DEAD_LETTERS, {})
        assert unless_our_own(signal, "incidents", known).transition == transition


def test_our_fallback_is_not_heard() -> None:
    """What it was told would come back, without end; an alarm that tells the same topic is heard."""
    event = sample("sns_text")
    event["Records"][0]["Sns"]["TopicArn"] = TOPIC
    (outcome,) = World().deliver(event)["outcomes"]
    assert outcome["outcome"] == "ignored"
    assert outcome["reason"] == "the message comes from this trigger's own fallback"
    assert World(fallback=None).outcome(event) == "started"
    assert World().outcome(sample("sns_text")) == "started"
    del event["Records"][0]["Sns"]["TopicArn"]
    assert World(fallback=None).outcome(event) == "started"
    told = sample("sns_alarm")
    told["Records"][0]["Sns"]["TopicArn"] = TOPIC
    assert World().outcome(told) == "started"


OF_OURS = (
    FUNCTION,
    f"{FUNCTION}:Critical",
    "arn:aws:sqs:us-east-1:123456789012:retries",
    "arn:aws:sqs:us-east-1:123456789012:dead-letters",
)


@pytest.mark.parametrize("resource", OF_OURS)
def test_events_about_our_function_and_queues_start_nothing(resource: str) -> None:
    """Unless they are about other resources too."""
    event = {**sample("eventbridge_custom"), "resources": [resource]}
    (outcome,) = World().deliver(event)["outcomes"]
    assert outcome["outcome"] == "ignored"
    assert outcome["reason"] == "the event is about this trigger itself"
    assert World().outcome({**event, "resources": [*OF_OURS, "arn:aws:s3:::orders"]}) == "started"
    assert World().outcome({**event, "resources": list(OF_OURS)}) == "ignored"


@pytest.mark.parametrize(
    "resource",
    [
        FUNCTION.replace("us-east-1", "eu-west-1"),
        FUNCTION.replace("123456789012", "999999999999"),
        FUNCTION + "-2",
        "arn:aws:sqs:us-east-1:123456789012:incidents",
        "arn:aws:lambda:us-east-1:123456789012:function:retries",
        "arn:aws:lambda:us-east-1:123456789012:layer:incidents",
        "incidents",
    ],
)
def test_events_about_resources_of_others_start_incidents(resource: str) -> None:
    """Another Region, account, name or kind."""
    assert World().outcome({**sample("eventbridge_custom"), "resources": [resource]}) == "started"


def test_messages_of_our_own_queues_are_not_heard() -> None:
    """A route that reads the dead-letter queue would fill it again."""
    event = sample("sqs_raw_text")
    event["Records"][0]["eventSourceARN"] = "arn:aws:sqs:us-east-1:123456789012:dead-letters"
    (signal,) = read(event, NOW)
    known = Settings("ledger", RETRIES, DEAD_LETTERS, {})
    assert unless_our_own(signal, "incidents", known).transition == "ignored"
