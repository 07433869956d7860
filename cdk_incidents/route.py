"""A route of a trigger: where its signals go, and how alarms and rules get onto it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import jsii
from aws_cdk import Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_events as events
from aws_cdk import aws_events_targets as targets

from cdk_incidents._arn import deploy_after, same_deployment
from cdk_incidents._checks import is_token, refusal

if TYPE_CHECKING:
    from aws_cdk import aws_lambda as lambda_
    from aws_cdk import aws_sqs as sqs
    from aws_cdk.interfaces.aws_events import IRuleRef
    from constructs import Construct, IConstruct

    from cdk_incidents._route_settings import RouteSettings
    from cdk_incidents._trigger_health import TriggerHealth


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
        """Whether a recovery resolves the incident that its own alarm opened."""
        ...

    def watch(self, *alarms: cloudwatch.AlarmBase) -> None:
        """Let alarms send their ALARM to this route, and their OK where it auto-resolves."""
        ...

    def alarm_action(self) -> cloudwatch.IAlarmAction:
        """Return the action to give to an alarm by hand."""
        ...

    def rule_target(self) -> events.IRuleTarget:
        """Return the target to give to an EventBridge rule."""
        ...


class Route:
    """Where signals go and how. Made by `IncidentTrigger.add_route`, never by hand.

    Its door is a Lambda alias of the trigger's function, named by the route's id. One permission on the alias
    serves every alarm of the account, so an alarm adds no resource; changing the route keeps the alias's ARN.
    """

    def __init__(
        self,
        *,
        settings: RouteSettings,
        alias: lambda_.Alias,
        function_name: str,
        dead_letters: sqs.IQueue,
        health: TriggerHealth,
    ) -> None:
        self._settings = settings
        self._alias = alias
        self._function_name = function_name
        self._dead_letters = dead_letters
        self._health = health

    @property
    def route_id(self) -> str:
        """The id of the route, which is the name of its Lambda alias."""
        return self._settings.id

    @property
    def route_arn(self) -> str:
        """The ARN of the route's Lambda alias."""
        return self._alias.function_arn

    @property
    def auto_resolve(self) -> bool:
        """Whether a recovery resolves the incident that its own alarm opened."""
        return self._settings.auto_resolve

    def watch(self, *alarms: cloudwatch.AlarmBase) -> None:
        """Let alarms send their ALARM to this route, and their OK where it auto-resolves.

        Parameters
        ----------
        *alarms
            Metric and composite alarms of the same account and Region, in any stack of the app. They gain an
            action, and no resource.

        Raises
        ------
        ValueError
            If an alarm is one that watches this trigger itself: a broken trigger could not report it.
        """
        action = self.alarm_action()
        for alarm in alarms:
            self._refuse_own_health(alarm)
            alarm.add_alarm_action(action)
            if self._settings.auto_resolve:
                alarm.add_ok_action(action)

    def alarm_action(self) -> cloudwatch.IAlarmAction:
        """Return the action to give to an alarm by hand, or to a library that takes an ``IAlarmAction``.

        As an OK action too it lets the recovery resolve the incident, where the route auto-resolves.
        """
        return _RouteAction(self)

    def rule_target(self) -> events.IRuleTarget:
        """Return the target to give to an EventBridge rule: each event that matches is a signal.

        What EventBridge cannot deliver goes to the trigger's dead-letter queue. The rule must be in the
        trigger's own stack: the alias names each rule that may invoke it.
        """
        return _RouteTarget(self)

    def _arn_seen_from(self, user: IConstruct) -> str:
        if same_deployment(self._alias, user):
            return self._alias.function_arn
        home, other = Stack.of(self._alias), Stack.of(user)
        for argument, ours, theirs in (
            ("account", home.account, other.account),
            ("Region", home.region, other.region),
        ):
            if ours != theirs and not is_token(ours) and not is_token(theirs):
                raise refusal(
                    "alarm",
                    f"in the trigger's {argument}, {ours}",
                    theirs,
                    f"CloudWatch invokes functions of its own {argument} only: make a trigger there.",
                )
        # A text and no reference: an export would block every later change of the trigger's stack.
        deploy_after(user, self._alias)
        return f"{self._function_arn_of(home)}:{self.route_id}"

    def _refuse_own_health(self, alarm: cloudwatch.IAlarm | cloudwatch.AlarmBase) -> None:
        if alarm in self._health.alarms:
            raise refusal(
                "alarm",
                "other than those on this trigger's own health",
                alarm.node.path,
                "a broken trigger could not report itself: pass it health_plan= or fallback=.",
            )

    def _function_arn_of(self, stack: Stack) -> str:
        return f"arn:{stack.partition}:lambda:{stack.region}:{stack.account}:function:{self._function_name}"


@jsii.implements(events.IRuleTarget)
class _RouteTarget:
    def __init__(self, route: Route) -> None:
        self._route = route

    def bind(self, rule: IRuleRef, id: str | None = None) -> events.RuleTargetConfig:  # noqa: A002
        alias = self._route._alias  # noqa: SLF001
        if not same_deployment(rule, alias):
            raise refusal(
                "rule",
                f"in the trigger's stack, {Stack.of(alias).node.path}",
                rule.node.path,
                "make the rule there; from another stack it would need what needs it.",
            )
        target = targets.LambdaFunction(alias, dead_letter_queue=self._route._dead_letters)  # noqa: SLF001
        return target.bind(rule, id)


@jsii.implements(cloudwatch.IAlarmAction)
class _RouteAction:
    def __init__(self, route: Route) -> None:
        self._route = route

    def bind(self, scope: Construct, alarm: cloudwatch.IAlarm) -> cloudwatch.AlarmActionConfig:
        self._route._refuse_own_health(alarm)  # noqa: SLF001
        return cloudwatch.AlarmActionConfig(alarm_action_arn=self._route._arn_seen_from(scope))  # noqa: SLF001
