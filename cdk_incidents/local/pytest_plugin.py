"""The pytest fixture `local_cloud`: registered with the package, costing nothing until a test asks for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, cast, get_args

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .cloud import LocalCloud

_Scope = Literal["session", "package", "module", "class", "function"]
_OPTION = "local_cloud_scope"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let a project choose how long a cloud lives."""
    parser.addini(
        _OPTION,
        "how long a cloud of local_cloud lives: session (default), package, module, class, function",
        default="session",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Refuse a scope that there is not in one line, before the fixture is made of it."""
    if (scope := config.getini(_OPTION)) not in get_args(_Scope):
        raise pytest.UsageError(f"{_OPTION} must be one of {', '.join(get_args(_Scope))} (got {scope!r})")


def _scope(fixture_name: str, config: pytest.Config) -> _Scope:  # noqa: ARG001 - pytest's signature
    return cast("_Scope", config.getini(_OPTION))


@pytest.fixture(scope=_scope)
def local_cloud() -> Iterator[LocalCloud]:
    """Give a running `cdk_incidents.local.LocalCloud`, one for the session; see `local_cloud_scope`."""
    from . import LocalCloud, LocalCloudError  # noqa: PLC0415 - nothing heavy before it is used

    try:
        cloud = LocalCloud().start()
    except LocalCloudError as error:
        pytest.fail(str(error), pytrace=False)
    try:
        yield cloud
    finally:
        cloud.close()
