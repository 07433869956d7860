"""Topics and queues: policies and keys, messages, what could not be delivered, what is hidden too long."""

from __future__ import annotations

import json
import uuid
from typing import TYPE_CHECKING, Any

from .functions import invoked
from .identity import owning
from .permissions import key_refuses, may_invoke
from .private import arns, bridge, provisioners, queues, replaces, topics
from .templates import after_change

if TYPE_CHECKING:
    from collections.abc import Callable

_LONGEST_HIDDEN_S = 12 * 3600
_OPEN = "__default_policy_ID"  # the policy that lets in a topic's owner


def put_right() -> None:
    """Ask a function's policy whether a topic may call it, and see to topics and queues."""
    _put_topics_right()
    _put_queues_right()

    @replaces(topics, "_deliver_to_lambda")
    def deliver_if_allowed(
        deliver: Any, function_arn: str, envelope: str, topic_arn: str, subscription_arn: str, *rest: Any
    ) -> None:
        if not may_invoke(function_arn, "sns.amazonaws.com", topic_arn):
            _send_to_dead_letters(topic_arn, subscription_arn, envelope)
            return
        with owning(function_arn), invoked(asynchronously=True):
            deliver(function_arn, envelope, topic_arn, subscription_arn, *rest)


def _put_topics_right() -> None:
    """Let CloudFormation's topics have a key, and when they have no policy of their own that of AWS."""
    known = topics._topics

    def open_to_owner(arn: str) -> None:
        attributes = known[arn]["attributes"] if arn in known else {}
        if json.loads(attributes.get("Policy") or "{}").get("Id", _OPEN) == _OPEN:
            attributes["Policy"] = _policy_of_new_topic(arn)

    def keep_key(arn: str, props: dict[str, Any]) -> None:
        attributes = known[arn]["attributes"]
        attributes.pop("KmsMasterKeyId", None)
        attributes.update({name: props[name] for name in props if name == "KmsMasterKeyId"})
        open_to_owner(arn)

    def change_and_reopen(change: Any, *args: Any) -> Any:
        made = change(*args)
        for props in (each for each in args if isinstance(each, dict)):
            for arn in props.get("Topics", []):
                open_to_owner(arn)
        return made

    after_change("AWS::SNS::Topic", keep_key)
    for verb in ("update", "delete"):
        replaces(provisioners._RESOURCE_HANDLERS["AWS::SNS::TopicPolicy"], verb)(change_and_reopen)


def _put_queues_right() -> None:
    """Ask a queue's key as well as its policy, and hide nothing beyond 12 hours after it was received."""

    @replaces(queues, "queue_policy_allows")
    def policy_and_key_allow(allows: Any, arn: str, *caller: str) -> bool:
        queue = queues._queue_by_arn(arn) or {"attributes": {}}
        return bool(allows(arn, *caller)) and not key_refuses(
            queue["attributes"].get("KmsMasterKeyId"), *caller
        )

    @replaces(queues, "_collect_msgs")
    def collect_and_note(collect: Any, queue: dict[str, Any], *args: Any) -> Any:
        found = collect(queue, *args)
        for message in found:
            message["received_at"] = queues.time.time()
        return found

    @replaces(queues._HANDLERS, "ChangeMessageVisibility")
    def change_within_bounds(change: Any, data: dict[str, Any], url: str) -> Any:
        if problem := _beyond_bounds(data.get("QueueUrl", url), data):
            raise queues._Err("InvalidParameterValue", problem)
        return change(data, url)

    @replaces(queues._HANDLERS, "ChangeMessageVisibilityBatch")
    def change_each_within_bounds(change: Any, data: dict[str, Any], url: str) -> Any:
        told = {each["Id"]: _beyond_bounds(data.get("QueueUrl", url), each) for each in data["Entries"]}
        rest = [each for each in data["Entries"] if not told[each["Id"]]]
        answer = change({**data, "Entries": rest}, url) if rest else {"Successful": [], "Failed": []}
        failed = {"Code": "InvalidParameterValue", "SenderFault": True}
        answer["Failed"] += [{"Id": key, "Message": text, **failed} for key, text in told.items() if text]
        return answer


def _beyond_bounds(url: str, asked: dict[str, Any]) -> str:
    """Tell that a message would be hidden for too long; empty if it would not."""
    seconds = int(asked.get("VisibilityTimeout", 0))
    for message in queues._get_q(url)["messages"]:
        ends = queues.time.time() + seconds - message.get("received_at", 0)
        if message.get("receipt_handle") == asked.get("ReceiptHandle") and ends > _LONGEST_HIDDEN_S:
            return (
                f"Value {seconds} for parameter VisibilityTimeout is invalid. Reason: Total VisibilityTimeout"
                f" for the message is beyond the limit [{_LONGEST_HIDDEN_S} seconds]"
            )
    return ""


def _policy_of_new_topic(arn: str) -> str:
    statement = {
        "Sid": "__default_statement_ID",
        "Effect": "Allow",
        "Principal": {"AWS": "*"},
        "Action": ["SNS:Publish", "SNS:Subscribe", "SNS:Receive"],
        "Resource": arn,
        "Condition": {"StringEquals": {"AWS:SourceOwner": arn.split(":")[4]}},
    }
    return json.dumps({"Version": "2008-10-17", "Id": _OPEN, "Statement": [statement]})


def _send_to_dead_letters(topic_arn: str, subscription_arn: str, envelope: str) -> None:
    """Send what a topic could not deliver to the subscription's own queue, if that lets it."""
    subscription = topics._find_subscription(topic_arn, subscription_arn) or {}
    policy = json.loads(subscription.get("attributes", {}).get("RedrivePolicy") or "{}")
    if "deadLetterTargetArn" in policy:
        body = {"raw": False, "raw_message": "", "topic_arn": topic_arn}
        topics._deliver_to_sqs(policy["deadLetterTargetArn"], envelope, **body)


def tell_of_messages(told: Callable[[str, str, str], None]) -> None:
    """Tell of every message that a topic takes: the topic, the subject and the text."""

    @replaces(topics, "_fanout")
    def tell_and_fan_out(
        fan_out: Any, topic_arn: str, number: str, text: str, subject: str, *rest: Any, **more: Any
    ) -> None:
        told(topic_arn, subject or "", text)
        fan_out(topic_arn, number, text, subject, *rest, **more)


def publish(topic_arn: str, subject: str, message: str) -> None:
    """Publish to a topic."""
    topics.publish_internal(topic_arn, message, subject)


def deliver(arn: str, payload: str, subject: str = "") -> None:
    """Send a payload to a queue or a topic."""
    if ":sqs:" in arn:
        bridge._dispatch_to_sqs(arns.parse_arn(arn), payload)
    elif ":sns:" in arn:
        topics._fanout(arn, str(uuid.uuid4()), payload, subject)
