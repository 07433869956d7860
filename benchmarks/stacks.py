"""Past one stack: the time and the memory of an app with ten thousand alarms on a central trigger."""

from __future__ import annotations

from functools import partial

from benchmarks.figures import Figure
from benchmarks.sides import in_new_interpreter, in_turns, ratio

_STACKS, _ALARMS, _ROUNDS = (10, 20, 40), 250, 3
_BOUND = 1.15


def measure(*, quick: bool) -> list[Figure]:
    """Synthesise more and more stacks, each number in a new interpreter.

    Parameters
    ----------
    quick
        whether to show only that it works
    """
    numbers, alarms, rounds = ((1,), 2, 1) if quick else (_STACKS, _ALARMS, _ROUNDS)
    sides = {f"{number} stacks": partial(_synthesised, number, alarms, "watch") for number in numbers}
    taken = dict(zip(numbers, in_turns(sides, rounds).values(), strict=True))
    figures = []
    for number, samples in taken.items():
        what = f"{number} stacks with {number * alarms:,} alarms"
        seconds = tuple(sample["seconds"] for sample in samples)
        memory = tuple(sample["memory_mb"] for sample in samples)
        figures.append(Figure(f"{what}, construct and synthesise", "s", seconds))
        figures.append(Figure(f"{what}, peak memory, Python and Node", "MB", memory))
    if not quick:
        most = max(numbers)
        by_line = _synthesised(most, alarms, "line")
        figures.append(Figure(f"{most} stacks, by Alarms.of(stack)", "s", (by_line["seconds"],)))
        figures += _growth(taken, alarms)
    figures.append(Figure(f"template of {alarms} alarms", "kB", (taken[numbers[0]][0]["template_kb"],)))
    return figures


def _synthesised(stacks: int, alarms: int, way: str) -> dict[str, float]:
    sample: dict[str, float] = in_new_interpreter("benchmarks.platform_app", str(stacks), str(alarms), way)
    return sample


def _growth(taken: dict[int, list[dict[str, float]]], alarms: int) -> list[Figure]:
    """Compare the most alarms with the least: what each takes of the time, and the memory of all."""
    least, most = min(taken), max(taken)
    many, few = f"{most * alarms:,}", f"{least * alarms:,}"
    seconds = {number: [sample["seconds"] / number for sample in taken[number]] for number in (least, most)}
    memory = {number: [sample["memory_mb"] for sample in taken[number]] for number in (least, most)}
    return [
        ratio(f"an alarm of {many} to one of {few}", seconds[most], seconds[least], at_most=_BOUND),
        ratio(f"memory at {many} alarms to that at {few}", memory[most], memory[least], at_most=most / least),
    ]
