"""Plans that other accounts may use: by a policy on the plan, which a share of RAM makes too."""

from __future__ import annotations

import json
import re
import uuid
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from cdk_incidents.local._server.permissions import about, plan_of
from cdk_incidents.local._server.protocol.errors import invalid, not_found
from cdk_incidents.local._server.protocol.json_text import read_json
from cdk_incidents.local._server.protocol.paging import page

if TYPE_CHECKING:
    from cdk_incidents.local._server.state import Caller, Cloud

# What RAM's permission for response plans lets the other account do.
# CHOICE: a policy that says more lets it do no more than that.
_SHARED = (
    *("StartIncident", "GetResponsePlan", "GetIncidentRecord", "UpdateIncidentRecord"),
    *("ListRelatedItems", "UpdateRelatedItems", "CreateTimelineEvent", "GetTimelineEvent"),
    *("UpdateTimelineEvent", "ListTimelineEvents"),
)
_PARTS = {"Effect", "Principal", "Action", "Resource"}
_ORGANIZATION = re.compile(r"/(o-[a-z0-9]+)")


def owner_for(cloud: Cloud, caller: Caller, operation: str, params: dict[str, Any]) -> Caller:
    """Give the caller as it acts: in the owner's account on what it is let in on, else in its own."""
    if operation not in _SHARED:
        return caller
    arn, action = about(params), f"ssm-incidents:{operation}"
    owner = arn.split(":")[4]
    if owner == caller.account.id or owner not in cloud.accounts:
        return caller
    policies = [policy["policyDocument"] for policy in _policies(cloud, plan_of(arn))]
    lets_in = any(cloud.outside.policy_allows(policy, caller.arn, action, arn) for policy in policies)
    return replace(caller, account=cloud.account(owner)) if lets_in else caller


def put_resource_policy(_cloud: Cloud, caller: Caller, params: dict[str, Any]) -> dict[str, Any]:
    """Put one more policy on a plan, and give its id.

    CHOICE: what a policy must be beside JSON is not documented, only that it cannot deny.
    """
    _kept(caller, params)
    text = params["policy"]
    policy = read_json(text)
    found = policy.get("Statement") if isinstance(policy, dict) else None
    if not all(_allows(statement) for statement in (found if isinstance(found, list) else [found])):
        told = f"that allow, each with {', '.join(sorted(_PARTS))}"
        raise invalid(f"policy must be JSON, its Statement made of statements {told} (got {text})")
    number = uuid.uuid4().hex
    kept = caller.account.plan_policies.setdefault(params["resourceArn"], {})
    kept[number] = _policy(number, text, caller.region)
    return {"policyId": number}


def get_resource_policies(cloud: Cloud, caller: Caller, params: dict[str, Any]) -> dict[str, Any]:
    """List a plan's policies, those of its shares among them."""
    _kept(caller, params)
    return page(_policies(cloud, params["resourceArn"]), params, "resourcePolicies")


def delete_resource_policy(_cloud: Cloud, caller: Caller, params: dict[str, Any]) -> dict[str, Any]:
    """Delete one of a plan's policies; that of a share goes with the share."""
    if _kept(caller, params).pop(params["policyId"], None) is None:
        raise not_found("RESOURCE_POLICY", params["policyId"])
    return {}


def _kept(caller: Caller, params: dict[str, Any]) -> dict[str, dict[str, Any]]:
    arn = params["resourceArn"]
    if arn not in caller.account.plans:
        raise not_found("RESPONSE_PLAN", arn)
    return caller.account.plan_policies.get(arn, {})


def _allows(statement: Any) -> bool:
    """Tell whether a statement has the form of one that allows."""
    if not isinstance(statement, dict) or not statement.keys() >= _PARTS or statement["Effect"] != "Allow":
        return False
    principal, conditions = statement["Principal"], statement.get("Condition", {})
    named = principal.values() if isinstance(principal, dict) else [principal]
    texts = [statement["Action"], statement["Resource"], *named]
    return (
        all(isinstance(text, str) for one in texts for text in (one if isinstance(one, list) else [one]))
        and isinstance(conditions, dict)
        and all(isinstance(condition, dict) for condition in conditions.values())
    )


def _policies(cloud: Cloud, plan: str) -> list[dict[str, Any]]:
    """Give the policies that were put on a plan, and those that come of shares."""
    kept = cloud.account(plan.split(":")[4]).plan_policies.get(plan, {})
    return [
        *kept.values(),
        *(
            _policy(uuid.uuid5(uuid.NAMESPACE_URL, arn).hex, _of_share(share, plan), arn.split(":")[3])
            for arn, share in cloud.shares.items()
            if plan in share.get("ResourceArns", [])
        ),
    ]


def _of_share(share: dict[str, Any], plan: str) -> str:
    statements = []
    for principal in share.get("Principals", []):
        organization = _ORGANIZATION.search(principal)
        who: dict[str, Any] = {"Principal": {"AWS": principal}}
        if organization:
            held = {"StringEquals": {"aws:PrincipalOrgID": organization[1]}}
            who = {"Principal": "*", "Condition": held}
        actions = [f"ssm-incidents:{operation}" for operation in _SHARED]
        resources = [plan, plan.replace(":response-plan/", ":incident-record/") + "/*"]
        statements.append({"Effect": "Allow", **who, "Action": actions, "Resource": resources})
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


def _policy(number: str, text: str, region: str) -> dict[str, Any]:
    return {"policyId": number, "policyDocument": text, "ramResourceShareRegion": region}
