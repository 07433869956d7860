"""The way from an SNS topic to a route."""

# ruff: noqa: SLF001 - a door of the route, in a file of its own
from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import jsii
from aws_cdk import Stack
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs

from cdk_incidents._checks import is_token, refusal
from cdk_incidents._nag import acknowledge_alias
from cdk_incidents._topic import check_topic

if TYPE_CHECKING:
    from cdk_incidents._route_base import RouteBase

_DEAD_LETTERS = "DeadLetters"


@jsii.implements(sns.ITopicSubscription)
class RouteSubscription:
    """A route as a topic's subscriber."""

    def __init__(self, route: RouteBase, filter_policy: Mapping[str, sns.SubscriptionFilter] | None) -> None:
        remedy = 'e.g. sns.SubscriptionFilter.string_filter(allowlist=["high"]).'
        if filter_policy is not None and not isinstance(filter_policy, Mapping):
            rule = "a mapping of attributes to SubscriptionFilter"
            raise refusal("filter_policy", rule, filter_policy, remedy)
        for name, filtered in (filter_policy or {}).items():
            if not isinstance(filtered, sns.SubscriptionFilter):
                raise refusal(f"filter_policy[{name!r}]", "a SubscriptionFilter", filtered, remedy)
        self._route = route
        self._filter_policy = filter_policy

    def bind(self, topic: sns.ITopic) -> sns.TopicSubscriptionConfig:
        """Return the route's alias as an endpoint of the topic, and let the topic invoke it."""
        route = self._route
        check_topic("topic", topic)
        route._refuse_own_topic(topic)
        if route._is_foreign(topic):
            raise refusal(
                "subscription",
                f"made by the trigger's account, {route._account}",
                f"{topic.node.path} in {Stack.of(topic).account}",
                "SNS would wait for a confirmation that no function gives: let the trigger's stack import the"
                " topic and subscribe, or send by alarms and rules.",
            )
        arn = route._arn_for(topic, "topic")
        queue_arn = route._dead_letters_for(topic)
        apart = _is_apart(topic.env.account, Stack.of(topic).account)
        let_in = route._let_invoke(topic, arn, "sns", topic.topic_arn, topic_apart=apart)
        if let_in.node.try_find_child(_DEAD_LETTERS) is not None:
            remedy = "put all into one filter_policy."
            raise refusal("topic", "subscribed once by a route", topic.node.path, remedy)
        if apart:
            route._take_dead_letters_of(topic)
        acknowledge_alias(let_in)
        return sns.TopicSubscriptionConfig(
            endpoint=arn,
            protocol=sns.SubscriptionProtocol.LAMBDA,
            subscriber_scope=let_in,
            subscriber_id="Subscription",
            # After its permission, if it has one: where an organisation is let in, it may have gone again.
            subscription_dependency=let_in,
            filter_policy=self._filter_policy,
            region=topic.env.region if _is_apart(topic.env.region, Stack.of(topic).region) else None,
            # By its ARN, for CDK would add a statement for each topic, and all of the account's may send.
            dead_letter_queue=sqs.Queue.from_queue_arn(let_in, _DEAD_LETTERS, queue_arn),
        )


def _is_apart(theirs: str, here: str) -> bool:
    """Tell whether an imported topic is of another account or Region than the stack that imports it."""
    return theirs != here and not is_token(theirs) and not is_token(here)
