"""The role in which another service of AWS starts incidents: one for each plan, with the least it takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import Stack
from aws_cdk import aws_iam as iam

from cdk_incidents import _permissions as permissions
from cdk_incidents._checks import refusal
from cdk_incidents._nag import acknowledge_wildcard
from cdk_incidents._plans import granted_contacts, has_incident_tags, record_arns

if TYPE_CHECKING:
    from aws_cdk.interfaces.aws_ssmincidents import IResponsePlanRef
    from constructs import IConstruct


def check_role(role: iam.IRole | iam.Role | None) -> None:
    """Refuse what is no role, above all an ARN."""
    if role is not None and not hasattr(role, "role_arn"):
        raise refusal("role", "a role", role, "import one with iam.Role.from_role_arn.")


def starting_role(
    plan: IResponsePlanRef,
    user: IConstruct,
    *,
    arn: str,
    role_id: str,
    service: str,
    source: str,
    given: iam.IRole | iam.Role | None,
) -> iam.IRole | iam.Role:
    """Return the role that starts incidents of a plan, made once in the stack of its users.

    Parameters
    ----------
    plan
        The plan.
    user
        A rule or a schedule.
    arn
        The plan's ARN, as the user sees it.
    role_id
        What the role is for: the beginning of its id.
    service
        Who may take the role, e.g. ``events``.
    source
        What of that service may be behind it in the user's account and Region, e.g. ``rule``.
    given
        The user's own role, which gains the permissions in place of a new one.
    """
    statements = _statements(plan, arn)
    if given is not None:
        for statement in statements:
            given.add_to_principal_policy(statement)
        return given
    stack = Stack.of(user)
    role_id = f"{role_id}{plan.node.addr[-8:]}"
    made = stack.node.try_find_child(role_id)
    if isinstance(made, iam.Role):
        return made
    sources = stack.format_arn(service=service, resource=source, resource_name="*")
    role = iam.Role(
        stack,
        role_id,
        assumed_by=iam.ServicePrincipal(
            f"{service}.amazonaws.com",
            # Else anybody's rule could be given this role.
            conditions={
                "StringEquals": {"aws:SourceAccount": stack.account},
                "ArnLike": {"aws:SourceArn": sources},
            },
        ),
        # Inline, so that whatever waits for the role waits for its permissions too.
        inline_policies={"StartIncident": iam.PolicyDocument(statements=statements)},
    )
    acknowledge_wildcard(role, "*", "CreateOpsItem knows no resource.")
    acknowledge_wildcard(role, record_arns(plan), "A record's ARN ends in a random id.")
    for pattern in granted_contacts(plan):
        acknowledge_wildcard(role, pattern, "The plan does not tell whom it engages, or they are many.")
    return role


def _statements(plan: IResponsePlanRef, arn: str) -> list[iam.PolicyStatement]:
    through = permissions.CALLED_BY_THE_SERVICE
    contacts = granted_contacts(plan)
    statements = [
        iam.PolicyStatement(actions=permissions.START, resources=[arn]),
        iam.PolicyStatement(actions=permissions.MAKE_OPS_ITEM, resources=["*"], conditions=through),
    ]
    if contacts:
        statements.append(
            iam.PolicyStatement(actions=permissions.ENGAGE, resources=contacts, conditions=through)
        )
    if has_incident_tags(plan):
        statements.append(iam.PolicyStatement(actions=permissions.TAG, resources=[record_arns(plan)]))
    return statements
