"""The clients: made quickly, and no different from botocore's own."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Any

import pytest
from botocore.awsrequest import AWSResponse
from botocore.config import Config
from botocore.session import Session
from incidents_runtime import clients

if TYPE_CHECKING:
    from collections.abc import Iterator

CALLS: dict[str, tuple[str, dict[str, Any]]] = {
    "cloudwatch": ("describe_alarms", {"AlarmNames": ["a"]}),
    "dynamodb": ("get_item", {"TableName": "t", "Key": {"key": {"S": "k"}}}),
    "sns": ("publish", {"TopicArn": "arn:aws:sns:eu-west-1:123456789012:t", "Message": "m"}),
    "sqs": ("send_message", {"QueueUrl": "https://sqs.eu-west-1.amazonaws.com/1/q", "MessageBody": "m"}),
    "ssm": ("get_calendar_state", {"CalendarNames": ["c"]}),
    "ssm-incidents": ("get_incident_record", {"arn": "arn:aws:ssm-incidents::1:incident-record/p/u"}),
}


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Be a function that has just been started."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    clients.client.cache_clear()
    clients._quick.cache_clear()
    yield
    clients.client.cache_clear()
    clients._quick.cache_clear()


def sent(client: Any, service: str) -> tuple[str, str]:
    """Make a call, and give the address and the scope of the signature that go out."""
    requests: list[Any] = []

    def answer(request: Any, **_: object) -> AWSResponse:
        requests.append(request)
        return AWSResponse(request.url, 400, {}, None)

    operation, arguments = CALLS[service]
    client.meta.events.register_first("before-send", answer)
    with pytest.raises(Exception, match=r".*"):
        getattr(client, operation)(**arguments)
    scope = re.findall(r"Credential=([^,]+)", requests[0].headers["Authorization"].decode())
    return requests[0].url, scope[0]


@cache
def botocores_own() -> Session:
    """Load the endpoints once."""
    return Session()


@pytest.mark.parametrize(
    ("region", "wanted"),
    [(None, ""), ("ap-southeast-2", ""), ("us-gov-west-1", ""), ("us-east-1", "FIPS"), (None, "DUALSTACK")],
)
@pytest.mark.parametrize("service", CALLS)
def test_a_client_asks_where_botocores_own_does(
    service: str,
    region: str | None,
    wanted: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The same address, signed for the same service and Region, whatever the environment asks for."""
    if wanted:
        monkeypatch.setenv(f"AWS_USE_{wanted}_ENDPOINT", "true")
    config = Config(retries={"total_max_attempts": 1, "mode": "standard"})
    own = botocores_own().create_client(service, region_name=region, config=config)
    address, scope = sent(own, service)
    assert sent(clients.client(service, config, region), service) == (address, scope)
    assert (wanted == "FIPS") == ("-fips." in address)
    assert capsys.readouterr().out == ""


def test_a_client_is_made_once() -> None:
    """Whoever asks for it, and one for each Region."""
    config = Config()
    assert clients.client("sqs", config) is clients.client("sqs", config)
    assert clients.client("sqs", config) is not clients.client("sqs", config, "us-east-1")


def test_a_botocore_of_another_time_makes_them_by_itself(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Lambda's is not ours to choose: what it does not like any more costs time, and no incident."""
    monkeypatch.setattr(clients._Models, "list_available_services", None)
    assert clients.client("dynamodb", Config()).meta.service_model.service_name == "dynamodb"
    assert "a client is made in the long way" in capsys.readouterr().out
