"""A route of a trigger: where its signals go, and how alarms and rules get onto it."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Protocol, cast

from aws_cdk import aws_iam as iam

from cdk_incidents._arn import deploy_after, same_deployment
from cdk_incidents._places import identity_of, place_of
from cdk_incidents._route_base import SCALING_ALARMS, RouteBase

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from aws_cdk import aws_cloudwatch as cloudwatch
    from aws_cdk import aws_events as events
    from aws_cdk import aws_lambda as lambda_
    from aws_cdk import aws_sns as sns
    from aws_cdk import aws_sqs as sqs
    from constructs import Construct, IConstruct

    from cdk_incidents.trigger import IncidentTrigger


class IRoute(Protocol):
    """A route, owned or imported. For type hints: concrete routes do not inherit it."""

    @property
    def route_id(self) -> str:
        """The id of the route, which is the name of its Lambda alias."""
        ...

    @property
    def route_arn(self) -> str:
        """The ARN of the route's Lambda alias."""
        ...

    @property
    def auto_resolve(self) -> bool:
        """Whether alarms must tell of their recovery too."""
        ...

    def watch(self, *alarms: cloudwatch.AlarmBase) -> None:
        """Let alarms send their ALARM to this route, and their OK where it auto-resolves."""
        ...

    def alarm_action(self) -> cloudwatch.IAlarmAction:
        """Return the action to give to an alarm by hand."""
        ...

    def rule_target(self, *, recovers: bool = False) -> events.IRuleTarget:
        """Return the target to give to an EventBridge rule."""
        ...

    def subscription(
        self, *, filter_policy: Mapping[str, sns.SubscriptionFilter] | None = None
    ) -> sns.ITopicSubscription:
        """Return the subscription to give to an SNS topic."""
        ...

    def on_queue(
        self, queue: sqs.IQueue | sqs.Queue, *, batch_size: int = 10, max_concurrency: int = 2
    ) -> None:
        """Read an SQS queue."""
        ...

    def watch_account(self, *, except_prefixes: Sequence[str] = SCALING_ALARMS) -> events.Rule:
        """Send all alarms of the account and Region to this route by one rule."""
        ...

    def grant_start(self, grantee: iam.IGrantable) -> iam.Grant:
        """Let a person or another function start incidents by hand."""
        ...


class Route(RouteBase):
    """Where signals go and how. Made by `IncidentTrigger.add_route`, never by hand.

    Its door is a Lambda alias of the trigger's function, named by the route's id. One permission on the alias
    serves every alarm of the account, so an alarm adds no resource; changing the route keeps the alias's ARN.
    """

    def __init__(
        self, trigger: IncidentTrigger, *, route_id: str, alias: lambda_.Alias, auto_resolve: bool
    ) -> None:
        super().__init__(alias, route_id=route_id, trigger_name=trigger.trigger_name)
        self._trigger = trigger
        self._alias = alias
        self._auto_resolve = auto_resolve

    @property
    def route_arn(self) -> str:
        """The ARN of the route's Lambda alias."""
        return self._own_arn

    @property
    def auto_resolve(self) -> bool:
        """Whether a recovery resolves the incident that its own alarm opened."""
        return self._auto_resolve

    def _arn_for(self, user: IConstruct, argument: str) -> str:
        if same_deployment(self._alias, user):
            return self.route_arn
        self._check_region(user, argument)
        if self._is_foreign(user):
            self._trigger._shares.want(place_of(user).account, user)  # noqa: SLF001
        # A text and no reference: an export would block every later change of the trigger's stack.
        deploy_after(user, self._alias)
        return self._arn_by_name

    def _arn_granted_to(self, grantee: iam.IGrantable) -> str:
        # A grant needs no order.
        # Principals are no constructs.
        near = hasattr(grantee, "node") and same_deployment(self._alias, cast("IConstruct", grantee))
        return self.route_arn if near else self._arn_by_name

    def _dead_letters_for(self, user: IConstruct) -> str:
        if same_deployment(self._alias, user):
            return self._trigger.dead_letter_queue.queue_arn
        return super()._dead_letters_for(user)

    def _role_for(self, user: IConstruct) -> iam.IRole:
        return self._trigger.role if same_deployment(self._alias, user) else super()._role_for(user)

    def _reader_scope(self, queue: sqs.IQueue) -> Construct:
        # Under the alias, so that the smoke test goes before it.
        return self._alias if same_deployment(self._alias, queue) else super()._reader_scope(queue)

    def _has_reader(self, scope: Construct, reader_id: str) -> bool:
        # Another route's reader stands under its own alias.
        aliases = (route._alias for route in self._trigger._routes.values())  # noqa: SLF001
        return any(super(Route, self)._has_reader(place, reader_id) for place in (scope, *aliases))

    def _take_dead_letters_of(self, topic: sns.ITopic) -> None:
        queue = self._trigger.dead_letter_queue
        queue.add_to_resource_policy(
            iam.PolicyStatement(
                principals=[iam.ServicePrincipal("sns.amazonaws.com")],
                actions=["sqs:SendMessage"],
                resources=[queue.queue_arn],
                conditions={"ArnLike": {"aws:SourceArn": topic.topic_arn}},
            )
        )

    def _needs_permission(self, allowed: Construct, topic_apart: str) -> bool:
        return self._trigger._shares.allow(self._alias, allowed, topic_apart)  # noqa: SLF001

    def _refuse_own_topic(self, topic: sns.ITopic) -> None:
        self._trigger._topics.heard(topic)  # noqa: SLF001

    # Not the public property: to a type checker a cached one can be written, and so is no IRoute's.
    @functools.cached_property
    def _own_arn(self) -> str:
        return self._alias.function_arn

    @property
    def _parts(self) -> frozenset[str]:
        return _parts_of(self._trigger)


@functools.cache
def _parts_of(trigger: IncidentTrigger) -> frozenset[str]:
    parts = (trigger.function, trigger._retries, trigger.dead_letter_queue)  # noqa: SLF001 - one of a kind
    resources = (part.node.default_child for part in parts)
    return frozenset(identity_of(resource) for resource in resources if resource is not None)
