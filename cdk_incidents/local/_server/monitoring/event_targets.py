"""Rules and schedules that start incidents by themselves, as roles of the account."""

from __future__ import annotations

import json
import sys
import uuid
from typing import TYPE_CHECKING, Any

from cdk_incidents.local._server.protocol.errors import ServiceError
from cdk_incidents.local._server.state import Caller

from .casing import lower_names

if TYPE_CHECKING:
    import datetime as dt

    from cdk_incidents.local._server.adapter import Emulator
    from cdk_incidents.local._server.services import Service
    from cdk_incidents.local._server.state import Cloud

_RAW_DATA = 10_000
_RULES, _SCHEDULES = "events.amazonaws.com", "scheduler.amazonaws.com"


class EventTargets:
    """Starts incidents for EventBridge and its Scheduler."""

    def __init__(self, emulator: Emulator, cloud: Cloud, incidents: Service) -> None:
        self._emulator = emulator
        self._cloud = cloud
        self._incidents = incidents

    def __call__(
        self, target: dict[str, Any], given: str, rule: dict[str, Any], event: dict[str, Any]
    ) -> None:
        """Start an incident, or leave word in the log and the audit why not: nobody is there to be told."""
        scheduled = ":aws-sdk:" in target["Arn"]
        params = self._filled(given, rule) if scheduled else self._params(target, rule, event)
        service = _SCHEDULES if scheduled else _RULES
        plan, role = str(params.get("responsePlanArn", "")), target.get("RoleArn", "")
        wanted = {"ssm-incidents:StartIncident": [plan]}
        # Scheduler acts in the name of a schedule's group.
        group = rule["Arn"].replace(":schedule/", ":schedule-group/").rpartition("/")[0]
        problem = self._emulator.role_refuses(role, service, group if scheduled else rule["Arn"], wanted)
        if problem:
            told = {"plan": plan, "title": "", "source": service, "caller": rule["Arn"]}
            now = self._cloud.clock.now().isoformat()
            self._cloud.audit.append({**told, "time": now, "outcome": "AccessDeniedException"})
        else:
            problem = self._start(role, params, "" if scheduled else service)
        if problem:
            print(f"{rule['Arn']} starts no incident: {problem}", file=sys.stderr)  # noqa: T201

    def _filled(self, given: str, schedule: dict[str, Any]) -> dict[str, Any]:
        """Read a universal target's input, what Scheduler knows of the execution filled in."""
        known = {
            "schedule-arn": schedule["Arn"],
            "scheduled-time": self._cloud.clock.now().strftime("%Y-%m-%dT%H:%M:%SZ"),
            "execution-id": str(uuid.uuid4()),
            "attempt-number": "1",
        }
        for name, value in known.items():
            given = given.replace(f"<aws.scheduler.{name}>", value)
        params: dict[str, Any] = lower_names(json.loads(given or "{}"))
        return params

    def _params(self, target: dict[str, Any], rule: dict[str, Any], event: dict[str, Any]) -> dict[str, Any]:
        # CHOICE: what the source of such an incident is called is not documented.
        details = trigger_details("aws.events", rule["Arn"], self._cloud.clock.now(), event)
        return {"responsePlanArn": target["Arn"], "triggerDetails": details}

    def _start(self, role_arn: str, params: dict[str, Any], native: str) -> str:
        account, region = self._emulator.here()
        session = role_arn.replace(":iam:", ":sts:").replace(":role/", ":assumed-role/") + "/events"
        # Whether a role needs more than StartIncident for this is not documented: it is asked for no more.
        caller = Caller(self._cloud.account(account), region, session, lambda *_: True, native)
        try:
            self._incidents.start(params, caller)
        except ServiceError as error:
            return error.message
        return ""


def trigger_details(source: str, arn: str, now: dt.datetime, event: dict[str, Any]) -> dict[str, Any]:
    """Tell what an AWS service started an incident for; an event that is too long is left out."""
    raw = json.dumps(event)
    told = {"source": source, "timestamp": now, "triggerArn": arn}
    return {**told, "rawData": raw} if len(raw) <= _RAW_DATA else told
