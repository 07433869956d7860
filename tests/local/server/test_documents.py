"""Documents: what they declare, in which version; whose they are."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from .conftest import ACCOUNT, REGION, Stack, unique

if TYPE_CHECKING:
    from .conftest import Aws

_PARAMETERS = {
    "Who": {"type": "String", "description": "whom"},
    "How": {"type": "StringList", "default": ["fast", "well"]},
    "Why": {"type": "String", "default": ""},
}


def _content(**more: Any) -> str:
    return json.dumps({"schemaVersion": "0.3", "mainSteps": [], **more})


@pytest.fixture
def name(aws: Aws) -> str:
    """Give the name of a document of two versions, of which the first is the default."""
    name, ssm = unique("doc"), aws.client("ssm")
    first = _content(description="The first", parameters=_PARAMETERS)
    ssm.create_document(Name=name, Content=first, DocumentType="Automation")
    ssm.update_document(Name=name, Content=_content(parameters={"New": {"type": "String"}}))
    return name


def test_a_document_declares_its_parameters(aws: Aws, name: str) -> None:
    """Each with its type; one without a default must be given."""
    told = aws.client("ssm").describe_document(Name=name)["Document"]
    assert told["Parameters"] == [
        {"Name": "Who", "Type": "String", "Description": "whom"},
        {"Name": "How", "Type": "StringList", "DefaultValue": '["fast", "well"]'},
        {"Name": "Why", "Type": "String", "DefaultValue": ""},
    ]
    assert (told["Status"], told["DocumentType"], told["SchemaVersion"]) == ("Active", "Automation", "0.3")
    assert (told["Description"], told["Owner"]) == ("The first", ACCOUNT)


@pytest.mark.parametrize(
    ("version", "number"), [(None, "1"), ("$DEFAULT", "1"), ("$LATEST", "2"), ("1", "1"), ("2", "2")]
)
def test_a_version_is_asked_for_by_number_or_name(
    aws: Aws, name: str, version: str | None, number: str
) -> None:
    """Both answers tell that version; without one it is the default."""
    ssm, asked = aws.client("ssm"), {"DocumentVersion": version} if version else {}
    told = ssm.describe_document(Name=name, **asked)["Document"]
    got = ssm.get_document(Name=name, **asked)
    assert (told["DocumentVersion"], got["DocumentVersion"]) == (number, number)
    assert (told["DefaultVersion"], told["LatestVersion"]) == ("1", "2")
    assert [p["Name"] for p in told["Parameters"]] == list(json.loads(got["Content"])["parameters"])


@pytest.mark.parametrize("operation", ["describe_document", "get_document"])
def test_what_is_not_there_is_told(aws: Aws, name: str, operation: str) -> None:
    """InvalidDocumentVersion, or InvalidDocument; another account's is not there either."""
    ask = getattr(aws.client("ssm"), operation)
    with pytest.raises(ClientError, match=r"InvalidDocumentVersion.*has no version 9"):
        ask(Name=name, DocumentVersion="9")
    for missing in (f"{name}-x", f"arn:aws:ssm:{REGION}:111122223333:document/{name}"):
        with pytest.raises(ClientError, match=r"InvalidDocument\)"):
            ask(Name=missing)
    assert ask(Name=f"arn:aws:ssm:{REGION}:{ACCOUNT}:document/{name}")


def test_a_document_may_be_yaml(aws: Aws) -> None:
    """Its parameters are read as well."""
    name, ssm = unique("doc"), aws.client("ssm")
    content = "schemaVersion: '0.3'\nparameters:\n  Who: {type: String}\nmainSteps: []\n"
    ssm.create_document(Name=name, Content=content, DocumentType="Automation", DocumentFormat="YAML")
    told = ssm.describe_document(Name=name)["Document"]
    assert (told["DocumentFormat"], told["Parameters"]) == ("YAML", [{"Name": "Who", "Type": "String"}])
    assert ssm.get_document(Name=name)["Content"] == content


def test_a_calendar_declares_nothing(aws: Aws) -> None:
    """A document that is neither JSON nor YAML has no parameters."""
    name, ssm = unique("doc"), aws.client("ssm")
    content = "BEGIN:VCALENDAR\n\t: {"
    ssm.create_document(Name=name, Content=content, DocumentType="ChangeCalendar", DocumentFormat="TEXT")
    assert ssm.describe_document(Name=name)["Document"]["Parameters"] == []


def test_a_document_of_cloudformation(stack: Stack) -> None:
    """It is named by Ref, and of its first version."""
    content = {"schemaVersion": "0.3", "parameters": _PARAMETERS, "mainSteps": []}
    properties = {"Content": content, "DocumentType": "Automation", "UpdateMethod": "NewVersion"}
    made = {"Doc": {"Type": "AWS::SSM::Document", "Properties": properties}}
    assert stack.deploy(made, Name={"Ref": "Doc"}) == "CREATE_COMPLETE"
    told = stack.aws.client("ssm").describe_document(Name=stack.outputs["Name"])["Document"]
    assert [p["Name"] for p in told["Parameters"]] == list(_PARAMETERS)
    assert (told["DefaultVersion"], told["LatestVersion"]) == ("1", "1")
    properties["Content"] = {**content, "description": "changed"}
    assert stack.deploy(made, Name={"Ref": "Doc"}) == "UPDATE_COMPLETE"
    told = stack.aws.client("ssm").describe_document(Name=stack.outputs["Name"])["Document"]
    assert (told["DefaultVersion"], told["LatestVersion"]) == ("2", "2")


def test_a_document_of_aws(aws: Aws) -> None:
    """Incident Manager's own template takes no parameter; what another one holds is not known here."""
    ssm, template = aws.client("ssm"), "AWSIncidents-CriticalIncidentRunbookTemplate"
    told = ssm.describe_document(Name=template)["Document"]
    assert (told["Owner"], told["Status"], told["Parameters"]) == ("Amazon", "Active", [])
    assert "mainSteps" in ssm.get_document(Name=template)["Content"]
    with pytest.raises(ClientError, match=r"InvalidDocumentVersion"):
        ssm.describe_document(Name=template, DocumentVersion="2")
    with pytest.raises(ClientError, match=r"NotPlayedHere.*AWS-RestartEC2Instance"):
        ssm.describe_document(Name="AWS-RestartEC2Instance")
    with pytest.raises(ClientError, match=r"InvalidDocument\)"):
        ssm.delete_document(Name=template)
