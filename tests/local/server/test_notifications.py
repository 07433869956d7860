"""A plan's topics: refused if the service may not publish to them, told when an incident changes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from .conftest import ACCOUNT, REGION, Stack, unique

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


def test_a_new_plan_sends_a_test_message(aws: Aws, incidents: Any) -> None:
    """To each of its topics, and again when it is changed."""
    topic, url = _subscribed(aws)
    plan = _create(incidents, notify=topic)
    (told,) = aws.messages(url)
    assert (told["event"], told["arn"]) == ("TEST", plan)
    incidents.update_response_plan(arn=plan, displayName="New")
    (told,) = aws.messages(url)
    assert told["event"] == "TEST"


def test_an_incident_tells_its_topics(aws: Aws, incidents: Any) -> None:
    """When it opens, with each change, and when it is resolved: chat and notification alike, each once."""
    notify, notified = _subscribed(aws)
    chat, chatted = _subscribed(aws)
    incident = aws.start(_create(incidents, notify=notify, chat=chat))
    incidents.update_incident_record(arn=incident, impact=2)
    incidents.update_incident_record(arn=incident, status="RESOLVED")
    for url in (notified, chatted):
        _, *told = aws.messages(url, 4)
        assert {(message["event"], message["impact"], message["status"]) for message in told} == {
            ("OPENED", 1, "OPEN"),
            ("UPDATED", 2, "OPEN"),
            ("RESOLVED", 2, "RESOLVED"),
        }
        assert {message["arn"] for message in told} == {incident}


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


def test_a_merged_start_tells_nobody(aws: Aws, incidents: Any) -> None:
    """The incident was told already."""
    topic, url = _subscribed(aws)
    plan = _create(incidents, notify=topic)
    incidents.update_response_plan(arn=plan, incidentTemplateDedupeString="d")
    aws.start(plan)
    aws.messages(url, 3)
    aws.start(plan)
    left = aws.client("sqs").get_queue_attributes(
        QueueUrl=url, AttributeNames=["ApproximateNumberOfMessages"]
    )
    assert left["Attributes"]["ApproximateNumberOfMessages"] == "0"


@pytest.mark.parametrize("kind", ["notify", "chat"])
@pytest.mark.parametrize(
    "policy", [{"service": "cloudwatch.amazonaws.com"}, {"account": "111122223333"}], ids=str
)
def test_a_topic_that_the_service_may_not_publish_to_is_refused(
    aws: Aws, incidents: Any, kind: str, policy: dict[str, str]
) -> None:
    """Its policy must name the service, for this account."""
    with pytest.raises(incidents.exceptions.ValidationException, match="does not let ssm-incidents"):
        _create(incidents, **{kind: aws.topic(**policy)})


def test_the_policy_that_every_topic_begins_with_is_not_enough(aws: Aws, incidents: Any) -> None:
    """It lets the account in, not the service."""
    topic = aws.client("sns").create_topic(Name=unique("topic"))["TopicArn"]
    with pytest.raises(incidents.exceptions.ValidationException, match="does not let ssm-incidents"):
        _create(incidents, notify=topic)


def test_a_refused_change_leaves_the_plan(aws: Aws, incidents: Any) -> None:
    """As it was."""
    plan = _create(incidents)
    topic = aws.topic(account="111122223333")
    with pytest.raises(incidents.exceptions.ValidationException):
        incidents.update_response_plan(arn=plan, chatChannel={"chatbotSns": [topic]}, displayName="New")
    assert "displayName" not in incidents.get_response_plan(arn=plan)


@pytest.mark.parametrize(
    "place", [f"eu-west-1:{ACCOUNT}", f"{REGION}:111122223333"], ids=["Region", "account"]
)
def test_a_topic_is_of_the_plans_account_and_region(incidents: Any, place: str) -> None:
    """Another's is refused."""
    with pytest.raises(incidents.exceptions.ValidationException, match="must be of account"):
        _create(incidents, notify=f"arn:aws:sns:{place}:topic")


def test_a_topic_must_be_there(incidents: Any) -> None:
    """A missing one is refused."""
    with pytest.raises(ClientError, match="there is no such topic"):
        _create(incidents, notify=f"arn:aws:sns:{REGION}:{ACCOUNT}:{unique('none')}")


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
