"""An alarm in CloudWatch's own words: in its events, and in its messages to topics."""

from __future__ import annotations

import json
import uuid
from functools import cache
from typing import TYPE_CHECKING, Any

from botocore.loaders import Loader

from .adapter import SUPPRESSION

if TYPE_CHECKING:
    import datetime as dt

_TOLD = ("AlarmName", "AlarmDescription", "AlarmArn", "OKActions", "AlarmActions", "InsufficientDataActions")
_TRIGGER = ("Period", "EvaluationPeriods", "DatapointsToAlarm", "ComparisonOperator", "Threshold")


def stamp(time: dt.datetime) -> str:
    """Write a time as CloudWatch does in its own events."""
    return time.strftime("%Y-%m-%dT%H:%M:%S.") + f"{time.microsecond // 1000:03d}+0000"


def configuration(alarm: dict[str, Any]) -> dict[str, Any]:
    """Describe an alarm as its events do."""
    told: dict[str, Any] = {}
    if alarm.get("AlarmDescription"):
        told["description"] = alarm["AlarmDescription"]
    if "AlarmRule" in alarm:
        for name in ("AlarmRule", *SUPPRESSION):
            if alarm.get(name) is not None:
                told[name[0].lower() + name[1:]] = alarm[name]
        return told
    told["metrics"] = [_metric(query) for query in alarm.get("Metrics") or [_single(alarm)]]
    return told


def topic_message(alarm: dict[str, Any], detail: dict[str, Any]) -> tuple[str, str]:
    """Give the subject and the text of the message that an alarm sends to a topic."""
    _, _, _, region, account, *_ = alarm["AlarmArn"].split(":")
    state, description = detail["state"], _regions()[region]["description"]
    told: dict[str, Any] = {
        **{name: alarm.get(name) for name in _TOLD},
        "AlarmDescription": alarm.get("AlarmDescription") or None,
        "AWSAccountId": account,
        "NewStateValue": state["value"],
        "NewStateReason": state["reason"],
        "StateChangeTime": state["timestamp"],
        "Region": description,
        "OldStateValue": detail["previousState"]["value"],
    }
    if "AlarmRule" in alarm:
        told["AlarmRule"] = alarm["AlarmRule"]
        triggers = json.loads(state.get("reasonData", "{}")).get("triggeringAlarms", [])
        told["TriggeringChildren"] = [{"Arn": t["arn"], "State": _capital(t["state"])} for t in triggers]
    else:
        told["Trigger"] = {name: alarm[name] for name in _TRIGGER if alarm.get(name) is not None}
        told["Trigger"] |= _trigger_metric(alarm)
    return f'{state["value"]}: "{alarm["AlarmName"]}" in {description}'[:100], json.dumps(told)


def _trigger_metric(alarm: dict[str, Any]) -> dict[str, Any]:
    if alarm.get("Metrics"):
        return {"Metrics": [_query(query) for query in alarm["Metrics"]]}
    statistic = alarm.get("ExtendedStatistic") or str(alarm.get("Statistic", "")).upper()
    return {
        "MetricName": alarm.get("MetricName"),
        "Namespace": alarm.get("Namespace"),
        "StatisticType": "ExtendedStatistic" if alarm.get("ExtendedStatistic") else "Statistic",
        "Statistic": statistic,
        "Unit": alarm.get("Unit"),
        "Dimensions": _dimensions(alarm),
        "TreatMissingData": alarm.get("TreatMissingData", "missing"),
    }


def _query(query: dict[str, Any]) -> dict[str, Any]:
    stat = query.get("MetricStat")
    if stat is None:
        return query
    metric = {**stat["Metric"], "Dimensions": _dimensions(stat["Metric"])}
    return {**query, "MetricStat": {**stat, "Metric": metric}}


def _dimensions(metric: dict[str, Any]) -> list[dict[str, str]]:
    return [{"value": pair["Value"], "name": pair["Name"]} for pair in metric.get("Dimensions") or []]


@cache
def _regions() -> dict[str, dict[str, str]]:
    known: dict[str, dict[str, str]] = Loader().load_data("endpoints")["partitions"][0]["regions"]
    return known


def _capital(value: dict[str, Any]) -> dict[str, Any]:
    return {key.capitalize(): item for key, item in value.items()}


def _single(alarm: dict[str, Any]) -> dict[str, Any]:
    metric = {name: alarm.get(name) for name in ("Namespace", "MetricName", "Dimensions")}
    stat = {
        "Metric": metric,
        "Period": alarm.get("Period"),
        "Stat": alarm.get("ExtendedStatistic") or alarm.get("Statistic"),
        "Unit": alarm.get("Unit"),
    }
    return {
        "Id": str(uuid.uuid5(uuid.NAMESPACE_URL, alarm["AlarmArn"])),
        "MetricStat": stat,
        "ReturnData": True,
    }


def _metric(query: dict[str, Any]) -> dict[str, Any]:
    told: dict[str, Any] = {"id": query["Id"]}
    if "MetricStat" in query:
        stat = query["MetricStat"]
        metric = stat["Metric"]
        told["metricStat"] = {
            "metric": {
                "namespace": metric.get("Namespace"),
                "name": metric.get("MetricName"),
                "dimensions": {d["Name"]: d["Value"] for d in metric.get("Dimensions") or []},
            },
            "period": stat.get("Period"),
            "stat": stat.get("Stat"),
            **({"unit": stat["Unit"]} if stat.get("Unit") else {}),
        }
    for name in ("Expression", "Label"):
        if query.get(name):
            told[name.lower()] = query[name]
    told["returnData"] = query.get("ReturnData", True)
    return told
