"""Sides that are measured against one another: in turns within one run, so that both see the same noise."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any, TypeVar

from benchmarks.figures import Figure

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

Sample = TypeVar("Sample")


def in_turns(sides: Mapping[str, Callable[[], Sample]], rounds: int) -> dict[str, list[Sample]]:
    """Take a sample of each side in every round.

    Each round begins with another side, so that none always has the place behind the same neighbour. A first
    round warms up and is not kept, unless there is only one.

    Parameters
    ----------
    sides
        what to measure, by name
    rounds
        how many samples of each
    """
    names = list(sides)
    if rounds > 1:
        for side in sides.values():
            side()
    samples: dict[str, list[Sample]] = {name: [] for name in names}
    for number in range(rounds):
        first = number % len(names)
        for name in names[first:] + names[:first]:
            samples[name].append(sides[name]())
    return samples


def ratio(
    what: str, ours: Sequence[float], theirs: Sequence[float], *, at_most: float | None = None
) -> Figure:
    """Return how much more ours takes than theirs, round by round.

    Parameters
    ----------
    what
        what was measured, against whom
    ours, theirs
        the samples of both sides, one a round
    at_most
        what the median must not exceed; anything goes by default
    """
    values = tuple(one / other for one, other in zip(ours, theirs, strict=True))
    return Figure(what, "", values, at_most=at_most)


def in_new_interpreter(module: str, *arguments: str) -> Any:
    """Run a module in an interpreter of its own and return what its last line says, as JSON.

    jsii's other process keeps all that it was ever told, so a second app in the same one is no first app.

    Parameters
    ----------
    module
        its name, such as ``benchmarks.synth``
    arguments
        what it is called with
    """
    # Byte code is kept, as it is for a user: else each run would measure the compiler.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    ran = subprocess.run(
        [sys.executable, "-m", module, *arguments],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
    )
    return json.loads(ran.stdout.splitlines()[-1])
