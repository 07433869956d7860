"""Plans that other accounts may use: what RAM shares is played in its owner's account."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .state import Caller, Cloud

# What RAM's permission for response plans lets the other account do, and the parameter that names what.
_SHARED = {
    "StartIncident": "responsePlanArn",
    "GetResponsePlan": "arn",
    "GetIncidentRecord": "arn",
    "UpdateIncidentRecord": "arn",
    "ListRelatedItems": "incidentRecordArn",
    "UpdateRelatedItems": "incidentRecordArn",
    "CreateTimelineEvent": "incidentRecordArn",
    "GetTimelineEvent": "incidentRecordArn",
    "UpdateTimelineEvent": "incidentRecordArn",
    "ListTimelineEvents": "incidentRecordArn",
}


def owner_for(cloud: Cloud, caller: Caller, operation: str, params: dict[str, Any]) -> Caller:
    """Give the caller as it acts: in the owner's account on what is shared, else in its own."""
    arn = params.get(_SHARED.get(operation, ""), "")
    if not arn or arn.split(":")[4] == caller.account.id:
        return caller
    plan = (
        arn.rpartition("/")[0].replace(":incident-record/", ":response-plan/") if "-record/" in arn else arn
    )
    for share in cloud.shares.values():
        if plan in share.get("ResourceArns", []) and any(
            _reaches(principal, caller.account.id) for principal in share.get("Principals", [])
        ):
            return replace(caller, account=cloud.account(arn.split(":")[4]))
    return caller


def _reaches(principal: str, account: str) -> bool:
    """Tell whether a share reaches an account; every account here is of one organization and unit."""
    return principal == account or ":organizations:" in principal or f":{account}:" in principal
