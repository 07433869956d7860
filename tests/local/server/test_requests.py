"""How the service reads a request and writes an answer: held to botocore's model of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
from botocore.exceptions import ClientError
from botocore.loaders import Loader
from botocore.model import ServiceModel

from cdk_incidents.local._server.protocol.constraints import _pattern
from cdk_incidents.local._server.protocol.errors import ServiceError
from cdk_incidents.local._server.protocol.wire import Wire

if TYPE_CHECKING:
    from .conftest import Aws


def test_all_violations_are_told_at_once(aws: Aws, incidents: Any) -> None:
    """Two wrong members make two errors in one answer."""
    with pytest.raises(incidents.exceptions.ValidationException, match="2 validation errors detected"):
        aws.start(aws.plan(), title="t" * 201, impact=9)


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


def test_a_fault_of_the_service_is_its_own() -> None:
    """A modelled fault is a 500 with both protocols, so that every SDK tries again."""
    error = ServiceError("InternalServerException", "Unknown")
    assert {Wire(name).write_error(error).status for name in ("ssm-incidents", "ssm-contacts")} == {500}


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"\xff\xfe",
        b"[]",
        b"[" * 100_000,
        b'{"responsePlanArn": "arn", "relatedItems": [null]}',
        b"null",
        b'{"responsePlanArn": 5}',
        b'{"responsePlanArn": "arn", "impact": true}',
        b'{"responsePlanArn": "arn", "impact": 1.5}',
        b'{"responsePlanArn": "arn", "triggerDetails": []}',
        b'{"responsePlanArn": "arn", "triggerDetails": {"source": "s", "timestamp": "2027-01-01"}}',
        b'{"responsePlanArn": "arn", "triggerDetails": {"source": "s", "timestamp": NaN}}',
        b'{"responsePlanArn": "arn", "triggerDetails": {"source": "s", "timestamp": 1e300}}',
        b'{"responsePlanArn": "arn", "triggerDetails": {"source": "s", "timestamp": 253402300799}}',
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
