"""Time, passed in, so that tests need not wait."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable


class Clock(Protocol):
    """What the trigger asks of time."""

    def now(self) -> datetime:
        """Tell the time, with its zone."""

    def sleep(self, seconds: float) -> None:
        """Wait."""

    def jitter(self) -> float:
        """Give a number between 0 and 1 that differs from one function to the next."""


class SystemClock:
    """The real one."""

    def now(self) -> datetime:
        """Tell the time in UTC."""
        return datetime.now(timezone.utc)

    def sleep(self, seconds: float) -> None:
        """Wait."""
        time.sleep(seconds)

    def jitter(self) -> float:
        """Give a number between 0 and 1."""
        return random.random()  # noqa: S311 - it spreads retries, it guards nothing


@dataclass(frozen=True)
class Deadline:
    """When Lambda will end this invocation, whatever it is doing."""

    remaining_ms: Callable[[], int]
    patient: bool = False
    """Whether to wait for the turns of a service that throttles, as readers of the retry queue do."""

    def remaining_s(self) -> float:
        """Tell how long is left."""
        return self.remaining_ms() / 1000

    def allows(self, seconds: float) -> bool:
        """Say whether so much time is left."""
        return self.remaining_s() >= seconds
