"""Alarms: what CloudWatch takes, keeps and evaluates of them."""

from __future__ import annotations

import json
from typing import Any

from cdk_incidents.local._server.monitoring.alarm_events import SUPPRESSION

from .private import provisioners, replaces, responses, watch

_BAD_REQUEST = 400
_ACTION_LISTS = ("AlarmActions", "OKActions", "InsufficientDataActions")


def put_right() -> None:
    """Admit metric math and suppressors, find alarms by ActionPrefix, and see to their states."""
    _put_states_right()

    @replaces(watch, "_put_metric_alarm")
    def put_metric_alarm(put: Any, params: Any, data: dict[str, Any], *kind: Any) -> Any:
        answer = put(params, data, *kind)
        if answer[0] < _BAD_REQUEST and data.get("Metrics"):
            _make_math(watch._alarms[data["AlarmName"]], data["Metrics"])
        return answer

    @replaces(provisioners, "_cw_metric_alarm_record")
    def record_from_template(record: Any, name: str, props: dict[str, Any]) -> Any:
        if not props.get("Metrics"):
            return record(name, props)
        single = {key: value for key, value in props.items() if key != "Metrics"}
        return _make_math(record(name, {**single, "MetricName": "-", "Namespace": "-"}), props["Metrics"])

    @replaces(watch, "_put_composite_alarm")
    def put_composite(put: Any, params: Any, data: dict[str, Any], *kind: Any) -> Any:
        kept = {name: data[name] for name in SUPPRESSION if name in data}
        dispatch = watch._dispatch_alarm_actions

        def dispatch_with_suppressor(changed: dict[str, Any], *states: str) -> None:
            # The rule is looked at as the alarm is put.
            changed.update(kept if changed["AlarmName"] == data["AlarmName"] else {})
            dispatch(changed, *states)

        watch._dispatch_alarm_actions = dispatch_with_suppressor
        try:
            answer = put(params, data, *kind)
        finally:
            watch._dispatch_alarm_actions = dispatch
        if answer[0] < _BAD_REQUEST:
            watch._composite_alarms[data["AlarmName"]].update(kept)
        return answer

    @replaces(watch, "_describe_alarms")
    def describe(describe_all: Any, params: Any, data: dict[str, Any], *kind: Any) -> Any:
        prefix, asked = data.get("ActionPrefix"), data.get("AlarmNames")
        if prefix:
            alarms = {**watch._alarms, **watch._composite_alarms}
            acting = {
                name
                for name, alarm in alarms.items()
                for key in _ACTION_LISTS
                for action in alarm.get(key) or []
                if action.startswith(prefix)
            }
            data = {**data, "AlarmNames": [name for name in asked or alarms if name in acting] or [""]}
        return describe_all(params, data, *kind)


def _put_states_right() -> None:
    """Evaluate an alarm on its own dimensions only, and let a state have the reason data it came with."""

    @replaces(watch, "_evaluate_alarm")
    def evaluate(original: Any, alarm: dict[str, Any]) -> None:
        dimensions = watch._dims_key(watch._dims_from_list(alarm.get("Dimensions") or []))
        key, everything = (alarm.get("Namespace"), alarm.get("MetricName"), dimensions), watch._metrics
        if key in everything:
            watch._metrics = {key: everything[key]}
            try:
                original(alarm)
            finally:
                watch._metrics = everything

    @replaces(watch, "_set_alarm_state")
    def set_state(original: Any, params: Any, data: dict[str, Any], *kind: Any) -> Any:
        watch._alarms.get(data.get("AlarmName"), {}).pop("StateReasonData", None)
        return original(params, data, *kind)


def _make_math(alarm: dict[str, Any], metrics: list[dict[str, Any]]) -> dict[str, Any]:
    """Turn the record of an alarm on one metric into one of an alarm on metric math."""
    for name in ("MetricName", "Namespace", "Statistic", "ExtendedStatistic", "Period", "Dimensions", "Unit"):
        alarm.pop(name, None)
    alarm["Metrics"] = [
        {**metric, "ReturnData": str(metric.get("ReturnData", True)).lower() == "true"} for metric in metrics
    ]
    return alarm


def tell_of_changes(changed: Any) -> None:
    """Tell of every change of an alarm's state."""
    watch._dispatch_alarm_actions = changed


def tell_of_configurations(configured: Any) -> None:
    """Tell of every alarm that is made, changed or deleted: as it was, if it was, and as it is."""

    def kept() -> dict[str, Any]:
        return {**watch._alarms, **watch._composite_alarms}

    def telling(original: Any, *asked: Any, **more: Any) -> Any:
        before = kept()
        answer = original(*asked, **more)
        after = kept()
        for name in before | after:
            if before.get(name) is not after.get(name):
                configured(before.get(name), after.get(name))
        return answer

    replaces(watch, "_put_metric_alarm")(telling)
    replaces(watch, "_put_composite_alarm")(telling)
    replaces(watch, "_delete_alarms")(telling)
    replaces(watch, "cloudformation_put_metric_alarm")(telling)
    replaces(watch, "cloudformation_delete_metric_alarm")(telling)


def put_composite_alarm(data: dict[str, Any]) -> None:
    """Create or change a composite alarm."""
    _call(watch._put_composite_alarm, data)


def delete_alarm(name: str) -> None:
    """Delete an alarm."""
    _call(watch._delete_alarms, {"AlarmNames": [name]})


def _call(handler: Any, data: dict[str, Any]) -> None:
    status, _, body = handler({}, data, False, True)  # noqa: FBT003 - its own signature
    if status >= _BAD_REQUEST:
        raise ValueError(json.loads(body)["message"])


def alarm(name: str) -> dict[str, Any] | None:
    """Give an alarm of this account and Region by its name or its ARN."""
    name = name.rpartition(":alarm:")[2]
    found: dict[str, Any] | None = watch._alarms.get(name) or watch._composite_alarms.get(name)
    return found


def suppressed_by(suppressor: dict[str, Any]) -> list[dict[str, Any]]:
    """Give the composite alarms that name an alarm as their suppressor."""
    names = (suppressor["AlarmName"], suppressor["AlarmArn"])
    composites = watch._composite_alarms.values()
    return [composite for composite in composites if composite.get("ActionsSuppressor") in names]


def tell_history(about: dict[str, Any], summary: str) -> None:
    """Write what became of an action into the alarm's history."""
    watch._history_entries().append(
        {
            "AlarmName": about["AlarmName"],
            "AlarmType": "CompositeAlarm" if "AlarmRule" in about else "MetricAlarm",
            "Timestamp": responses.now_iso(),
            "HistoryItemType": "Action",
            "HistorySummary": summary,
            "HistoryData": "{}",
        }
    )
