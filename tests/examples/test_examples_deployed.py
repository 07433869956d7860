"""Every example on the loopback AWS: what it promises, seen."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pytest

from cdk_incidents.local import LocalCloud
from cdk_incidents.local.stand_ins import Import, create_stand_ins

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.examples.conftest import Run

    Deploy = Callable[[str], list[str]]

README = Path(__file__).parents[2] / "README.md"
# One process runs every example for both modules.
pytestmark = pytest.mark.xdist_group("examples")


@pytest.fixture(scope="module")
def cloud() -> Iterator[LocalCloud]:
    """Give a cloud."""
    with LocalCloud() as running:
        yield running


@pytest.fixture
def deploy(cloud: LocalCloud, runs: dict[str, Run]) -> Iterator[Deploy]:
    """Deploy an example's stacks with every channel activated, and delete them afterwards."""
    made: list[str] = []

    def deploy(name: str) -> list[str]:
        for template in runs[name].templates:
            stack = template.name.partition(".")[0]
            cloud.create_stack(stack, json.loads(template.read_text()), assets=runs[name].assembly)
            made.append(stack)
        cloud.activate_channels()
        return made

    yield deploy
    for stack in reversed(made):
        cloud.delete_stack(stack)


def start(cloud: LocalCloud) -> str:
    """Start an incident of the only plan there is, and return its ARN."""
    service = cloud.client("ssm-incidents")
    (plan,) = service.list_response_plans()["responsePlanSummaries"]
    arn: str = service.start_incident(responsePlanArn=plan["arn"])["incidentRecordArn"]
    return arn


def paged(cloud: LocalCloud, incident: str) -> list[tuple[str, str, float]]:
    """Return who was paged for an incident, how, and after how many minutes."""
    cloud.clock.play_out()
    return [
        (page["contact"].split("-")[1], page["channel"], round(page["after_s"] / 60))
        for page in cloud.pages
        if page["incident_record_arn"] == incident
    ]


class Fixture:
    """The fixture `local_cloud`, but that the quickstart is deployed without the CLI."""

    def __init__(self, cloud: LocalCloud, deploy: Deploy) -> None:
        self._deploy = deploy
        self.client = cloud.client
        self.wait_for_incident = cloud.wait_for_incident

    def deploy(self, command: str) -> None:
        """Deploy it, by whatever command."""
        assert command
        self._deploy("quickstart")


def test_the_readmes_test_passes(cloud: LocalCloud, deploy: Deploy) -> None:
    """What the README shows as a user's own test passes on the quickstart."""
    (code,) = re.findall(r"^```python\n(def test_.+?)^```$", README.read_text(), re.MULTILINE | re.DOTALL)
    names: dict[str, Any] = {}
    exec(code, names)  # noqa: S102 - our own README
    names["test_alarm_opens_an_incident"](Fixture(cloud, deploy))


def test_on_call_team(cloud: LocalCloud, deploy: Deploy) -> None:
    """Who is on call is paged by e-mail and SMS, then called; after a quarter of an hour the lead is."""
    deploy("on_call_team")
    pages = paged(cloud, start(cloud))
    first = pages[0][0]
    assert first in {"ada", "grace", "edsger"}
    assert pages[:2] == [(first, "EMAIL", 0), (first, "SMS", 0)]
    assert (first, "VOICE", 5) in pages
    assert ("barbara", "EMAIL", 15) in pages
    assert {who for who, _, _ in pages} == {first, "barbara"}


def test_runbook(cloud: LocalCloud, deploy: Deploy) -> None:
    """The runbook starts with the incident, and is told which."""
    deploy("runbook")
    incident = start(cloud)
    (run,) = [run for run in cloud.runbook_executions if run["incident_record_arn"] == incident]
    assert run["problem"] == ""
    assert run["parameters"] == {"Incident": [incident], "Service": ["checkout"]}


def test_slack(cloud: LocalCloud, deploy: Deploy) -> None:
    """The channel's topic and the status page's are told of the incident."""
    deploy("slack")
    queues = {arn: subscribed_queue(cloud, arn) for arn in topics(cloud)}
    start(cloud)
    for arn, url in queues.items():
        told = cloud.client("sqs").receive_message(QueueUrl=url, WaitTimeSeconds=2).get("Messages", [])
        assert ["Checkout is failing" in message["Body"] for message in told] == [True], arn


def topics(cloud: LocalCloud) -> list[str]:
    """Return the ARNs of all topics."""
    return [topic["TopicArn"] for topic in cloud.client("sns").list_topics()["Topics"]]


def subscribed_queue(cloud: LocalCloud, topic: str) -> str:
    """Return the URL of a queue that gets what a topic is told."""
    sqs = cloud.client("sqs")
    url: str = sqs.create_queue(QueueName=topic.rpartition(":")[2])["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    statement = {"Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage", "Resource": arn}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
    cloud.client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    return url


def test_pagerduty(cloud: LocalCloud, deploy: Deploy) -> None:
    """The plan names PagerDuty's service and the secret, not its value."""
    deploy("pagerduty")
    service = cloud.client("ssm-incidents")
    (plan,) = service.list_response_plans()["responsePlanSummaries"]
    (integration,) = service.get_response_plan(arn=plan["arn"])["integrations"]
    assert integration["pagerDutyConfiguration"] == {
        "name": "checkout",
        "pagerDutyIncidentConfiguration": {"serviceId": "PABC123"},
        "secretId": "incident-manager/pagerduty",
    }


def test_sharing(cloud: LocalCloud, deploy: Deploy) -> None:
    """An account that the plan is shared with opens its incident, in the owner's account."""
    deploy("sharing")
    (plan,) = cloud.client("ssm-incidents").list_response_plans()["responsePlanSummaries"]
    theirs = as_account(cloud, "444455556666")
    arn = theirs.start_incident(responsePlanArn=plan["arn"])["incidentRecordArn"]
    assert ":000000000000:incident-record/platform/" in arn


def as_account(cloud: LocalCloud, account: str) -> Any:
    """Return a client of another account of the cloud."""
    return boto3.client(
        "ssm-incidents",
        region_name="us-east-1",
        endpoint_url=cloud.endpoint_url,
        aws_access_key_id=account,
        aws_secret_access_key="test",
    )


def test_imported(cloud: LocalCloud, deploy: Deploy) -> None:
    """The alarm opens an incident of the plan that was there, and the event one that pages who was there."""
    plan = Import("AWS::SSMIncidents::ResponsePlan", "", "checkout")
    contact = Import("AWS::SSMContacts::Contact", "us-east-1", "on-call")
    create_stand_ins(cloud.client, [plan, contact])
    deploy("imported")
    alarms = cloud.client("cloudwatch")
    (alarm,) = alarms.describe_alarms(AlarmNamePrefix="Imported-")["MetricAlarms"]
    alarms.set_alarm_state(AlarmName=alarm["AlarmName"], StateValue="ALARM", StateReason="test")
    opened = cloud.wait_for_incident(title="checkout")
    assert ":incident-record/checkout/" in opened["arn"]
    event = {"Source": "com.example.search", "DetailType": "Index failed", "Detail": "{}"}
    cloud.client("events").put_events(Entries=[event])
    slow = cloud.wait_for_incident(title="Search is slow")
    assert [page["contact"] for page in cloud.pages if page["incident_record_arn"] == slow["arn"]] == [
        "on-call"
    ]


def test_multi_region(runs: dict[str, Run]) -> None:
    """Each Region's plan waits for the set, and its incidents stand beside the other's."""
    templates = {path.name.partition(".")[0]: path for path in runs["multi_region"].templates}
    with LocalCloud(replication_set=False) as cloud:
        cloud.create_stack("Foundation", json.loads(templates.pop("Foundation").read_text()))
        for name, template in templates.items():
            region = name.removeprefix("Checkout-")
            cloud.create_stack(name, json.loads(template.read_text()), region=region)
        plans = cloud.client("ssm-incidents").list_response_plans()["responsePlanSummaries"]
        for plan in plans:
            cloud.client("ssm-incidents").start_incident(responsePlanArn=plan["arn"])
        titles = {record["title"] for record in cloud.incidents()}
    assert titles == {"Checkout is failing in us-east-1", "Checkout is failing in eu-west-1"}


def test_monitoring(cloud: LocalCloud, deploy: Deploy) -> None:
    """Each alarm opens an incident of the plan for how bad it is."""
    deploy("monitoring")
    alarms = cloud.client("cloudwatch")
    found = alarms.describe_alarms(AlarmNamePrefix="Shop-")["MetricAlarms"]
    for alarm in found:
        alarms.set_alarm_state(AlarmName=alarm["AlarmName"], StateValue="ALARM", StateReason="test")
    opened = {
        alarm["AlarmName"].rpartition("-")[2]: cloud.wait_for_incident(title=title)["incidentRecordSource"]
        for alarm, title in zip(found, ["Orders are lost", "Orders wait"], strict=True)
    }
    assert {how_bad: source["resourceArn"].endswith(how_bad) for how_bad, source in opened.items()} == {
        "Critical": True,
        "Warning": True,
    }
