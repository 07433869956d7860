"""Where the lines of a function go."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .conftest import Aws, wait_until

if TYPE_CHECKING:
    from collections.abc import Callable

    from .conftest import Function

_MAKE_GROUPS = {"Effect": "Allow", "Action": "logs:CreateLogGroup", "Resource": "*"}


def _groups(aws: Aws, function: Function) -> list[str]:
    found = aws.client("logs").describe_log_groups(logGroupNamePrefix=f"/aws/lambda/{function.name}")
    return [group["logGroupName"] for group in found["logGroups"]]


def test_a_log_group_is_made_only_for_a_role_that_may(
    aws: Aws, make_function: Callable[..., Function]
) -> None:
    """Without CreateLogGroup the lines of a function whose group does not exist are lost, as on AWS."""
    function, allowed = make_function(), make_function(_MAKE_GROUPS)
    for each in (function, allowed):
        aws.client("lambda").invoke(FunctionName=each.name)
    wait_until(lambda: bool(_groups(aws, allowed)))
    assert _groups(aws, function) == []


def test_a_group_that_exists_is_written_to(aws: Aws, make_function: Callable[..., Function]) -> None:
    """Making the group beforehand needs nothing of the function's role."""
    function, logs = make_function(), aws.client("logs")
    group = f"/aws/lambda/{function.name}"
    logs.create_log_group(logGroupName=group)
    aws.client("lambda").invoke(FunctionName=function.name)
    wait_until(lambda: bool(logs.describe_log_streams(logGroupName=group)["logStreams"]))
    (stream,) = logs.describe_log_streams(logGroupName=group)["logStreams"]
    events = logs.get_log_events(logGroupName=group, logStreamName=stream["logStreamName"])["events"]
    assert events[0]["message"].startswith("START RequestId")


def test_a_function_that_cannot_be_imported_says_why(
    aws: Aws, make_function: Callable[..., Function]
) -> None:
    """The log of a broken module has the error, as Lambda writes it."""
    function, logs = make_function(_MAKE_GROUPS, handler="nowhere.handler"), aws.client("logs")
    group = f"/aws/lambda/{function.name}"
    aws.client("lambda").invoke(FunctionName=function.name)
    wait_until(lambda: bool(_groups(aws, function)))
    events = logs.filter_log_events(logGroupName=group)["events"]
    assert any("[ERROR]" in event["message"] and "nowhere" in event["message"] for event in events)
