"""Stacks through CloudFormation's API: made, changed and deleted without the CDK CLI; why one failed."""

from __future__ import annotations

import json
import re
import time
from typing import TYPE_CHECKING, Any

from .errors import DeployError

if TYPE_CHECKING:
    from collections.abc import Mapping

_POLL_S = 0.1
_BEGINNINGS = ("CREATE_IN_PROGRESS", "UPDATE_IN_PROGRESS", "DELETE_IN_PROGRESS")
_CAPABILITIES = ["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"]
_TRACE = re.compile(r"\s+at \S")
_GOOD = {"CREATE_COMPLETE", "UPDATE_COMPLETE", "DELETE_COMPLETE"}
SMOKE_TEST_FAILED = "Smoke test failed"


class Stacks:
    """The stacks of one account and Region.

    Parameters
    ----------
    client
        boto3's CloudFormation client
    """

    def __init__(self, client: Any) -> None:
        self._client = client

    def create(self, name: str, template: Mapping[str, Any] | str, *, timeout_s: float) -> dict[str, str]:
        """Create a stack, wait for it and return its outputs."""
        answer = self._client.create_stack(
            StackName=name, TemplateBody=_body(template), Capabilities=_CAPABILITIES
        )
        return self._settle(name, answer["StackId"], "creating", timeout_s)

    def update(self, name: str, template: Mapping[str, Any] | str, *, timeout_s: float) -> dict[str, str]:
        """Update a stack, wait for it and return its outputs."""
        answer = self._client.update_stack(
            StackName=name, TemplateBody=_body(template), Capabilities=_CAPABILITIES
        )
        return self._settle(name, answer["StackId"], "updating", timeout_s)

    def delete(self, name: str, *, timeout_s: float) -> None:
        """Delete a stack and wait until it is gone; one that does not exist is left in peace."""
        described = self.describe(name)
        if described is None:
            return
        self._client.delete_stack(StackName=name)
        self._settle(name, described["StackId"], "deleting", timeout_s)

    def describe(self, name: str) -> dict[str, Any] | None:
        """Return what CloudFormation says about a stack, None if it has no such stack."""
        try:
            found: list[dict[str, Any]] = self._client.describe_stacks(StackName=name)["Stacks"]
        except self._client.exceptions.ClientError:
            return None
        return found[0] if found else None

    def outputs(self, name: str) -> dict[str, str]:
        """Return a stack's outputs by key."""
        described = self.describe(name) or {}
        return {output["OutputKey"]: output["OutputValue"] for output in described.get("Outputs", [])}

    def resources(self, name: str) -> list[dict[str, Any]]:
        """Return a stack's resources as CloudFormation describes them."""
        pages = self._client.get_paginator("list_stack_resources").paginate(StackName=name)
        return [resource for page in pages for resource in page["StackResourceSummaries"]]

    def failure_reasons(self, name: str) -> list[str]:
        """Return why the last operation on a stack failed: the smoke test's verdict first, then in order."""
        try:
            pages = self._client.get_paginator("describe_stack_events").paginate(StackName=name)
            events = [event for page in pages for event in page["StackEvents"]]
        except self._client.exceptions.ClientError:
            return []
        reasons: list[str] = []
        for event in events:  # the newest first
            stack = event.get("PhysicalResourceId") == event["StackId"]
            if stack and event["ResourceStatus"] in _BEGINNINGS:
                break
            reason = event.get("ResourceStatusReason", "")
            if event["ResourceStatus"].endswith("_FAILED") and reason and "cancelled" not in reason.lower():
                reasons.insert(
                    0, f"{event['LogicalResourceId']} ({event['ResourceType']}): {_untraced(reason)}"
                )
        return sorted(dict.fromkeys(reasons), key=lambda text: SMOKE_TEST_FAILED not in text)

    def _settle(self, name: str, stack_id: str, doing: str, timeout_s: float) -> dict[str, str]:
        until = time.monotonic() + timeout_s
        while True:
            described = self.describe(stack_id)
            status = "DELETE_COMPLETE" if described is None else str(described["StackStatus"])
            if not status.endswith("_IN_PROGRESS"):
                break
            if time.monotonic() >= until:
                reasons = self.failure_reasons(stack_id)
                raise failed(doing, name, f"still {status} after {timeout_s:g} s", reasons)
            time.sleep(_POLL_S)
        if status not in _GOOD or (doing == "creating" and status == "DELETE_COMPLETE"):
            raise failed(doing, name, status, self.failure_reasons(stack_id))
        return {} if status == "DELETE_COMPLETE" else self.outputs(stack_id)


def failed(doing: str, name: str, status: str, reasons: list[str], output: str = "") -> DeployError:
    """Return the error for a stack that did not come out as asked, with its reasons."""
    told = "".join(f"\n  {reason}" for reason in reasons) or f"\n{tail(output)}".rstrip()
    return DeployError(f"{doing} {name} failed ({status}):{told}", stack=name, output=output, reasons=reasons)


def _untraced(reason: str) -> str:
    """Return a reason without the stack trace that CDK's provider framework puts under it."""
    return "\n".join(line for line in reason.splitlines() if line.strip() and not _TRACE.match(line))


def tail(output: str, lines: int = 25) -> str:
    """Return the last lines of a long output."""
    kept = output.rstrip().splitlines()
    return "\n".join(kept[-lines:])


def _body(template: Mapping[str, Any] | str) -> str:
    """Return the template as text, without what only asks whether the account is bootstrapped."""
    if isinstance(template, str):
        try:
            return _body(dict(json.loads(template)))
        except ValueError:  # YAML, written by hand
            return template
    parameters = {
        name: body for name, body in template.get("Parameters", {}).items() if name != "BootstrapVersion"
    }
    rules = {
        name: body for name, body in template.get("Rules", {}).items() if name != "CheckBootstrapVersion"
    }
    rest = {name: body for name, body in template.items() if name not in ("Parameters", "Rules")}
    return json.dumps(
        rest | ({"Parameters": parameters} if parameters else {}) | ({"Rules": rules} if rules else {})
    )
