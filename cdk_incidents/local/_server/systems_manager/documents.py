"""Systems Manager documents: the account's own in their versions, and of AWS's those that are known here."""

from __future__ import annotations

import importlib
import json
from typing import TYPE_CHECKING, Any

from cdk_incidents.local._server.protocol.errors import ServiceError
from cdk_incidents.local._server.protocol.paging import page

if TYPE_CHECKING:
    from cdk_incidents.local._server.incident_manager.resources import Play
    from cdk_incidents.local._server.state import Caller, Cloud

_OWNED_BY_AWS = tuple(
    f"AWS{team}-" for team in ("", "Support", "Incidents", "ConfigRemediation", "EC2", "PremiumSupport")
)
_PAUSES = ("Triage", "Diagnosis", "Mitigation", "Recovery")
# CHOICE: its content is nowhere in the documents; the console shows these four steps, and no parameter.
_CONTENTS: dict[str, dict[str, Any]] = {
    "AWSIncidents-CriticalIncidentRunbookTemplate": {
        "schemaVersion": "0.3",
        "mainSteps": [{"name": name, "action": "aws:pause", "inputs": {}} for name in _PAUSES],
    },
}


def plays() -> dict[str, Play]:
    """Give the operations on documents by name."""
    return {
        "CreateDocument": _create,
        "UpdateDocument": _update,
        "UpdateDocumentDefaultVersion": _set_default,
        "GetDocument": _get,
        "DescribeDocument": lambda _, caller, params: {"Document": _described(*_find(caller, params))},
        "DeleteDocument": _delete,
        "ListDocuments": _list,
    }


def owned_by_aws(name: str) -> bool:
    """Tell whether a document's name is one of AWS's."""
    return name.startswith(_OWNED_BY_AWS)


def arn(caller: Caller, name: str) -> str:
    """Give the ARN of a document that is named by it, or by its name; AWS's own have no account in it."""
    account = "" if owned_by_aws(name) else caller.account.id
    return name if ":" in name else f"arn:aws:ssm:{caller.region}:{account}:document/{name}"


def versions_of(document: dict[str, Any]) -> dict[str, str]:
    """Give the content under each name that a version has."""
    numbered: dict[str, str] = document["versions"]
    return {**numbered, **{name: numbered[number] for name, number in _names(document).items()}}


def _create(cloud: Cloud, caller: Caller, params: dict[str, Any]) -> dict[str, Any]:
    key = (caller.region, params["Name"])
    if key in caller.account.documents:
        raise ServiceError("DocumentAlreadyExists", f"A document named {params['Name']} exists")
    document = caller.account.documents[key] = {
        "DocumentType": "Command",
        "DocumentFormat": "JSON",
        **params,
        "Owner": caller.account.id,
        "CreatedDate": cloud.clock.now(),
        "DefaultVersion": "1",
        "versions": {"1": params["Content"]},
    }
    return {"DocumentDescription": _described(document, "1")}


def _update(_cloud: Cloud, caller: Caller, params: dict[str, Any]) -> dict[str, Any]:
    document = _own(caller, params)
    if params["Content"] in document["versions"].values():
        raise ServiceError("DuplicateDocumentContent", "A version of the document has this content already")
    number = str(int(_names(document)["$LATEST"]) + 1)
    document["versions"][number] = params["Content"]
    return {"DocumentDescription": _described(document, number)}


def _set_default(_cloud: Cloud, caller: Caller, params: dict[str, Any]) -> dict[str, Any]:
    document = _own(caller, params)
    document["DefaultVersion"] = _version(document, params)
    return {"Description": document}


def _get(_cloud: Cloud, caller: Caller, params: dict[str, Any]) -> dict[str, Any]:
    document, number = _find(caller, params)
    return {**_described(document, number), "Content": document["versions"][number]}


def _delete(_cloud: Cloud, caller: Caller, params: dict[str, Any]) -> dict[str, Any]:
    del caller.account.documents[caller.region, _own(caller, params)["Name"]]
    return {}


def _list(_cloud: Cloud, caller: Caller, params: dict[str, Any]) -> dict[str, Any]:
    found = [d for (region, _), d in sorted(caller.account.documents.items()) if region == caller.region]
    listed = [_described(document, document["DefaultVersion"]) for document in found]
    return page(listed, params, "DocumentIdentifiers")


def _find(caller: Caller, params: dict[str, Any]) -> tuple[dict[str, Any], str]:
    """Give a document and the number of the version that is asked for."""
    name = arn(caller, params["Name"]).rpartition("/")[2]
    document = _of_aws(name) if owned_by_aws(name) else _own(caller, params)
    return document, _version(document, params)


def _own(caller: Caller, params: dict[str, Any]) -> dict[str, Any]:
    asked = arn(caller, params["Name"])
    found = caller.account.documents.get((caller.region, asked.rpartition("/")[2]))
    if found is None or asked != arn(caller, found["Name"]):
        raise ServiceError("InvalidDocument", f"There is no document {params['Name']} in {caller.region}")
    return found


def _of_aws(name: str) -> dict[str, Any]:
    if name not in _CONTENTS:
        known = ", ".join(_CONTENTS)
        raise ServiceError(
            "NotPlayedHereException", f"The loopback AWS does not know what {name} holds (it knows {known})"
        )
    kept = {"DocumentType": "Automation", "DocumentFormat": "JSON", "DefaultVersion": "1"}
    return {"Name": name, "Owner": "Amazon", **kept, "versions": {"1": json.dumps(_CONTENTS[name])}}


def _names(document: dict[str, Any]) -> dict[str, str]:
    return {"$DEFAULT": document["DefaultVersion"], "$LATEST": max(document["versions"], key=int)}


def _version(document: dict[str, Any], params: dict[str, Any]) -> str:
    asked = params.get("DocumentVersion", "$DEFAULT")
    number: str = _names(document).get(asked, asked)
    if number not in document["versions"]:
        told = f"The document {document['Name']} has no version {asked}"
        raise ServiceError("InvalidDocumentVersion", told)
    return number


def _described(document: dict[str, Any], number: str) -> dict[str, Any]:
    """Describe a version; the model drops what an answer does not have."""
    content = _read(document["versions"][number])
    declared: dict[str, dict[str, Any]] = content.get("parameters") or {}
    return {
        **document,
        "Status": "Active",
        "DocumentVersion": number,
        "LatestVersion": _names(document)["$LATEST"],
        "SchemaVersion": content.get("schemaVersion"),
        "Description": content.get("description"),
        "Parameters": [
            {
                "Name": name,
                "Type": parameter.get("type"),
                "Description": parameter.get("description"),
                # A parameter without one must be given.
                "DefaultValue": _text(parameter["default"]) if "default" in parameter else None,
            }
            for name, parameter in declared.items()
        ],
    }


def _read(content: str) -> dict[str, Any]:
    """Read a document's content, JSON or YAML; a calendar's is neither."""
    yaml: Any = importlib.import_module("yaml")  # the emulator brings it
    try:
        found = yaml.safe_load(content)
    except yaml.YAMLError:
        return {}
    return found if isinstance(found, dict) else {}


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
