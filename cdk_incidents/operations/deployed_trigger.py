"""A trigger as it is deployed: its function says which table and queues are its own."""

from __future__ import annotations

import importlib.util
import os
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_OUR_OWN = frozenset({"retry", "smoke-test"})
_VARIABLES = {
    "ledger_table": "INCIDENTS_LEDGER_TABLE",
    "retry_queue_url": "INCIDENTS_RETRY_QUEUE_URL",
    "dead_letter_queue_url": "INCIDENTS_DEAD_LETTER_QUEUE_URL",
}


class OperationError(Exception):
    """What the operator can mend; the message says how."""


@dataclass(frozen=True)
class DeployedTrigger:
    """A trigger's own resources.

    Attributes
    ----------
    name
        as it was asked for: the function's name or ARN
    routes
        the ids of its routes, without our own aliases; sorted
    ledger_table, retry_queue_url, dead_letter_queue_url
        what the function was told
    client
        makes a client of a service, in the trigger's Region
    """

    name: str
    routes: tuple[str, ...]
    ledger_table: str
    retry_queue_url: str
    dead_letter_queue_url: str
    client: Callable[[str], Any]

    @classmethod
    def find(cls, name: str, *, region: str | None = None) -> DeployedTrigger:
        """Look a trigger up.

        Parameters
        ----------
        name
            the trigger's name, which is its function's, or the function's ARN
        region
            its Region; by default the one of the environment or the profile

        Raises
        ------
        OperationError
            if there is no such function, it is no trigger, or it may not be looked at

        Notes
        -----
        Needs `lambda:GetFunctionConfiguration` and `lambda:ListAliases` on the function.
        """
        client = _clients(region)
        with said_plainly("lambda"):
            functions = client("lambda")
            told = _configuration(functions, name, region)
            pages = functions.get_paginator("list_aliases").paginate(FunctionName=name)
            aliases = {alias["Name"] for page in pages for alias in page["Aliases"]}
        environment = told.get("Environment", {}).get("Variables", {})
        missing = [variable for variable in _VARIABLES.values() if not environment.get(variable)]
        if missing:
            raise OperationError(
                f"TRIGGER must be an incident trigger's name (got {name}, a function without {missing[0]})"
            )
        own = {field: environment[variable] for field, variable in _VARIABLES.items()}
        return cls(name=name, routes=tuple(sorted(aliases - _OUR_OWN)), client=client, **own)

    def check_route(self, route: str) -> None:
        """Refuse what is no route of this trigger.

        Raises
        ------
        OperationError
            if it has no such route
        """
        if route not in self.routes:
            known = ", ".join(self.routes) or "none"
            raise OperationError(f"--route must be one of {self.name}'s routes: {known} (got {route})")


def _configuration(functions: Any, name: str, region: str | None) -> dict[str, Any]:
    from botocore.exceptions import ClientError  # noqa: PLC0415 - only these commands need it

    try:
        told: dict[str, Any] = functions.get_function_configuration(FunctionName=name)
    except ClientError as error:
        if error.response["Error"]["Code"] != "ResourceNotFoundException":
            raise
        where = region or os.environ.get("AWS_REGION") or "the profile's Region"
        raise OperationError(
            f"TRIGGER must be an incident trigger's name (got {name}, no function in {where}): mend --region"
        ) from None
    return told


def _clients(region: str | None) -> Callable[[str], Any]:
    if importlib.util.find_spec("boto3") is None:
        raise OperationError("boto3 is missing: pip install 'cdk_incidents[local]'")
    import boto3  # noqa: PLC0415 - only these commands need it

    with said_plainly("the credentials"):
        # boto3 reads the other of the two only.
        session = boto3.Session(region_name=region or os.environ.get("AWS_REGION"))
    if session.region_name is None:
        raise OperationError("no Region is known: pass --region, or set AWS_REGION")

    def client(service: str) -> Any:
        return session.client(service)

    return client


@contextmanager
def said_plainly(whom: str) -> Iterator[None]:
    """Turn what AWS or the SDK refuses into one line.

    Parameters
    ----------
    whom
        who is asked

    Raises
    ------
    OperationError
        if the block raised an error of botocore's
    """
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 - only these commands need it

    try:
        yield
    except (BotoCoreError, ClientError) as error:
        raise OperationError(f"{whom}: {error}") from None
