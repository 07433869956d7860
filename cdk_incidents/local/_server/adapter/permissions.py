"""What policies let a role do, and what a resource's own let a service do with it."""

from __future__ import annotations

import contextlib
import json
import re
from typing import Any

from .identity import here, owning
from .private import evaluator, iam, kms, lambdas, queues, topics

_ORGANIZATION = re.compile(r'"(o-[a-z0-9]{10,32})"')
_ALARMS = "cloudwatch.amazonaws.com"
# What is asked of whoever sends to a resource, by its service.
SEND = {"sqs": "sqs:SendMessage", "sns": "sns:Publish", "lambda": "lambda:InvokeFunction"}


def role_may(function: str, action: str, resource: str) -> bool:
    """Tell whether the role of a function, by name or ARN, allows it something."""
    record, _, _ = lambdas._get_base_func_record_for_ref(function)
    return record is not None and _role_allows(record["config"]["Role"], action, resource)


def may_deliver(function_arn: str, destination: str) -> bool:
    """Tell whether a function's role lets its failures go to a destination."""
    return role_may(function_arn, SEND.get(destination.split(":")[2], ""), destination)


def may_invoke(function_arn: str, service: str, source_arn: str, *, organization: bool = True) -> bool:
    """Tell whether a resource policy lets a caller invoke this very function, version or alias.

    Parameters
    ----------
    service
        the service that calls on behalf of a source; empty if the source is a role that calls itself
    organization
        whether the call says of which organization the source is
    """
    context = _context(service, "lambda:InvokeFunction", function_arn, source_arn)
    if not service:
        context.principal_arn = source_arn
    return _allows(function_policy(function_arn), context, service, organization=organization)


def policy_allows(policy: str, principal: str, action: str, resource: str) -> bool:
    """Tell whether a resource's policy lets in a principal of another account."""
    context = _context("", action, resource, "", principal.split(":")[4])
    context.principal_arn = principal
    return _allows(json.loads(policy), context, "", organization=True)


def put_function_policy(function_arn: str, statements: list[dict[str, Any]]) -> None:
    """Put a resource policy on a function, a version or an alias, in place of what is there."""
    policy = function_policy(function_arn)
    if statements and not policy:
        raise ValueError(f"Function not found: {function_arn}")
    kept = [s for s in policy.get("Statement", []) if s["Resource"] != function_arn]
    policy["Statement"] = [*kept, *statements]


def function_policy(function_arn: str) -> dict[str, Any]:
    """Give the policy of a function and all of its qualifiers; empty if there is no such function."""
    with owning(function_arn):
        base, _, _ = lambdas._get_base_func_record_for_ref(function_arn)
    policy: dict[str, Any] = {} if base is None else base["policy"]
    return policy


def may_publish(topic_arn: str, service: str, source_arn: str, account: str) -> str:
    """Tell why a service may not publish to a topic for an account; empty if it may."""
    topic = topics._topic_by_arn_any_scope(topic_arn)
    if topic is None:
        return "there is no such topic"
    if problem := key_refuses(topic["attributes"].get("KmsMasterKeyId"), service, source_arn, account):
        return problem
    policy = json.loads(topic["attributes"]["Policy"])
    context = _context(service, "sns:Publish", topic_arn, source_arn, account)
    if service == _ALARMS:
        # The policy of a new topic lets its owner's alarms in.
        context.service_context["aws:sourceowner"] = account
    return "" if _allows(policy, context, service) else f"its policy does not let {service} publish"


def key_refuses(key: str | None, service: str, source_arn: str, account: str) -> str:
    """Tell why a service may not use the key of a topic or a queue; empty if it may, or there is none.

    AWS's own keys, such as alias/aws/sns, let no other service in.
    """
    with owning(key) if key and key.startswith("arn:") else contextlib.nullcontext():
        record = kms._resolve_key(key) if key else None
    arn = record["Arn"] if record else ""
    uses = (
        _context(service, f"kms:{use}", arn, source_arn, account) for use in ("GenerateDataKey", "Decrypt")
    )
    if key and not (record and all(_allows(record["Policy"], use, service) for use in uses)):
        return f"the policy of its key {key} does not let {service} in"
    return ""


def may_send(queue_arn: str, service: str, source_arn: str) -> bool:
    """Tell whether a queue's policy lets a service send for a source."""
    return bool(queues.queue_policy_allows(queue_arn, service, source_arn, source_arn.split(":")[4]))


def role_refuses(role_arn: str, service: str, source_arn: str, wanted: dict[str, list[str]]) -> str:
    """Tell why a service cannot act as a role on one of each action's resources; empty if it can."""
    role = iam._roles.get(role_arn.rpartition("/")[2])
    if role is None:
        return f"There is no role {role_arn or '(none is given)'}"
    account, _ = here()
    context = _context(service, "sts:AssumeRole", role_arn, source_arn, account)
    if not _allows(_for_anything(role["AssumeRolePolicyDocument"]), context, service):
        return f"The role {role_arn} does not trust {service}"
    for action, resources in wanted.items():
        if not any(_role_allows(role_arn, action, resource) for resource in resources):
            return f"The role {role_arn} does not allow {action} on {resources[0]}"
    return ""


def _role_allows(role_arn: str, action: str, resource: str) -> bool:
    account, region = here()
    policies = evaluator._gather_role_policies(role_arn.rpartition("/")[2], account)
    context = evaluator.EvalContext(
        principal_arn=role_arn,
        principal_type="AssumedRole",
        principal_account=account,
        action=action,
        resource_arn=resource,
        region=region,
    )
    return bool(evaluator.evaluate(context, policies).decision == "Allow")


def _context(service: str, action: str, resource: str, source_arn: str, account: str = "") -> Any:
    account = account or source_arn.split(":")[4]
    return evaluator.EvalContext(
        principal_arn=f"service:{service}",
        principal_type="Service",
        principal_account=account,
        action=action,
        resource_arn=resource,
        region=here()[1],
        service_context={"aws:sourceaccount": account, "aws:sourcearn": source_arn},
    )


def _allows(policy: Any, context: Any, service: str, *, organization: bool = False) -> bool:
    if organization:
        # Every account is of one, whatever its id.
        named = next(iter(_ORGANIZATION.findall(json.dumps(policy))), "")
        context.service_context |= {"aws:sourceorgid": named, "aws:principalorgid": named}
    result = evaluator.evaluate_resource_policy(policy, context, service=service or None)
    return bool(result.decision == "Allow")


def _for_anything(policy: Any) -> dict[str, Any]:
    """Make a trust policy one on a resource, as the evaluator wants it."""
    document = json.loads(policy) if isinstance(policy, str) else policy
    statements = document.get("Statement", [])
    listed = statements if isinstance(statements, list) else [statements]
    return {**document, "Statement": [{**statement, "Resource": "*"} for statement in listed]}
