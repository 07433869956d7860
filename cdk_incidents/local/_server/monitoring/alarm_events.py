"""An alarm in CloudWatch's own words: in its events, and in its messages to topics."""

from __future__ import annotations

import json
import uuid
from functools import cache
from typing import TYPE_CHECKING, Any

from botocore.loaders import Loader

from .casing import lower_names

if TYPE_CHECKING:
    import datetime as dt

SUPPRESSION = ("ActionsSuppressor", "ActionsSuppressorWaitPeriod", "ActionsSuppressorExtensionPeriod")
_TOLD = ("AlarmName", "AlarmDescription", "AlarmArn", "OKActions", "AlarmActions", "InsufficientDataActions")
_STATE = ("StateReasonData", "ActionsSuppressedBy", "ActionsSuppressedReason")
_TRIGGER = ("Period", "EvaluationPeriods", "DatapointsToAlarm", "ComparisonOperator", "Threshold")


def stamp(time: dt.datetime) -> str:
    """Write a time as CloudWatch does in its own events."""
    return time.strftime("%Y-%m-%dT%H:%M:%S.") + f"{time.microsecond // 1000:03d}+0000"


def state(alarm: dict[str, Any], reason: str, now: dt.datetime) -> dict[str, Any]:
    """Describe the state of an alarm as its events do."""
    more = {name.removeprefix("State"): alarm[name] for name in _STATE if alarm.get(name)}
    told: dict[str, Any] = lower_names(more)
    return {"value": alarm["StateValue"], "reason": reason, "timestamp": stamp(now), **told}


def configuration(alarm: dict[str, Any]) -> dict[str, Any]:
    """Describe an alarm as its events do."""
    kept = {name: alarm.get(name) for name in ("AlarmRule", *SUPPRESSION)}
    told: dict[str, Any] = lower_names({"Description": alarm.get("AlarmDescription") or None, **kept})
    if "AlarmRule" not in alarm:
        told["metrics"] = [_metric(query) for query in alarm.get("Metrics") or [_query(alarm)]]
    return told


def whole_configuration(alarm: dict[str, Any]) -> dict[str, Any]:
    """Describe an alarm as the events of its configuration do: what it does, too, and when."""
    kept = {name: alarm.get(name) for name in (*_TRIGGER, *_TOLD, "ActionsEnabled", "TreatMissingData")}
    told: dict[str, Any] = lower_names({**kept, "OkActions": kept["OKActions"]})
    left_out = ("period", "alarmDescription", "alarmArn", "oKActions")
    return {**configuration(alarm), **{name: value for name, value in told.items() if name not in left_out}}


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
        told["TriggeringChildren"] = [
            {"Arn": child["arn"], "State": {name.capitalize(): text for name, text in child["state"].items()}}
            for child in triggers
        ]
    else:
        kept = {name: alarm[name] for name in _TRIGGER if alarm.get(name) is not None}
        told["Trigger"] = kept | (_queries(alarm) if alarm.get("Metrics") else _single_metric(alarm))
    return f'{state["value"]}: "{alarm["AlarmName"]}" in {description}'[:100], json.dumps(told)


def _single_metric(alarm: dict[str, Any]) -> dict[str, Any]:
    extended = alarm.get("ExtendedStatistic")
    return {
        "MetricName": alarm.get("MetricName"),
        "Namespace": alarm.get("Namespace"),
        "StatisticType": "ExtendedStatistic" if extended else "Statistic",
        "Statistic": extended or str(alarm.get("Statistic", "")).upper(),
        "Unit": alarm.get("Unit"),
        "Dimensions": _pairs(alarm),
        "TreatMissingData": alarm.get("TreatMissingData", "missing"),
    }


def _queries(alarm: dict[str, Any]) -> dict[str, Any]:
    told = []
    for query in alarm["Metrics"]:
        stat = query.get("MetricStat")
        metric = stat and {**stat["Metric"], "Dimensions": _pairs(stat["Metric"])}
        told.append({**query, "MetricStat": {**stat, "Metric": metric}} if stat else query)
    return {"Metrics": told}


def _pairs(metric: dict[str, Any]) -> list[dict[str, str]]:
    return [{"value": pair["Value"], "name": pair["Name"]} for pair in metric.get("Dimensions") or []]


@cache
def _regions() -> dict[str, dict[str, str]]:
    known: dict[str, dict[str, str]] = Loader().load_data("endpoints")["partitions"][0]["regions"]
    return known


def _query(alarm: dict[str, Any]) -> dict[str, Any]:
    """Give the query that an alarm on one metric amounts to."""
    number = str(uuid.uuid5(uuid.NAMESPACE_URL, alarm["AlarmArn"]))
    stat = alarm.get("ExtendedStatistic") or alarm.get("Statistic")
    told = {"Metric": alarm, "Period": alarm.get("Period"), "Stat": stat, "Unit": alarm.get("Unit") or None}
    return {"Id": number, "MetricStat": told}


def _metric(query: dict[str, Any]) -> dict[str, Any]:
    """Describe a query as events do: its metric by other names, the dimensions as a map."""
    told: dict[str, Any] = lower_names({"ReturnData": True, **query})
    if stat := query.get("MetricStat"):
        metric = stat["Metric"]
        told["metricStat"]["metric"] = {
            "namespace": metric.get("Namespace"),
            "name": metric.get("MetricName"),
            "dimensions": {pair["Name"]: pair["Value"] for pair in metric.get("Dimensions") or []},
        }
    return told
