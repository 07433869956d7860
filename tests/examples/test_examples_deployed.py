"""Every example on the loopback AWS: what it promises, seen."""

from __future__ import annotations

import json
import re
import time
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pytest

from cdk_incidents.local import LocalCloud
from cdk_incidents.local.stand_ins import Import, create_stand_ins
from tests.loopback.deploying import wait_for_note

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.examples.conftest import Run

    Deploy = Callable[[str], list[str]]

README = Path(__file__).parents[2] / "README.md"
EVENTS = Path(__file__).parents[1] / "events"
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
    """Start an incident of the only plan that pages anybody, and return its ARN."""
    service = cloud.client("ssm-incidents")
    plans = service.list_response_plans()["responsePlanSummaries"]
    (plan,) = [plan for plan in plans if "QuietPlan" not in plan["name"]]
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
    (alarm,) = alarms.describe_alarms(AlarmNamePrefix="Imported-Errors")["MetricAlarms"]
    alarms.set_alarm_state(AlarmName=alarm["AlarmName"], StateValue="ALARM", StateReason="test")
    opened = cloud.wait_for_incident(title="checkout")
    assert ":incident-record/checkout/" in opened["arn"]
    event = {"Source": "com.example.search", "DetailType": "Index failed", "Detail": "{}"}
    cloud.client("events").put_events(Entries=[event])
    slow = cloud.wait_for_incident(title="Search is slow")
    assert [page["contact"] for page in cloud.pages if page["incident_record_arn"] == slow["arn"]] == [
        "on-call"
    ]


def alarm(cloud: LocalCloud, name: str, state: str = "ALARM") -> None:
    """Set an alarm's state."""
    cloud.client("cloudwatch").set_alarm_state(AlarmName=name, StateValue=state, StateReason="test")


def becomes(read: Callable[[], Any], wanted: object, within_s: float = 20) -> None:
    """Wait until something is as it should be, and show what it is if it never is."""
    until = time.monotonic() + within_s
    while read() != wanted and time.monotonic() < until:
        time.sleep(0.1)
    assert read() == wanted


def statuses(cloud: LocalCloud, title: str) -> list[str]:
    """Return the status of each incident of a title."""
    return [record["status"] for record in cloud.incidents() if title in record["title"]]


def test_routing(cloud: LocalCloud, deploy: Deploy) -> None:
    """Two critical alarms are one incident until both recover; a warning is told to the team's topic."""
    deploy("routing")
    (team,) = topics(cloud)
    queue = subscribed_queue(cloud, team)
    alarm(cloud, "shop-NoOrders")
    opened = cloud.wait_for_incident(title="[us-east-1] shop-NoOrders")
    assert opened["impact"] == 1
    alarm(cloud, "shop-PaymentsFail")
    alarm(cloud, "shop-SlowSearch")
    told = cloud.client("sqs").receive_message(QueueUrl=queue, WaitTimeSeconds=10)["Messages"]
    assert ["shop-SlowSearch" in message["Body"] for message in told] == [True]
    wait_for_note(cloud, opened["arn"], "1 more signal has joined")
    alarm(cloud, "shop-NoOrders", "OK")
    # Long enough for a recovery that should not resolve it.
    time.sleep(2)
    assert statuses(cloud, "shop-") == ["OPEN"]
    alarm(cloud, "shop-PaymentsFail", "OK")
    becomes(lambda: statuses(cloud, "shop-"), ["RESOLVED"])


def calendar(**event: datetime) -> str:
    """Return a calendar that is closed but for an event of now, if there is one."""
    inside = [f"{name}:{time:%Y%m%dT%H%M%SZ}" for name, time in event.items()]
    return "\r\n".join(
        [
            *("BEGIN:VCALENDAR", "PRODID:-//AWS//Change Calendar 1.0//EN", "VERSION:2.0"),
            "X-CALENDAR-TYPE:DEFAULT_CLOSED",
            *(["BEGIN:VEVENT", "UID:1", *inside, "END:VEVENT"] if inside else []),
            "END:VCALENDAR",
        ]
    )


def test_maintenance(cloud: LocalCloud, deploy: Deploy) -> None:
    """An alarm in the window starts nothing; when the window ends, and it still stands, its incident does."""
    deploy("maintenance")
    now = datetime.now(timezone.utc)
    ends = now + timedelta(seconds=6)
    cloud.client("ssm").create_document(
        Name="shop-changes",
        DocumentType="ChangeCalendar",
        DocumentFormat="TEXT",
        Content=calendar(DTSTART=now - timedelta(hours=1), DTEND=ends),
    )
    alarm(cloud, "orders-Missing")
    opened = cloud.wait_for_incident(title="orders-Missing", timeout_s=40)
    assert opened["creationTime"] >= ends - timedelta(seconds=1)
    alarm(cloud, "orders-Missing", "OK")
    becomes(lambda: statuses(cloud, "orders-Missing"), ["RESOLVED"])


def test_health(cloud: LocalCloud, deploy: Deploy) -> None:
    """An alarm that nobody has touched opens an incident, and so does AWS Health."""
    create_stand_ins(cloud.client, [Import("AWS::SSMIncidents::ResponsePlan", "", "operations")])
    deploy("health")
    cloud.client("cloudwatch").put_metric_alarm(
        AlarmName="made-by-hand",
        MetricName="Errors",
        Namespace="Shop",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1,
        ComparisonOperator="GreaterThanThreshold",
        Statistic="Sum",
    )
    alarm(cloud, "made-by-hand")
    assert cloud.wait_for_incident(title="made-by-hand")["impact"] == 3
    (function,) = functions(cloud, "Trigger")
    issue = (EVENTS / "health_issue.json").read_bytes()
    cloud.client("lambda").invoke(FunctionName=f"{function}:Aws", InvocationType="Event", Payload=issue)
    assert cloud.wait_for_incident(title="EC2")["impact"] == 2


def functions(cloud: LocalCloud, part: str) -> list[str]:
    """Return the names of functions."""
    found = cloud.client("lambda").list_functions()["Functions"]
    return [one["FunctionName"] for one in found if part in one["FunctionName"]]


def test_custom_events(cloud: LocalCloud, deploy: Deploy) -> None:
    """One incident a provider by whatever way, and the rule for recoveries resolves it."""
    create_stand_ins(cloud.client, [Import("AWS::SSMIncidents::ResponsePlan", "", "shop")])
    deploy("custom_events")

    def tell(kind: str) -> None:
        detail = json.dumps({"provider": "acme", "error": "declined"})
        event = {"Source": "shop.payments", "DetailType": f"Payments {kind}", "Detail": detail}
        cloud.client("events").put_events(Entries=[event])

    tell("failing")
    cloud.wait_for_incident(title="Payments by acme fail: declined")
    tell("working")
    becomes(lambda: statuses(cloud, "Payments by acme"), ["RESOLVED"])
    (partners,) = [arn for arn in topics(cloud) if "Partners" in arn]
    manual = {"title": "Partner bank is down", "triggerDetails": {"source": "partner"}}
    cloud.client("sns").publish(TopicArn=partners, Subject="Partner bank is down", Message="see the phone")
    queue = cloud.client("sqs").list_queues(QueueNamePrefix="CustomEvents-Batch")["QueueUrls"][0]
    cloud.client("sqs").send_message(QueueUrl=queue, MessageBody=json.dumps(manual))
    becomes(lambda: len(statuses(cloud, "Payments by")), 3)


def test_central_trigger(cloud: LocalCloud, deploy: Deploy) -> None:
    """The alarm of the team's stack opens the platform's incident."""
    create_stand_ins(cloud.client, [Import("AWS::SSMIncidents::ResponsePlan", "", "platform")])
    deploy("central_trigger")
    alarm(cloud, "payments-Errors")
    assert cloud.wait_for_incident(title="payments-Errors")["impact"] == 1
    alarm(cloud, "payments-Errors", "OK")
    becomes(lambda: statuses(cloud, "payments-Errors"), ["RESOLVED"])


def test_opscenter(cloud: LocalCloud, deploy: Deploy) -> None:
    """The alarm makes an OpsItem, its recovery resolves it, and no incident starts."""
    deploy("opscenter")

    def items() -> list[tuple[str, str, str]]:
        found = cloud.client("ssm").describe_ops_items()["OpsItemSummaries"]
        return [
            (item["Title"], item["Severity"], item["Status"])
            for item in found
            if item["Title"] == "shop-NoOrders"
        ]

    before = len(cloud.starts)
    alarm(cloud, "shop-NoOrders")
    becomes(items, [("shop-NoOrders", "1", "Open")])
    alarm(cloud, "shop-NoOrders", "OK")
    becomes(items, [("shop-NoOrders", "1", "Resolved")])
    assert len(cloud.starts) == before


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
