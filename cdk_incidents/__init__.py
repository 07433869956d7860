"""AWS CDK constructs for Incident Manager: alarms become incidents, and every deployment proves it.

The names are loaded when they are first used: `cdk_incidents.local` and the command line do without CDK.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cdk_incidents.alarm_action import ResponsePlanAction as ResponsePlanAction
    from cdk_incidents.alarms import Alarms as Alarms
    from cdk_incidents.chat_channel import ChatChannel as ChatChannel
    from cdk_incidents.incident_template import Impact as Impact
    from cdk_incidents.incident_template import IncidentTemplate as IncidentTemplate
    from cdk_incidents.pager_duty import PagerDuty as PagerDuty
    from cdk_incidents.replication_set import ReplicationSet as ReplicationSet
    from cdk_incidents.response_plan import IResponsePlan as IResponsePlan
    from cdk_incidents.response_plan import ResponsePlan as ResponsePlan
    from cdk_incidents.route import IRoute as IRoute
    from cdk_incidents.route import Route as Route
    from cdk_incidents.runbook import Runbook as Runbook
    from cdk_incidents.runbook import TargetAccount as TargetAccount
    from cdk_incidents.smoke_test import SmokeTest as SmokeTest
    from cdk_incidents.trigger import IIncidentTrigger as IIncidentTrigger
    from cdk_incidents.trigger import IncidentTrigger as IncidentTrigger

_HOMES = {
    "Alarms": "alarms",
    "ChatChannel": "chat_channel",
    "IIncidentTrigger": "trigger",
    "IResponsePlan": "response_plan",
    "IRoute": "route",
    "Impact": "incident_template",
    "IncidentTemplate": "incident_template",
    "IncidentTrigger": "trigger",
    "PagerDuty": "pager_duty",
    "ReplicationSet": "replication_set",
    "ResponsePlan": "response_plan",
    "ResponsePlanAction": "alarm_action",
    "Route": "route",
    "Runbook": "runbook",
    "SmokeTest": "smoke_test",
    "TargetAccount": "runbook",
}

__all__ = [
    "Alarms",
    "ChatChannel",
    "IIncidentTrigger",
    "IResponsePlan",
    "IRoute",
    "Impact",
    "IncidentTemplate",
    "IncidentTrigger",
    "PagerDuty",
    "ReplicationSet",
    "ResponsePlan",
    "ResponsePlanAction",
    "Route",
    "Runbook",
    "SmokeTest",
    "TargetAccount",
]


# A type checker that saw it would take any misspelt name.
if not TYPE_CHECKING:

    def __getattr__(name: str) -> object:
        if name not in _HOMES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value: object = getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
        globals()[name] = value
        return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
