"""Which service a destination or a record means."""

from __future__ import annotations

import pytest
from botocore.session import Session
from incidents_runtime import clients, gateways
from incidents_runtime.destinations import Destination
from incidents_runtime.settings import OPS_ITEMS, Route

from tests.runtime.fakes import PLAN, REGION, ROUTE_TOPIC, FakeClock, World

RECORD = "arn:aws:ssm-incidents::123456789012:incident-record/checkout/uuid"
ITEM = "arn:aws:ssm:us-east-1:123456789012:opsitem/oi-0123456789ab"
MESSAGE = f"{ROUTE_TOPIC}#message"


@pytest.mark.parametrize(
    ("name", "service"),
    [
        (PLAN, "incidents"),
        (OPS_ITEMS, "ops_items"),
        (ROUTE_TOPIC, "topics"),
        ("", "incidents"),
        ("x", "incidents"),
    ],
)
def test_a_destination_names_its_service(name: str, service: str) -> None:
    """What names none is Incident Manager's to refuse."""
    destinations = World().destinations
    assert destinations.named(name) is getattr(destinations, service)


@pytest.mark.parametrize(
    ("record", "service"),
    [
        (RECORD, "incidents"),
        (ITEM, "ops_items"),
        (MESSAGE, "topics"),
        ("", "incidents"),
        ("a:b", "incidents"),
    ],
)
def test_a_record_names_its_keeper(record: str, service: str) -> None:
    """Whatever its route leads to by now."""
    destinations = World().destinations
    assert destinations.of_record(record) is getattr(destinations, service)


@pytest.mark.parametrize(
    ("record", "destination", "same"),
    [
        (RECORD, PLAN, True),
        (RECORD, PLAN + "2", False),
        (RECORD, OPS_ITEMS, False),
        (RECORD, ROUTE_TOPIC, False),
        (ITEM, OPS_ITEMS, True),
        (ITEM, PLAN, False),
        (MESSAGE, ROUTE_TOPIC, True),
        (MESSAGE, ROUTE_TOPIC[:-1], False),
        (MESSAGE, OPS_ITEMS, False),
        ("", PLAN, False),
        ("", OPS_ITEMS, False),
    ],
)
def test_a_record_is_of_one_destination(record: str, destination: str, *, same: bool) -> None:
    """Nobody joins an incident of another one."""
    assert World().destinations.is_of(record, destination) is same


def test_every_service_answers_the_same_questions() -> None:
    """Admission knows no difference; mypy holds it too."""
    destinations = World().destinations
    questions = {name for name in vars(Destination) if not name.startswith("_")}
    assert questions == {"start", "find", "status", "resolve", "note"}
    for service in (destinations.incidents, destinations.ops_items, destinations.topics):
        assert questions <= set(dir(service))


def test_clients_are_made_when_they_are_needed_and_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    """Most functions need one of them; each costs a tenth of a second."""
    made: list[tuple[str, str | None]] = []

    def create_client(_: Session, service: str, *, config: object, region_name: str | None = None) -> object:
        assert config is not None
        made.append((service, region_name))
        return object()

    monkeypatch.setattr(Session, "create_client", create_client)
    clients.client.cache_clear()
    routes = (
        Route(id="A", response_plan_arn=PLAN, regions=("eu-west-1",)),
        Route(id="B", response_plan_arn=PLAN, regions=("eu-central-1", "eu-west-1")),
    )
    destinations = gateways.destinations(routes, REGION, FakeClock())
    assert made == []
    for _ in range(2):
        destinations.incidents.regions.client_in(REGION)  # type: ignore[attr-defined]
        destinations.incidents.regions.client_in("eu-west-1")  # type: ignore[attr-defined]
        destinations.ops_items.client()  # type: ignore[attr-defined]
        destinations.topics.client()  # type: ignore[attr-defined]
    clients.client.cache_clear()
    assert made == [("ssm-incidents", REGION), ("ssm-incidents", "eu-west-1"), ("ssm", None), ("sns", None)]
    assert destinations.incidents.others == ("eu-west-1", "eu-central-1")  # type: ignore[attr-defined]
