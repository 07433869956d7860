"""Whether the trigger's role may open the incidents of its routes' plans, and page whom they engage.

The synthetic incident is of a plan that engages nobody, so it cannot show this. IAM tells it without a call.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from incidents_runtime.smoke_test.findings import THE_TRIGGER, Finding
from incidents_runtime.smoke_test.preflight_reach import deployed

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

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


def look(settings: Settings, aws: Answers) -> Iterator[Finding]:
    """Yield what the role is not allowed."""
    trigger = settings.trigger
    if trigger is None or not trigger.role_arn:
        return
    plans = [(plan, found) for plan, found in deployed(settings, aws) if plan.name in trigger.plans]
    engaged = dict.fromkeys(arn for _, found in plans for arn in found.get("engagements") or [])
    role = trigger.role_arn
    for action, resources, consequence in (
        ("ssm-incidents:StartIncident", [plan.arn for plan, _ in plans], "no alarm opens an incident there"),
        ("ssm-contacts:StartEngagement", list(engaged), "nobody there is paged"),
        ("ssm:CreateOpsItem", ["*"] if plans else [], "incidents have no OpsItem"),
    ):
        denied = [arn for some in _portions(resources) for arn in _denied(aws, role, action, some)]
        if denied:
            more = f" and {len(denied) - _NAMED} more" if len(denied) > _NAMED else ""
            yield Finding(
                "trigger-permissions",
                THE_TRIGGER,
                f"the trigger's role {role} must be allowed {action} on {', '.join(denied[:_NAMED])}{more}"
                f" (IAM says that it is not, so that {consequence})",
                "take back what was changed in the role, or what a permissions boundary or a service control"
                " policy denies it.",
            )


def _portions(resources: Sequence[str]) -> Iterator[Sequence[str]]:
    for begin in range(0, len(resources), _AT_ONCE):
        yield resources[begin : begin + _AT_ONCE]


def _denied(aws: Answers, role: str, action: str, resources: Sequence[str]) -> Iterator[str]:
    answer = aws.iam.simulate_principal_policy(
        PolicySourceArn=role,
        ActionNames=[action],
        ResourceArns=list(resources),
        ContextEntries=[_BY_THE_SERVICE],
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
                yield one["EvalResourceName"]
