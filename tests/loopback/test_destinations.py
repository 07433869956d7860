"""The three destinations of a deployed trigger, with the rights that its template gives it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sns_subscriptions as subscriptions
from aws_cdk import aws_sqs as sqs

import cdk_incidents as incidents
from cdk_incidents.local import LocalCloud
from tests.runtime.fakes import alarm
from tests.synthesis import Make

if TYPE_CHECKING:
    from collections.abc import Iterator

# One deployment for all of them.
pytestmark = pytest.mark.xdist_group("destinations")

HERE, ELSEWHERE = "us-east-1", "eu-west-1"


def build(stack: cdk.Stack) -> None:
    """Make a trigger with a route to each destination, and OpsCenter to fall back to."""
    replicas = incidents.ReplicationSet(stack, "Set", regions=[HERE, ELSEWHERE])
    plan = incidents.ResponsePlan(
        stack,
        "Plan",
        response_plan_name="checkout",
        incident=incidents.IncidentTemplate.critical(title="Checkout is failing"),
    )
    plan.node.add_dependency(replicas)
    topic = sns.Topic(stack, "Topic", topic_name="operations")
    topic.add_subscription(subscriptions.SqsSubscription(sqs.Queue(stack, "Inbox", queue_name="inbox")))
    trigger = incidents.IncidentTrigger(
        stack, "Trigger", trigger_name="trigger", fallback=incidents.OpsItems(severity=1)
    )
    trigger.add_route("Plan", response_plan=plan, auto_resolve=True)
    trigger.add_route("OpsItems", ops_items=incidents.OpsItems(severity=3), auto_resolve=True)
    trigger.add_route("Topic", topic=topic, auto_resolve=True)


@pytest.fixture(scope="module")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCloud]:
    """Deploy it once."""
    make = Make(tmp_path_factory.mktemp("destinations"))
    stack = make.stack("Destinations", env=cdk.Environment(account="0" * 12, region=HERE))
    build(stack)
    template = make.synth(stack).template
    assembly = cdk.Stage.of(stack)
    assert assembly is not None
    with LocalCloud(replication_set=False) as cloud:
        cloud.create_stack("Destinations", template, assets=Path(assembly.synth().directory))
        yield cloud


@pytest.fixture
def cloud(deployed: LocalCloud) -> Iterator[LocalCloud]:
    """Give the cloud, and leave no fault in it."""
    yield deployed
    deployed.faults.clear()


def told(cloud: LocalCloud, route: str, event: dict[str, Any]) -> str:
    """Invoke a route's alias and say in a word what became of the event."""
    answer = cloud.client("lambda").invoke(
        FunctionName="trigger", Qualifier=route, Payload=json.dumps(event).encode()
    )
    (outcome,) = json.load(answer["Payload"])["outcomes"]
    assert isinstance(outcome["outcome"], str)
    return outcome["outcome"]


def items(cloud: LocalCloud, title: str) -> list[dict[str, Any]]:
    """Give the OpsItems of a title."""
    asked = {"Key": "Title", "Operator": "Equal", "Values": [title]}
    found: list[dict[str, Any]] = cloud.client("ssm").describe_ops_items(OpsItemFilters=[asked])[
        "OpsItemSummaries"
    ]
    return found


def test_an_incident_is_started_in_the_next_region(cloud: LocalCloud) -> None:
    """While the own one fails, by the replication set's order; at home it is found and resolved."""
    for operation in ("StartIncident", "ListIncidentRecords"):
        cloud.faults.add(operation, error="InternalServerException", times=9, region=HERE)
    assert told(cloud, "Plan", alarm("Failover")) == "started"
    cloud.faults.clear()
    (record,) = (incident for incident in cloud.incidents() if incident["title"] == "Failover")
    assert told(cloud, "Plan", alarm("Failover", "OK", 1)) == "resolved"
    asked = cloud.client("ssm-incidents").get_incident_record(arn=record["arn"])
    assert asked["incidentRecord"]["status"] == "RESOLVED"


def test_an_ops_item_is_opened_joined_and_resolved(cloud: LocalCloud) -> None:
    """One for a cause, even if the answer to its creation was lost."""
    cloud.faults.add("CreateOpsItem", error="lost")
    assert told(cloud, "OpsItems", alarm("Disk")) == "started"
    assert told(cloud, "OpsItems", alarm("Disk", at=1)) == "joined"
    (item,) = items(cloud, "Disk")
    assert (item["Status"], item["Severity"], item["Category"]) == ("Open", "3", "Availability")
    assert told(cloud, "OpsItems", alarm("Disk", "OK", 2)) == "resolved"
    assert [item["Status"] for item in items(cloud, "Disk")] == ["Resolved"]


def test_a_topic_gets_a_message_and_one_when_it_is_over(cloud: LocalCloud) -> None:
    """What joins sends none."""
    assert told(cloud, "Topic", alarm("Orders")) == "started"
    assert told(cloud, "Topic", alarm("Orders", at=1)) == "joined"
    assert told(cloud, "Topic", alarm("Orders", "OK", 2)) == "resolved"
    queues = cloud.client("sqs")
    url = queues.get_queue_url(QueueName="inbox")["QueueUrl"]
    subjects = []
    while messages := queues.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
        subjects += [json.loads(message["Body"])["Subject"] for message in messages]
    assert sorted(subjects) == ["Orders", "Recovered: Orders"]


def test_what_cannot_be_started_is_an_ops_item(cloud: LocalCloud) -> None:
    """The fallback, of the severity that it was given."""
    cloud.faults.add("StartIncident", error="ValidationException", times=9)
    assert told(cloud, "Plan", alarm("Refused")) == "failed"
    (item,) = items(cloud, "No incident: Refused")
    assert item["Severity"] == "1"
