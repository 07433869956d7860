"""The services that keep incidents, over boto3: each client is made when it is needed, and stays."""

from __future__ import annotations

from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any

import boto3

from incidents_runtime.calls import CONFIG
from incidents_runtime.destinations import Destinations
from incidents_runtime.incidents import Incidents
from incidents_runtime.ops_items import OpsItems
from incidents_runtime.regions import Regions
from incidents_runtime.topics import Topics

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

    @cache
    def incident_manager(region: str) -> Any:
        return boto3.client("ssm-incidents", region_name=region, config=CONFIG)

    others = tuple(dict.fromkeys(region for route in routes for region in route.regions))
    return Destinations(
        incidents=Incidents(Regions(own_region, incident_manager, clock), clock, others),
        ops_items=OpsItems(lru_cache(maxsize=1)(lambda: boto3.client("ssm", config=CONFIG)), clock),
        topics=Topics(lru_cache(maxsize=1)(lambda: boto3.client("sns", config=CONFIG)), clock),
    )
