"""The quiet plan: whose incidents reach nobody, and merge with nobody's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from incidents_runtime.quiet_plan import loud_in
from incidents_runtime.smoke_test.failures import failure

if TYPE_CHECKING:
    from incidents_runtime.smoke_test.clients import Clients
    from incidents_runtime.smoke_test.settings import Path


def quiet_plan(clients: Clients, path: Path, step: str) -> dict[str, Any]:
    """Return the plan, after a look at whom it would wake.

    Parameters
    ----------
    clients
        What to ask.
    path
        The way that ends at the plan.
    step
        The step that looks.

    Raises
    ------
    SmokeTestFailed
        It tells somebody, runs something, or has a dedupe string: the test's incident could become one with
        another, which the test would then resolve and delete.
    """
    plan = dict(clients.incidents.get_response_plan(arn=path.quiet_plan_arn))
    loud = loud_in(plan)
    if loud:
        raise failure(
            step,
            expected=f"the quiet plan {path.quiet_plan_name} to tell nobody, run nothing and have no dedupe"
            " string",
            seen=f"{', '.join(loud)} in it",
            remedy="undo what was changed by hand, or leave quiet_plan out to have one made.",
        )
    return plan
