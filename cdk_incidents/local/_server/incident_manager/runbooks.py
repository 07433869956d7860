"""Runbooks: the executions that an incident would start."""

from __future__ import annotations

import json
import uuid
from typing import TYPE_CHECKING, Any

from cdk_incidents.local._server.systems_manager import documents

from . import timeline

if TYPE_CHECKING:
    from cdk_incidents.local._server.state import Caller, Cloud, Record

_SERVICE = "ssm-incidents.amazonaws.com"


def start_for_incident(
    cloud: Cloud, caller: Caller, plan: dict[str, Any], record: Record
) -> list[dict[str, Any]]:
    """Write down each execution that a plan starts, and give the related items that come of them.

    What could not start stands in the incident's timeline. CHOICE: how AWS tells it is not documented.
    """
    return [
        item
        for action in plan.get("actions", [])
        for item in _start(cloud, caller, action["ssmAutomation"], record)
    ]


def _start(cloud: Cloud, caller: Caller, asked: dict[str, Any], record: Record) -> list[dict[str, Any]]:
    arn, now, account = record.data["arn"], cloud.clock.now(), caller.account
    involved = [
        item["identifier"]["value"].get("arn", "")
        for item in record.related
        if item["identifier"]["type"] == "INVOLVED_RESOURCE"
    ]
    known = {"INCIDENT_RECORD_ARN": [arn], "INVOLVED_RESOURCES": involved}
    dynamic = {key: known[value["variable"]] for key, value in asked.get("dynamicParameters", {}).items()}
    execution = f"arn:aws:ssm:{caller.region}:{account.id}:automation-execution/{uuid.uuid4()}"
    told: dict[str, Any] = {
        "incident_record_arn": arn,
        "document": asked["documentName"],
        "version": asked.get("documentVersion", "$DEFAULT"),
        "parameters": {**asked.get("parameters", {}), **dynamic},
        "role": asked["roleArn"],
        "target_account": asked.get("targetAccount", "RESPONSE_PLAN_OWNER_ACCOUNT"),
        "execution_arn": execution,
        "started_at": now.isoformat(),
        "problem": _problem(cloud, caller, asked, arn),
    }
    cloud.runbooks.append(told)
    if told["problem"]:
        timeline.add(record, "SSM Automation Failed To Start", json.dumps({"problem": told["problem"]}), now)
        return []
    record.data.setdefault("automationExecutions", []).append({"ssmExecutionArn": execution})
    identifier = {"type": "AUTOMATION", "value": {"arn": execution}}
    return [{"identifier": identifier, "title": asked["documentName"]}]


def _problem(cloud: Cloud, caller: Caller, asked: dict[str, Any], incident_arn: str) -> str:
    name = asked["documentName"].rpartition("/")[2]
    owned = caller.account.documents.get((caller.region, name))
    if owned is None and not documents.owned_by_aws(name):
        return f"There is no document {asked['documentName']} in {caller.region}"
    version = asked.get("documentVersion", "$DEFAULT")
    if owned is not None and version not in documents.versions_of(owned):
        return f"The document {name} has no version {version}"
    places = [f"arn:aws:ssm:{caller.region}:{account}" for account in (caller.account.id, "")]
    resources = [
        f"{place}:{kind}"
        for place in places
        for kind in (f"automation-definition/{name}:{version}", f"document/{name}")
    ]
    wanted = {"ssm:StartAutomationExecution": resources}
    return cloud.outside.role_refuses(asked["roleArn"], _SERVICE, incident_arn, wanted)
