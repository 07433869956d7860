"""What a smoke test's function reads in its own file: one JSON object a line."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aws_cdk import Stack

from cdk_incidents._arn import same_deployment, same_stack, waits_for
from cdk_incidents._checks import is_token
from cdk_incidents._contacts import arn_by_alias
from cdk_incidents._kinds import is_a
from cdk_incidents._names import role_name
from cdk_incidents._plan_reach import (
    document_of,
    engaged_by,
    properties_of,
    resource_named,
    runbooks_of,
    version_of,
)
from cdk_incidents._plans import arn_seen_from, is_of_this_app, plan_name, resource_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aws_cdk import aws_cloudwatch as cloudwatch
    from aws_cdk.interfaces.aws_ssmincidents import IResponsePlanRef
    from constructs import IConstruct

    from cdk_incidents.trigger import IncidentTrigger

_LIST_TOKEN = "#{Token["  # noqa: S105 - CDK's word, no secret


@dataclass(frozen=True, kw_only=True)
class SmokeTestPath:
    """A way from a canary to an incident."""

    kind: str
    canary: cloudwatch.Alarm
    log_group: str = ""

    def line(self, quiet_plan_arn: str) -> str:
        """Return it as the function reads it."""
        values = {
            "kind": self.kind,
            "canary_name": self.canary.alarm_name,
            "canary_arn": self.canary.alarm_arn,
            "quiet_plan_arn": quiet_plan_arn,
            "log_group": self.log_group,
        }
        return json.dumps({"path": {key: value for key, value in values.items() if value}})


def trigger_line(
    trigger: IncidentTrigger,
    routes: Sequence[str],
    plans: Sequence[IResponsePlanRef],
    user: IConstruct,
) -> str:
    """Return the trigger's function and role, its live routes and their plans, as they are now."""
    values: dict[str, Any] = {
        "function": trigger.trigger_name,
        "routes": list(routes),
        "role_arn": role_arn_of(trigger),
        "plans": list(map(label_of, plans)),
    }
    if same_stack(trigger, user):
        # Its name is made at deployment: to another stack it would have to be exported.
        values["retry_queue_arn"] = trigger._retries.queue_arn  # noqa: SLF001 - one of a kind with the trigger
    return json.dumps({"trigger": values})


def role_arn_of(trigger: IncidentTrigger) -> str:
    """Return the ARN of a trigger's role, by its name: another stack needs no export."""
    stack = Stack.of(trigger)
    name = role_name(trigger.trigger_name, stack.region)
    return stack.format_arn(service="iam", region="", resource="role", resource_name=name)


def plan_line(plan: IResponsePlanRef, user: IConstruct, *, for_real: bool) -> str:
    """Return a plan, and what the app says of it."""
    values: dict[str, Any] = {"name": label_of(plan), "arn": arn_seen_from(plan, user, ordered=False)}
    if _comes_later(plan, user):
        values["later"] = True
    if for_real:
        values["for_real"] = True
    declared = _declared(plan, user)
    if declared:
        values["declared"] = declared
    return json.dumps({"plan": values})


def label_of(plan: IResponsePlanRef) -> str:
    """Return what a plan is called in findings: its name, or its path where that is known too late."""
    name = plan_name(plan)
    return plan.node.path if is_token(name) else name


def _comes_later(plan: IResponsePlanRef, user: IConstruct) -> bool:
    """Tell whether a plan of the app is deployed after the test, or nobody can say."""
    return is_of_this_app(plan) and not waits_for(user, plan)


def _declared(plan: IResponsePlanRef, user: IConstruct) -> dict[str, Any]:
    """Return what the app's template says of a plan; what only CloudFormation knows is left out.

    Of a plan in the test's own stack references are taken as they are. Of another stack's they would be
    exports: only texts are taken.
    """
    resource = resource_of(plan)
    if resource is None:
        return {}
    is_near = same_deployment(plan, user)
    incident = properties_of(resource).get("incidentTemplate")
    incident = incident if isinstance(incident, dict) else {}
    declared = {
        "title": _literal(incident.get("title"), str),
        "impact": _literal(incident.get("impact"), int),
        "dedupe": _literal(incident.get("dedupeString", ""), str),
        "engagements": _engagements(plan, is_near=is_near),
        "runbooks": _runbooks(plan, is_near=is_near),
    }
    return {key: value for key, value in declared.items() if value is not None}


def _literal(value: object, kind: type) -> Any:
    # A title that a parameter holds might break the line.
    return value if isinstance(value, kind) else None


def _engagements(plan: IResponsePlanRef, *, is_near: bool) -> list[str] | None:
    resource = resource_of(plan)
    arns = None if resource is None else list(resource.engagements or [])
    if arns is None or any(arn.startswith(_LIST_TOKEN) for arn in arns):
        return None
    if is_near:
        return arns
    contacts = engaged_by(plan)
    arns = arns if contacts is None else [arn_by_alias(contact) for contact in contacts]
    return None if any(_names_a_resource(Stack.of(plan).resolve(arn)) for arn in arns) else arns


def _runbooks(plan: IResponsePlanRef, *, is_near: bool) -> list[dict[str, str]] | None:
    found: list[dict[str, str]] = []
    for automation in runbooks_of(plan) or []:
        document, version = document_of(automation), version_of(automation)
        if not is_near and is_token(document):
            resource = resource_named(document)
            if is_a(resource, "aws_ssm.CfnDocument"):
                document = getattr(resource, "name", None) or document
        if (not is_near and is_token(document)) or is_token(version):
            return None
        found.append({"document": document} | ({} if version is None else {"version": version}))
    return found


def _names_a_resource(value: object) -> bool:
    """Tell whether a resolved text names a resource or a parameter, which only its own stack has."""
    match value:
        case list():
            return any(map(_names_a_resource, value))
        case {"Ref": str(name)}:
            return not name.startswith("AWS::")
        case {"Fn::GetAtt": _}:
            return True
        case dict():
            return any(map(_names_a_resource, value.values()))
        case _:
            return False
