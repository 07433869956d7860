"""The CloudFormation types that are played here, and what CloudFormation does around them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from .conftest import ACCOUNT, REGION, Stack, lines, unique

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from .conftest import Aws, Function


def _plan(name: str, **more: Any) -> dict[str, Any]:
    template = {"Title": "t", "Impact": 2, **more.pop("template", {})}
    return {
        "Plan": {
            "Type": "AWS::SSMIncidents::ResponsePlan",
            "Properties": {"Name": name, "IncidentTemplate": template, **more},
        }
    }


def _replication_set(regions: dict[str, str]) -> dict[str, Any]:
    """Give a set by Regions and their keys."""
    listed: list[dict[str, Any]] = [
        {"RegionName": name, **({"RegionConfiguration": {"SseKmsKeyId": key}} if key else {})}
        for name, key in regions.items()
    ]
    return {"Set": {"Type": "AWS::SSMIncidents::ReplicationSet", "Properties": {"Regions": listed}}}


_ARNS = {"Ref": {"Ref": "Plan"}, "Arn": {"Fn::GetAtt": ["Plan", "Arn"]}}


def test_a_response_plan_is_created_with_all_of_its_properties(
    aws: Aws, stack: Stack, incidents: Any
) -> None:
    """Ref and Arn are the ARN, and every property arrives."""
    name, topic = unique("plan"), aws.topic()
    contact = f"arn:aws:ssm-contacts:{REGION}:{ACCOUNT}:contact/oncall"
    automation = {
        "DocumentName": "Doc",
        "RoleArn": f"arn:aws:iam::{ACCOUNT}:role/r",
        "Parameters": [{"Key": "p", "Values": ["v"]}],
        "DynamicParameters": [{"Key": "Incident", "Value": {"Variable": "INCIDENT_RECORD_ARN"}}],
    }
    template = {
        "Summary": "s",
        "DedupeString": "d",
        "IncidentTags": [{"Key": "team", "Value": "Payments"}],
        "NotificationTargets": [{"SnsTopicArn": topic}],
    }
    resources = _plan(
        name,
        template=template,
        DisplayName="Checkout",
        Engagements=[contact],
        ChatChannel={"ChatbotSns": [topic]},
        Actions=[{"SsmAutomation": automation}],
        Tags=[{"Key": "Stage", "Value": "Prod"}],
    )
    assert stack.deploy(resources, **_ARNS) == "CREATE_COMPLETE"
    arn = f"arn:aws:ssm-incidents::{ACCOUNT}:response-plan/{name}"
    assert stack.outputs == {"Ref": arn, "Arn": arn}
    plan = incidents.get_response_plan(arn=arn)
    assert plan["incidentTemplate"] == {
        "title": "t",
        "impact": 2,
        "summary": "s",
        "dedupeString": "d",
        "incidentTags": {"team": "Payments"},
        "notificationTargets": [{"snsTopicArn": topic}],
    }
    assert (plan["displayName"], plan["engagements"]) == ("Checkout", [contact])
    assert plan["chatChannel"] == {"chatbotSns": [topic]}
    (action,) = plan["actions"]
    assert action["ssmAutomation"]["parameters"] == {"p": ["v"]}
    assert action["ssmAutomation"]["dynamicParameters"] == {"Incident": {"variable": "INCIDENT_RECORD_ARN"}}
    assert incidents.list_tags_for_resource(resourceArn=arn)["tags"] == {"Stage": "Prod"}


def test_a_response_plan_is_updated_in_place(stack: Stack, incidents: Any) -> None:
    """What changes changes, and what the template no longer has is gone."""
    name = unique("plan")
    stack.deploy(
        _plan(name, template={"Summary": "s", "DedupeString": "d"}, Tags=[{"Key": "a", "Value": "1"}])
    )
    changed = _plan(name, template={"Title": "new"}, Tags=[{"Key": "b", "Value": "2"}])
    assert stack.deploy(changed, **_ARNS) == "UPDATE_COMPLETE"
    arn = stack.outputs["Ref"]
    template = incidents.get_response_plan(arn=arn)["incidentTemplate"]
    assert (template["title"], template.get("summary") or "", template.get("dedupeString") or "") == (
        "new",
        "",
        "",
    )
    assert incidents.list_tags_for_resource(resourceArn=arn)["tags"] == {"b": "2"}


def test_scalars_may_come_as_another_type(stack: Stack, incidents: Any) -> None:
    """A number as a text, and a text as a number, as CloudFormation takes them."""
    resources = _plan(unique("plan"), template={"Impact": "4", "Summary": 5})
    assert stack.deploy(resources, **_ARNS) == "CREATE_COMPLETE"
    template = incidents.get_response_plan(arn=stack.outputs["Ref"])["incidentTemplate"]
    assert (template["impact"], template["summary"]) == (4, "5")


def test_a_new_name_replaces_a_response_plan(stack: Stack, incidents: Any) -> None:
    """Name requires replacement: the new plan is there and the old one gone."""
    old, new = unique("plan"), unique("plan")
    stack.deploy(_plan(old), **_ARNS)
    arn = stack.outputs["Ref"]
    assert stack.deploy(_plan(new), **_ARNS) == "UPDATE_COMPLETE"
    assert stack.outputs["Ref"].endswith(f"/{new}")
    with pytest.raises(incidents.exceptions.ResourceNotFoundException):
        incidents.get_response_plan(arn=arn)


def test_deleting_the_stack_deletes_the_plan(stack: Stack, incidents: Any) -> None:
    """Nothing stays behind."""
    stack.deploy(_plan(unique("plan")), **_ARNS)
    arn = stack.outputs["Ref"]
    stack.delete()
    with pytest.raises(incidents.exceptions.ResourceNotFoundException):
        incidents.get_response_plan(arn=arn)


@pytest.mark.parametrize(
    ("template", "told"),
    [
        ({"Impact": 9}, "value less than or equal to 5"),
        ({"Title": "t" * 201}, "length less than or equal to 200"),
    ],
)
def test_what_the_service_refuses_fails_the_deployment(
    stack: Stack, template: dict[str, Any], told: str
) -> None:
    """The stack rolls back with the service's own words."""
    assert stack.deploy(_plan(unique("plan"), template=template)) == "ROLLBACK_COMPLETE"
    assert told in dict(stack.events("Plan"))["CREATE_FAILED"]


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({"Titel": "t"}, "#: extraneous key [Titel] is not permitted"),
        ({"template": {"Priority": 1}}, "#/IncidentTemplate: extraneous key [Priority] is not permitted"),
    ],
)
def test_a_property_that_a_type_does_not_have_is_refused(
    stack: Stack, more: dict[str, Any], told: str
) -> None:
    """With where it stands, as CloudFormation tells it."""
    assert stack.deploy(_plan(unique("plan"), **more)) == "ROLLBACK_COMPLETE"
    assert told in dict(stack.events("Plan"))["CREATE_FAILED"]


@pytest.mark.parametrize(
    ("template", "told"),
    [
        ({"Impact": "high"}, "/Impact: expected type: Number, found: String"),
        ({"Impact": True}, "/Impact: expected type: Number, found: Boolean"),
        ({"NotificationTargets": "topic"}, "/NotificationTargets: expected type: JSONArray, found: String"),
        ({"IncidentTags": [{"Name": "team"}]}, "/IncidentTags: required key [Key] not found"),
    ],
)
def test_a_property_of_another_type_is_refused(stack: Stack, template: dict[str, Any], told: str) -> None:
    """With what was expected and found."""
    assert stack.deploy(_plan(unique("plan"), template=template)) == "ROLLBACK_COMPLETE"
    assert f"#/IncidentTemplate{told}" in dict(stack.events("Plan"))["CREATE_FAILED"]


@pytest.mark.parametrize(
    ("kind", "properties", "told"),
    [
        ("AWS::CloudWatch::AlarmMuteRule", {"Name": "m"}, "Rule is missing"),
        ("AWS::Lambda::ResourcePolicy", {"ResourceArn": "x"}, "PolicyDocument is missing"),
        ("AWS::SSMContacts::Rotation", {"Name": "r", "ContactIds": []}, "'TimeZoneId' failed to satisfy"),
        (
            "AWS::SSMContacts::Contact",
            {"Alias": "a", "DisplayName": "A", "Type": "PERSONAL", "Plan": {"Stages": []}},
            "#/Plan: expected type: JSONArray, found: JSONObject",
        ),
    ],
)
def test_what_a_type_cannot_do_without_is_told(
    stack: Stack, kind: str, properties: dict[str, Any], told: str
) -> None:
    """By its name, and not by an error of Python's."""
    assert stack.deploy({"It": {"Type": kind, "Properties": properties}}) == "ROLLBACK_COMPLETE"
    assert told in dict(stack.events("It"))["CREATE_FAILED"]


def test_a_name_that_is_taken_fails_the_deployment(aws: Aws, stack: Stack) -> None:
    """Plan names are unique in the account."""
    taken = aws.plan().rpartition("/")[2]
    assert stack.deploy(_plan(taken)) == "ROLLBACK_COMPLETE"
    assert "ConflictException" in dict(stack.events("Plan"))["CREATE_FAILED"]


def test_a_failed_update_rolls_back_to_what_was(stack: Stack, incidents: Any) -> None:
    """The plan has its old title again, and the stack says UPDATE_ROLLBACK_COMPLETE."""
    name = unique("plan")
    stack.deploy(_plan(name), **_ARNS)
    arn = stack.outputs["Ref"]
    broken = {**_plan(name, template={"Title": "new"}), "Bad": _plan("a name with spaces")["Plan"]}
    broken["Bad"]["DependsOn"] = "Plan"
    assert stack.deploy(broken, **_ARNS) == "UPDATE_ROLLBACK_COMPLETE"
    assert incidents.get_response_plan(arn=arn)["incidentTemplate"]["title"] == "t"


def test_a_replication_set_collides_with_the_accounts_own(aws: Aws) -> None:
    """An account has one."""
    stack = Stack(aws, f"{34:012d}")
    assert stack.deploy(_replication_set({REGION: ""})) == "ROLLBACK_COMPLETE"
    assert any("has a replication set already" in reason for _, reason in stack.events("Set"))


@pytest.mark.parametrize(
    ("regions", "status"),
    [
        ({REGION: "k", "eu-west-1": ""}, "UPDATE_COMPLETE"),
        ({REGION: "k", "eu-west-1": "", "eu-west-2": ""}, "UPDATE_ROLLBACK_COMPLETE"),
        ({"eu-west-1": ""}, "UPDATE_ROLLBACK_COMPLETE"),
        ({REGION: "another"}, "UPDATE_ROLLBACK_COMPLETE"),
    ],
    ids=["one more", "two more", "another instead", "another key"],
)
def test_a_replication_set_changes_one_region_at_a_time(
    aws: Aws, regions: dict[str, str], status: str, request: pytest.FixtureRequest
) -> None:
    """And no Region's key."""
    account = f"{35_00 + len(request.node.name):012d}"
    client = aws.client("ssm-incidents", key=account)
    client.delete_replication_set(arn=client.list_replication_sets()["replicationSetArns"][0])
    stack = Stack(aws, account)
    stack.deploy(_replication_set({REGION: "k"}))
    assert stack.deploy(_replication_set(regions)) == status
    (arn,) = client.list_replication_sets()["replicationSetArns"]
    kept = client.get_replication_set(arn=arn)["replicationSet"]["regionMap"]
    assert set(kept) == (set(regions) if status == "UPDATE_COMPLETE" else {REGION})
    assert kept[REGION]["sseKmsKeyId"] == "k"


def test_a_replication_set_is_created_changed_and_deleted(aws: Aws) -> None:
    """In an account without one; Ref and Arn are its ARN, Regions change one at a time."""
    key = f"{21:012d}"
    client, stack = aws.client("ssm-incidents", key=key), Stack(aws, key)
    client.delete_replication_set(arn=client.list_replication_sets()["replicationSetArns"][0])

    def template(*regions: str, protected: bool) -> dict[str, Any]:
        listed = [{"RegionName": region} for region in regions]
        return {
            "Set": {
                "Type": "AWS::SSMIncidents::ReplicationSet",
                "Properties": {
                    "Regions": listed,
                    "DeletionProtected": protected,
                    "Tags": [{"Key": "protected" if protected else "open"}],
                },
            }
        }

    assert stack.deploy(template(REGION, protected=True), Ref={"Ref": "Set"}) == "CREATE_COMPLETE"
    (arn,) = client.list_replication_sets()["replicationSetArns"]
    assert stack.outputs == {"Ref": arn}
    assert client.get_replication_set(arn=arn)["replicationSet"]["deletionProtected"]
    assert stack.deploy(template(REGION, "eu-west-1", protected=False)) == "UPDATE_COMPLETE"
    found = client.get_replication_set(arn=arn)["replicationSet"]
    assert (sorted(found["regionMap"]), found["deletionProtected"]) == (["eu-west-1", REGION], False)
    assert client.list_tags_for_resource(resourceArn=arn)["tags"] == {"open": ""}
    three = template(REGION, "eu-west-2", "eu-west-3", protected=False)
    assert stack.deploy(three) == "UPDATE_ROLLBACK_COMPLETE"
    stack.delete()
    assert client.list_replication_sets()["replicationSetArns"] == []


def _alarm(name: str, **more: Any) -> dict[str, Any]:
    return {
        "Type": "AWS::CloudWatch::Alarm",
        "Properties": {
            "AlarmName": name,
            "ComparisonOperator": "GreaterThanThreshold",
            "EvaluationPeriods": 1,
            "Threshold": 1,
            **more,
        },
    }


def test_a_composite_alarm_is_created_changed_and_deleted(aws: Aws, stack: Stack) -> None:
    """Ref is the name, Arn the ARN; the rule changes in place."""
    child, name, watch = unique("alarm"), unique("composite"), aws.client("cloudwatch")

    def template(state: str) -> dict[str, Any]:
        rule = {"Fn::Sub": f'{state}("${{Child}}")'}
        return {
            "Child": _alarm(child, Namespace="App", MetricName="m"),
            "All": {
                "Type": "AWS::CloudWatch::CompositeAlarm",
                "Properties": {"AlarmName": name, "AlarmRule": rule},
            },
        }

    outputs = {"Ref": {"Ref": "All"}, "Arn": {"Fn::GetAtt": ["All", "Arn"]}}
    assert stack.deploy(template("ALARM"), **outputs) == "CREATE_COMPLETE"
    assert stack.outputs == {"Ref": name, "Arn": f"arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm:{name}"}
    assert stack.deploy(template("OK"), **outputs) == "UPDATE_COMPLETE"

    def rules() -> list[str]:
        alarms = watch.describe_alarms(AlarmNames=[name], AlarmTypes=["CompositeAlarm"])["CompositeAlarms"]
        return [alarm["AlarmRule"] for alarm in alarms]

    assert rules() == [f'OK("{child}")']
    stack.delete()
    assert rules() == []


def test_a_suppressed_composite_alarm_tells_its_suppressor(aws: Aws, stack: Stack) -> None:
    """The suppressor stands in the alarm's events; that it suppresses is not played here."""
    child, name = unique("alarm"), unique("composite")
    properties = {
        "AlarmName": name,
        "AlarmRule": f"ALARM({child})",
        "ActionsSuppressor": child,
        "ActionsSuppressorWaitPeriod": 60,
        "ActionsSuppressorExtensionPeriod": 60,
    }
    composite = {"Type": "AWS::CloudWatch::CompositeAlarm", "Properties": properties, "DependsOn": "Child"}
    template = {"Child": _alarm(child, Namespace="App", MetricName="m"), "All": composite}
    assert stack.deploy(template) == "CREATE_COMPLETE"
    url, arn = aws.queue()
    pattern = {"source": ["aws.cloudwatch"], "detail": {"alarmName": [name]}}
    rule, events = unique("rule"), aws.client("events")
    events.put_rule(Name=rule, EventPattern=json.dumps(pattern))
    events.put_targets(Rule=rule, Targets=[{"Id": "q", "Arn": arn}])
    aws.client("cloudwatch").set_alarm_state(AlarmName=child, StateValue="ALARM", StateReason="r")
    (event,) = aws.messages(url)
    assert event["detail"]["configuration"] == {
        "alarmRule": f"ALARM({child})",
        "actionsSuppressor": child,
        "actionsSuppressorWaitPeriod": 60,
        "actionsSuppressorExtensionPeriod": 60,
    }


def test_a_template_makes_an_alarm_on_metric_math(aws: Aws, stack: Stack) -> None:
    """Metrics instead of MetricName are admitted and kept."""
    name = unique("alarm")
    stat = {"Metric": {"Namespace": "App", "MetricName": "m"}, "Period": 60, "Stat": "Sum"}
    metrics = [
        {"Id": "e", "Expression": "m * 2", "ReturnData": True},
        {"Id": "m", "MetricStat": stat, "ReturnData": False},
    ]
    assert stack.deploy({"Math": _alarm(name, Metrics=metrics)}) == "CREATE_COMPLETE"
    (alarm,) = aws.client("cloudwatch").describe_alarms(AlarmNames=[name])["MetricAlarms"]
    assert alarm["Metrics"] == metrics


def test_inline_code_is_in_index_py(aws: Aws, stack: Stack) -> None:
    """Whatever the handler is called; so code that reads its own file finds it."""
    code = "from pathlib import Path\n# here\ndef handler(e, c): return Path(__file__).name\n"
    properties = {
        "FunctionName": unique("fn"),
        "Runtime": "python3.13",
        "Handler": "other.handler",
        "Role": aws.role(),
        "Code": {"ZipFile": code},
    }
    assert (
        stack.deploy({"Fn": {"Type": "AWS::Lambda::Function", "Properties": properties}}) == "CREATE_COMPLETE"
    )
    client = aws.client("lambda")
    answer = client.invoke(FunctionName=properties["FunctionName"])
    assert "No module named 'other'" in answer["Payload"].read().decode()
    client.update_function_configuration(FunctionName=properties["FunctionName"], Handler="index.handler")
    assert json.load(client.invoke(FunctionName=properties["FunctionName"])["Payload"]) == "index.py"


_DROPPED = {
    "on": ("ENABLED", "ENABLED", "ENABLED"),
    "off": ("DISABLED", "DISABLED", None),
}


@pytest.mark.parametrize("kind", ["Table", "GlobalTable"])
def test_a_table_has_its_expiry_its_backups_and_its_encryption(aws: Aws, stack: Stack, kind: str) -> None:
    """As the template says, and no longer when it no longer does."""
    own: dict[str, Any] = {"PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": True}}
    common: dict[str, Any] = {
        "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
        "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}],
        "BillingMode": "PAY_PER_REQUEST",
    }
    told: dict[str, Any] = {
        "TimeToLiveSpecification": {"AttributeName": "expires", "Enabled": "true"},
        "SSESpecification": {"SSEEnabled": True},
    }

    def table(switch: str) -> dict[str, Any]:
        backups = own if switch == "on" else {}
        replicas = {"Replicas": [{"Region": REGION, **backups}]} if kind == "GlobalTable" else backups
        properties = {**common, **replicas, **(told if switch == "on" else {})}
        return {"T": {"Type": f"AWS::DynamoDB::{kind}", "Properties": properties}}

    client = aws.client("dynamodb")
    for switch in ("on", "off"):
        assert stack.deploy(table(switch), Name={"Ref": "T"}).endswith("E_COMPLETE")
        name = {"TableName": stack.outputs["Name"]}
        expiry = client.describe_time_to_live(**name)["TimeToLiveDescription"]
        backups = client.describe_continuous_backups(**name)["ContinuousBackupsDescription"]
        encryption = client.describe_table(**name)["Table"].get("SSEDescription", {})
        assert (
            expiry["TimeToLiveStatus"],
            backups["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"],
            encryption.get("Status"),
        ) == _DROPPED[switch]
        assert expiry.get("AttributeName") == ("expires" if switch == "on" else None)


def _failing(aws: Aws, *statements: dict[str, Any], **more: Any) -> dict[str, Any]:
    properties = {
        "Runtime": "python3.13",
        "Handler": "index.handler",
        "Role": aws.role(*statements),
        "Code": {"ZipFile": "def handler(e, c): raise RuntimeError"},
        **more,
    }
    return {"Fn": {"Type": "AWS::Lambda::Function", "Properties": properties}}


def test_a_function_has_its_reserved_concurrency(aws: Aws, stack: Stack) -> None:
    """With none it runs never; without a word of it, as it can."""
    client, name = aws.client("lambda"), {"Name": {"Ref": "Fn"}}
    stack.deploy(_failing(aws, ReservedConcurrentExecutions="0"), **name)
    with pytest.raises(client.exceptions.TooManyRequestsException):
        client.invoke(FunctionName=stack.outputs["Name"])
    stack.deploy(_failing(aws), **name)
    assert client.invoke(FunctionName=stack.outputs["Name"])["FunctionError"] == "Unhandled"


@pytest.mark.parametrize("action", ["sqs:SendMessage", "sqs:ReceiveMessage"])
def test_what_a_function_fails_with_goes_to_its_own_dead_letter_queue(
    aws: Aws, stack: Stack, action: str
) -> None:
    """The bare event, after all tries, if its role may send there.

    https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html
    """
    (url, arn), (also_url, also_arn) = aws.queue(), aws.queue()
    allowed = {"Effect": "Allow", "Action": action, "Resource": arn}
    destination = {"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": also_arn}
    resources = _failing(aws, allowed, destination, DeadLetterConfig={"TargetArn": arn})
    stack.deploy(resources, Name={"Ref": "Fn"})
    name, client = stack.outputs["Name"], aws.client("lambda")
    client.put_function_event_invoke_config(
        FunctionName=name, DestinationConfig={"OnFailure": {"Destination": also_arn}}
    )
    client.invoke(FunctionName=name, InvocationType="Event", Payload=json.dumps({"n": 1}))
    (record,) = aws.messages(also_url)
    assert record["requestPayload"] == {"n": 1}
    letters = aws.client("sqs").receive_message(QueueUrl=url).get("Messages", [])
    assert [json.loads(letter["Body"]) for letter in letters] == ([{"n": 1}] if "Send" in action else [])


_CUSTOM = """
import json, os, urllib.request
def handler(event, context):
    told = {key: event.get(key) for key in ("RequestType", "PhysicalResourceId")}
    sets = [event.get(key) or {} for key in ("OldResourceProperties", "ResourceProperties")]
    told["Fail"] = [properties.get("Fail") for properties in sets]
    with open(os.environ["TOLD"], "a") as file:
        file.write(json.dumps(told) + "\\n")
    back = "FailBack" in sets[0]
    failed = (back or event["ResourceProperties"].get("Fail") == "true") and event["RequestType"] != "Delete"
    answer = {key: event[key] for key in ("StackId", "RequestId", "LogicalResourceId")}
    answer["PhysicalResourceId"] = "made-by-" + event["RequestType"]
    answer["Status"] = "FAILED" if failed else "SUCCESS"
    answer["Reason"] = "Smoke test failed at start"
    request = urllib.request.Request(event["ResponseURL"], json.dumps(answer).encode(), method="PUT")
    urllib.request.urlopen(request)
"""


def _custom(aws: Aws, folder: Path, code: str = _CUSTOM) -> tuple[str, dict[str, Any]]:
    """Give a file, and a template of a custom resource that writes each request into it."""
    file = str(folder / unique("told"))
    function = {
        "Runtime": "python3.13",
        "Handler": "index.handler",
        "Role": aws.role(),
        "Code": {"ZipFile": code},
        "Environment": {"Variables": {"TOLD": file}},
        "Timeout": 10,
    }
    properties = {"ServiceToken": {"Fn::GetAtt": ["Fn", "Arn"]}, "ServiceTimeout": 10}
    return file, {
        "Fn": {"Type": "AWS::Lambda::Function", "Properties": function},
        "Custom": {"Type": "Custom::IncidentSmokeTest", "Properties": properties},
    }


def test_a_failed_create_is_followed_by_a_delete(aws: Aws, stack: Stack, tmp_path: Path) -> None:
    """The Delete carries the id that the failed Create gave; the reason fails the stack."""
    file, template = _custom(aws, tmp_path)
    template["Custom"]["Properties"]["Fail"] = True
    assert stack.deploy(template) == "ROLLBACK_COMPLETE"
    assert [(told["RequestType"], told["PhysicalResourceId"]) for told in lines(file, 2)] == [
        ("Create", None),
        ("Delete", "made-by-Create"),
    ]
    assert dict(stack.events("Custom"))["CREATE_FAILED"] == "Smoke test failed at start"


def test_a_failed_update_is_followed_by_an_update_back(aws: Aws, stack: Stack, tmp_path: Path) -> None:
    """The stack rolls back, and the resource is asked to return from what failed to its old properties."""
    file, template = _custom(aws, tmp_path)
    assert stack.deploy(template) == "CREATE_COMPLETE"
    template["Custom"]["Properties"] = {**template["Custom"]["Properties"], "Fail": True}
    assert stack.deploy(template) == "UPDATE_ROLLBACK_COMPLETE"
    assert [(told["RequestType"], told["Fail"]) for told in lines(file, 3)] == [
        ("Create", [None, None]),
        ("Update", [None, "true"]),
        ("Update", ["true", None]),
    ]


def test_a_custom_resource_may_be_asked_twice(aws: Aws, stack: Stack, tmp_path: Path) -> None:
    """Lambda may deliver a request a second time; the first answer counts, the other is dropped."""
    file, template = _custom(aws, tmp_path)
    aws.control("POST", "twice", {"function": stack.name, "times": 1})
    assert stack.deploy(template, Id={"Ref": "Custom"}) == "CREATE_COMPLETE"
    assert [told["RequestType"] for told in lines(file, 2)] == ["Create", "Create"]
    assert stack.outputs == {"Id": "made-by-Create"}


def test_a_custom_resources_answer_has_a_limit(aws: Aws, stack: Stack, tmp_path: Path) -> None:
    """More than 4,096 bytes are a failure, whatever they say."""
    code = _CUSTOM.replace("Smoke test failed at start", "long" * 1024)
    _, template = _custom(aws, tmp_path, code)
    assert stack.deploy(template) == "ROLLBACK_COMPLETE"
    assert dict(stack.events("Custom"))["CREATE_FAILED"] == "Response object is too long."


def test_a_failed_update_takes_everything_back_in_order(aws: Aws, stack: Stack, tmp_path: Path) -> None:
    """What had changed goes back in the order of its making, then what failed; what is new goes last."""
    file, template = _custom(aws, tmp_path)
    after: dict[str, Any] = {}
    for name in ("First", "Second"):
        template[name] = {"Type": "AWS::SNS::Topic", "Properties": {"DisplayName": "old"}, **after}
        after = {"DependsOn": name}
    template["Custom"] |= after
    names = {name: {"Ref": name} for name in ("First", "Second")}
    assert stack.deploy(template, **names) == "CREATE_COMPLETE"
    for name in names:
        template[name]["Properties"] = {"DisplayName": "new"}
    template["Custom"]["Properties"] = {**template["Custom"]["Properties"], "Fail": True}
    template["Custom"]["DependsOn"] = ["Second", "New"]
    template["New"] = {"Type": "AWS::SNS::Topic", "Properties": {}}
    assert stack.deploy(template, **names) == "UPDATE_ROLLBACK_COMPLETE"
    events = stack.statuses()
    back = events[events.index((stack.name, "UPDATE_ROLLBACK_IN_PROGRESS")) :]
    assert [event for event in back if event[1].endswith("IN_PROGRESS")][1:] == [
        ("First", "UPDATE_IN_PROGRESS"),
        ("Second", "UPDATE_IN_PROGRESS"),
        ("Custom", "UPDATE_IN_PROGRESS"),
        (stack.name, "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS"),
        ("New", "DELETE_IN_PROGRESS"),
    ]
    for arn in stack.outputs.values():
        told = aws.client("sns").get_topic_attributes(TopicArn=arn)["Attributes"]
        assert told["DisplayName"] == "old"
    assert len(lines(file, 3)) == 3


def test_an_update_that_cannot_go_back_is_told(aws: Aws, stack: Stack, tmp_path: Path) -> None:
    """A resource that fails on its way back as well leaves the stack in UPDATE_ROLLBACK_FAILED."""
    _, template = _custom(aws, tmp_path)
    assert stack.deploy(template) == "CREATE_COMPLETE"
    template["Custom"]["Properties"] = {**template["Custom"]["Properties"], "Fail": True, "FailBack": True}
    assert stack.deploy(template) == "UPDATE_ROLLBACK_FAILED"


def test_a_custom_resource_that_crashes_is_tried_again(aws: Aws, stack: Stack, tmp_path: Path) -> None:
    """CloudFormation invokes asynchronously, so Lambda's two retries hold: the third try answers."""
    crash = """
    tries = os.path.join(os.environ["TMPDIR"], os.environ["AWS_LAMBDA_FUNCTION_NAME"])
    with open(tries, "a+") as file:
        print("x", file=file)
        file.seek(0)
        if len(file.readlines()) < 3:
            raise RuntimeError("crashed")
    failed ="""
    file, template = _custom(aws, tmp_path, _CUSTOM.replace("\n    failed =", crash))
    assert stack.deploy(template) == "CREATE_COMPLETE"
    assert len(lines(file, 3)) == 3


@pytest.mark.parametrize(
    ("action", "status"), [("sqs:*", "CREATE_COMPLETE"), ("sqs:Send*", "ROLLBACK_COMPLETE")]
)
def test_an_event_source_needs_the_roles_right_to_read(
    aws: Aws, stack: Stack, make_function: Callable[..., Function], action: str, status: str
) -> None:
    """Lambda refuses a mapping whose queue the function's role may not read."""
    _, queue_arn = aws.queue()
    function = make_function({"Effect": "Allow", "Action": action, "Resource": queue_arn})
    properties = {"FunctionName": function.alias, "EventSourceArn": queue_arn, "Enabled": False}
    assert (
        stack.deploy({"Source": {"Type": "AWS::Lambda::EventSourceMapping", "Properties": properties}})
        == status
    )
    if status != "CREATE_COMPLETE":
        assert "permissions to call ReceiveMessage on SQS" in dict(stack.events("Source"))["CREATE_FAILED"]


def test_a_stacks_alarm_reaches_a_function_through_its_alias(
    stack: Stack, aws: Aws, make_function: Callable[..., Function]
) -> None:
    """A permission from a template opens the alias for CloudWatch."""
    function, name = make_function(), unique("alarm")
    permission = {
        "FunctionName": function.alias,
        "Action": "lambda:InvokeFunction",
        "Principal": "lambda.alarms.cloudwatch.amazonaws.com",
        "SourceAccount": ACCOUNT,
    }
    resources = {
        "Permission": {"Type": "AWS::Lambda::Permission", "Properties": permission},
        "Alarm": _alarm(name, Namespace="App", MetricName="m", AlarmActions=[function.alias]),
    }
    assert stack.deploy(resources) == "CREATE_COMPLETE"
    aws.client("cloudwatch").set_alarm_state(AlarmName=name, StateValue="ALARM", StateReason="r")
    (told,) = function.told()
    assert told["event"]["alarmData"]["alarmName"] == name
