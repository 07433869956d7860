"""The look, without side effect, at what matters to people: each check is a file of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from incidents_runtime.errors import describe
from incidents_runtime.smoke_test import preflight_replication_set
from incidents_runtime.smoke_test.findings import Finding

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from incidents_runtime.smoke_test.clients import Clients
    from incidents_runtime.smoke_test.settings import Settings

    _Check = Callable[[Settings, Clients], Iterator[Finding]]

_CHECKS: tuple[_Check, ...] = (preflight_replication_set.look,)


def preflight(settings: Settings, clients: Clients) -> list[Finding]:
    """Return all that is not as it should be. A check that AWS does not answer is a finding, too.

    Parameters
    ----------
    settings
        What to look at.
    clients
        What to ask; every call must be without side effect.
    """
    return [finding for check in _CHECKS for finding in _looked(check, settings, clients)]


def _looked(check: _Check, settings: Settings, clients: Clients) -> Iterator[Finding]:
    try:
        yield from check(settings, clients)
    except Exception as error:  # noqa: BLE001 - the next check may tell more
        name = check.__module__.rpartition(".")[2].replace("_", " ")
        yield Finding(
            "not-looked",
            "",
            f"the {name} could not be made: {describe(error)}",
            "let the smoke test's function ask this.",
        )
