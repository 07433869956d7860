"""IAM tells whether the trigger's role may open incidents and page, without a call."""

from __future__ import annotations

from typing import Any

import pytest
from incidents_runtime.smoke_test import clock
from incidents_runtime.smoke_test.findings import THE_TRIGGER
from incidents_runtime.smoke_test.settings import Trigger

from tests.runtime.preflight_world import REGION, ROLE, World, contact_arn, error, plan_arn

START, ENGAGE, OPS_ITEM = (
    "ssm-incidents:StartIncident",
    "ssm-contacts:StartEngagement",
    "ssm:CreateOpsItem",
)
ADA = contact_arn("ada")


@pytest.fixture
def waits() -> list[float]:
    """Return how long the look has waited for IAM."""
    return []


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch, waits: list[float]) -> World:
    """Return an account with one routed plan that pages Ada, and one that is only named."""
    monkeypatch.setattr(clock, "sleep", waits.append)
    world = World()
    ada = world.person("ada", Mobile="ACTIVATED")
    world.plan("Checkout", engagements=[ada])
    world.plan("Other", engagements=[world.person("bob", Mobile="ACTIVATED")])
    world.look_at(trigger=Trigger("incidents", role_arn=ROLE, plans=("Checkout",)))
    return world


def test_a_role_as_it_is_deployed(world: World) -> None:
    """Three questions show it, on the plans and people of routes only."""
    assert world.found() == []
    asked = [arguments for name, arguments in world.questions if name == "simulate_principal_policy"]
    assert [(one["ActionNames"], one["ResourceArns"]) for one in asked] == [
        ([START], [plan_arn("Checkout")]),
        ([ENGAGE], [ADA]),
        ([OPS_ITEM], ["*"]),
    ]


@pytest.mark.parametrize(
    ("action", "arn", "consequence"),
    [
        (START, plan_arn("Checkout"), "no alarm opens an incident there"),
        (ENGAGE, ADA, "nobody there is paged"),
        (OPS_ITEM, "*", "incidents have no OpsItem"),
    ],
)
def test_a_role_that_lacks_one_right(world: World, action: str, arn: str, consequence: str) -> None:
    """The finding names role, action, resource and what comes of it, and is the trigger's own."""
    world.denied.add((action, arn))
    finding = world.only()
    assert (finding.id, finding.plan) == ("trigger-permissions", THE_TRIGGER)
    assert f"{ROLE} must be allowed {action} on {arn} (" in finding.text
    assert consequence in finding.text


def test_one_result_with_a_part_for_each_resource(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """IAM may tell several resources in one result: each part counts, not their sum."""

    def in_parts(action: str, arn: str) -> dict[str, Any]:
        parts = [
            {"EvalResourceName": arn, "EvalResourceDecision": "allowed"},
            {"EvalResourceName": f"{arn}/2", "EvalResourceDecision": "explicitDeny"},
        ]
        return {"EvalActionName": action, "EvalDecision": "allowed", "ResourceSpecificResults": parts}

    monkeypatch.setattr(world, "evaluated", in_parts)
    texts = [finding.text for finding in world.found()]
    assert len(texts) == 3
    assert f"{START} on {plan_arn('Checkout')}/2 (" in texts[0]


def test_many_plans_are_asked_in_portions(world: World) -> None:
    """A hundred and one plans are three questions, and those that are denied are summed up."""
    names = [f"plan-{number}" for number in range(101)]
    for name in names:
        world.plan(name, integrations=[{"pagerDutyConfiguration": PAGER_DUTY}])
        world.denied.add((START, plan_arn(name)))
    world.look_at(trigger=Trigger("incidents", role_arn=ROLE, plans=tuple(names)))
    finding = world.only()
    assert f"{plan_arn('plan-2')} and 98 more (" in finding.text
    # What is denied is asked four times.
    assert world.asked["simulate_principal_policy"] == 4 * 3 + 1


PAGER_DUTY = {
    "name": "service",
    "secretId": "secret",
    "pagerDutyIncidentConfiguration": {"serviceId": "P1"},
}


@pytest.mark.parametrize("trigger", [None, Trigger("incidents", plans=("Checkout",))])
def test_without_a_role_nothing_is_asked(world: World, trigger: Trigger | None) -> None:
    """A test of plans only, or the settings of an older version, name none."""
    world.look_at(trigger=trigger)
    assert world.found() == []
    assert world.asked["simulate_principal_policy"] == 0


def test_without_a_plan_there_is_nothing_to_ask(world: World) -> None:
    """A trigger whose plans are still to come needs no right on them yet."""
    world.look_at(trigger=Trigger("incidents", role_arn=ROLE))
    assert world.found() == []
    assert world.asked["simulate_principal_policy"] == 0


# --- what IAM does not tell, or not yet


@pytest.mark.parametrize("times", [1, 3])
def test_a_right_that_iam_tells_late_is_waited_for(
    world: World, monkeypatch: pytest.MonkeyPatch, waits: list[float], times: int
) -> None:
    """What this deployment gave the role may not be told for seconds, which fails no deployment."""
    tell, left = world.evaluated, [START] * times

    def late(action: str, arn: str) -> dict[str, Any]:
        told = tell(action, arn)
        if action in left:
            left.remove(action)
            return {**told, "EvalDecision": "implicitDeny"}
        return told

    monkeypatch.setattr(world, "evaluated", late)
    assert world.found() == []
    assert waits == [1.0, 3.0, 6.0][:times]
    # Only what was denied is asked again.
    assert world.asked["simulate_principal_policy"] == 3 + times


def test_a_denial_is_waited_for_only_while_there_is_time(world: World, waits: list[float]) -> None:
    """What was told stands."""
    world.denied.add((START, plan_arn("Checkout")))
    assert [finding.id for finding in world.found(longest_s=3.0)] == ["trigger-permissions"]
    assert waits == [1.0]


def test_a_denial_stands_if_iam_says_no_more(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A storm that comes after it takes nothing back."""
    world.denied.add((START, plan_arn("Checkout")))
    tell = world.evaluated

    def once(action: str, arn: str) -> dict[str, Any]:
        if action == OPS_ITEM:
            world.errors["simulate_principal_policy"] = error("ThrottlingException", 429)
        return tell(action, arn)

    monkeypatch.setattr(world, "evaluated", once)
    assert world.ids() == ["trigger-permissions", "not-looked"]


DENY = {"EvalDecision": "explicitDeny"}
BOUNDARY = {
    "EvalDecision": "implicitDeny",
    "PermissionsBoundaryDecisionDetail": {"AllowedByPermissionsBoundary": False},
}
ALLOWED_BY_BOUNDARY = {
    "EvalDecision": "implicitDeny",
    "PermissionsBoundaryDecisionDetail": {"AllowedByPermissionsBoundary": True},
}
LACKING = {"MissingContextValues": ["aws:SourceVpc"]}


@pytest.mark.parametrize(
    ("told", "id_"),
    [
        ({**DENY, **LACKING}, "not-looked"),
        ({**BOUNDARY, **LACKING}, "not-looked"),
        ({**ALLOWED_BY_BOUNDARY, **LACKING}, "trigger-permissions"),
        ({"EvalDecision": "implicitDeny", **LACKING}, "trigger-permissions"),
        ({**DENY, "MissingContextValues": []}, "trigger-permissions"),
        (BOUNDARY, "trigger-permissions"),
    ],
)
@pytest.mark.parametrize("in_parts", [False, True])
def test_a_denial_by_what_only_a_real_call_tells_is_no_refusal(
    world: World, monkeypatch: pytest.MonkeyPatch, told: dict[str, Any], id_: str, *, in_parts: bool
) -> None:
    """A Deny or a boundary may ask for a key that a simulated call lacks: nobody knows, and it is said."""
    tell = world.evaluated

    def denied(action: str, arn: str) -> dict[str, Any]:
        if action != START:
            return tell(action, arn)
        if not in_parts:
            return {**tell(action, arn), **told}
        part = {"EvalResourceName": arn, **told}
        part["EvalResourceDecision"] = part.pop("EvalDecision")
        return {**tell(action, arn), "ResourceSpecificResults": [part]}

    monkeypatch.setattr(world, "evaluated", denied)
    finding = world.only()
    assert finding.id == id_
    if id_ == "not-looked":
        assert (
            f"of {plan_arn('Checkout')} was not answered (for {START} it needs to know aws:Sour"
            in finding.text
        )


def test_iam_is_told_the_region(world: World) -> None:
    """Accounts that are kept to Regions deny everything that names none."""
    assert world.found() == []
    entries = [arguments["ContextEntries"][1] for name, arguments in world.questions if "simulate" in name]
    assert {(entry["ContextKeyName"], *entry["ContextKeyValues"]) for entry in entries} == {
        ("aws:RequestedRegion", REGION)
    }
