"""A caller may do what its policies say, on each resource that the operation touches, and no more."""

from __future__ import annotations

import datetime as dt
import io
import json
import zipfile
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from .conftest import ACCOUNT, unique

if TYPE_CHECKING:
    from .conftest import Aws

_VIA = {"StringEquals": {"aws:CalledViaFirst": "ssm-incidents.amazonaws.com"}}
_CREATE_OPS_ITEM = {"Effect": "Allow", "Action": "ssm:CreateOpsItem", "Resource": "*", "Condition": _VIA}
_NOTE = {
    "eventType": "Note",
    "eventData": '"n"',
    "eventTime": dt.datetime(2027, 1, 1, tzinfo=dt.timezone.utc),
}


def _allow(action: str, *resources: str) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": list(resources) or "*"}


def _records(plan: str) -> str:
    return plan.replace(":response-plan/", ":incident-record/") + "/*"


def _start(plan: str) -> list[dict[str, Any]]:
    return [_allow("ssm-incidents:StartIncident", plan), _CREATE_OPS_ITEM]


def test_a_role_without_a_policy_may_nothing(aws: Aws) -> None:
    """The answer is a 403 that names the role, the action and the resource."""
    plan = aws.plan()
    client = aws.as_role(aws.role())
    with pytest.raises(client.exceptions.AccessDeniedException) as caught:
        client.start_incident(responsePlanArn=plan)
    message = caught.value.response["Error"]["Message"]
    assert f":{ACCOUNT}:assumed-role/role-" in message
    assert f"not authorized to perform: ssm-incidents:StartIncident on resource: {plan}" in message


def test_a_start_needs_the_plan_and_the_ops_item_on_its_behalf(aws: Aws) -> None:
    """CreateOpsItem is asked for with the condition aws:CalledViaFirst."""
    plan, other = aws.plan(), aws.plan()
    allowed = aws.as_role(aws.role(*_start(plan)))
    assert allowed.start_incident(responsePlanArn=plan)["incidentRecordArn"]
    with pytest.raises(ClientError, match="StartIncident on resource"):
        allowed.start_incident(responsePlanArn=other)
    without = aws.as_role(aws.role(_allow("ssm-incidents:StartIncident", plan)))
    with pytest.raises(ClientError, match="ssm:CreateOpsItem"):
        without.start_incident(responsePlanArn=plan)


def test_called_via_does_not_open_the_direct_way(aws: Aws) -> None:
    """A permission under aws:CalledViaFirst is none for a call of one's own."""
    client = aws.as_role(aws.role(_CREATE_OPS_ITEM), "ssm")
    with pytest.raises(ClientError, match="not authorized to perform: ssm:CreateOpsItem"):
        client.create_ops_item(Title="t", Description="d", Source="s")


def test_a_plan_that_engages_needs_start_engagement(aws: Aws, incidents: Any) -> None:
    """Since June 2025 the caller's own permission pages people."""
    plan, contact = aws.plan(), f"arn:aws:ssm-contacts:us-east-1:{ACCOUNT}:contact/oncall"
    incidents.update_response_plan(arn=plan, engagements=[contact])
    with pytest.raises(ClientError, match="ssm-contacts:StartEngagement"):
        aws.as_role(aws.role(*_start(plan))).start_incident(responsePlanArn=plan)
    engage = {**_allow("ssm-contacts:StartEngagement", contact), "Condition": _VIA}
    allowed = aws.as_role(aws.role(*_start(plan), engage))
    assert allowed.start_incident(responsePlanArn=plan)["incidentRecordArn"]


def test_a_plan_with_incident_tags_needs_tag_resource(aws: Aws) -> None:
    """The tags are put on the record in the caller's name."""
    plan = aws.plan(incidentTags={"team": "payments"})
    with pytest.raises(ClientError, match="ssm-incidents:TagResource"):
        aws.as_role(aws.role(*_start(plan))).start_incident(responsePlanArn=plan)
    tag = _allow("ssm-incidents:TagResource", _records(plan))
    assert aws.as_role(aws.role(*_start(plan), tag)).start_incident(responsePlanArn=plan)["incidentRecordArn"]


@pytest.mark.parametrize(
    ("operation", "params"),
    [
        ("update_incident_record", {"status": "RESOLVED"}),
        ("list_related_items", {}),
        (
            "update_related_items",
            {"relatedItemsUpdate": {"itemToAdd": {"identifier": {"type": "OTHER", "value": {"url": "u"}}}}},
        ),
        ("create_timeline_event", _NOTE),
    ],
)
def test_some_operations_need_the_record_and_its_plan(
    aws: Aws, operation: str, params: dict[str, Any]
) -> None:
    """Either alone is not enough."""
    plan = aws.plan()
    arn = aws.start(plan)
    action = "ssm-incidents:" + "".join(word.capitalize() for word in operation.split("_"))
    member = "arn" if operation == "update_incident_record" else "incidentRecordArn"

    def call(*resources: str) -> Any:
        client = aws.as_role(aws.role(_allow(action, *resources)))
        return getattr(client, operation)(**{member: arn}, **params)

    assert call(_records(plan), plan)
    with pytest.raises(ClientError, match="AccessDenied"):
        call(_records(plan))
    with pytest.raises(ClientError, match="AccessDenied"):
        call(plan)


def test_reading_and_deleting_need_the_record_only(aws: Aws, incidents: Any) -> None:
    """Get, ListTimelineEvents and Delete are allowed on the record."""
    plan = aws.plan()
    arn = aws.start(plan)
    client = aws.as_role(aws.role(_allow("ssm-incidents:*", _records(plan))))
    assert client.get_incident_record(arn=arn)["incidentRecord"]["arn"] == arn
    assert client.list_timeline_events(incidentRecordArn=arn)["eventSummaries"]
    incidents.update_incident_record(arn=arn, status="RESOLVED")
    client.delete_incident_record(arn=arn)
    with pytest.raises(ClientError, match="ListIncidentRecords on resource"):
        client.list_incident_records()


def test_lists_of_everything_need_the_star(aws: Aws) -> None:
    """ListIncidentRecords names no resource."""
    client = aws.as_role(aws.role(_allow("ssm-incidents:List*")))
    assert "incidentRecordSummaries" in client.list_incident_records()
    assert "responsePlanSummaries" in client.list_response_plans()


def test_an_ops_item_is_a_resource(aws: Aws) -> None:
    """GetOpsItem and DeleteOpsItem are allowed on the item."""
    made = aws.client("ssm").create_ops_item(Title="t", Description="d", Source="s")
    name = {"OpsItemId": made["OpsItemId"]}
    client = aws.as_role(aws.role(_allow("ssm:GetOpsItem", made["OpsItemArn"])), "ssm")
    assert client.get_ops_item(**name)["OpsItem"]["Title"] == "t"
    with pytest.raises(ClientError, match="ssm:DeleteOpsItem"):
        client.delete_ops_item(**name)


def test_a_function_calls_as_its_role(aws: Aws) -> None:
    """A client in a function finds the cloud, and is assumed-role/ROLE/FUNCTION there."""
    name, role = unique("fn"), aws.role()
    code = "import boto3\ndef handler(e, c): return boto3.client('sts').get_caller_identity()['Arn']\n"
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as packed:
        packed.writestr("index.py", code)
    client = aws.client("lambda")
    client.create_function(
        FunctionName=name,
        Runtime="python3.13",
        Handler="index.handler",
        Role=role,
        Timeout=20,
        Code={"ZipFile": archive.getvalue()},
    )
    caller = json.load(client.invoke(FunctionName=name)["Payload"])
    assert caller == f"arn:aws:sts::{ACCOUNT}:assumed-role/{role.rpartition('/')[2]}/{name}"


def test_an_explicit_deny_wins(aws: Aws) -> None:
    """What one statement allows, another takes away."""
    deny = {"Effect": "Deny", "Action": "ssm-incidents:Get*", "Resource": "*"}
    client = aws.as_role(aws.role(_allow("ssm-incidents:*"), deny))
    with pytest.raises(ClientError, match="AccessDenied"):
        client.get_response_plan(arn=aws.plan())


def test_iam_tells_what_a_role_may_do(aws: Aws) -> None:
    """A simulation answers for each resource, with the context that is given, and does nothing."""
    ada, bob = (f"arn:aws:ssm-contacts:us-east-1:{ACCOUNT}:contact/{name}" for name in ("ada", "bob"))
    role = aws.role({**_allow("ssm-contacts:StartEngagement", ada), "Condition": _VIA})
    via = {
        "ContextKeyName": "aws:CalledViaFirst",
        "ContextKeyValues": ["ssm-incidents.amazonaws.com"],
        "ContextKeyType": "string",
    }
    told = [
        aws.client("iam").simulate_principal_policy(
            PolicySourceArn=role,
            ActionNames=["ssm-contacts:StartEngagement"],
            ResourceArns=[ada, bob],
            ContextEntries=entries,
        )["EvaluationResults"]
        for entries in ([via], [])
    ]
    decisions = [{one["EvalResourceName"]: one["EvalDecision"] for one in results} for results in told]
    assert decisions == [{ada: "allowed", bob: "implicitDeny"}, {ada: "implicitDeny", bob: "implicitDeny"}]
