"""Who asks for a smoke test: CloudFormation, by CDK's provider framework."""

from __future__ import annotations

import hashlib
import os
import time
from typing import TYPE_CHECKING, Any

from incidents_runtime.errors import describe
from incidents_runtime.smoke_test.clients import Clients
from incidents_runtime.smoke_test.run import STEPS_END_S, Run, SmokeTestFailed
from incidents_runtime.smoke_test.settings import Settings, load
from incidents_runtime.telemetry import log

if TYPE_CHECKING:
    from collections.abc import Mapping


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Answer one request of CloudFormation, handed on by CDK's provider framework.

    Parameters
    ----------
    event
        The request: RequestType, StackId, LogicalResourceId, RequestId, ResourceProperties, and on an update
        OldResourceProperties.
    context
        Lambda's own; tells how much time is left.

    Raises
    ------
    SmokeTestFailed
        If a step fails; the framework hands the message to CloudFormation. Never for a Delete.
    """
    identity = _digest(f"{event['StackId']} {event['LogicalResourceId']}")
    answer = {"PhysicalResourceId": event.get("PhysicalResourceId") or f"incident-smoke-test-{identity}"}
    ends_at = time.monotonic() + context.get_remaining_time_in_millis() / 1000
    clients = Clients.default(os.environ.get("AWS_REGION", ""))
    stack = _stack_name(event)

    def runs(settings: Settings) -> list[Run]:
        return [
            Run(settings, path, clients, stack=stack, identity=identity, ends_at=ends_at)
            for path in settings.paths
        ]

    if event["RequestType"] == "Delete":
        for run in runs(_settings_if_any()):
            run.clean_up(f"Smoke test of {stack} is removed")
        return answer
    properties = event.get("ResourceProperties", {})
    if str(properties.get("Skip", "false")).lower() == "true":
        return answer | {"Data": _skipped("the context key cdk-incidents:skip-smoke-test is set")}
    if event["RequestType"] == "Update" and _rolls_back(
        clients.until(ends_at - STEPS_END_S), event["StackId"]
    ):
        # The old code must come back whatever the test of it would say.
        return answer | {"Data": _skipped("the stack rolls back")}
    settings = load(os.environ)
    try:
        proofs = [
            run.prove(nonce=_digest(event["RequestId"]), changed=changed_plans(event))
            for run in runs(settings)
        ]
        return answer | {"Data": proofs[0]}
    except SmokeTestFailed as failure:
        # The framework names a log group too, but one that there is none of: ours has a name of its own.
        raise SmokeTestFailed(f"{failure} The test's log: {context.log_group_name}") from None


def changed_plans(event: Mapping[str, Any]) -> set[str]:
    """Return the names of the plans that a deployment makes or changes.

    Parameters
    ----------
    event
        CloudFormation's request.
    """
    now = _proven_plans(event.get("ResourceProperties", {})) or {}
    if event["RequestType"] == "Create":
        return set(now)
    before = _proven_plans(event.get("OldResourceProperties", {}))
    if before is None:
        # An older version of this library said it in another way, and its plans are no news.
        return set()
    return {name for name, digest in now.items() if before.get(name) != digest}


def _proven_plans(properties: Mapping[str, Any]) -> dict[str, str] | None:
    proves = properties.get("Proves")
    return dict(proves.get("Plans", {})) if isinstance(proves, dict) else None


def _settings_if_any() -> Settings:
    try:
        return load(os.environ)
    except Exception as error:  # noqa: BLE001 - a deletion never fails
        log("WARNING", "nothing tells what to clean up", reason=describe(error))
        return Settings()


def _rolls_back(clients: Clients, stack_id: str) -> bool:
    """Tell whether CloudFormation is on its way back to the old template; if nobody knows, it is not."""
    try:
        stacks = clients.cloudformation.describe_stacks(StackName=stack_id)["Stacks"]
        return any("ROLLBACK" in stack["StackStatus"] for stack in stacks)
    except Exception as error:  # noqa: BLE001 - not to know is no reason to fail
        log("WARNING", "the stack does not tell whether it rolls back", reason=describe(error))
        return False


def _skipped(why: str) -> dict[str, str]:
    log("WARNING", f"skipped: {why}")
    return {"Result": f"skipped: {why}", "IncidentRecordArn": ""}


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _stack_name(event: Mapping[str, Any]) -> str:
    # arn:aws:cloudformation:REGION:ACCOUNT:stack/NAME/UUID
    return str(event["StackId"]).split("/")[1]
