"""What a smoke test may find, and what users may make of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, TypeAlias, get_args

from cdk_incidents._checks import refusal

Finding: TypeAlias = Literal[
    "alarm-actions-disabled",
    "channel-missing",
    "channel-not-activated",
    "contact-missing",
    "contact-without-channels",
    "nobody-on-call",
    "not-looked",
    "plan-differs",
    "plan-missing",
    "plan-reaches-nobody",
    "region-not-in-set",
    "replication-set-missing",
    "replication-set-not-active",
    "rota-gap",
    "route-destination",
    "route-permission",
    "runbook-missing",
    "runbook-parameters",
    "runbook-version-missing",
    "topic-missing",
    "topic-refuses",
    "trigger-permissions",
]
Severity: TypeAlias = Literal["error", "ignore", "warning"]


def check_severities(severities: object) -> None:
    """Refuse a finding that there is not, and a severity that means nothing."""
    if not isinstance(severities, Mapping):
        raise refusal("severities", "a dict", severities, 'e.g. {"rota-gap": "error"}.')
    for finding, severity in severities.items():
        if finding not in get_args(Finding):
            known = ", ".join(get_args(Finding))
            raise refusal("severities", "by the ids of findings", finding, f"there are {known}.")
        if severity not in get_args(Severity):
            raise refusal(
                f"severities: {finding}",
                "error, warning or ignore",
                severity,
                "leave it out for what the finding is by default.",
            )
