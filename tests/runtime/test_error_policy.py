"""What becomes of a signal by the error that its start meets: StartIncident's six, and the transport's."""

from __future__ import annotations

from datetime import timedelta

import boto3
import pytest
from botocore.exceptions import (
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    NoCredentialsError,
    ReadTimeoutError,
)
from incidents_runtime.errors import code_of

from tests.runtime.fakes import LostAnswerError, World, alarm, figures, refusal

URL = "https://ssm-incidents.us-east-1.amazonaws.com"
# By what happens to a start that fails three times, as if nothing had been done: is it tried three times,
# is the incident looked for in between, does the event come again, or end as a dead letter?
COMES_AGAIN = {"starts": 3, "looked": False, "comes_again": True}
LOOKED_FOR = {"starts": 3, "looked": True, "comes_again": True}
WAITED_FOR = {"starts": 1, "looked": False, "comes_again": True}
DEAD_LETTER = {"starts": 1, "looked": False, "comes_again": False}
MODELLED = {
    # Readers of the retry queue wait for their turn.
    "ThrottlingException": WAITED_FOR,
    "ConflictException": LOOKED_FOR,
    "InternalServerException": LOOKED_FOR,
    # A deployment changes the role, and IAM takes its time.
    "AccessDeniedException": WAITED_FOR,
    "ResourceNotFoundException": DEAD_LETTER,
    "ValidationException": DEAD_LETTER,
}
TRANSPORT = [
    (EndpointConnectionError(endpoint_url=URL), COMES_AGAIN),
    (ConnectTimeoutError(endpoint_url=URL), COMES_AGAIN),
    (NoCredentialsError(), COMES_AGAIN),
    (ReadTimeoutError(endpoint_url=URL), LOOKED_FOR),
    (ConnectionClosedError(endpoint_url=URL), LOOKED_FOR),
    (ConnectionResetError("reset"), LOOKED_FOR),
    (ValueError("an answer that is no JSON"), LOOKED_FOR),
    (refusal("ServiceUnavailable", 503), LOOKED_FOR),
    # Not modelled: what the service says beyond its 200 incidents a plan and month.
    (refusal("ServiceQuotaExceededException", 402), DEAD_LETTER),
]


def in_the_model() -> dict[str, int]:
    """Read StartIncident's errors from the service's model, with their status."""
    model = boto3.client("ssm-incidents", region_name="us-east-1").meta.service_model
    shapes = model.operation_model("StartIncident").error_shapes
    return {shape.name: shape.metadata.get("error", shape.metadata)["httpStatusCode"] for shape in shapes}


def test_every_error_of_the_model_has_its_policy() -> None:
    """Six of them; a seventh would fail here."""
    assert set(MODELLED) == set(in_the_model())


@pytest.mark.parametrize(
    ("error", "policy"),
    [*((refusal(code, in_the_model()[code]), policy) for code, policy in MODELLED.items()), *TRANSPORT],
    ids=lambda value: code_of(value) if isinstance(value, Exception) else "",
)
def test_each_error_has_its_policy(
    error: Exception, policy: dict[str, object], capsys: pytest.CaptureFixture[str]
) -> None:
    """Tried again, looked for, waited for, told to people: in the end an incident or a dead letter."""
    world = World()
    world.service.fail("StartIncident", *[error] * 3)
    try:
        world.deliver(alarm())
        comes_again = bool(world.queues.waiting)
    except Exception:  # noqa: BLE001 - whatever it is, Lambda brings the event again
        comes_again = True
    assert {
        "starts": len(world.service.called("StartIncident")),
        "looked": bool(world.service.called("ListIncidentRecords")),
        "comes_again": comes_again,
    } == policy
    assert figures(capsys.readouterr().out) == ({"Retried": 1} if comes_again else {"Failed": 1})
    assert len(world.queues.sent) == len(world.topics.published) == (0 if comes_again else 1)
    world.service.faults.clear()
    world.clock.time += timedelta(minutes=1)
    if comes_again:
        assert world.outcome(alarm()) == "started"
    assert len(world.service.records) == (1 if comes_again else 0)


@pytest.mark.parametrize("error", [error for error, policy in TRANSPORT if policy is LOOKED_FOR], ids=repr)
def test_after_a_lost_answer_there_is_one_incident(error: Exception) -> None:
    """The service did the work and nobody heard: it is found, not started again."""
    world = World()
    world.service.fail("StartIncident", LostAnswerError(error))
    assert world.outcome(alarm()) == "started"
    assert len(world.service.records) == 1
