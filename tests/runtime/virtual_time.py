"""Time that nobody waits for: thousands of calls side by side, in the order in which they end.

One thread runs at a time. Whoever sleeps hands over to whoever wakes next, so a run takes as long as its
steps, and the same seed makes the same run.
"""

from __future__ import annotations

import heapq
import threading
from itertools import count
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class VirtualTime:
    """The clock and the scheduler."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self._due: list[tuple[float, int, Callable[[], None] | threading.Lock]] = []
        self._numbers = count()
        self._idle: list[_Worker] = []
        self._ended = threading.Event()
        self.failure: BaseException | None = None

    def at(self, seconds: float, work: Callable[[], None]) -> None:
        """Do something at a time; it must not sleep."""
        heapq.heappush(self._due, (max(seconds, self.now_s), next(self._numbers), work))

    def spawn(self, work: Callable[[], None]) -> None:
        """Let something that sleeps run beside the others."""
        worker = self._idle.pop() if self._idle else _Worker(self)
        worker.work = work
        self._wake_at(self.now_s, worker.turn)

    def sleep(self, seconds: float) -> None:
        """Let the others run; for a worker only."""
        turn: threading.Lock = _LOCAL.worker.turn
        self._wake_at(self.now_s + seconds, turn)
        if self._hand_over(turn):
            return
        turn.acquire()

    def run(self) -> None:
        """Run until nothing is left to do."""
        self._hand_over(None)
        self._ended.wait()
        for worker in self._idle:
            worker.work = None
            worker.turn.release()
        if self.failure is not None:
            raise self.failure

    def ended(self, worker: _Worker) -> None:
        """Take a worker back that has done its work."""
        self._idle.append(worker)
        self._hand_over(None)

    def _wake_at(self, seconds: float, turn: threading.Lock) -> None:
        heapq.heappush(self._due, (seconds, next(self._numbers), turn))

    def _hand_over(self, own: threading.Lock | None) -> bool:
        """Wake whoever is next; True if that is the caller."""
        while self._due and self.failure is None:
            self.now_s, _, due = heapq.heappop(self._due)
            if not callable(due):
                if due is not own:
                    due.release()
                return due is own
            due()
        self._ended.set()
        return False


class _Worker:
    """A thread that does one piece of work after the other."""

    def __init__(self, time: VirtualTime) -> None:
        self.turn = threading.Lock()
        self.turn.acquire()
        self.work: Callable[[], None] | None = None
        self._time = time
        threading.Thread(target=self._live, daemon=True).start()

    def _live(self) -> None:
        _LOCAL.worker = self
        self.turn.acquire()
        while self.work is not None:
            try:
                self.work()
            except BaseException as error:  # noqa: BLE001 - whoever runs it all raises it
                self._time.failure = error
            self._time.ended(self)
            self.turn.acquire()


_LOCAL = threading.local()
