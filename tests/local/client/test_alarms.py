"""Which alarms a rehearsal fires."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from cdk_incidents.local.alarms import Alarms, WiredAlarm
from cdk_incidents.local.assembly import AssemblyStack

PLAN = "arn:aws:ssm-incidents::000000000000:response-plan/Checkout"
ROUTE = "arn:aws:lambda:us-east-1:000000000000:function:trigger:Critical"
OTHER_FUNCTION = "arn:aws:lambda:us-east-1:000000000000:function:other:Live"
TOPIC = "arn:aws:sns:us-east-1:000000000000:topic"
WHEN = dt.datetime(2026, 11, 23, tzinfo=dt.timezone.utc)


class World:
    """CloudWatch with one alarm, and Lambda with the trigger and another function."""

    def __init__(self, **alarm: Any) -> None:
        self.alarm = {"AlarmName": "errors", "AlarmArn": "arn", "StateValue": "OK", **alarm}
        self.kind = "MetricAlarms"
        self.set: list[str] = []

    def __call__(self, _service: str, _region: str) -> World:
        """Stand for boto3's client of any service."""
        return self

    def describe_alarms(self, **_: Any) -> dict[str, Any]:
        """Describe the alarm."""
        return {"MetricAlarms": [], "CompositeAlarms": [], self.kind: [self.alarm]}

    def set_alarm_state(self, *, StateValue: str, **_: Any) -> None:  # noqa: N803 - boto3's name
        """Remember the state."""
        self.set.append(StateValue)

    def get_function_configuration(self, *, FunctionName: str) -> dict[str, Any]:  # noqa: N803 - boto3's name
        """Describe a function."""
        mine = {"INCIDENTS_LEDGER_TABLE": "ledger"} if FunctionName == "trigger" else {}
        return {"Environment": {"Variables": mine}}


def wired(world: World, **metadata: str) -> list[WiredAlarm]:
    """Return what is wired in a stack with that alarm."""
    template = {"Resources": {"Errors": {"Type": "AWS::CloudWatch::Alarm", "Metadata": metadata}}}
    stack = AssemblyStack("Shop", "Shop", "0" * 12, "us-east-1", "", template)
    resources = [
        {
            "ResourceType": "AWS::CloudWatch::Alarm",
            "LogicalResourceId": "Errors",
            "PhysicalResourceId": "errors",
        },
        {"ResourceType": "AWS::SQS::Queue", "LogicalResourceId": "Queue", "PhysicalResourceId": "queue"},
    ]
    return Alarms(world).wired(stack, resources)


def test_plan() -> None:
    """An alarm on a response plan is wired by the service's own path, which does not resolve."""
    (alarm,) = wired(World(AlarmActions=[PLAN], OKActions=[PLAN]))
    assert (alarm.plans, alarm.routes, alarm.recovers, alarm.actions) == (("Checkout",), (), False, 1)


def test_route() -> None:
    """An alarm on an alias of the trigger's function is wired to a route."""
    (alarm,) = wired(World(AlarmActions=[ROUTE]))
    assert (alarm.plans, alarm.routes, alarm.recovers) == ((), (ROUTE,), False)


def test_route_that_hears_of_the_recovery() -> None:
    """It resolves its incident if the same route is told that it is well."""
    (alarm,) = wired(World(AlarmActions=[ROUTE], OKActions=[ROUTE]))
    assert alarm.recovers


def test_both_ways() -> None:
    """An alarm with two such actions starts two incidents; one that is named twice starts one."""
    (alarm,) = wired(World(AlarmActions=[PLAN, ROUTE, PLAN]))
    assert alarm.actions == 2


@pytest.mark.parametrize("action", [OTHER_FUNCTION, TOPIC])
def test_other_actions(action: str) -> None:
    """Other functions and topics start no incident."""
    assert wired(World(AlarmActions=[action])) == []


@pytest.mark.parametrize("purpose", ["canary", "health"])
def test_the_librarys_own(purpose: str) -> None:
    """The canary and the health alarms are left alone."""
    assert wired(World(AlarmActions=[PLAN]), **{"cdk-incidents:purpose": purpose}) == []


def test_disabled_actions() -> None:
    """An alarm whose actions are disabled starts nothing."""
    assert wired(World(AlarmActions=[PLAN], ActionsEnabled=False)) == []


def test_composite() -> None:
    """A composite alarm is known as one."""
    world = World(AlarmActions=[PLAN])
    world.kind = "CompositeAlarms"
    (alarm,) = wired(world)
    assert alarm.composite


def test_firing() -> None:
    """An alarm is set to ALARM."""
    world = World(AlarmActions=[PLAN])
    _, by_itself = Alarms(world).fire(wired(world)[0])
    assert not by_itself
    assert world.set == ["ALARM"]


def test_alarm_that_fired_by_itself() -> None:
    """An alarm that is in ALARM, after one that it watches perhaps, is not set again."""
    world = World(AlarmActions=[PLAN], StateValue="ALARM", StateUpdatedTimestamp=WHEN)
    assert Alarms(world).fire(wired(world)[0]) == (WHEN.timestamp(), True)
    assert world.set == []


def test_recovering() -> None:
    """An alarm is set to OK."""
    world = World(AlarmActions=[PLAN])
    Alarms(world).recover(wired(world)[0])
    assert world.set == ["OK"]
