"""Each source through a deployed trigger: what it is read as, and that its recovery is heard."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_events as events
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs

import cdk_incidents as incidents
from cdk_incidents.local import LocalCloud

if TYPE_CHECKING:
    from collections.abc import Iterator

# One cloud for all of them.
pytestmark = pytest.mark.xdist_group("sources")
EVENTS = Path(__file__).parents[1] / "events"


def sample(name: str) -> Any:
    """Read an event sample."""
    return json.loads((EVENTS / f"{name}.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCloud]:
    """Give a cloud with one route that every source leads to."""
    directory = tmp_path_factory.mktemp("sources")
    app = cdk.App(analytics_reporting=False, outdir=str(directory))
    stack = cdk.Stack(app, "Sources")
    plan = incidents.ResponsePlan(stack, "Plan", incident=incidents.IncidentTemplate.high(title="Trouble"))
    trigger = incidents.IncidentTrigger(stack, "Trigger", trigger_name="sources")
    route = trigger.add_route(
        "Critical", response_plan=plan, auto_resolve=True, dedupe_key="{detail.provider}"
    )
    metric = cloudwatch.Metric(namespace="Shop", metric_name="Errors")
    route.watch(metric.create_alarm(stack, "Alarm", alarm_name="Errors", threshold=1, evaluation_periods=1))
    topic = sns.Topic(stack, "Topic", topic_name="ops")
    topic.add_subscription(route.subscription())
    route.on_queue(
        sqs.Queue(stack, "Queue", queue_name="signals", visibility_timeout=cdk.Duration.minutes(3))
    )
    for kind, recovers in (("Payment provider down", False), ("Payment provider up", True)):
        pattern = events.EventPattern(source=["shop.checkout"], detail_type=[kind])
        target = route.rule_target(recovers=recovers)
        events.Rule(stack, kind.replace(" ", ""), event_pattern=pattern, targets=[target])
    app.synth()
    with LocalCloud() as running:
        made = json.loads(Path(directory, "Sources.template.json").read_text())
        running.create_stack("Sources", made, assets=directory)
        yield running


def call(cloud: LocalCloud, event: object) -> dict[str, Any]:
    """Call the route as a person may, and return the outcome."""
    answer = cloud.client("lambda").invoke(FunctionName="sources:Critical", Payload=json.dumps(event))
    (outcome,) = json.loads(answer["Payload"].read())["outcomes"]
    return dict(outcome)


def publish(cloud: LocalCloud, message: str, subject: str) -> None:
    """Tell the topic."""
    arn = cloud.client("sns").create_topic(Name="ops")["TopicArn"]
    cloud.client("sns").publish(TopicArn=arn, Message=message, Subject=subject)


def send(cloud: LocalCloud, body: str) -> None:
    """Tell the queue."""
    queue = cloud.client("sqs")
    queue.send_message(QueueUrl=queue.get_queue_url(QueueName="signals")["QueueUrl"], MessageBody=body)


def put(cloud: LocalCloud, name: str) -> None:
    """Tell the event bus."""
    event = sample(name)
    event = event.get("recovered", event)
    entry = {
        "Source": event["source"],
        "DetailType": event["detail-type"],
        "Detail": json.dumps(event["detail"]),
        "Resources": event["resources"],
    }
    assert cloud.client("events").put_events(Entries=[entry])["FailedEntryCount"] == 0


def resolved(cloud: LocalCloud, record: dict[str, Any]) -> bool:
    """Wait until an incident is resolved."""
    deadline = time.monotonic() + 15
    client = cloud.client("ssm-incidents")
    while time.monotonic() < deadline:
        if client.get_incident_record(arn=record["arn"])["incidentRecord"]["status"] == "RESOLVED":
            return True
        time.sleep(0.2)
    return False


def test_an_alarm(cloud: LocalCloud) -> None:
    """By its own action."""
    client = cloud.client("cloudwatch")
    client.set_alarm_state(AlarmName="Errors", StateValue="ALARM", StateReason="drill")
    record = cloud.wait_for_incident(title="Errors")
    client.set_alarm_state(AlarmName="Errors", StateValue="OK", StateReason="drill")
    assert resolved(cloud, record)


def test_an_event_and_the_event_that_says_it_is_over(cloud: LocalCloud) -> None:
    """Two rules, two detail types, one cause by the route's deduplication key."""
    put(cloud, "eventbridge_custom")
    record = cloud.wait_for_incident(title="Payment provider down (shop.checkout)")
    put(cloud, "eventbridge_recovered")
    assert resolved(cloud, record)


def test_a_text_of_a_topic(cloud: LocalCloud) -> None:
    """Its subject is the title."""
    publish(cloud, "97%", "Disk full on db-1")
    assert cloud.wait_for_incident(title="Disk full on db-1")["status"] == "OPEN"


def test_an_alarms_message_of_a_topic_and_its_recovery_by_a_queue(cloud: LocalCloud) -> None:
    """What an alarm publishes is the alarm, by whichever way."""
    told = sample("sns_alarm_composite")["Records"][0]["Sns"]
    publish(cloud, told["Message"], told["Subject"])
    record = cloud.wait_for_incident(title="CompositeDemo.Main")
    over = json.loads(told["Message"])
    over |= {"NewStateValue": "OK", "StateChangeTime": "2023-08-04T13:56:46.138+0000"}
    send(cloud, json.dumps(over))
    assert resolved(cloud, record)


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("sqs_raw_text", "Disk /data of db-1 is 97% full."),
        ("sqs_raw_json", "Disk full"),
        ("sqs_sns_alarm", "ServerCpuTooHigh: Goes into alarm when server CPU utilization is too high!"),
    ],
)
def test_a_queue(cloud: LocalCloud, name: str, title: str) -> None:
    """A text, any JSON, a topic's envelope."""
    send(cloud, sample(name)["Records"][0]["body"])
    assert cloud.wait_for_incident(title=title)["status"] == "OPEN"


@pytest.mark.parametrize(
    ("opening", "closing", "title"),
    [
        ("health_issue", "health_issue_closed", "AWS Health: EC2 operational issue in af-south-1"),
        (
            "devops_guru_open",
            "devops_guru_closed",
            "DevOps Guru: ApiGateway 5XXError Anomalous In Stack TestStack (high)",
        ),
        ("manual", "manual_resolved", "Checkout is down"),
    ],
)
def test_services_and_people(cloud: LocalCloud, opening: str, closing: str, title: str) -> None:
    """What opens, opens once; what closes it resolves it. The caller is told."""
    started = call(cloud, sample(opening))
    assert started["outcome"] == "started"
    assert cloud.wait_for_incident(title=title)["arn"] == started["incident_record_arn"]
    assert call(cloud, sample(opening))["outcome"] == "joined"
    assert call(cloud, sample(closing)) == {
        "outcome": "resolved",
        "incident_record_arn": started["incident_record_arn"],
        "reason": "",
    }


@pytest.mark.parametrize("name", ["eventbridge_alarm_configuration_change", "sqs_subscription_confirmation"])
def test_what_means_no_trouble(cloud: LocalCloud, name: str) -> None:
    """It is ignored, with a reason."""
    event = sample(name)
    event = json.loads(event["Records"][0]["body"]) if "Records" in event else event
    outcome = call(cloud, event)
    assert outcome["outcome"] == "ignored"
    assert outcome["reason"]
