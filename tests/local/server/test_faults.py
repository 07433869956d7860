"""Faults on demand, and the rest of the control path."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any
from urllib.error import HTTPError

import pytest
from botocore.exceptions import ConnectionClosedError, ReadTimeoutError

from .conftest import REGION

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .conftest import Aws


@pytest.fixture(autouse=True)
def _no_fault_stays(aws: Aws) -> Iterator[None]:
    yield
    aws.control("DELETE", "faults")


def _started(aws: Aws, plan: str) -> int:
    return sum(entry["plan"] == plan for entry in aws.control("GET", "audit")["audit"])


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("AccessDeniedException", 403),
        ("ConflictException", 409),
        ("InternalServerException", 500),
        ("ResourceNotFoundException", 404),
        ("ThrottlingException", 429),
        ("ValidationException", 400),
    ],
)
def test_each_error_of_the_model_comes_with_its_status(
    aws: Aws, incidents: Any, code: str, status: int
) -> None:
    """The fault looks like the service's own error, and nothing is done."""
    plan = aws.plan()
    aws.control("POST", "faults", {"operation": "StartIncident", "error": code})
    with pytest.raises(getattr(incidents.exceptions, code)) as caught:
        aws.start(plan)
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == status
    assert _started(aws, plan) == 0
    assert aws.start(plan)


def test_a_fault_happens_as_often_as_asked(aws: Aws, incidents: Any) -> None:
    """After `times` calls everything works again; other operations never notice."""
    plan = aws.plan()
    aws.control("POST", "faults", {"operation": "StartIncident", "error": "ThrottlingException", "times": 2})
    assert incidents.get_response_plan(arn=plan)
    for _ in range(2):
        with pytest.raises(incidents.exceptions.ThrottlingException):
            aws.start(plan)
    assert aws.start(plan)


def test_a_reset_breaks_the_connection_before_the_work(aws: Aws) -> None:
    """No answer, and nothing done."""
    plan = aws.plan()
    aws.control("POST", "faults", {"operation": "StartIncident", "error": "reset"})
    with pytest.raises(ConnectionClosedError):
        aws.start(plan)
    assert _started(aws, plan) == 0


def test_a_lost_answer_breaks_the_connection_after_the_work(aws: Aws) -> None:
    """No answer, but the incident is there."""
    plan = aws.plan()
    aws.control("POST", "faults", {"operation": "StartIncident", "error": "lost"})
    with pytest.raises(ConnectionClosedError):
        aws.start(plan)
    assert _started(aws, plan) == 1


def test_a_time_out_keeps_the_caller_waiting(aws: Aws) -> None:
    """The answer does not come within the client's patience; nothing is done, and others are served."""
    plan = aws.plan()
    aws.control("POST", "faults", {"operation": "StartIncident", "error": "timeout", "after_s": 1.2})
    patient = aws.client("ssm-incidents")
    patient.meta.config.read_timeout = 5
    begun = time.monotonic()
    with pytest.raises((ConnectionClosedError, ReadTimeoutError)):
        aws.start(plan)
    assert time.monotonic() - begun > 1
    assert _started(aws, plan) == 0


def test_faults_are_cleared(aws: Aws) -> None:
    """DELETE takes back what has not happened yet."""
    aws.control("POST", "faults", {"operation": "StartIncident", "error": "reset", "times": 9})
    assert [fault["times"] for fault in aws.control("GET", "faults")["faults"]] == [9]
    assert aws.control("DELETE", "faults") == {"faults": []}
    assert aws.start(aws.plan())


def test_ops_items_have_faults_too(aws: Aws) -> None:
    """An error of another service's model works on its operations."""
    ssm = aws.client("ssm")
    aws.control("POST", "faults", {"operation": "CreateOpsItem", "error": "OpsItemLimitExceededException"})
    with pytest.raises(ssm.exceptions.OpsItemLimitExceededException):
        ssm.create_ops_item(Title="t", Description="d", Source="s")


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        ({"operation": "PageEverybody", "error": "reset"}, "operation must be one of"),
        ({"operation": "StartIncident", "error": "OutOfCoffee"}, "error must be"),
        ({"operation": "StartIncident", "error": "reset", "times": 0}, "times must be"),
        ({"operation": "StartIncident"}, "a fault must be"),
    ],
)
def test_a_fault_that_cannot_happen_is_refused(aws: Aws, fault: dict[str, Any], told: str) -> None:
    """The control path says what it would take."""
    with pytest.raises(HTTPError) as caught:
        aws.control("POST", "faults", fault)
    assert caught.value.code == 400
    assert told in caught.value.read().decode()
    caught.value.close()


def test_health_and_pages_are_told(aws: Aws) -> None:
    """The server is well, and of a plan that engages nobody, nobody was paged."""
    assert aws.control("GET", "health").items() >= {"status": "ok", "region": REGION}.items()
    assert aws.pages(aws.start(aws.plan())) == []


def test_an_unknown_control_path_is_a_404(aws: Aws) -> None:
    """What is not known says so."""
    with pytest.raises(HTTPError, match="404") as caught:
        aws.control("GET", "coffee")
    caught.value.close()
