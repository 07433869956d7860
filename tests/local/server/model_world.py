"""A small world with one of everything, and a client of it that neither checks nor hides: all in process."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

from botocore.loaders import Loader
from botocore.model import OperationModel, ServiceModel
from botocore.parsers import create_parser
from botocore.serialize import create_serializer

from cdk_incidents.local._server.clock import Clock
from cdk_incidents.local._server.faults import Faults
from cdk_incidents.local._server.protocol.wire import Request, Response
from cdk_incidents.local._server.services import CONTACTS, INCIDENT_MANAGER, Service
from cdk_incidents.local._server.state import Caller, Cloud

from .model_inputs import NOW, Broken, put

REGION = "us-east-1"
ACCOUNT = "000000000000"
SERVICES = {"ssm-incidents": INCIDENT_MANAGER, "ssm-contacts": CONTACTS}
MODELS = {name: ServiceModel(Loader().load_service_model(name, "service-2"), name) for name in SERVICES}
PAGINATED = {
    (name, operation): keys
    for name in SERVICES
    for operation, keys in Loader().load_service_model(name, "paginators-1")["pagination"].items()
}
HOUR = dt.timedelta(hours=1)
_WEEKLY = {
    "NumberOfOnCalls": 1,
    "RecurrenceMultiplier": 1,
    "WeeklySettings": [{"DayOfWeek": "MON", "HandOffTime": {"HourOfDay": 9, "MinuteOfHour": 0}}],
}
# What an operation's least input lacks by the service's rules, though not by the model.
BY_THE_RULES: dict[str, dict[str, Any]] = {
    "CreateReplicationSet": {"regions": {REGION: {}}},
    "CreateRotation": {"Recurrence": _WEEKLY},
    "UpdateRotation": {"Recurrence": _WEEKLY},
    "ListPreviewRotationShifts": {"Recurrence": _WEEKLY},
}


class World:
    """One cloud with both services, spoken to as botocore does, parameter validation apart."""

    def __init__(self) -> None:
        self.cloud = Cloud(REGION, clock=Clock(lambda: NOW))
        self.account = self.cloud.account(ACCOUNT)
        self._caller = Caller(self.account, REGION, f"arn:aws:iam::{ACCOUNT}:root", lambda *_: True)
        self.services = {name: Service(self.cloud, name, plays, Faults()) for name, plays in SERVICES.items()}

    def send(
        self, service: str, operation: str, params: dict[str, Any], *, broken: Broken | None = None
    ) -> Any:
        """Call an operation, and give what botocore makes of the answer, an error too.

        What is to be of a wrong type is put into the body afterwards: no serializer would write it.
        """
        model = MODELS[service].operation_model(operation)
        if broken and not broken.is_type:
            params = put(params, broken.path, broken.value)
        serializer = create_serializer(MODELS[service].metadata["protocol"], include_validation=False)
        written = serializer.serialize_to_request(params, model)
        body = written["body"]
        if broken and broken.is_type:
            body = json.dumps(put(json.loads(body or b"{}"), broken.path, broken.value)).encode()
        asked = written["query_string"] or {}
        query = {name: value if isinstance(value, list) else [value] for name, value in asked.items()}
        headers = {name.lower(): value for name, value in written["headers"].items()}
        request = Request(written["method"], written["url_path"], query, headers, body)
        return parse(self.services[service].answer(request, lambda: self._caller), model)

    def call(self, operation: str, **params: Any) -> Any:
        """Call an operation that must work."""
        service = next(name for name, plays in SERVICES.items() if operation in plays)
        answer = self.send(service, operation, params)
        assert "Error" not in answer, answer
        return answer

    def __repr__(self) -> str:
        """Tell all that is remembered, but for the audit, which tells of refused starts too."""
        return repr(
            [*self.cloud.accounts.values(), self.cloud.pages, self.cloud.messages, self.cloud.runbooks]
        )


def parse(response: Response, model: OperationModel) -> Any:
    """Read an answer as botocore does."""
    raw = {"status_code": response.status, "headers": response.headers, "body": response.body}
    parser = create_parser(model.service_model.metadata["protocol"])
    answer = parser.parse(raw, model.output_shape)
    shape = model.service_model.shape_for_error_code(answer.get("Error", {}).get("Code", ""))
    return {**answer, **parser.parse(raw, shape)} if shape else answer


class Peopled(World):
    """A world with one of everything, where a call of an operation finds what it is about."""

    def __init__(self, operation: str = "") -> None:
        super().__init__()
        self.people(operation)

    def people(self, operation: str = "") -> None:
        """Put one of everything into an account that has nothing."""
        template = {"impact": 1, "title": "Failing"}
        self.person, channel = self._person("person")
        member, _ = self._person("member")
        rotation, schedules = self._rotation(member), self._rotation(member)
        override = self._override(rotation, [member], NOW)
        self.call(
            "CreateContact", Alias="schedule", Type="ONCALL_SCHEDULE", Plan={"RotationIds": [schedules]}
        )
        plan = self.call(
            "CreateResponsePlan",
            name="plan",
            incidentTemplate=template,
            engagements=[self.person],
            tags={"team": "a"},
        )["arn"]
        record = self.call("StartIncident", responsePlanArn=plan)["incidentRecordArn"]
        named = {"incidentRecordArn": record, "eventType": "Note", "eventData": '"note"', "eventTime": NOW}
        event = self.call("CreateTimelineEvent", **named)["eventId"]
        page = self.cloud.pages[0]
        policy = self.call("PutResourcePolicy", resourceArn=plan, policy=_policy(plan))["policyId"]
        self.call("PutContactPolicy", ContactArn=self.person, Policy=_policy(self.person))
        own = self.account.replication_set or {}
        self._known = {
            **named,
            "arn": own["arn"]
            if "Repl" in operation or "Deletion" in operation
            else record
            if "Record" in operation
            else plan,
            "responsePlanArn": plan,
            "resourceArn": plan,
            "engagements": [self.person],
            "eventId": event,
            "policy": _policy(plan),
            "policyId": policy,
            "nextToken": "",
            "regionName": "eu-west-1",
            "ResourceARN": self.person,
            "ContactId": self.person,
            "ContactArn": self.person,
            "ContactIds": [member],
            "Members": [member],
            "NewContactIds": [member],
            "ContactChannelId": channel,
            "RotationId": rotation,
            "RotationIds": [rotation],
            "RotationOverrideId": override,
            "EngagementId": page["engagement_arn"],
            "PageId": page["page_arn"],
            "AcceptCode": page["accept_code"],
            "ActivationCode": self.account.codes[channel],
            "DeliveryAddress": {"SimpleAddress": "+4915112345678"},
            "TimeZoneId": "Europe/Berlin",
            "EndTime": NOW + HOUR,
            "Policy": _policy(self.person),
            "NextToken": "",
        }
        if operation == "CreateReplicationSet":
            self.call("DeleteReplicationSet", arn=own["arn"])
        if operation == "DeleteIncidentRecord":
            self.call("UpdateIncidentRecord", arn=record, status="RESOLVED")

    def known(self, member: str) -> Any:
        """Give what a member of an input names, or None where any value will do."""
        return self._known.get(member)

    def crowd(self) -> None:
        """Let there be more than one of everything that can be listed."""
        known, self._known["EndTime"] = self.known, NOW + 21 * 24 * HOUR
        self.call("CreateResponsePlan", name="another", incidentTemplate={"impact": 1, "title": "Failing"})
        self.call("StartIncident", responsePlanArn=known("responsePlanArn"))
        item = {"identifier": {"type": "OTHER", "value": {"url": "https://example.com"}}, "title": "more"}
        record = known("incidentRecordArn")
        self.call("UpdateRelatedItems", incidentRecordArn=record, relatedItemsUpdate={"itemToAdd": item})
        policy = _policy(known("responsePlanArn")).replace("111122223333", "444455556666")
        self.call("PutResourcePolicy", resourceArn=known("responsePlanArn"), policy=policy)
        address = {"SimpleAddress": "a@example.com"}
        self.call(
            "CreateContactChannel", ContactId=self.person, Name="mail", Type="EMAIL", DeliveryAddress=address
        )
        self._override(known("RotationId"), known("ContactIds"), NOW + HOUR)
        self.cloud.clock.advance(HOUR)

    def _override(self, rotation: str, members: list[str], start: dt.datetime) -> str:
        named = {"RotationId": rotation, "NewContactIds": members, "StartTime": start}
        made: str = self.call("CreateRotationOverride", **named, EndTime=start + HOUR)["RotationOverrideId"]
        return made

    def _person(self, alias: str) -> tuple[str, str]:
        contact = self.call("CreateContact", Alias=alias, Type="PERSONAL", Plan={"Stages": []})["ContactArn"]
        named = {"ContactId": contact, "Name": "phone", "Type": "SMS"}
        channel = self.call(
            "CreateContactChannel", **named, DeliveryAddress={"SimpleAddress": "+4915112345678"}
        )["ContactChannelArn"]
        self.call(
            "ActivateContactChannel", ContactChannelId=channel, ActivationCode=self.account.codes[channel]
        )
        target = {"ChannelTargetInfo": {"ContactChannelId": channel, "RetryIntervalInMinutes": 5}}
        stages = [{"DurationInMinutes": 20, "Targets": [target]}]
        self.call("UpdateContact", ContactId=contact, Plan={"Stages": stages})
        return contact, channel

    def _rotation(self, member: str) -> str:
        made: str = self.call(
            "CreateRotation",
            Name="rotation",
            ContactIds=[member],
            StartTime=NOW,
            TimeZoneId="UTC",
            Recurrence=_WEEKLY,
        )["RotationArn"]
        return made


def _policy(arn: str) -> str:
    service = arn.split(":")[2]
    shared = {
        "ssm-incidents": ["GetResponsePlan", "StartIncident"],
        "ssm-contacts": ["GetContact", "StartEngagement"],
    }
    statement = {
        "Effect": "Allow",
        "Principal": {"AWS": "111122223333"},
        "Action": [f"{service}:{name}" for name in shared[service]],
        "Resource": [arn],
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})
