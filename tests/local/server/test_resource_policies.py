"""Policies on response plans: they let in other accounts, as a share of RAM does."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from .conftest import ACCOUNT, REGION

if TYPE_CHECKING:
    from .conftest import Aws, Stack

_OTHER, _THIRD = "222222222222", "333333333333"
_ALL = (
    *("GetResponsePlan", "StartIncident", "UpdateIncidentRecord", "GetIncidentRecord", "CreateTimelineEvent"),
    *("UpdateTimelineEvent", "GetTimelineEvent", "ListTimelineEvents", "UpdateRelatedItems"),
    "ListRelatedItems",
)


def _policy(plan: str, *actions: str, principal: Any = None, **more: Any) -> str:
    """Write a policy as AWS's example has it: with a Region that is left open."""
    here, name = f"arn:aws:ssm-incidents:*:{ACCOUNT}:", plan.rpartition("/")[2]
    statement = {
        "Effect": "Allow",
        "Principal": principal or {"AWS": f"arn:aws:iam::{_OTHER}:root"},
        "Action": [f"ssm-incidents:{action}" for action in actions or _ALL],
        "Resource": [f"{here}response-plan/{name}", f"{here}incident-record/{name}/*"],
        **more,
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def test_a_policy_is_put_listed_and_deleted(aws: Aws, incidents: Any) -> None:
    """Each gets an id of 32 hexadecimal digits, and stays as it was written, with the Region of its use."""
    plan = aws.plan()
    policy = _policy(plan)
    number = incidents.put_resource_policy(resourceArn=plan, policy=policy)["policyId"]
    assert len(bytes.fromhex(number)) == 16
    kept = {"policyId": number, "policyDocument": policy, "ramResourceShareRegion": REGION}
    assert incidents.get_resource_policies(resourceArn=plan)["resourcePolicies"] == [kept]
    answer = incidents.delete_resource_policy(resourceArn=plan, policyId=number)
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 200
    assert incidents.get_resource_policies(resourceArn=plan)["resourcePolicies"] == []


def test_policies_come_page_by_page(aws: Aws, incidents: Any) -> None:
    """A plan may have several."""
    plan = aws.plan()
    put = [
        incidents.put_resource_policy(resourceArn=plan, policy=_policy(plan))["policyId"] for _ in range(3)
    ]
    pages = incidents.get_paginator("get_resource_policies").paginate(
        resourceArn=plan, PaginationConfig={"PageSize": 2}
    )
    assert [[p["policyId"] for p in page["resourcePolicies"]] for page in pages] == [put[:2], put[2:]]


def test_a_policy_lets_in_whom_it_names(aws: Aws, incidents: Any) -> None:
    """The other account starts, reads and resolves its incidents; no third account does, and none after."""
    plan, there = aws.plan(), aws.client("ssm-incidents", key=_OTHER)
    with pytest.raises(there.exceptions.ResourceNotFoundException):
        there.start_incident(responsePlanArn=plan)
    number = incidents.put_resource_policy(resourceArn=plan, policy=_policy(plan))["policyId"]
    arn = there.start_incident(responsePlanArn=plan)["incidentRecordArn"]
    assert arn.split(":")[4] == ACCOUNT
    assert there.list_related_items(incidentRecordArn=arn)["relatedItems"]
    there.update_incident_record(arn=arn, status="RESOLVED")
    assert aws.record(arn)["status"] == "RESOLVED"
    third = aws.client("ssm-incidents", key=_THIRD)
    with pytest.raises(third.exceptions.ResourceNotFoundException):
        third.start_incident(responsePlanArn=plan)
    incidents.delete_resource_policy(resourceArn=plan, policyId=number)
    with pytest.raises(there.exceptions.ResourceNotFoundException):
        there.get_incident_record(arn=arn)


def test_a_policy_lets_do_what_it_says(aws: Aws, incidents: Any) -> None:
    """Only its actions, and of those only what RAM's permission has: never to change the plan."""
    plan, there = aws.plan(), aws.client("ssm-incidents", key=_OTHER)
    policy = _policy(plan, "StartIncident", "UpdateResponsePlan")
    incidents.put_resource_policy(resourceArn=plan, policy=policy)
    arn = there.start_incident(responsePlanArn=plan)["incidentRecordArn"]
    with pytest.raises(there.exceptions.ResourceNotFoundException):
        there.get_incident_record(arn=arn)
    with pytest.raises(there.exceptions.ResourceNotFoundException):
        there.update_response_plan(arn=plan, displayName="theirs")


def test_a_policys_conditions_hold(aws: Aws, incidents: Any) -> None:
    """Every account is of the organization; none has another ARN than its own."""
    there = aws.client("ssm-incidents", key=_OTHER)
    organization = {"StringEquals": {"aws:PrincipalOrgID": ["o-abc123def45"]}}
    stranger = {"ArnEquals": {"aws:PrincipalArn": f"arn:aws:iam::{_OTHER}:role/other"}}
    of_it, other = aws.plan(), aws.plan()
    for plan, held in ((of_it, organization), (other, stranger)):
        incidents.put_resource_policy(resourceArn=plan, policy=_policy(plan, principal="*", Condition=held))
    assert there.start_incident(responsePlanArn=of_it)["incidentRecordArn"]
    with pytest.raises(there.exceptions.ResourceNotFoundException):
        there.start_incident(responsePlanArn=other)


def test_a_share_makes_a_policy(aws: Aws, incidents: Any, stack: Stack) -> None:
    """RAM's is listed with the others; it goes with its share only."""
    plan = aws.plan()
    properties = {"Name": "plans", "ResourceArns": [plan], "Principals": [_OTHER]}
    stack.deploy({"Share": {"Type": "AWS::RAM::ResourceShare", "Properties": properties}})
    (policy,) = incidents.get_resource_policies(resourceArn=plan)["resourcePolicies"]
    (statement,) = json.loads(policy["policyDocument"])["Statement"]
    assert statement["Principal"] == {"AWS": _OTHER}
    assert {action.partition(":")[2] for action in statement["Action"]} == set(_ALL)
    with pytest.raises(incidents.exceptions.ResourceNotFoundException):
        incidents.delete_resource_policy(resourceArn=plan, policyId=policy["policyId"])
    stack.delete()
    assert incidents.get_resource_policies(resourceArn=plan)["resourcePolicies"] == []


def test_policies_go_with_their_plan(aws: Aws, incidents: Any) -> None:
    """A plan of the same name begins with none."""
    plan = aws.plan()
    incidents.put_resource_policy(resourceArn=plan, policy=_policy(plan))
    incidents.delete_response_plan(arn=plan)
    with pytest.raises(incidents.exceptions.ResourceNotFoundException):
        incidents.get_resource_policies(resourceArn=plan)
    template = {"title": "t", "impact": 1}
    incidents.create_response_plan(name=plan.rpartition("/")[2], incidentTemplate=template)
    assert incidents.get_resource_policies(resourceArn=plan)["resourcePolicies"] == []


@pytest.mark.parametrize(
    "policy",
    [
        "{",
        "[]",
        '{"Statement": ["Allow"]}',
        pytest.param("[" * 3900, id="too deep"),
        '{"Statement": {"Effect": "Allow", "Principal": 5, "Action": "*", "Resource": "*"}}',
        '{"Statement": {"Effect": "Allow", "Principal": {"AWS": [5]}, "Action": "*", "Resource": "*"}}',
        '{"Statement": {"Effect": "Allow", "Principal": "*", "Action": {}, "Resource": "*"}}',
        '{"Statement": {"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "", "Condition": 5}}',
        '{"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}',
        '{"Statement": {"Effect": "Deny", "Principal": "*", "Action": "*", "Resource": "*"}}',
    ],
)
def test_a_policy_consists_of_statements_that_allow(aws: Aws, incidents: Any, policy: str) -> None:
    """What is no JSON, lacks a part or denies is refused: policies here cannot deny, says the guide."""
    plan = aws.plan()
    with pytest.raises(incidents.exceptions.ValidationException, match="statements that allow"):
        incidents.put_resource_policy(resourceArn=plan, policy=policy)
    assert incidents.get_resource_policies(resourceArn=plan)["resourcePolicies"] == []


def test_policies_are_on_plans_that_are_there(aws: Aws, incidents: Any) -> None:
    """An id must be that plan's own."""
    plan, other = aws.plan(), aws.plan()
    number = incidents.put_resource_policy(resourceArn=other, policy=_policy(other))["policyId"]
    gone = plan + "-gone"
    for call, named in (
        (incidents.put_resource_policy, {"resourceArn": gone, "policy": _policy(gone)}),
        (incidents.get_resource_policies, {"resourceArn": gone}),
        (incidents.delete_resource_policy, {"resourceArn": plan, "policyId": number}),
    ):
        with pytest.raises(incidents.exceptions.ResourceNotFoundException):
            call(**named)


def test_each_operation_asks_for_its_permission_on_the_plan(aws: Aws) -> None:
    """A role that may touch one plan's policies may touch no other's."""
    plan, other = aws.plan(), aws.plan()
    actions = [f"ssm-incidents:{action}" for action in ("PutResourcePolicy", "GetResourcePolicies")]
    client = aws.as_role(aws.role({"Effect": "Allow", "Action": actions, "Resource": plan}))
    number = client.put_resource_policy(resourceArn=plan, policy=_policy(plan))["policyId"]
    assert client.get_resource_policies(resourceArn=plan)["resourcePolicies"][0]["policyId"] == number
    with pytest.raises(client.exceptions.AccessDeniedException, match="DeleteResourcePolicy"):
        client.delete_resource_policy(resourceArn=plan, policyId=number)
    with pytest.raises(client.exceptions.AccessDeniedException, match="PutResourcePolicy"):
        client.put_resource_policy(resourceArn=other, policy=_policy(other))
