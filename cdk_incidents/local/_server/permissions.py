"""Which permission on which resources each operation asks for, by the service authorization reference."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .protocol.errors import denied
from .systems_manager import documents

if TYPE_CHECKING:
    from .protocol.errors import ServiceError
    from .state import Caller

_SERVICE = "ssm-incidents.amazonaws.com"

# One of these names what an operation is about; a record's plan must be allowed too for some.
_IN_INCIDENTS = ("responsePlanArn", "incidentRecordArn", "resourceArn", "arn")
_ON_RECORD_AND_PLAN = {
    *("UpdateIncidentRecord", "ListRelatedItems", "UpdateRelatedItems"),
    *("CreateTimelineEvent", "UpdateTimelineEvent", "DeleteTimelineEvent"),
}
_ON_OPS_ITEM = ("GetOpsItem", "UpdateOpsItem", "DeleteOpsItem")
_ON_DOCUMENTS = {*documents.plays(), "GetCalendarState"} - {"ListDocuments"}
# One of these names what an operation on contacts is about.
_IN_CONTACTS = ("ContactId", "ContactArn", "ContactChannelId", "RotationId", "EngagementId", "ResourceARN")


def check(caller: Caller, service: str, operation: str, params: dict[str, Any]) -> None:
    """Refuse an operation that the caller's policies do not allow on each of its resources."""
    about_contacts = service == "ssm-contacts"
    for resource in (_contacts_resources if about_contacts else _resources)(caller, operation, params):
        if not caller.may(f"{service}:{operation}", resource, ""):
            raise denied(caller.arn, f"{service}:{operation}", resource)


def forwarded(caller: Caller, plan: dict[str, Any]) -> dict[str, ServiceError]:
    """Tell what Incident Manager may not do in the name of whoever starts an incident, since June 2025.

    Returns
    -------
    the errors, each under the contact that it would have engaged, or under the action
    """
    here, opened = f"arn:aws:ssm:{caller.region}:{caller.account.id}", "ssm:CreateOpsItem"
    wanted = {arn: ("ssm-contacts:StartEngagement", arn, _SERVICE) for arn in plan.get("engagements", [])}
    wanted[opened] = (opened, f"{here}:opsitem/*", _SERVICE)
    if plan["incidentTemplate"].get("incidentTags"):
        tagged = "ssm-incidents:TagResource"
        wanted[tagged] = (tagged, caller.account.arn(f"incident-record/{plan['name']}/*"), "")
    return {
        name: denied(caller.arn, action, resource, via=via)
        for name, (action, resource, via) in wanted.items()
        if not caller.may(action, resource, via)
    }


def about(params: dict[str, Any]) -> str:
    """Tell the ARN of what an operation of Incident Manager is about; empty if it is about none."""
    return str(next((params[name] for name in _IN_INCIDENTS if name in params), ""))


def plan_of(arn: str) -> str:
    """Give the ARN of a record's plan; a plan's own as it is."""
    record, plan = ":incident-record/", ":response-plan/"
    return arn.replace(record, plan).rpartition("/")[0] if record in arn else arn


def _resources(caller: Caller, operation: str, params: dict[str, Any]) -> list[str]:
    account = caller.account
    if operation == "CreateResponsePlan":
        return [account.arn(f"response-plan/{params['name']}")]
    if operation in _ON_OPS_ITEM:
        return [f"arn:aws:ssm:{caller.region}:{account.id}:opsitem/{params['OpsItemId']}"]
    if operation in _ON_DOCUMENTS:
        return [documents.arn(caller, name) for name in params.get("CalendarNames") or [params["Name"]]]
    arn = about(params) or "*"
    return [arn, plan_of(arn)] if operation in _ON_RECORD_AND_PLAN else [arn]


def _contacts_resources(caller: Caller, operation: str, params: dict[str, Any]) -> list[str]:
    """Name what an operation is about; the authorization reference writes a channel's ARN its own way."""
    here = f"arn:aws:ssm-contacts:{caller.region}:{caller.account.id}"
    if operation in ("CreateContact", "CreateRotation"):
        return [f"{here}:contact/{params['Alias']}" if "Alias" in params else f"{here}:rotation/*"]
    # A page comes first: who accepts it may name the channel as well.
    named = [params[name] for name in ("PageId", *_IN_CONTACTS) if name in params]
    return [named[0].replace(":contact-channel/", ":contactchannel/") if named else "*"]
