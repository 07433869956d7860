"""What the service asks of a request: the limits stand in its model, and boto3 checks few of them."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import pytest

from .rules import api

if TYPE_CHECKING:
    from .account import Aws

_DETAILS = {"source": "my.monitor", "timestamp": dt.datetime(2026, 11, 2, tzinfo=dt.timezone.utc)}


def _url(length: int) -> list[dict[str, Any]]:
    url = "https://example.com/".ljust(length, "u")
    return [{"identifier": {"type": "OTHER", "value": {"url": url}}}]


@pytest.mark.parametrize(
    ("accepted", "refused"),
    [
        ({"title": "t" * 200}, {"title": "t" * 201}),
        ({"impact": 5}, {"impact": 6}),
        ({"impact": 1}, {"impact": 0}),
        (
            {"triggerDetails": {**_DETAILS, "source": "s" * 50}},
            {"triggerDetails": {**_DETAILS, "source": "s" * 51}},
        ),
        (
            {"triggerDetails": {**_DETAILS, "rawData": "r" * 10_000}},
            {"triggerDetails": {**_DETAILS, "rawData": "r" * 10_001}},
        ),
        ({"relatedItems": _url(1000)}, {"relatedItems": _url(1001)}),
        (
            {"relatedItems": [{"identifier": {"type": "METRIC", "value": {"metricDefinition": "{}"}}}]},
            {"relatedItems": [{"identifier": {"type": "RUNBOOK", "value": {"metricDefinition": "{}"}}}]},
        ),
    ],
    ids=["title", "highest impact", "lowest impact", "source", "rawData", "url", "type of item"],
)
@api("StartIncident")
def test_a_start_is_held_to_its_limits(aws: Aws, accepted: dict[str, Any], refused: dict[str, Any]) -> None:
    """What the reference allows is accepted up to the limit, and refused just beyond it."""
    plan = aws.shared_plan()
    assert aws.start(plan, **accepted)
    assert aws.code(lambda: aws.start(plan, **refused)) == "ValidationException"


@api("StartIncident")
def test_a_client_token_has_128_characters_at_most(aws: Aws) -> None:
    """One more is refused."""
    plan = aws.shared_plan()
    assert aws.start(plan, clientToken=aws.name("token").ljust(128, "c"))
    assert aws.code(lambda: aws.start(plan, clientToken="c" * 129)) == "ValidationException"


@api("StartIncident")
def test_a_plans_arn_must_look_like_one(aws: Aws) -> None:
    """A name is not enough."""
    name = aws.shared_plan().rpartition("/")[2]
    assert aws.code(lambda: aws.start(name)) == "ValidationException"


@api("StartIncident")
def test_trigger_details_have_a_source_and_a_time(aws: Aws) -> None:
    """Both are required."""
    plan = aws.shared_plan()
    for left in _DETAILS:
        details = {name: value for name, value in _DETAILS.items() if name != left}
        assert aws.code(aws.start, plan=plan, triggerDetails=details) == "ValidationException"


@pytest.mark.parametrize("value", [{}, {"url": "https://example.com", "arn": "arn:aws:s3:::bucket"}], ids=str)
@api("ItemValue")
def test_an_items_value_has_exactly_one_member(aws: Aws, value: dict[str, str]) -> None:
    """Neither none nor two go."""
    items = [{"identifier": {"type": "OTHER", "value": value}}]
    plan = aws.shared_plan()
    assert aws.code(lambda: aws.start(plan, relatedItems=items)) in (
        *("ValidationException", "SerializationException"),
    )


@pytest.mark.parametrize("name", ["with space", "dotted.name", "n" * 201])
@api("CreateResponsePlan")
def test_a_plans_name_is_simple(aws: Aws, name: str) -> None:
    """Letters, digits, hyphens and underscores, 200 at most."""
    template = {"title": aws.title("t"), "impact": 1}
    asked = {"name": f"{aws.name('plan')}-{name}", "incidentTemplate": template}
    assert aws.code(lambda: aws.incidents.create_response_plan(**asked)) == "ValidationException"
