"""Requests that nothing here plays: an operation of no model, and one that a newer model may have."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING
from urllib.error import HTTPError
from urllib.request import Request as HttpRequest
from urllib.request import urlopen

import pytest

from cdk_incidents.local._server.faults import Faults
from cdk_incidents.local._server.protocol.wire import Request
from cdk_incidents.local._server.services import Service
from cdk_incidents.local._server.state import Caller, Cloud

if TYPE_CHECKING:
    from .conftest import Aws

_SIGNED = "AWS4-HMAC-SHA256 Credential=test/20270101/us-east-1/{}/aws4_request, Signature=x"


@pytest.mark.parametrize(
    ("service", "path", "target", "status"),
    [("ssm-incidents", "/makeCoffee", "", 404), ("ssm-contacts", "/", "SSMContacts.MakeCoffee", 400)],
)
def test_an_operation_of_no_model_is_unknown(
    aws: Aws, service: str, path: str, target: str, status: int
) -> None:
    """As AWS says it: a path that is not there, or a target that is none."""
    headers = {"Authorization": _SIGNED.format(service), "X-Amz-Target": target}
    with pytest.raises(HTTPError) as caught:
        urlopen(HttpRequest(f"{aws.url}{path}", b"{}", headers), timeout=5)  # noqa: S310
    assert caught.value.code == status
    assert caught.value.headers["x-amzn-errortype"] == "UnknownOperationException"
    caught.value.close()


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"incidentRecordArn": "arn:aws:ssm-incidents::000000000000:x"}, "NotPlayedHereException"),
        ({"incidentRecordArn": "x"}, "ValidationException"),
        ({"incidentRecordArn": 5}, "SerializationException"),
    ],
)
def test_what_is_not_played_says_so(body: dict[str, object], code: str) -> None:
    """Its request is held against the model first: a mistake is told even where nothing is played."""
    cloud = Cloud("us-east-1")
    service = Service(cloud, "ssm-incidents", {}, Faults())
    caller = Caller(cloud.account("000000000000"), "us-east-1", "arn", lambda *_: True)
    request = Request("POST", "/listIncidentFindings", {}, {}, json.dumps(body).encode())
    answer = service.answer(request, lambda: caller)
    assert (answer.status, json.loads(answer.body)["__type"]) == (400, code)
