"""Which permission on which resources each operation asks for, by the service authorization reference."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import documents
from .errors import denied

if TYPE_CHECKING:
    from .state import Caller

_SERVICE = "ssm-incidents.amazonaws.com"

# The parameter that names what an operation is about; a record's plan must be allowed too for some.
_ON_NAMED = {
    "GetIncidentRecord": "arn",
    "DeleteIncidentRecord": "arn",
    "GetTimelineEvent": "incidentRecordArn",
    "ListTimelineEvents": "incidentRecordArn",
    "StartIncident": "responsePlanArn",
    "GetResponsePlan": "arn",
    "UpdateResponsePlan": "arn",
    "DeleteResponsePlan": "arn",
    "GetReplicationSet": "arn",
    "UpdateReplicationSet": "arn",
    "DeleteReplicationSet": "arn",
    "UpdateDeletionProtection": "arn",
    "TagResource": "resourceArn",
    "UntagResource": "resourceArn",
    "ListTagsForResource": "resourceArn",
}
_ON_RECORD_AND_PLAN = {
    "UpdateIncidentRecord": "arn",
    "ListRelatedItems": "incidentRecordArn",
    "UpdateRelatedItems": "incidentRecordArn",
    "CreateTimelineEvent": "incidentRecordArn",
    "UpdateTimelineEvent": "incidentRecordArn",
    "DeleteTimelineEvent": "incidentRecordArn",
}
_ON_OPS_ITEM = ("GetOpsItem", "UpdateOpsItem", "DeleteOpsItem")
_ON_DOCUMENTS = {*documents.plays(), "GetCalendarState"} - {"ListDocuments"}
# One of these names what an operation on contacts is about.
_IN_CONTACTS = ("ContactId", "ContactArn", "ContactChannelId", "RotationId", "EngagementId", "ResourceARN")


def check(caller: Caller, service: str, operation: str, params: dict[str, Any]) -> None:
    """Refuse an operation that the caller's policies do not allow on each of its resources."""
    about_contacts = service == "ssm-contacts"
    for resource in (_contacts_resources if about_contacts else _resources)(caller, operation, params):
        _ask(caller, f"{service}:{operation}", resource)
    if operation == "StartIncident":
        _check_forwarded(caller, params)


def _resources(caller: Caller, operation: str, params: dict[str, Any]) -> list[str]:
    account = caller.account
    if operation in _ON_RECORD_AND_PLAN:
        arn = params[_ON_RECORD_AND_PLAN[operation]]
        return [arn, arn.replace(":incident-record/", ":response-plan/").rpartition("/")[0]]
    if operation in _ON_NAMED:
        return [params[_ON_NAMED[operation]]]
    if operation == "CreateResponsePlan":
        return [account.arn(f"response-plan/{params['name']}")]
    if operation in _ON_OPS_ITEM:
        return [f"arn:aws:ssm:{caller.region}:{account.id}:opsitem/{params['OpsItemId']}"]
    if operation in _ON_DOCUMENTS:
        return [documents.arn(caller, name) for name in params.get("CalendarNames") or [params["Name"]]]
    return ["*"]


def _contacts_resources(caller: Caller, operation: str, params: dict[str, Any]) -> list[str]:
    """Name what an operation is about; the authorization reference writes a channel's ARN its own way."""
    here = f"arn:aws:ssm-contacts:{caller.region}:{caller.account.id}"
    if operation in ("CreateContact", "CreateRotation"):
        return [f"{here}:contact/{params['Alias']}" if "Alias" in params else f"{here}:rotation/*"]
    # A page comes first: who accepts it may name the channel as well.
    named = [params[name] for name in ("PageId", *_IN_CONTACTS) if name in params]
    return [named[0].replace(":contact-channel/", ":contactchannel/") if named else "*"]


def _check_forwarded(caller: Caller, params: dict[str, Any]) -> None:
    """Check what Incident Manager does in the name of whoever starts an incident, since June 2025.

    CHOICE: what a start gets without these permissions is not documented; here it is refused.
    """
    account = caller.account
    plan = account.plans.get(params["responsePlanArn"])
    if plan is None:
        return
    for contact in plan.get("engagements", []):
        _ask(caller, "ssm-contacts:StartEngagement", contact, via=_SERVICE)
    _ask(caller, "ssm:CreateOpsItem", f"arn:aws:ssm:{caller.region}:{account.id}:opsitem/*", via=_SERVICE)
    if plan["incidentTemplate"].get("incidentTags"):
        _ask(caller, "ssm-incidents:TagResource", account.arn(f"incident-record/{plan['name']}/*"))


def _ask(caller: Caller, action: str, resource: str, *, via: str = "") -> None:
    if not caller.may(action, resource, via):
        raise denied(caller.arn, action, resource, via=via)
