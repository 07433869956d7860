"""The service's limits, from both sides, on the service itself: through HTTP they would take long."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from cdk_incidents.local._server.clock import Clock
from cdk_incidents.local._server.errors import ServiceError
from cdk_incidents.local._server.faults import Faults
from cdk_incidents.local._server.services import INCIDENT_MANAGER, Service
from cdk_incidents.local._server.state import Caller, Cloud

_ACCOUNT = "000000000000"


class _StoppedClock(Clock):
    """A clock that a test sets."""

    time = dt.datetime(2027, 1, 31, 23, 0, tzinfo=dt.timezone.utc)

    def now(self) -> dt.datetime:
        return self.time


class _Incidents:
    """Incident Manager without the wire."""

    def __init__(self) -> None:
        self.clock = _StoppedClock()
        self.cloud = Cloud("us-east-1", self.clock)
        service = Service(self.cloud, "ssm-incidents", INCIDENT_MANAGER, Faults())
        caller = Caller(
            self.cloud.account(_ACCOUNT), "us-east-1", "arn:aws:iam::000000000000:root", lambda *_: True
        )
        self._service, self._caller = service, caller
        template = {"title": "t", "impact": 1}
        self.plan = self.call("CreateResponsePlan", name="p", incidentTemplate=template)["arn"]

    def call(self, operation: str, **params: Any) -> dict[str, Any]:
        return self._service.call(operation, params, self._caller)

    def start(self, **more: Any) -> str:
        arn: str = self.call("StartIncident", responsePlanArn=self.plan, **more)["incidentRecordArn"]
        return arn


@pytest.fixture
def service() -> _Incidents:
    """Give a service of its own."""
    return _Incidents()


def _item(number: int) -> dict[str, Any]:
    return {"identifier": {"type": "OTHER", "value": {"url": f"https://example.com/{number}"}}}


def test_a_plan_starts_200_incidents_a_month(service: _Incidents) -> None:
    """The 201st of a month fails, though records were deleted; the next month begins anew."""
    for _ in range(200):
        arn = service.start()
    service.call("UpdateIncidentRecord", arn=arn, status="RESOLVED")
    service.call("DeleteIncidentRecord", arn=arn)
    with pytest.raises(ServiceError, match="200 incidents a month"):
        service.start()
    service.clock.time += dt.timedelta(hours=1)
    assert service.start()


def test_a_merged_start_does_not_count(service: _Incidents) -> None:
    """Only incidents count, not what they absorb."""
    service.call("UpdateResponsePlan", arn=service.plan, incidentTemplateDedupeString="d")
    assert len({service.start() for _ in range(205)}) == 1


def test_an_incident_has_50_related_items_its_parent_included(service: _Incidents) -> None:
    """49 can be given at the start, and no more than 50 be there."""
    with pytest.raises(ServiceError, match="at most 50 related items"):
        service.start(relatedItems=[_item(n) for n in range(50)])
    arn = service.start(relatedItems=[_item(n) for n in range(48)])
    service.call("UpdateRelatedItems", incidentRecordArn=arn, relatedItemsUpdate={"itemToAdd": _item(48)})
    with pytest.raises(ServiceError, match="at most 50 related items"):
        service.call("UpdateRelatedItems", incidentRecordArn=arn, relatedItemsUpdate={"itemToAdd": _item(49)})


def test_an_incident_has_1000_timeline_events(service: _Incidents) -> None:
    """The trigger's is the first of them."""
    arn = service.start()
    event = {
        "eventType": "Note",
        "eventData": '"n"',
        "eventTime": service.clock.time,
        "incidentRecordArn": arn,
    }
    for _ in range(999):
        service.call("CreateTimelineEvent", **event)
    with pytest.raises(ServiceError, match="at most 1000 timeline events"):
        service.call("CreateTimelineEvent", **event)


def test_a_resource_has_50_tags(service: _Incidents) -> None:
    """The 51st tag is refused."""
    service.call("TagResource", resourceArn=service.plan, tags={f"k{n}": "v" for n in range(50)})
    with pytest.raises(ServiceError, match="at most 50 tags"):
        service.call("TagResource", resourceArn=service.plan, tags={"one-more": "v"})
