"""The alarms that lead to a live route or to a plan may act."""

from __future__ import annotations

from typing import Any

import pytest

from tests.runtime.preflight_world import ALIASES, World, plan_arn


@pytest.fixture
def world() -> World:
    """Return an account with a plan and a live alias."""
    world = World()
    world.plan(engagements=[world.person("ada", sms="ACTIVATED")])
    world.routes("Critical")
    return world


def alarm(name: str, *actions: str, on: bool = False, when: str = "AlarmActions") -> dict[str, Any]:
    """Return an alarm with disabled actions."""
    return {"AlarmName": name, "ActionsEnabled": on, when: list(actions)}


@pytest.mark.parametrize("kind", ["MetricAlarm", "CompositeAlarm", "LogAlarm"])
@pytest.mark.parametrize(
    ("action", "told", "plan"),
    [
        (f"{ALIASES}:Critical", "the route Critical", ""),
        (plan_arn("Checkout"), "the plan Checkout", "Checkout"),
    ],
)
def test_disabled_actions_are_told(world: World, kind: str, action: str, told: str, plan: str) -> None:
    """Each kind of alarm is looked at, on whatever page it comes, whether it leads to a route or a plan."""
    world.alarms[kind] = [alarm("TooSlow", "arn:aws:sns:us-east-1:111122223333:t", action)]
    finding = world.only()
    assert (finding.id, finding.plan) == ("alarm-actions-disabled", plan)
    assert f"the alarm 'TooSlow', which leads to {told}," in finding.text
    assert "enable-alarm-actions" in finding.remedy


@pytest.mark.parametrize("when", ["OKActions", "InsufficientDataActions"])
def test_every_kind_of_action_counts(world: World, when: str) -> None:
    """A recovery that cannot act is a fault as well."""
    world.alarms["MetricAlarm"] = [alarm("A", plan_arn("Checkout"), when=when)]
    assert world.ids() == ["alarm-actions-disabled"]


def test_alarms_that_may_act_or_lead_elsewhere_are_none_of_it(world: World) -> None:
    """Enabled ones, those of other aliases and plans, the canary's, and those that do not say are left."""
    world.alarms["MetricAlarm"] = [
        alarm("On", plan_arn("Checkout"), on=True),
        alarm("Canary", f"{ALIASES}:smoke-test"),
        alarm("Prefix", f"{plan_arn('Checkout')}-2"),
        {"AlarmName": "Silent", "AlarmActions": [plan_arn("Checkout")]},
        {"AlarmName": "None", "ActionsEnabled": False},
    ]
    assert world.found() == []


def test_an_alarm_of_route_and_plan_is_told_once(world: World) -> None:
    """However many ways it leads, an alarm is one finding."""
    world.alarms["MetricAlarm"] = [alarm("A", plan_arn("Checkout"), f"{ALIASES}:Critical")]
    assert world.ids() == ["alarm-actions-disabled"]


def test_one_question_serves_all_plans_of_an_account(world: World) -> None:
    """Plans and aliases are asked for by what their ARNs begin with, not one by one."""
    world.plan("Search", engagements=world.plans[plan_arn("Checkout")]["engagements"])
    world.routes("Critical", "Second")
    world.found()
    asked = [arguments["ActionPrefix"] for name, arguments in world.questions if name == "describe_alarms"]
    assert list(dict.fromkeys(asked)) == [
        "arn:aws:ssm-incidents::111122223333:response-plan/",
        f"{ALIASES}:",
    ]
