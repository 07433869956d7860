"""OpsItems in OpsCenter: where a team that leaves Incident Manager keeps what happened."""

from __future__ import annotations

import dataclasses

from cdk_incidents._checks import check_range, is_token, refusal

CATEGORIES = ("Availability", "Cost", "Performance", "Recovery", "Security")
"""Those of OpsCenter's console, and the only ones that CloudWatch's own OpsItems take."""
FALLBACK_SEVERITY = 2
"""A trigger that cannot start incidents hurts soon, if it does not yet."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class OpsItems:
    """Systems Manager OpsItems, as what a route opens or as what a trigger falls back to.

    An OpsItem pages nobody: let an EventBridge rule or a ticket system read OpsCenter. It is billed, and has
    no monthly limit as a response plan's incidents have.

    Parameters
    ----------
    severity
        1 (critical) to 4 (low). By default that of the route's impact: 1 to 4 as they are, 5 as 4; of a
        fallback, 2.
    priority
        1 (first) to 5: which to work on first. By default none.
    category
        ``Availability``, ``Cost``, ``Performance``, ``Recovery`` or ``Security``.

    Raises
    ------
    ValueError
        If a value is none of these.

    Notes
    -----
    https://docs.aws.amazon.com/systems-manager/latest/userguide/OpsCenter-manually-create-OpsItems.html
    """

    severity: int | None = None
    priority: int | None = None
    category: str = "Availability"

    def __post_init__(self) -> None:
        for argument, value in (
            ("severity", self.severity),
            ("priority", self.priority),
            ("category", self.category),
        ):
            # They become a line of the function's code, and part of an alarm's action.
            if value is not None and is_token(value):
                raise refusal(argument, "known at synth", value, "write it out.")
        check_range("severity", self.severity, minimum=1, maximum=4, remedy="1 is critical, 4 is low.")
        check_range("priority", self.priority, minimum=1, maximum=5, remedy="1 is worked on first.")
        if self.category not in CATEGORIES:
            raise refusal("category", f"one of {', '.join(CATEGORIES)}", self.category, "choose one.")


def check_ops_items(argument: str, value: object) -> None:
    """Refuse what is no `OpsItems`, above all the class itself."""
    if not isinstance(value, OpsItems):
        raise refusal(argument, "an OpsItems", value, "e.g. OpsItems(severity=2).")


def rendered(items: OpsItems) -> dict[str, str | int]:
    """Return what the function makes OpsItems with."""
    values = {
        "severity": None if items.severity is None else str(int(items.severity)),
        "priority": None if items.priority is None else int(items.priority),
        "category": items.category,
    }
    return {name: value for name, value in values.items() if value is not None}
