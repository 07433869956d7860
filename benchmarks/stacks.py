"""Past one stack: the time and the memory of an app with ten thousand alarms on a central trigger."""

from __future__ import annotations

from itertools import pairwise

from benchmarks.figures import Figure
from benchmarks.sides import in_new_interpreter

_STACKS, _ALARMS = (10, 20, 40), 250
_BOUND = 1.15


def measure(*, quick: bool) -> list[Figure]:
    """Synthesise more and more stacks, each number in a new interpreter.

    Parameters
    ----------
    quick
        whether to show only that it works
    """
    numbers, alarms = ((1,), 2) if quick else (_STACKS, _ALARMS)
    taken = {number: _synthesised(number, alarms, "watch") for number in numbers}
    figures = []
    for number, sample in taken.items():
        what = f"{number} stacks with {number * alarms:,} alarms"
        figures.append(Figure(f"{what}, construct and synthesise", "s", (sample["seconds"],)))
        figures.append(Figure(f"{what}, peak memory, Python and Node", "MB", (sample["memory_mb"],)))
    if not quick:
        most = max(numbers)
        by_line = _synthesised(most, alarms, "line")
        figures.append(Figure(f"{most} stacks, by Alarms.of(stack)", "s", (by_line["seconds"],)))
        figures += _growth(taken, alarms)
    figures.append(Figure(f"template of {alarms} alarms", "kB", (taken[numbers[0]]["template_kb"],)))
    return figures


def _synthesised(stacks: int, alarms: int, way: str) -> dict[str, float]:
    sample: dict[str, float] = in_new_interpreter("benchmarks.platform_app", str(stacks), str(alarms), way)
    return sample


def _growth(taken: dict[int, dict[str, float]], alarms: int) -> list[Figure]:
    """Compare what a further stack takes at the end with what it took before, and the memory with the count.

    What an app costs before its first alarm is in neither: it would make growth look smaller. Processor time,
    since each number is taken once, and others may be at work meanwhile.
    """
    least, middle, most = taken
    before, after = (
        (taken[more]["processor_s"] - taken[fewer]["processor_s"]) / (more - fewer)
        for fewer, more in pairwise(taken)
    )
    stacks = f"a stack of the last {most - middle} to one of the {middle - least} before"
    memory = f"memory at {most * alarms:,} alarms to that at {least * alarms:,}"
    return [
        Figure(stacks, "", (after / before,), at_most=_BOUND),
        Figure(memory, "", (taken[most]["memory_mb"] / taken[least]["memory_mb"],), at_most=most / least),
    ]
