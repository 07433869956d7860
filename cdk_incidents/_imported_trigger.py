"""A trigger that another stack, app or account has, and its routes, by their names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from constructs import Construct

from cdk_incidents._checks import check_list, check_pattern, refusal
from cdk_incidents._names import check_trigger_name
from cdk_incidents._regions import check_region_name
from cdk_incidents._route_base import RouteBase
from cdk_incidents._route_settings import check_route_id
from cdk_incidents._trigger_metrics import TriggerMetrics

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aws_cdk import Duration
    from aws_cdk import aws_cloudwatch as cloudwatch


class ImportedTrigger(TriggerMetrics, Construct):
    """What `IncidentTrigger.from_trigger_attributes` returns."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        trigger_name: str,
        routes: Sequence[str],
        account: str | None,
        region: str | None,
    ) -> None:
        super().__init__(scope, construct_id)
        if not trigger_name:
            raise refusal("trigger_name", "the name of a trigger", trigger_name, "ask who has it.")
        check_trigger_name(trigger_name, remedy="copy it from the trigger, whose function has it.")
        check_list("routes", routes, str, "route ids")
        for route_id in routes:
            check_route_id(route_id)
        check_pattern(
            "account", account, pattern="[0-9]{12}", rule="12 digits", remedy="pass it as a text, zeros kept."
        )
        check_region_name("region", region)
        self._name = trigger_name
        self._account = account
        self._region = region
        self._routes = {
            route_id: ImportedRoute(
                Construct(self, route_id),
                route_id=route_id,
                trigger_name=trigger_name,
                account=account,
                region=region,
            )
            for route_id in dict.fromkeys(routes)
        }

    @property
    def trigger_name(self) -> str:
        """The name of the trigger, which is its function's."""
        return self._name

    def route(self, route_id: str) -> ImportedRoute:
        """Return a route by its id.

        Raises
        ------
        ValueError
            If it is not among those that were imported.
        """
        if route_id not in self._routes:
            known = ", ".join(sorted(self._routes)) or "none"
            raise refusal(
                "route_id",
                f"one of the routes imported here ({known})",
                route_id,
                "ask for it at the trigger's owners, and add it to routes=.",
            )
        return self._routes[route_id]

    def metric(
        self,
        metric_name: str,
        *,
        route: str | None = None,
        statistic: str | None = None,
        period: Duration | None = None,
    ) -> cloudwatch.Metric:
        """Return a metric that the trigger writes, in its own account and Region."""
        metric = super().metric(metric_name, route=route, statistic=statistic, period=period)
        return metric.with_(account=self._account, region=self._region)


class ImportedRoute(RouteBase):
    """A route that somebody else has made."""

    @property
    def auto_resolve(self) -> bool:
        """Whether alarms must tell of their recovery too: always, for the trigger knows what it means."""
        return True
