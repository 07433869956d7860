"""A dashboard of incidents: a row for each response plan, a row for each trigger."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

from cdk_incidents._arn import same_deployment
from cdk_incidents._checks import check_length, check_pattern, refusal
from cdk_incidents._plans import check_plan

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aws_cdk.interfaces.aws_ssmincidents import IResponsePlanRef

    from cdk_incidents.response_plan import IResponsePlan
    from cdk_incidents.trigger import IIncidentTrigger

_WIDTH = 24
_MOST_A_MONTH = 200
# The service's own role may publish to one of the two, the console shows the other.
_OTHER_NAMESPACE = "IncidentManager"
# CloudWatch's own palette, which CDK gives by round trips.
_BLUE, _GREEN, _GREY, _ORANGE, _RED = "#1f77b4", "#2ca02c", "#7f7f7f", "#ff7f0e", "#d62728"


class IncidentDashboard(Construct):
    """What became of incidents, and how fast, on one CloudWatch dashboard.

    A row for each plan: incidents opened and resolved, the time to acknowledge and to resolve them, and how
    much of the 200 incidents a month is spent. A row for each trigger: signals that started, joined or
    resolved an incident, were ignored, suppressed or failed, the time to start, the retry queue and the dead
    letters.

    Parameters
    ----------
    scope, id
        Where the dashboard lives in the app.
    plans
        Response plans, owned, imported or L1. By default none.
    triggers
        Triggers. Of an imported one, or one of another stack, the function's figures without the queues'. By
        default none.
    dashboard_name
        1 to 255 letters, digits, hyphens and underscores. By default CloudFormation makes one.
    default_interval
        How far back the dashboard looks until somebody says otherwise. By default a week.

    Raises
    ------
    ValueError
        If it would show nothing, or the name is none.

    Notes
    -----
    The service's role and its console name the metrics' namespace differently, ``AWS/IncidentManager`` and
    ``IncidentManager``; each graph asks for both, and one of the two lines stays empty.
    https://docs.aws.amazon.com/incident-manager/latest/userguide/monitoring-cloudwatch-metrics.html
    """

    def __init__(
        self,
        scope: Construct,
        id: str,  # noqa: A002 - CDK's own word
        *,
        plans: Sequence[IResponsePlanRef] = (),
        triggers: Sequence[IIncidentTrigger] = (),
        dashboard_name: str | None = None,
        default_interval: Duration | None = None,
    ) -> None:
        super().__init__(scope, id)
        if not plans and not triggers:
            raise refusal("plans and triggers", "one or more together", "none", "pass what it should show.")
        for plan in plans:
            check_plan("plans", plan)
        check_length("dashboard_name", dashboard_name, maximum=255)
        check_pattern(
            "dashboard_name",
            dashboard_name,
            pattern="[a-zA-Z0-9_-]+",
            rule="letters, digits, hyphens and underscores",
            remedy="leave it out to have one made.",
        )
        self.dashboard: cloudwatch.Dashboard = cloudwatch.Dashboard(
            self,
            "Dashboard",
            dashboard_name=dashboard_name,
            default_interval=default_interval or Duration.days(7),
        )
        """CDK's own dashboard, for further widgets."""
        for number, plan in enumerate(plans):
            self.dashboard.add_widgets(*_row_of_plan(self._with_metrics(plan, number)))
        for trigger in triggers:
            self.dashboard.add_widgets(*_row_of_trigger(trigger, self))

    def _with_metrics(self, plan: IResponsePlanRef, number: int) -> IResponsePlan:
        if hasattr(plan, "metric_incidents_created"):
            return plan  # type: ignore[return-value]
        from aws_cdk import aws_ssmincidents as ssmincidents  # noqa: PLC0415 - plans of ours have metrics

        from cdk_incidents.response_plan import ResponsePlan  # noqa: PLC0415 - the same

        # Any of CDK's references to a plan: its metrics are known by its name.
        if isinstance(plan, ssmincidents.CfnResponsePlan):
            return ResponsePlan.from_response_plan_name(self, f"Plan{number}", plan.name)
        arn = plan.response_plan_ref.response_plan_arn
        return ResponsePlan.from_response_plan_arn(self, f"Plan{number}", arn)


def _row_of_plan(plan: IResponsePlan) -> list[cloudwatch.IWidget]:
    name = plan.response_plan_name
    hour = Duration.hours(1)
    opened = plan.metric("NumberOfCreateIncidents", statistic="Sum", period=hour)
    resolved = plan.metric("NumberOfResolveIncidents", statistic="Sum", period=hour)
    by_day = plan.metric("NumberOfCreateIncidents", statistic="Sum", period=Duration.days(1))
    return [
        _graph(
            f"{name}: incidents",
            *_lines(opened, "opened", _RED),
            *_lines(resolved, "resolved", _GREEN),
        ),
        _graph(
            f"{name}: seconds to acknowledge and to resolve",
            *_lines(plan.metric("TimeToFirstAcknowledgement", period=hour), "to acknowledge", _ORANGE),
            *_lines(plan.metric("TimeToResolveIncident", period=hour), "to resolve", _BLUE),
        ),
        _graph(
            f"{name}: opened in 30 days, of {_MOST_A_MONTH} a month",
            *(_running_sum(metric) for metric in _lines(by_day, "opened", _RED)),
            start="-P30D",
            limit=_MOST_A_MONTH,
        ),
    ]


def _row_of_trigger(trigger: IIncidentTrigger, user: Construct) -> list[cloudwatch.IWidget]:
    name = trigger.trigger_name

    def sum_of(metric_name: str, color: str) -> cloudwatch.Metric:
        return trigger.metric(metric_name, statistic="Sum").with_(label=metric_name.lower(), color=color)

    def time(statistic: str) -> cloudwatch.Metric:
        return trigger.metric("TimeToStart", statistic=statistic).with_(label=statistic)

    row: list[cloudwatch.IWidget] = [
        _graph(
            f"{name}: signals that",
            sum_of("Started", _RED),
            sum_of("Joined", _ORANGE),
            sum_of("Resolved", _GREEN),
            of=4,
        ),
        _graph(
            f"{name}: signals",
            sum_of("Ignored", _GREY),
            sum_of("Suppressed", _BLUE),
            sum_of("Failed", _RED),
            of=4,
        ),
        _graph(f"{name}: milliseconds to start an incident", time("p50"), time("p99"), of=4),
    ]
    from cdk_incidents.trigger import IncidentTrigger  # noqa: PLC0415 - who has a trigger has loaded it

    # Another stack's queues would take exports, which block later changes there.
    if isinstance(trigger, IncidentTrigger) and same_deployment(trigger, user):
        row.append(
            _graph(
                f"{name}: retries and dead letters",
                trigger.metric_retrying().with_(label="being retried or held", color=_ORANGE),
                trigger.metric_dead_letters().with_(label="dead letters", color=_RED),
                age=trigger.metric_retry_queue_age().with_(label="oldest retry, seconds", color=_GREY),
                of=4,
            )
        )
    return row


def _graph(
    title: str,
    *metrics: cloudwatch.IMetric,
    of: int = 3,
    start: str | None = None,
    limit: int | None = None,
    age: cloudwatch.IMetric | None = None,
) -> cloudwatch.GraphWidget:
    annotations = [
        cloudwatch.HorizontalAnnotation(value=value, label="the service opens no more", color=_RED)
        for value in (limit,)
        if value is not None
    ]
    return cloudwatch.GraphWidget(
        title=title,
        width=_WIDTH // of,
        start=start,
        left=list(metrics),
        left_annotations=annotations,
        left_y_axis=cloudwatch.YAxisProps(min=0, show_units=False),
        right=None if age is None else [age],
    )


def _lines(metric: cloudwatch.Metric, label: str, color: str) -> list[cloudwatch.Metric]:
    """Return a metric of the service in both of the namespaces that it may be in."""
    other = cloudwatch.Metric(
        namespace=_OTHER_NAMESPACE,
        metric_name=metric.metric_name,
        dimensions_map={name: str(value) for name, value in (metric.dimensions or {}).items()},
        statistic=metric.statistic,
        period=metric.period,
        account=metric.account,
    )
    return [
        metric.with_(label=label, color=color),
        other.with_(label=f"{label} ({_OTHER_NAMESPACE})", color=color),
    ]


def _running_sum(metric: cloudwatch.Metric) -> cloudwatch.MathExpression:
    # A name of its own for each, since one graph knows one metric by a name.
    name = "opened" if metric.namespace != _OTHER_NAMESPACE else "opened_too"
    return cloudwatch.MathExpression(
        expression=f"RUNNING_SUM({name})",
        using_metrics={name: metric},
        period=metric.period,
        label=metric.label,
        color=metric.color,
    )
