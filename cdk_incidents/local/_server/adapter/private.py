"""The modules whose private names are used, and the way to put something in a private name's place."""

from __future__ import annotations

import functools
import importlib
import importlib.metadata
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

VERSION = "1.5.33"


def check_version() -> str:
    """Tell what is wrong with the installed ministack; empty if nothing is."""
    try:
        installed = importlib.metadata.version("ministack")
    except importlib.metadata.PackageNotFoundError:
        return f"ministack is not installed; install cdk_incidents[local], which brings {VERSION}"
    if installed == VERSION:
        return ""
    return (
        f"ministack must be {VERSION} (got {installed}): its private names are used."
        f" Install ministack=={VERSION}; to move to {installed}, make tests/local/server/test_adapter.py pass"
        " with it, and change VERSION in _server/adapter/private.py and the pin in pyproject.toml"
    )


class _Module:
    """A module that is imported as it is first used: ministack reads the environment then."""

    def __init__(self, name: str) -> None:
        vars(self)["_name"] = name

    def __getattr__(self, name: str) -> Any:
        return getattr(importlib.import_module(self._name), name)

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(importlib.import_module(self._name), name, value)


# The contract test reads from these names which private ones a file uses: name.private_name.
app: Any = _Module("ministack.app")
arns: Any = _Module("ministack.core.arn")
bridge: Any = _Module("ministack.services.eventbridge")
server_config: Any = _Module("hypercorn.config")
custom_resource: Any = _Module("ministack.services.cloudformation.custom_resource")
dynamodb: Any = _Module("ministack.services.dynamodb")
evaluator: Any = _Module("ministack.core.iam_evaluator")
iam: Any = _Module("ministack.services.iam")
iam_actions: Any = _Module("ministack.core.iam_actions")
kms: Any = _Module("ministack.services.kms")
lambdas: Any = _Module("ministack.services.lambda_svc")
logs: Any = _Module("ministack.services.cloudwatch_logs")
provisioners: Any = _Module("ministack.services.cloudformation.provisioners")
queues: Any = _Module("ministack.services.sqs")
responses: Any = _Module("ministack.core.responses")
router: Any = _Module("ministack.core.router")
scheduler: Any = _Module("ministack.services.scheduler")
server: Any = _Module("hypercorn.asyncio")
server_run: Any = _Module("hypercorn.asyncio.run")
stacks: Any = _Module("ministack.services.cloudformation.stacks")
topics: Any = _Module("ministack.services.sns")
watch: Any = _Module("ministack.services.cloudwatch")


def replaces(place: Any, name: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Put a function where another is, in a module or a table; it gets that one before its arguments."""

    def put(function: Callable[..., Any]) -> Callable[..., Any]:
        table = place if isinstance(place, dict) else vars(importlib.import_module(place._name))
        table[name] = functools.partial(function, table[name])
        return function

    return put
