"""The alarms of deployed stacks that start incidents: which they are, firing them, letting them recover."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .routed import LEDGER

if TYPE_CHECKING:
    from collections.abc import Callable

    from .assembly import AssemblyStack

_TYPES = {"AWS::CloudWatch::Alarm": "MetricAlarm", "AWS::CloudWatch::CompositeAlarm": "CompositeAlarm"}
_PLAN = re.compile(r"arn:[^:]+:ssm-incidents::\d{12}:response-plan/(?P<name>.+)")
_ALIAS = re.compile(r"arn:[^:]+:lambda:[^:]+:\d{12}:function:(?P<function>[^:]+):(?P<alias>[^:]+)")
_REASON = "cdk-incidents rehearse"


@dataclass(frozen=True)
class WiredAlarm:
    """An alarm with an action that starts incidents.

    Attributes
    ----------
    name, arn, region
        the alarm
    composite
        whether it watches other alarms
    plans
        names of the response plans that it starts by the service's own path
    routes
        ARNs of the routes that it starts
    recovers
        whether it tells a route of its recovery
    """

    name: str
    arn: str
    region: str
    composite: bool
    plans: tuple[str, ...]
    routes: tuple[str, ...]
    recovers: bool

    @property
    def actions(self) -> int:
        """How many incidents it starts."""
        return len(self.plans) + len(self.routes)


class Alarms:
    """CloudWatch as a rehearsal needs it.

    Parameters
    ----------
    client
        gives boto3's client for a service and a Region
    """

    def __init__(self, client: Callable[[str, str], Any]) -> None:
        self._client = client
        self._triggers: dict[tuple[str, str], bool] = {}

    def wired(self, stack: AssemblyStack, resources: list[dict[str, Any]]) -> list[WiredAlarm]:
        """Return a stack's alarms that start incidents, composite ones last.

        Not the library's own: the canary belongs to the smoke test, and health alarms watch the trigger.
        """
        names = [
            resource["PhysicalResourceId"]
            for resource in resources
            if resource["ResourceType"] in _TYPES and stack.purpose(resource["LogicalResourceId"]) is None
        ]
        found = [self._read(name, stack.region) for name in names]
        return sorted((alarm for alarm in found if alarm.actions), key=lambda alarm: alarm.composite)

    def _read(self, name: str, region: str) -> WiredAlarm:
        described, composite = self._describe(name, region)
        enabled = described.get("ActionsEnabled", True)
        actions: list[str] = list(dict.fromkeys(described.get("AlarmActions", []))) if enabled else []
        routes = tuple(arn for arn in actions if self._is_route(arn, region))
        return WiredAlarm(
            name,
            described["AlarmArn"],
            region,
            composite,
            plans=tuple(found["name"] for arn in actions if (found := _PLAN.fullmatch(arn))),
            routes=routes,
            recovers=bool(set(routes) & set(described.get("OKActions", []))),
        )

    def _describe(self, name: str, region: str) -> tuple[dict[str, Any], bool]:
        answer = self._client("cloudwatch", region).describe_alarms(
            AlarmNames=[name], AlarmTypes=list(_TYPES.values())
        )
        composite = bool(answer.get("CompositeAlarms"))
        alarm: dict[str, Any] = answer["CompositeAlarms" if composite else "MetricAlarms"][0]
        return alarm, composite

    def _is_route(self, arn: str, region: str) -> bool:
        found = _ALIAS.fullmatch(arn)
        if found is None:
            return False
        key = (found["function"], region)
        if key not in self._triggers:
            function = self._client("lambda", region).get_function_configuration(
                FunctionName=found["function"]
            )
            self._triggers[key] = LEDGER in function.get("Environment", {}).get("Variables", {})
        return self._triggers[key]

    def fire(self, alarm: WiredAlarm) -> tuple[float, bool]:
        """Let an alarm go off; return when it did, and whether it had done so by itself.

        A composite alarm may have followed one of those that it watches.
        """
        described, _ = self._describe(alarm.name, alarm.region)
        if described["StateValue"] == "ALARM":
            return described["StateUpdatedTimestamp"].timestamp(), True
        now = time.time()
        self._set(alarm, "ALARM")
        return now, False

    def wait_s(self, alarm: WiredAlarm) -> float:
        """Tell how long an alarm still waits for another one that may suppress its actions."""
        described, _ = self._describe(alarm.name, alarm.region)
        waits = described.get("ActionsSuppressedBy") == "WaitPeriod"
        return float(described["ActionsSuppressorWaitPeriod"]) if waits else 0

    def unmute(self, region: str, resources: list[dict[str, Any]]) -> None:
        """Delete a stack's mute rules: an alarm is to act at whatever time it is."""
        for resource in resources:
            if resource["ResourceType"] == "AWS::CloudWatch::AlarmMuteRule":
                name = resource["PhysicalResourceId"].rpartition(":")[2]
                self._client("cloudwatch", region).delete_alarm_mute_rule(AlarmMuteRuleName=name)

    def recover(self, alarm: WiredAlarm) -> None:
        """Let an alarm be well again."""
        self._set(alarm, "OK")

    def _set(self, alarm: WiredAlarm, state: str) -> None:
        self._client("cloudwatch", alarm.region).set_alarm_state(
            AlarmName=alarm.name, StateValue=state, StateReason=_REASON
        )
