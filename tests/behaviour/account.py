"""An account as the rules see it: clients that are guarded and paced, and short ways to make things."""

from __future__ import annotations

import json
import time
import uuid
from typing import TYPE_CHECKING, Any

from botocore.config import Config
from botocore.exceptions import ClientError

from .guard import PREFIX, Guard

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from .pace import Pace

MAIL, PHONE = "verify@example.com", "+12025550123"
# None starts more than five incidents: the 200 of a plan's month are enough.
_USES_OF_A_PLAN = 40
_POLL_S, _MOMENT_S, _LATE_S, _LATE_HERE_S = 0.5, 15.0, 30.0, 3.0


class Aws:
    """One account in one Region, and this run's share of it.

    Parameters
    ----------
    session
        boto3's, with the credentials
    account
        its id
    regions
        those of its replication set, the one that is worked in first
    pace
        how fast calls may come
    endpoint_url
        where it answers, if that is not AWS
    attempts
        how often boto3 tries a call that was throttled
    """

    def __init__(
        self,
        session: Any,
        *,
        account: str,
        regions: Sequence[str],
        pace: Pace,
        endpoint_url: str | None = None,
        attempts: int = 5,
    ) -> None:
        self.account, self.regions = account, list(regions)
        self.run = f"{PREFIX}{uuid.uuid4().hex[:8]}"
        self._session, self._endpoint_url = session, endpoint_url
        self._guard, self._pace = Guard(self.run), pace
        self._config = Config(
            retries={"mode": "standard", "total_max_attempts": attempts},
            connect_timeout=10,
            read_timeout=30,
            # The service answers, not boto3.
            parameter_validation=False,
        )
        self._clients: dict[tuple[str, str], Any] = {}
        self._role, self._role_wait_s = "", 60.0
        self._shared, self._uses = "", 0
        self._names = 0

    @property
    def region(self) -> str:
        """The Region that is worked in."""
        return self.regions[0]

    @property
    def outside(self) -> str:
        """A Region of the service that the replication set lacks."""
        return next(
            r for r in ("eu-central-1", "us-east-2", "ap-south-1", "eu-north-1") if r not in self.regions
        )

    def client(self, service: str, region: str = "") -> Any:
        """Give a client that is guarded and paced."""
        key = (service, region or self.region)
        if key not in self._clients:
            self._clients[key] = self._watched(*key)
        return self._clients[key]

    def unguarded(self, service: str, region: str) -> Any:
        """Give a client that is paced only, for what looks at each name by itself."""
        key = (f"unguarded {service}", region)
        if key not in self._clients:
            client = self._client(service, region)
            client.meta.events.register("before-send", self._send)
            self._clients[key] = client
        return self._clients[key]

    def close(self) -> None:
        """Close the clients."""
        for client in self._clients.values():
            client.close()

    def _watched(self, service: str, region: str, **credentials: str) -> Any:
        client = self._client(service, region, **credentials)
        client.meta.events.register("before-parameter-build", self._before)
        client.meta.events.register("before-send", self._send)
        client.meta.events.register("after-call", self._after)
        return client

    def _client(self, service: str, region: str, **credentials: str) -> Any:
        return self._session.client(
            service,
            region_name=region,
            endpoint_url=self._endpoint_url,
            config=self._config,
            **credentials,
        )

    def _before(self, params: dict[str, Any], model: Any, **_: Any) -> None:
        self._guard.look(model.service_model.service_name, model.name, params)

    def _send(self, event_name: str, **_: Any) -> None:
        self._pace.keep(event_name.rpartition(".")[2])

    def _after(self, parsed: dict[str, Any], **_: Any) -> None:
        self._guard.made(parsed)

    @property
    def incidents(self) -> Any:
        """The client of Incident Manager."""
        return self.client("ssm-incidents")

    @property
    def contacts(self) -> Any:
        """The client of its contacts."""
        return self.client("ssm-contacts")

    # Names

    def name(self, kind: str) -> str:
        """Make a name that nothing else has, and that tells whose it is."""
        self._names += 1
        return f"{self.run}-{kind}-{self._names}"

    def title(self, text: str) -> str:
        """Make a title by which what is left of an incident can be found: its OpsItem has it."""
        return f"{text} ({self.run})"

    def arn(self, resource: str) -> str:
        """Name something of Incident Manager, which names no Region."""
        return f"arn:aws:ssm-incidents::{self.account}:{resource}"

    def contact_arn(self, alias: str) -> str:
        """Name a contact."""
        return f"arn:aws:ssm-contacts:{self.region}:{self.account}:contact/{alias}"

    # Waiting

    def eventually(self, check: Callable[[], Any], within_s: float = 0) -> Any:
        """Wait for what the service may not show at once, and give it; what came last if it does not."""
        until = time.monotonic() + (within_s or (_LATE_S if self._is_slow else _LATE_HERE_S))
        while not (found := check()) and time.monotonic() < until:
            time.sleep(_POLL_S)
        return found

    def soon(self, check: Callable[[], Any]) -> Any:
        """Give what may come by itself in a moment, or never: a loopback AWS needs no moment."""
        return self.eventually(check, _MOMENT_S) if self._is_slow else check()

    @property
    def _is_slow(self) -> bool:
        """Whether calls have to come one after the other: a real account."""
        return self._pace.writes_per_second > 0

    def code(self, call: Callable[..., Any], **asked: Any) -> str:
        """Tell what error a call gets; empty if it gets none."""
        try:
            call(**asked)
        except ClientError as error:
            return str(error.response["Error"]["Code"])
        return ""

    # Incident Manager

    def plan(self, *, engage: Sequence[str] = (), chat: str = "", notify: str = "", **template: Any) -> str:
        """Make a response plan."""
        if notify:
            template["notificationTargets"] = [{"snsTopicArn": notify}]
        more: dict[str, Any] = {"engagements": list(engage)} if engage else {}
        if chat:
            more["chatChannel"] = {"chatbotSns": [chat]}
        created = self.incidents.create_response_plan(
            name=self.name("plan"),
            incidentTemplate={"title": self.title("A plan's title"), "impact": 3, **template},
            **more,
        )
        arn: str = created["arn"]
        return arn

    def start(self, plan: str = "", **details: Any) -> str:
        """Start an incident, of the shared plan unless another is given."""
        plan = plan or self.shared_plan()
        arn: str = self.incidents.start_incident(responsePlanArn=plan, **details)["incidentRecordArn"]
        return arn

    def shared_plan(self) -> str:
        """Give a plan for tests that change none: plans cost by the month."""
        if self._uses % _USES_OF_A_PLAN == 0:
            self._shared = self.plan()
        self._uses += 1
        return self._shared

    def record(self, arn: str) -> dict[str, Any]:
        """Give an incident record."""
        found: dict[str, Any] = self.incidents.get_incident_record(arn=arn)["incidentRecord"]
        return found

    def resolve(self, arn: str) -> None:
        """Resolve an incident."""
        self.incidents.update_incident_record(arn=arn, status="RESOLVED")

    def related(self, arn: str, kind: str) -> list[dict[str, Any]]:
        """Give the related items of one type, when there are any."""

        def of_kind() -> list[dict[str, Any]]:
            pages = self.incidents.get_paginator("list_related_items").paginate(incidentRecordArn=arn)
            items = [item for page in pages for item in page["relatedItems"]]
            return [item for item in items if item["identifier"]["type"] == kind]

        found: list[dict[str, Any]] = self.eventually(of_kind) if kind == "PARENT" else of_kind()
        return found

    def parent(self, arn: str) -> str:
        """Give the id of an incident's OpsItem."""
        (item,) = self.related(arn, "PARENT")
        number: str = item["identifier"]["value"]["arn"].rpartition("/")[2]
        self._guard.own(number)
        return number

    # Contacts

    def person(self, *kinds: str, stages: Sequence[tuple[int, int]] = ((0, 0),), **more: Any) -> str:
        """Make a person with channels that nobody has activated.

        Each stage, a duration and a retry interval in minutes, has all of them.
        """
        asked = {"Alias": self.name("person"), "Type": "PERSONAL", "Plan": {"Stages": []}, **more}
        arn: str = self.contacts.create_contact(**asked)["ContactArn"]
        channels = [self.channel(arn, kind) for kind in kinds]
        if channels:
            plan = [
                {
                    "DurationInMinutes": minutes,
                    "Targets": [
                        {"ChannelTargetInfo": {"ContactChannelId": c, "RetryIntervalInMinutes": retry}}
                        for c in channels
                    ],
                }
                for minutes, retry in stages
            ]
            self.contacts.update_contact(ContactId=arn, Plan={"Stages": plan})
        return arn

    def channel(self, person: str, kind: str = "SMS", address: str = "") -> str:
        """Give a person a channel whose code is not sent."""
        arn: str = self.contacts.create_contact_channel(
            ContactId=person,
            Name=f"{kind} of it",
            Type=kind,
            DeliveryAddress={"SimpleAddress": address or (MAIL if kind == "EMAIL" else PHONE)},
            DeferActivation=True,
        )["ContactChannelArn"]
        return arn

    def escalation(self, *stages: tuple[int, dict[str, bool]]) -> str:
        """Make an escalation plan of stages: minutes, and contacts with whether each is essential."""
        plan = [
            {
                "DurationInMinutes": minutes,
                "Targets": [
                    {"ContactTargetInfo": {"ContactId": arn, "IsEssential": essential}}
                    for arn, essential in targets.items()
                ],
            }
            for minutes, targets in stages
        ]
        arn: str = self.contacts.create_contact(
            Alias=self.name("escalation"), Type="ESCALATION", Plan={"Stages": plan}
        )["ContactArn"]
        return arn

    def rotation(self, people: Sequence[str], **asked: Any) -> str:
        """Make a rotation; its name has no hyphens."""
        name = self.name("rotation").replace("-", "_")
        arn: str = self.contacts.create_rotation(Name=name, ContactIds=list(people), **asked)["RotationArn"]
        return arn

    def schedule(self, *rotations: str) -> str:
        """Make an on-call schedule of rotations."""
        arn: str = self.contacts.create_contact(
            Alias=self.name("schedule"), Type="ONCALL_SCHEDULE", Plan={"RotationIds": list(rotations)}
        )["ContactArn"]
        return arn

    # What stands around

    def ops_item(self, title: str = "Of one's own", region: str = "", **more: Any) -> str:
        """Make an OpsItem and give its id."""
        asked = {"Title": self.title(title), "Description": "d", "Source": "verify", **more}
        number: str = self.client("ssm", region).create_ops_item(**asked)["OpsItemId"]
        return number

    def topic(self, *, service: str = "ssm-incidents.amazonaws.com", account: str = "") -> str:
        """Make a topic to which a service may publish for an account."""
        sns = self.client("sns")
        arn: str = sns.create_topic(Name=self.name("topic"))["TopicArn"]
        held = {"StringEquals": {"aws:SourceAccount": account or self.account}}
        policy = _policy(_statement("sns:Publish", arn, Principal={"Service": service}, Condition=held))
        sns.set_topic_attributes(TopicArn=arn, AttributeName="Policy", AttributeValue=policy)
        return arn

    def heard_topic(self) -> tuple[str, str]:
        """Make such a topic with a queue behind it, and give its ARN and the queue's URL."""
        topic, sqs = self.topic(), self.client("sqs")
        url: str = sqs.create_queue(QueueName=self.name("queue"))["QueueUrl"]
        arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        held = {"ArnEquals": {"aws:SourceArn": topic}}
        sns = {"Service": "sns.amazonaws.com"}
        policy = _policy(_statement("sqs:SendMessage", arn, Principal=sns, Condition=held))
        sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
        raw = {"RawMessageDelivery": "true"}
        self.client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn, Attributes=raw)
        return topic, url

    def heard(self, url: str, count: int) -> list[str]:
        """Wait for so many messages, and give their texts."""
        found: list[str] = []

        def receive() -> bool:
            found.extend(self.heard_now(url))
            return len(found) >= count

        self.eventually(receive)
        return found

    def heard_now(self, url: str) -> list[str]:
        """Give the messages that are there, and take them away."""
        sqs = self.client("sqs")
        got = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])
        for message in got:
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return [message["Body"] for message in got]

    def as_role(self, *statements: dict[str, Any], service: str = "ssm-incidents") -> Any:
        """Give a client that may do what the statements say and nothing else.

        The role, one for the run, may do more; the session's policy narrows it.
        """
        credentials = self._assume(*(statements or [_statement("sts:GetCallerIdentity")]))
        return self._watched(service, self.region, **credentials)

    def _assume(self, *statements: dict[str, Any]) -> dict[str, str]:
        if not self._role:
            self._make_role()
        assume, policy = self.client("sts").assume_role, _policy(*statements)
        asked = {"RoleArn": self._role, "RoleSessionName": "verify", "Policy": policy}
        # IAM takes a new role over only after a while; what it never takes over is waited for once.
        self.eventually(lambda: not self.code(assume, **asked), self._role_wait_s)
        self._role_wait_s = 5.0
        given = assume(**asked)["Credentials"]
        return {
            "aws_access_key_id": given["AccessKeyId"],
            "aws_secret_access_key": given["SecretAccessKey"],
            "aws_session_token": given["SessionToken"],
        }

    def _make_role(self) -> None:
        iam, name = self.client("iam"), self.name("role")
        # A role that a killed run leaves is nobody else's to use, and good for nothing that is not the run's.
        me = self.client("sts").get_caller_identity()["Arn"]
        trust = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": me}}
        made = iam.create_role(RoleName=name, AssumeRolePolicyDocument=_policy(trust))
        own = [self.arn(f"*/{self.run}*"), f"arn:aws:ssm-contacts:*:{self.account}:*/{self.run}*"]
        items = [f"ssm:{verb}OpsItem" for verb in ("Create", "Get", "Update")]
        policy = _policy(
            _statement(["ssm-incidents:*", "ssm-contacts:*"], *own),
            _statement(["ssm-incidents:List*", "ssm:DescribeOpsItems", *items]),
        )
        iam.put_role_policy(RoleName=name, PolicyName="verify", PolicyDocument=policy)
        self._role = made["Role"]["Arn"]
        may = self.as_role(_statement("ssm-incidents:ListResponsePlans"))
        self.eventually(lambda: not self.code(may.list_response_plans), within_s=60)


def _statement(action: str | list[str], *resources: str, **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": list(resources) or "*", **more}


def _policy(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
