"""Dead letters, brought back."""

from __future__ import annotations

import json
from typing import Any

import pytest

from cdk_incidents.operations.deployed_trigger import OperationError
from cdk_incidents.operations.redrive import DeadLetter, Redrive

from .fakes import DEAD_LETTERS, RETRIES, FakeAws

EVENT = {"source": "shop", "detail": {}}


def failure_record(alias: str) -> str:
    """Make what the retry queue's own redrive moves: a failure record of Lambda."""
    arn = f"arn:aws:lambda:us-east-1:123456789012:function:t:{alias}"
    return json.dumps({"requestContext": {"functionArn": arn}, "requestPayload": EVENT})


def only(aws: FakeAws, route: str | None = None) -> DeadLetter:
    """Read the only dead letter."""
    (letter,) = Redrive(aws.trigger(), route=route).letters()
    return letter


def sent_on(aws: FakeAws, route: str | None = None) -> dict[str, Any]:
    """Bring the only dead letter back; return the message and its attributes' texts."""
    redrive = Redrive(aws.trigger(), route=route)
    (letter,) = redrive.letters()
    redrive.send(letter)
    (message,) = aws.queues[RETRIES]
    told = {name: value["StringValue"] for name, value in message["MessageAttributes"].items()}
    return {"body": message["MessageBody"], "attributes": told}


def test_a_dead_letter_is_told_and_sent_to_its_route() -> None:
    """With what belongs to the event; its reason and title, and since when it was held, do not."""
    aws = FakeAws()
    told = {"Route": "Critical", "Reason": "no plan", "Title": "Shop", "Held": "2026-01-01", "Mine": "x"}
    aws.put(json.dumps(EVENT), told)
    letter = only(aws)
    assert (letter.route, letter.title, letter.reason) == ("Critical", "Shop", "no plan")
    assert f"{letter.since:%Y-%m-%d %H:%M}" == "2026-03-05 12:00"
    aws.hidden.clear()
    assert sent_on(aws) == {"body": json.dumps(EVENT), "attributes": {"Route": "Critical", "Mine": "x"}}
    assert aws.queues[DEAD_LETTERS] == []


@pytest.mark.parametrize("told", [{}, {"Route": "unknown"}, {"Route": "Former"}, {"Route": "retry"}])
def test_one_that_names_no_route_of_the_trigger_needs_one(told: dict[str, str]) -> None:
    """And is sent where the operator says."""
    aws = FakeAws()
    aws.put("no json", told)
    letter = only(aws)
    assert (letter.route, letter.title, letter.reason) == ("", "(no title)", "(no reason)")
    aws.hidden.clear()
    assert sent_on(aws, "Minor") == {"body": "no json", "attributes": {"Route": "Minor"}}


def test_the_operators_route_is_for_those_that_name_none() -> None:
    """The others go where they were going."""
    aws = FakeAws()
    aws.put("x", {"Route": "Critical"})
    assert only(aws, "Minor").route == "Critical"


def test_a_dead_letter_of_eventbridge_names_the_alias_that_it_did_not_reach() -> None:
    """And why."""
    aws = FakeAws()
    arn = "arn:aws:lambda:us-east-1:123456789012:function:t:Minor"
    aws.put(json.dumps(EVENT), {"TARGET_ARN": arn, "ERROR_MESSAGE": "throttled"})
    letter = only(aws)
    assert (letter.route, letter.reason) == ("Minor", "throttled")


def test_a_failure_record_names_the_alias_that_it_failed_at() -> None:
    """It is sent as it is; only for another route its event is taken out, since it names that one itself."""
    aws = FakeAws()
    aws.put(failure_record("Critical"))
    assert sent_on(aws) == {"body": failure_record("Critical"), "attributes": {"Route": "Critical"}}
    aws = FakeAws()
    aws.put(failure_record("Former"))
    assert only(aws).route == ""
    aws.hidden.clear()
    assert sent_on(aws, "Minor") == {"body": json.dumps(EVENT), "attributes": {"Route": "Minor"}}


@pytest.mark.parametrize(
    "body", ["[]", "null", "[" * 100_000, '{"requestPayload": {}}', '{"requestContext": 1}']
)
def test_any_body_is_read(body: str) -> None:
    """What is no failure record is sent as it is."""
    aws = FakeAws()
    aws.put(body)
    assert sent_on(aws, "Minor")["body"] == body


def test_each_letter_is_given_once() -> None:
    """However many batches it takes, and though the queue brings one again."""
    aws = FakeAws()
    for number in range(25):
        aws.put("x", number=number)
    redrive = Redrive(aws.trigger())
    handles = []
    for letter in redrive.letters():
        handles.append(letter.receipt_handle)
        if len(handles) == 20:
            aws.hidden.discard("handle-0")
    assert len(handles) == len(set(handles)) == 25


def test_a_message_takes_ten_attributes() -> None:
    """The route is one of them."""
    aws = FakeAws()
    aws.put("x", {"Route": "Minor", **{f"A{number}": "x" for number in range(10)}})
    assert len(sent_on(aws)["attributes"]) == 10
    assert aws.queues[RETRIES][0]["MessageAttributes"]["Route"]["StringValue"] == "Minor"


def test_a_letter_is_deleted_only_when_it_is_sent() -> None:
    """In doubt it is there twice."""
    aws = FakeAws()
    aws.put("x", {"Route": "Minor"})
    redrive = Redrive(aws.trigger())
    (letter,) = redrive.letters()
    aws.refused = {"SendMessage"}
    with pytest.raises(OperationError, match=r"sqs: .*SendMessage"):
        redrive.send(letter)
    assert len(aws.queues[DEAD_LETTERS]) == 1
    aws.refused = {"DeleteMessage"}
    with pytest.raises(OperationError, match=r"sqs: .*DeleteMessage"):
        redrive.send(letter)
    assert len(aws.queues[RETRIES]) == 1


def test_a_letter_that_is_kept_is_seen_again_at_once() -> None:
    """By whoever looks next."""
    aws = FakeAws()
    aws.put("x")
    redrive = Redrive(aws.trigger())
    (letter,) = redrive.letters()
    assert list(redrive.letters()) == []
    redrive.keep(letter)
    assert len(list(redrive.letters())) == 1


@pytest.mark.parametrize("operation", ["ReceiveMessage", "ChangeMessageVisibility"])
def test_what_aws_refuses_is_said_in_one_line(operation: str) -> None:
    """With the operation that the operator may not do."""
    aws = FakeAws()
    aws.put("x")
    aws.refused = {operation}
    redrive = Redrive(aws.trigger())
    with pytest.raises(OperationError, match=f"sqs: .*{operation}"):
        redrive.keep(next(redrive.letters()))


def test_a_route_that_the_trigger_has_not_is_refused() -> None:
    """Before anything is received."""
    aws = FakeAws()
    with pytest.raises(OperationError, match=r"--route must be one of t's routes: Critical, Minor \(got X\)"):
        Redrive(aws.trigger(), route="X")
    assert aws.hidden == set()
