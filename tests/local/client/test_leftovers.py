"""What is left in the account."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from cdk_incidents.local import LocalCloud, rehearsal
from cdk_incidents.local.leftovers import inventory
from cdk_incidents.local.progress import Progress
from cdk_incidents.local.rehearsal import Rehearsal

from .assemblies import template, wired, write_assembly
from .conftest import ROOT

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

REGION = "us-east-1"


def test_every_kind_is_seen(local_cloud: LocalCloud) -> None:
    """What a stack of ours is made of shows up in the inventory, and is gone with it."""
    before = inventory(local_cloud.client, [REGION])
    role = {
        "Type": "AWS::IAM::Role",
        "Properties": {
            "RoleName": "left-role",
            "AssumeRolePolicyDocument": {
                "Statement": [
                    {
                        "Effect": "Allow",
                        "Principal": {"Service": "lambda.amazonaws.com"},
                        "Action": "sts:AssumeRole",
                    }
                ]
            },
        },
    }
    function = {
        "Type": "AWS::Lambda::Function",
        "Properties": {
            "FunctionName": "left-function",
            "Handler": "index.handler",
            "Runtime": "python3.13",
            "Role": {"Fn::GetAtt": ["Role", "Arn"]},
            "Code": {"ZipFile": "def handler(event, context): pass"},
        },
    }
    table = {
        "Type": "AWS::DynamoDB::Table",
        "Properties": {
            "TableName": "left-table",
            "BillingMode": "PAY_PER_REQUEST",
            "AttributeDefinitions": [{"AttributeName": "key", "AttributeType": "S"}],
            "KeySchema": [{"AttributeName": "key", "KeyType": "HASH"}],
        },
    }
    stack = template(
        **wired("Left")["Resources"],
        Queue={"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "left-queue"}},
        Topic={"Type": "AWS::SNS::Topic", "Properties": {"TopicName": "left-topic"}},
        Log={"Type": "AWS::Logs::LogGroup", "Properties": {"LogGroupName": "left-log"}},
        Role=role,
        Function=function,
        Table=table,
    )
    local_cloud.create_stack("Left", stack)
    client = local_cloud.client("ssm-incidents")
    plan = "arn:aws:ssm-incidents::000000000000:response-plan/Left"
    incident = client.start_incident(responsePlanArn=plan)["incidentRecordArn"]
    made = inventory(local_cloud.client, [REGION]) - before
    assert {kind for kind, _ in made} == {
        *("alarm", "function", "log group", "open incident", "queue", "response plan", "role", "stack"),
        *("table", "topic"),
    }
    client.update_incident_record(arn=incident, status="RESOLVED")
    local_cloud.delete_stack("Left")
    assert inventory(local_cloud.client, [REGION]) - before == set()


def test_leftovers_fail_a_rehearsal(
    local_cloud: LocalCloud, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is there after the rehearsal and was not before is named, and the rehearsal is not ok."""
    monkeypatch.chdir(ROOT)
    # As if nothing had said that the queue is kept by design.
    monkeypatch.setattr(rehearsal, "_retained", lambda *_: set())
    monkeypatch.setattr(rehearsal, "SETTLE_S", 0.2)
    stack = wired()
    stack["Resources"]["Kept"] = {"Type": "AWS::SQS::Queue", "DeletionPolicy": "Retain"}
    app = write_assembly(tmp_path, Shop=stack)
    shown = io.StringIO()
    report = Rehearsal(LocalCloud(), str(app), Progress(shown)).run()
    assert not report.ok
    (left,) = report.leftovers
    assert left.startswith("queue ")
    assert "FAIL left behind  queue " in shown.getvalue()
    assert local_cloud.running
