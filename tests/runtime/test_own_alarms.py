"""Our own alarms, which a rule for all alarms brings back to us."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.runtime.fakes import World, alarm, bus_alarm, figures, sample

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
    ("AWS/SQS", "ApproximateNumberOfMessagesVisible", {"QueueName": "dead-letters"}),
    ("AWS/SQS", "ApproximateNumberOfMessagesNotVisible", {"QueueName": "retries"}),
)
OF_OTHERS: tuple[Metric, ...] = (
    OTHER,
    ("CdkIncidents", "Failed", {"Trigger": "another"}),
    ("CdkIncidents", "Failed", {}),
    ("Shop", "Canary", {"Trigger": "incidents"}),
    ("AWS/Lambda", "Errors", {"FunctionName": "checkout"}),
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
