"""The CDK CLI's look at a stack is answered when the stack is done; everybody else's at once."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.config import Config

from cdk_incidents.local._server import looks

if TYPE_CHECKING:
    from tests.local.server.conftest import Aws

CLI = "aws-sdk-js/3.9 ua/2.1 lang/js md/nodejs#24.0 api/cloudformation#3.9 aws-cdk/2.1148.1"
SIGNED = "AWS4-HMAC-SHA256 Credential=test/20261123/us-east-1/{}/aws4_request, Signature=00"
LOOK = b"Action=DescribeStacks&StackName=Shop&Version=2010-05-15"


class Emulator:
    """Says the next of some statuses at each look, and the last for ever."""

    def __init__(self, *statuses: str) -> None:
        self.statuses = list(statuses)
        self.asked: list[bytes] = []

    async def __call__(self, _scope: Any, receive: Any, send: Any) -> None:
        self.asked.append((await receive())["body"])
        status = self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0]
        await send({"type": "http.response.start", "status": 200, "headers": []})
        body = f"<StackStatus>{status}</StackStatus>".encode()
        await send({"type": "http.response.body", "body": body})


def answered(emulator: Emulator, body: bytes = LOOK) -> str:
    """Return what the CLI is told."""
    told: list[dict[str, Any]] = []

    async def send(message: dict[str, Any]) -> None:
        told.append(message)

    asyncio.run(looks.answer(emulator, {}, body, send))
    assert [message["type"] for message in told] == ["http.response.start", "http.response.body"]
    return str(told[1]["body"].decode())


@pytest.fixture(autouse=True)
def _quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(looks, "_AGAIN_S", 0)


def test_waits_until_the_stack_is_done() -> None:
    """The emulator is asked the same again while the stack is under way."""
    emulator = Emulator("CREATE_IN_PROGRESS", "ROLLBACK_IN_PROGRESS", "ROLLBACK_COMPLETE")
    assert "ROLLBACK_COMPLETE" in answered(emulator)
    assert emulator.asked == [LOOK] * 3


@pytest.mark.parametrize(
    ("status", "body"),
    [
        ("UPDATE_COMPLETE", LOOK),
        # Nothing happens to it until somebody executes its change set.
        ("REVIEW_IN_PROGRESS", LOOK),
        ("CREATE_IN_PROGRESS", b"Action=DescribeStacks&Version=2010-05-15"),
        ("CREATE_IN_PROGRESS", LOOK.replace(b"DescribeStacks", b"DescribeStackEvents")),
    ],
)
def test_waits_for_nothing_else(status: str, body: bytes) -> None:
    """What is no look at one stack under way is asked once."""
    emulator = Emulator(status)
    assert status in answered(emulator, body)
    assert emulator.asked == [body]


def test_waits_no_longer_than_a_client_would(monkeypatch: pytest.MonkeyPatch) -> None:
    """A stack that takes its time is told to be under way."""
    monkeypatch.setattr(looks, "_LONGEST_S", 0)
    assert "DELETE_IN_PROGRESS" in answered(Emulator("DELETE_IN_PROGRESS"))


@pytest.mark.parametrize(
    ("agent", "service", "is_it"),
    [
        (CLI, "cloudformation", True),
        (CLI, "sts", False),
        ("Boto3/1.44.5 md/Botocore#1.44.5", "cloudformation", False),
    ],
)
def test_is_for_the_cli_only(agent: str, service: str, is_it: bool) -> None:  # noqa: FBT001
    """A function or a test that looks at a stack under way sees it so."""
    headers = {"user-agent": agent, "authorization": SIGNED.format(service)}
    assert looks.is_the_clis(headers) is is_it


def test_over_http(aws: Aws) -> None:
    """A stack that waits for a second is under way for boto3, and done for the CLI."""
    waiting = {
        "Handle": {"Type": "AWS::CloudFormation::WaitConditionHandle"},
        "Waiting": {
            "Type": "AWS::CloudFormation::WaitCondition",
            "Properties": {"Handle": {"Ref": "Handle"}, "Timeout": "1"},
        },
    }
    boto = aws.client("cloudformation")
    cli = boto3.client(
        "cloudformation",
        region_name="us-east-1",
        endpoint_url=aws.url,
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=Config(user_agent_extra="aws-cdk/2.1148.1"),
    )
    boto.create_stack(StackName="Looks", TemplateBody=json.dumps({"Resources": waiting}))
    seen = [client.describe_stacks(StackName="Looks")["Stacks"][0]["StackStatus"] for client in (boto, cli)]
    assert seen == ["CREATE_IN_PROGRESS", "ROLLBACK_COMPLETE"]
