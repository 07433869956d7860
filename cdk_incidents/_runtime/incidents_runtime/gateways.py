"""The services that keep incidents, over their clients: each is loaded when a route leads to it."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from incidents_runtime.calls import CONFIG
from incidents_runtime.clients import OnDemand, client
from incidents_runtime.destinations import Destinations
from incidents_runtime.incidents import Incidents
from incidents_runtime.regions import Regions

if TYPE_CHECKING:
    from collections.abc import Iterable

    from incidents_runtime.clock import Clock
    from incidents_runtime.settings import Route


def destinations(routes: Iterable[Route], own_region: str, clock: Clock) -> Destinations:
    """Make what routes lead to.

    Parameters
    ----------
    routes
        Every route, since a record is asked for wherever any of them may have started it.
    own_region
        The function's Region.
    clock
        The time.

    Returns
    -------
    Destinations
        The services. No client is made yet.
    """

    def incident_manager(region: str) -> Any:
        return client("ssm-incidents", CONFIG, region)

    def ops_items() -> Any:
        from incidents_runtime.ops_items import OpsItems  # noqa: PLC0415 - most triggers have none

        return OpsItems(partial(client, "ssm", CONFIG), clock)

    def topics() -> Any:
        from incidents_runtime.topics import Topics  # noqa: PLC0415 - the same

        return Topics(partial(client, "sns", CONFIG), clock)

    others = tuple(dict.fromkeys(region for route in routes for region in route.regions))
    return Destinations(
        incidents=Incidents(Regions(own_region, incident_manager, clock), clock, others),
        ops_items=OnDemand(ops_items),
        topics=OnDemand(topics),
    )
