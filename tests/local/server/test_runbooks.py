"""Runbooks: what an incident would start, with what, as whom; or why it could not."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from .conftest import ACCOUNT, REGION, unique

if TYPE_CHECKING:
    from .conftest import Aws

_STATIC = {"Env": ["prod"]}
_DYNAMIC = {
    "Incident": {"variable": "INCIDENT_RECORD_ARN"},
    "Involved": {"variable": "INVOLVED_RESOURCES"},
}


def _role(
    aws: Aws, *, service: str = "ssm-incidents.amazonaws.com", of: str = "*", allowed: str = "*"
) -> str:
    """Make a role for runbooks, trusted for records whose ARN fits, that may start some documents."""
    name, iam = unique("role"), aws.client("iam")
    source = f"arn:aws:ssm-incidents:*:{ACCOUNT}:incident-record/{of}/*"
    trust = {
        "Effect": "Allow",
        "Principal": {"Service": service},
        "Action": "sts:AssumeRole",
        "Condition": {"ArnLike": {"aws:SourceArn": source}, "StringEquals": {"aws:SourceAccount": ACCOUNT}},
    }
    document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    arn: str = iam.create_role(RoleName=name, AssumeRolePolicyDocument=document)["Role"]["Arn"]
    statement = {"Effect": "Allow", "Action": "ssm:StartAutomationExecution", "Resource": allowed}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=policy)
    return arn


def _plan(aws: Aws, document: str, role: str, **more: Any) -> str:
    automation = {"documentName": document, "roleArn": role, **more}
    arn: str = aws.client("ssm-incidents").create_response_plan(
        name=unique("plan"),
        incidentTemplate={"title": "Failing", "impact": 1},
        actions=[{"ssmAutomation": automation}],
    )["arn"]
    return arn


def _run(aws: Aws, incident: str) -> dict[str, Any]:
    (run,) = [r for r in aws.control("GET", "runbooks")["runbooks"] if r["incident_record_arn"] == incident]
    found: dict[str, Any] = run
    return found


@pytest.fixture
def document(aws: Aws) -> str:
    """Give the name of a document of the account."""
    name = unique("doc")
    content = json.dumps({"schemaVersion": "0.3", "mainSteps": []})
    aws.client("ssm").create_document(Name=name, Content=content, DocumentType="Automation")
    return name


def test_an_incident_starts_its_runbook(aws: Aws, document: str) -> None:
    """With the incident's own values filled in; the execution is a related item."""
    role = _role(aws)
    plan = _plan(
        aws, document, role, documentVersion="1", parameters=_STATIC, dynamicParameters=_DYNAMIC,
        targetAccount="IMPACTED_ACCOUNT",
    )  # fmt: skip
    bucket = {"identifier": {"type": "INVOLVED_RESOURCE", "value": {"arn": "arn:aws:s3:::bucket"}}}
    incident = aws.start(plan, relatedItems=[bucket])
    run = _run(aws, incident)
    assert (run["document"], run["version"], run["role"], run["problem"]) == (document, "1", role, "")
    assert run["parameters"] == {**_STATIC, "Incident": [incident], "Involved": ["arn:aws:s3:::bucket"]}
    assert run["target_account"] == "IMPACTED_ACCOUNT"
    items = aws.client("ssm-incidents").list_related_items(incidentRecordArn=incident)["relatedItems"]
    told = [item["identifier"]["value"] for item in items if item["identifier"]["type"] == "AUTOMATION"]
    assert told == [{"arn": run["execution_arn"]}]
    assert aws.record(incident)["automationExecutions"] == [{"ssmExecutionArn": run["execution_arn"]}]


def test_documents_of_aws_are_there(aws: Aws) -> None:
    """Nobody has to make them."""
    incident = aws.start(_plan(aws, "AWSIncidents-CriticalIncidentRunbookTemplate", _role(aws)))
    assert _run(aws, incident)["problem"] == ""


def test_a_document_may_be_named_by_arn(aws: Aws, document: str) -> None:
    """As CloudFormation allows."""
    arn = f"arn:aws:ssm:{REGION}:{ACCOUNT}:document/{document}"
    assert _run(aws, aws.start(_plan(aws, arn, _role(aws))))["problem"] == ""


@pytest.mark.parametrize("wrong", ["document", "version", "role", "trust", "source", "permission"])
def test_what_cannot_start_stands_in_the_timeline(aws: Aws, document: str, wrong: str) -> None:
    """The incident starts all the same, with no execution among its items."""
    roles = {
        "role": f"arn:aws:iam::{ACCOUNT}:role/{unique('none')}",
        "trust": _role(aws, service="ssm.amazonaws.com"),
        "source": _role(aws, of="another-plan"),
        "permission": _role(aws, allowed=f"arn:aws:ssm:*:{ACCOUNT}:automation-definition/other:*"),
    }
    version = {"documentVersion": "7"} if wrong == "version" else {}
    name = unique("none") if wrong == "document" else document
    incident = aws.start(_plan(aws, name, roles.get(wrong) or _role(aws), **version))
    assert _run(aws, incident)["problem"]
    client = aws.client("ssm-incidents")
    told = client.list_timeline_events(incidentRecordArn=incident)["eventSummaries"]
    assert "SSM Automation Failed To Start" in {event["eventType"] for event in told}
    items = client.list_related_items(incidentRecordArn=incident)["relatedItems"]
    assert {item["identifier"]["type"] for item in items} == {"PARENT"}


def test_a_role_may_be_for_one_document_only(aws: Aws, document: str) -> None:
    """The permission is on the document's automation, in its version."""
    allowed = f"arn:aws:ssm:{REGION}:{ACCOUNT}:automation-definition/{document}:$DEFAULT"
    assert _run(aws, aws.start(_plan(aws, document, _role(aws, allowed=allowed))))["problem"] == ""
