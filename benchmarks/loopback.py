"""The loopback AWS: how long it takes to start, how many incidents a second it opens, what one weighs."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from itertools import chain, cycle, repeat
from typing import TYPE_CHECKING, Any

import psutil

from benchmarks.figures import Figure
from cdk_incidents.local import LocalCloud

if TYPE_CHECKING:
    from collections.abc import Iterator

_INCIDENTS_A_PLAN = 200  # the quota of a month
_THREADS = 4
_KB = 1000


def measure(*, quick: bool) -> list[Figure]:
    """Measure start-up, rates without records and with many, and the memory of these.

    Parameters
    ----------
    quick
        whether to show only that it works
    """
    starts, records, rounds, calls = (1, 60, 1, 20) if quick else (7, 10_000, 5, 200)
    figures = [Figure("start-up", "s", tuple(_start_up() for _ in range(starts)), at_most=3)]
    with LocalCloud() as cloud:
        # Both rates are taken at both sizes.
        service = _Service(cloud, incidents=records + 4 * rounds * calls)
        service.start(1)  # what is loaded at the first call is no record's weight
        before = service.memory()
        figures += service.rates(rounds, calls, "from the first record")
        service.start(records - service.started, threads=_THREADS)
        weight = (service.memory() - before) / (records - 1) / _KB
        figures += service.rates(rounds, calls, f"at {records:,} records")
        figures.append(Figure(f"memory of the server, by each of {records:,} records", "kB", (weight,)))
    return figures


def _start_up() -> float:
    began = time.perf_counter()
    with LocalCloud():
        return time.perf_counter() - began


class _Service:
    """Incident Manager with enough plans for so many incidents, which page nobody.

    Parameters
    ----------
    cloud
        the loopback AWS
    incidents
        how many will be started at most
    """

    def __init__(self, cloud: LocalCloud, *, incidents: int) -> None:
        self.started = 0
        self._pid = cloud.pid
        self._client = cloud.client("ssm-incidents")  # boto3's clients may be shared by threads
        count = incidents // _INCIDENTS_A_PLAN + 1
        plans = [self._plan(f"plan{number}") for number in range(count)]
        self._turns: Iterator[str] = chain.from_iterable(repeat(plan, _INCIDENTS_A_PLAN) for plan in plans)

    def _plan(self, name: str) -> str:
        template = {"title": "Checkout is failing", "impact": 1}
        arn: str = self._client.create_response_plan(name=name, incidentTemplate=template)["arn"]
        return arn

    def start(self, count: int, *, threads: int = 1) -> float:
        """Start incidents one after the other in each thread, and return how long all of them took."""
        plans = [next(self._turns) for _ in range(count)]
        shares = [plans[first::threads] for first in range(threads)]
        began = time.perf_counter()
        with ThreadPoolExecutor(threads) as pool:
            list(pool.map(self._start, shares))
        self.started += count
        return time.perf_counter() - began

    def _start(self, plans: list[str]) -> None:
        for plan in plans:
            self._client.start_incident(responsePlanArn=plan)

    def rates(self, rounds: int, calls: int, when: str) -> list[Figure]:
        """Measure the rate of one client and of several threads in turns: both see the same noise."""
        rates: dict[int, list[float]] = {1: [], _THREADS: []}
        for threads, _ in zip(cycle(rates), range(rounds * len(rates)), strict=False):
            rates[threads].append(calls / self.start(calls, threads=threads))
        return [
            Figure(f"StartIncident, {_clients(threads)}, {when}", "calls/s", tuple(values))
            for threads, values in rates.items()
        ]

    def memory(self) -> int:
        """Return the bytes of memory that the server holds."""
        held: Any = psutil.Process(self._pid).memory_info()
        return int(held.rss)


def _clients(threads: int) -> str:
    return "one client" if threads == 1 else f"{threads} threads"
