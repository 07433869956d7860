"""What the trigger may do with its routes' plans, in portions that IAM takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import aws_iam as iam

from cdk_incidents import _permissions as permissions
from cdk_incidents._checks import is_token
from cdk_incidents._lazy import lazy_texts
from cdk_incidents._nag import acknowledge_wildcard
from cdk_incidents.response_plan import contact_arns, plan_name, record_arns

if TYPE_CHECKING:
    from aws_cdk.interfaces.aws_ssmincidents import IResponsePlanRef
    from constructs import Construct, IConstruct

# A role's own policies hold 10,240 characters in all, a managed one 6,144; the rest of ours takes 2,000.
# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
_PORTION = 5_000
# Two ARNs without the plan's name, and what JSON adds.
_ARNS = 150
_LONGEST_NAME = 200


class PlanPermissions:
    """Statements on plans, their records and their contacts; plans may be added until synth."""

    def __init__(self) -> None:
        self._arns: dict[str, None] = {}
        self._records: dict[str, None] = {}
        self._contacts: dict[str, None] = {}
        self._size = 0

    def statements(self) -> list[iam.PolicyStatement]:
        """Return the statements; their resources are listed at synth."""
        plans, records, contacts = (
            lazy_texts(lambda arns=arns: list(arns))  # type: ignore[misc]
            for arns in (self._arns, self._records, self._contacts)
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
        return self._size + _size_of(plan) <= _PORTION

    def add(self, plan: IResponsePlanRef, arn: str) -> None:
        """Add a plan by its ARN."""
        self._arns[arn] = None
        self._records[record_arns(plan)] = None
        self._contacts[contact_arns(plan)] = None
        self._size += _size_of(plan)


class PlanPolicies:
    """The first portion stands in the role itself; each further one is a managed policy."""

    def __init__(self, scope: Construct) -> None:
        self._scope = scope
        self._portions = [PlanPermissions()]

    def inline(self) -> list[iam.PolicyStatement]:
        """Return the statements for the role's own policy."""
        return self._portions[0].statements()

    def allow(self, plan: IResponsePlanRef, arn: str, *, role: iam.Role, waiting: IConstruct) -> None:
        """Let the role start, follow and resolve a plan's incidents; `waiting` is deployed after that."""
        if any(portion.knows(arn) for portion in self._portions):
            return
        subject: IConstruct = role
        if not self._portions[-1].has_room_for(plan):
            self._portions.append(PlanPermissions())
            policy = iam.ManagedPolicy(
                self._scope,
                f"Plans{len(self._portions)}",
                roles=[role],
                statements=self._portions[-1].statements(),
            )
            waiting.node.add_dependency(policy)
        if len(self._portions) > 1:
            subject = self._scope
        self._portions[-1].add(plan, arn)
        acknowledge_wildcard(subject, record_arns(plan), "A record's ARN ends in a random id.")
        acknowledge_wildcard(subject, contact_arns(plan), "A plan does not tell whom it engages.")


def _size_of(plan: IResponsePlanRef) -> int:
    name = plan_name(plan)
    return _ARNS + 2 * (_LONGEST_NAME if is_token(name) else len(name))
