"""Faults on demand: the next calls of an operation fail as asked for, or now and then by a seed."""

from __future__ import annotations

import random
from dataclasses import dataclass

RESET = "reset"  # the connection breaks before the work is done
LOST = "lost"  # the work is done, then the connection breaks
TIMEOUT = "timeout"  # nothing is done, and the answer does not come for long
SLOW = "slow"  # the work is done, and the answer is late
TRANSPORT = (RESET, LOST, TIMEOUT, SLOW)
# What every service answers to credentials that it does not take; no model has them.
CREDENTIALS = ("ExpiredTokenException", "UnrecognizedClientException")
# How long it takes: a time-out longer than botocore's own patience.
_AFTER_S = {TIMEOUT: 65.0, SLOW: 2.0}


@dataclass
class Fault:
    """One thing to go wrong, so many times or until it is taken back, in one Region or in all.

    Attributes
    ----------
    operation
        the operation, or the service whose operations all fail
    """

    operation: str
    error: str
    times: int | None = 1
    after_s: float | None = None
    region: str = ""

    @property
    def wait_s(self) -> float:
        """How long it takes."""
        return _AFTER_S.get(self.error, 0.0) if self.after_s is None else self.after_s


class Faults:
    """The faults that are still to come."""

    def __init__(self) -> None:
        self._pending: list[Fault] = []
        self._seeded: dict[str, tuple[random.Random, float, list[str]]] = {}

    def add(self, fault: Fault) -> None:
        """Let an operation fail."""
        self._pending.append(fault)

    def seed(self, operation: str, seed: int, probability: float, errors: list[str]) -> None:
        """Let a part of an operation's calls fail, always the same ones for a seed, each as drawn."""
        # No secret: the same seed is to give the same faults.
        self._seeded[operation] = random.Random(f"{seed} {operation}"), probability, errors  # noqa: S311

    def clear(self) -> None:
        """Let everything work again."""
        self._pending.clear()
        self._seeded.clear()

    def take(self, operation: str, region: str = "", service: str = "") -> Fault | None:
        """Use up the first fault that an operation has in a Region, or draw one."""
        for fault in self._pending:
            if fault.operation in (operation, service) and fault.region in ("", region):
                if fault.times is not None:
                    fault.times -= 1
                    if fault.times <= 0:
                        self._pending.remove(fault)
                return fault
        if operation in self._seeded:
            drawn, probability, errors = self._seeded[operation]
            if drawn.random() < probability:
                return Fault(operation, drawn.choice(errors))
        return None

    def pending(self) -> list[Fault]:
        """Tell what is still to come."""
        return list(self._pending)
