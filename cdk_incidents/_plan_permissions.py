"""What the trigger may do with its routes' plans, topics and calendars, in portions that IAM takes."""

from __future__ import annotations

import functools
import json
import re
from typing import TYPE_CHECKING

from aws_cdk import aws_iam as iam

from cdk_incidents import _permissions as permissions
from cdk_incidents._checks import is_token, refusal
from cdk_incidents._lazy import lazy_texts
from cdk_incidents._nag import acknowledge_wildcard
from cdk_incidents._places import identity_of
from cdk_incidents._plans import contact_arns, contact_patterns, in_any_region, plan_name, record_arns

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import TypeAlias

    from aws_cdk.interfaces.aws_ssmincidents import IResponsePlanRef
    from constructs import Construct, IConstruct

    Conditions: TypeAlias = Mapping[str, Mapping[str, str]] | None

# IAM takes 10,240 characters of a role's own policies in all, 6,144 of a managed one, ten of these a role.
# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
# What is no route's takes 700 in each, and 2,000 more in the role; a user's own statements fit there too.
_IN_THE_ROLE = 5_000
_IN_A_MANAGED_POLICY = 5_400
_MANAGED_POLICIES = 10
# The ARNs of a plan and of its records without its name, and of a contact without its alias, with what JSON
# adds.
_ARNS = 124
_CONTACT = 62
_LONGEST_NAME = 200
_LONGEST_ALIAS = 255
# A statement without its actions, resources and conditions; and what synth may not know of a topic's ARN, a
# key's and a calendar's.
_STATEMENT = 60
_LONGEST_RESOURCE = {"sns": 310, "kms": 90, "ssm": 140, "ssm-incidents": 220}
_LONGEST_REGION = 14
_TOKEN = re.compile(r"\$\{Token\[.*?]}")


class PlanPermissions:
    """A policy's statements on plans, their records and their contacts, and on what else routes lead to.

    All may be added until synth; a statement is there from its first resource on, since IAM refuses one that
    names nothing.
    """

    def __init__(self, document: iam.PolicyDocument, room: int, fails_over: Callable[[], bool]) -> None:
        self._document = document
        self._room = room
        self._fails_over = fails_over
        self._arns: dict[str, None] = {}
        self._records: dict[str, None] = {}
        self._contacts: dict[str, None] = {}
        self._others: dict[tuple[str, ...], dict[str, None]] = {}

    @property
    def has_plans(self) -> bool:
        """Whether a plan is among these."""
        return bool(self._arns)

    def knows(self, arn: str) -> bool:
        """Tell whether a plan is among these already."""
        return arn in self._arns

    def has_room_for(self, plan: IResponsePlanRef) -> bool:
        """Tell whether one more plan fits into a policy."""
        return self._size_of(plan) <= self._room

    def add(self, plan: IResponsePlanRef, arn: str) -> None:
        """Add a plan by its ARN."""
        if not self._arns:
            plans, records = (
                lazy_texts(functools.partial(list, arns)) for arns in (self._arns, self._records)
            )
            self._document.add_statements(
                # The service checks what follows a start against the plan and against the record.
                iam.PolicyStatement(actions=[*permissions.START, *permissions.FOLLOW], resources=plans),
                iam.PolicyStatement(actions=[*permissions.FOLLOW, *permissions.TAG], resources=records),
            )
        self._room -= self._size_of(plan)
        self._arns[arn] = None
        self._records[record_arns(plan)] = None
        contacts = contact_arns(plan)
        if contacts and not self._contacts:
            engaged = lazy_texts(self._engaged)
            through = permissions.CALLED_BY_THE_SERVICE
            self._document.add_statements(
                iam.PolicyStatement(actions=permissions.ENGAGE, resources=engaged, conditions=through)
            )
        self._contacts.update(dict.fromkeys(contacts))

    def allows(self, actions: Sequence[str], arn: str) -> bool:
        """Tell whether something other than a plan is among these already."""
        return arn in self._others.get(tuple(actions), {})

    def has_room_to_allow(self, actions: Sequence[str], arn: str, conditions: Conditions = None) -> bool:
        """Tell whether one more such thing fits into a policy."""
        return self._size_of_other(actions, arn, conditions) <= self._room

    def allow(self, actions: Sequence[str], arn: str, conditions: Conditions = None) -> None:
        """Add something other than a plan by its ARN; the same actions always have the same conditions."""
        self._room -= self._size_of_other(actions, arn, conditions)
        arns = self._others.setdefault(tuple(actions), {})
        if not arns:
            resources = lazy_texts(functools.partial(list, arns))
            self._document.add_statements(
                iam.PolicyStatement(actions=[*actions], resources=resources, conditions=conditions)
            )
        arns[arn] = None

    def _engaged(self) -> list[str]:
        """Return each contact if they fit into what is left of the policy, or the patterns of them."""
        each = list(self._contacts)
        if self._fails_over():
            # Whether another Region asks for the contacts under its own name, no source settles.
            each = in_any_region(each)
        patterns = contact_patterns(each)
        room = self._room + sum(map(_size_of_contact, patterns))
        return each if sum(map(_size_of_contact, each)) <= room else patterns

    def _size_of(self, plan: IResponsePlanRef) -> int:
        name = plan_name(plan)
        known = contact_patterns(list(self._contacts))
        further = [arn for arn in contact_patterns(contact_arns(plan)) if arn not in known]
        names = 2 * (_LONGEST_NAME if is_token(name) else len(name))
        return _ARNS + names + sum(map(_size_of_contact, further))

    def _size_of_other(self, actions: Sequence[str], arn: str, conditions: Conditions) -> int:
        place, _, name = arn.rpartition(":")
        size = len(_TOKEN.sub("r" * _LONGEST_REGION, place))
        size += _LONGEST_RESOURCE[actions[0].partition(":")[0]] if is_token(name) else len(name)
        # With the comma and the quotes.
        size += 4
        if tuple(actions) in self._others:
            return size
        return size + _STATEMENT + len(json.dumps([actions, conditions]))


def _size_of_contact(arn: str) -> int:
    alias = arn.rpartition("/")[2]
    return _CONTACT + (_LONGEST_ALIAS if is_token(alias) else len(alias))


class PlanPolicies:
    """The first portion stands in the role itself; each further one is a managed policy."""

    def __init__(self, scope: Construct, fails_over: Callable[[], bool]) -> None:
        self._scope = scope
        self._fails_over = fails_over
        self._acknowledged: set[tuple[str, str]] = set()
        self.document: iam.PolicyDocument = iam.PolicyDocument()
        """The role's own policy, with the first portion; a user's own statements go there too."""
        self._portions = [PlanPermissions(self.document, _IN_THE_ROLE, fails_over)]

    def allow(self, plan: IResponsePlanRef, arn: str, *, role: iam.Role, waiting: IConstruct) -> None:
        """Let the role start, follow and resolve a plan's incidents; `waiting` is deployed after that."""
        if any(portion.knows(arn) for portion in self._portions):
            return
        if not self._portions[0].has_plans:
            self._allow_what_knows_no_plan()
        if not self._portions[-1].has_room_for(plan):
            self._add_a_managed_policy("response_plan", plan.node.path, role, waiting)
        self._portions[-1].add(plan, arn)
        subject: IConstruct = role if len(self._portions) == 1 else self._scope
        acknowledge_wildcard(subject, record_arns(plan), "A record's ARN ends in a random id.")
        contacts = contact_arns(plan)
        anywhere = in_any_region(contacts)
        for pattern in (*contact_patterns(contacts), *contact_patterns(anywhere)):
            self._acknowledge(subject, pattern, "The plan does not tell whom it engages, or they are many.")
        for contact in anywhere:
            self._acknowledge(subject, contact, "A contact, in whatever Region its plan fails over to.")

    def _acknowledge(self, subject: IConstruct, resource: str, reason: str) -> None:
        # Plans mostly share their contacts, and each time takes a round trip to Node.
        known = (identity_of(subject), resource)
        if known not in self._acknowledged:
            self._acknowledged.add(known)
            acknowledge_wildcard(subject, resource, reason)

    def _allow_what_knows_no_plan(self) -> None:
        self.document.add_statements(
            iam.PolicyStatement(
                actions=permissions.MAKE_OPS_ITEM,
                resources=["*"],
                conditions=permissions.CALLED_BY_THE_SERVICE,
            ),
            iam.PolicyStatement(actions=permissions.FIND, resources=["*"]),
        )

    def allow_other(
        self,
        argument: str,
        actions: Sequence[str],
        arn: str,
        *,
        conditions: Conditions = None,
        role: iam.Role,
        waiting: IConstruct,
    ) -> None:
        """Let the role do something with what is no plan, such as a topic."""
        if any(portion.allows(actions, arn) for portion in self._portions):
            return
        if not self._portions[-1].has_room_to_allow(actions, arn, conditions):
            self._add_a_managed_policy(argument, arn, role, waiting)
        self._portions[-1].allow(actions, arn, conditions)

    def _add_a_managed_policy(self, argument: str, shown: str, role: iam.Role, waiting: IConstruct) -> None:
        if len(self._portions) > _MANAGED_POLICIES:
            raise refusal(
                argument,
                f"one whose permissions fit into the trigger's role and {_MANAGED_POLICIES} managed policies",
                shown,
                "give plans shorter names, or some of them a second IncidentTrigger.",
            )
        policy = iam.ManagedPolicy(self._scope, f"Plans{len(self._portions) + 1}", roles=[role])
        self._portions.append(PlanPermissions(policy.document, _IN_A_MANAGED_POLICY, self._fails_over))
        waiting.node.add_dependency(policy)
