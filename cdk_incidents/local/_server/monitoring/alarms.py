"""What an alarm does when its state changes: an event on the bus, and its actions.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Create_Composite_Alarm_Suppression.html
"""

from __future__ import annotations

import datetime as dt
import json
from typing import TYPE_CHECKING, Any

from cdk_incidents.local._server.protocol.errors import ServiceError
from cdk_incidents.local._server.state import Caller
from cdk_incidents.local._server.systems_manager import ops_items

from . import mutes
from .alarm_events import configuration, stamp, state, topic_message, whole_configuration
from .event_targets import trigger_details

if TYPE_CHECKING:
    from cdk_incidents.local._server.adapter import Emulator
    from cdk_incidents.local._server.services import Service
    from cdk_incidents.local._server.state import Cloud

    from .async_invoke import AsyncInvoker

_ACTIONS = {"ALARM": "AlarmActions", "OK": "OKActions", "INSUFFICIENT_DATA": "InsufficientDataActions"}
_PRINCIPAL = "cloudwatch.amazonaws.com"
_LAMBDA_PRINCIPAL = "lambda.alarms.cloudwatch.amazonaws.com"
_INCIDENTS_PRINCIPAL = "ssm-incidents.alarms.cloudwatch.amazonaws.com"
_INCIDENTS_ROLE = (
    "arn:aws:sts::{}:assumed-role/AWSServiceRoleForCloudWatchAlarms_ActionSSMIncidents/CloudWatchAlarms"
)
_DENIED = (
    "CloudWatch Alarms is not authorized to perform: lambda:InvokeFunction on the resource"
    " because no resource-based policy allows the lambda:InvokeFunction action"
)
_PERIODS = {name: f"ActionsSuppressor{name}" for name in ("WaitPeriod", "ExtensionPeriod")}
_SUPPRESSED = ("ActionsSuppressedBy", "ActionsSuppressedReason")

Alarm = dict[str, Any]


class Alarms:
    """Reacts to changes of state."""

    def __init__(self, emulator: Emulator, cloud: Cloud, incidents: Service, invoke: AsyncInvoker) -> None:
        self._emulator = emulator
        self._cloud = cloud
        self._incidents = incidents
        self._invoke = invoke
        cloud.unmuted = self._resume
        # By ARN: what was told last; the state before actions were held back; the period that runs.
        self._told: dict[str, dict[str, Any]] = {}
        self._before: dict[str, str] = {}
        self._period: dict[str, object] = {}

    def changed(self, alarm: Alarm, before: str, after: str, reason: str) -> None:
        """Tell the bus, whatever holds the alarm's actions back, then act unless something does."""
        self._cloud.clock.catch_up()
        self._await_suppressor(alarm)
        self._tell(alarm, before, reason)
        for composite in self._emulator.suppressed_by(alarm):
            if after == "ALARM":
                self._suppress(composite, "Alarm")
            elif composite.get("ActionsSuppressedBy") == "Alarm":
                self._suppress(composite, "ExtensionPeriod")

    def configured(self, before: Alarm | None, after: Alarm | None) -> None:
        """Tell the bus that an alarm was made, changed or deleted: an event that starts no incident."""
        alarm, now = after or before or {}, self._cloud.clock.now()
        detail = {
            "alarmName": alarm["AlarmName"],
            "operation": "delete" if after is None else "update" if before else "create",
            "state": {"value": alarm["StateValue"], "timestamp": stamp(now)},
            "configuration": {**whole_configuration(alarm), "timestamp": stamp(now)},
        }
        if before and after:
            detail["previousConfiguration"] = whole_configuration(before)
        self._emulator.put_event("CloudWatch Alarm Configuration Change", [alarm["AlarmArn"]], detail)

    def _tell(self, alarm: Alarm, before: str, reason: str) -> None:
        arn, now = alarm["AlarmArn"], self._cloud.clock.now()
        previous = self._told.get(arn, {}).get("state", {})
        if previous.get("value") != before:
            initial = {"value": before, "reason": "Unchecked: Initial alarm creation"}
            previous = {**initial, "timestamp": stamp(_created(alarm, now))}
        detail = self._told[arn] = {
            "alarmName": alarm["AlarmName"],
            "state": state(alarm, reason, now),
            "previousState": previous,
            "configuration": configuration(alarm),
        }
        muted = self._muted(arn)
        self._emulator.put_event("CloudWatch Alarm State Change", [arn], {**detail, **muted})
        if muted or alarm.get("ActionsSuppressedBy"):
            self._before.setdefault(arn, before)
        else:
            self._before.pop(arn, None)
            self._perform(alarm)

    # Mute rules

    def _muted(self, arn: str) -> dict[str, Any]:
        """Give what an event says of the rule that mutes an alarm, and look again when its window ends."""
        window = mutes.window(self._cloud, arn)
        if window is None:
            return {}
        self._cloud.clock.at(window.end, lambda: self._resume(arn), awaited=False)
        times = {"muteWindowStart": stamp(window.begin), "muteWindowEnd": stamp(window.end)}
        return {"muteDetail": {"mutedByArn": window.rule, **times}}

    def _resume(self, arn: str) -> None:
        """Act on what still stands of what happened while an alarm was muted; the bus has been told.

        CHOICE: what came and went meanwhile is not documented; here there is nothing to do.
        """
        with self._emulator.owning(arn):
            alarm = self._emulator.alarm(arn)
            if alarm is None or arn not in self._before or alarm.get("ActionsSuppressedBy"):
                return
            if not self._muted(arn) and self._before.pop(arn) != alarm["StateValue"]:
                self._perform(alarm)

    # Suppression of a composite alarm's actions

    def _await_suppressor(self, alarm: Alarm) -> None:
        """Let a composite alarm whose state changed wait for its suppressor, or be suppressed by it."""
        if not alarm.get("ActionsSuppressor") or alarm.get("ActionsSuppressedBy"):
            return
        suppressor = self._emulator.alarm(alarm["ActionsSuppressor"]) or {}
        if suppressor.get("StateValue") == "ALARM":
            self._suppress(alarm, "Alarm")
        elif int(alarm.get(_PERIODS["WaitPeriod"], 0)):
            self._suppress(alarm, "WaitPeriod")

    def _suppress(self, alarm: Alarm, by: str) -> None:
        alarm.update(zip(_SUPPRESSED, (by, f"Actions suppressed by {by}"), strict=True))
        arn, period = alarm["AlarmArn"], object()
        self._period[arn] = period
        if by not in _PERIODS:
            return
        ends = self._cloud.clock.now() + dt.timedelta(seconds=int(alarm.get(_PERIODS[by], 0)))
        self._cloud.clock.at(ends, lambda: self._end_period(arn, period))
        self._cloud.clock.catch_up()  # for a period of no length

    def _end_period(self, arn: str, period: object) -> None:
        """Act on what happened while a period ran, if nothing else began since.

        CHOICE: what becomes of a state that had gone again is not documented; here there is nothing to do.
        """
        with self._emulator.owning(arn):
            alarm = self._emulator.alarm(arn)
            if alarm is None or self._period.get(arn) is not period:
                return
            for name in _SUPPRESSED:
                alarm.pop(name, None)
            if self._before.get(arn, alarm["StateValue"]) != alarm["StateValue"]:
                self._tell(alarm, alarm["StateValue"], alarm["StateReason"])
            else:
                self._before.pop(arn, None)

    # Actions

    def _perform(self, alarm: Alarm) -> None:
        """Do what an alarm does in its state, unless that is switched off, and tell its history."""
        kinds = {
            ":ssm-incidents:": self._start_incident,
            ":lambda:": self._call_function,
            ":sns:": self._publish,
            ":opsitem:": self._create_ops_item,
        }
        actions = alarm.get(_ACTIONS[alarm["StateValue"]]) if alarm.get("ActionsEnabled", True) else None
        known = [(action, act) for action in actions or [] for part, act in kinds.items() if part in action]
        for action, act in known:
            summary = f"Successfully executed action {action}"
            try:
                act(alarm, action, self._told[alarm["AlarmArn"]], self._cloud.clock.now())
            except ServiceError as error:
                summary = f'Failed to execute action {action}. Received error: "{error.message}"'
            self._emulator.tell_history(alarm, summary)

    def _publish(self, alarm: Alarm, action: str, detail: dict[str, Any], _now: dt.datetime) -> None:
        account, _ = self._emulator.here()
        if problem := self._emulator.may_publish(action, _PRINCIPAL, alarm["AlarmArn"], account):
            told = f"CloudWatch Alarms is not authorized to perform: SNS:Publish on resource: {action}"
            raise ServiceError("AuthorizationError", f"{told} because {problem}")
        subject, message = topic_message(alarm, detail)
        self._emulator.deliver(action, message, subject)

    def _create_ops_item(self, alarm: Alarm, action: str, detail: dict[str, Any], now: dt.datetime) -> None:
        """Create an OpsItem for an action like `arn:…:opsitem:2#CATEGORY=Availability`, one while it is open.

        https://docs.aws.amazon.com/systems-manager/latest/userguide/OpsCenter-create-OpsItems-from-CloudWatch-Alarms.html
        """
        _, _, _, region, account, _, kind = action.split(":")
        severity, _, category = kind.partition("#CATEGORY=")
        told, arn = detail["state"], alarm["AlarmArn"]
        data = {"/aws/resources": [{"arn": arn}], "/aws/dedup": {"dedupString": f"CloudWatch-{arn}"}}
        # CHOICE: the texts of such an item.
        item = {
            "Title": f"CloudWatch alarm - '{alarm['AlarmName']}' is in {told['value']} state",
            "Description": told["reason"] or arn,
            "Source": "CloudWatch Alarm",
            "Severity": severity,
            "Category": category or None,
            "OperationalData": {
                key: {"Type": "SearchableString", "Value": json.dumps(value)} for key, value in data.items()
            },
        }
        ops_items.create(self._cloud.account(account), region, now, item)

    def _call_function(self, alarm: Alarm, action: str, detail: dict[str, Any], now: dt.datetime) -> None:
        account, region = self._emulator.here()
        asked, told = (action, _LAMBDA_PRINCIPAL, alarm["AlarmArn"]), self._cloud.assumptions
        allowed = self._emulator.may_invoke(*asked, organization=told.alarm_organization)
        if not allowed or action.split(":")[3] != region:
            raise ServiceError("AccessDeniedException", _DENIED)
        event = {
            "source": "aws.cloudwatch",
            "alarmArn": alarm["AlarmArn"],
            "accountId": account,
            "time": stamp(now),
            "region": region,
            "alarmData": detail,
        }
        self._invoke(action, event)

    def _start_incident(self, alarm: Alarm, action: str, detail: dict[str, Any], now: dt.datetime) -> None:
        account_id, region = self._emulator.here()
        event = self._emulator.event_shape("CloudWatch Alarm State Change", alarm["AlarmArn"], detail)
        details = trigger_details("aws.cloudwatch", alarm["AlarmArn"], now, event)
        role, principal = _INCIDENTS_ROLE.format(account_id), _INCIDENTS_PRINCIPAL
        caller = Caller(self._cloud.account(account_id), region, role, lambda *_: True, principal)
        asked = {"responsePlanArn": action, "triggerDetails": details}
        self._incidents.call_for_aws("StartIncident", asked, caller)


def _created(alarm: Alarm, now: dt.datetime) -> dt.datetime:
    seconds = alarm.get("AlarmConfigurationUpdatedTimestamp")
    return dt.datetime.fromtimestamp(seconds, dt.timezone.utc) if seconds else now
