"""The smoke test between deployments: phones change, channels lapse, somebody edits a plan by hand."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, cast

import jsii
from aws_cdk import Annotations, Duration, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_events as events
from aws_cdk import aws_lambda as lambda_

from cdk_incidents._arn import same_deployment, same_stack
from cdk_incidents._checks import refusal
from cdk_incidents._late_warnings import warn_at_synth
from cdk_incidents._names import smoke_test_name
from cdk_incidents._own_alarms import mark

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aws_cdk import CfnResource
    from aws_cdk.interfaces.aws_events import IRuleRef
    from constructs import Construct

    from cdk_incidents._smoke_test_provider import SmokeTestProvider
    from cdk_incidents.trigger import IncidentTrigger

_TELLS_NOBODY = "cdk-incidents:smoke-test-alarm-tells-nobody"
_SPENDS_ITS_PLAN = "cdk-incidents:smoke-test-spends-its-plan"
_HOUR_S = 3_600
_WEEK_S = 7 * 24 * _HOUR_S
_MONTH_S = 31 * 24 * _HOUR_S
# A quota that nobody can raise: https://docs.aws.amazon.com/general/latest/gr/incident-manager.html
_INCIDENTS_A_MONTH = 200


def check_every(every: Duration) -> None:
    """Refuse what is no duration of an hour to a week, in minutes, as EventBridge counts."""
    rule, remedy = "a Duration of 1 hour to 7 days, in whole minutes", "e.g. Duration.days(1)."
    if not isinstance(every, Duration):
        raise refusal("every", rule, every, remedy)
    if every.is_unresolved():
        raise refusal("every", "known at synth", "a token", remedy)
    seconds = every.to_seconds(integral=False)
    if seconds % 60 or not _HOUR_S <= seconds <= _WEEK_S:
        raise refusal("every", rule, every.to_human_string(), remedy)


def _warn_of_the_cost(scope: Construct, every: Duration, paths: int) -> None:
    """Warn if the runs of a month would open more incidents than the quiet plan may."""
    spent = paths * (_MONTH_S // every.to_seconds())
    if spent > _INCIDENTS_A_MONTH:
        at_least = math.ceil(paths * _MONTH_S / _INCIDENTS_A_MONTH / _HOUR_S)
        Annotations.of(scope).add_warning_v2(
            _SPENDS_ITS_PLAN,
            f"every must leave deployments some of the {_INCIDENTS_A_MONTH} incidents that the quiet plan may"
            f" open in a month (got {every.to_human_string()}, which spends up to {spent}): past those each"
            f" test fails, and each deployment with it. Make it {at_least} hours or more.",
        )


class SmokeTestSchedule:
    """A function of its own, a rule that invokes it, and an alarm on its failures.

    Of its own, since the errors of the other one are a deployment's, which reports them itself.
    """

    def __init__(
        self,
        scope: Construct,
        *,
        every: Duration,
        paths: int,
        provider: SmokeTestProvider,
        resource: CfnResource,
        trigger: IncidentTrigger | None,
    ) -> None:
        self._name = None if trigger is None else smoke_test_name(trigger.trigger_name)
        # Under the trigger, as its name is the trigger's: CloudFormation makes the new one of two first, and
        # so a test that is only called otherwise must keep it.
        home = trigger if trigger is not None and same_stack(trigger, scope) else None
        self._function = provider.scheduled(home, self._name)
        rule = events.Rule(
            scope,
            "Schedule",
            description="Repeats the smoke test between deployments",
            schedule=events.Schedule.rate(every),
            targets=[_Scheduled(self._function, resource)],
        )
        # What a deployment has not proven yet is not to be repeated.
        rule.node.add_dependency(resource)
        self.alarm: cloudwatch.Alarm = cloudwatch.Alarm(
            scope,
            "Alarm",
            metric=self.metric_failures(),
            threshold=1,
            evaluation_periods=1,
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
            # Between two runs there is no data: the alarm stays what the last run has made it.
            treat_missing_data=cloudwatch.TreatMissingData.IGNORE,
            alarm_description="A smoke test between deployments has failed; its function's log tells why.",
        )
        mark(self.alarm, "smoke-test")
        if trigger is not None and same_deployment(trigger, scope):
            trigger.health.is_told_of(self.alarm)
        _warn_of_the_cost(scope, every, paths)
        warn_at_synth(scope, self._tells_nobody)

    def metric_failures(self, period: Duration | None = None) -> cloudwatch.Metric:
        """Return how many runs have failed (sum)."""
        return cloudwatch.Metric(
            namespace="AWS/Lambda",
            metric_name="Errors",
            # By name, where that is fixed: so the trigger knows the alarm for one of its own.
            dimensions_map={"FunctionName": self._name or self._function.function_name},
            statistic="Sum",
            period=period,
        )

    def _tells_nobody(self) -> Iterator[tuple[str, str]]:
        if not self.alarm._alarm_action_arns:  # noqa: SLF001 - CDK has no public way to read them
            text = (
                "every: the alarm on the scheduled runs must tell somebody (got no action), or they fail"
                " unseen: call alarm.add_alarm_action(…), or give the trigger a fallback or health_plan."
            )
            yield _TELLS_NOBODY, text


@jsii.implements(events.IRuleTarget)
class _Scheduled:
    """The function as a rule's target: it is told whose test it runs, as CloudFormation would."""

    def __init__(self, function: lambda_.Function, resource: CfnResource) -> None:
        self._function = function
        self._resource = resource

    def bind(self, rule: IRuleRef, id: str | None = None) -> events.RuleTargetConfig:  # noqa: A002, ARG002 - as CDK calls it
        lambda_.CfnPermission(
            # Not under the function, which the test waits for: the rule waits for the test.
            cast("Construct", rule),
            "Permission",
            action="lambda:InvokeFunction",
            function_name=self._function.function_arn,
            principal="events.amazonaws.com",
            source_arn=events.CfnRule.arn_for_rule(rule),
            source_account=Stack.of(self._function).account,
        )
        told = {"stack_id": Stack.of(self._resource).stack_id, "logical_id": self._resource.logical_id}
        return events.RuleTargetConfig(
            arn=self._function.function_arn, input=events.RuleTargetInput.from_object(told)
        )
