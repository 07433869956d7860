"""AWS CDK constructs for Incident Manager: alarms become incidents, and every deployment proves it.

The names are loaded when they are first used: `cdk_incidents.local` and the command line do without CDK.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cdk_incidents._shifts import Gap as Gap
    from cdk_incidents._shifts import Shift as Shift
    from cdk_incidents.alarm_action import ResponsePlanAction as ResponsePlanAction
    from cdk_incidents.alarms import Alarms as Alarms
    from cdk_incidents.budget import IncidentBudget as IncidentBudget
    from cdk_incidents.chat_channel import ChatChannel as ChatChannel
    from cdk_incidents.contact import Contact as Contact
    from cdk_incidents.contact import IContact as IContact
    from cdk_incidents.contact_channel import ChannelStage as ChannelStage
    from cdk_incidents.contact_channel import ContactChannel as ContactChannel
    from cdk_incidents.dashboard import IncidentDashboard as IncidentDashboard
    from cdk_incidents.escalation_plan import EscalationPlan as EscalationPlan
    from cdk_incidents.escalation_plan import Stage as Stage
    from cdk_incidents.event_patterns import EventPatterns as EventPatterns
    from cdk_incidents.event_target import ResponsePlanTarget as ResponsePlanTarget
    from cdk_incidents.incident_template import Impact as Impact
    from cdk_incidents.incident_template import IncidentTemplate as IncidentTemplate
    from cdk_incidents.on_call import OnCallSchedule as OnCallSchedule
    from cdk_incidents.on_call import Rotation as Rotation
    from cdk_incidents.ops_items import OpsItems as OpsItems
    from cdk_incidents.pager_duty import PagerDuty as PagerDuty
    from cdk_incidents.recurrence import Recurrence as Recurrence
    from cdk_incidents.recurrence import ShiftCoverage as ShiftCoverage
    from cdk_incidents.related_item import RelatedItem as RelatedItem
    from cdk_incidents.replication_set import ReplicationSet as ReplicationSet
    from cdk_incidents.response_plan import IResponsePlan as IResponsePlan
    from cdk_incidents.response_plan import ResponsePlan as ResponsePlan
    from cdk_incidents.route import IRoute as IRoute
    from cdk_incidents.route import Route as Route
    from cdk_incidents.runbook import Runbook as Runbook
    from cdk_incidents.runbook import TargetAccount as TargetAccount
    from cdk_incidents.schedule_target import ResponsePlanSchedule as ResponsePlanSchedule
    from cdk_incidents.smoke_test import SmokeTest as SmokeTest
    from cdk_incidents.suppression import Suppression as Suppression
    from cdk_incidents.trigger import IIncidentTrigger as IIncidentTrigger
    from cdk_incidents.trigger import IncidentTrigger as IncidentTrigger

_HOMES = {
    "Alarms": "alarms",
    "ChannelStage": "contact_channel",
    "ChatChannel": "chat_channel",
    "Contact": "contact",
    "ContactChannel": "contact_channel",
    "EscalationPlan": "escalation_plan",
    "EventPatterns": "event_patterns",
    "Gap": "_shifts",
    "IContact": "contact",
    "IIncidentTrigger": "trigger",
    "IResponsePlan": "response_plan",
    "IRoute": "route",
    "Impact": "incident_template",
    "IncidentBudget": "budget",
    "IncidentDashboard": "dashboard",
    "IncidentTemplate": "incident_template",
    "IncidentTrigger": "trigger",
    "OnCallSchedule": "on_call",
    "OpsItems": "ops_items",
    "PagerDuty": "pager_duty",
    "Recurrence": "recurrence",
    "RelatedItem": "related_item",
    "ReplicationSet": "replication_set",
    "ResponsePlan": "response_plan",
    "ResponsePlanAction": "alarm_action",
    "ResponsePlanSchedule": "schedule_target",
    "ResponsePlanTarget": "event_target",
    "Rotation": "on_call",
    "Route": "route",
    "Runbook": "runbook",
    "Shift": "_shifts",
    "ShiftCoverage": "recurrence",
    "SmokeTest": "smoke_test",
    "Stage": "escalation_plan",
    "Suppression": "suppression",
    "TargetAccount": "runbook",
}

__all__ = [
    "Alarms",
    "ChannelStage",
    "ChatChannel",
    "Contact",
    "ContactChannel",
    "EscalationPlan",
    "EventPatterns",
    "Gap",
    "IContact",
    "IIncidentTrigger",
    "IResponsePlan",
    "IRoute",
    "Impact",
    "IncidentBudget",
    "IncidentDashboard",
    "IncidentTemplate",
    "IncidentTrigger",
    "OnCallSchedule",
    "OpsItems",
    "PagerDuty",
    "Recurrence",
    "RelatedItem",
    "ReplicationSet",
    "ResponsePlan",
    "ResponsePlanAction",
    "ResponsePlanSchedule",
    "ResponsePlanTarget",
    "Rotation",
    "Route",
    "Runbook",
    "Shift",
    "ShiftCoverage",
    "SmokeTest",
    "Stage",
    "Suppression",
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
