"""OpsItems: their values, and a trigger that falls back to them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import aws_cdk as cdk
import pytest
from incidents_runtime.settings import Route, routes_in

from cdk_incidents import Impact, IncidentTrigger, OpsItems
from tests.synthesis import steady

if TYPE_CHECKING:
    from tests.synthesis import Make, Synth

FUNCTION = "AWS::Lambda::Function"


def route_to(make: Make, items: Any, **changes: Any) -> Synth:
    """Return a stack whose trigger has one route to OpsItems."""
    stack = make.stack()
    IncidentTrigger(stack, "Trigger").add_route("Leaving", ops_items=items, **changes)
    return make.synth(stack)


def read_by_the_runtime(synth: Synth) -> Route:
    """Return the route as the function reads it."""
    (route,) = routes_in(synth.properties(FUNCTION)["Code"]["ZipFile"].splitlines()).values()
    return route


@pytest.mark.parametrize(
    ("items", "told"),
    [
        (OpsItems(), {"category": "Availability"}),
        (OpsItems(severity=1, priority=5), {"severity": "1", "priority": 5, "category": "Availability"}),
        (OpsItems(severity=4, category="Security"), {"severity": "4", "category": "Security"}),
        (OpsItems(severity=Impact.HIGH, priority=1), {"severity": "2", "priority": 1}),
    ],
    ids=str,
)
def test_the_function_is_told_what_to_make(make: Make, items: OpsItems, told: dict[str, Any]) -> None:
    """What was given is what OpsItems are made with; what was not is left to the signal's impact."""
    route = read_by_the_runtime(route_to(make, items))
    assert route.ops_item == {"category": "Availability", **told}
    assert route.response_plan_arn is route.topic_arn is None
    assert route.destination == "ops-items"


@pytest.mark.parametrize(
    ("argument", "value", "message"),
    [
        ("severity", 0, r"severity must be a whole number from 1 to 4 \(got 0\): 1 is critical, 4 is low\."),
        ("severity", 5, r"severity must be a whole number from 1 to 4 \(got 5\): 1 is"),
        ("severity", "2", r"severity must be a whole number from 1 to 4 \(got '2'\): 1 is"),
        (
            "severity",
            cdk.Token.as_number(cdk.Fn.ref("Severity")),
            r"severity must be known at synth \(got .*\): write it out\.",
        ),
        ("priority", 0, r"priority must be a whole number from 1 to 5 \(got 0\): 1 is worked on first\."),
        ("priority", 6, r"priority must be a whole number from 1 to 5 \(got 6\): 1 is worked on first\."),
        (
            "category",
            "availability",
            r"category must be one of Availability, Cost, .*, Security \(got 'availability'\): choose one\.",
        ),
        ("category", cdk.Fn.ref("Category"), r"category must be known at synth \(got .*\): write it out\."),
    ],
    ids=steady,
)
def test_refuses_what_opscenter_does_not_know(argument: str, value: Any, message: str) -> None:
    """A value that OpsCenter, or CloudWatch's own OpsItems, would refuse is refused when it is made."""
    with pytest.raises(ValueError, match=f"^{message}"):
        OpsItems(**{argument: value})


@pytest.mark.parametrize("received", [OpsItems, "ops", 2])
def test_refuses_what_are_no_ops_items(make: Make, received: Any) -> None:
    """The class itself, or a severity alone, is refused with an example."""
    message = r"^ops_items must be an OpsItems \(got .*\): e\.g\. OpsItems\(severity=2\)\.$"
    with pytest.raises(ValueError, match=message):
        route_to(make, received)


def test_only_plans_have_other_regions(make: Make) -> None:
    """OpsItems are of one Region, so failover Regions for them are refused and not forgotten."""
    message = r"^failover_regions must be left out without response_plan \(got \['eu-central-1'\]\): OpsItems"
    with pytest.raises(ValueError, match=message):
        route_to(make, OpsItems(), failover_regions=["eu-central-1"])


@pytest.mark.parametrize(
    ("items", "severity", "category"),
    [(OpsItems(), "2", "Availability"), (OpsItems(severity=4, category="Recovery"), "4", "Recovery")],
    ids=str,
)
def test_a_trigger_falls_back_to_them(make: Make, items: OpsItems, severity: str, category: str) -> None:
    """As a fallback the function makes them, and health alarms do by CloudWatch's own action; no warning."""
    stack = make.stack()
    trigger = IncidentTrigger(stack, "Trigger", fallback=items)
    trigger.add_route("Critical", response_plan=make.plan(stack))
    synth = make.synth(stack)
    variables = synth.properties(FUNCTION)["Environment"]["Variables"]
    assert json.loads(variables["INCIDENTS_FALLBACK_OPS_ITEM"]) == {
        "severity": severity,
        "category": category,
    }
    assert "INCIDENTS_FALLBACK_TOPIC_ARN" not in variables
    place: list[Any] = ["arn:", {"Ref": "AWS::Partition"}, ":ssm:", {"Ref": "AWS::Region"}, ":"]
    place += [{"Ref": "AWS::AccountId"}, f":opsitem:{severity}#CATEGORY={category}"]
    alarms = synth.of_type("AWS::CloudWatch::Alarm", "TriggerHealth")
    assert len(alarms) == 5
    for alarm in alarms.values():
        assert alarm["Properties"]["AlarmActions"] == [{"Fn::Join": ["", place]}]
    assert synth.messages == []


@pytest.mark.parametrize("received", ["ops", 2, "arn:aws:sns:eu-west-1:111122223333:topic"])
def test_refuses_what_is_no_fallback(make: Make, received: Any) -> None:
    """A fallback is a topic or OpsItems; an ARN is told how it becomes one."""
    message = r"^fallback must be an SNS topic or OpsItems \(got .*\): import one with sns\.Topic\.from_topic"
    with pytest.raises(ValueError, match=message):
        IncidentTrigger(make.stack(), "Trigger", fallback=received)
