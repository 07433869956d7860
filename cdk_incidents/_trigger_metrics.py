"""What a trigger counts, by its name alone: owned and imported triggers cannot drift."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import aws_cloudwatch as cloudwatch

from cdk_incidents._names import METRIC_NAMESPACE

if TYPE_CHECKING:
    from aws_cdk import Duration


class TriggerMetrics:
    """The figures that a trigger's function writes; a smoke test's signals are in none of them."""

    @property
    def trigger_name(self) -> str:
        """The name of the trigger, which is its function's."""
        raise NotImplementedError

    def metric(
        self,
        metric_name: str,
        *,
        route: str | None = None,
        statistic: str | None = None,
        period: Duration | None = None,
    ) -> cloudwatch.Metric:
        """Return a metric that the trigger writes.

        Parameters
        ----------
        metric_name
            ``Started``, ``Joined``, ``Resolved``, ``Ignored``, ``Suppressed``, ``Retried``, ``Failed``,
            ``OverBudget``, ``BudgetUsed`` or ``TimeToStart``.
        route
            The id of a route, to count its signals only. By default all.
        statistic
            By default the average.
        period
            By default five minutes.
        """
        dimensions = {"Trigger": self.trigger_name}
        if route is not None:
            dimensions["Route"] = route
        return cloudwatch.Metric(
            namespace=METRIC_NAMESPACE,
            metric_name=metric_name,
            dimensions_map=dimensions,
            statistic=statistic,
            period=period,
        )

    def metric_started(
        self, *, route: str | None = None, period: Duration | None = None
    ) -> cloudwatch.Metric:
        """Return how many signals started an incident (sum); the arguments are those of `metric`."""
        return self.metric("Started", route=route, statistic="Sum", period=period)

    def metric_joined(self, *, route: str | None = None, period: Duration | None = None) -> cloudwatch.Metric:
        """Return how many signals joined an open incident (sum); the arguments are those of `metric`."""
        return self.metric("Joined", route=route, statistic="Sum", period=period)

    def metric_resolved(
        self, *, route: str | None = None, period: Duration | None = None
    ) -> cloudwatch.Metric:
        """Return how many incidents a recovery resolved (sum); the arguments are those of `metric`."""
        return self.metric("Resolved", route=route, statistic="Sum", period=period)

    def metric_ignored(
        self, *, route: str | None = None, period: Duration | None = None
    ) -> cloudwatch.Metric:
        """Return how many signals meant nothing to do (sum); the arguments are those of `metric`."""
        return self.metric("Ignored", route=route, statistic="Sum", period=period)

    def metric_suppressed(
        self, *, route: str | None = None, period: Duration | None = None
    ) -> cloudwatch.Metric:
        """Return how many signals a suppression held back (sum); the arguments are those of `metric`."""
        return self.metric("Suppressed", route=route, statistic="Sum", period=period)

    def metric_retried(
        self, *, route: str | None = None, period: Duration | None = None
    ) -> cloudwatch.Metric:
        """Return how many tries failed and come again (sum); the arguments are those of `metric`."""
        return self.metric("Retried", route=route, statistic="Sum", period=period)

    def metric_over_budget(
        self, *, route: str | None = None, period: Duration | None = None
    ) -> cloudwatch.Metric:
        """Return how many repeats the budget kept from opening one more incident (sum).

        The arguments are those of `metric`. They are among those that failed.
        """
        return self.metric("OverBudget", route=route, statistic="Sum", period=period)

    def metric_budget_used(
        self, *, route: str | None = None, period: Duration | None = None
    ) -> cloudwatch.Metric:
        """Return the percentage of the nearest limit of the budget that is used (maximum).

        The arguments are those of `metric`. Only an incident that starts tells it.
        """
        return self.metric("BudgetUsed", route=route, statistic="Maximum", period=period)

    def metric_failed(self, *, route: str | None = None, period: Duration | None = None) -> cloudwatch.Metric:
        """Return how many signals were given up (sum); the arguments are those of `metric`."""
        return self.metric("Failed", route=route, statistic="Sum", period=period)

    def metric_time_to_start(
        self, *, route: str | None = None, statistic: str | None = None, period: Duration | None = None
    ) -> cloudwatch.Metric:
        """Return the milliseconds from signal to incident (average); the arguments are those of `metric`."""
        return self.metric("TimeToStart", route=route, statistic=statistic, period=period)
