"""What AWS does not answer is said, in few words, and never waited for beyond the time."""

from __future__ import annotations

import time
from types import SimpleNamespace
from typing import Any

import pytest
from incidents_runtime.smoke_test import preflight as looked
from incidents_runtime.smoke_test import preflight_answers as answers
from incidents_runtime.smoke_test import preflight_plans
from incidents_runtime.smoke_test.clients import Clients

from tests.runtime.preflight_world import ACCOUNT, World, contact_arn, error, plan_arn


@pytest.fixture
def world() -> World:
    """Return an account whose plan reaches three people."""
    world = World()
    world.plan(engagements=[world.person(name, sms="ACTIVATED") for name in ("ada", "grace", "barbara")])
    return world


def test_what_is_denied_is_soon_asked_no_more_and_said_once(world: World) -> None:
    """After three denials it is not asked of the next person; one finding names it and the first of them."""
    people = [world.person(name, Mobile="ACTIVATED") for name in ("dan", "eve")]
    world.plans[plan_arn("Checkout")]["engagements"] += people
    world.errors["get_contact"] = error("AccessDeniedException", 403)
    finding = world.only()
    assert (finding.id, finding.plan, world.asked["get_contact"]) == ("not-looked", "", 3)
    assert finding.text.startswith(
        f"ssm-contacts:GetContact of {contact_arn('ada')} and 4 more was not answered (AccessDeniedException"
    )
    assert "ssm-contacts:GetContact" in finding.remedy


def test_a_denial_of_one_person_hides_no_other(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whom somebody put into the plan by hand the role need not know: the app's own people are looked at."""
    stranger, gone = contact_arn("stranger"), contact_arn("gone")
    engaged = world.plans[plan_arn("Checkout")]["engagements"]
    world.plans[plan_arn("Checkout")]["engagements"] = [stranger, *engaged, gone]
    tell = world.get_contact

    def denied(*, ContactId: str) -> dict[str, Any]:  # noqa: N803
        if ContactId == stranger:
            raise error("AccessDeniedException", 403)
        return tell(ContactId=ContactId)

    monkeypatch.setattr(world, "get_contact", denied)
    assert world.ids() == ["contact-missing", "not-looked"]


def test_a_denied_operation_keeps_no_other_from_being_asked(world: World) -> None:
    """Whoever may not list channels may still be told that nobody is there."""
    world.plans[plan_arn("Checkout")]["engagements"].append(contact_arn("gone"))
    world.errors["list_contact_channels"] = error("AccessDeniedException", 403)
    assert world.ids() == ["contact-missing", "not-looked"]


def test_a_denial_in_another_account_is_none_in_this(world: World) -> None:
    """The people of another account's plan may be out of reach; our own are looked at."""
    theirs = [contact_arn(name).replace(ACCOUNT, "444455556666") for name in ("eve", "mallory")]
    ours = world.plans[plan_arn("Checkout")]["engagements"]
    world.plans[plan_arn("Checkout")]["engagements"] = [*theirs, *ours, contact_arn("gone")]
    world.denied_accounts = {"444455556666"}
    missing, denied = world.found()
    assert missing.id == "contact-missing"
    assert denied.text.startswith(f"ssm-contacts:GetContact of {theirs[0]} and 1 more was not answered")
    assert world.asked["get_contact"] == 6


def test_throttling_that_outlasts_patience_is_not_met_again(world: World) -> None:
    """An operation that stays throttled is given up like one that is denied."""
    world.errors["list_contact_channels"] = error("ThrottlingException", 429)
    assert world.ids() == ["not-looked"]
    assert world.asked["list_contact_channels"] == 1


def test_one_that_is_refused_for_itself_is_not_the_end(world: World) -> None:
    """What is wrong with one contact says nothing of the next."""
    world.errors["list_contact_channels"] = error("DataEncryptionException")
    assert world.ids() == ["not-looked"]
    assert world.asked["list_contact_channels"] == 3


def test_no_question_begins_when_the_time_is_over(world: World) -> None:
    """Without time nothing is asked, and one finding says so."""
    finding = world.found(longest_s=-1)[0]
    assert world.asked.total() == 0
    assert finding.id == "not-looked"
    assert finding.text == (
        f"no time was left to ask ssm-incidents:ListReplicationSets; ssm-incidents:GetResponsePlan of"
        f" {plan_arn('Checkout')}; cloudwatch:DescribeAlarms of {plan_arn('')}"
    )
    assert "SmokeTest(timeout=" in finding.remedy


def test_the_time_of_the_run_ends_the_look(world: World) -> None:
    """When the clients let no call begin any more, nothing is asked again, and one finding says it all."""
    world.errors["get_contact"] = TimeoutError("no time is left to ask AWS")
    finding = world.only()
    assert (finding.id, world.asked["get_contact"]) == ("not-looked", 1)
    assert f"ssm-contacts:GetContact of {contact_arn('ada')} and 2 more" in finding.text


def test_a_thousand_people_end_in_time(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many there are to ask, at a tenth of a second each, the look ends after its minute."""
    members = [world.person(f"p{number}", sms="ACTIVATED") for number in range(1200)]
    rotations = [world.rotation(f"r{number}", *members[number * 30 :][:30]) for number in range(40)]
    schedules = [world.schedule(f"s{number}", *rotations[number * 8 :][:8]) for number in range(5)]
    world.plans[plan_arn("Checkout")]["engagements"] = [
        world.escalation(f"e{number}", schedule) for number, schedule in enumerate(schedules)
    ]
    now = iter(range(100_000))
    monkeypatch.setattr(answers, "time", SimpleNamespace(monotonic=lambda: next(now) / 10))
    monkeypatch.setattr(looked, "time", SimpleNamespace(monotonic=lambda: 0.0))
    findings = world.found()
    assert {finding.id for finding in findings} <= {"not-looked", "nobody-on-call"}
    assert 590 < world.asked.total() <= 601
    assert findings[-1].text.startswith("no time was left to ask ssm-contacts:")


def test_the_same_question_is_asked_once(world: World) -> None:
    """Each check may ask what another has asked already."""
    assert world.found() == []
    assert (world.asked["get_response_plan"], world.asked["get_contact"]) == (1, 3)


def test_a_page_that_is_not_told_of_is_named_by_its_contact(world: World) -> None:
    """What a question was about is said without the tokens of its pages."""
    ada = world.person("ada", **{f"c{number}": "ACTIVATED" for number in range(5)})
    world.channels[ada][4]["ActivationStatus"] = "NOT_ACTIVATED"
    answer = world.list_contact_channels

    def first_page_only(*, ContactId: str, NextToken: str = "0") -> dict[str, Any]:  # noqa: N803
        if NextToken != "0":
            raise error("ThrottlingException", 429)
        return answer(ContactId=ContactId)

    world.list_contact_channels = first_page_only  # type: ignore[method-assign]
    assert world.only().text.startswith(f"ssm-contacts:ListContactChannels of {ada} ")


def test_a_token_that_comes_again_ends_the_list() -> None:
    """A list whose pages lead round is read once, and no longer."""
    pages = {"": ("a", "1"), "1": ("b", "2"), "2": ("c", "1")}
    asked: list[str] = []

    def operation(*, NextToken: str = "") -> dict[str, Any]:  # noqa: N803
        asked.append(NextToken)
        item, token = pages[NextToken]
        return {"Items": [{"name": item}], "NextToken": token}

    assert [item["name"] for item in answers.every(operation, "Items")] == ["a", "b", "c"]
    assert asked == ["", "1", "2"]


def test_without_a_region_nothing_is_elsewhere() -> None:
    """A test that does not know its Region asks for all."""
    none = SimpleNamespace()
    clients = Clients(none, none, none, none, none, none, none, none, region="")
    assert answers.Answers(clients, time.monotonic()).elsewhere(contact_arn("ada", "eu-west-1")) is False


def test_a_check_that_breaks_is_said_and_the_next_is_made(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A fault of ours is a finding, never a crash."""
    monkeypatch.setattr(preflight_plans, "_tells", lambda _: 1 / 0)
    world.plans[plan_arn("Checkout")]["engagements"].append(contact_arn("gone"))
    broken, missing = world.found()
    assert "the preflight plans could not be made: ZeroDivisionError" in broken.text
    assert (broken.id, missing.id) == ("not-looked", "contact-missing")


def test_without_a_replication_set_nothing_else_is_looked_at(world: World) -> None:
    """Where the service is not at home each plan would seem to be missing."""
    world.replication_set = None
    assert world.ids() == ["replication-set-missing"]
    assert world.asked["get_response_plan"] == 0


def test_a_replication_set_that_is_not_told_of_stops_nothing(world: World) -> None:
    """What may not be read need not be wrong."""
    world.errors["list_replication_sets"] = error("AccessDeniedException", 403)
    world.plans.clear()
    assert world.ids() == ["plan-missing", "not-looked"]


def test_a_replication_set_that_vanishes_meanwhile_stops_nothing(world: World) -> None:
    """A look that breaks is no reason not to look at the rest."""
    world.errors["get_replication_set"] = error("ResourceNotFoundException", 404)
    world.plans.clear()
    broken, missing = world.found()
    assert "the preflight replication set could not be made" in broken.text
    assert missing.id == "plan-missing"


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ({}, []),
        ({"status": "UPDATING"}, []),
        ({"status": "CREATING"}, ["replication-set-not-active"]),
        ({"status": "DELETING"}, ["replication-set-not-active"]),
        ({"status": "FAILED"}, ["replication-set-not-active"]),
        ({"regionMap": {}}, ["region-not-in-set"]),
        ({"region": "CREATING"}, ["replication-set-not-active"]),
    ],
)
def test_the_replication_set_must_serve_here(world: World, change: dict[str, Any], found: list[str]) -> None:
    """The set and its Region must be active; while others are taken in, what counts is its own."""
    assert world.replication_set is not None
    region = change.pop("region", None)
    if region:
        world.replication_set["regionMap"]["us-east-1"]["status"] = region
    world.replication_set.update(change)
    assert world.ids() == found
