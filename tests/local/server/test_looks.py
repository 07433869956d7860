"""What a smoke test looks at: each answer, and the permission that it takes, action and resource."""

from __future__ import annotations

import datetime as dt
import io
import json
import zipfile
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from .conftest import ACCOUNT, REGION, Stack, unique

if TYPE_CHECKING:
    from collections.abc import Sequence

    from .conftest import Aws

_MINUTE = dt.timedelta(minutes=1)
_METRIC = {
    "Namespace": "N",
    "MetricName": "M",
    "Threshold": 1.0,
    "EvaluationPeriods": 1,
    "Period": 60,
    "Statistic": "Sum",
    "ComparisonOperator": "GreaterThanThreshold",
}
_TEMPLATE = "AWSIncidents-CriticalIncidentRunbookTemplate"
_TOMORROW = dt.datetime.now(dt.timezone.utc) + dt.timedelta(days=1)
_WITHIN = {"RotationId": "{rotation}", "StartTime": _TOMORROW, "EndTime": _TOMORROW + dt.timedelta(1)}


def _here(service: str, resource: str, account: str = ACCOUNT) -> str:
    return f"arn:aws:{service}:{REGION}:{account}:{resource}"


@pytest.fixture(scope="module")
def things(aws: Aws) -> dict[str, str]:
    """Give one of each thing that is looked at: its ARN, or its name."""
    contacts, incidents, watch = (aws.client(n) for n in ("ssm-contacts", "ssm-incidents", "cloudwatch"))
    person = aws.contact("SMS")
    channel = contacts.list_contact_channels(ContactId=person)["ContactChannels"][0]["ContactChannelArn"]
    rotation = contacts.create_rotation(
        Name="r",
        ContactIds=[person],
        StartTime=dt.datetime(2026, 1, 1, tzinfo=dt.timezone.utc),
        TimeZoneId="UTC",
        Recurrence={
            "DailySettings": [{"HourOfDay": 9, "MinuteOfHour": 0}],
            "NumberOfOnCalls": 1,
            "RecurrenceMultiplier": 1,
        },
    )["RotationArn"]
    plan = incidents.create_response_plan(
        name=unique("plan"), incidentTemplate={"title": "t", "impact": 3}, engagements=[person]
    )["arn"]
    record = aws.start(plan)
    engagement = contacts.list_engagements(IncidentId=record)["Engagements"][0]["EngagementArn"]
    page = contacts.list_pages_by_engagement(EngagementId=engagement)["Pages"][0]["PageArn"]
    document, alarm, function = unique("doc"), unique("alarm"), _function(aws)
    parameters = {"Who": {"type": "String"}, "How": {"type": "StringList", "default": ["a"]}}
    content = json.dumps({"schemaVersion": "0.3", "parameters": parameters, "mainSteps": []})
    aws.client("ssm").create_document(Name=document, Content=content, DocumentType="Automation")
    watch.put_metric_alarm(AlarmName=alarm, AlarmActions=[plan], **_METRIC)
    return {
        "set": incidents.list_replication_sets()["replicationSetArns"][0],
        "plan": plan,
        "record": record,
        "person": person,
        "channel": channel,
        "contactchannel": channel.replace(":contact-channel/", ":contactchannel/"),
        "rotation": rotation,
        "engagement": engagement,
        "page": page,
        "document": document,
        "function": function,
        "topic": aws.topic(),
        "role": aws.role(),
        "alarm": alarm,
    }


def _function(aws: Aws) -> str:
    name, functions, packed = unique("fn"), aws.client("lambda"), io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("index.py", "def handler(event, context):\n    return event")
    functions.create_function(
        FunctionName=name,
        Runtime="python3.13",
        Handler="index.handler",
        Role=aws.role(),
        Code={"ZipFile": packed.getvalue()},
        Publish=True,
    )
    functions.create_alias(FunctionName=name, Name="live", FunctionVersion="1")
    queue = aws.queue()[1]
    settings = {"DestinationConfig": {"OnFailure": {"Destination": queue}}}
    functions.put_function_event_invoke_config(FunctionName=name, Qualifier="live", **settings)
    functions.add_permission(
        FunctionName=name,
        Qualifier="live",
        StatementId="alarms",
        Action="lambda:InvokeFunction",
        Principal="lambda.alarms.cloudwatch.amazonaws.com",
        SourceAccount=ACCOUNT,
    )
    return name


_ALIAS = {"FunctionName": "{function}", "Qualifier": "live"}
_BOTH = [_here("lambda", "function:{function}"), _here("lambda", "function:{function}:live")]
_OWN, _OF_AWS = _here("ssm", "document/{document}"), _here("ssm", f"document/{_TEMPLATE}", account="")
# The question, its parameters, and the resources that must all be allowed.
_LOOKS: list[tuple[str, dict[str, Any], list[str]]] = [
    ("ssm-incidents list_replication_sets", {}, ["*"]),
    ("ssm-incidents get_replication_set", {"arn": "{set}"}, ["{set}"]),
    ("ssm-incidents get_response_plan", {"arn": "{plan}"}, ["{plan}"]),
    ("ssm-incidents list_incident_records", {}, ["*"]),
    ("ssm-incidents get_incident_record", {"arn": "{record}"}, ["{record}"]),
    ("ssm-contacts get_contact", {"ContactId": "{person}"}, ["{person}"]),
    ("ssm-contacts list_contact_channels", {"ContactId": "{person}"}, ["{person}"]),
    ("ssm-contacts get_contact_channel", {"ContactChannelId": "{channel}"}, ["{contactchannel}"]),
    ("ssm-contacts get_rotation", {"RotationId": "{rotation}"}, ["{rotation}"]),
    ("ssm-contacts list_rotations", {}, ["*"]),
    ("ssm-contacts list_rotation_shifts", {"RotationId": "{rotation}", "EndTime": _TOMORROW}, ["{rotation}"]),
    ("ssm-contacts list_rotation_overrides", _WITHIN, ["{rotation}"]),
    ("ssm-contacts list_engagements", {"IncidentId": "{record}"}, ["*"]),
    ("ssm-contacts describe_engagement", {"EngagementId": "{engagement}"}, ["{engagement}"]),
    ("ssm-contacts list_pages_by_engagement", {"EngagementId": "{engagement}"}, ["{engagement}"]),
    ("ssm-contacts describe_page", {"PageId": "{page}"}, ["{page}"]),
    ("cloudwatch describe_alarms", {"ActionPrefix": "{plan}"}, ["*"]),
    (
        "cloudwatch describe_alarm_history",
        {"AlarmName": "{alarm}"},
        [_here("cloudwatch", "alarm:{alarm}")],
    ),
    ("lambda get_alias", {"FunctionName": "{function}", "Name": "live"}, _BOTH),
    ("lambda get_policy", _ALIAS, _BOTH),
    ("lambda get_function_event_invoke_config", _ALIAS, _BOTH),
    ("lambda invoke", _ALIAS, _BOTH[1:]),
    ("iam simulate_principal_policy", {"PolicySourceArn": "{role}", "ActionNames": ["s3:Get"]}, ["{role}"]),
    ("ssm-contacts list_page_receipts", {"PageId": "{page}"}, ["{page}"]),
    ("sns get_topic_attributes", {"TopicArn": "{topic}"}, ["{topic}"]),
    ("ssm describe_document", {"Name": "{document}"}, [_OWN]),
    ("ssm get_document", {"Name": "{document}"}, [_OWN]),
    ("ssm describe_document", {"Name": _TEMPLATE}, [_OF_AWS]),
    ("ssm get_document", {"Name": _TEMPLATE}, [_OF_AWS]),
]


def _look(aws: Aws, question: str, params: dict[str, Any], allowed: Sequence[str]) -> None:
    """Ask as a role that may ask that about some resources, and nothing else."""
    service, operation = question.split()
    name = aws.client(service).meta.method_to_api_mapping[operation]
    action = f"{service}:{'InvokeFunction' if name == 'Invoke' else name}"
    role = aws.role({"Effect": "Allow", "Action": action, "Resource": list(allowed)})
    getattr(aws.as_role(role, service), operation)(**params)


@pytest.mark.parametrize(("question", "params", "resources"), _LOOKS, ids=[look[0] for look in _LOOKS])
def test_a_look_takes_its_own_permission(
    aws: Aws, things: dict[str, str], question: str, params: dict[str, Any], resources: list[str]
) -> None:
    """The action on each of the resources is enough, and without one of them it is refused."""
    known = {n: v.format(**things) if isinstance(v, str) else v for n, v in params.items()}
    needed = [resource.format(**things) for resource in resources]
    _look(aws, question, known, needed)
    for missing in needed:
        others = [f"{missing}-other" if missing != "*" else "arn:aws:sns:*", *needed]
        with pytest.raises(ClientError, match=r"(?i)not authorized to perform"):
            _look(aws, question, known, [resource for resource in others if resource != missing])


def test_what_cloudformation_made_answers(stack: Stack) -> None:
    """An alias's permission and failure destination, a topic's policy and alarms, as the template says."""
    aws, name = stack.aws, unique("fn")
    alias, ref = {"Ref": "Alias"}, {"FunctionName": name, "Qualifier": "live"}
    queue = {"Fn::GetAtt": ["Queue", "Arn"]}
    let = {"Effect": "Allow", "Principal": {"Service": "ssm-incidents.amazonaws.com"}}
    let |= {"Action": "sns:Publish", "Resource": {"Ref": "Topic"}}
    made: dict[str, tuple[str, dict[str, Any]]] = {
        "Function": (
            "Lambda::Function",
            {
                "FunctionName": name,
                "Runtime": "python3.13",
                "Handler": "index.handler",
                "Role": aws.role({"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": "*"}),
                "Code": {"ZipFile": "def handler(event, context): pass"},
            },
        ),
        "Version": ("Lambda::Version", {"FunctionName": {"Ref": "Function"}}),
        "Alias": (
            "Lambda::Alias",
            {
                "FunctionName": {"Ref": "Function"},
                "FunctionVersion": {"Fn::GetAtt": ["Version", "Version"]},
                "Name": "live",
            },
        ),
        "Permission": (
            "Lambda::Permission",
            {
                "FunctionName": alias,
                "Action": "lambda:InvokeFunction",
                "Principal": "lambda.alarms.cloudwatch.amazonaws.com",
                "SourceAccount": ACCOUNT,
            },
        ),
        "Queue": ("SQS::Queue", {}),
        "Settings": (
            "Lambda::EventInvokeConfig",
            {
                "FunctionName": {"Ref": "Function"},
                "Qualifier": "live",
                "DestinationConfig": {"OnFailure": {"Destination": queue}},
            },
        ),
        "Topic": ("SNS::Topic", {}),
        "Policy": (
            "SNS::TopicPolicy",
            {"Topics": [{"Ref": "Topic"}], "PolicyDocument": {"Version": "2012-10-17", "Statement": [let]}},
        ),
        "Alarm": (
            "CloudWatch::Alarm",
            {"ActionsEnabled": False, "AlarmActions": [alias], **_METRIC},
        ),
        "Composite": (
            "CloudWatch::CompositeAlarm",
            {"AlarmRule": {"Fn::Sub": "ALARM(${Alarm})"}, "OKActions": [alias]},
        ),
    }
    after = {"Settings": ["Alias"]}
    resources = {
        logical_id: {"Type": f"AWS::{kind}", "Properties": properties, "DependsOn": after.get(logical_id, [])}
        for logical_id, (kind, properties) in made.items()
    }
    status = stack.deploy(resources, Alias=alias, Queue=queue, Topic={"Ref": "Topic"}, Alarm={"Ref": "Alarm"})
    assert status == "CREATE_COMPLETE"
    given, functions, watch = stack.outputs, aws.client("lambda"), aws.client("cloudwatch")
    (statement,) = json.loads(functions.get_policy(**ref)["Policy"])["Statement"]
    assert statement["Resource"] == given["Alias"]
    assert statement["Principal"] == {"Service": "lambda.alarms.cloudwatch.amazonaws.com"}
    assert statement["Condition"] == {"StringEquals": {"AWS:SourceAccount": ACCOUNT}}
    settings = functions.get_function_event_invoke_config(**ref)
    assert settings["DestinationConfig"]["OnFailure"] == {"Destination": given["Queue"]}
    policy = aws.client("sns").get_topic_attributes(TopicArn=given["Topic"])["Attributes"]["Policy"]
    assert json.loads(policy)["Statement"] == [{**let, "Resource": given["Topic"]}]
    both = {"AlarmTypes": ["MetricAlarm", "CompositeAlarm"], "ActionPrefix": given["Alias"]}
    found = watch.describe_alarms(**both)
    (alarm,), (composite,) = found["MetricAlarms"], found["CompositeAlarms"]
    assert (alarm["AlarmName"], alarm["ActionsEnabled"]) == (given["Alarm"], False)
    assert composite["ActionsEnabled"] is True
    for one in (alarm, composite):
        assert dt.timedelta(0) <= dt.datetime.now(dt.timezone.utc) - one["StateUpdatedTimestamp"] < _MINUTE
    assert watch.describe_alarms(ActionPrefix=given["Alias"])["CompositeAlarms"] == []
    stack.delete()
    for look in (functions.get_policy, functions.get_function_event_invoke_config):
        with pytest.raises(ClientError, match="ResourceNotFoundException"):
            look(**ref)
    with pytest.raises(ClientError, match="NotFound"):
        aws.client("sns").get_topic_attributes(TopicArn=given["Topic"])


def _statuses(incidents: Any) -> tuple[str, dict[str, str]]:
    (arn,) = incidents.list_replication_sets()["replicationSetArns"]
    found = incidents.get_replication_set(arn=arn)["replicationSet"]
    return found["status"], {name: region["status"] for name, region in found["regionMap"].items()}


def test_a_replication_set_may_be_on_its_way(aws: Aws) -> None:
    """It or one of its Regions is in the status that was asked for; all else goes on."""
    incidents = aws.client("ssm-incidents")
    for status, region in (("UPDATING", ""), ("FAILED", REGION)):
        aws.control("POST", "replication", {"status": status, "region": region})
    try:
        assert _statuses(incidents) == ("UPDATING", {REGION: "FAILED"})
        assert aws.start(aws.plan())
    finally:
        for region in ("", REGION):
            aws.control("POST", "replication", {"status": "ACTIVE", "region": region})
    assert _statuses(incidents) == ("ACTIVE", {REGION: "ACTIVE"})


def test_a_replication_set_may_lack_the_region(aws: Aws) -> None:
    """Then it can be looked at from there all the same, and nothing else can be done."""
    account = f"{77:012d}"
    here, there = (aws.client("ssm-incidents", region, account) for region in (REGION, "eu-west-1"))
    (arn,) = here.list_replication_sets()["replicationSetArns"]
    here.update_replication_set(arn=arn, actions=[{"addRegionAction": {"regionName": "eu-west-1"}}])
    there.update_replication_set(arn=arn, actions=[{"deleteRegionAction": {"regionName": REGION}}])
    assert _statuses(here) == ("ACTIVE", {"eu-west-1": "ACTIVE"})
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        here.list_response_plans()
    assert there.list_response_plans()["responsePlanSummaries"] == []


def test_a_channel_that_was_switched_off_is_not_activated(aws: Aws) -> None:
    """DeactivateContactChannel is seen by both looks; the owner's code brings it back."""
    contacts, person = aws.client("ssm-contacts"), aws.contact("SMS")

    def seen() -> list[str]:
        (channel,) = contacts.list_contact_channels(ContactId=person)["ContactChannels"]
        got = contacts.get_contact_channel(ContactChannelId=channel["ContactChannelArn"])
        return [channel["ActivationStatus"], got["ActivationStatus"]]

    (channel,) = contacts.list_contact_channels(ContactId=person)["ContactChannels"]
    arn = channel["ContactChannelArn"]
    assert seen() == ["ACTIVATED"] * 2
    contacts.deactivate_contact_channel(ContactChannelId=arn)
    assert seen() == ["NOT_ACTIVATED"] * 2
    code = aws.control("GET", "codes")["codes"][arn]
    contacts.activate_contact_channel(ContactChannelId=arn, ActivationCode=code)
    assert seen() == ["ACTIVATED"] * 2


def test_who_was_engaged_for_an_incident_is_found(aws: Aws, things: dict[str, str]) -> None:
    """By the incident its engagements, by the engagement its pages; another incident's are not among them."""
    contacts = aws.client("ssm-contacts")
    aws.start(things["plan"])
    (engagement,) = contacts.list_engagements(IncidentId=things["record"])["Engagements"]
    assert engagement["ContactArn"] == things["person"]
    told = contacts.describe_engagement(EngagementId=engagement["EngagementArn"])
    assert (told["IncidentId"], told["ContactArn"]) == (things["record"], things["person"])
    (page,) = contacts.list_pages_by_engagement(EngagementId=engagement["EngagementArn"])["Pages"]
    assert (page["ContactArn"], page["IncidentId"]) == (things["person"], things["record"])
