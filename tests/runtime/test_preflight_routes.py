"""Each live alias lets CloudWatch in, and loses no failed event."""

from __future__ import annotations

import json
from typing import Any

import pytest
from incidents_runtime.smoke_test.settings import Trigger

from tests.runtime.preflight_world import ACCOUNT, ALIASES, QUEUE, World


def policy(**change: Any) -> str:
    """Return an alias's policy as CDK makes it."""
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "lambda.alarms.cloudwatch.amazonaws.com"},
        "Action": "lambda:InvokeFunction",
        "Resource": f"{ALIASES}:Critical",
        "Condition": {"StringEquals": {"AWS:SourceAccount": ACCOUNT}},
    }
    return json.dumps({"Version": "2012-10-17", "Id": "default", "Statement": [{**statement, **change}]})


@pytest.fixture
def world() -> World:
    """Return an account with one live alias."""
    world = World()
    world.routes("Critical")
    world.policies["Critical"] = policy()
    world.destinations["Critical"] = {"DestinationConfig": {"OnFailure": {"Destination": QUEUE}}}
    return world


def test_an_alias_as_it_is_deployed(world: World) -> None:
    """Permission and destination as our constructs make them are no finding."""
    assert world.found() == []
    assert world.asked["get_policy"] == 1


def test_a_test_without_a_trigger_asks_nothing(world: World) -> None:
    """Without a trigger there is no alias to look at."""
    world.look_at(trigger=None)
    assert world.found() == []
    assert world.asked["get_policy"] == 0


def test_an_alias_that_is_still_to_come(world: World) -> None:
    """On a first deployment live aliases come after the test, which says nothing of them."""
    world.routes("Critical", "Coming")
    assert world.found() == []


@pytest.mark.parametrize(
    "change",
    [
        {"Principal": {"Service": "events.amazonaws.com"}},
        {"Condition": {"StringEquals": {"AWS:SourceAccount": "444455556666"}}},
        {"Resource": f"{ALIASES}:Other"},
    ],
)
def test_an_alias_that_shuts_the_alarms_out(world: World, change: dict[str, Any]) -> None:
    """Another service, account or alias in the policy lets no alarm of this account in."""
    world.policies["Critical"] = policy(**change)
    finding = world.only()
    assert (finding.id, finding.plan) == ("route-permission", "")
    assert "the alias Critical of incidents must let lambda.alarms.cloudwatch.amazonaws.com" in finding.text
    assert f"--source-account {ACCOUNT}" in finding.remedy


def test_an_alias_without_any_policy(world: World) -> None:
    """An alias that has its settings but no policy exists, and lets nobody in."""
    world.policies.clear()
    assert world.ids() == ["route-permission"]


@pytest.mark.parametrize(
    "settings",
    [{}, {"DestinationConfig": {}}, {"DestinationConfig": {"OnFailure": {}}}],
)
def test_an_alias_without_a_destination(world: World, settings: dict[str, Any]) -> None:
    """What fails at an alias without a destination is dropped by Lambda."""
    world.destinations["Critical"] = settings
    finding = world.only()
    assert finding.id == "route-destination"
    assert "must go to the trigger's retry queue (it goes nowhere" in finding.text


def test_an_alias_without_settings(world: World) -> None:
    """An alias that has its policy but no settings exists, and drops what fails."""
    world.destinations.clear()
    assert world.ids() == ["route-destination"]


def test_an_alias_with_another_destination(world: World) -> None:
    """Another queue is read by nobody here."""
    world.destinations["Critical"] = {"DestinationConfig": {"OnFailure": {"Destination": f"{QUEUE}-2"}}}
    assert f"(it goes to {QUEUE}-2," in world.only().text


def test_a_trigger_of_another_stack_has_some_queue(world: World) -> None:
    """Where the queue is not known any will do, and none will not."""
    world.look_at(trigger=Trigger("incidents", "", ("Critical",)))
    assert world.found() == []
    world.destinations["Critical"] = {}
    assert world.ids() == ["route-destination"]


def test_one_route_that_is_not_told_of_hides_no_other(world: World) -> None:
    """A policy that AWS does not give keeps no other question from being asked."""
    world.routes("Critical", "Second")
    world.errors["get_policy"] = PermissionError("denied")
    finding = world.only()
    assert finding.id == "not-looked"
    assert "lambda:GetPolicy of incidents:Critical and 1 more" in finding.text
