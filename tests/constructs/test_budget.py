"""IncidentBudget: its limits, and what the function is told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import aws_cdk as cdk
import pytest
from incidents_runtime.settings import Settings

from cdk_incidents import IncidentBudget, IncidentTrigger
from tests.synthesis import steady

if TYPE_CHECKING:
    from tests.synthesis import Make


def variables(make: Make, budget: Any) -> dict[str, Any]:
    """Return the variables of a trigger's function."""
    stack = make.stack()
    IncidentTrigger(stack, "Trigger", budget=budget).add_route("Critical", response_plan=make.plan(stack))
    told: dict[str, Any] = make.synth(stack).properties("AWS::Lambda::Function")["Environment"]["Variables"]
    return told


@pytest.mark.parametrize("limits", [(1, 1), (200, 200), (10, 20)])
def test_the_function_is_told_the_limits(make: Make, limits: tuple[int, int]) -> None:
    """The limits reach the function by its environment; the last ones in their ranges are taken."""
    ceiling, per_cause = limits
    told = variables(make, IncidentBudget(ceiling=ceiling, per_cause=per_cause))
    assert (told["INCIDENTS_CEILING"], told["INCIDENTS_PER_CAUSE"]) == (str(ceiling), str(per_cause))


def test_the_default_is_the_functions_own(make: Make) -> None:
    """Without a budget the template says nothing, and the function's own default is the documented one."""
    assert not {"INCIDENTS_CEILING", "INCIDENTS_PER_CAUSE"} & set(variables(make, None))
    budget = IncidentBudget()
    defaults = (Settings.ceiling, Settings.per_cause)
    assert (budget.ceiling, budget.per_cause) == defaults == (150, 20)


@pytest.mark.parametrize("argument", ["ceiling", "per_cause"])
@pytest.mark.parametrize("value", [0, 201, 1.5, "150", True, None])
def test_refuses_what_is_no_part_of_200(argument: str, value: Any) -> None:
    """A plan opens 200 incidents a month, so a limit is a whole number up to that."""
    message = (
        rf"^{argument} must be a whole number from 1 to 200 \(got .*\): a plan opens 200 incidents a mon"
    )
    with pytest.raises(ValueError, match=message):
        IncidentBudget(**{argument: value})


@pytest.mark.parametrize("argument", ["ceiling", "per_cause"])
@pytest.mark.parametrize("value", [cdk.Token.as_number(cdk.Fn.ref("Limit"))], ids=steady)
def test_refuses_a_limit_that_only_cloudformation_knows(argument: str, value: Any) -> None:
    """A limit is checked, so it must be there to be checked."""
    with pytest.raises(ValueError, match=rf"^{argument} must be known at synth \(got .*\): write it out\.$"):
        IncidentBudget(**{argument: value})


@pytest.mark.parametrize("received", [150, IncidentBudget])
def test_refuses_what_is_no_budget(make: Make, received: Any) -> None:
    """A number alone does not say which limit it is."""
    message = r"^budget must be an IncidentBudget \(got .*\): e\.g\. IncidentBudget\(ceiling=100\)\.$"
    with pytest.raises(ValueError, match=message):
        variables(make, received)
