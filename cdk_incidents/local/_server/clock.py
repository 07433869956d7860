"""The time that the cloud goes by: real time, and what was put on top of it."""

from __future__ import annotations

import datetime as dt
import heapq
import itertools
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


def _real_time() -> dt.datetime:
    return dt.datetime.now(dt.timezone.utc)


class Clock:
    """Tells the time, and runs what falls due as it passes, in order and each at its own time.

    Nothing runs by itself: whoever serves a request catches up first.

    Parameters
    ----------
    real
        tells the real time; a test gives its own

    Attributes
    ----------
    lock
        held while anything changes: schedules fire and functions end on threads of their own
    """

    def __init__(self, real: Callable[[], dt.datetime] = _real_time) -> None:
        self._real = real
        self._ahead = dt.timedelta()
        self._moment: dt.datetime | None = None  # while something runs: when it was due
        self._agenda: list[tuple[dt.datetime, int, bool, Callable[[], None]]] = []
        self._count = itertools.count()
        self.lock = threading.RLock()

    def now(self) -> dt.datetime:
        """Tell the time."""
        with self.lock:
            return self._moment or self._real() + self._ahead

    @property
    def due(self) -> dt.datetime | None:
        """When the next thing falls due that is awaited."""
        return min((time for time, _, awaited, _ in self._agenda if awaited), default=None)

    def at(self, time: dt.datetime, action: Callable[[], None], *, awaited: bool = True) -> None:
        """Do something at a time; what falls due together runs in the order in which it was asked for.

        Playing out does not go on for what is not `awaited`, since it may come again for ever.
        """
        with self.lock:
            heapq.heappush(self._agenda, (time, next(self._count), awaited, action))

    def catch_up(self) -> None:
        """Run what has fallen due in the meantime."""
        with self.lock:
            if not self._moment:
                self._run_until(self.now())

    def advance(self, by: dt.timedelta) -> None:
        """Move on, and run what falls due on the way."""
        with self.lock:
            self._run_until(self.now() + by)
            self._ahead += by

    def play_out(self) -> None:
        """Move on until nothing is left to do that is awaited."""
        with self.lock:
            self.catch_up()
            while due := self.due:
                self.advance(max(dt.timedelta(), due - self.now()))

    def _run_until(self, until: dt.datetime) -> None:
        while self._agenda and self._agenda[0][0] <= until:
            self._moment, _, _, action = heapq.heappop(self._agenda)
            try:
                action()
            finally:
                self._moment = None
