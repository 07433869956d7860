"""The alarms on the trigger itself: what would otherwise fail in silence."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_iam as iam
from constructs import Construct

from cdk_incidents._durations import whole_seconds
from cdk_incidents._names import METRIC_NAMESPACE
from cdk_incidents._own_alarms import mark
from cdk_incidents._places import place_of, stands_in
from cdk_incidents._route_settings import SMOKE_TEST
from cdk_incidents.ops_items import FALLBACK_SEVERITY, OpsItems

if TYPE_CHECKING:
    from aws_cdk import aws_sqs as sqs
    from aws_cdk.interfaces.aws_ssmincidents import IResponsePlanRef

    from cdk_incidents._topic import Topic

_PERIOD_S = 300
_A_DAY_S = 86_400
_WARNED_AT_PERCENT = 80
# Not AsyncEventsDropped: it counts each event that went to the retry queue, too, as it was meant to.
_LOST = {"throttles": "Throttles", "undelivered": "DestinationDeliveryFailures"}


class TriggerHealth(Construct):
    """Five alarms; they go to the fallback and, by the service's own path, to a response plan.

    Never through the trigger: a broken one could not report itself.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        function_name: str,
        retries: sqs.IQueue,
        dead_letters: sqs.IQueue,
        fallback: Topic | OpsItems | None,
        health_plan: IResponsePlanRef | None,
    ) -> None:
        super().__init__(scope, construct_id)
        stands_in(self, scope)
        self._actions: list[cloudwatch.IAlarmAction] = []
        if isinstance(fallback, OpsItems):
            self._actions.append(_ops_items(fallback))
        elif fallback is not None:
            _let_alarms_publish(self, fallback)
            self._actions.append(_topic(fallback))
        if health_plan is not None:
            from cdk_incidents.alarm_action import ResponsePlanAction  # noqa: PLC0415 - most have none

            self._actions.append(ResponsePlanAction(health_plan))
        self.alarms: list[cloudwatch.Alarm] = [
            self._alarm(
                "DeadLetters",
                dead_letters.metric_approximate_number_of_messages_visible(
                    period=whole_seconds(_PERIOD_S), statistic="Maximum"
                ),
                threshold=1,
                description=f"Signals of {function_name} could not become incidents; each message tells why.",
            ),
            # The depth alarm stays in ALARM while one message lies there; this one fires for each failure.
            self._alarm(
                "Failures",
                _own(function_name, "Failed", "Sum"),
                threshold=1,
                description=f"{function_name} gave up on a signal; its log tells which and why.",
            ),
            self._alarm(
                "Retrying",
                _being_retried(retries, function_name),
                threshold=1,
                periods=3,
                description=f"{function_name} has been trying again for 15 minutes; its log tells why.",
            ),
            self._alarm(
                "Budget",
                _own(function_name, "BudgetUsed", "Maximum"),
                threshold=_WARNED_AT_PERCENT,
                # Told at once, and once a day: each start says how much is used, and nothing says so between.
                periods=_A_DAY_S // _PERIOD_S,
                datapoints=1,
                description=f"{function_name} has used {_WARNED_AT_PERCENT} percent of what it may open of a"
                " plan this month; at 100 repeated causes open no more.",
            ),
            self._alarm(
                "Delivery",
                _without_the_smoke_test(function_name),
                threshold=1,
                description=f"Lambda throttled {function_name}, or lost a failed event of it.",
            ),
        ]

        # All at once: each alarm's own resource would be two round trips to Node.
        for resource in self.node.find_all():
            if isinstance(resource, cloudwatch.CfnAlarm):
                mark(resource, "health")

    def _alarm(
        self,
        construct_id: str,
        metric: cloudwatch.IMetric,
        *,
        threshold: int,
        description: str,
        periods: int = 1,
        datapoints: int | None = None,
    ) -> cloudwatch.Alarm:
        alarm = cloudwatch.Alarm(
            self,
            construct_id,
            metric=metric,
            threshold=threshold,
            evaluation_periods=periods,
            datapoints_to_alarm=datapoints,
            comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
            treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
            alarm_description=description,
        )
        self.is_told_of(alarm)
        return alarm

    def is_told_of(self, alarm: cloudwatch.Alarm) -> None:
        """Let one more alarm of ours go where these go."""
        for action in self._actions:
            alarm.add_alarm_action(action)


def _let_alarms_publish(scope: Construct, topic: Topic) -> None:
    # Any policy of a topic takes the place of SNS's own, which let the whole account publish.
    alarms = iam.ServicePrincipal("cloudwatch.amazonaws.com")
    conditions = {"StringEquals": {"aws:SourceAccount": place_of(scope).account}}
    topic.add_to_resource_policy(
        iam.PolicyStatement(
            principals=[alarms], actions=["sns:Publish"], resources=[topic.topic_arn], conditions=conditions
        )
    )
    if topic.master_key is not None:
        topic.master_key.add_to_resource_policy(
            iam.PolicyStatement(
                principals=[alarms],
                actions=["kms:Decrypt", "kms:GenerateDataKey*"],
                resources=["*"],
                conditions=conditions,
            )
        )


def waiting_or_in_flight(queue: sqs.IQueue, *, period: Duration | None = None) -> cloudwatch.MathExpression:
    """Return how many messages of a queue somebody still has to deal with."""
    # Not the age of the oldest message: SQS leaves out what has been received three times.
    period = period or whole_seconds(_PERIOD_S)
    metrics: dict[str, cloudwatch.IMetric] = {
        "waiting": queue.metric_approximate_number_of_messages_visible(period=period, statistic="Maximum"),
        "in_flight": queue.metric_approximate_number_of_messages_not_visible(
            period=period, statistic="Maximum"
        ),
    }
    return cloudwatch.MathExpression(
        expression="waiting + in_flight", using_metrics=metrics, period=period, label="Waiting"
    )


def _being_retried(queue: sqs.IQueue, function_name: str) -> cloudwatch.MathExpression:
    # Not what is in flight: what a suppression holds back is hidden in the same queue.
    metrics: dict[str, cloudwatch.IMetric] = {
        "waiting": queue.metric_approximate_number_of_messages_visible(
            period=whole_seconds(_PERIOD_S), statistic="Maximum"
        ),
        "retried": _own(function_name, "Retried", "Sum"),
    }
    return cloudwatch.MathExpression(
        expression="FILL(waiting, 0) + FILL(retried, 0)",
        using_metrics=metrics,
        period=whole_seconds(_PERIOD_S),
        label="Being retried",
    )


def _own(function_name: str, metric_name: str, statistic: str) -> cloudwatch.Metric:
    return cloudwatch.Metric(
        namespace=METRIC_NAMESPACE,
        metric_name=metric_name,
        dimensions_map={"Trigger": function_name},
        statistic=statistic,
        period=whole_seconds(_PERIOD_S),
    )


def _topic(topic: Topic) -> cloudwatch.IAlarmAction:
    from aws_cdk import aws_cloudwatch_actions as actions  # noqa: PLC0415 - without a fallback none is needed

    return actions.SnsAction(topic)


def _ops_items(items: OpsItems) -> cloudwatch.IAlarmAction:
    from aws_cdk import aws_cloudwatch_actions as actions  # noqa: PLC0415 - the same

    # CDK's enums name their members as the words are spelt.
    severity = list(actions.OpsItemSeverity)[(items.severity or FALLBACK_SEVERITY) - 1]
    return actions.SsmAction(severity, actions.OpsItemCategory[items.category.upper()])


def _without_the_smoke_test(function_name: str) -> cloudwatch.MathExpression:
    # A smoke test that fails is the deployment's to report, so its alias is taken out of the function's sum.
    quiet = {"Resource": f"{function_name}:{SMOKE_TEST}"}
    metrics: dict[str, cloudwatch.IMetric] = {}
    for name, metric_name in _LOST.items():
        for variable, extra in ((name, {}), (f"{name}_quiet", quiet)):
            metrics[variable] = cloudwatch.Metric(
                namespace="AWS/Lambda",
                metric_name=metric_name,
                dimensions_map={"FunctionName": function_name, **extra},
                statistic="Sum",
                period=whole_seconds(_PERIOD_S),
            )
    terms = [f"FILL({name}, 0) - FILL({name}_quiet, 0)" for name in _LOST]
    return cloudwatch.MathExpression(
        expression=" + ".join(terms),
        using_metrics=metrics,
        period=whole_seconds(_PERIOD_S),
        label="Lost or throttled",
    )
