"""Runs invocations side by side, one step at a time, in an order that a seed decides.

A step ends at each call to AWS and at each sleep. Time passes only when everybody sleeps.
"""

from __future__ import annotations

import threading
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Iterator, Sequence

    from tests.runtime.fakes import FakeClock, Faulty


class KilledError(BaseException):
    """Lambda ended the invocation: no code of ours runs any more."""


class Worker:
    """One invocation."""

    def __init__(self, work: Callable[[], None]) -> None:
        self.turn = threading.Semaphore(0)
        self.wakes: datetime | None = None
        self.ends: datetime | None = None
        self.done = False
        self.failure: BaseException | None = None
        self.work = work


class Interleaving:
    """The scheduler."""

    def __init__(self, clock: FakeClock, order: random.Random, kill_one_in: int | None = None) -> None:
        self.clock, self.order, self.kill_one_in = clock, order, kill_one_in
        self.workers: list[Worker] = []
        self.kills = 0
        self._back = threading.Semaphore(0)
        self._current: Worker | None = None
        clock.sleep = self._sleep  # type: ignore[method-assign]

    def add(self, work: Callable[[], None]) -> None:
        """Let something run beside the others."""
        self.workers.append(Worker(work))

    def run(self) -> None:
        """Run everything to its end."""
        threads = [threading.Thread(target=self._live, args=(worker,)) for worker in self.workers]
        for thread in threads:
            thread.start()
        while alive := [worker for worker in self.workers if not worker.done]:
            awake = [worker for worker in alive if worker.wakes is None or worker.wakes <= self.clock.time]
            if not awake:
                self.clock.time = min(worker.wakes for worker in alive if worker.wakes)
                continue
            self._current = self.order.choice(awake)
            self._current.turn.release()
            self._back.acquire()
        for thread in threads:
            thread.join()
        for worker in self.workers:
            if worker.failure is not None:
                raise worker.failure

    def began(self, ends: datetime) -> None:
        """Say until when Lambda lets the current worker live."""
        self._worker().ends = ends

    def step(self, _: str = "") -> None:
        """End a step: somebody else may run before the caller goes on, or Lambda may end it."""
        worker = self._worker()
        self._back.release()
        worker.turn.acquire()
        worker.wakes = None
        if worker.ends is None:
            return
        if self.clock.time >= worker.ends:
            raise KilledError
        if self.kill_one_in and self.order.randrange(self.kill_one_in) == 0:
            self.kills += 1
            raise KilledError

    def rest(self, seconds: float) -> None:
        """Sleep between two invocations."""
        self._worker().ends = None
        self._sleep(seconds)

    def _sleep(self, seconds: float) -> None:
        self._worker().wakes = self.clock.time + timedelta(seconds=seconds)
        self.step()

    def _worker(self) -> Worker:
        assert self._current is not None
        return self._current

    def _live(self, worker: Worker) -> None:
        worker.turn.acquire()
        try:
            worker.work()
        except BaseException as error:  # noqa: BLE001 - the scheduler raises it
            worker.failure = error
        worker.done = True
        self._back.release()


@contextmanager
def killed_at(call: int, places: Sequence[Faulty], *, after: bool) -> Iterator[None]:
    """End whoever makes a call to one of some places: before the call, or after its work was done."""
    left = call

    def dying(usual: Callable[..., object]) -> Callable[..., object]:
        def call_it(*arguments: object) -> object:
            nonlocal left
            left -= 1
            if left == 0 and not after:
                raise KilledError
            answer = usual(*arguments)
            if left == 0:
                raise KilledError
            return answer

        return call_it

    for place in places:
        place._call = dying(place._call)  # type: ignore[method-assign]
    try:
        yield
    finally:
        for place in places:
            del place._call
