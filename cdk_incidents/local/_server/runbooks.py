"""Runbooks: the documents, and the executions that an incident would start."""

from __future__ import annotations

import json
import uuid
from typing import TYPE_CHECKING, Any

from . import timeline
from .errors import ServiceError
from .paging import page

if TYPE_CHECKING:
    from .resources import Play
    from .state import Caller, Cloud, Record

_SERVICE = "ssm-incidents.amazonaws.com"
_OWNED_BY_AWS = (
    "AWS-",
    "AWSSupport-",
    "AWSIncidents-",
    "AWSConfigRemediation-",
    "AWSEC2-",
    "AWSPremiumSupport-",
)
_LATEST = ("$LATEST", "$DEFAULT")


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
    if owned is None and not name.startswith(_OWNED_BY_AWS):
        return f"There is no document {asked['documentName']} in {caller.region}"
    version = asked.get("documentVersion", "$DEFAULT")
    if owned is not None and version not in (*_LATEST, *owned["versions"]):
        return f"The document {name} has no version {version}"
    places = [f"arn:aws:ssm:{caller.region}:{account}" for account in (caller.account.id, "")]
    resources = [
        f"{place}:{kind}"
        for place in places
        for kind in (f"automation-definition/{name}:{version}", f"document/{name}")
    ]
    wanted = {"ssm:StartAutomationExecution": resources}
    return cloud.outside.role_refuses(asked["roleArn"], _SERVICE, incident_arn, wanted)


# Documents


def plays() -> dict[str, Play]:
    """Give the operations on documents by name."""
    return {
        "CreateDocument": _create,
        "UpdateDocument": _update,
        "UpdateDocumentDefaultVersion": _set_default,
        "GetDocument": _get,
        "DescribeDocument": lambda _, caller, params: {"Document": _described(caller, _find(caller, params))},
        "DeleteDocument": _delete,
        "ListDocuments": _list,
    }


def _create(cloud: Cloud, caller: Caller, params: dict[str, Any]) -> dict[str, Any]:
    key = (caller.region, params["Name"])
    if key in caller.account.documents:
        raise ServiceError("DocumentAlreadyExists", f"A document named {params['Name']} exists")
    document = {
        "Name": params["Name"],
        "DocumentType": params.get("DocumentType", "Command"),
        "DocumentFormat": params.get("DocumentFormat", "JSON"),
        "CreatedDate": cloud.clock.now(),
        "Tags": params.get("Tags", []),
        "DefaultVersion": "1",
        "versions": {"1": params["Content"]},
    }
    caller.account.documents[key] = document
    return {"DocumentDescription": _described(caller, document)}


def _update(_cloud: Cloud, caller: Caller, params: dict[str, Any]) -> dict[str, Any]:
    document = _find(caller, params)
    if params["Content"] in document["versions"].values():
        raise ServiceError("DuplicateDocumentContent", "A version of the document has this content already")
    document["versions"][str(len(document["versions"]) + 1)] = params["Content"]
    return {"DocumentDescription": _described(caller, document)}


def _set_default(_cloud: Cloud, caller: Caller, params: dict[str, Any]) -> dict[str, Any]:
    document = _find(caller, params)
    document["DefaultVersion"] = params["DocumentVersion"]
    return {"Description": {"Name": document["Name"], "DefaultVersion": document["DefaultVersion"]}}


def _get(_cloud: Cloud, caller: Caller, params: dict[str, Any]) -> dict[str, Any]:
    document = _find(caller, params)
    version = params.get("DocumentVersion", "$DEFAULT")
    number = {"$DEFAULT": document["DefaultVersion"], "$LATEST": str(len(document["versions"]))}.get(
        version, version
    )
    if number not in document["versions"]:
        raise ServiceError("InvalidDocumentVersion", f"The document has no version {version}")
    return {
        **_described(caller, document),
        "Content": document["versions"][number],
        "DocumentVersion": number,
    }


def _delete(_cloud: Cloud, caller: Caller, params: dict[str, Any]) -> dict[str, Any]:
    del caller.account.documents[caller.region, _find(caller, params)["Name"]]
    return {}


def _list(_cloud: Cloud, caller: Caller, params: dict[str, Any]) -> dict[str, Any]:
    found = [d for (region, _), d in sorted(caller.account.documents.items()) if region == caller.region]
    return page([_described(caller, d) for d in found], params, "DocumentIdentifiers")


def _find(caller: Caller, params: dict[str, Any]) -> dict[str, Any]:
    found = caller.account.documents.get((caller.region, params["Name"]))
    if found is None:
        raise ServiceError("InvalidDocument", f"There is no document {params['Name']} in {caller.region}")
    return found


def _described(caller: Caller, document: dict[str, Any]) -> dict[str, Any]:
    last = str(len(document["versions"]))
    known = {"Owner": caller.account.id, "Status": "Active", "DocumentVersion": last, "LatestVersion": last}
    return {**document, **known}
