"""A plan's topics: refused if the service may not publish to them, told when an incident changes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from .rules import guide, loopback_only, unsettled

if TYPE_CHECKING:
    from .account import Aws

# That such a topic is refused is said, not with which error.
_REFUSED = ("ValidationException", "AccessDeniedException", "ResourceNotFoundException")
_TEXTS = "the texts are the loopback AWS's own"


@pytest.mark.parametrize("kind", ["notify", "chat"])
@guide("chat")
def test_a_new_plan_sends_a_test_message(aws: Aws, kind: str) -> None:
    """To each of its topics."""
    topic, queue = aws.heard_topic()
    aws.plan(**{kind: topic})
    assert len(aws.heard(queue, 1)) >= 1


@pytest.mark.parametrize("kind", ["notify", "chat"])
@guide("chat")
def test_an_incident_tells_its_topics(aws: Aws, kind: str) -> None:
    """When it opens, with each change, and when it is resolved; also at impact 5."""
    topic, queue = aws.heard_topic()
    plan = aws.plan(**{kind: topic})
    assert aws.heard(queue, 1)
    incident = aws.start(plan, impact=5)
    aws.incidents.update_incident_record(arn=incident, impact=2)
    aws.resolve(incident)
    assert len(aws.heard(queue, 3)) >= 3


@loopback_only(_TEXTS)
@guide("chat")
def test_a_message_tells_what_became_of_the_incident(aws: Aws) -> None:
    """What happened, to which incident, with what impact and status."""
    topic, queue = aws.heard_topic()
    plan = aws.plan(notify=topic, impact=1)
    incident = aws.start(plan)
    aws.incidents.update_incident_record(arn=incident, impact=2)
    aws.resolve(incident)
    told = [json.loads(text) for text in aws.heard(queue, 4)]
    assert {(m["event"], m["arn"], m.get("impact"), m.get("status")) for m in told} == {
        ("TEST", plan, None, None),
        ("OPENED", incident, 1, "OPEN"),
        ("UPDATED", incident, 2, "OPEN"),
        ("RESOLVED", incident, 2, "RESOLVED"),
    }


@unsettled("a start that merges, of a plan with topics", here="tells nobody")
@guide("chat")
def test_a_merged_start_and_topics(aws: Aws) -> str:
    """Nothing is said of it."""
    topic, queue = aws.heard_topic()
    plan = aws.plan(notify=topic, dedupeString=aws.name("dedupe"))
    aws.start(plan)
    assert len(aws.heard(queue, 2)) >= 2
    aws.start(plan)
    return "tells its topics" if aws.soon(lambda: aws.heard_now(queue)) else "tells nobody"


@pytest.mark.parametrize("kind", ["notify", "chat"])
@pytest.mark.parametrize(
    "policy", [{"service": "cloudwatch.amazonaws.com"}, {"account": "111111111111"}], ids=str
)
@guide("chat")
def test_a_topic_that_the_service_may_not_publish_to_is_refused(
    aws: Aws, kind: str, policy: dict[str, str]
) -> None:
    """Its policy must name the service, for this account."""
    topic = aws.topic(**policy)
    assert aws.code(aws.plan, **{kind: topic}) in _REFUSED


@guide("chat")
def test_the_policy_that_every_topic_begins_with_is_not_enough(aws: Aws) -> None:
    """It lets the account in, not the service."""
    topic = aws.client("sns").create_topic(Name=aws.name("topic"))["TopicArn"]
    assert aws.code(lambda: aws.plan(notify=topic)) in _REFUSED


@guide("chat")
def test_a_refused_change_leaves_the_plan(aws: Aws) -> None:
    """As it was."""
    plan, topic = aws.plan(), aws.topic(account="111111111111")
    change = {"chatChannel": {"chatbotSns": [topic]}, "displayName": "New"}
    assert aws.code(lambda: aws.incidents.update_response_plan(arn=plan, **change)) in _REFUSED
    assert "displayName" not in aws.incidents.get_response_plan(arn=plan)


@pytest.mark.parametrize("kind", ["notify", "chat"])
@guide("chat")
def test_a_topic_must_be_there(aws: Aws, kind: str) -> None:
    """A missing one is refused."""
    missing = f"arn:aws:sns:{aws.region}:{aws.account}:{aws.name('none')}"
    assert aws.code(aws.plan, **{kind: missing}) in _REFUSED


@guide("chat")
def test_a_topic_is_of_the_plans_region(aws: Aws) -> None:
    """Another's is refused."""
    elsewhere = f"arn:aws:sns:{aws.outside}:{aws.account}:{aws.name('topic')}"
    assert aws.code(lambda: aws.plan(notify=elsewhere)) in _REFUSED


@guide("chat")
def test_a_topic_is_of_the_plans_account(aws: Aws) -> None:
    """Another's is refused."""
    theirs = f"arn:aws:sns:{aws.region}:111111111111:{aws.name('topic')}"
    assert aws.code(lambda: aws.plan(notify=theirs)) in _REFUSED


@unsettled("a topic that shuts the service out later", here="the incident starts")
@guide("chat")
def test_a_topic_that_shuts_the_service_out_later(aws: Aws) -> str:
    """What a start gets then is not said."""
    topic = aws.topic()
    plan = aws.plan(notify=topic)
    owner = {"Effect": "Allow", "Principal": {"AWS": aws.account}, "Action": "sns:Publish", "Resource": topic}
    shut = json.dumps({"Version": "2012-10-17", "Statement": [owner]})
    aws.client("sns").set_topic_attributes(TopicArn=topic, AttributeName="Policy", AttributeValue=shut)
    return aws.code(lambda: aws.start(plan)) or "the incident starts"
