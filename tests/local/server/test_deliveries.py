"""Who may hand a function an event, in another account too; where what is not delivered goes; queues."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import pytest

from .conftest import ACCOUNT, REGION, unique, wait_until

if TYPE_CHECKING:
    from collections.abc import Callable

    from .conftest import Aws, Function, Stack

_OTHER = f"{35:012d}"
_STRANGER = f"{36:012d}"


def _policy(function: Function, service: str, **condition: str) -> dict[str, Any]:
    """Give a stack's resource that lets a service of other accounts call the alias."""
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": service},
        "Action": "lambda:InvokeFunction",
        "Resource": function.alias,
        "Condition": {"StringEquals": condition},
    }
    document = {"Version": "2012-10-17", "Statement": [statement]}
    properties = {"ResourceArn": function.alias, "PolicyDocument": document}
    return {"Policy": {"Type": "AWS::Lambda::ResourcePolicy", "Properties": properties}}


def _publish(aws: Aws, function: Function, message: str, key: str = "test", **attributes: str) -> None:
    """Publish to a topic of an account that the alias is subscribed to."""
    sns = aws.client("sns", key=key)
    topic = sns.create_topic(Name=unique("topic"))["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="lambda", Endpoint=function.alias, Attributes=attributes)
    sns.publish(TopicArn=topic, Message=message)


def _alarm(aws: Aws, key: str, region: str = REGION, **actions: list[str]) -> str:
    """Put an alarm of an account into ALARM and give its ARN."""
    watch, name = aws.client("cloudwatch", region, key), unique("alarm")
    watch.put_metric_alarm(
        AlarmName=name,
        Namespace="App",
        MetricName=name,
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1.0,
        ComparisonOperator="GreaterThanThreshold",
        **actions,
    )
    watch.set_alarm_state(AlarmName=name, StateValue="ALARM", StateReason="a drill")
    arn: str = watch.describe_alarms(AlarmNames=[name])["MetricAlarms"][0]["AlarmArn"]
    return arn


def test_another_accounts_alarm_calls_an_alias_that_lets_that_account(
    aws: Aws, make_function: Callable[..., Function]
) -> None:
    """The permission's source account is the alarm's; the event tells it; another account's is refused."""
    function = make_function()
    aws.client("lambda").add_permission(
        FunctionName=function.name,
        Qualifier="live",
        StatementId="s",
        Action="lambda:InvokeFunction",
        Principal="lambda.alarms.cloudwatch.amazonaws.com",
        SourceAccount=_OTHER,
    )
    _alarm(aws, _STRANGER, AlarmActions=[function.alias])
    _alarm(aws, "test", AlarmActions=[function.alias])
    arn = _alarm(aws, _OTHER, AlarmActions=[function.alias])
    (told,) = function.told()
    assert told["arn"] == function.alias
    assert (told["event"]["alarmArn"], told["event"]["accountId"]) == (arn, _OTHER)


def test_an_alarm_of_another_region_calls_nothing(aws: Aws, make_function: Callable[..., Function]) -> None:
    """A function is called in its own Region only, whatever its policy says."""
    function = make_function()
    function.permit()
    for region, outcome in (("eu-west-1", "Failed to execute"), (REGION, "Successfully executed")):
        name = _alarm(aws, "test", region, AlarmActions=[function.alias]).rpartition(":")[2]
        watch = aws.client("cloudwatch", region)
        told = watch.describe_alarm_history(AlarmName=name, HistoryItemType="Action")
        assert [item["HistorySummary"].startswith(outcome) for item in told["AlarmHistoryItems"]] == [True]


def test_a_resource_policy_lets_an_organizations_topics_in(
    aws: Aws, make_function: Callable[..., Function], stack: Stack
) -> None:
    """By any condition, such as aws:SourceOrgID; without the stack nobody gets in any more."""
    function = make_function()
    resources = _policy(function, "sns.amazonaws.com", **{"aws:SourceOrgID": "o-abcdefghij"})
    assert stack.deploy(resources, Ref={"Ref": "Policy"}) == "CREATE_COMPLETE"
    assert stack.outputs["Ref"] == function.alias
    _publish(aws, function, "from another account", _OTHER)
    (told,) = function.told()
    assert told["event"]["Records"][0]["Sns"]["Message"] == "from another account"
    stack.delete()
    function.permit(principal="sns.amazonaws.com")
    _publish(aws, function, "late", _OTHER)
    _publish(aws, function, "from the own account")
    messages = [event["event"]["Records"][0]["Sns"]["Message"] for event in function.told(2)]
    assert messages == ["from another account", "from the own account"]


def test_a_resource_policy_replaces_what_permissions_put_there(
    aws: Aws, make_function: Callable[..., Function], stack: Stack
) -> None:
    """On that alias, as AWS warns; the function's own permissions stay."""
    function, other = make_function(), make_function()
    for each in (function, other):
        each.permit(principal="sns.amazonaws.com")
    stack.deploy(_policy(function, "sns.amazonaws.com", **{"aws:SourceAccount": _OTHER}))
    _publish(aws, function, "no longer")
    _publish(aws, other, "still")
    assert len(other.told()) == 1
    _publish(aws, function, "allowed", _OTHER)
    (told,) = function.told()
    assert told["event"]["Records"][0]["Sns"]["Message"] == "allowed"


def test_what_a_subscription_cannot_deliver_goes_to_its_dead_letter_queue(
    aws: Aws, make_function: Callable[..., Function]
) -> None:
    """An alias that does not let the topic in: the notification as it would have been."""
    function, (url, arn) = make_function(), aws.queue()
    _publish(aws, function, "lost", RedrivePolicy=json.dumps({"deadLetterTargetArn": arn}))
    (notification,) = aws.messages(url)
    assert (notification["Type"], notification["Message"]) == ("Notification", "lost")


def _rule(aws: Aws, key: str, target: dict[str, Any]) -> str:
    source, name, events = unique("source"), unique("rule"), aws.client("events", key=key)
    events.put_rule(Name=name, EventPattern=json.dumps({"source": [source]}))
    events.put_targets(Rule=name, Targets=[{"Id": "f", **target}])
    events.put_events(Entries=[{"Source": source, "DetailType": "d", "Detail": "{}"}])
    return source


def test_what_a_rule_cannot_deliver_goes_to_its_dead_letter_queue(
    aws: Aws, make_function: Callable[..., Function]
) -> None:
    """The event as it would have been."""
    function, (url, arn) = make_function(), aws.queue()
    source = _rule(aws, "test", {"Arn": function.alias, "DeadLetterConfig": {"Arn": arn}})
    (event,) = aws.messages(url)
    assert event["source"] == source


def _close(aws: Aws, url: str) -> None:
    """Leave a queue without a policy."""
    aws.client("sqs").set_queue_attributes(QueueUrl=url, Attributes={"Policy": ""})


def _key(aws: Aws, service: str = "") -> str:
    """Make a key that a service may use; its own account may in any case."""
    own = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, "Action": "kms:*"}
    uses = {"Principal": {"Service": service}, "Action": ["kms:GenerateDataKey*", "kms:Decrypt"]}
    statements = [own, *([{"Effect": "Allow", **uses}] if service else [])]
    document = {"Version": "2012-10-17", "Statement": [{**each, "Resource": "*"} for each in statements]}
    arn: str = aws.client("kms").create_key(Policy=json.dumps(document))["KeyMetadata"]["Arn"]
    return arn


@pytest.mark.parametrize(
    "kind", ["queue without a policy", "queue with AWS's own key", "queue with a key", "new topic"]
)
def test_a_rule_sends_only_where_it_is_let_in(aws: Aws, kind: str) -> None:
    """By a queue's policy and key, or a topic's policy, which at first lets in its owner's alarms alone.

    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-use-resource-based.html
    """
    (closed, target), (url, arn) = aws.queue(), aws.queue()
    if kind == "new topic":
        sns, subscriber = aws.client("sns"), target
        target = sns.create_topic(Name=unique("topic"))["TopicArn"]
        sns.subscribe(TopicArn=target, Protocol="sqs", Endpoint=subscriber)
    elif kind == "queue without a policy":
        _close(aws, closed)
    else:
        key = "alias/aws/sqs" if kind.endswith("own key") else _key(aws)
        aws.client("sqs").set_queue_attributes(QueueUrl=closed, Attributes={"KmsMasterKeyId": key})
    source = _rule(aws, "test", {"Arn": target, "DeadLetterConfig": {"Arn": arn}})
    assert [event["source"] for event in aws.messages(url)] == [source]
    assert _receive(aws, closed) == []


def test_a_rule_sends_to_a_queue_whose_key_lets_it(aws: Aws) -> None:
    """The key's policy names EventBridge."""
    url, arn = aws.queue()
    key = _key(aws, "events.amazonaws.com")
    aws.client("sqs").set_queue_attributes(QueueUrl=url, Attributes={"KmsMasterKeyId": key})
    source = _rule(aws, "test", {"Arn": arn})
    assert [event["source"] for event in aws.messages(url)] == [source]


def test_a_dead_letter_queue_that_lets_no_rule_in_gets_nothing(
    aws: Aws, make_function: Callable[..., Function]
) -> None:
    """The event is gone then."""
    function, (url, arn), (open_url, open_arn) = make_function(), aws.queue(), aws.queue()
    _close(aws, url)
    _rule(aws, "test", {"Arn": function.alias, "DeadLetterConfig": {"Arn": arn}})
    _rule(aws, "test", {"Arn": function.alias, "DeadLetterConfig": {"Arn": open_arn}})
    assert len(aws.messages(open_url)) == 1
    assert _receive(aws, url) == []


def test_a_schedule_sends_as_its_role(aws: Aws) -> None:
    """Whatever the queue's policy says: the role must be Scheduler's to take, and may send.

    https://docs.aws.amazon.com/scheduler/latest/UserGuide/setting-up.html
    """
    (url, arn), scheduler = aws.queue(), aws.client("scheduler")
    _close(aws, url)
    allowed = {"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": arn}
    trust = {
        "Effect": "Allow",
        "Principal": {"Service": "scheduler.amazonaws.com"},
        "Action": "sts:AssumeRole",
    }
    roles = {"may": [allowed], "may not": []}
    for told, statements in roles.items():
        role = aws.role(*statements)
        document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
        aws.client("iam").update_assume_role_policy(RoleName=role.rpartition("/")[2], PolicyDocument=document)
        scheduler.create_schedule(
            Name=unique("schedule"),
            ScheduleExpression="rate(1 minute)",
            FlexibleTimeWindow={"Mode": "OFF"},
            Target={"Arn": arn, "RoleArn": role, "Input": json.dumps({"role": told})},
        )
    aws.advance(minutes=2)
    assert {message["role"] for message in aws.messages(url)} == {"may"}


@pytest.mark.parametrize(
    ("attribute", "value", "told"),
    [
        ("Policy", "ssm-incidents.amazonaws.com", "its policy does not let cloudwatch.amazonaws.com publish"),
        ("KmsMasterKeyId", "alias/aws/sns", "the policy of its key alias/aws/sns does not let"),
        ("KmsMasterKeyId", "events.amazonaws.com", "does not let cloudwatch.amazonaws.com in"),
        ("KmsMasterKeyId", "cloudwatch.amazonaws.com", ""),
        ("Policy", "cloudwatch.amazonaws.com", ""),
        ("", "", ""),
    ],
    ids=[
        "another service's policy",
        "AWS's own key",
        "a key for rules",
        "a key for alarms",
        "a policy for alarms",
        "a new topic",
    ],
)
def test_an_alarm_publishes_only_where_it_is_let_in(aws: Aws, attribute: str, value: str, told: str) -> None:
    """A new topic lets its owner's alarms in; a policy of one's own takes the place of that.

    https://docs.aws.amazon.com/sns/latest/dg/sns-access-policy-use-cases.html
    """
    sns = aws.client("sns")
    topic = (
        aws.topic(service=value)
        if attribute == "Policy"
        else sns.create_topic(Name=unique("topic"))["TopicArn"]
    )
    if attribute == "KmsMasterKeyId":
        key = value if value.startswith("alias/") else _key(aws, value)
        sns.set_topic_attributes(TopicArn=topic, AttributeName=attribute, AttributeValue=key)
    name = _alarm(aws, "test", AlarmActions=[topic]).rpartition(":")[2]
    watch = aws.client("cloudwatch")
    (item,) = watch.describe_alarm_history(AlarmName=name, HistoryItemType="Action")["AlarmHistoryItems"]
    assert item["HistorySummary"].startswith("Failed" if told else "Successfully")
    assert told in item["HistorySummary"]
    taken = [message["topic"] for message in aws.control("GET", "messages")["messages"]]
    assert taken.count(topic) == (0 if told else 1)


def test_another_accounts_rule_calls_an_alias_as_a_role(
    aws: Aws, make_function: Callable[..., Function]
) -> None:
    """One that EventBridge may assume, that may invoke it, and that the alias lets in."""
    function, iam = make_function(), aws.client("iam", key=_OTHER)
    allowed = {"Effect": "Allow", "Action": "lambda:InvokeFunction", "Resource": function.alias}

    def role(service: str, *statements: dict[str, Any], admitted: bool = True) -> str:
        name = unique("role")
        trust = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
        document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
        arn: str = iam.create_role(RoleName=name, AssumeRolePolicyDocument=document)["Role"]["Arn"]
        policy = json.dumps({"Version": "2012-10-17", "Statement": statements})
        iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=policy)
        if admitted:
            aws.client("lambda").add_permission(
                FunctionName=function.name,
                Qualifier="live",
                StatementId=name,
                Action="lambda:InvokeFunction",
                Principal=arn,
            )
        return arn

    events = "events.amazonaws.com"
    elsewhere = {**allowed, "Resource": function.arn}
    wrong = (
        role("sns.amazonaws.com", allowed),
        role(events, elsewhere),
        role(events, allowed, admitted=False),
    )
    for target in ({}, *({"RoleArn": arn} for arn in wrong)):
        url, queue = aws.queue()
        source = _rule(aws, _OTHER, {"Arn": function.alias, "DeadLetterConfig": {"Arn": queue}, **target})
        assert [event["source"] for event in aws.messages(url)] == [source]
    source = _rule(aws, _OTHER, {"Arn": function.alias, "RoleArn": role(events, allowed)})
    (told,) = function.told()
    assert (told["event"]["source"], told["event"]["account"]) == (source, _OTHER)


# Queues


def _receive(aws: Aws, url: str, **more: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = aws.client("sqs").receive_message(QueueUrl=url, **more).get("Messages", [])
    return found


def test_queues_go_by_the_clock(aws: Aws) -> None:
    """A delayed message comes when the clock has moved on, and so does a hidden one."""
    url, _ = aws.queue()
    sqs = aws.client("sqs")
    sqs.send_message(QueueUrl=url, MessageBody="m", DelaySeconds=900)
    aws.advance(minutes=14)
    assert _receive(aws, url) == []
    aws.advance(minutes=2)
    (message,) = _receive(aws, url)
    handle = {"QueueUrl": url, "ReceiptHandle": message["ReceiptHandle"]}
    sqs.change_message_visibility(**handle, VisibilityTimeout=7200)
    aws.advance(minutes=119)
    assert _receive(aws, url) == []
    aws.advance(minutes=2)
    assert len(_receive(aws, url)) == 1


def test_what_a_topic_sends_is_as_new_as_the_clock(aws: Aws) -> None:
    """A queue keeps it for as long as it keeps what is sent to it, however far the clock has moved."""
    url, arn = aws.queue()
    sns = aws.client("sns")
    topic = sns.create_topic(Name=unique("topic"))["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    aws.advance(minutes=5 * 24 * 60)
    sns.publish(TopicArn=topic, Message="m")
    assert len(_receive(aws, url)) == 1


def test_a_message_is_hidden_for_12_hours_from_its_receipt_at_most(aws: Aws) -> None:
    """Hiding it later does not begin anew."""
    url, _ = aws.queue()
    sqs = aws.client("sqs")
    sqs.send_message(QueueUrl=url, MessageBody="m")
    (message,) = _receive(aws, url, VisibilityTimeout=7200)
    handle = {"QueueUrl": url, "ReceiptHandle": message["ReceiptHandle"]}
    aws.advance(minutes=60)
    with pytest.raises(sqs.exceptions.ClientError, match="beyond the limit"):
        sqs.change_message_visibility(**handle, VisibilityTimeout=12 * 3600)
    sqs.change_message_visibility(**handle, VisibilityTimeout=11 * 3600 - 60)


def test_several_messages_are_hidden_for_12_hours_at_most_each(aws: Aws) -> None:
    """Of a batch those fail that would be hidden for longer."""
    url, _ = aws.queue()
    sqs = aws.client("sqs")
    for number in range(2):
        sqs.send_message(QueueUrl=url, MessageBody=str(number))
    handles = [_receive(aws, url, VisibilityTimeout=7200)[0]["ReceiptHandle"] for _ in range(2)]
    aws.advance(minutes=60)
    hours = dict(zip(handles, (12, 10), strict=True))
    entries = [
        {"Id": f"of-{hours[handle]}", "ReceiptHandle": handle, "VisibilityTimeout": hours[handle] * 3600}
        for handle in handles
    ]
    told = sqs.change_message_visibility_batch(QueueUrl=url, Entries=entries)
    assert [each["Id"] for each in told["Successful"]] == ["of-10"]
    ((failed, code),) = [(each["Id"], each["Code"]) for each in told["Failed"]]
    assert (failed, code) == ("of-12", "InvalidParameterValue")
    again = sqs.change_message_visibility_batch(QueueUrl=url, Entries=entries[:1])
    assert [each["Id"] for each in again["Failed"]] == ["of-12"]


_PARTLY = """
import json, os
def handler(event, context):
    with open(os.environ["TOLD"], "a") as file:
        file.write(json.dumps({"arn": context.invoked_function_arn, "event": event}) + "\\n")
    failed = [record["messageId"] for record in event["Records"] if record["body"] == "bad"]
    return {"batchItemFailures": [{"itemIdentifier": message} for message in failed]}
"""


def test_what_a_batch_reports_as_failed_comes_again(aws: Aws, make_function: Callable[..., Function]) -> None:
    """Through an alias, with the message's attributes; what succeeded is gone."""
    allowed = {"Effect": "Allow", "Action": "sqs:*", "Resource": "*"}
    function, (url, arn) = make_function(allowed, code=_PARTLY), aws.queue()
    client, sqs = aws.client("lambda"), aws.client("sqs")
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"VisibilityTimeout": "3600"})
    for body in ("good", "bad"):
        route = {"Route": {"DataType": "String", "StringValue": "Critical"}}
        sqs.send_message(QueueUrl=url, MessageBody=body, MessageAttributes=route)
    made = client.create_event_source_mapping(
        EventSourceArn=arn, FunctionName=function.alias, FunctionResponseTypes=["ReportBatchItemFailures"]
    )

    def bodies() -> list[str]:
        return [record["body"] for told in function.told() for record in told["event"]["Records"]]

    wait_until(lambda: sorted(bodies()) == ["bad", "good"])
    time.sleep(0.3)  # the report comes after the line that was waited for
    aws.advance(minutes=61)
    wait_until(lambda: sorted(bodies()) == ["bad", "bad", "good"])
    last = function.told()[-1]
    client.delete_event_source_mapping(UUID=made["UUID"])
    assert last["arn"] == function.alias
    assert last["event"]["Records"][0]["messageAttributes"]["Route"]["stringValue"] == "Critical"
