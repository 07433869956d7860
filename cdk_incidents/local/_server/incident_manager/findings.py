"""Findings: changes of stacks and deployments shortly before an incident, where an account looks for them.

CHOICE: the feature is off until somebody turns it on in the console, for which there is no API; here it is
off, so that no incident has findings, and any id is unknown.
https://docs.aws.amazon.com/incident-manager/latest/userguide/incident-manager-findings.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cdk_incidents.local._server.protocol.paging import page

from . import timeline

if TYPE_CHECKING:
    from cdk_incidents.local._server.state import Caller, Cloud


def list_incident_findings(_cloud: Cloud, caller: Caller, params: dict[str, Any]) -> dict[str, Any]:
    """List the findings of an incident: none."""
    timeline.find_record(caller, params["incidentRecordArn"])
    return page([], params, "findings")


def batch_get_incident_findings(_cloud: Cloud, caller: Caller, params: dict[str, Any]) -> dict[str, Any]:
    """Give findings by id: an error for each. CHOICE: which codes there are is not documented."""
    timeline.find_record(caller, params["incidentRecordArn"])
    told = {"code": "ResourceNotFoundException", "message": "The incident has no such finding"}
    return {"findings": [], "errors": [{"findingId": number, **told} for number in params["findingIds"]]}
