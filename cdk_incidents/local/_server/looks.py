"""The CDK CLI looks every five seconds whether a stack is done: its look is answered as soon as it is.

An answer that takes its time is within what any API may do, and the CLI stays as it is. Everybody else,
functions and tests that want to see a stack under way, is answered at once.
"""

from __future__ import annotations

import asyncio
import re
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

# What the CLI may take for news: a stack with a change set that is not executed yet stays as it is.
_UNDER_WAY = re.compile(rb"<StackStatus>(?!REVIEW_)\w+_IN_PROGRESS</StackStatus>")
_LOOK = re.compile(rb"(^|&)Action=DescribeStacks(&|$)")
_ONE = re.compile(rb"(^|&)StackName=")
_LONGEST_S = 30.0
_AGAIN_S = 0.1


def is_the_clis(headers: Mapping[str, str]) -> bool:
    """Tell whether the CDK CLI asks CloudFormation."""
    asked = "/cloudformation/aws4_request" in headers.get("authorization", "")
    return asked and "aws-cdk" in headers.get("user-agent", "")


async def answer(app: Any, scope: dict[str, Any], body: bytes, send: Any) -> None:
    """Let the emulator answer, again and again until a stack that is looked at is no longer under way."""
    patient = _LOOK.search(body) and _ONE.search(body)
    until = time.monotonic() + _LONGEST_S
    while True:
        said = await _said(app, scope, body)
        under_way = any(_UNDER_WAY.search(message.get("body", b"")) for message in said)
        if not (patient and under_way) or time.monotonic() > until:
            break
        await asyncio.sleep(_AGAIN_S)
    for message in said:
        await send(message)


async def _said(app: Any, scope: dict[str, Any], body: bytes) -> list[dict[str, Any]]:
    said: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        said.append(message)

    await app(scope, receive, send)
    return said
