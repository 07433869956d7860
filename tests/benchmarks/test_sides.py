"""Sides are measured fairly: in turns, round by round."""

from __future__ import annotations

from functools import partial

from benchmarks.sides import in_turns, ratio


def test_each_round_begins_with_another_side() -> None:
    """Whatever the neighbour leaves behind falls on each in turn; the first round warms up."""
    calls: list[str] = []

    def side(name: str) -> int:
        calls.append(name)
        return len(calls)

    samples = in_turns({name: partial(side, name) for name in "ab"}, 2)
    assert "".join(calls) == "ababba"
    assert samples == {"a": [3, 6], "b": [4, 5]}


def test_one_round_is_kept() -> None:
    """Where only the working is shown, nothing is thrown away."""
    assert in_turns({"a": lambda: 1}, 1) == {"a": [1]}


def test_a_ratio_is_of_one_round() -> None:
    """Noise that both sides see in a round leaves its ratio as it is."""
    figure = ratio("ours to theirs", [1, 30], [2, 60], at_most=0.6)
    assert figure.values == (0.5, 0.5)
    assert figure.holds
    assert not ratio("ours to theirs", [1, 30], [2, 60], at_most=0.4).holds
