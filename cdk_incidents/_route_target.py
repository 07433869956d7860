"""The way from an EventBridge rule to a route, in its stack, another one, or another account."""

# ruff: noqa: SLF001 - a door of the route, in a file of its own
from __future__ import annotations

from typing import TYPE_CHECKING

import jsii
from aws_cdk import Stack
from aws_cdk import aws_events as events
from aws_cdk import aws_iam as iam

from cdk_incidents._event_loops import refuse_loop
from cdk_incidents._route_sharing import INVOKE

if TYPE_CHECKING:
    from aws_cdk.interfaces.aws_events import IRuleRef

    from cdk_incidents._route_base import RouteBase


@jsii.implements(events.IRuleTarget)
class RouteTarget:
    """A route as a rule's target."""

    def __init__(self, route: RouteBase, *, recovers: bool) -> None:
        self._route = route
        self._recovers = recovers

    def bind(self, rule: IRuleRef, id: str | None = None) -> events.RuleTargetConfig:  # noqa: A002, ARG002 - as CDK calls it
        """Return the route's alias as a target of the rule, and let the rule invoke it."""
        route = self._route
        refuse_loop(rule)
        arn = route._arn_for(rule, "rule")
        role = None
        if route._is_foreign(rule):
            role = _role(route, rule, arn)
        else:
            source_arn = events.CfnRule.arn_for_rule(rule)
            route._let_invoke(rule, arn, "events", source_arn)
        return events.RuleTargetConfig(
            arn=arn,
            role=role,
            dead_letter_config=events.CfnRule.DeadLetterConfigProperty(arn=route._dead_letters_for(rule)),
            input=_Recovered() if self._recovers else None,
        )


def _role(route: RouteBase, rule: IRuleRef, arn: str) -> iam.Role:
    """Return the role that EventBridge takes to reach another account: one for each route and stack.

    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-service-cross-account.html
    """
    stack = Stack.of(rule)
    role_id = f"{route._trigger_name}-{route.route_id}-Events"
    made = stack.node.try_find_child(role_id)
    if isinstance(made, iam.Role):
        return made
    return iam.Role(
        stack,
        role_id,
        assumed_by=iam.ServicePrincipal(
            "events.amazonaws.com",
            # Else anybody's rule could be given this role.
            conditions={
                "StringEquals": {"aws:SourceAccount": stack.account},
                "ArnLike": {
                    "aws:SourceArn": stack.format_arn(service="events", resource="rule", resource_name="*")
                },
            },
        ),
        # Inline, so that whatever waits for the role waits for its permissions too.
        inline_policies={
            "Start": iam.PolicyDocument(statements=[iam.PolicyStatement(actions=[INVOKE], resources=[arn])])
        },
    )


class _Recovered(events.RuleTargetInput):
    """The event, whole, in an envelope that says what it means.

    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-transform-target-input.html
    """

    def bind(self, rule: IRuleRef) -> events.RuleTargetInputProperties:  # noqa: ARG002
        return events.RuleTargetInputProperties(input_template='{"recovered": <aws.events.event.json>}')
