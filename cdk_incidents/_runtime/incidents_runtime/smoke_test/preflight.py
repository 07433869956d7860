"""The look, without side effect, at what matters to people: each check is a file of its own."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from incidents_runtime.errors import describe
from incidents_runtime.smoke_test import (
    preflight_alarms,
    preflight_contacts,
    preflight_permissions,
    preflight_plans,
    preflight_replication_set,
    preflight_rota,
    preflight_routes,
    preflight_runbook,
    preflight_topics,
)
from incidents_runtime.smoke_test.findings import Finding
from incidents_runtime.smoke_test.preflight_answers import Answers, NotToldError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from incidents_runtime.smoke_test.clients import Clients
    from incidents_runtime.smoke_test.settings import Settings

    _Check = Callable[[Settings, Answers], Iterator[Finding]]

LONGEST_S = 60.0
"""After so long nothing more is asked; an account of a thousand people would take longer."""

# What takes the most questions comes last.
_CHECKS: tuple[_Check, ...] = (
    preflight_plans.look,
    preflight_permissions.look,
    preflight_topics.look,
    preflight_runbook.look,
    preflight_routes.look,
    preflight_alarms.look,
    preflight_rota.look,
    preflight_contacts.look,
)


def preflight(settings: Settings, clients: Clients, *, longest_s: float = LONGEST_S) -> list[Finding]:
    """Return all that is not as it should be. What AWS does not answer is a finding, too.

    Parameters
    ----------
    settings
        What to look at.
    clients
        What to ask; every call must be without side effect.
    longest_s
        After how many seconds nothing more is asked.
    """
    aws = Answers(clients, time.monotonic() + longest_s)
    # Without a replication set here the service knows nothing, and each plan would seem to be missing.
    found = list(_looked(preflight_replication_set.look, settings, aws))
    if all(finding.id == "not-looked" for finding in found):
        found += [finding for check in _CHECKS for finding in _looked(check, settings, aws)]
    return [*found, *aws.not_told()]


def _looked(check: _Check, settings: Settings, aws: Answers) -> Iterator[Finding]:
    try:
        yield from check(settings, aws)
    except NotToldError:
        return
    except Exception as error:  # noqa: BLE001 - the next check may tell more
        name = check.__module__.rpartition(".")[2].replace("_", " ")
        yield Finding(
            "not-looked",
            "",
            f"the {name} could not be made: {describe(error)}",
            "look yourself, and tell the makers of cdk-incidents.",
        )
