"""What the function may do for a route: to its plan, its topic, its OpsItems, its calendars."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import Stack

from cdk_incidents import _permissions as permissions
from cdk_incidents._nag import acknowledge_wildcard
from cdk_incidents._plans import arn_seen_from
from cdk_incidents._route_topic import key_arn_seen_from

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from aws_cdk import aws_iam as iam
    from aws_cdk.interfaces.aws_ssmincidents import IResponsePlanRef
    from constructs import Construct

    from cdk_incidents._plan_permissions import PlanPolicies
    from cdk_incidents._topic import Topic


class RouteRights:
    """Grants, route by route; the function waits for each."""

    def __init__(self, scope: Construct, policies: PlanPolicies, role: iam.Role, waiting: Construct) -> None:
        self._scope = scope
        self._policies = policies
        self._role = role
        self._waiting = waiting

    def use_plan(self, plan: IResponsePlanRef, *, ordered: bool) -> None:
        """Let the function start and follow a plan's incidents."""
        arn = arn_seen_from(plan, self._scope, ordered=ordered)
        self._policies.allow(plan, arn, role=self._role, waiting=self._waiting)

    def look_at_plan(self, plan: IResponsePlanRef) -> None:
        """Let the function see whom a plan would wake."""
        self._allow("quiet_plan", permissions.LOOK, arn_seen_from(plan, self._scope))

    def use_topic(self, topic: Topic, arn: str) -> None:
        """Let the function publish to a topic, with the key that encrypts it."""
        self._allow("topic", permissions.PUBLISH, arn)
        if topic.master_key is None:
            return
        key = key_arn_seen_from(topic.master_key, self._scope)
        through = {"StringEquals": {"kms:ViaService": f"sns.{Stack.of(self._scope).region}.amazonaws.com"}}
        self._allow("topic", permissions.USE_KEY, key, through)
        if key.endswith("*"):
            acknowledge_wildcard(self._scope, key, "Another stack's key has no name to write down.")

    def use_ops_items(self) -> None:
        """Let the function open OpsItems and follow them."""
        items = Stack.of(self._scope).format_arn(service="ssm", resource="opsitem", resource_name="*")
        self._allow("ops_items", permissions.OPEN_OPS_ITEMS, "*")
        self._allow("ops_items", permissions.FOLLOW_OPS_ITEMS, items)
        acknowledge_wildcard(self._scope, items, "An OpsItem's ARN ends in a random id.")

    def ask_calendar(self, arn: str) -> None:
        """Let the function ask a Change Calendar for its state."""
        self._allow("suppression", permissions.ASK_CALENDAR, arn)

    def _allow(
        self,
        argument: str,
        actions: Sequence[str],
        arn: str,
        conditions: Mapping[str, Mapping[str, str]] | None = None,
    ) -> None:
        self._policies.allow_other(
            argument, actions, arn, conditions=conditions, role=self._role, waiting=self._waiting
        )
