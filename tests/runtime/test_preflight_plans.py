"""The plans themselves: there, as declared, and somebody is told."""

from __future__ import annotations

from typing import Any

import pytest
from incidents_runtime.smoke_test.settings import Declared, Plan

from tests.runtime.preflight_world import World, plan_arn, topic_arn


@pytest.fixture
def world() -> World:
    """Return an account whose one plan reaches a person."""
    world = World()
    world.plan(engagements=[world.person("ada", sms="ACTIVATED")])
    return world


def declare(world: World, **declared: Any) -> None:
    """Say of the plan what the app does."""
    world.look_at(Plan("Checkout", plan_arn("Checkout"), declared=Declared(**declared)))


def test_a_plan_as_declared_is_no_finding(world: World) -> None:
    """Nothing is found where all is there, as declared, and told."""
    answer = world.plans[plan_arn("Checkout")]
    answer["incidentTemplate"]["dedupeString"] = "checkout"
    world.documents["Mend"] = {"Status": "Active"}
    answer["actions"] = [{"ssmAutomation": {"documentName": "Mend", "roleArn": "r", "documentVersion": "1"}}]
    declare(
        world,
        title="Checkout is failing",
        impact=1,
        dedupe="checkout",
        engagements=tuple(answer["engagements"]),
        runbooks=({"document": "arn:aws:ssm:us-east-1:111122223333:document/Mend", "version": "1"},),
    )
    assert world.found() == []


def test_what_synth_does_not_know_is_not_compared(world: World) -> None:
    """A plan of which nothing is declared differs in nothing."""
    declare(world)
    assert world.found() == []


@pytest.mark.parametrize(
    ("declared", "told"),
    [
        ({"title": "Other"}, "title 'Other' (it is 'Checkout is failing')"),
        ({"impact": 2}, "impact 2 (it is 1)"),
        ({"dedupe": "x"}, "dedupe string 'x' (it is '')"),
        ({"engagements": ()}, "engagements [] (it is ['arn:aws:ssm-contacts:"),
        ({"runbooks": ({"document": "Mend"},)}, "runbooks ['Mend'] (it is [])"),
        ({"title": "x" * 200}, f"title '{'x' * 119}… (it is"),
    ],
)
def test_a_plan_that_differs_is_told_by_field(world: World, declared: dict[str, Any], told: str) -> None:
    """Each field of the deployed plan is held against the declared one, and both are told."""
    declare(world, **declared)
    finding = world.only()
    assert (finding.id, finding.plan) == ("plan-differs", "Checkout")
    assert told in finding.text
    assert "Response plans > Checkout" in finding.remedy


def test_another_version_of_the_runbook_differs(world: World) -> None:
    """A runbook is the same with its document and its version only."""
    world.documents["Mend"] = {"Status": "Active"}
    automation = {"documentName": "Mend", "roleArn": "r"}
    world.plans[plan_arn("Checkout")]["actions"] = [{"ssmAutomation": automation}]
    declare(world, runbooks=({"document": "Mend", "version": "2"},))
    assert "runbooks ['Mend version 2'] (it is ['Mend'])" in world.only().text


@pytest.mark.parametrize(("said", "seen"), [("$DEFAULT", None), (None, "$DEFAULT"), ("", "$DEFAULT")])
def test_the_default_version_may_be_named_or_not(world: World, said: str | None, seen: str | None) -> None:
    """Whether the service tells the default version by its word or not at all, it is the same."""
    world.documents["Mend"] = {"Status": "Active"}
    automation = {"documentName": "Mend", "roleArn": "r", **({"documentVersion": seen} if seen else {})}
    world.plans[plan_arn("Checkout")]["actions"] = [{"ssmAutomation": automation}]
    declare(world, runbooks=({"document": "Mend", **({} if said is None else {"version": said})},))
    assert world.found() == []


def test_a_missing_plan_is_told_alone(world: World) -> None:
    """Of a plan that is not there nothing more is said than that."""
    del world.plans[plan_arn("Checkout")]
    finding = world.only()
    assert (finding.id, finding.mends_later) == ("plan-missing", False)
    assert plan_arn("Checkout") in finding.text


def test_a_plan_of_a_later_stack_may_be_missing(world: World) -> None:
    """A plan that is deployed after the test is mended by that deployment."""
    world.look_at(Plan("Later", plan_arn("Later"), later=True))
    finding = world.only()
    assert (finding.id, finding.plan, finding.mends_later) == ("plan-missing", "Later", True)
    assert "its stack is deployed after this one" in finding.text


def test_a_plan_of_a_later_stack_may_differ_still(world: World) -> None:
    """What is there is of the last deployment, so that it is held against nothing."""
    world.look_at(Plan("Checkout", plan_arn("Checkout"), later=True, declared=Declared(impact=5)))
    assert world.found() == []


def test_a_plan_that_tells_nobody(world: World) -> None:
    """A plan with neither engagement, chat, notification nor integration reaches nobody."""
    world.plan("Silent", chatChannel={"empty": {}})
    finding = world.only()
    assert (finding.id, finding.plan) == ("plan-reaches-nobody", "Silent")
    assert "the plan must tell somebody of its incidents" in finding.text


@pytest.mark.parametrize(
    "answer",
    [
        {"chatChannel": {"chatbotSns": [topic_arn("chat")]}},
        {"template": {"notificationTargets": [{"snsTopicArn": topic_arn("chat")}]}},
        {
            "integrations": [
                {
                    "pagerDutyConfiguration": {
                        "name": "n",
                        "secretId": "s",
                        "pagerDutyIncidentConfiguration": {"serviceId": "i"},
                    }
                }
            ]
        },
    ],
)
def test_each_way_of_telling_somebody_is_enough(world: World, answer: dict[str, Any]) -> None:
    """A plan that pages nobody may tell a chat, a topic or PagerDuty."""
    world.topics[topic_arn("chat")] = {
        "Policy": '{"Statement": [{"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}]}'
    }
    world.plan("Told", **answer)
    assert world.found() == []
