"""What a role may do, as texts that can be compared: one action on one resource under one condition."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

ACCOUNT, REGION = "111122223333", "eu-west-1"
VIA_INCIDENT_MANAGER = {"StringEquals": {"aws:CalledViaFirst": "ssm-incidents.amazonaws.com"}}

Permission = tuple[str, str, str]


def permitted(documents: Iterable[dict[str, Any]]) -> list[Permission]:
    """Return what policies allow."""
    return sorted(
        (action, _shown(arn), json.dumps(statement.get("Condition", "")))
        for document in documents
        for statement in document["Statement"]
        if statement["Effect"] == "Allow"
        for action in _listed(statement["Action"])
        for arn in _listed(statement["Resource"])
    )


def own(service: str, resource: str, *, region: str = REGION) -> str:
    """Return an ARN of the stack's account."""
    return f"arn:aws:{service}:{region}:{ACCOUNT}:{resource}"


def expect(actions: str, *resources: str, condition: dict[str, Any] | None = None) -> list[Permission]:
    """Return each action of a service on each resource: `sns:Publish Subscribe`."""
    service, _, names = actions.partition(":")
    shown = json.dumps(condition or "")
    return [(f"{service}:{name}", resource, shown) for name in names.split() for resource in resources]


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _shown(value: Any) -> str:
    match value:
        case {"Fn::Join": ["", list(parts)]}:
            return "".join(map(_shown, parts))
        case {"Ref": "AWS::Partition"}:
            return "aws"
        case {"Ref": str(name)} | {"Fn::GetAtt": [str(name), "Arn"]}:
            # Without the hash that CDK adds.
            return f"<{re.sub('[0-9A-F]{8}$', '', name)}>"
        case _:
            return str(value)
