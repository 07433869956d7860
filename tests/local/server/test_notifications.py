"""What topics took, and those that CloudFormation makes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from .conftest import ACCOUNT, Stack, unique

if TYPE_CHECKING:
    from .conftest import Aws


def _subscribed(aws: Aws) -> tuple[str, str]:
    """Make a topic with a queue behind it, and give its ARN and the queue's URL."""
    topic, (url, queue) = aws.topic(), aws.queue()
    raw = {"RawMessageDelivery": "true"}
    aws.client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue, Attributes=raw)
    return topic, url


def _create(incidents: Any, *, notify: str = "", chat: str = "") -> str:
    targets = {"notificationTargets": [{"snsTopicArn": notify}]} if notify else {}
    arn: str = incidents.create_response_plan(
        name=unique("plan"),
        incidentTemplate={"title": "Failing", "impact": 1, **targets},
        **({"chatChannel": {"chatbotSns": [chat]}} if chat else {}),
    )["arn"]
    return arn


def test_what_topics_took_is_told(aws: Aws, incidents: Any) -> None:
    """Each message to any topic, once: Incident Manager's with its event and incident, others as they are."""
    chat, other = aws.topic(), aws.topic()
    incident = aws.start(_create(incidents, chat=chat))
    incidents.update_incident_record(arn=incident, status="RESOLVED")
    aws.client("sns").publish(TopicArn=other, Message="{}")
    aws.client("sns").publish(TopicArn=other, Subject="s", Message="mine")
    entry = {"Id": "1", "Message": "one of a batch"}
    aws.client("sns").publish_batch(TopicArn=other, PublishBatchRequestEntries=[entry])
    taken = aws.control("GET", "messages")["messages"]
    told = [(m["event"], m["incident_record_arn"]) for m in taken if m["topic"] == chat]
    assert told == [("TEST", ""), ("OPENED", incident), ("RESOLVED", incident)]
    others = [(m["event"], m["subject"], m["message"]) for m in taken if m["topic"] == other]
    assert others == [("", "", "{}"), ("", "s", "mine"), ("", "", "one of a batch")]


@pytest.mark.parametrize(("waits", "status"), [(True, "CREATE_COMPLETE"), (False, "ROLLBACK_COMPLETE")])
def test_a_plan_must_wait_for_its_topics_policy(stack: Stack, waits: bool, status: str) -> None:  # noqa: FBT001
    """A template that forgets the dependency fails."""
    allowed = {
        "Effect": "Allow",
        "Principal": {"Service": "ssm-incidents.amazonaws.com"},
        "Action": "sns:Publish",
        "Resource": {"Ref": "Topic"},
        "Condition": {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}},
    }
    policy = {
        "PolicyDocument": {"Version": "2012-10-17", "Statement": [allowed]},
        "Topics": [{"Ref": "Topic"}],
    }
    template = {"Title": "t", "Impact": 1, "NotificationTargets": [{"SnsTopicArn": {"Ref": "Topic"}}]}
    plan: dict[str, Any] = {
        "Type": "AWS::SSMIncidents::ResponsePlan",
        "Properties": {"Name": unique("plan"), "IncidentTemplate": template},
    }
    rule = {"Type": "AWS::SNS::TopicPolicy", "Properties": policy}
    # With no dependency the order is anybody's: here the policy waits for the plan.
    (plan if waits else rule)["DependsOn"] = "Policy" if waits else "Plan"
    resources = {"Topic": {"Type": "AWS::SNS::Topic", "Properties": {}}, "Plan": plan, "Policy": rule}
    assert stack.deploy(resources) == status


def test_a_topic_that_shuts_the_service_out_later_hears_nothing(aws: Aws, incidents: Any) -> None:
    """The incident starts all the same."""
    topic, url = _subscribed(aws)
    plan = _create(incidents, notify=topic)
    aws.messages(url)
    shut = '{"Version": "2012-10-17", "Statement": []}'
    aws.client("sns").set_topic_attributes(TopicArn=topic, AttributeName="Policy", AttributeValue=shut)
    assert aws.record(aws.start(plan))["status"] == "OPEN"
    assert "Messages" not in aws.client("sqs").receive_message(QueueUrl=url)


def test_a_topic_of_cloudformation_lets_its_owner_in(stack: Stack, incidents: Any) -> None:
    """Nobody else, but by a policy of its own; without that it is as it began. A key is kept."""
    sns = stack.aws.client("sns")

    def deploy(*, policy: bool, key: str = "") -> dict[str, str]:
        let = {"Effect": "Allow", "Principal": {"Service": "ssm-incidents.amazonaws.com"}}
        let |= {"Action": "sns:Publish", "Resource": {"Ref": "Topic"}}
        document = {"Version": "2012-10-17", "Statement": [let]}
        made: dict[str, Any] = {"Topic": {"Type": "AWS::SNS::Topic", "Properties": {}}}
        if key:
            made["Topic"]["Properties"] = {"KmsMasterKeyId": key}
        if policy:
            properties = {"Topics": [{"Ref": "Topic"}], "PolicyDocument": document}
            made["Policy"] = {"Type": "AWS::SNS::TopicPolicy", "Properties": properties}
        assert stack.deploy(made, Topic={"Ref": "Topic"}).endswith(("CREATE_COMPLETE", "UPDATE_COMPLETE"))
        found: dict[str, str] = sns.get_topic_attributes(TopicArn=stack.outputs["Topic"])["Attributes"]
        return found

    begun = deploy(policy=False, key="alias/aws/sns")
    (statement,) = json.loads(begun["Policy"])["Statement"]
    assert statement["Condition"] == {"StringEquals": {"AWS:SourceOwner": ACCOUNT}}
    assert begun["KmsMasterKeyId"] == "alias/aws/sns"
    with pytest.raises(ClientError, match="does not let"):
        _create(incidents, chat=begun["TopicArn"])
    opened = deploy(policy=True)
    assert "KmsMasterKeyId" not in opened
    assert _create(incidents, chat=begun["TopicArn"])
    assert deploy(policy=False)["Policy"] == begun["Policy"]
    assert opened["Policy"] != begun["Policy"]
