"""A whole on-call team, constructed and synthesised, against the L1s of aws-cdk-lib that make the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.synth import compare

if TYPE_CHECKING:
    from benchmarks.figures import Figure

PHONES = {f"Person{number:02}": f"+142555501{number:02}" for number in range(20)}
"""Who is in the team, by their phone's number."""
_NAMES = list(PHONES)
ROTATIONS = {"primary": _NAMES[:8], "secondary": _NAMES[8:16], "nights": _NAMES[16:19]}
"""Who takes turns with whom, by the rotation."""
LEAD = _NAMES[19]
"""Who is called when nobody answers."""
SERVICES = ["basket", "checkout", "login", "mail", "search"]
"""What has a response plan."""


def measure(*, quick: bool) -> list[Figure]:
    """Measure both.

    Parameters
    ----------
    quick
        whether to show only that it works
    """
    return compare(
        "a team, to raw L1",
        ours="benchmarks.peers.team_ours",
        theirs="benchmarks.peers.team_l1",
        rounds=1 if quick else 9,
        at_most=1.4,
    )
