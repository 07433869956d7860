"""Storms, small ones: `benchmarks/storm.py` has the large one."""

from __future__ import annotations

import pytest

from tests.runtime.storm import Account, Figures, Storm

# A cold start of the function that was called, and one of the queue's reader.
STARTING_S = 2.0


def show(figures: Figures) -> None:
    """Print it: shown where a test fails."""
    print("\n".join(figures.lines()))  # noqa: T201


def nothing_is_missing(figures: Figures) -> None:
    """Each cause has an incident, each signal is started or joined, and nobody has to be told."""
    show(figures)
    assert figures.without_incident == 0
    assert figures.lost == 0
    assert figures.doubled == []
    assert figures.dead_letters == 0


@pytest.mark.parametrize(("signals", "causes"), [(400, 20), (2_000, 100)])
def test_the_last_cause_starts_as_soon_as_the_service_lets_it(signals: int, causes: int) -> None:
    """Within 1.1 times the limit of five a second, once the functions run."""
    figures = Storm(signals, causes, seed=7).run()
    nothing_is_missing(figures)
    assert len(figures.incidents) == sum(figures.incidents.values()) == causes
    assert figures.last_start_s <= 1.1 * figures.limit_s + STARTING_S
    # The service is not overrun: about as many calls are throttled as succeed, and a cause's duplicates ask
    # for no start of their own.
    assert figures.calls["StartIncident"] <= 5 * causes
    # Nor do they stand in the queue before causes that have no incident yet.
    assert figures.messages <= 2 * causes
    assert figures.most_receives <= 2


def test_functions_that_die_and_a_ledger_that_fails_lose_nothing() -> None:
    """Nor is an incident doubled but where somebody died, or the ledger was not there."""
    account = Account(killed_one_in=300, ledger_fails_one_in=100)
    figures = Storm(400, 20, seed=7, account=account).run()
    nothing_is_missing(figures)
    assert figures.killed > 5
    assert len(figures.in_doubt) > 10


def test_with_few_functions_at_once_a_storm_takes_longer_and_loses_nothing() -> None:
    """Ten are left for the readers and for what Lambda invokes."""
    figures = Storm(400, 20, seed=7, account=Account(concurrency=10)).run()
    nothing_is_missing(figures)
    assert figures.not_invoked > 100


def test_two_triggers_share_the_rate() -> None:
    """Neither takes the other's turns: both have their last incident at about the same time."""
    one = Storm(400, 60, seed=7)
    other = Storm(400, 60, seed=8, beside=one)
    figures = one.run(), other.figures
    for each in figures:
        nothing_is_missing(each)
        # Both together.
        assert 0.75 * 2 * each.limit_s <= each.last_start_s <= 1.1 * 2 * each.limit_s + STARTING_S


def test_where_a_refusal_takes_a_turn_too_a_storm_ends() -> None:
    """No document says that it takes none: those who ask must not keep one another from every turn."""
    storm = Storm(800, 40, seed=7)
    storm.rates.refusals_cost = True
    figures = storm.run()
    nothing_is_missing(figures)
    assert figures.last_start_s <= 4 * figures.limit_s + STARTING_S
