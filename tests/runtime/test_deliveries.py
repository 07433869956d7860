"""How an event came."""

from __future__ import annotations

import pytest
from incidents_runtime.deliveries import Delivery, Message, NotJson, batch, once_more, queued, straight

from tests.runtime.fakes import FUNCTION, NOW, failure_record, message

RETRY = f"{FUNCTION}:retry"


@pytest.mark.parametrize(
    ("arn", "alias"),
    [
        (f"{FUNCTION}:Critical", "Critical"),
        (f"{FUNCTION}:smoke-test", "smoke-test"),
        (f"{FUNCTION}:route_2", "route_2"),
        (FUNCTION, ""),
        (f"{FUNCTION}:12", ""),
        (f"{FUNCTION}:$LATEST", ""),
        (f"{FUNCTION}:a:b", ""),
    ],
)
def test_the_alias_is_the_route(arn: str, alias: str) -> None:
    """A version, or the function itself, is none."""
    assert straight({}, arn) == Delivery({}, FUNCTION, alias)


def test_no_arn_is_no_route() -> None:
    """Nothing is trusted."""
    assert straight({}, "").alias == ""


def test_a_failure_record_is_unwrapped() -> None:
    """Whatever the payload is."""
    for payload in ({"a": 1}, None, "text"):
        record = message(failure_record(payload, "Manual"))
        assert once_more(Message.of(record), RETRY) == Delivery(payload, FUNCTION, "Manual")


def test_a_dead_letter_names_its_route_beside_the_event() -> None:
    """In the attribute that it was given."""
    delivery = once_more(Message.of(message({"a": 1}, route="Manual")), RETRY)
    assert delivery == Delivery({"a": 1}, FUNCTION, "Manual")


def test_a_dead_letter_of_eventbridge_names_the_alias_it_did_not_reach() -> None:
    """EventBridge knows the target's ARN, and nothing of routes; a route of our own goes first."""
    record = message({"a": 1})
    record["messageAttributes"]["TARGET_ARN"] = {"stringValue": f"{FUNCTION}:Manual", "dataType": "String"}
    assert once_more(Message.of(record), RETRY) == Delivery({"a": 1}, FUNCTION, "Manual")
    record["messageAttributes"]["Route"] = {"stringValue": "Critical", "dataType": "String"}
    assert once_more(Message.of(record), RETRY) == Delivery({"a": 1}, FUNCTION, "Critical")


def test_a_target_that_is_no_alias_is_no_route() -> None:
    """The function itself, or no function at all."""
    for target in (FUNCTION, f"{FUNCTION}:7", "arn:aws:sqs:us-east-1:123456789012:queue", 7):
        record = message({"a": 1})
        record["messageAttributes"]["TARGET_ARN"] = {"stringValue": target}
        assert Message.of(record).route == ""


def test_a_body_that_is_no_json_stays_as_it_is() -> None:
    """Nobody reads a signal from it."""
    for body in ("{", "[" * 100_000):
        assert once_more(Message.of(message(body)), RETRY) == Delivery(NotJson(body), FUNCTION, "")


def test_a_hostile_failure_record_has_no_route() -> None:
    """No type is trusted."""
    record = {"requestPayload": 7, "requestContext": ["functionArn"]}
    assert once_more(Message.of(message(record)), RETRY) == Delivery(7, FUNCTION, "")


@pytest.mark.parametrize(("count", "read"), [("7", 7), ("x", 1), ("9" * 12, 1), ("", 1), ("-1", 1)])
def test_a_receive_count_is_a_number(count: str, read: int) -> None:
    """Or the first try."""
    record = message({})
    record["attributes"]["ApproximateReceiveCount"] = count
    assert Message.of(record).receive_count == read


@pytest.mark.parametrize("record", [None, 7, {}, {"attributes": 1, "messageAttributes": {"Route": 1}}])
def test_any_record_is_a_message(record: object) -> None:
    """An empty one, if need be."""
    assert Message.of(record) == Message("", "", 1, "", "")


def test_only_records_of_a_queue_are_a_batch() -> None:
    """All of them."""
    records = [message({}), message({})]
    assert batch({"Records": records}) == records
    others: tuple[object, ...] = ({}, {"Records": []}, {"Records": [message({}), {}]}, {"Records": 7}, "{}")
    for event in others:
        assert batch(event) is None


def test_a_record_of_a_routes_own_queue_is_an_event_of_its_own() -> None:
    """It survives the retry queue as it is, without the handle of its first queue."""
    record = message("no JSON")
    delivery = queued(record, f"{FUNCTION}:Manual")
    kept = {name: value for name, value in record.items() if name != "receiptHandle"}
    assert delivery == Delivery({"Records": [kept]}, FUNCTION, "Manual")
    again = once_more(Message.of(message(delivery.event, route="Manual")), RETRY)
    assert again == delivery
    assert queued(7, FUNCTION).event == {"Records": [{}]}


def test_another_functions_failure_is_an_event_of_the_route_beside_it() -> None:
    """It came to a route by itself and was held: only what names no other route is a record of ours."""
    event = {**failure_record({"a": 1}), "requestContext": {"functionArn": f"{FUNCTION}_of_others:live"}}
    assert once_more(Message.of(message(event, route="Manual")), RETRY) == Delivery(event, FUNCTION, "Manual")


def test_a_message_tells_since_when_it_waits() -> None:
    """What cannot be a time is none."""
    record = message(failure_record({"a": 1}))
    for sent, since in (("1772712000000", NOW), ("soon", None), ("9" * 14, None)):
        record["attributes"]["SentTimestamp"] = sent
        assert once_more(Message.of(record), RETRY).waits_since == since
