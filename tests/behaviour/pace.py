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
_LOOKS = ("Get", "List", "Describe")
_READS = (*_LOOKS, "CreateTimelineEvent")


@dataclass
class Pace:
    """Lets the calls of an operation come one after the other, never faster than its rate.

    What reads waits besides until what was written may be seen.

    Attributes
    ----------
    writes_per_second
        how many writes of one kind; twice as many reads, as the service has it. 0 is as fast as they come
    settle_s
        how long after a write something is read at the earliest
    """

    writes_per_second: float
    settle_s: float = 1.0
    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    _wrote: float = float("-inf")
    _next: dict[str, float] = field(default_factory=dict)

    def keep(self, operation: str) -> None:
        """Wait until the operation may be called."""
        if not self.writes_per_second:
            return
        rate = self.writes_per_second * (2 if operation.startswith(_READS) else 1)
        begin = self._next.get(operation, 0.0)
        if looks := operation.startswith(_LOOKS):
            begin = max(begin, self._wrote + self.settle_s)
        if (wait := begin - self.now()) > 0:
            self.sleep(wait)
        self._next[operation] = self.now() + 1 / rate
        self._wrote = self._wrote if looks else self.now()
