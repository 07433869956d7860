"""What a test says beside its rule: where the rule stands, and why it may not run everywhere."""

from __future__ import annotations

from typing import Any

import pytest

_REFERENCE = "https://docs.aws.amazon.com/incident-manager/latest/APIReference/API_"
_OPS_REFERENCE = "https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_"
_GUIDE = "https://docs.aws.amazon.com/incident-manager/latest/userguide/"
_PERMISSIONS = "https://docs.aws.amazon.com/service-authorization/latest/reference/list_"
_QUOTAS = "https://docs.aws.amazon.com/general/latest/gr/incident-manager.html"

# Why a test does not run against an account: said to a reader of the suite, and at the end of such a run.
CLOCK = "needs the moved clock"
MONTH = "would use the 200 incidents of a plan's month"
MINUTES = "would take minutes at the service's rates"
PAGES = "would page somebody: needs an activated channel"
REPLICATION_SET = "would change the account's replication set"
ORGANIZATION = "needs an account in an organisation, and a function"


def rule(source: str) -> pytest.MarkDecorator:
    """Name the page that a rule stands on."""
    return pytest.mark.rule(source)


def api(operation: str) -> pytest.MarkDecorator:
    """Name an operation's page of Incident Manager's API reference."""
    return rule(f"{_REFERENCE}{operation}.html")


def contacts_api(operation: str) -> pytest.MarkDecorator:
    """Name an operation's page of the contacts' API reference."""
    return rule(f"{_REFERENCE}SSMContacts_{operation}.html")


def ops_api(operation: str) -> pytest.MarkDecorator:
    """Name an operation's page of Systems Manager's API reference."""
    return rule(f"{_OPS_REFERENCE}{operation}.html")


def guide(page: str) -> pytest.MarkDecorator:
    """Name a page of Incident Manager's user guide."""
    return rule(f"{_GUIDE}{page}.html")


def permissions(service: str) -> pytest.MarkDecorator:
    """Name a service's page of the service authorization reference."""
    return rule(f"{_PERMISSIONS}{service}.html")


def quota() -> pytest.MarkDecorator:
    """Name the page of Incident Manager's quotas."""
    return rule(_QUOTAS)


def loopback_only(why: str) -> pytest.MarkDecorator:
    """Keep a test away from an account, and say why."""
    return pytest.mark.loopback_only(why)


# Runs wherever the replication set has two Regions.
two_regions = pytest.mark.two_regions


def unsettled(name: str, **here: Any) -> pytest.MarkDecorator:
    """Mark a test that observes what no document settles, and returns it.

    Parameters
    ----------
    name
        the field of `Assumptions`; or, with `here`, what it is about in words
    here
        what the loopback AWS does, where `Assumptions` has no field for it: `here="…"`
    """
    return pytest.mark.unsettled(name, **here)
