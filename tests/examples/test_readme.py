"""The figures in the README, held to what the constructs create."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from aws_cdk import App, Stack, assertions
from aws_cdk import aws_sns as sns

import cdk_incidents as incidents

if TYPE_CHECKING:
    from collections.abc import Callable

README = (Path(__file__).parents[2] / "README.md").read_text()


def resources(build: Callable[[Stack], object]) -> int:
    """Return how many resources a stack has."""
    stack = Stack(App(), "Stack")
    build(stack)
    return len(assertions.Template.from_stack(stack).to_json()["Resources"])


def plan(stack: Stack) -> incidents.IResponsePlan:
    """Return an imported plan, which is no resource."""
    return incidents.ResponsePlan.from_response_plan_name(stack, "Plan", "checkout")


def with_routes(count: int, *, fallback: bool = False) -> Callable[[Stack], object]:
    """Return what builds a trigger with that many routes."""

    def build(stack: Stack) -> incidents.IncidentTrigger:
        topic = sns.Topic.from_topic_arn(stack, "Topic", "arn:aws:sns:us-east-1:111122223333:pager")
        trigger = incidents.IncidentTrigger(stack, "Trigger", fallback=topic if fallback else None)
        for number in range(count):
            trigger.add_route(f"Route{number}", response_plan=plan_of(stack))
        return trigger

    def plan_of(stack: Stack) -> incidents.IResponsePlan:
        existing = stack.node.try_find_child("Plan")
        return plan(stack) if existing is None else existing  # type: ignore[return-value]

    return build


def said(construct: str) -> int:
    """Return the number of resources that the README gives in the construct's row."""
    (row,) = re.findall(rf"^\| {re.escape(construct)} \| (\d+)", README, re.MULTILINE)
    return int(row)


ONE, TWO = with_routes(1), with_routes(2)


def test_trigger_and_route() -> None:
    """A trigger and a route have as many resources as the README says, and a fallback adds one."""
    a_route = resources(TWO) - resources(ONE)
    assert a_route == said("a route")
    assert resources(ONE) - a_route == said("`IncidentTrigger`")
    assert resources(with_routes(1, fallback=True)) - resources(ONE) == 1


def test_smoke_test() -> None:
    """A smoke test has as many resources as the README says."""

    def build(stack: Stack) -> None:
        trigger = with_routes(1)(stack)
        assert isinstance(trigger, incidents.IncidentTrigger)
        incidents.SmokeTest(stack, "SmokeTest", trigger=trigger)

    assert resources(build) - resources(ONE) == said("`SmokeTest`")


def test_contacts_and_schedules() -> None:
    """Contacts, escalation plans and schedules have as many resources as the README says."""
    email = incidents.ContactChannel.email("ada@example.com")
    sms = incidents.ContactChannel.sms("+14255550101")

    def contact(stack: Stack, *channels: incidents.ContactChannel) -> incidents.Contact:
        return incidents.Contact(stack, "Ada", display_name="Ada", channels=channels)

    alone = resources(lambda stack: contact(stack, email))
    assert resources(lambda stack: contact(stack, email, sms)) - alone == 1
    assert alone - 1 == said("`Contact`")

    def escalation(stack: Stack) -> None:
        stages = [incidents.Stage(contacts=[contact(stack, email)])]
        incidents.EscalationPlan(stack, "Escalation", stages=stages)

    assert resources(escalation) - alone == said("`EscalationPlan`")

    def schedule(stack: Stack) -> None:
        rotation = incidents.Rotation(
            contacts=[contact(stack, email)],
            start="2027-01-04T09:00:00",
            time_zone="UTC",
            recurrence=incidents.Recurrence.daily("09:00"),
        )
        incidents.OnCallSchedule(stack, "Schedule", rotations=[rotation])

    assert resources(schedule) - alone - 1 == said("`OnCallSchedule`")


def test_the_import_that_it_shows_is_one() -> None:
    """The line that imports a plan runs, names the plan, and makes no resource."""
    (line,) = re.findall(r"^```python\n(plan = .+)\n```$", README, re.MULTILINE)
    stack = Stack(App(), "Stack")
    names: dict[str, Any] = {"incidents": incidents, "stack": stack}
    exec(line, names)  # noqa: S102 - our own README
    assert names["plan"].response_plan_name == "checkout"
    assert "Resources" not in assertions.Template.from_stack(stack).to_json()


@pytest.mark.parametrize("path", re.findall(r"\]\((examples/[^)]+)\)", README))
def test_examples_exist(path: str) -> None:
    """Every example that the README leads to exists."""
    assert (Path(__file__).parents[2] / path).is_file()


@pytest.mark.parametrize("target", re.findall(r"^make (\w+)", README, re.MULTILINE))
def test_commands_exist(target: str) -> None:
    """Every make target that the README names exists."""
    makefile = (Path(__file__).parents[2] / "Makefile").read_text()
    assert re.search(rf"^{target}:", makefile, re.MULTILINE)
