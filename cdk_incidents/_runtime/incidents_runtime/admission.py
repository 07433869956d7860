"""Admit: one open incident a key, and when in doubt two rather than none."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from incidents_runtime.opened import Opened
from incidents_runtime.outcome import Outcome

if TYPE_CHECKING:
    from collections.abc import Callable

    from incidents_runtime.budget import Budget
    from incidents_runtime.clock import Clock, Deadline
    from incidents_runtime.destinations import Destinations
    from incidents_runtime.ledger import Ledger
    from incidents_runtime.settings import Route
    from incidents_runtime.signal_model import Signal
    from incidents_runtime.suppression import Hold

__all__ = ["Admission", "Outcome"]


@dataclass(frozen=True)
class Admission:
    """Decides for each signal whether it starts an incident, joins one or resolves one."""

    ledger: Ledger
    destinations: Destinations
    clock: Clock
    budget: Budget
    held: Callable[[Signal, Route], Hold | None] = lambda _signal, _route: None
    """Says what holds back an incident that is about to be started."""
    standing: Callable[[Signal], bool | None] = lambda _signal: None
    """Says whether the cause of a signal that was held still stands; None if nobody knows."""

    def admit(self, signal: Signal, route: Route, started_by: str, deadline: Deadline) -> Outcome:
        """Bring a signal to its incident.

        Parameters
        ----------
        signal
            What happened.
        route
            Where it goes and how.
        started_by
            The ARN of the route's alias.
        deadline
            When the function must have answered.

        Returns
        -------
        Outcome
            What became of it.

        Raises
        ------
        RetryLater
            Nothing is decided; the same signal must come again.
        ServiceError
            The service did not start or resolve the incident.
        """
        if signal.transition == "ignored":
            # What another alarm silences tells again by itself when that ends: nothing is held.
            return Outcome("suppressed" if signal.suppressed_by else "ignored", reason=signal.reason)
        if signal.transition == "opened":
            return Opened(self, signal, route, started_by, deadline).outcome()
        from incidents_runtime.recovered import Recovered  # noqa: PLC0415 - an alarm waits for nothing

        return Recovered(self, signal, route, started_by, deadline).outcome()
