"""What an alarm publishes to a topic, as the event that it puts on the event bus."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from incidents_runtime.alarms import shaped
from incidents_runtime.shapes import items, mapping, place_of, plain, text, written

if TYPE_CHECKING:
    from collections.abc import Mapping

# A topic tells what the metric's statistic is in capitals, and percentiles by themselves.
_STATISTICS = {
    "AVERAGE": "Average",
    "SUM": "Sum",
    "MINIMUM": "Minimum",
    "MAXIMUM": "Maximum",
    "SAMPLE_COUNT": "SampleCount",
}


def is_alarm_message(message: Mapping[str, Any]) -> bool:
    """Say whether a message's JSON is an alarm's."""
    return bool(text(message.get("AlarmName"))) and bool(text(message.get("NewStateValue")))


def of_message(message: Mapping[str, Any]) -> dict[str, Any]:
    """Turn what an alarm publishes to a topic into what it puts on the event bus.

    Parameters
    ----------
    message
        The message's JSON.

    Returns
    -------
    dict
        The same facts in EventBridge shape, which runbooks read.

    Notes
    -----
    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Notify_Users_Alarm_Changes.html lists the
    members. ``Region`` is a name for people; the alarm's ARN has the Region.
    """
    arn = text(message.get("AlarmArn"))
    region, account = place_of(arn)
    changed = text(message.get("StateChangeTime"))
    detail: dict[str, Any] = {
        "alarmName": text(message.get("AlarmName")),
        "state": {
            "value": text(message.get("NewStateValue")),
            "reason": text(message.get("NewStateReason")),
            "timestamp": changed,
            **_reason_data(message),
        },
        "previousState": {"value": text(message.get("OldStateValue"))},
        "configuration": _configuration(message),
    }
    contributor = text(message.get("AlarmContributorId"))
    if contributor:
        attributes = mapping(message.get("AlarmContributorAttributes"))
        detail["alarmContributor"] = {"id": contributor, "attributes": attributes}
    return shaped(
        detail,
        arn=arn,
        account=text(message.get("AWSAccountId")) or account,
        region=region,
        time=changed,
        told_by=message,
    )


def _reason_data(message: Mapping[str, Any]) -> dict[str, str]:
    children = [
        {
            "arn": text(mapping(child).get("Arn")),
            "state": {
                "value": text(mapping(mapping(child).get("State")).get("Value")),
                "timestamp": text(mapping(mapping(child).get("State")).get("Timestamp")),
            },
        }
        for child in items(message.get("TriggeringChildren"))
    ]
    data = {"triggeringAlarms": children} if children else plain(mapping(message.get("NewStateReasonData")))
    return {"reasonData": written(data)} if data else {}


def _configuration(message: Mapping[str, Any]) -> dict[str, Any]:
    told: dict[str, Any] = {}
    # null where there is none.
    if text(message.get("AlarmDescription")):
        told["description"] = message["AlarmDescription"]
    if text(message.get("AlarmRule")):
        told["alarmRule"] = message["AlarmRule"]
    trigger = mapping(message.get("Trigger"))
    if "Metrics" in trigger:
        told["metrics"] = [_query(mapping(query)) for query in items(trigger["Metrics"])]
    elif "MetricName" in trigger:
        statistic = text(trigger.get("Statistic")) or text(trigger.get("ExtendedStatistic"))
        told["metrics"] = [
            {
                "id": "m1",
                "metricStat": {
                    "metric": _metric(trigger),
                    "period": trigger.get("Period"),
                    "stat": _STATISTICS.get(statistic, statistic),
                },
                "returnData": True,
            }
        ]
    return told


def _query(query: Mapping[str, Any]) -> dict[str, Any]:
    told = {
        name[0].lower() + name[1:]: query[name]
        for name in ("Id", "Expression", "Label", "Period", "ReturnData")
        if name in query
    }
    stat = mapping(query.get("MetricStat"))
    if stat:
        told["metricStat"] = {
            "metric": _metric(mapping(stat.get("Metric"))),
            "period": stat.get("Period"),
            "stat": stat.get("Stat"),
        }
    return told


def _metric(metric: Mapping[str, Any]) -> dict[str, Any]:
    dimensions = [mapping(dimension) for dimension in items(metric.get("Dimensions"))]
    return {
        "namespace": text(metric.get("Namespace")),
        "name": text(metric.get("MetricName")),
        "dimensions": {text(each.get("name")): text(each.get("value")) for each in dimensions},
    }
