"""What the emulator's CloudFormation drops of a function's and a table's properties."""

from __future__ import annotations

from typing import Any

from .identity import here
from .private import dynamodb, lambdas
from .templates import after_change


def put_right() -> None:
    """Keep them, as the emulator's own operations would."""
    after_change("AWS::Lambda::Function", _keep_of_function)
    for kind in ("AWS::DynamoDB::Table", "AWS::DynamoDB::GlobalTable"):
        after_change(kind, _keep_of_table)


def _keep_of_function(name: str, props: dict[str, Any]) -> None:
    function, reserved = lambdas._functions[name], props.get("ReservedConcurrentExecutions")
    function["concurrency"] = None if reserved is None else int(reserved)
    function["config"]["DeadLetterConfig"] = props.get("DeadLetterConfig") or {}


def _keep_of_table(name: str, props: dict[str, Any]) -> None:
    _, region = here()
    # A global table's replica in a Region has its own backups.
    replica = next((each for each in props.get("Replicas", []) if each.get("Region") == region), props)
    backups = replica.get("PointInTimeRecoverySpecification") or {}
    dynamodb._pitr_settings[name] = _is_on(backups, "PointInTimeRecoveryEnabled")
    expiry = props.get("TimeToLiveSpecification") or {}
    status = {"TimeToLiveStatus": "ENABLED" if _is_on(expiry, "Enabled") else "DISABLED"}
    named = {key: expiry[key] for key in expiry if key == "AttributeName"}
    dynamodb._ttl_settings[name] = {**status, **named}
    encryption = props.get("SSESpecification") or {}
    asked = {"Enabled": _is_on(encryption, "SSEEnabled"), "SSEType": encryption.get("SSEType", "KMS")}
    key = {name: value for name, value in encryption.items() if name == "KMSMasterKeyId"}
    described = dynamodb._sse_description_from_spec({**asked, **key}) if asked["Enabled"] else None
    dynamodb._tables[name]["SSEDescription"] = described


def _is_on(props: dict[str, Any], name: str) -> bool:
    return str(props.get(name)).lower() == "true"
