"""What the API reference and the guide say of incidents beside the model's limits, rule by rule.

https://docs.aws.amazon.com/incident-manager/latest/userguide/
"""

from __future__ import annotations

import datetime as dt
import json
from typing import TYPE_CHECKING, Any

import pytest

from cdk_incidents.local._server import permissions
from cdk_incidents.local._server.clock import Clock
from cdk_incidents.local._server.faults import RESET, Fault, Faults
from cdk_incidents.local._server.incident_manager import replication
from cdk_incidents.local._server.protocol.errors import ServiceError
from cdk_incidents.local._server.protocol.wire import Wire
from cdk_incidents.local._server.services import CONTACTS, INCIDENT_MANAGER, Service
from cdk_incidents.local._server.state import Caller, Cloud

from .conftest import unique

if TYPE_CHECKING:
    from .conftest import Aws

_SERVICE = "ssm-incidents.amazonaws.com"
_ACCOUNT, _HERE, _THERE = "000000000000", "us-east-1", "eu-west-1"
_START = dt.datetime(2027, 1, 4, 9, tzinfo=dt.timezone.utc)
_ROLE = f"arn:aws:iam::{_ACCOUNT}:role/r"
_RUNBOOK = {"ssmAutomation": {"documentName": "AWS-RestartEC2Instance", "roleArn": _ROLE}}
_TEMPLATE = {"title": "t", "impact": 1}


class _Incidents:
    """Incident Manager for one account, without the wire."""

    def __init__(self, *, account: str = _ACCOUNT) -> None:
        self.cloud, self.faults = Cloud(_HERE, clock=Clock(lambda: _START)), Faults()
        self.account = self.cloud.account(account)
        self.service = Service(self.cloud, "ssm-incidents", INCIDENT_MANAGER, self.faults)
        self._wire = Wire("ssm-incidents")
        self._count = 0

    def caller(self, region: str = _HERE, service: str = "") -> Caller:
        """Give a caller that may do everything."""
        arn = f"arn:aws:iam::{self.account.id}:root"
        return Caller(self.account, region, arn, lambda *_: True, service)

    def __call__(self, operation: str, region: str = _HERE, /, **params: Any) -> dict[str, Any]:
        """Call an operation; its answer must be what the model says."""
        answer = self.service.call(operation, params, self.caller(region))
        self._wire.write(operation, answer)
        return answer

    def plan(self, **more: Any) -> str:
        """Make a plan of a new name."""
        self._count += 1
        asked = {"name": f"p{self._count}", "incidentTemplate": _TEMPLATE, **more}
        arn: str = self("CreateResponsePlan", **asked)["arn"]
        return arn

    def start(self, plan: str, **more: Any) -> str:
        """Start an incident."""
        arn: str = self("StartIncident", responsePlanArn=plan, **more)["incidentRecordArn"]
        return arn

    def start_natively(self, plan: str, service: str = "cloudwatch.amazonaws.com") -> None:
        """Let an alarm start an incident, or a role for which EventBridge Scheduler calls the API."""
        details = {
            "source": "aws.cloudwatch" if service else "mine",
            "timestamp": _START,
            "triggerArn": "arn:aws:cloudwatch:::a",
        }
        params = {"responsePlanArn": plan, "triggerDetails": details}
        self.service.start(params, self.caller(_HERE, service))

    def join(self, region: str = _THERE) -> str:
        """Let the replication set have a Region more, and give its ARN."""
        (arn,) = self("ListReplicationSets")["replicationSetArns"]
        self("UpdateReplicationSet", arn=arn, actions=[{"addRegionAction": {"regionName": region}}])
        return str(arn)

    def records(self) -> list[dict[str, Any]]:
        """Give all records."""
        found: list[dict[str, Any]] = self("ListIncidentRecords")["incidentRecordSummaries"]
        return found


@pytest.fixture
def incidents() -> _Incidents:
    """Give a service of its own."""
    return _Incidents()


def _item(number: int) -> dict[str, Any]:
    return {"identifier": {"type": "OTHER", "value": {"url": f"https://example.com/{number}"}}}


def _note(arn: str, **more: Any) -> dict[str, Any]:
    return {"incidentRecordArn": arn, "eventType": "Note", "eventData": '"n"', "eventTime": _START, **more}


def _runbook_role(aws: Aws) -> str:
    """Make a role that may start the runbook, and that Incident Manager may assume."""
    iam, name = aws.client("iam"), unique("role")
    trusted = {"Effect": "Allow", "Principal": {"Service": _SERVICE}, "Action": "sts:AssumeRole"}
    allowed = {"Effect": "Allow", "Action": "ssm:StartAutomationExecution", "Resource": "*"}
    trust, policy = (json.dumps({"Version": "2012-10-17", "Statement": [s]}) for s in (trusted, allowed))
    arn: str = iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=policy)
    return arn


def test_an_event_is_of_its_time_and_updated_now(incidents: _Incidents) -> None:
    """EventTime is the caller's word, eventUpdatedTime the service's."""
    arn, hour = incidents.start(incidents.plan()), dt.timedelta(hours=1)
    number = incidents("CreateTimelineEvent", **_note(arn, eventTime=_START - hour))["eventId"]
    event = incidents("GetTimelineEvent", incidentRecordArn=arn, eventId=number)["event"]
    assert (event["eventTime"], event["eventUpdatedTime"]) == (_START - hour, _START)


@pytest.mark.parametrize("data", ["{", "[" * 11_000], ids=["no JSON", "too deep"])
def test_an_events_data_is_json(incidents: _Incidents, data: str) -> None:
    """Of a depth that can be read; null is JSON."""
    arn = incidents.start(incidents.plan())
    with pytest.raises(ServiceError, match="eventData must be JSON"):
        incidents("CreateTimelineEvent", **_note(arn, eventData=data))
    assert incidents("CreateTimelineEvent", **_note(arn, eventData="null"))["eventId"]


# Limits


def test_a_plans_runbook_is_one_of_50_related_items(incidents: _Incidents) -> None:
    """The service's own items count: the parent OpsItem, and the execution of the runbook."""
    plan = incidents.plan(actions=[_RUNBOOK])
    with pytest.raises(ServiceError, match="at most 50 related items"):
        incidents.start(plan, relatedItems=[_item(n) for n in range(49)])
    arn = incidents.start(plan, relatedItems=[_item(n) for n in range(48)])
    items = incidents("ListRelatedItems", incidentRecordArn=arn)["relatedItems"]
    assert len(items) == 50
    assert sorted({item["identifier"]["type"] for item in items}) == ["AUTOMATION", "OTHER", "PARENT"]


def test_an_incident_has_1000_timeline_events(incidents: _Incidents) -> None:
    """A full timeline takes no customer's event, and none of a changed status; the change is made."""
    arn = incidents.start(incidents.plan())
    for _ in range(999):
        incidents("CreateTimelineEvent", **_note(arn))
    with pytest.raises(ServiceError, match="at most 1000 timeline events"):
        incidents("CreateTimelineEvent", **_note(arn))
    incidents("UpdateIncidentRecord", arn=arn, status="RESOLVED")
    record = incidents.account.records[arn]
    assert (len(record.events), record.is_open) == (1_000, False)


# Plans


def test_a_plan_engages_contacts_of_its_own_account(incidents: _Incidents) -> None:
    """A shared contact cannot be put into another account's plans, new or old."""
    strange = f"arn:aws:ssm-contacts:{_HERE}:111111111111:contact/a"
    with pytest.raises(ServiceError, match="own account"):
        incidents.plan(engagements=[strange])
    plan = incidents.plan()
    with pytest.raises(ServiceError, match="own account"):
        incidents("UpdateResponsePlan", arn=plan, engagements=[strange])
    assert incidents("GetResponsePlan", arn=plan).get("engagements") is None


def test_the_empty_chat_channel_takes_it_away(incidents: _Incidents) -> None:
    """From a plan and from an incident; a new plan that has it has none."""
    chat = {"chatbotSns": [f"arn:aws:sns:{_HERE}:{_ACCOUNT}:chat"]}
    plan, none = incidents.plan(chatChannel=chat), incidents.plan(chatChannel={"empty": {}})
    arn = incidents.start(plan)
    for operation, named in (("UpdateResponsePlan", plan), ("UpdateIncidentRecord", arn)):
        incidents(operation, arn=named, chatChannel={"empty": {}})
    assert incidents("GetResponsePlan", arn=plan)["chatChannel"] is None
    assert incidents("GetResponsePlan", arn=none)["chatChannel"] is None
    assert incidents("GetIncidentRecord", arn=arn)["incidentRecord"]["chatChannel"] is None


# Replication sets


def test_a_region_that_is_being_created_cannot_be_used(incidents: _Incidents) -> None:
    """While the set or the Region is pending, says the model, Incident Manager cannot be used."""
    arn, own = incidents.join(), incidents.account.replication_set
    assert own
    replication.put_status(own, "CREATING", _THERE)
    with pytest.raises(ServiceError, match="still being created in eu-west-1"):
        incidents("ListResponsePlans", _THERE)
    assert incidents("ListResponsePlans")["responsePlanSummaries"] == []
    replication.put_status(own, "CREATING", "")
    with pytest.raises(ServiceError, match="still being created in us-east-1"):
        incidents("ListResponsePlans")
    assert incidents("GetReplicationSet", arn=arn)["replicationSet"]["status"] == "CREATING"


def test_a_replication_set_has_regions_that_the_service_is_in(incidents: _Incidents) -> None:
    """There are 16 of them: neither a new set nor an old one takes another."""
    with pytest.raises(ServiceError, match=r"ap-northeast-1, .* \(got eu-south-1\)"):
        incidents.join("eu-south-1")
    (arn,) = incidents("ListReplicationSets")["replicationSetArns"]
    incidents("DeleteReplicationSet", arn=arn)
    with pytest.raises(ServiceError, match=r"\(got eu-south-1\)"):
        incidents("CreateReplicationSet", regions={_HERE: {}, "eu-south-1": {}})
    assert incidents("ListReplicationSets")["replicationSetArns"] == []


def test_without_protection_a_region_goes_and_with_it_the_last_one_stays(incidents: _Incidents) -> None:
    """Deletion protection is of the last Region: another one can be removed."""
    arn = incidents.join()
    incidents("UpdateDeletionProtection", arn=arn, deletionProtected=True)
    gone = {"deleteRegionAction": {"regionName": _THERE}}
    incidents("UpdateReplicationSet", arn=arn, actions=[gone])
    with pytest.raises(ServiceError, match="protected"):
        incidents("DeleteReplicationSet", arn=arn)
    assert list(incidents("GetReplicationSet", arn=arn)["replicationSet"]["regionMap"]) == [_HERE]


def test_all_goes_with_the_replication_set(incidents: _Incidents) -> None:
    """What comes afterwards merges into nothing that was, and has no policy of a plan that was."""
    shared = {"name": "p", "incidentTemplate": {**_TEMPLATE, "dedupeString": "d"}}
    plan = incidents("CreateResponsePlan", **shared)["arn"]
    policy = {"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}
    incidents("PutResourcePolicy", resourceArn=plan, policy=json.dumps({"Statement": [policy]}))
    first = incidents.start(plan)
    (arn,) = incidents("ListReplicationSets")["replicationSetArns"]
    incidents("DeleteReplicationSet", arn=arn)
    incidents("CreateReplicationSet", regions={_HERE: {}})
    assert incidents("ListResponsePlans")["responsePlanSummaries"] == []
    assert incidents.records() == []
    incidents("CreateResponsePlan", **shared)
    assert incidents.start(plan) != first
    assert incidents("GetResourcePolicies", resourceArn=plan)["resourcePolicies"] == []


def test_nobody_is_paged_once_the_replication_set_is_gone(incidents: _Incidents) -> None:
    """The engagements that run end with it."""
    contacts = Service(incidents.cloud, "ssm-contacts", CONTACTS, Faults())

    def call(operation: str, **params: Any) -> dict[str, Any]:
        return contacts.call(operation, params, incidents.caller())

    empty: dict[str, Any] = {"Stages": []}
    person = call("CreateContact", Alias="a", Type="PERSONAL", Plan=empty)["ContactArn"]
    address = {"SimpleAddress": "+4915112345678"}
    asked = {"ContactId": person, "Name": "n", "Type": "SMS", "DeliveryAddress": address}
    channel = call("CreateContactChannel", **asked)["ContactChannelArn"]
    code = incidents.account.codes[channel]
    call("ActivateContactChannel", ContactChannelId=channel, ActivationCode=code)
    target = {"ChannelTargetInfo": {"ContactChannelId": channel, "RetryIntervalInMinutes": 5}}
    stages = [{"DurationInMinutes": 30, "Targets": [target]}]
    call("UpdateContact", ContactId=person, Plan={"Stages": stages})
    incidents.start(incidents.plan(engagements=[person]))
    assert len(incidents.cloud.pages) == 1
    (arn,) = incidents("ListReplicationSets")["replicationSetArns"]
    incidents("DeleteReplicationSet", arn=arn)
    incidents.cloud.clock.advance(dt.timedelta(minutes=20))
    assert len(incidents.cloud.pages) == 1
    incidents("CreateReplicationSet", regions={_HERE: {}})
    assert call("ListEngagements")["Engagements"] == []


# Permissions


@pytest.mark.parametrize(
    ("operation", "named", "kinds"),
    [
        ("GetIncidentRecord", "arn", ["incident-record"]),
        ("UpdateIncidentRecord", "arn", ["incident-record", "response-plan"]),
        ("DeleteIncidentRecord", "arn", ["incident-record"]),
        ("ListRelatedItems", "incidentRecordArn", ["incident-record", "response-plan"]),
        ("UpdateRelatedItems", "incidentRecordArn", ["incident-record", "response-plan"]),
        ("CreateTimelineEvent", "incidentRecordArn", ["incident-record", "response-plan"]),
        ("GetTimelineEvent", "incidentRecordArn", ["incident-record"]),
        ("UpdateTimelineEvent", "incidentRecordArn", ["incident-record", "response-plan"]),
        ("DeleteTimelineEvent", "incidentRecordArn", ["incident-record", "response-plan"]),
        ("ListTimelineEvents", "incidentRecordArn", ["incident-record"]),
        ("ListIncidentFindings", "incidentRecordArn", ["incident-record"]),
        ("ListIncidentRecords", "", ["*"]),
        ("ListResponsePlans", "", ["*"]),
        ("ListReplicationSets", "", ["*"]),
    ],
)
def test_an_operation_asks_for_its_resources(
    incidents: _Incidents, operation: str, named: str, kinds: list[str]
) -> None:
    """What is written on a record asks for its plan too; lists of everything ask for everything."""
    asked: list[tuple[str, str]] = []

    def may(action: str, resource: str, _via: str) -> bool:
        asked.append((action, resource))
        return True

    caller = Caller(incidents.account, _HERE, _ROLE, may)
    record = incidents.start(incidents.plan())
    permissions.check(caller, "ssm-incidents", operation, {named: record} if named else {})
    plan = record.replace("incident-record", "response-plan").rpartition("/")[0]
    arns = {"incident-record": record, "response-plan": plan, "*": "*"}
    assert asked == [(f"ssm-incidents:{operation}", arns[kind]) for kind in kinds]


# Starts by other services


def test_an_alarms_incident_fails_over(incidents: _Incidents) -> None:
    """Where the service is down, CloudWatch starts the incident in another Region of the set, once."""
    incidents.join()
    plan = incidents.plan(actions=[_RUNBOOK])
    incidents.faults.add(Fault("StartIncident", "InternalServerException", None, region=_HERE))
    incidents.faults.add(Fault("StartIncident", RESET, None, region=_HERE))
    incidents.start_natively(plan)
    incidents.start_natively(plan)
    (record,) = incidents.records()
    (parent,) = incidents("ListRelatedItems", incidentRecordArn=record["arn"])["relatedItems"]
    assert parent["identifier"]["value"]["arn"].split(":")[3] == _THERE
    assert incidents.cloud.runbooks == []


def test_an_alarms_incident_fails_where_all_regions_do(incidents: _Incidents) -> None:
    """The error is that of the last one."""
    incidents.join()
    incidents.faults.add(Fault("StartIncident", "InternalServerException", None))
    with pytest.raises(ServiceError) as caught:
        incidents.start_natively(incidents.plan())
    assert caught.value.code == "InternalServerException"
    assert incidents.records() == []


def test_an_alarms_incident_that_is_refused_does_not_fail_over(incidents: _Incidents) -> None:
    """A plan that is not there is in no other Region either: one entry in the audit."""
    incidents.join()
    with pytest.raises(ServiceError, match="response plan"):
        incidents.start_natively(incidents.plan() + "-gone")
    assert [entry["outcome"] for entry in incidents.cloud.audit] == ["ResourceNotFoundException"]


def test_a_call_of_the_api_does_not_fail_over(incidents: _Incidents) -> None:
    """Nothing does it for an SDK caller, nor for a schedule that calls the API."""
    incidents.join()
    incidents.faults.add(Fault("StartIncident", "InternalServerException", None, region=_HERE))
    with pytest.raises(ServiceError) as caught:
        incidents.start_natively(incidents.plan(), service="")
    assert caught.value.code == "InternalServerException"
    assert incidents.records() == []


def test_native_starts_merge_by_trigger_and_plan(incidents: _Incidents) -> None:
    """One alarm opens one incident a plan; a dedupe string of the plan's own comes first."""
    first, second = incidents.plan(), incidents.plan()
    for plan in (first, first, second):
        incidents.start_natively(plan)
    assert len(incidents.records()) == 2
    shared = {**_TEMPLATE, "dedupeString": "d"}
    third, fourth = (incidents.plan(incidentTemplate=shared) for _ in range(2))
    for plan in (third, fourth):
        incidents.start_natively(plan)
    assert len(incidents.records()) == 3


# What a start brings with it


def test_impact_5_suppresses_nothing(aws: Aws) -> None:
    """No impact on customers still pages, starts the runbook, tells the topics and makes an OpsItem."""
    topic, client = aws.topic(), aws.client("ssm-incidents")
    plan = client.create_response_plan(
        name=unique("plan"),
        incidentTemplate={"title": "t", "impact": 5, "notificationTargets": [{"snsTopicArn": topic}]},
        engagements=[aws.contact("SMS")],
        actions=[{"ssmAutomation": {**_RUNBOOK["ssmAutomation"], "roleArn": _runbook_role(aws)}}],
    )["arn"]
    arn = aws.start(plan)
    assert len(aws.pages(arn)) == 1
    (runbook,) = (r for r in aws.control("GET", "runbooks")["runbooks"] if r["incident_record_arn"] == arn)
    assert runbook["problem"] == ""
    told = [m["event"] for m in aws.control("GET", "messages")["messages"] if m["topic"] == topic]
    assert told == ["TEST", "OPENED"]
    items = client.list_related_items(incidentRecordArn=arn)["relatedItems"]
    assert sorted(item["identifier"]["type"] for item in items) == ["AUTOMATION", "PARENT"]


def test_every_update_tells_the_topics(aws: Aws) -> None:
    """Whatever it changes, the resolution included."""
    topic = aws.topic()
    arn = aws.start(aws.plan(notificationTargets=[{"snsTopicArn": topic}]))
    for change in ({"title": "u"}, {"impact": 2}, {"summary": "s"}, {"status": "RESOLVED"}):
        aws.client("ssm-incidents").update_incident_record(arn=arn, **change)
    told = [m["event"] for m in aws.control("GET", "messages")["messages"] if m["topic"] == topic]
    assert told == ["TEST", "OPENED", "UPDATED", "UPDATED", "UPDATED", "RESOLVED"]


# Deduplication


def test_a_dedupe_string_is_of_one_account(incidents: _Incidents) -> None:
    """An open incident of another account absorbs nothing."""
    shared = {**_TEMPLATE, "dedupeString": "d"}
    here = incidents.start(incidents.plan(incidentTemplate=shared))
    incidents.account = incidents.cloud.account("111111111111")
    there = incidents.start(incidents.plan(incidentTemplate=shared))
    assert here != there
    assert there.split(":")[4] == "111111111111"


def test_an_incident_that_is_opened_again_absorbs_again(incidents: _Incidents) -> None:
    """Of several that are open with one string, the oldest; a deleted one never."""
    plan = incidents.plan(incidentTemplate={**_TEMPLATE, "dedupeString": "d"})
    first = incidents.start(plan)
    incidents("UpdateIncidentRecord", arn=first, status="RESOLVED")
    second = incidents.start(plan)
    incidents("UpdateIncidentRecord", arn=first, status="OPEN")
    assert incidents.start(plan) == first
    incidents("UpdateIncidentRecord", arn=first, status="RESOLVED")
    assert incidents.start(plan) == second
    incidents("DeleteIncidentRecord", arn=first)
    incidents("UpdateIncidentRecord", arn=second, status="RESOLVED")
    assert incidents.start(plan) not in (first, second)


# Client tokens


def _calls(incidents: _Incidents) -> dict[str, dict[str, Any]]:
    """Give a call of each operation that has a client token, but for the replication set's creation."""
    plan, replicated = incidents.plan(), incidents.join()
    arn = incidents.start(plan)
    event = incidents("CreateTimelineEvent", **_note(arn))["eventId"]
    return {
        "CreateResponsePlan": {"name": "new", "incidentTemplate": _TEMPLATE},
        "CreateTimelineEvent": _note(arn),
        "StartIncident": {"responsePlanArn": plan},
        "UpdateDeletionProtection": {"arn": replicated, "deletionProtected": True},
        "UpdateIncidentRecord": {"arn": arn, "title": "new"},
        "UpdateRelatedItems": {"incidentRecordArn": arn, "relatedItemsUpdate": {"itemToAdd": _item(1)}},
        "UpdateReplicationSet": {
            "arn": replicated,
            "actions": [{"addRegionAction": {"regionName": "eu-west-2"}}],
        },
        "UpdateResponsePlan": {"arn": plan, "displayName": "new"},
        "UpdateTimelineEvent": {"incidentRecordArn": arn, "eventId": event, "eventData": '"new"'},
    }


_TOKENS = [
    name for name in INCIDENT_MANAGER if "clientToken" in Wire("ssm-incidents").input_shape(name).members
]


def test_the_operations_with_a_token_are_all_called_here(incidents: _Incidents) -> None:
    """So that a newer model's show themselves."""
    assert sorted([*_calls(incidents), "CreateReplicationSet"]) == sorted(_TOKENS)


@pytest.mark.parametrize("operation", sorted(set(_TOKENS) - {"CreateReplicationSet"}))
def test_a_call_with_its_token_is_made_once(incidents: _Incidents, operation: str) -> None:
    """A second one gives the first answer and changes nothing; with other details it is a conflict."""
    asked = {**_calls(incidents)[operation], "clientToken": "t"}
    first = incidents(operation, **asked)
    before = (len(incidents.account.records), len(incidents.account.plans))
    again = incidents(operation, **asked)
    assert again == {**first, "outcome": "repeated"}
    assert (len(incidents.account.records), len(incidents.account.plans)) == before
    name = next(name for name in asked if name != "clientToken")
    with pytest.raises(ServiceError) as caught:
        incidents(operation, **{**asked, name: f"{asked[name]}x"})
    assert caught.value.code == "ConflictException"


def test_a_token_is_an_operations_own_and_goes_with_what_it_made(incidents: _Incidents) -> None:
    """The same text means something else elsewhere; what has been deleted is made anew."""
    asked = {"name": "p", "incidentTemplate": _TEMPLATE, "clientToken": "t"}
    plan = incidents("CreateResponsePlan", **asked)["arn"]
    first = incidents.start(plan, clientToken="t")
    incidents("UpdateIncidentRecord", arn=first, status="RESOLVED", clientToken="t")
    incidents("DeleteIncidentRecord", arn=first)
    assert incidents.start(plan, clientToken="t") != first
    incidents("DeleteResponsePlan", arn=plan)
    assert incidents("CreateResponsePlan", **asked)["arn"] == plan
    assert incidents("GetResponsePlan", arn=plan)["name"] == "p"


def test_a_replication_set_is_created_once_a_token(incidents: _Incidents) -> None:
    """Without the token a second creation is a conflict, since there is one."""
    (arn,) = incidents("ListReplicationSets")["replicationSetArns"]
    incidents("DeleteReplicationSet", arn=arn)
    made = incidents("CreateReplicationSet", regions={_HERE: {}}, clientToken="t")
    again = incidents("CreateReplicationSet", regions={_HERE: {}}, clientToken="t")
    assert made["arn"] == again["arn"]
    with pytest.raises(ServiceError, match="has a replication set already"):
        incidents("CreateReplicationSet", regions={_HERE: {}})
