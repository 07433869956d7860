"""Faults on demand: the next calls of an operation fail as asked for."""

from __future__ import annotations

from dataclasses import dataclass

RESET = "reset"  # the connection breaks before the work is done
LOST = "lost"  # the work is done, then the connection breaks
TIMEOUT = "timeout"  # nothing is done, and the answer does not come for long
TRANSPORT = (RESET, LOST, TIMEOUT)


@dataclass
class Fault:
    """One thing to go wrong, so many times."""

    operation: str
    error: str
    times: int = 1
    after_s: float = 65.0  # how long a time-out lasts: longer than botocore's own patience


class Faults:
    """The faults that are still to come."""

    def __init__(self) -> None:
        self._pending: list[Fault] = []

    def add(self, fault: Fault) -> None:
        """Let an operation fail."""
        self._pending.append(fault)

    def clear(self) -> None:
        """Let everything work again."""
        self._pending.clear()

    def take(self, operation: str) -> Fault | None:
        """Use up the first fault that an operation has."""
        for fault in self._pending:
            if fault.operation == operation:
                fault.times -= 1
                if fault.times <= 0:
                    self._pending.remove(fault)
                return fault
        return None

    def pending(self) -> list[Fault]:
        """Tell what is still to come."""
        return list(self._pending)
