"""Why a stack failed, in CloudFormation's words."""

from __future__ import annotations

from typing import Any

import pytest

from cdk_incidents.local import DeployError
from cdk_incidents.local.stacks import Stacks, failed, tail

TRACED = """\
Error: Smoke test failed at incident: none within 90 s. Remedy: look there.

Logs: /aws/lambda/Provider

    at invokeUserFunction (/tmp/code/framework.js:2:6)
    at async /tmp/code/cfn-response.js:1:2865
"""


class Events:
    """CloudFormation's client with these events, the newest first."""

    class exceptions:  # noqa: N801 - boto3's name
        """Boto3's errors."""

        ClientError = KeyError

    def __init__(self, *events: dict[str, str]) -> None:
        self.events = list(events)

    def get_paginator(self, _: str) -> Events:
        """Stand for the paginator too."""
        return self

    def paginate(self, StackName: str) -> list[dict[str, Any]]:  # noqa: N803 - boto3's name
        """Return one page."""
        if StackName != "Shop":
            raise KeyError(StackName)
        return [{"StackEvents": self.events}]


def event(logical_id: str, status: str, reason: str = "") -> dict[str, str]:
    """Return an event of the stack."""
    return {
        "StackId": "Shop-id",
        "PhysicalResourceId": "Shop-id" if logical_id == "Shop" else logical_id,
        "LogicalResourceId": logical_id,
        "ResourceType": "AWS::Some::Thing",
        "ResourceStatus": status,
        "ResourceStatusReason": reason,
    }


def reasons(*events: dict[str, str]) -> list[str]:
    """Return the reasons read out of these events."""
    return Stacks(Events(*events)).failure_reasons("Shop")


def test_the_smoke_tests_verdict_comes_first() -> None:
    """Reasons stand in the order of time, but the smoke test's is the one to read first."""
    assert [
        reason.partition(" ")[0]
        for reason in reasons(
            event("Late", "CREATE_FAILED", "two"),
            event("Test", "CREATE_FAILED", "Smoke test failed at canary: no"),
            event("Early", "CREATE_FAILED", "one"),
        )
    ] == ["Test", "Early", "Late"]


def test_last_operation_only() -> None:
    """What failed in an earlier operation on the stack is not told again."""
    found = reasons(
        event("Now", "UPDATE_FAILED", "new"),
        event("Shop", "UPDATE_IN_PROGRESS"),
        event("Then", "UPDATE_FAILED", "old"),
        event("Shop", "UPDATE_IN_PROGRESS"),
    )
    assert found == ["Now (AWS::Some::Thing): new"]


def test_what_was_cancelled_is_no_reason() -> None:
    """Resources that were cancelled because another failed are left out, and repetitions."""
    found = reasons(
        event("Other", "CREATE_FAILED", "Resource creation cancelled"),
        event("Now", "CREATE_FAILED", "new"),
        event("Now", "CREATE_FAILED", "new"),
    )
    assert found == ["Now (AWS::Some::Thing): new"]


def test_no_stack_trace() -> None:
    """The stack trace of CDK's provider framework is not shown."""
    (reason,) = reasons(event("Test", "CREATE_FAILED", TRACED))
    assert reason.endswith("Remedy: look there.\nLogs: /aws/lambda/Provider")


def test_stack_that_is_not_there() -> None:
    """A stack without events has no reasons."""
    assert Stacks(Events()).failure_reasons("Other") == []


def test_the_output_where_there_is_no_reason() -> None:
    """Without a reason the message ends with the last lines of what the CLI printed."""
    error = failed("deploying", "Shop", "not created", [], output="one\ntwo\n")
    assert str(error) == "deploying Shop failed (not created):\none\ntwo"
    assert error.stack == "Shop"


def test_tail() -> None:
    """The tail of an output is its last lines."""
    assert tail("1\n2\n3\n\n", lines=2) == "2\n3"


class Slow(Events):
    """A stack that is never done."""

    def create_stack(self, **_: object) -> dict[str, str]:
        """Begin."""
        return {"StackId": "Shop"}

    def describe_stacks(self, StackName: str) -> dict[str, Any]:  # noqa: N803 - boto3's name
        """Go on."""
        return {"Stacks": [{"StackId": StackName, "StackStatus": "CREATE_IN_PROGRESS"}]}


def test_a_stack_that_takes_too_long_is_told_with_its_status() -> None:
    """How long was waited, and what CloudFormation says of it."""
    with pytest.raises(DeployError, match=r"creating Shop failed \(still CREATE_IN_PROGRESS after 0 s\)"):
        Stacks(Slow()).create("Shop", {}, timeout_s=0)
