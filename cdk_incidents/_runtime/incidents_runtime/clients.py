"""Clients of AWS's services: each is made when it is needed, and stays.

They are botocore's own: boto3 would load its resources and its transfers of S3 beside them, a tenth of a cold
start, and nothing that the trigger asks for.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from botocore.loaders import Loader
from botocore.session import Session

from incidents_runtime.errors import describe
from incidents_runtime.telemetry import log

if TYPE_CHECKING:
    from collections.abc import Callable

    from botocore.config import Config


class _Models(Loader):  # type: ignore[misc] # botocore tells no types
    """botocore's models, without two looks that take as long as a client: at all services and endpoints."""

    def list_available_services(self, *_: object, **__: object) -> list[str]:
        return ["cloudwatch", "dynamodb", "sns", "sqs", "ssm", "ssm-incidents"]

    def load_data_with_path(self, name: str) -> tuple[Any, str]:
        if name != "endpoints":
            told: tuple[Any, str] = super().load_data_with_path(name)
            return told
        # Where a service is, its own rules say.
        return {"version": 3, "partitions": []}, str(Path(self.BUILTIN_DATA_PATH, "endpoints.json"))


@cache
def _quick() -> Session:
    # One for all: what it has loaded for a client, the next one has.
    session = Session()
    session.register_component("data_loader", _Models())
    return session


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
    try:
        return _quick().create_client(service, region_name=region, config=config)
    except Exception as error:  # noqa: BLE001 - the botocore of Lambda is of its own time
        log("WARNING", "a client is made in the long way", service=service, reason=describe(error))
        return Session().create_client(service, region_name=region, config=config)


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
