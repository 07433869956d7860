"""Which Region is asked: the own one, and others while it does not answer."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Generic, TypeVar

from incidents_runtime.calls import spend
from incidents_runtime.destinations import ServiceError
from incidents_runtime.telemetry import log

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from incidents_runtime.clock import Clock, Deadline

# So long a warm function asks a Region last that has just failed.
_SHUNNED_FOR = timedelta(minutes=1)

Client = TypeVar("Client")
Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Regions(Generic[Client]):
    """A service's clients, one a Region, made when they are needed."""

    own: str
    client_in: Callable[[str], Client]
    clock: Clock
    _failed: dict[str, datetime] = field(default_factory=dict)

    def in_order(self, others: tuple[str, ...]) -> list[str]:
        """Give the Regions in the order to ask them in.

        Parameters
        ----------
        others
            Those beside the own one, the nearest first.

        Returns
        -------
        list of str
            The own one and the others; those that failed within the last minute at the end, the one that
            failed first before the others.
        """
        now = self.clock.now()
        known = list(dict.fromkeys((self.own, *others)))
        failed = {region: at for region, at in self._failed.items() if now < at + _SHUNNED_FOR}
        well = [region for region in known if region not in failed]
        return [*well, *sorted((region for region in known if region in failed), key=failed.__getitem__)]

    def failed(self, region: str, error: ServiceError) -> None:
        """Remember that a Region did not answer."""
        log("WARNING", "a Region does not answer", region=region, reason=str(error))
        self._failed[region] = self.clock.now()

    def ask(
        self, others: tuple[str, ...], deadline: Deadline, question: Callable[[Client], Answer]
    ) -> Answer:
        """Ask the Regions in turn until one answers.

        Parameters
        ----------
        others
            Those beside the own one, the nearest first.
        deadline
            When the function must have answered.
        question
            Makes a call.

        Returns
        -------
        Answer
            What it gave.

        Raises
        ------
        ServiceError
            What the own Region said, or there was no time to ask it: another one's refusal says only that
            it cannot help.
        """
        told: dict[str, ServiceError] = {}
        for region in self.in_order(others):
            spend(deadline, f"ask {region}")
            try:
                return question(self.client_in(region))
            except ServiceError as error:
                if error.is_of_region:
                    self.failed(region, error)
                elif region == self.own:
                    raise
                told[region] = error
        raise told[self.own]
