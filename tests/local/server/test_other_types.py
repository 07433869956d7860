"""Documents, chat configurations, shares, secrets, dashboards: deployed as far as plans need them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from .conftest import ACCOUNT, REGION, unique

if TYPE_CHECKING:
    from .conftest import Aws, Stack

_OTHER = f"{33:012d}"


def _document(content: str = "one", **more: Any) -> dict[str, Any]:
    body = {"schemaVersion": "0.3", "description": content, "mainSteps": []}
    properties = {"Content": body, "DocumentType": "Automation", **more}
    return {"Doc": {"Type": "AWS::SSM::Document", "Properties": properties}}


_NAME = {"Name": {"Ref": "Doc"}}


def _description(aws: Aws, name: str, version: str = "$DEFAULT") -> str:
    found = aws.client("ssm").get_document(Name=name, DocumentVersion=version)
    told: str = json.loads(found["Content"])["description"]
    return told


def test_a_document_is_created_and_deleted(aws: Aws, stack: Stack) -> None:
    """Ref is its name."""
    name = unique("doc")
    assert stack.deploy(_document(Name=name), **_NAME) == "CREATE_COMPLETE"
    assert stack.outputs == {"Name": name}
    ssm = aws.client("ssm")
    assert ssm.describe_document(Name=name)["Document"]["DocumentType"] == "Automation"
    assert name in {d["Name"] for d in ssm.list_documents()["DocumentIdentifiers"]}
    stack.delete()
    with pytest.raises(ssm.exceptions.InvalidDocument):
        ssm.get_document(Name=name)


def test_new_content_replaces_a_document_without_a_name(aws: Aws, stack: Stack) -> None:
    """Since UpdateMethod is Replace unless said otherwise."""
    stack.deploy(_document("one"), **_NAME)
    before = stack.outputs["Name"]
    assert stack.deploy(_document("two"), **_NAME) == "UPDATE_COMPLETE"
    assert stack.outputs["Name"] != before
    assert _description(aws, stack.outputs["Name"]) == "two"


def test_new_content_of_a_named_document_is_refused(stack: Stack) -> None:
    """A custom-named resource cannot be replaced."""
    name = unique("doc")
    stack.deploy(_document("one", Name=name))
    assert stack.deploy(_document("two", Name=name)) == "UPDATE_ROLLBACK_COMPLETE"
    assert any("custom-named" in reason for _, reason in stack.events("Doc"))


def test_a_new_version_becomes_the_default(aws: Aws, stack: Stack) -> None:
    """UpdateMethod NewVersion keeps the name and the old version."""
    name = unique("doc")
    stack.deploy(_document("one", Name=name, UpdateMethod="NewVersion"))
    assert stack.deploy(_document("two", Name=name, UpdateMethod="NewVersion")) == "UPDATE_COMPLETE"
    assert (_description(aws, name), _description(aws, name, "1")) == ("two", "one")


def test_a_version_is_of_new_content(aws: Aws) -> None:
    """Content that a version has already is refused."""
    ssm, name = aws.client("ssm"), unique("doc")
    ssm.create_document(Name=name, Content="{}", DocumentType="Automation")
    with pytest.raises(ssm.exceptions.DuplicateDocumentContent):
        ssm.update_document(Name=name, Content="{}")


def test_documents_are_a_regions(aws: Aws) -> None:
    """Another Region does not list them."""
    name = unique("doc")
    aws.client("ssm").create_document(Name=name, Content="{}", DocumentType="Automation")
    there = aws.client("ssm", region="eu-west-1").list_documents()["DocumentIdentifiers"]
    assert name not in {document["Name"] for document in there}


def test_chat_configurations_are_remembered(stack: Stack) -> None:
    """Ref and Arn are the ARN; what they cannot do without is asked for."""
    role = f"arn:aws:iam::{ACCOUNT}:role/r"
    slack = {"ConfigurationName": "c", "SlackWorkspaceId": "T1", "SlackChannelId": "C1", "IamRoleArn": role}
    teams = {"ConfigurationName": "t", "TeamId": "1", "TeamsTenantId": "2", "TeamsChannelId": "3"}
    resources = {
        "Slack": {"Type": "AWS::Chatbot::SlackChannelConfiguration", "Properties": slack},
        "Teams": {
            "Type": "AWS::Chatbot::MicrosoftTeamsChannelConfiguration",
            "Properties": {**teams, "IamRoleArn": role},
        },
    }
    outputs = {"Slack": {"Ref": "Slack"}, "Teams": {"Fn::GetAtt": ["Teams", "Arn"]}}
    assert stack.deploy(resources, **outputs) == "CREATE_COMPLETE"
    assert stack.outputs["Slack"] == f"arn:aws:chatbot::{ACCOUNT}:chat-configuration/slack-channel/c"
    assert stack.outputs["Teams"].endswith(":chat-configuration/microsoft-teams-channel/t")
    del slack["SlackChannelId"]
    assert stack.deploy(resources) == "UPDATE_ROLLBACK_COMPLETE"


def test_what_plans_need_beside_deploys(stack: Stack) -> None:
    """A secret for PagerDuty, a dashboard."""
    resources = {
        "Secret": {"Type": "AWS::SecretsManager::Secret", "Properties": {"SecretString": "{}"}},
        "Board": {
            "Type": "AWS::CloudWatch::Dashboard",
            "Properties": {"DashboardBody": json.dumps({"widgets": []})},
        },
    }
    assert stack.deploy(resources) == "CREATE_COMPLETE"


def _share(plan: str, *principals: str) -> dict[str, Any]:
    properties = {"Name": "plans", "ResourceArns": [plan], "Principals": list(principals)}
    return {"Share": {"Type": "AWS::RAM::ResourceShare", "Properties": properties}}


def test_a_shared_plan_starts_incidents_of_its_owner(aws: Aws, stack: Stack) -> None:
    """From the account it is shared with, which sees the incident too; not from others, nor once unshared."""
    plan, there = aws.plan(), aws.client("ssm-incidents", key=_OTHER)
    with pytest.raises(there.exceptions.ResourceNotFoundException):
        there.start_incident(responsePlanArn=plan)
    assert stack.deploy(_share(plan, _OTHER), Arn={"Fn::GetAtt": ["Share", "Arn"]}) == "CREATE_COMPLETE"
    assert stack.outputs["Arn"].startswith(f"arn:aws:ram:{REGION}:{ACCOUNT}:resource-share/")
    with pytest.raises(there.exceptions.ResourceNotFoundException):
        there.start_incident(responsePlanArn=aws.plan())
    incident = there.start_incident(responsePlanArn=plan)["incidentRecordArn"]
    assert incident.split(":")[4] == ACCOUNT
    assert aws.record(incident)["status"] == "OPEN"
    there.update_incident_record(arn=incident, status="RESOLVED")
    assert aws.record(incident)["status"] == "RESOLVED"
    with pytest.raises(there.exceptions.ResourceNotFoundException):
        there.update_response_plan(arn=plan, displayName="theirs")
    stack.delete()
    with pytest.raises(there.exceptions.ResourceNotFoundException):
        there.start_incident(responsePlanArn=plan)


def test_an_organization_reaches_every_account(aws: Aws, stack: Stack) -> None:
    """All accounts here are of one."""
    plan = aws.plan()
    stack.deploy(_share(plan, "arn:aws:organizations::000000000000:organization/o-abcdefghij"))
    there = aws.client("ssm-incidents", key=_OTHER)
    assert there.start_incident(responsePlanArn=plan)["incidentRecordArn"]
