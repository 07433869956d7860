"""A storm: how soon each cause has its incident where the service starts five a second, and what is lost."""

from __future__ import annotations

import sys
from pathlib import Path

from benchmarks.figures import Figure

# What runs inside AWS is a folder of its own there, too.
sys.path.append(str(Path(__file__).parents[1] / "cdk_incidents/_runtime"))

from tests.runtime.storm import CAUSES, SIGNALS, Account, Figures, Storm

_FEW_AT_ONCE = 20


def measure(*, quick: bool) -> list[Figure]:
    """Measure storms on a clock that nobody waits for: the same seed gives the same figures on any machine.

    Parameters
    ----------
    quick
        whether to show only that it works
    """
    signals, causes, seeds = (400, 20, (1,)) if quick else (SIGNALS, CAUSES, (1, 2, 3))
    storms = [Storm(signals, causes, seed).run() for seed in seeds]
    few = Storm(signals, causes, seeds[0], Account(concurrency=_FEW_AT_ONCE)).run()
    return [
        Figure(
            f"{causes} causes at once, to the limit of 5 starts a second",
            "",
            tuple(one.last_start_s / one.limit_s for one in storms),
            at_most=1.1,
        ),
        Figure(
            "lost: signals, causes, dead letters; incidents too many",
            "signals",
            tuple(_lost(one) for one in (*storms, few)),
            at_most=0,
        ),
        Figure("the last cause has its incident", "s", tuple(one.last_start_s for one in storms)),
        Figure("the last signal has joined", "s", tuple(one.last_settled_s for one in storms)),
        Figure(
            "StartIncident is asked, for each cause",
            "calls",
            tuple(one.calls["StartIncident"] / causes for one in storms),
        ),
        Figure(
            "invocations, for each signal", "calls", tuple(one.invocations / one.signals for one in storms)
        ),
        Figure(
            "the function runs, for each signal", "s", tuple(one.function_s / one.signals for one in storms)
        ),
        Figure(f"the last cause, {_FEW_AT_ONCE} functions at once at most", "s", (few.last_start_s,)),
    ]


def _lost(storm: Figures) -> int:
    return storm.lost + storm.without_incident + storm.dead_letters + len(storm.doubled)
