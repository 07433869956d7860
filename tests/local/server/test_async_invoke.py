"""Asynchronous invocation: settings by qualifier, retries, failure destination."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from .conftest import unique, wait_until

if TYPE_CHECKING:
    from collections.abc import Callable

    from .conftest import Aws, Function


def _invoke(aws: Aws, arn: str, event: dict[str, Any] | None = None) -> None:
    answer = aws.client("lambda").invoke(
        FunctionName=arn, InvocationType="Event", Payload=json.dumps(event or {"n": 1})
    )
    assert answer["StatusCode"] == 202


_SEND = {"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": "*"}


def _settings(aws: Aws, function: Function, qualifier: str, queue_arn: str, **more: Any) -> None:
    aws.client("lambda").put_function_event_invoke_config(
        FunctionName=function.name,
        Qualifier=qualifier,
        DestinationConfig={"OnFailure": {"Destination": queue_arn}},
        **more,
    )


def test_a_failing_event_is_tried_three_times_and_then_recorded(
    aws: Aws, make_function: Callable[..., Function]
) -> None:
    """Two retries, then the failure record, which names the alias and holds the event."""
    function, (url, queue_arn) = make_function(_SEND, FAIL="yes"), aws.queue()
    _settings(aws, function, "live", queue_arn)
    _invoke(aws, function.alias, {"n": 7})
    (record,) = aws.messages(url)
    assert {told["arn"] for told in function.told(3)} == {function.alias}
    assert record["requestContext"]["functionArn"] == function.alias
    assert record["requestContext"]["condition"] == "RetriesExhausted"
    assert record["requestContext"]["approximateInvokeCount"] == 3
    assert record["requestPayload"] == {"n": 7}
    assert record["responseContext"] == {
        "statusCode": 200,
        "executedVersion": "1",
        "functionError": "Unhandled",
    }
    assert record["responsePayload"]["errorMessage"] == "as asked for"


def test_the_settings_say_how_often(aws: Aws, make_function: Callable[..., Function]) -> None:
    """MaximumRetryAttempts 0 means one try."""
    function, (url, queue_arn) = make_function(_SEND, FAIL="yes"), aws.queue()
    _settings(aws, function, "live", queue_arn, MaximumRetryAttempts=0)
    _invoke(aws, function.alias)
    (record,) = aws.messages(url)
    assert record["requestContext"]["approximateInvokeCount"] == 1
    assert len(function.told()) == 1


@pytest.mark.parametrize("qualifier", ["$LATEST", "1"])
def test_settings_of_another_qualifier_do_not_reach_an_alias(
    aws: Aws, make_function: Callable[..., Function], qualifier: str
) -> None:
    """An alias without settings of its own has the default: three tries, then the event is gone."""
    function, (url, queue_arn) = make_function(_SEND, FAIL="yes"), aws.queue()
    _settings(aws, function, qualifier, queue_arn, MaximumRetryAttempts=0)
    _invoke(aws, function.alias)
    assert len(function.told(3)) == 3
    # The same settings do work where they belong, so that their queue would have been told.
    _invoke(aws, f"{function.arn}:{qualifier}" if qualifier == "1" else function.arn)
    (record,) = aws.messages(url)
    assert record["requestContext"]["functionArn"] != function.alias


def test_a_destination_that_the_role_may_not_send_to_gets_nothing(
    aws: Aws, make_function: Callable[..., Function]
) -> None:
    """The failure record needs sqs:SendMessage of the function's role; AWS counts it as undelivered."""
    (forbidden_url, forbidden), (url, queue_arn) = aws.queue(), aws.queue()
    function = make_function({**_SEND, "Resource": queue_arn}, FAIL="yes")
    for target in (forbidden, queue_arn):
        _settings(aws, function, "live", target, MaximumRetryAttempts=0)
        _invoke(aws, function.alias)
        wait_until(lambda: len(function.told()) == 1 + (target == queue_arn))  # noqa: B023 - waited for here
    assert len(aws.messages(url)) == 1
    assert "Messages" not in aws.client("sqs").receive_message(QueueUrl=forbidden_url)


def test_a_rule_on_the_bus_calls_the_alias(aws: Aws, make_function: Callable[..., Function]) -> None:
    """EventBridge invokes asynchronously: retries, the alias's ARN, its failure destination."""
    function, (url, queue_arn), source = make_function(_SEND, FAIL="yes"), aws.queue(), unique("source")
    _settings(aws, function, "live", queue_arn, MaximumRetryAttempts=1)
    function.permit(principal="events.amazonaws.com")
    rule, events = unique("rule"), aws.client("events")
    events.put_rule(Name=rule, EventPattern=json.dumps({"source": [source]}))
    events.put_targets(Rule=rule, Targets=[{"Id": "f", "Arn": function.alias}])
    events.put_events(Entries=[{"Source": source, "DetailType": "d", "Detail": '{"n": 1}'}])
    (record,) = aws.messages(url)
    assert record["requestContext"]["functionArn"] == function.alias
    assert record["requestPayload"]["detail"] == {"n": 1}
    assert [told["arn"] for told in function.told(2)] == [function.alias] * 2


def test_a_topic_calls_the_alias(aws: Aws, make_function: Callable[..., Function]) -> None:
    """SNS invokes asynchronously in the same way."""
    function, (url, queue_arn) = make_function(_SEND, FAIL="yes"), aws.queue()
    _settings(aws, function, "live", queue_arn, MaximumRetryAttempts=0)
    function.permit(principal="sns.amazonaws.com")
    sns = aws.client("sns")
    topic = sns.create_topic(Name=unique("topic"))["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="lambda", Endpoint=function.alias)
    sns.publish(TopicArn=topic, Message="hello")
    (record,) = aws.messages(url)
    assert record["requestContext"]["functionArn"] == function.alias
    assert record["requestPayload"]["Records"][0]["Sns"]["Message"] == "hello"


@pytest.mark.parametrize("service", ["events", "sns"])
def test_a_rule_or_a_topic_needs_the_aliass_permission(
    aws: Aws, make_function: Callable[..., Function], service: str
) -> None:
    """A permission for the function, or for the other service, does not open the alias."""
    function = make_function()
    function.permit(qualifier="", principal=f"{service}.amazonaws.com")
    function.permit(principal={"events": "sns", "sns": "events"}[service] + ".amazonaws.com")

    def send(target: str, said: str) -> None:
        if service == "events":
            rule, events = unique("rule"), aws.client("events")
            events.put_rule(Name=rule, EventPattern=json.dumps({"source": [said]}))
            events.put_targets(Rule=rule, Targets=[{"Id": "f", "Arn": target}])
            events.put_events(Entries=[{"Source": said, "DetailType": "d", "Detail": "{}"}])
        else:
            sns = aws.client("sns")
            topic = sns.create_topic(Name=unique("topic"))["TopicArn"]
            sns.subscribe(TopicArn=topic, Protocol="lambda", Endpoint=target)
            sns.publish(TopicArn=topic, Message=said)

    send(function.alias, unique("to-the-alias"))
    send(function.arn, unique("to-the-function"))
    assert [told["arn"] for told in function.told()] == [function.arn]


def test_an_event_source_reads_through_its_alias(aws: Aws, make_function: Callable[..., Function]) -> None:
    """A queue that is mapped to an alias shows the alias in the function's context."""
    function, (url, queue_arn) = make_function(), aws.queue()
    allowed = {"Effect": "Allow", "Action": "sqs:*", "Resource": queue_arn}
    role = (
        aws.client("lambda")
        .get_function(FunctionName=function.name)["Configuration"]["Role"]
        .rpartition("/")[2]
    )
    document = json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
    aws.client("iam").put_role_policy(RoleName=role, PolicyName="source", PolicyDocument=document)
    made = aws.client("lambda").create_event_source_mapping(
        EventSourceArn=queue_arn, FunctionName=function.alias
    )
    aws.client("sqs").send_message(QueueUrl=url, MessageBody="m")
    (told,) = function.told()
    assert told["arn"] == function.alias
    assert told["event"]["Records"][0]["body"] == "m"
    aws.client("lambda").delete_event_source_mapping(UUID=made["UUID"])


def test_an_alias_that_moves_takes_later_tries_along(
    aws: Aws, make_function: Callable[..., Function]
) -> None:
    """The alias is looked up at each try, so a new version mends what the old one could not."""
    function = make_function(FAIL="yes")
    client = aws.client("lambda")
    environment = {"Variables": {"TOLD": function.file}}
    client.update_function_configuration(FunctionName=function.name, Environment=environment)
    wait_until(
        lambda: bool(client.get_function(FunctionName=function.name)["Configuration"]["State"] == "Active")
    )
    version = client.publish_version(FunctionName=function.name)["Version"]
    client.update_alias(FunctionName=function.name, Name="live", FunctionVersion=version)
    _invoke(aws, function.alias)
    assert len(function.told()) == 1


def test_an_event_may_come_twice(aws: Aws, make_function: Callable[..., Function]) -> None:
    """As often as asked for, and for that function only."""
    function, other = make_function(), make_function()
    aws.control("POST", "twice", {"function": f"{function.name}:live", "times": 1})
    for arn in (other.alias, function.arn, function.alias, function.alias):
        _invoke(aws, arn)
    assert sorted(told["arn"] for told in function.told(4)) == [function.arn, *[function.alias] * 3]
    assert len(other.told(1)) == 1


@pytest.mark.parametrize(
    ("code", "kind", "message"),
    [
        (
            "import nowhere",
            "Runtime.ImportModuleError",
            "Unable to import module 'index': No module named 'nowhere'",
        ),
        ("import os\ndef handler(*_): os._exit(1)", "Runtime.ExitError", "Runtime exited with error"),
        (
            "import os\ndef handler(*_): os.kill(os.getpid(), 9)",
            "Runtime.ExitError",
            "Runtime exited with error",
        ),
    ],
    ids=["import", "exit", "killed"],
)
def test_a_function_that_ends_by_itself_says_how(
    aws: Aws, make_function: Callable[..., Function], code: str, kind: str, message: str
) -> None:
    """At once, and in Lambda's words."""
    function = make_function(code=code)
    answer = aws.client("lambda").invoke(FunctionName=function.name)
    assert answer["FunctionError"] == "Unhandled"
    assert json.load(answer["Payload"]) == {"errorType": kind, "errorMessage": message}
