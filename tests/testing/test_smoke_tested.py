"""assert_smoke_tested: triggers that are proven before their new code serves live alarms."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import aws_cdk as cdk
import pytest
from aws_cdk import assertions

import cdk_incidents as incidents
from cdk_incidents.testing import assert_smoke_tested
from tests.synthesis import FLAGS

if TYPE_CHECKING:
    from tests.synthesis import Make


def trigger_in(stack: cdk.Stack, construct_id: str = "Trigger") -> incidents.IncidentTrigger:
    """Return a trigger with one route."""
    trigger = incidents.IncidentTrigger(stack, construct_id)
    plan = incidents.ResponsePlan.from_response_plan_name(stack, f"{construct_id}Plan", "checkout")
    trigger.add_route("Critical", response_plan=plan)
    return trigger


@pytest.mark.parametrize("flags", FLAGS)
def test_takes_a_trigger_with_its_smoke_test(make: Make, flags: str) -> None:
    """Whatever the app's feature flags, and of a template as of a stack."""
    stack = make.stack(context=FLAGS[flags])
    incidents.SmokeTest(stack, "SmokeTest", trigger=trigger_in(stack))
    assert_smoke_tested(stack)
    assert_smoke_tested(assertions.Template.from_stack(stack))


def test_names_the_trigger_without_one(make: Make) -> None:
    """One trigger that is proven says nothing of another one."""
    stack = make.stack()
    incidents.SmokeTest(stack, "SmokeTest", trigger=trigger_in(stack))
    trigger_in(stack, "Another")
    message = (
        r"^1 of 2 triggers of Stack go unproven:\n- Stack/Another/Function \(.+\): it has no smoke test\."
    )
    with pytest.raises(AssertionError, match=message):
        assert_smoke_tested(stack)


def test_sees_that_it_is_skipped(make: Make) -> None:
    """What was skipped in the night is not to stay so."""
    stack = make.stack(context={"cdk-incidents:skip-smoke-test": "true"})
    incidents.SmokeTest(stack, "SmokeTest", trigger=trigger_in(stack))
    message = r"its smoke test is skipped\. Take cdk-incidents:skip-smoke-test out of the context\."
    with pytest.raises(AssertionError, match=message):
        assert_smoke_tested(stack)


def test_sees_that_it_comes_too_late(make: Make) -> None:
    """A smoke test of another stack cannot go before the live aliases."""
    app = make.app()
    stack, elsewhere = cdk.Stack(app, "Stack"), cdk.Stack(app, "Elsewhere")
    incidents.SmokeTest(elsewhere, "SmokeTest", trigger=trigger_in(stack))
    incidents.SmokeTest(stack, "SmokeTest", trigger=trigger_in(stack, "Another"))
    message = r"its smoke test is not in Stack, and so goes after its live aliases\. Make it there\."
    with pytest.raises(AssertionError, match=message):
        assert_smoke_tested(stack)


def test_sees_an_alias_that_does_not_wait(make: Make) -> None:
    """Every live alias waits for the smoke test; one that was made by hand does not."""
    stack = make.stack()
    trigger = trigger_in(stack)
    incidents.SmokeTest(stack, "SmokeTest", trigger=trigger)
    cdk.aws_lambda.Alias(stack, "Early", alias_name="early", version=trigger.function.current_version)
    with pytest.raises(AssertionError, match=r"its smoke test does not go before Stack/Early\. Take routes"):
        assert_smoke_tested(stack)


def test_takes_a_smoke_test_of_plans(make: Make) -> None:
    """On the service's own path there is no trigger, and the test stands for itself."""
    stack = make.stack()
    incidents.SmokeTest(stack, "SmokeTest", plans=[make.plan(stack)])
    assert_smoke_tested(stack)


@pytest.mark.parametrize("skip", ["false", "true"])
def test_takes_a_smoke_test_without_a_trigger(skip: str) -> None:
    """A test that stands for itself may not be skipped either."""
    test = {"Type": "Custom::IncidentSmokeTest", "Properties": {"Skip": skip}}
    template: dict[str, Any] = {"Resources": {"SmokeTest": test}}
    if skip == "false":
        assert_smoke_tested(template)
        return
    with pytest.raises(AssertionError, match="- SmokeTest: its smoke test is skipped"):
        assert_smoke_tested(template)


def test_fails_where_there_is_nothing_to_prove(make: Make) -> None:
    """Neither a trigger nor a smoke test: nothing is asserted."""
    with pytest.raises(AssertionError, match=r"^Stack has no trigger: there is nothing to assert"):
        assert_smoke_tested(make.stack())
