"""Whether the trigger's role may open the incidents of its routes' plans, and page whom they engage.

The synthetic incident is of a plan that engages nobody, so it cannot show this. IAM tells it without a call.
"""

from __future__ import annotations

import contextlib
import dataclasses
from typing import TYPE_CHECKING, Any

from incidents_runtime.smoke_test import clock
from incidents_runtime.smoke_test.findings import THE_TRIGGER, Finding
from incidents_runtime.smoke_test.preflight_answers import NotToldError
from incidents_runtime.smoke_test.preflight_reach import deployed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from incidents_runtime.smoke_test.preflight_answers import Answers
    from incidents_runtime.smoke_test.settings import Settings

# So many in one question: https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulatePrincipalPolicy.html
_AT_ONCE = 50
_MOST_ANSWERS = 1_000
_NAMED = 3
# Since 2025-06-10 the service pages, and makes the OpsItem, with the rights of its caller.
_BY_THE_SERVICE = {
    "ContextKeyName": "aws:CalledViaFirst",
    "ContextKeyValues": ["ssm-incidents.amazonaws.com"],
    "ContextKeyType": "string",
}
_ASKED_BY = "iam:SimulatePrincipalPolicy"
# What a deployment gave a role a moment ago IAM may not tell yet.
_IAM_CATCHES_UP = (1.0, 3.0, 6.0)


@dataclasses.dataclass(frozen=True)
class _Right:
    """What the role must be allowed, and what else comes of it."""

    action: str
    resources: Sequence[str]
    consequence: str
    denied: Sequence[str] = ()


def look(settings: Settings, aws: Answers) -> Iterator[Finding]:
    """Yield what the role is not allowed."""
    trigger = settings.trigger
    if trigger is None or not trigger.role_arn:
        return
    plans = [(plan, found) for plan, found in deployed(settings, aws) if plan.name in trigger.plans]
    engaged = dict.fromkeys(arn for _, found in plans for arn in found.get("engagements") or [])
    rights = [
        _Right(
            "ssm-incidents:StartIncident", [plan.arn for plan, _ in plans], "no alarm opens an incident there"
        ),
        _Right("ssm-contacts:StartEngagement", list(engaged), "nobody there is paged"),
        _Right("ssm:CreateOpsItem", ["*"] if plans else [], "incidents have no OpsItem"),
    ]
    role = trigger.role_arn
    denied = _still_denied(aws, role, rights)
    for pause in _IAM_CATCHES_UP:
        if denied and aws.has_time(pause):
            clock.sleep(pause)
            aws.forget(_ASKED_BY)
            # What was told once stands, if nothing else is told now.
            with contextlib.suppress(NotToldError):
                denied = _still_denied(aws, role, denied)
    for right in denied:
        arns = right.denied
        more = f" and {len(arns) - _NAMED} more" if len(arns) > _NAMED else ""
        yield Finding(
            "trigger-permissions",
            THE_TRIGGER,
            f"the trigger's role {role} must be allowed {right.action} on {', '.join(arns[:_NAMED])}{more}"
            f" (IAM says that it is not, so that {right.consequence})",
            "take back what was changed in the role, or what a permissions boundary or a service control"
            " policy denies it.",
        )


def _still_denied(aws: Answers, role: str, rights: Sequence[_Right]) -> list[_Right]:
    """Return the rights that the role has not, with what it has them not on."""
    left = []
    for right in rights:
        arns = [arn for some in _portions(right.resources) for arn in _denied(aws, role, right.action, some)]
        if arns:
            left.append(dataclasses.replace(right, denied=arns))
    return left


def _portions(resources: Sequence[str]) -> Iterator[Sequence[str]]:
    for begin in range(0, len(resources), _AT_ONCE):
        yield resources[begin : begin + _AT_ONCE]


def _denied(aws: Answers, role: str, action: str, resources: Sequence[str]) -> Iterator[str]:
    here = {
        "ContextKeyName": "aws:RequestedRegion",
        "ContextKeyValues": [aws.region],
        "ContextKeyType": "string",
    }
    answer = aws.iam.simulate_principal_policy(
        PolicySourceArn=role,
        ActionNames=[action],
        ResourceArns=list(resources),
        ContextEntries=[_BY_THE_SERVICE, here],
        MaxItems=_MOST_ANSWERS,
    )
    for result in answer["EvaluationResults"]:
        # One result for each resource, or one for all with a part for each: both are documented.
        each = result.get("ResourceSpecificResults") or [
            {
                "EvalResourceName": result.get("EvalResourceName", "*"),
                "EvalResourceDecision": result["EvalDecision"],
            }
        ]
        for one in each:
            if one["EvalResourceDecision"] != "allowed":
                told = {**result, **one}
                if _is_sure(told):
                    yield one["EvalResourceName"]
                else:
                    keys = ", ".join(told["MissingContextValues"])
                    aws.unsure(_ASKED_BY, one["EvalResourceName"], f"for {action} it needs to know {keys}")


def _is_sure(told: Mapping[str, Any]) -> bool:
    """Tell whether a denial stands whatever the keys hold that a real call has and a simulated one lacks."""
    if not told.get("MissingContextValues"):
        return True
    # What allows is this package's own, and asks for no such key: so a boundary or a Deny does.
    boundary = told.get("PermissionsBoundaryDecisionDetail") or {}
    lets_it = bool(boundary.get("AllowedByPermissionsBoundary", True))
    return lets_it and told["EvalResourceDecision"] == "implicitDeny"
