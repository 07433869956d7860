"""What an alarm does when its state changes: an event on the bus, and its actions.

Topics are the emulator's; functions, versions, aliases and response plans are played here.
"""

from __future__ import annotations

import datetime as dt
import json
import uuid
from typing import TYPE_CHECKING, Any

from .adapter import SUPPRESSION
from .errors import ServiceError
from .state import Caller

if TYPE_CHECKING:
    from .adapter import Emulator
    from .async_invoke import AsyncInvoker
    from .services import Service
    from .state import Cloud

_ACTIONS = {"ALARM": "AlarmActions", "OK": "OKActions", "INSUFFICIENT_DATA": "InsufficientDataActions"}
_LAMBDA_PRINCIPAL = "lambda.alarms.cloudwatch.amazonaws.com"
_INCIDENTS_PRINCIPAL = "ssm-incidents.alarms.cloudwatch.amazonaws.com"
_INCIDENTS_ROLE = (
    "arn:aws:sts::{}:assumed-role/AWSServiceRoleForCloudWatchAlarms_ActionSSMIncidents/CloudWatchAlarms"
)
_RAW_DATA = 10_000


class Alarms:
    """Reacts to changes of state."""

    def __init__(self, emulator: Emulator, cloud: Cloud, incidents: Service, invoke: AsyncInvoker) -> None:
        self._emulator = emulator
        self._cloud = cloud
        self._incidents = incidents
        self._invoke = invoke
        self._last: dict[str, dict[str, Any]] = {}

    def changed(self, alarm: dict[str, Any], before: str, after: str, reason: str) -> None:
        """Tell the bus, whatever the alarm's switch says, then act unless that is off."""
        now = self._cloud.clock.now()
        unknown = {
            "value": before,
            "reason": "Unchecked: Initial alarm creation",
            "timestamp": stamp(_created(alarm, now)),
        }
        previous = self._last.get(alarm["AlarmArn"], unknown)
        if previous["value"] != before:
            previous = unknown
        state = {"value": after, "reason": reason, "timestamp": stamp(now)}
        if alarm.get("StateReasonData"):
            state["reasonData"] = alarm["StateReasonData"]
        self._last[alarm["AlarmArn"]] = state
        detail = {
            "alarmName": alarm["AlarmName"],
            "state": state,
            "previousState": previous,
            "configuration": configuration(alarm),
        }
        self._emulator.put_event("CloudWatch Alarm State Change", alarm["AlarmArn"], detail)
        if alarm.get("ActionsEnabled", True):
            for action in alarm.get(_ACTIONS[after]) or []:
                self._act(alarm, action, detail, now)

    def _act(self, alarm: dict[str, Any], action: str, detail: dict[str, Any], now: dt.datetime) -> None:
        try:
            if ":ssm-incidents:" in action:
                self._start_incident(alarm, action, detail, now)
            elif action.startswith("arn:aws:lambda:"):
                self._call_function(alarm, action, detail, now)
            else:
                return
        except ServiceError as error:
            summary = f'Failed to execute action {action}. Received error: "{error.message}"'
        else:
            summary = f"Successfully executed action {action}"
        self._emulator.tell_history(alarm, summary)

    def _call_function(
        self, alarm: dict[str, Any], action: str, detail: dict[str, Any], now: dt.datetime
    ) -> None:
        account, region = self._emulator.here()
        if not self._emulator.may_invoke(action, _LAMBDA_PRINCIPAL, alarm["AlarmArn"]):
            message = (
                "CloudWatch Alarms is not authorized to perform: lambda:InvokeFunction on the resource"
                " because no resource-based policy allows the lambda:InvokeFunction action"
            )
            raise ServiceError("AccessDeniedException", message)
        event = {
            "source": "aws.cloudwatch",
            "alarmArn": alarm["AlarmArn"],
            "accountId": account,
            "time": stamp(now),
            "region": region,
            "alarmData": detail,
        }
        self._invoke(action, event)

    def _start_incident(
        self, alarm: dict[str, Any], action: str, detail: dict[str, Any], now: dt.datetime
    ) -> None:
        account_id, region = self._emulator.here()
        raw = json.dumps(
            self._emulator.event_shape("CloudWatch Alarm State Change", alarm["AlarmArn"], detail)
        )
        details = {
            "source": "aws.cloudwatch",
            "timestamp": now,
            "triggerArn": alarm["AlarmArn"],
            **({"rawData": raw} if len(raw) <= _RAW_DATA else {}),
        }
        caller = Caller(
            self._cloud.account(account_id),
            region,
            _INCIDENTS_ROLE.format(account_id),
            lambda *_: True,
            _INCIDENTS_PRINCIPAL,
        )
        self._incidents.call("StartIncident", {"responsePlanArn": action, "triggerDetails": details}, caller)


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


def _created(alarm: dict[str, Any], now: dt.datetime) -> dt.datetime:
    seconds = alarm.get("AlarmConfigurationUpdatedTimestamp")
    return dt.datetime.fromtimestamp(seconds, dt.timezone.utc) if seconds else now
