"""A deployed trigger holds whatever the service does where no document says it."""

from __future__ import annotations

import time
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import pytest

from cdk_incidents.local import Assumptions
from cdk_incidents.local.assumptions import alternatives
from tests.loopback.proven import told, waiting

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from cdk_incidents.local import LocalCloud
    from tests.loopback.proven import Pipeline

# One cloud, in which the service is now so, now otherwise.
pytestmark = pytest.mark.xdist_group("assumptions")
OTHERWISE = Assumptions(
    **{name: allowed[-1] for name, allowed in alternatives().items() if name != "incident_quota_error"},
    client_token_window_s=0,
)
MONTH = 200
PLAN = "arn:aws:ssm-incidents::000000000000:response-plan/checkout"


@pytest.fixture
def cloud(deployed: LocalCloud) -> Iterator[LocalCloud]:
    """Give the cloud, and leave nothing assumed or failing in it."""
    yield deployed
    deployed.assume(Assumptions())
    deployed.faults.clear()
    queues = deployed.client("sqs")
    for name in waiting(deployed):
        queues.purge_queue(QueueUrl=queues.get_queue_url(QueueName=name)["QueueUrl"])


def ring(cloud: LocalCloud, state: str = "ALARM") -> None:
    """Let the live alarm change its state."""
    cloud.client("cloudwatch").set_alarm_state(AlarmName="shop-errors", StateValue=state, StateReason="test")


def wait_for(seen: Callable[[], Any]) -> Any:
    """Wait a moment until something is so."""
    deadline = time.monotonic() + 20
    while not (found := seen()):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    return found


def recovered(cloud: LocalCloud) -> list[dict[str, Any]]:
    """Let the alarm recover; give the incidents once all are resolved, and remove them."""
    ring(cloud, "OK")
    wait_for(lambda: all(record["status"] == "RESOLVED" for record in cloud.incidents()))
    records = cloud.incidents()
    for record in records:
        remove(cloud, record["arn"])
    return records


def test_there_is_another_way_for_each() -> None:
    """The service that is otherwise differs in all that can be assumed, but for the quota's error."""
    usual = asdict(Assumptions())
    assert [name for name, value in asdict(OTHERWISE).items() if value == usual[name]] == [
        "incident_quota_error"
    ]


@pytest.mark.parametrize("assumed", [Assumptions(), OTHERWISE], ids=["as assumed", "otherwise"])
def test_an_alarm_reaches_a_person_and_recovers(
    cloud: LocalCloud, pipeline: Pipeline, assumed: Assumptions
) -> None:
    """The smoke test passes, the alarm opens one incident that pages, and its recovery resolves it."""
    cloud.assume(assumed)
    pipeline.update(cloud, pipeline.edited(changes="Test"))
    assert told(cloud).startswith("passed: ")
    before = len(cloud.pages)
    ring(cloud)
    record = cloud.wait_for_incident(title="shop-errors")
    assert [page["incident_record_arn"] for page in cloud.pages[before:]] == [record["arn"]] * 2
    assert [found["arn"] for found in recovered(cloud)] == [record["arn"]]


@pytest.mark.parametrize("assumed", [Assumptions(), OTHERWISE], ids=["as assumed", "otherwise"])
def test_a_lost_answer_starts_no_second_incident(cloud: LocalCloud, assumed: Assumptions) -> None:
    """Whatever a client token is good for, the trigger looks before it starts again."""
    cloud.assume(assumed)
    cloud.faults.add("StartIncident", error="lost")
    ring(cloud)
    cloud.wait_for_incident(title="shop-errors")
    assert len(recovered(cloud)) == 1


def spend_the_month(cloud: LocalCloud) -> str:
    """Start all incidents that the plan has in a month, and return what the next one gets."""
    incidents = cloud.client("ssm-incidents")

    def start_all() -> None:
        for _ in range(MONTH + 1):
            remove(cloud, incidents.start_incident(responsePlanArn=PLAN)["incidentRecordArn"])

    with pytest.raises(incidents.exceptions.ClientError) as refused:
        start_all()
    code: str = refused.value.response["Error"]["Code"]
    return code


def remove(cloud: LocalCloud, record: str) -> None:
    """Resolve and delete an incident."""
    incidents = cloud.client("ssm-incidents")
    incidents.update_incident_record(arn=record, status="RESOLVED")
    incidents.delete_incident_record(arn=record)


def told_to_the_fallback(cloud: LocalCloud) -> list[str]:
    """Return what the fallback was told."""
    return [message["message"] for message in cloud.messages if message["topic"].endswith(":fallback")]


# What an error that says "later" gets, which takes the function half a minute, is in tests/runtime.
@pytest.mark.parametrize("error", ["ServiceQuotaExceededException", "ValidationException"])
def test_what_is_over_the_month_is_not_lost_in_silence(cloud: LocalCloud, error: Any) -> None:
    """The fallback is told of the alarm and of the error, and the dead letters keep the event."""
    cloud.assume(Assumptions(incident_quota_error=error))
    assert spend_the_month(cloud) == error
    before = len(told_to_the_fallback(cloud))
    ring(cloud)
    (said,) = wait_for(lambda: told_to_the_fallback(cloud)[before:])
    assert error in said
    assert "shop-errors" in said
    assert list(wait_for(lambda: waiting(cloud))) == ["shop-dead-letters"]
    ring(cloud, "OK")
