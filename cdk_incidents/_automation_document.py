"""What an Automation document tells of itself, where its content is known at synth."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from aws_cdk import Stack

from cdk_incidents._checks import is_token, refusal

if TYPE_CHECKING:
    from aws_cdk import aws_ssm as ssm


def check_is_automation(document: ssm.CfnDocument) -> None:
    """Refuse another kind of document: without a type, CloudFormation makes one for Run Command."""
    if document.document_type == "Automation" or is_token(document.document_type):
        return
    raise refusal(
        "document", "of document_type Automation", document.document_type, 'pass document_type="Automation".'
    )


def parameters_of(document: ssm.CfnDocument) -> dict[str, dict[str, Any]] | None:
    """Return the parameters that a document declares; none if its content is for CloudFormation, or YAML."""
    content = Stack.of(document).resolve(document.content)
    if isinstance(content, str):
        try:
            content = json.loads(content)
        except ValueError:
            return None
    if not isinstance(content, dict) or "schemaVersion" not in content:
        return None
    declared = content.get("parameters", {})
    is_told = isinstance(declared, dict) and all(map(_tells_its_type, declared.values()))
    return declared if is_told else None


def _tells_its_type(parameter: object) -> bool:
    return isinstance(parameter, dict) and isinstance(parameter.get("type"), str)
