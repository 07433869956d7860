"""What a smoke test talks to AWS through: calls that are asked again, and that never outlast the function."""

from __future__ import annotations

import dataclasses
import functools
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config

from incidents_runtime.errors import kind_of
from incidents_runtime.smoke_test import clock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# One attempt each: what is asked again is decided here, by the time that is left.
CONFIG = Config(connect_timeout=2, read_timeout=4, retries={"mode": "standard", "total_max_attempts": 1})
ONE_CALL_S = 6.0
"""The longest that one attempt can take."""

_TRIES = 4
_TOKENS = ("nextToken", "NextToken")
SERVICES = {
    "cloudwatch": "cloudwatch",
    "incidents": "ssm-incidents",
    "contacts": "ssm-contacts",
    "ssm": "ssm",
    "sns": "sns",
    "functions": "lambda",
    "logs": "logs",
    "cloudformation": "cloudformation",
    "iam": "iam",
}


@dataclasses.dataclass(frozen=True)
class Clients:
    """The clients, passed in, and the Region that they ask."""

    cloudwatch: Any
    incidents: Any
    contacts: Any
    ssm: Any
    sns: Any
    functions: Any
    logs: Any
    cloudformation: Any
    region: str = ""
    iam: Any = None

    @classmethod
    def default(cls, region: str) -> Clients:
        """Give clients of a Region, with time-outs that leave room to answer."""
        clients: dict[str, Any] = {name: _WhenAsked(service, region) for name, service in SERVICES.items()}
        return cls(**clients, region=region)

    def until(self, limit: float, *, patient_until: float = 0.0) -> Clients:
        """Give the same clients, which begin no call after a time of the monotonic clock.

        All that the test asks may be asked twice without harm, so they ask again what may pass: throttling, a
        lost answer, and a denial, since the role may be seconds old.

        Parameters
        ----------
        limit
            When no call begins any more.
        patient_until
            How long a denial and throttling are asked again whatever the number of tries: a new role, or new
            rights of an old one, may take IAM a minute.
        """
        clients: dict[str, Any] = {
            name: _InTime(getattr(self, name), limit, patient_until) for name in SERVICES
        }
        return Clients(**clients, region=self.region)


class _WhenAsked:
    """A client that is made with the first question: most runs need few of them."""

    def __init__(self, service: str, region: str) -> None:
        self._service = service
        self._region = region

    @functools.cached_property
    def _client(self) -> Any:
        return boto3.client(self._service, region_name=self._region, config=CONFIG)

    def __getattr__(self, operation: str) -> Any:
        return getattr(self._client, operation)


class _InTime:
    def __init__(self, client: Any, limit: float, patient_until: float) -> None:
        self._client = client
        self._limits = (limit, patient_until)

    def __getattr__(self, operation: str) -> Callable[..., Any]:
        return functools.partial(_patiently, getattr(self._client, operation), self._limits)


def _patiently(operation: Callable[..., Any], limits: tuple[float, float], **arguments: Any) -> Any:
    limit, patient_until = limits
    tries = 0
    while True:
        if clock.monotonic() > limit:
            raise TimeoutError("no time is left to ask AWS")
        tries += 1
        try:
            return operation(**arguments)
        except Exception as error:
            kind = kind_of(error)
            hopeless = kind in ("permanent", "not_found")
            waits = kind in ("access", "retry") and clock.monotonic() < patient_until
            pause = min(tries, _TRIES)
            if hopeless or (tries >= _TRIES and not waits) or clock.monotonic() + pause > limit:
                raise
        clock.sleep(pause)


def every_page(operation: Callable[..., dict[str, Any]], **arguments: Any) -> Iterator[dict[str, Any]]:
    """Ask page by page, so that each page is a call that there must be time for.

    Parameters
    ----------
    operation
        An operation that pages by ``nextToken``, or ``NextToken`` as some services have it.
    **arguments
        Its arguments.

    Yields
    ------
    dict
        The pages.
    """
    page = operation(**arguments)
    yield page
    while more := {name: page[name] for name in _TOKENS if page.get(name)}:
        page = operation(**arguments, **more)
        yield page
