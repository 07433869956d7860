"""One loopback AWS for all tests here, and what they need to talk to it. Names are each test's own."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import time
import uuid
import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.request import Request, urlopen

import boto3
import pytest
from botocore.config import Config

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

ACCOUNT = "000000000000"
REGION = "us-east-1"
READY_S = 30
_DONE = ("COMPLETE", "FAILED")


@dataclass
class Aws:
    """A running server, seen from outside."""

    url: str
    clients: dict[tuple[str, ...], Any] = field(default_factory=dict)

    def client(
        self, service: str, region: str = REGION, key: str = "test", *, token: tuple[str, str] = ("test", "")
    ) -> Any:
        """Give a client that does not retry; `token` is a secret and a session token."""
        name = (service, region, key)
        if name not in self.clients:
            self.clients[name] = boto3.client(
                service,
                region_name=region,
                endpoint_url=self.url,
                aws_access_key_id=key,
                aws_secret_access_key=token[0],
                aws_session_token=token[1] or None,
                config=Config(retries={"total_max_attempts": 1}, read_timeout=5, parameter_validation=False),
            )
        return self.clients[name]

    def control(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        """Ask on the control path."""
        data = json.dumps(body).encode() if body is not None else None
        with urlopen(Request(f"{self.url}/_cdk_incidents/{path}", data, method=method), timeout=30) as answer:  # noqa: S310
            result: dict[str, Any] = json.load(answer)
        return result

    def plan(self, **template: Any) -> str:
        """Make a response plan of a new name."""
        created = self.client("ssm-incidents").create_response_plan(
            name=unique("plan"), incidentTemplate={"title": "A plan's title", "impact": 3, **template}
        )
        arn: str = created["arn"]
        return arn

    def start(self, plan: str, **details: Any) -> str:
        """Start an incident."""
        arn: str = self.client("ssm-incidents").start_incident(responsePlanArn=plan, **details)[
            "incidentRecordArn"
        ]
        return arn

    def record(self, arn: str) -> dict[str, Any]:
        """Give an incident record."""
        found: dict[str, Any] = self.client("ssm-incidents").get_incident_record(arn=arn)["incidentRecord"]
        return found

    def role(self, *statements: dict[str, Any]) -> str:
        """Make a role that anybody may assume, and that may do what the statements say."""
        name, iam = unique("role"), self.client("iam")
        trust = {
            "Effect": "Allow",
            "Principal": {"AWS": "*", "Service": "lambda.amazonaws.com"},
            "Action": "sts:AssumeRole",
        }
        document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
        arn: str = iam.create_role(RoleName=name, AssumeRolePolicyDocument=document)["Role"]["Arn"]
        policy = {"Version": "2012-10-17", "Statement": list(statements)}
        if statements:
            iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=json.dumps(policy))
        return arn

    def as_role(self, role_arn: str, service: str = "ssm-incidents") -> Any:
        """Give a client that acts as a role."""
        given = self.client("sts").assume_role(RoleArn=role_arn, RoleSessionName="test")["Credentials"]
        token = (given["SecretAccessKey"], given["SessionToken"])
        return self.client(service, key=given["AccessKeyId"], token=token)

    def topic(self, *, service: str = "ssm-incidents.amazonaws.com", account: str = ACCOUNT) -> str:
        """Make a topic to which a service may publish for an account, and give its ARN."""
        sns = self.client("sns")
        arn: str = sns.create_topic(Name=unique("topic"))["TopicArn"]
        allowed = {
            "Effect": "Allow",
            "Principal": {"Service": service},
            "Action": "sns:Publish",
            "Resource": arn,
            "Condition": {"StringEquals": {"aws:SourceAccount": account}},
        }
        policy = json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
        sns.set_topic_attributes(TopicArn=arn, AttributeName="Policy", AttributeValue=policy)
        return arn

    def contact(
        self, *channels: str, stages: Sequence[tuple[int, int]] = ((0, 0),), active: bool = True
    ) -> str:
        """Make a person with channels of some types; a stage has a duration and a retry interval.

        Without `stages`, all channels are paged at once and once.
        """
        contacts, alias = self.client("ssm-contacts"), unique("person")
        arn: str = contacts.create_contact(Alias=alias, Type="PERSONAL", Plan={"Stages": []})["ContactArn"]
        made = [self.channel(arn, kind, active=active) for kind in channels]
        plan = [
            {
                "DurationInMinutes": minutes,
                "Targets": [
                    {"ChannelTargetInfo": {"ContactChannelId": c, "RetryIntervalInMinutes": retry}}
                    for c in made
                ],
            }
            for minutes, retry in stages
        ]
        if made:
            contacts.update_contact(ContactId=arn, Plan={"Stages": plan})
        return arn

    def channel(self, contact: str, kind: str = "SMS", *, active: bool = True) -> str:
        """Give a person a channel."""
        contacts = self.client("ssm-contacts")
        address = "a@example.com" if kind == "EMAIL" else "+4915112345678"
        arn: str = contacts.create_contact_channel(
            ContactId=contact, Name=f"{kind} of it", Type=kind, DeliveryAddress={"SimpleAddress": address}
        )["ContactChannelArn"]
        if active:
            code = self.control("GET", "codes")["codes"][arn]
            contacts.activate_contact_channel(ContactChannelId=arn, ActivationCode=code)
        return arn

    def advance(self, *, minutes: float) -> None:
        """Move the clock."""
        self.control("POST", "clock", {"advance_s": minutes * 60})

    def pages(self, incident: str) -> list[tuple[str, str, float]]:
        """Give (contact, channel, minutes) of each page for an incident or an engagement."""
        return [
            (page["contact"], page["channel"], round(page["after_s"] / 60, 1))
            for page in self.control("GET", "pages")["pages"]
            if incident in (page["incident_record_arn"], page["engagement_arn"])
        ]

    def queue(self) -> tuple[str, str]:
        """Make a queue and give its URL and ARN."""
        sqs = self.client("sqs")
        url = sqs.create_queue(QueueName=unique("queue"))["QueueUrl"]
        arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        allowed = {"Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage", "Resource": arn}
        policy = json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
        sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
        return url, arn

    def messages(self, url: str, count: int = 1, within_s: float = 20) -> list[dict[str, Any]]:
        """Wait for messages, and give their JSON bodies."""
        found: list[dict[str, Any]] = []

        def receive() -> bool:
            got = self.client("sqs").receive_message(QueueUrl=url, MaxNumberOfMessages=10)
            found.extend(json.loads(message["Body"]) for message in got.get("Messages", []))
            return len(found) >= count

        wait_until(receive, within_s)
        return found


@dataclass
class Function:
    """A function with an alias `live`, which writes a line into a file at each invocation."""

    aws: Aws
    name: str
    file: str
    arn: str

    @property
    def alias(self) -> str:
        """The ARN of the alias."""
        return f"{self.arn}:live"

    def permit(
        self, qualifier: str = "live", principal: str = "lambda.alarms.cloudwatch.amazonaws.com"
    ) -> None:
        """Let CloudWatch alarms of this account invoke a qualifier, or the function itself."""
        given = {"Qualifier": qualifier} if qualifier else {}
        self.aws.client("lambda").add_permission(
            FunctionName=self.name,
            StatementId=unique("s"),
            Action="lambda:InvokeFunction",
            Principal=principal,
            SourceAccount=ACCOUNT,
            **given,
        )

    def told(self, count: int = 1) -> list[dict[str, Any]]:
        """Wait for invocations and give {arn, event} of each."""
        return lines(self.file, count)


_CODE = """
import json, os
def handler(event, context):
    told = {"arn": context.invoked_function_arn, "event": event}
    with open(os.environ["TOLD"], "a") as file:
        file.write(json.dumps(told) + "\\n")
    if os.environ.get("FAIL"):
        raise RuntimeError("as asked for")
"""


def unique(prefix: str) -> str:
    """Make a name that nothing else has."""
    return f"{prefix}-{uuid.uuid4().hex[:10]}"


def wait_until(holds: Callable[[], bool], within_s: float = 20) -> None:
    """Wait until something holds, or fail."""
    until = time.monotonic() + within_s
    while not holds():
        assert time.monotonic() < until, f"not within {within_s} s"
        time.sleep(0.05)


def lines(file: str, count: int = 1, within_s: float = 20) -> list[dict[str, Any]]:
    """Wait for a file to have that many lines, and give what they say."""
    path = Path(file)
    wait_until(lambda: path.exists() and len(path.read_text().splitlines()) >= count, within_s)
    return [json.loads(line) for line in path.read_text().splitlines()]


class Stack:
    """One stack, created, updated and deleted through CloudFormation's API."""

    def __init__(self, aws: Aws, key: str = "test") -> None:
        self.aws = aws
        self.name = unique("stack")
        self._client = aws.client("cloudformation", key=key)

    def deploy(self, resources: dict[str, Any], **outputs: Any) -> str:
        """Create or update the stack and give its status."""
        template = {"Resources": resources}
        if outputs:
            template["Outputs"] = {name: {"Value": value} for name, value in outputs.items()}
        known = any(s["StackName"] == self.name for s in self._client.describe_stacks()["Stacks"])
        change = self._client.update_stack if known else self._client.create_stack
        change(StackName=self.name, TemplateBody=json.dumps(template))
        return self._wait()

    def delete(self) -> None:
        """Delete the stack."""
        self._client.delete_stack(StackName=self.name)
        wait_until(
            lambda: not any(s["StackName"] == self.name for s in self._client.describe_stacks()["Stacks"])
        )

    def _wait(self) -> str:
        def status() -> str:
            found: str = self._client.describe_stacks(StackName=self.name)["Stacks"][0]["StackStatus"]
            return found

        wait_until(lambda: status().endswith(_DONE) and "CLEANUP" not in status(), 40)
        return status()

    @property
    def outputs(self) -> dict[str, str]:
        """The outputs."""
        stack = self._client.describe_stacks(StackName=self.name)["Stacks"][0]
        return {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}

    def events(self, logical_id: str) -> list[tuple[str, str]]:
        """Give (status, reason) of a resource, oldest first."""
        return [(status, reason) for name, status, reason in self._events() if name == logical_id]

    def statuses(self) -> list[tuple[str, str]]:
        """Give (resource, status) of each event, oldest first."""
        return [(name, status) for name, status, _ in self._events()]

    def _events(self) -> list[tuple[str, str, str]]:
        events = self._client.describe_stack_events(StackName=self.name)["StackEvents"]
        told = ("LogicalResourceId", "ResourceStatus", "ResourceStatusReason")
        return [(e[told[0]], e[told[1]], e.get(told[2], "")) for e in reversed(events)]


@pytest.fixture(scope="session")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Aws]:
    """Give one server for the whole run."""
    folder = tmp_path_factory.mktemp("cloud")
    command = [sys.executable, "-m", "cdk_incidents.local._server", "--dir", str(folder), "--watch-stdin"]
    command += ["--retry-base-s", "0.02"]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log)
    assert process.stdin
    assert process.stdout
    port = json.loads(process.stdout.readline())["port"]
    cloud = Aws(f"http://127.0.0.1:{port}")
    yield cloud
    for client in cloud.clients.values():
        client.close()
    process.stdin.close()
    process.wait(READY_S)
    process.stdout.close()


@pytest.fixture
def incidents(aws: Aws) -> Any:
    """Give a client of Incident Manager that may do everything."""
    return aws.client("ssm-incidents")


@pytest.fixture
def make_function(aws: Aws, tmp_path: Path) -> Callable[..., Function]:
    """Give what makes functions."""

    def make(
        *statements: dict[str, Any], handler: str = "index.handler", code: str = _CODE, **environment: str
    ) -> Function:
        name = unique("fn")
        file = str(tmp_path / name)
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w") as packed:
            packed.writestr("index.py", code)
        made = aws.client("lambda").create_function(
            FunctionName=name,
            Runtime="python3.13",
            Handler=handler,
            Role=aws.role(*statements),
            Code={"ZipFile": archive.getvalue()},
            Environment={"Variables": {"TOLD": file, **environment}},
            Publish=True,
        )
        aws.client("lambda").create_alias(FunctionName=name, Name="live", FunctionVersion="1")
        return Function(aws, name, file, made["FunctionArn"].removesuffix(":1"))

    return make


@pytest.fixture
def stack(aws: Aws) -> Stack:
    """Give a stack that does not exist yet."""
    return Stack(aws)
