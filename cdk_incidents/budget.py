"""The budget: how many of a plan's 200 incidents a month its repeated causes may use up."""

from __future__ import annotations

import dataclasses

from cdk_incidents._checks import check_range, is_token, refusal

_MOST_A_MONTH = 200


@dataclasses.dataclass(frozen=True, kw_only=True)
class IncidentBudget:
    """How many incidents of each plan and calendar month (UTC) a trigger's repeats may use up.

    The service opens 200 incidents of a response plan a month; then real ones fail until the next. A cause
    that is seen for the first time in a month is always tried; one that comes again is not once a limit is
    reached: it goes to the fallback and the dead-letter queue. OpsItems and topics have no budget.

    Parameters
    ----------
    ceiling
        Of how many incidents of a plan on causes no longer open new ones when they repeat: 1 to 200. The
        rest is left to new causes, the smoke tests and everybody else. By default 150.
    per_cause
        How many incidents one cause may open in a month: 1 to 200. By default 20.

    Raises
    ------
    ValueError
        If a limit is out of its range.

    Notes
    -----
    An alarm of the trigger's health warns at 80 percent of either.
    https://docs.aws.amazon.com/general/latest/gr/incident-manager.html
    """

    ceiling: int = 150
    per_cause: int = 20

    def __post_init__(self) -> None:
        for argument, value in (("ceiling", self.ceiling), ("per_cause", self.per_cause)):
            if is_token(value):
                raise refusal(argument, "known at synth", value, "write it out.")
            remedy = "a plan opens 200 incidents a month."
            if value is None:
                # Elsewhere that is what leaving an argument out means.
                raise refusal(argument, f"a whole number from 1 to {_MOST_A_MONTH}", value, remedy)
            check_range(argument, value, minimum=1, maximum=_MOST_A_MONTH, remedy=remedy)
