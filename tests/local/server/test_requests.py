"""How the service reads a request and writes an answer: held to botocore's model of it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
from botocore.exceptions import ClientError
from botocore.loaders import Loader
from botocore.model import ServiceModel

from cdk_incidents.local._server.constraints import _pattern, violations
from cdk_incidents.local._server.wire import Wire

if TYPE_CHECKING:
    from .conftest import Aws

_DETAILS = {"source": "my.monitor", "timestamp": 1_700_000_000}


@pytest.mark.parametrize(
    ("member", "accepted", "refused", "rule"),
    [
        ("title", "t" * 200, "t" * 201, "length less than or equal to 200"),
        ("impact", 5, 6, "value less than or equal to 5"),
        ("impact", 1, 0, "value greater than or equal to 1"),
        ("clientToken", "c" * 128, "c" * 129, "length less than or equal to 128"),
        (
            "triggerDetails",
            {**_DETAILS, "source": "s" * 50},
            {**_DETAILS, "source": "s" * 51},
            "length less than or equal to 50",
        ),
        (
            "triggerDetails",
            {**_DETAILS, "rawData": "r" * 10_000},
            {**_DETAILS, "rawData": "r" * 10_001},
            "length less than or equal to 10000",
        ),
        (
            "relatedItems",
            [{"identifier": {"type": "OTHER", "value": {"url": "u" * 1000}}}],
            [{"identifier": {"type": "OTHER", "value": {"url": "u" * 1001}}}],
            "at 'relatedItems.1.member.identifier.value.url'",
        ),
        (
            "relatedItems",
            [{"identifier": {"type": "METRIC", "value": {"url": "u"}}}],
            [{"identifier": {"type": "RUNBOOK", "value": {"url": "u"}}}],
            "satisfy enum value set",
        ),
    ],
)
def test_every_constraint_of_the_model_holds_on_both_sides(
    aws: Aws, incidents: Any, member: str, accepted: Any, refused: Any, rule: str
) -> None:
    """What the model allows is accepted up to the limit, and refused just beyond it."""
    plan = aws.plan()
    assert aws.start(plan, **{member: accepted}).startswith("arn:aws:ssm-incidents:")
    with pytest.raises(incidents.exceptions.ValidationException, match=re.escape(rule)):
        aws.start(plan, **{member: refused})


def test_a_pattern_of_the_model_holds(incidents: Any) -> None:
    """A response plan's ARN must look like an ARN."""
    with pytest.raises(incidents.exceptions.ValidationException, match="regular expression pattern"):
        incidents.start_incident(responsePlanArn="checkout")


def test_all_violations_are_told_at_once(aws: Aws, incidents: Any) -> None:
    """Two wrong members make two errors in one answer."""
    with pytest.raises(incidents.exceptions.ValidationException, match="2 validation errors detected"):
        aws.start(aws.plan(), title="t" * 201, impact=9)


def test_required_members_are_required() -> None:
    """What the model requires is asked for, at any depth."""
    shape = Wire("ssm-incidents").input_shape("StartIncident")
    problems = violations(shape, {"triggerDetails": {"source": "s"}})
    assert [p.split("'")[1] for p in problems] == ["responsePlanArn", "triggerDetails.timestamp"]


@pytest.mark.parametrize("value", [{}, {"url": "u", "arn": "arn:aws:s3:::bucket"}])
def test_a_union_has_exactly_one_member(value: dict[str, str]) -> None:
    """Neither none nor two of a union's members go."""
    shape = Wire("ssm-incidents").input_shape("UpdateRelatedItems")
    item = {"identifier": {"type": "OTHER", "value": value}}
    params = {
        "incidentRecordArn": "arn:aws:ssm-incidents::000000000000:x",
        "relatedItemsUpdate": {"itemToAdd": item},
    }
    assert "exactly one of" in violations(shape, params)[0]


@pytest.mark.parametrize("service", ["ssm-incidents", "ssm-contacts"])
def test_every_pattern_of_the_models_can_be_held(service: str) -> None:
    """Patterns that are Java's compile as Python's."""
    model = ServiceModel(Loader().load_service_model(service, "service-2"), service)
    patterns = {model.shape_for(name).metadata.get("pattern") for name in model.shape_names} - {None}
    assert len(patterns) > 3
    for pattern in patterns:
        assert _pattern(pattern).pattern


def test_letters_of_any_script_meet_a_java_class() -> None:
    r"""\p{L} means letters in all scripts, as in a contact's display name."""
    pattern = _pattern(r"^[\p{L}\p{Z}\p{N}_.\-]*$")
    assert pattern.search("Zoë Müller_2")
    assert not pattern.search("a@b")


def test_an_error_tells_its_code_status_and_members(aws: Aws, incidents: Any) -> None:
    """ResourceNotFoundException is a 404 with the resource's type and identifier."""
    missing = aws.plan() + "-gone"
    with pytest.raises(incidents.exceptions.ResourceNotFoundException) as caught:
        aws.start(missing)
    response = caught.value.response
    assert response["ResponseMetadata"]["HTTPStatusCode"] == 404
    assert response["ResponseMetadata"]["HTTPHeaders"]["x-amzn-errortype"] == "ResourceNotFoundException"
    assert (response["resourceType"], response["resourceIdentifier"]) == ("RESPONSE_PLAN", missing)


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"\xff\xfe",
        b"[]",
        b"null",
        b'{"responsePlanArn": 5}',
        b'{"responsePlanArn": "arn", "impact": true}',
        b'{"responsePlanArn": "arn", "impact": 1.5}',
        b'{"responsePlanArn": "arn", "triggerDetails": []}',
        b'{"responsePlanArn": "arn", "triggerDetails": {"source": "s", "timestamp": "2027-01-01"}}',
        b'{"responsePlanArn": "arn", "triggerDetails": {"source": "s", "timestamp": NaN}}',
        b'{"responsePlanArn": "arn", "triggerDetails": {"source": "s", "timestamp": 1e300}}',
        b'{"responsePlanArn": "arn", "relatedItems": {"a": 1}}',
    ],
)
def test_what_cannot_be_read_is_a_serialization_exception(aws: Aws, body: bytes) -> None:
    """Broken JSON and wrong types are a 400, never a failure of the server."""
    signed = "AWS4-HMAC-SHA256 Credential=test/20270101/us-east-1/ssm-incidents/aws4_request, Signature=x"
    request = Request(f"{aws.url}/startIncident", body, {"Authorization": signed})  # noqa: S310
    with pytest.raises(HTTPError) as caught:
        urlopen(request, timeout=5)  # noqa: S310
    assert (caught.value.code, caught.value.headers["x-amzn-errortype"]) == (400, "SerializationException")
    caught.value.close()


def test_a_request_without_credentials_is_refused(aws: Aws) -> None:
    """An access key that nobody has is no caller."""
    stranger = aws.client("ssm-incidents", key="AKIAIOSFODNN7EXAMPLE", token=("wrong", ""))
    with pytest.raises(ClientError, match="security token included in the request is invalid"):
        stranger.list_response_plans()


def test_the_emulator_underneath_answers_for_other_services(aws: Aws) -> None:
    """Parameter Store stays ministack's, though OpsItems of the same service are played here."""
    name = "/tests/local/server"
    aws.client("ssm").put_parameter(Name=name, Value="v", Type="String", Overwrite=True)
    assert aws.client("ssm").get_parameter(Name=name)["Parameter"]["Value"] == "v"
