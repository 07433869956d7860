"""Clients of AWS's services: each is made when it is needed, and stays.

They are botocore's own: boto3 would load its resources and its transfers of S3 beside them, a tenth of a cold
start, and nothing that the trigger asks for.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from botocore.session import Session

if TYPE_CHECKING:
    from collections.abc import Callable

    from botocore.config import Config


@cache
def _session() -> Session:
    # One for all: what it has loaded for a client, the next one has.
    return Session()


@cache
def client(service: str, config: Config, region: str | None = None) -> Any:
    """Give the client of a service, the same one each time.

    Parameters
    ----------
    service
        Its name, such as ``dynamodb``.
    config
        How long it waits, and how often it tries.
    region
        Where; by default in the function's own Region.
    """
    return _session().create_client(service, region_name=region, config=config)


class OnDemand:
    """Stands for something until it is first asked for anything, and then asks it.

    Parameters
    ----------
    make
        Makes it.
    """

    def __init__(self, make: Callable[[], Any]) -> None:
        self._make = cache(make)

    def __getattr__(self, name: str) -> Any:
        """Give what the thing itself has."""
        return getattr(self._make(), name)
