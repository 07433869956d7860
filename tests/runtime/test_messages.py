"""What topics and queues carry."""

from __future__ import annotations

import copy
import json
from datetime import datetime, timezone
from typing import Any

import pytest
from incidents_runtime.signals import Signal, UnreadableEvent, read

from tests.runtime.fakes import NOW, World, sample

TOPIC = "arn:aws:sns:us-east-1:123456789012:ops"
QUEUE = "arn:aws:sqs:us-east-1:123456789012:signals"


def signal_of(event: object) -> Signal:
    """Read an event's only signal."""
    (signal,) = read(event, NOW)
    return signal


def of_topic(message: str, **changes: Any) -> dict[str, Any]:
    """Make what a topic delivers."""
    event = sample("sns_text")
    event["Records"][0]["Sns"].update({"Message": message, **changes})
    return event


def of_queue(body: object, **changes: Any) -> dict[str, Any]:
    """Make what a queue delivers."""
    event = sample("sqs_raw_text")
    event["Records"][0].update({"body": body if isinstance(body, str) else json.dumps(body), **changes})
    return event


def test_a_text_of_a_topic_opens() -> None:
    """Its subject is the title, its text the reason, and the topic its source."""
    signal = signal_of(sample("sns_text"))
    assert (signal.transition, signal.title) == ("opened", "Disk full on db-1")
    assert signal.reason == "Disk /data of db-1 is 97% full. Nothing was cleaned up."
    assert (signal.source, signal.account, signal.region) == ("sns", "123456789012", "us-east-1")
    assert (signal.incident_source, signal.trigger_arn) == ("sns.ops", TOPIC)
    assert signal.time == datetime(2026, 2, 3, 4, 5, 6, 789000, timezone.utc)
    assert signal.key == f"sns|{TOPIC}|Disk full on db-1"
    assert signal.event == {
        "version": "0",
        "id": "4e4d3e2f-0f6a-5f6e-8d42-60b9bd3f2c11",
        "detail-type": "SNS Notification",
        "source": "sns",
        "account": "123456789012",
        "time": "2026-02-03T04:05:06Z",
        "region": "us-east-1",
        "resources": [TOPIC],
        "detail": {
            "subject": "Disk full on db-1",
            "message": "Disk /data of db-1 is 97% full.\nNothing was cleaned up.",
            "attributes": {"team": "storage"},
        },
    }


def test_it_is_the_same_through_a_queue() -> None:
    """The queue only carries the topic's envelope."""
    event = sample("sqs_sns_text")
    envelope = json.loads(event["Records"][0]["body"])
    direct = of_topic(envelope["Message"], MessageId=envelope["MessageId"])
    assert signal_of(event) == signal_of(direct) == signal_of(envelope)


def test_a_text_of_a_queue_opens() -> None:
    """Its first line is the title, the queue its source, and it happened when it was sent."""
    signal = signal_of(sample("sqs_raw_text"))
    assert signal.title == "Disk /data of db-1 is 97% full."
    assert (signal.source, signal.incident_source, signal.trigger_arn) == ("sqs", "sqs.signals", QUEUE)
    assert signal.time == datetime(2019, 10, 2, 17, 4, 41, 42000, timezone.utc)
    assert signal.event["detail-type"] == "SQS Message"
    assert signal.event["detail"]["attributes"] == {"team": "storage"}


def test_json_that_is_no_event_is_a_message() -> None:
    """Its title is what it has for one, and paths into it lead on."""
    signal = signal_of(sample("sqs_raw_json"))
    assert signal.title == "Disk full"
    assert signal.reason == ""
    assert signal.event["detail"]["message"]["service"] == {"name": "db-1"}


@pytest.mark.parametrize(
    ("body", "title"),
    [
        ('{"name": "n", "message": "m", "summary": " "}', "m"),
        ('{"title": 7, "subject": "s"}', "s"),
        ('{"a": 1}', "Message of signals"),
        ("[1, 2]", "Message of signals"),
        ("7", "Message of signals"),
        ("", "Message of signals"),
        ("\n \n  second\nthird", "second"),
        ("{not json", "{not json"),
        ("x" * 300, "x" * 199 + "…"),
    ],
)
def test_titles_of_messages(body: str, title: str) -> None:
    """One line of 200 characters, never empty."""
    assert signal_of(of_queue(body)).title == title


def test_a_queue_without_a_name_is_named_by_its_service() -> None:
    """No type is trusted."""
    signal = signal_of(of_queue("", eventSourceARN=7))
    assert (signal.title, signal.incident_source, signal.trigger_arn) == ("Message of sqs", "sqs", None)
    assert signal.event["resources"] == []


def test_one_title_is_one_cause_and_one_message_one_signal() -> None:
    """However often it is delivered, and whatever else the message says."""
    first, other = of_topic("97%"), of_topic("98%", MessageId="another")
    assert signal_of(first).key == signal_of(other).key
    assert signal_of(first).identity != signal_of(other).identity
    assert signal_of(first).identity == signal_of(copy.deepcopy(first)).identity
    nameless = signal_of(of_topic("97%", MessageId=None)), signal_of(of_topic("98%", MessageId=None))
    assert nameless[0].identity != nameless[1].identity


def test_a_long_message_is_the_reason_in_part() -> None:
    """A thousand characters; the event has it whole."""
    signal = signal_of(of_queue("x" * 9_000))
    assert len(signal.reason) == 1_000
    assert signal.event["detail"]["message"] == "x" * 9_000


@pytest.mark.parametrize("name", ["sqs_eventbridge", "sqs_failure_record", "sqs_sns_alarm", "sqs_raw_alarm"])
def test_an_event_in_a_message_is_that_event(name: str) -> None:
    """With its own source, key and account."""
    inner = sample("eventbridge_custom") if name == "sqs_eventbridge" else sample("alarm_metric")
    assert (signal_of(sample(name)).key, signal_of(sample(name)).identity) == (
        signal_of(inner).key,
        signal_of(inner).identity,
    )


def test_an_event_that_cannot_be_read_is_a_message() -> None:
    """An incident more is better than one less."""
    for body in (
        {"alarmArn": "arn", "alarmData": {"state": {"value": "?"}}},
        {"AlarmName": "Cpu", "NewStateValue": "?", "title": "An alarm?"},
        {"title": "An alarm?", "impact": "high"},
        {"requestContext": {}, "requestPayload": {"order": 7}},
    ):
        signal = signal_of(of_queue(body))
        assert (signal.transition, signal.source) == ("opened", "sqs")


def test_a_manual_call_may_come_by_a_message() -> None:
    """Its fields and no others."""
    assert signal_of(of_queue(sample("manual"))).key == signal_of(sample("manual")).key


@pytest.mark.parametrize("kind", ["SubscriptionConfirmation", "UnsubscribeConfirmation"])
def test_what_is_about_the_subscription_is_ignored(kind: str) -> None:
    """A queue in another account gets it, and nothing is wrong."""
    body = {**json.loads(sample("sqs_subscription_confirmation")["Records"][0]["body"]), "Type": kind}
    signal = signal_of(of_queue(body))
    assert (signal.transition, signal.reason) == ("ignored", "a message about the subscription itself")


def test_a_raw_message_with_a_type_is_no_envelope() -> None:
    """Any team may call a member so."""
    signal = signal_of(of_queue({"Type": "Notification", "title": "Ours"}))
    assert (signal.source, signal.title) == ("sqs", "Ours")


def test_several_records_are_several_signals() -> None:
    """In their order."""
    records = [of_topic("a", Subject=name)["Records"][0] for name in "abc"]
    assert [signal.title for signal in read({"Records": records}, NOW)] == ["a", "b", "c"]


def test_no_more_records_than_anybody_delivers() -> None:
    """A hundred."""
    record = sample("sns_text")["Records"][0]
    assert len(read({"Records": [record] * 100}, NOW)) == 100
    with pytest.raises(UnreadableEvent, match=r"at most 100 records \(got 101\)"):
        read({"Records": [record] * 101}, NOW)


def test_records_of_different_services_are_unreadable() -> None:
    """Nobody delivers them."""
    records = [sample("sns_text")["Records"][0], sample("sqs_raw_text")["Records"][0]]
    for odd in (records, [*records[:1], 7], [{"EventSource": "aws:s3"}]):
        with pytest.raises(UnreadableEvent, match="an event must be"):
            read({"Records": odd}, NOW)


@pytest.mark.parametrize("sent", [None, "", "x", "-1", "9" * 14, "٣", 1570035881042])
def test_a_time_that_is_none_is_the_time_of_arrival(sent: object) -> None:
    """Of a queue and of a topic."""
    assert signal_of(of_queue("x", attributes={"SentTimestamp": sent})).time == NOW
    assert signal_of(of_topic("x", Timestamp=sent)).time == NOW


@pytest.mark.parametrize("wrong", [None, 7, "x", [], {"a": 1}])
def test_wrong_types_do_no_harm(wrong: object) -> None:
    """No type is trusted."""
    for name in ("body", "attributes", "messageAttributes", "messageId", "eventSourceARN"):
        event = sample("sqs_raw_text")
        event["Records"][0][name] = wrong
        assert signal_of(event).transition == "opened"
    for name in ("Message", "MessageAttributes", "MessageId", "Subject", "TopicArn", "Timestamp"):
        assert signal_of(of_topic("x", **{name: wrong})).transition == "opened"
    assert signal_of({"Records": [{"EventSource": "aws:sns", "Sns": wrong}]}).title == "Message of sns"


def test_a_message_starts_one_incident_and_its_twin_none() -> None:
    """From end to end."""
    world = World()
    assert world.outcome(sample("sns_text")) == "started"
    assert world.outcome(sample("sns_text")) == "joined"
    (record,) = world.service.records.values()
    assert record["title"] == "Disk full on db-1"
    assert record["incidentRecordSource"]["source"] == "sns.ops"
