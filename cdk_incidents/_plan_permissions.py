"""What the trigger may do with its routes' plans, in portions that IAM takes."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from aws_cdk import aws_iam as iam

from cdk_incidents import _permissions as permissions
from cdk_incidents._checks import is_token, refusal
from cdk_incidents._lazy import lazy_texts
from cdk_incidents._nag import acknowledge_wildcard
from cdk_incidents.response_plan import contact_arns, plan_name, record_arns

if TYPE_CHECKING:
    from aws_cdk.interfaces.aws_ssmincidents import IResponsePlanRef
    from constructs import Construct, IConstruct

# IAM takes 10,240 characters of a role's own policies in all, 6,144 of a managed one, ten of these a role.
# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
# What is not a plan's takes 700 in each, and 2,000 more in the role; a user's own statements fit there too.
_IN_THE_ROLE = 5_000
_IN_A_MANAGED_POLICY = 5_400
_MANAGED_POLICIES = 10
# The ARNs of a plan and of its records without its name, and of an account's contacts, with what JSON adds.
_ARNS = 124
_CONTACTS = 55
_LONGEST_NAME = 200


class PlanPermissions:
    """Statements on plans, their records and their contacts; plans may be added until synth."""

    def __init__(self, room: int) -> None:
        self._room = room
        self._arns: dict[str, None] = {}
        self._records: dict[str, None] = {}
        self._contacts: dict[str, None] = {}

    def statements(self) -> list[iam.PolicyStatement]:
        """Return the statements; their resources are listed at synth."""
        plans, records, contacts = (
            lazy_texts(functools.partial(list, arns)) for arns in (self._arns, self._records, self._contacts)
        )
        through = permissions.CALLED_BY_THE_SERVICE
        return [
            # The service checks what follows a start against the plan and against the record.
            iam.PolicyStatement(actions=[*permissions.START, *permissions.FOLLOW], resources=plans),
            iam.PolicyStatement(actions=[*permissions.FOLLOW, *permissions.TAG], resources=records),
            iam.PolicyStatement(actions=permissions.ENGAGE, resources=contacts, conditions=through),
        ]

    def knows(self, arn: str) -> bool:
        """Tell whether a plan is among these already."""
        return arn in self._arns

    def has_room_for(self, plan: IResponsePlanRef) -> bool:
        """Tell whether one more plan fits into a policy."""
        return self._size_of(plan) <= self._room

    def add(self, plan: IResponsePlanRef, arn: str) -> None:
        """Add a plan by its ARN."""
        self._room -= self._size_of(plan)
        self._arns[arn] = None
        self._records[record_arns(plan)] = None
        self._contacts[contact_arns(plan)] = None

    def _size_of(self, plan: IResponsePlanRef) -> int:
        name = plan_name(plan)
        contacts = 0 if contact_arns(plan) in self._contacts else _CONTACTS
        return _ARNS + contacts + 2 * (_LONGEST_NAME if is_token(name) else len(name))


class PlanPolicies:
    """The first portion stands in the role itself; each further one is a managed policy."""

    def __init__(self, scope: Construct) -> None:
        self._scope = scope
        self._portions = [PlanPermissions(_IN_THE_ROLE)]

    def inline(self) -> list[iam.PolicyStatement]:
        """Return the statements for the role's own policy."""
        return self._portions[0].statements()

    def allow(self, plan: IResponsePlanRef, arn: str, *, role: iam.Role, waiting: IConstruct) -> None:
        """Let the role start, follow and resolve a plan's incidents; `waiting` is deployed after that."""
        if any(portion.knows(arn) for portion in self._portions):
            return
        if not self._portions[-1].has_room_for(plan):
            self._add_a_managed_policy(plan, role, waiting)
        self._portions[-1].add(plan, arn)
        subject: IConstruct = role if len(self._portions) == 1 else self._scope
        acknowledge_wildcard(subject, record_arns(plan), "A record's ARN ends in a random id.")
        acknowledge_wildcard(subject, contact_arns(plan), "A plan does not tell whom it engages.")

    def _add_a_managed_policy(self, plan: IResponsePlanRef, role: iam.Role, waiting: IConstruct) -> None:
        if len(self._portions) > _MANAGED_POLICIES:
            raise refusal(
                "response_plan",
                f"one whose permissions fit into the trigger's role and {_MANAGED_POLICIES} managed policies",
                plan.node.path,
                "give plans shorter names, or some of them a second IncidentTrigger.",
            )
        portion = PlanPermissions(_IN_A_MANAGED_POLICY)
        self._portions.append(portion)
        policy = iam.ManagedPolicy(
            self._scope, f"Plans{len(self._portions)}", roles=[role], statements=portion.statements()
        )
        waiting.node.add_dependency(policy)
