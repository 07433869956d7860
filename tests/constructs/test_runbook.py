"""Runbook: what it renders and refuses, the role that starts it, and what a document tells of itself."""

from __future__ import annotations

import dataclasses
import json
import re
from typing import TYPE_CHECKING, Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_iam as iam
from aws_cdk import aws_ssm as ssm

from cdk_incidents import IncidentTemplate, ResponsePlan, Runbook, TargetAccount

if TYPE_CHECKING:
    from tests.synthesis import Make, Synth

PLAN = "AWS::SSMIncidents::ResponsePlan"
ROLE = "AWS::IAM::Role"
THEIR_ARN = "arn:aws:ssm:eu-west-1:444455556666:document/theirs"
PARAMETERS = {
    "Incident": {"type": "String"},
    "Resources": {"type": "StringList", "default": []},
    "Service": {"type": "String", "default": "checkout"},
}


def document(scope: cdk.Stack, name: str = "Document", **changes: Any) -> ssm.CfnDocument:
    """Return a document of the app."""
    content = {"schemaVersion": "0.3", "parameters": PARAMETERS, "mainSteps": []}
    return ssm.CfnDocument(scope, name, **{"content": content, "document_type": "Automation", **changes})


def plan_of(scope: cdk.Stack, runbook: Runbook, name: str = "Plan") -> ResponsePlan:
    """Return a plan with a runbook."""
    incident = IncidentTemplate.low(title="Title")
    return ResponsePlan(scope, name, response_plan_name=name.lower(), incident=incident, runbook=runbook)


def automation(synth: Synth, plan: str = "") -> dict[str, Any]:
    """Return what the plan starts."""
    (action,) = synth.properties(PLAN, plan)["Actions"]
    found: dict[str, Any] = action["SsmAutomation"]
    return found


def deployed(value: Any) -> Any:
    """Return a value as CloudFormation deploys it: references as their names in brackets."""
    match value:
        case {"Fn::Join": [str(separator), list(parts)]}:
            return separator.join(deployed(part) for part in parts)
        case {"Ref": "AWS::Partition"}:
            return "aws"
        case {"Ref": str(name)}:
            return f"<{name}>"
        case list():
            return [deployed(each) for each in value]
        case dict():
            return {key: deployed(each) for key, each in value.items()}
        case _:
            return value


@pytest.fixture(scope="module")
def runbooks(make: Make) -> Synth:
    """Return a stack with a plan for each kind of runbook."""
    stack = make.stack(env=make.env)
    full = Runbook(
        document(stack),
        parameters={
            "Incident": Runbook.INCIDENT_ARN,
            "Resources": Runbook.INVOLVED_RESOURCES,
            "Service": "checkout",
        },
        document_version="$LATEST",
        target_account=TargetAccount.IMPACTED,
    )
    role = iam.Role.from_role_arn(stack, "Given", "arn:aws:iam::111122223333:role/given")
    named = Runbook("first-aid", parameters={"Teams": ["shop", "search"]}, role=role)
    plan_of(stack, full, "Full")
    plan_of(stack, named, "Named")
    plan_of(stack, Runbook(THEIR_ARN, target_account=TargetAccount.PLAN_OWNER), "Theirs")
    plan_of(stack, Runbook("AWSIncidents-CriticalIncidentRunbookTemplate"), "Amazons")
    return make.synth(stack)


def test_renders_every_field(runbooks: Synth) -> None:
    """Each argument becomes its property; what the incident knows is told apart from what is known now."""
    assert automation(runbooks, "Full") == {
        "DocumentName": {"Ref": "Document"},
        "DocumentVersion": "$LATEST",
        "RoleArn": {"Fn::GetAtt": [runbooks.id_of(ROLE, "Full"), "Arn"]},
        "TargetAccount": "IMPACTED_ACCOUNT",
        "Parameters": [{"Key": "Service", "Values": ["checkout"]}],
        "DynamicParameters": [
            {"Key": "Incident", "Value": {"Variable": "INCIDENT_RECORD_ARN"}},
            {"Key": "Resources", "Value": {"Variable": "INVOLVED_RESOURCES"}},
        ],
    }


def test_takes_documents_that_exist(runbooks: Synth) -> None:
    """A name and an ARN are rendered as they are, and what is left out leaves no empty list."""
    assert automation(runbooks, "Named") == {
        "DocumentName": "first-aid",
        "RoleArn": "arn:aws:iam::111122223333:role/given",
        "Parameters": [{"Key": "Teams", "Values": ["shop", "search"]}],
    }
    theirs = automation(runbooks, "Theirs")
    theirs.pop("RoleArn")
    assert theirs == {"DocumentName": THEIR_ARN, "TargetAccount": "RESPONSE_PLAN_OWNER_ACCOUNT"}


def test_a_given_role_is_left_alone(runbooks: Synth) -> None:
    """Where a role is given none is made, and nothing is attached to it."""
    assert runbooks.of_type(ROLE, "Named") == {}
    assert runbooks.of_type("AWS::IAM::Policy") == {}


def test_the_role_serves_incidents_of_its_plan_only(runbooks: Synth) -> None:
    """Incident Manager may take the role for incidents of this plan of this account, and for no other."""
    (statement,) = runbooks.properties(ROLE, "Full")["AssumeRolePolicyDocument"]["Statement"]
    assert deployed(statement) == {
        "Action": "sts:AssumeRole",
        "Effect": "Allow",
        "Principal": {"Service": "ssm-incidents.amazonaws.com"},
        "Condition": {
            "StringEquals": {"aws:SourceAccount": "111122223333"},
            "ArnLike": {"aws:SourceArn": "arn:aws:ssm-incidents:*:111122223333:incident-record/full/*"},
        },
    }


@pytest.mark.parametrize(
    ("plan", "account", "name"),
    [
        ("Full", "111122223333", "<Document>"),
        ("Theirs", "444455556666", "theirs"),
        # AWS's own documents are in no account.
        ("Amazons", "", "AWSIncidents-CriticalIncidentRunbookTemplate"),
    ],
)
def test_the_role_may_start_its_document_only(runbooks: Synth, plan: str, account: str, name: str) -> None:
    """The role may start this document, wherever the incident is, by today's and by older resources."""
    (policy,) = runbooks.properties(ROLE, plan)["Policies"]
    first, *others = deployed(policy["PolicyDocument"]["Statement"])
    assert first == {
        "Action": "ssm:StartAutomationExecution",
        "Effect": "Allow",
        "Resource": [
            f"arn:aws:ssm:*:{account}:document/{name}",
            f"arn:aws:ssm:*:{account}:automation-definition/{name}:*",
            "arn:aws:ssm:*:111122223333:automation-execution/*",
        ],
    }
    in_another_account = {
        "Action": "sts:AssumeRole",
        "Effect": "Allow",
        "Resource": "arn:aws:iam::*:role/AWS-SystemsManager-AutomationExecutionRole",
        "Condition": {"StringEquals": {"aws:CalledViaLast": "ssm.amazonaws.com"}},
    }
    assert others == ([in_another_account] if plan == "Full" else [])


def test_the_role_is_for_users_to_grant_on(make: Make) -> None:
    """What the steps need is granted to the plan's own role, or to the one that was given."""
    stack = make.stack()
    role = iam.Role(stack, "Mine", assumed_by=iam.ServicePrincipal("ssm-incidents.amazonaws.com"))
    assert plan_of(stack, Runbook("first-aid", role=role)).runbook_role is role
    made = plan_of(stack, Runbook("first-aid"), "Other").runbook_role
    assert made is not None
    role.grant_pass_role(made)
    statements = make.synth(stack).properties("AWS::IAM::Policy", "Other")["PolicyDocument"]["Statement"]
    assert [each["Action"] for each in statements] == ["iam:PassRole"]


def test_names_a_document_of_another_stack(make: Make) -> None:
    """Across stacks the document is named by a text, its stack comes first, and nothing is exported."""
    app = make.app()
    there, here = (cdk.Stack(app, name, env=make.env) for name in ("There", "Here"))
    named = ssm.CfnDocument(there, "Document", name="aid", content={}, document_type="Automation")
    plan_of(here, Runbook(named))
    theirs, ours = make.synth_all(there, here)
    assert automation(ours, "Plan")["DocumentName"] == "aid"
    assert ours.dependencies == ["There"]
    assert theirs.exports() == []
    assert "Fn::ImportValue" not in str(ours.template)


def test_refuses_a_nameless_document_of_another_stack(make: Make) -> None:
    """A document that CloudFormation names cannot be named from elsewhere but by an export: refused."""
    app = make.app()
    there, here = cdk.Stack(app, "There"), cdk.Stack(app, "Here")
    message = (
        r"^document must be named, since its stack is another than the plan's \(got 'There/Document'\): pass"
        r" name= there\.$"
    )
    with pytest.raises(ValueError, match=message):
        plan_of(here, Runbook(document(there), parameters={"Incident": "none"}))


def test_refers_to_a_document_of_a_nested_stack(make: Make) -> None:
    """Nested stacks are deployed with their parent, so a document there needs no name."""
    stack = make.stack()
    nested = cdk.NestedStack(stack, "Nested")
    content = {"schemaVersion": "0.3", "mainSteps": []}
    aid = ssm.CfnDocument(nested, "Document", content=content, document_type="Automation")
    plan_of(stack, Runbook(aid))
    name = automation(make.synth(stack))["DocumentName"]
    assert list(name) == ["Fn::GetAtt"]


@pytest.mark.parametrize(
    "name",
    [
        "abc",
        "d" * 128,
        "AWS-RestartEC2Instance",
        "arn:aws:ssm:eu-west-1:111122223333:document/" + "d" * 84,
        "arn:aws:ssm:eu-west-1::document/AWS-RestartEC2Instance",
    ],
)
def test_takes_documents_that_the_service_takes(name: str) -> None:
    """Names of 3 to 128 characters, and ARNs within 128, are documents."""
    assert Runbook(name).document == name


@pytest.mark.parametrize(
    "name",
    [
        "ab",
        "",
        "d" * 129,
        "my document",
        "first-aid:3",
        "first-aid\n",
        "arn:aws:ssm:eu-west-1:111122223333:document/" + "d" * 85,
        "arn:aws:ssm:eu-west-1:1111:document/first-aid",
        "arn:aws:ssm:eu-west-1:111122223333:automation-definition/first-aid:1",
        f"arn:aws:ssm:eu-west-1:444455556666:document/{THEIR_ARN}",
        None,
        7,
    ],
)
def test_refuses_what_is_no_document(name: Any) -> None:
    """Another ARN, a doubled one, a version in the name: refused at once, with the argument's name."""
    with pytest.raises(ValueError, match=r"^document must be "):
        Runbook(name)


def test_refuses_a_document_of_another_kind(make: Make) -> None:
    """CloudFormation makes a Run Command document where the type is left out, which no incident can start."""
    stack = make.stack()
    for name, kind in (("None", None), ("Command", "Command")):
        message = rf"^document must be of document_type Automation \(got '?{kind}'?\): pass document_type="
        with pytest.raises(ValueError, match=message):
            Runbook(document(stack, name, document_type=kind))
    told_later = document(stack, "Token", document_type=cdk.Fn.ref("Type"))
    assert Runbook(told_later, parameters={"Incident": "none"}).document is told_later


@pytest.mark.parametrize(
    "parameters",
    [
        {"k" * 50: "v" * 512},
        {"Key": ""},
        {"Key": [f"value {number}" for number in range(10)]},
        {f"Key{number}": "value" for number in range(200)},
        {f"Key{number}": Runbook.INCIDENT_ARN for number in range(200)},
        {f"Key{number}": Runbook.INCIDENT_ARN if number % 2 else "value" for number in range(400)},
    ],
    ids=["long", "empty-text", "ten-values", "200-static", "200-dynamic", "200-each"],
)
def test_takes_parameters_just_within_a_limit(parameters: dict[str, Any]) -> None:
    """The last that both CloudFormation and the service take is taken."""
    assert Runbook("first-aid", parameters=parameters).parameters == parameters


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"k" * 51: "v"}, r"parameters: the name 'k+' must be 1 to 50 characters long .* it has 51"),
        ({"": "v"}, r"parameters: the name '' must be 1 to 50 characters long"),
        ({"Key": "v" * 513}, r"parameters: Key must be 0 to 512 characters long .* it has 513"),
        (
            {"Key": [str(n) for n in range(11)]},
            r"parameters: Key must be at most 10 items \(got '11 items'\)",
        ),
        ({"Key": []}, r"parameters: Key must be one value at least \(got \[\]\): leave the parameter out"),
        ({"Key": ["a", "a"]}, r"parameters: Key must be different values \(got \['a', 'a'\]\)"),
        (
            {"Key": 3},
            r"parameters: Key must be a text or a list of texts \(got 3\): Automation takes numbers",
        ),
        ({"Key": [3]}, r"parameters: Key must be a text or a list of texts \(got \[3\]\)"),
        ({"Key": None}, r"parameters: Key must be a text or a list of texts \(got None\)"),
        ({f"Key{n}": "v" for n in range(201)}, r"parameters must be at most 200 items \(got '201 items'\)"),
        (
            {f"Key{n}": Runbook.INCIDENT_ARN for n in range(201)},
            r"parameters must be at most 200 items \(got '201 items'\)",
        ),
        (["Key"], r"parameters must be a dict \(got \['Key'\]\)"),
    ],
)
def test_refuses_parameters_just_beyond_a_limit(parameters: Any, message: str) -> None:
    """The first that CloudFormation or the service refuses is refused, with what to do."""
    with pytest.raises(ValueError, match=f"^{message}"):
        Runbook("first-aid", parameters=parameters)


@pytest.mark.parametrize("version", ["1", "42", "$LATEST", "$DEFAULT"])
def test_takes_versions(version: str) -> None:
    """Numbers and the two words of Systems Manager are versions."""
    assert Runbook("first-aid", document_version=version).document_version == version


@pytest.mark.parametrize("version", ["0", "latest", "$latest", "", "1.2", "1" * 129])
def test_refuses_what_is_no_version(version: str) -> None:
    """Anything else is refused before the service meets it."""
    message = rf"^document_version must be a number, \$LATEST or \$DEFAULT \(got '{re.escape(version[:40])}"
    with pytest.raises(ValueError, match=message):
        Runbook("first-aid", document_version=version)


@pytest.mark.parametrize(
    ("argument", "value", "message"),
    [
        ("target_account", "IMPACTED_ACCOUNT", r"target_account must be a TargetAccount \(got 'IMPACTED_ACC"),
        ("role", "arn:aws:iam::111122223333:role/r", r"role must be a role \(got 'arn:.*import one with iam"),
    ],
)
def test_refuses_texts_for_objects(argument: str, value: Any, message: str) -> None:
    """The service's own word and a role's ARN are refused with what to write instead."""
    with pytest.raises(ValueError, match=f"^{message}"):
        Runbook("first-aid", **{argument: value})


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        (
            {"Incident": Runbook.INCIDENT_ARN, "Region": "eu-west-1"},
            r"parameters must be among the document's \(Incident, Resources, Service\) \(got 'Region'\)",
        ),
        (
            {"Incident": Runbook.INVOLVED_RESOURCES},
            r"parameters: Incident must be declared as StringList by the document for this value \(got 'S",
        ),
        (
            {"Incident": "none", "Resources": Runbook.INCIDENT_ARN},
            r"parameters: Resources must be declared as String by the document for this value \(got 'S",
        ),
        ({}, r"parameters must be all that have no default in the document \(got 'no Incident'\)"),
    ],
)
@pytest.mark.parametrize("form", ["dict", "json"])
def test_holds_parameters_against_the_document(
    make: Make, form: str, parameters: dict[str, Any], message: str
) -> None:
    """What would fail when the incident starts is refused at synth, where the document tells."""
    content: Any = {"schemaVersion": "0.3", "parameters": PARAMETERS, "mainSteps": []}
    aid = document(make.stack(), content=json.dumps(content) if form == "json" else content)
    with pytest.raises(ValueError, match=f"^{message}"):
        Runbook(aid, parameters=parameters)


@pytest.mark.parametrize(
    "content",
    [
        "schemaVersion: '0.3'\nparameters: {}\n",
        cdk.Fn.ref("Content"),
        {"Fn::Transform": {"Name": "AWS::Include"}},
        {"schemaVersion": "0.3", "parameters": {"Fn::If": ["Condition", {}, {}]}},
        {"schemaVersion": "0.3", "parameters": {"Any": {"type": {"Ref": "Type"}}}},
    ],
    ids=["yaml", "token", "transform", "condition", "type"],
)
def test_takes_any_parameter_where_the_document_does_not_tell(make: Make, content: Any) -> None:
    """Of a document whose content synth cannot read, parameters are taken as they are."""
    stack = make.stack()
    runbook = Runbook(document(stack, content=content), parameters={"Any": Runbook.INCIDENT_ARN})
    assert runbook.parameters == {"Any": Runbook.INCIDENT_ARN}


def test_lets_tokens_through(make: Make) -> None:
    """Texts that only CloudFormation knows reach the template, and the policy, as what they stand for."""
    stack = make.stack()
    texts = {key: cdk.CfnParameter(stack, key).value_as_string for key in ("Name", "Version", "Value")}
    runbook = Runbook(texts["Name"], parameters={"Key": texts["Value"]}, document_version=texts["Version"])
    plan_of(stack, runbook)
    synth = make.synth(stack)
    found = automation(synth)
    found.pop("RoleArn")
    assert found == {
        "DocumentName": {"Ref": "Name"},
        "DocumentVersion": {"Ref": "Version"},
        "Parameters": [{"Key": "Key", "Values": [{"Ref": "Value"}]}],
    }
    (policy,) = synth.properties(ROLE)["Policies"]
    startable = deployed(policy["PolicyDocument"]["Statement"])[0]["Resource"]
    assert startable[0] == "arn:aws:ssm:*:<AWS::AccountId>:document/<Name>"


def test_is_frozen() -> None:
    """A value that was checked cannot become another one."""
    with pytest.raises(dataclasses.FrozenInstanceError):
        Runbook("first-aid").document = "x"  # type: ignore[misc]
