"""What an alarm costs: no resource, few bytes and few round trips, be it the first or the 400th."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_lambda as lambda_
from jsii._kernel.providers.process import _NodeProcess

from cdk_incidents import Alarms, IncidentTrigger, ResponsePlanAction

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.synthesis import Make, Resource

    Resources = dict[str, Resource]
    Wire = Callable[[cloudwatch.Alarm], None]

MANY = 400
OURS = ["ResponsePlanAction", "watch", "watch with OK", "Alarms.of"]
THEIRS = ["SsmIncidentAction", "LambdaAction", "LambdaAction with OK"]


def wire(make: Make, stack: cdk.Stack, way: str) -> Wire:
    """Make what a way needs besides alarms, and return how an alarm takes it."""
    if way in ("SsmIncidentAction", "ResponsePlanAction"):
        plan = make.plan(stack, name="checkout")
        own = way == "ResponsePlanAction"
        action = ResponsePlanAction(plan) if own else actions.SsmIncidentAction("checkout")
        return lambda alarm: alarm.add_alarm_action(action)
    if way.startswith("LambdaAction"):
        code = lambda_.Code.from_inline("def handler(event, context): ...")
        function = lambda_.Function(
            stack, "Starter", runtime=lambda_.Runtime.PYTHON_3_13, handler="index.handler", code=code
        )
        invoked = actions.LambdaAction(
            lambda_.Alias(stack, "Alias", alias_name="checkout", version=function.current_version)
        )

        def invoke(alarm: cloudwatch.Alarm) -> None:
            alarm.add_alarm_action(invoked)
            if way.endswith("OK"):
                alarm.add_ok_action(invoked)

        return invoke
    # Names of its own would be others in each stack.
    route = IncidentTrigger(stack, "Trigger", trigger_name="trigger").add_route(
        "Critical", response_plan=make.plan(stack, name="checkout"), auto_resolve=way.endswith("OK")
    )
    if way == "Alarms.of":
        Alarms.of(stack).add(route)
        return lambda _: None
    return route.watch


@pytest.fixture(scope="module")
def added(make: Make) -> dict[str, Resources]:
    """Return the resources that the first alarm of each way adds to its stack."""
    app = make.app()
    stacks: dict[tuple[str, int], cdk.Stack] = {}
    for way in (*OURS, *THEIRS):
        for count in (0, 1):
            stack = stacks[way, count] = cdk.Stack(app, f"{way}{count}".replace(" ", "").replace(".", ""))
            take = wire(make, stack, way)
            if count:
                take(make.alarm(stack))
    synths = dict(zip(stacks, make.synth_all(*stacks.values()), strict=True))
    return {
        way: {
            name: resource
            for name, resource in synths[way, 1].resources.items()
            if name not in synths[way, 0].resources
        }
        for way in (*OURS, *THEIRS)
    }


@pytest.mark.parametrize(("ways", "beyond"), [(OURS, 0), (THEIRS[:1], 0), (THEIRS[1:], 1)])
def test_the_first_alarm(added: dict[str, Resources], ways: list[str], beyond: int) -> None:
    """By our ways an alarm adds itself, as with CDK's own action on a plan; on a function that adds one."""
    for way in ways:
        assert len(added[way]) == 1 + beyond, way


@pytest.mark.parametrize(
    ("way", "against", "at_most"),
    [
        *((way, "SsmIncidentAction", 1.0) for way in OURS),
        *((way, "LambdaAction", 0.65) for way in OURS if way != "watch with OK"),
        ("watch with OK", "LambdaAction with OK", 0.65),
    ],
)
def test_bytes(added: dict[str, Resources], way: str, against: str, at_most: float) -> None:
    """What an alarm brings is shorter than by CDK's own ways, also as CDK indents it."""
    for indent in (1, None):
        ours, theirs = (len(json.dumps(added[side], indent=indent)) for side in (way, against))
        assert ours <= at_most * theirs


def test_four_hundred_alarms(make: Make) -> None:
    """The 400th alarm is like the first: by all our ways at once they add themselves alone."""
    app = make.app()
    one, many = (all_ways(make, cdk.Stack(app, f"Of{count}"), count) for count in (1, MANY))
    few, all_ = make.synth_all(one, many)
    assert set(few.resources) < set(all_.resources)
    more = [all_.resources[name] for name in set(all_.resources) - set(few.resources)]
    assert len(more) == MANY - 1
    (first,) = (resource for name, resource in few.resources.items() if name.startswith("Alarm"))
    assert len(first["Properties"]["AlarmActions"]) == 3
    for alarm in more:
        assert alarm["Properties"] == first["Properties"]


def all_ways(make: Make, stack: cdk.Stack, count: int) -> cdk.Stack:
    """Let alarms start incidents by each of our ways."""
    action = ResponsePlanAction(make.plan(stack, name="checkout"))
    route = IncidentTrigger(stack, "Trigger", trigger_name="trigger").add_route(
        "Critical", response_plan=make.plan(stack, "Routed", name="routed"), auto_resolve=True
    )
    Alarms.of(stack).add(make.plan(stack, "Lined", name="lined"))
    for number in range(count):
        alarm = make.alarm(stack, f"Alarm{number}")
        alarm.add_alarm_action(action)
        route.watch(alarm)
    return stack


@pytest.mark.parametrize(
    ("way", "trips"),
    [
        ("SsmIncidentAction", 1),
        # The action anew, the alarm's stack, and the answer.
        ("ResponsePlanAction", 4),
        # The alarm's node, its resource, its namespace and its stack.
        ("watch", 5),
        ("watch with OK", 6),
        # Its actions, its namespace, and what they become.
        ("Alarms.of", 3),
    ],
)
def test_round_trips(make: Make, monkeypatch: pytest.MonkeyPatch, way: str, trips: int) -> None:
    """Each is a fraction of a millisecond, and by a thousand alarms one more is seen."""
    sent = 0
    send = _NodeProcess.send

    def counted(*arguments: Any) -> Any:
        nonlocal sent
        sent += 1
        return send(*arguments)

    monkeypatch.setattr(_NodeProcess, "send", counted)

    def cost(count: int) -> int:
        nonlocal sent
        stack = make.stack()
        take = wire(make, stack, way)
        alarms = [make.alarm(stack, f"Alarm{number}") for number in range(count)]
        sent = 0
        for alarm in alarms:
            take(alarm)
        make.synth(stack)
        return sent

    assert (cost(6) - cost(1)) / 5 == trips
