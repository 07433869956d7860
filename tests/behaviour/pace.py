"""The service's request rates, kept from this side.

https://docs.aws.amazon.com/general/latest/gr/incident-manager.html
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

# Less than half of what the service allows an account: a real incident starts meanwhile all the same.
WRITES_PER_SECOND = 2.0
_READS = ("Get", "List", "Describe", "CreateTimelineEvent")


@dataclass
class Pace:
    """Lets the calls of an operation come one after the other, never faster than its rate.

    Attributes
    ----------
    writes_per_second
        how many writes of one kind; twice as many reads, as the service has it. 0 is as fast as they come
    """

    writes_per_second: float
    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    _next: dict[str, float] = field(default_factory=dict)

    def keep(self, operation: str) -> None:
        """Wait until the operation may be called."""
        if not self.writes_per_second:
            return
        rate = self.writes_per_second * (2 if operation.startswith(_READS) else 1)
        wait = self._next.get(operation, 0.0) - self.now()
        if wait > 0:
            self.sleep(wait)
        self._next[operation] = self.now() + 1 / rate
