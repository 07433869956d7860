"""The arithmetic of the limits, held to what the constructs synthesise."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import aws_cdk as cdk
import pytest
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_sns as sns
from incidents_runtime import opened

import cdk_incidents as incidents
from cdk_incidents import _plan_permissions as plan_permissions
from cdk_incidents import _route_sharing as route_sharing
from cdk_incidents.trigger import MAX_ROUTES

if TYPE_CHECKING:
    from collections.abc import Callable

PAGE = (Path(__file__).parents[2] / "docs" / "limits.md").read_text()
RESOURCES, TEMPLATE_KB = 500, 1000
NAME = "p" * 20
"""A plan's name of the length that the page reckons with."""


class Stack(NamedTuple):
    """What a stack has, or what one has more than another."""

    resources: int
    kilobytes: float
    template: dict[str, Any]

    def without(self, other: Stack) -> Stack:
        """Return what is in this one only."""
        return Stack(self.resources - other.resources, self.kilobytes - other.kilobytes, self.template)


def alarms(stack: cdk.Stack, wire: Callable[[cloudwatch.Alarm], None]) -> None:
    """Make ten alarms, each with a metric of its own."""
    for number in range(10):
        metric = cloudwatch.Metric(namespace="Payments", metric_name=f"Errors{number}")
        wire(cloudwatch.Alarm(stack, f"Errors{number}", metric=metric, threshold=1, evaluation_periods=1))


def on_a_plan(stack: cdk.Stack) -> None:
    """Let alarms start a plan."""
    action = incidents.ResponsePlanAction(incidents.ResponsePlan.from_response_plan_name(stack, "Plan", NAME))
    alarms(stack, lambda alarm: alarm.add_alarm_action(action))


def on_a_route(stack: cdk.Stack) -> None:
    """Let an imported route watch alarms."""
    central = incidents.IncidentTrigger.from_trigger_attributes(
        stack, "Incidents", trigger_name="platform-incidents", routes=["Critical"]
    )
    alarms(stack, central.route("Critical").watch)


def trigger(stack: cdk.Stack, routes: int) -> incidents.IncidentTrigger:
    """Make a trigger with routes to one plan."""
    plan = incidents.ResponsePlan.from_response_plan_name(stack, "Plan", NAME)
    made = incidents.IncidentTrigger(
        stack,
        "Trigger",
        fallback=sns.Topic.from_topic_arn(stack, "Topic", "arn:aws:sns:us-east-1:111122223333:pager"),
    )
    for number in range(routes):
        made.add_route(f"Critical{number}", response_plan=plan, impact=1, auto_resolve=True)
    return made


def contact(stack: cdk.Stack) -> incidents.Contact:
    """Make a contact with a channel."""
    email = incidents.ContactChannel.email("ada@example.com")
    return incidents.Contact(stack, "Ada", display_name="Ada Lovelace", channels=[email])


def schedule(stack: cdk.Stack) -> None:
    """Make a contact, and a schedule with a rotation."""
    rotation = incidents.Rotation(
        contacts=[contact(stack)],
        start="2027-01-04T09:00:00",
        time_zone="Europe/Berlin",
        recurrence=incidents.Recurrence.weekly(monday="09:00"),
    )
    incidents.OnCallSchedule(stack, "OnCall", rotations=[rotation])


def plan(stack: cdk.Stack) -> None:
    """Make a plan."""
    template = incidents.IncidentTemplate.critical(title="Checkout is failing")
    incidents.ResponsePlan(stack, "Checkout", incident=template)


def proven(stack: cdk.Stack) -> None:
    """Make a trigger with a route and a smoke test."""
    incidents.SmokeTest(stack, "SmokeTest", trigger=trigger(stack, 1))


@pytest.fixture(scope="module")
def made() -> dict[str, Stack]:
    """Synthesise all of them in one app."""
    app = cdk.App()
    builds: dict[str, Callable[[cdk.Stack], object]] = {
        "nothing": lambda _: None,
        "on_a_plan": on_a_plan,
        "on_a_route": on_a_route,
        "route": lambda stack: trigger(stack, 1),
        "routes": lambda stack: trigger(stack, 2),
        "contact": contact,
        "schedule": schedule,
        "plan": plan,
        "proven": proven,
    }
    stacks = {}
    for name, build in builds.items():
        stacks[name] = cdk.Stack(app, name.replace("_", "-"))
        build(stacks[name])
    directory = Path(app.synth().directory)
    found = {}
    for name, stack in stacks.items():
        text = (directory / stack.template_file).read_text()
        template = json.loads(text)
        found[name] = Stack(len(template.get("Resources", {})), len(text) / 1000, template)
    return found


def row(table: str, first: str) -> list[str]:
    """Return the other cells of the page's row that begins so."""
    (cells,) = re.findall(rf"^\| {re.escape(first)} \| (.+) \|$", PAGE.partition(table)[2], re.MULTILINE)
    return [str(cell).strip() for cell in cells.split("|")]


def test_what_a_stack_takes(made: dict[str, Stack]) -> None:
    """Each row has the number of resources, a size that is not too small, and what follows from both."""
    nothing, one, two = made["nothing"], made["route"], made["routes"]
    route = two.without(one)
    full = Stack(
        made["proven"].resources + (MAX_ROUTES - 1) * route.resources,
        made["proven"].kilobytes + (MAX_ROUTES - 1) * route.kilobytes,
        {},
    )
    rows = {
        "an alarm with `ResponsePlanAction`": (made["on_a_plan"].without(nothing), 10),
        "an alarm that an imported route watches, its recovery too": (
            made["on_a_route"].without(nothing),
            10,
        ),
        "`ResponsePlan`": (made["plan"].without(nothing), 1),
        "`Contact` with a channel": (made["contact"].without(nothing), 1),
        "`OnCallSchedule` with a rotation": (made["schedule"].without(made["contact"]), 1),
        "a route": (route, 1),
        "`IncidentTrigger` with 100 routes, a fallback and its `SmokeTest`": (full, 1),
    }
    for first, (stack, number) in rows.items():
        resources, kilobytes, fit = map(float, row("## A stack", first))
        assert resources == stack.resources / number, first
        assert stack.kilobytes / number <= kilobytes < 2 * stack.kilobytes / number, first
        most = min(RESOURCES // resources, TEMPLATE_KB // kilobytes)
        assert fit == (MAX_ROUTES if first == "a route" else most), first


def function(stack: Stack) -> dict[str, Any]:
    """Return the properties of the trigger's function."""
    found = [body["Properties"] for body in stack.template["Resources"].values()]
    return next(properties for properties in found if "INCIDENTS_LEDGER_TABLE" in json.dumps(properties))


def rendered(value: Any, stack: Stack) -> str:
    """Return a text of a template as it would be in an account, with long names."""
    if isinstance(value, str):
        return value
    if "Fn::Join" in value:
        return str(value["Fn::Join"][0]).join(rendered(part, stack) for part in value["Fn::Join"][1])
    known = {"AWS::Partition": "aws", "AWS::AccountId": "111122223333", "AWS::Region": "ap-northeast-1"}
    return known.get(value.get("Ref", ""), "n" * 150)


def test_what_a_trigger_takes(made: dict[str, Stack]) -> None:
    """Its code grows by what a route says, its environment by nothing."""
    code_of_a_route, of_a_hundred = re.findall(r"([\d,]+) (?:bytes a route|kB for 100)", PAGE)
    one, two = (
        len(rendered(function(made[name])["Code"]["ZipFile"], made[name])) for name in ("route", "routes")
    )
    assert two - one <= int(code_of_a_route) < 1.5 * (two - one)
    assert int(of_a_hundred) == int(code_of_a_route) * MAX_ROUTES / 1000
    assert f"refuses the {MAX_ROUTES + 1}st route" in PAGE

    environment = function(made["routes"])["Environment"]["Variables"]
    size = sum(len(name) + len(rendered(value, made["routes"])) for name, value in environment.items())
    (said,) = re.findall(r"\| 4 KB \| ([\d,]+) bytes", PAGE)
    assert size <= int(said) < 2 * size
    assert environment.keys() == function(made["route"])["Environment"]["Variables"].keys()


def test_how_many_plans_the_role_takes() -> None:
    """The page reckons as synth does."""
    a_plan = plan_permissions._ARNS + 2 * len(NAME)
    inline, managed = plan_permissions._IN_THE_ROLE // a_plan, plan_permissions._IN_A_MANAGED_POLICY // a_plan
    policies = plan_permissions._MANAGED_POLICIES
    (said,) = re.findall(
        r"(\d+) a plan of a 20-character name: (\d+) plans inline, (\d+) in each managed one, (\d+) in all",
        PAGE,
    )
    assert list(map(int, said)) == [a_plan, inline, managed, inline + policies * managed]


def test_how_many_may_be_let_in() -> None:
    """So are the statements of an alias's policy."""
    assert f"{route_sharing._MOST_STATEMENTS} statements of 480 characters" in PAGE
    assert f"2 for each of up to {route_sharing._MOST_ACCOUNTS} accounts" in PAGE


def test_the_alarms_of_its_own(made: dict[str, Stack]) -> None:
    """A trigger and a smoke test count among an account's alarms."""
    alarms = [
        sum(body["Type"] == "AWS::CloudWatch::Alarm" for body in made[name].template["Resources"].values())
        for name in ("route", "proven")
    ]
    assert f"a trigger has {alarms[0]} of its own, a smoke test {alarms[1] - alarms[0]}" in PAGE


def test_the_places_of_its_own(made: dict[str, Stack]) -> None:
    """A trigger's retries take as many places of the concurrency as the page says."""
    (mapping,) = (
        body["Properties"]
        for body in made["route"].template["Resources"].values()
        if body["Type"] == "AWS::Lambda::EventSourceMapping"
    )
    assert f"| {mapping['ScalingConfig']['MaximumConcurrency']} for retries;" in PAGE


def test_the_notes_of_an_incident() -> None:
    """A note at each power of two up to the last."""
    most = opened._MOST_NOTED
    assert f"{most.bit_length()} notes at most, at 1, 2, 4 … {most} joined signals" in PAGE
