"""A trigger with one route, constructed and synthesised, against the constructs of aws-cdk-lib by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.synth import compare

if TYPE_CHECKING:
    from benchmarks.figures import Figure

NAME = "checkout-incidents"
"""The trigger's."""
PLAN = "checkout"
"""The response plan's, which exists."""


def measure(*, quick: bool) -> list[Figure]:
    """Measure both.

    Parameters
    ----------
    quick
        whether to show only that it works
    """
    return compare(
        "a trigger, to L2 by hand",
        ours="benchmarks.peers.trigger_ours",
        theirs="benchmarks.peers.trigger_l2",
        rounds=1 if quick else 9,
    )
