"""Response plans, and the tags of whatever has tags."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .errors import ServiceError, not_found
from .paging import page

if TYPE_CHECKING:
    from .state import Caller, Cloud

_TEMPLATE_PREFIX = "incidentTemplate"
_TAGS_ALLOWED = 50


def create_response_plan(_cloud: Cloud, caller: Caller, params: dict[str, Any]) -> dict[str, Any]:
    """Create a plan; its name is the account's, whatever the Region."""
    account = caller.account
    arn = account.arn(f"response-plan/{params['name']}")
    asked = {k: v for k, v in params.items() if k != "clientToken"}
    token = ("CreateResponsePlan", params.get("clientToken", ""))
    if token[1] and account.tokens.get(token) == (asked, arn) and arn in account.plans:
        return {"arn": arn}
    if arn in account.plans:
        raise ServiceError(
            "ConflictException",
            f"A response plan named {params['name']} exists in the account",
            resourceIdentifier=arn,
            resourceType="RESPONSE_PLAN",
        )
    account.plans[arn] = {**{k: v for k, v in asked.items() if k != "tags"}, "arn": arn}
    account.tags[arn] = params.get("tags", {})
    if token[1]:
        account.tokens[token] = (asked, arn)
    return {"arn": arn}


def get_response_plan(_cloud: Cloud, caller: Caller, params: dict[str, Any]) -> dict[str, Any]:
    """Give a plan."""
    return _plan(caller, params["arn"])


def update_response_plan(_cloud: Cloud, caller: Caller, params: dict[str, Any]) -> dict[str, Any]:
    """Change what is given; `incidentTemplateTitle` and its like change the template."""
    plan = _plan(caller, params["arn"])
    for name, value in params.items():
        if name.startswith(_TEMPLATE_PREFIX):
            inner = name.removeprefix(_TEMPLATE_PREFIX)
            inner = "incidentTags" if inner == "Tags" else inner[0].lower() + inner[1:]
            plan["incidentTemplate"] = {**plan["incidentTemplate"], inner: value}
        elif name not in ("arn", "clientToken"):
            plan[name] = value
    return {}


def delete_response_plan(_cloud: Cloud, caller: Caller, params: dict[str, Any]) -> dict[str, Any]:
    """Delete a plan. Its incidents stay."""
    caller.account.plans.pop(params["arn"], None)
    caller.account.tags.pop(params["arn"], None)
    return {}


def list_response_plans(_cloud: Cloud, caller: Caller, params: dict[str, Any]) -> dict[str, Any]:
    """List plans by name."""
    plans = sorted(caller.account.plans.values(), key=lambda plan: plan["name"])
    return page(plans, params, "responsePlanSummaries")


def tag_resource(_cloud: Cloud, caller: Caller, params: dict[str, Any]) -> dict[str, Any]:
    """Add tags."""
    tags = {**_tags(caller, params["resourceArn"]), **params["tags"]}
    if len(tags) > _TAGS_ALLOWED:
        raise ServiceError("ServiceQuotaExceededException", f"A resource has at most {_TAGS_ALLOWED} tags")
    caller.account.tags[params["resourceArn"]] = tags
    return {}


def untag_resource(_cloud: Cloud, caller: Caller, params: dict[str, Any]) -> dict[str, Any]:
    """Remove tags."""
    tags = _tags(caller, params["resourceArn"])
    caller.account.tags[params["resourceArn"]] = {k: v for k, v in tags.items() if k not in params["tagKeys"]}
    return {}


def list_tags_for_resource(_cloud: Cloud, caller: Caller, params: dict[str, Any]) -> dict[str, Any]:
    """Give the tags of a resource."""
    return {"tags": _tags(caller, params["resourceArn"])}


def _plan(caller: Caller, arn: str) -> dict[str, Any]:
    plan = caller.account.plans.get(arn)
    if plan is None:
        raise not_found("RESPONSE_PLAN", arn)
    return plan


def _tags(caller: Caller, arn: str) -> dict[str, str]:
    account = caller.account
    replication_set = (account.replication_set or {}).get("arn")
    if arn not in account.plans and arn not in account.records and arn != replication_set:
        raise not_found("RESPONSE_PLAN", arn)
    return account.tags.get(arn, {})
