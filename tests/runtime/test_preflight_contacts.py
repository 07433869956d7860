"""Everybody whom a plan reaches has channels, and has activated them."""

from __future__ import annotations

import pytest
from incidents_runtime.smoke_test.settings import Plan

from tests.runtime.preflight_world import World, contact_arn, plan_arn


@pytest.fixture
def world() -> World:
    """Return an account without a plan."""
    return World()


def covered(world: World, alias: str, *members: str) -> str:
    """Return a schedule whose one rotation has somebody on call all week."""
    rotation = world.rotation(f"{alias}s", *members)
    world.turn(rotation, -1, 200, members[0])
    return world.schedule(alias, rotation)


def test_all_are_found_through_escalation_and_rotation(world: World) -> None:
    """A person behind an escalation plan, a schedule and a rotation is looked at as one who is engaged."""
    people = [world.person(name, sms="NOT_ACTIVATED") for name in ("ada", "grace", "barbara")]
    on_call = covered(world, "on-call", *people[:2])
    world.plan(engagements=[world.escalation("lead", on_call, people[2])])
    findings = world.found()
    assert [finding.id for finding in findings] == ["channel-not-activated"] * 3
    assert [finding.text.split()[2] for finding in findings] == ["barbara", "ada", "grace"]


def test_each_contact_is_asked_once(world: World) -> None:
    """However many plans and rotations name a person, AWS is asked once, and the finding is one."""
    ada = world.person("ada", sms="NOT_ACTIVATED")
    for name in ("A", "B", "C", "D", "E"):
        world.plan(name, engagements=[ada, world.escalation(f"via-{name.lower()}", ada)])
    finding = world.only()
    assert finding.text.endswith("(plan A, B, C and 2 more)")
    assert (finding.plan, finding.also) == ("A", ("B", "C", "D", "E"))
    assert (world.asked["get_contact"], world.asked["list_contact_channels"]) == (6, 1)


def test_three_plans_are_named_in_full(world: World) -> None:
    """Up to three plans stand in the text, and no number of others."""
    ada = world.person("ada", sms="NOT_ACTIVATED")
    for name in ("A", "B", "C"):
        world.plan(name, engagements=[ada])
    assert world.only().text.endswith("(plan A, B, C)")


def test_a_plan_that_leads_back_to_itself_ends(world: World) -> None:
    """Two escalation plans that engage each other are walked once."""
    world.escalation("two", contact_arn("one"))
    world.plan(engagements=[world.escalation("one", contact_arn("two"))])
    assert world.found() == []


def test_a_channel_that_is_not_activated(world: World) -> None:
    """A silent channel is told with contact and remedy; the others still page."""
    world.plan(engagements=[world.person("ada", sms="ACTIVATED", mail="NOT_ACTIVATED", voice="ACTIVATED")])
    finding = world.only()
    assert finding.id == "channel-not-activated"
    assert finding.text == "the contact ada must have activated 'mail' (not activated) (plan Checkout)"
    assert "activate-contact-channel" in finding.remedy


def test_a_contact_without_any_active_channel_is_told_so(world: World) -> None:
    """Where all channels are silent, the text says that nothing reaches the person."""
    world.plan(engagements=[world.person("ada", sms="NOT_ACTIVATED", mail="NOT_ACTIVATED")])
    assert world.only().text == (
        "the contact ada must have activated 'sms', 'mail' (not activated: no page at all reaches this"
        " contact) (plan Checkout)"
    )


def test_a_contact_that_is_not_there(world: World) -> None:
    """The one who engages a missing contact is named."""
    world.plan(engagements=[world.escalation("lead", contact_arn("gone"))])
    finding = world.only()
    assert finding.id == "contact-missing"
    assert f"the contact {contact_arn('gone')} must exist, which lead engages" in finding.text


def test_a_contact_without_channels(world: World) -> None:
    """A person whose stages page by no channel is reached by nobody."""
    world.plan(engagements=[world.person("ada")])
    finding = world.only()
    assert finding.id == "contact-without-channels"
    assert "the contact ada must be paged by a channel" in finding.text


def test_a_stage_that_pages_somebody_else_is_no_channel(world: World) -> None:
    """A target of a person's plan that is no channel counts for none."""
    ada = world.person("ada")
    target = {"ContactTargetInfo": {"IsEssential": False}}
    world.contacts[ada]["Plan"] = {"Stages": [{"DurationInMinutes": 1, "Targets": [target]}]}
    world.plan(engagements=[ada])
    assert world.ids() == ["contact-without-channels"]


def test_an_escalation_plan_without_contacts(world: World) -> None:
    """An escalation plan whose stages engage nobody is a dead end."""
    world.plan(engagements=[world.escalation("lead")])
    finding = world.only()
    assert finding.id == "contact-without-channels"
    assert "the escalation plan lead" in finding.text


def test_a_channel_that_is_not_there(world: World) -> None:
    """A stage may name a channel that was deleted; the one that remains is looked at."""
    ada = world.person("ada", sms="ACTIVATED", mail="ACTIVATED")
    del world.channels[ada][0]
    world.plan(engagements=[ada])
    finding = world.only()
    assert finding.id == "channel-missing"
    assert "contact-channel/ada/sms" in finding.text


def test_channels_come_in_pages(world: World) -> None:
    """The channel of the last page is found."""
    names = {f"c{number}": "ACTIVATED" for number in range(9)}
    world.plan(engagements=[world.person("ada", **names)])
    assert world.found() == []
    assert world.asked["list_contact_channels"] == 5


def test_the_service_may_write_a_channel_in_two_ways(world: World) -> None:
    """`contactchannel` and `contact-channel` are the same in the service's references."""
    ada = world.person("ada", sms="ACTIVATED")
    target = world.contacts[ada]["Plan"]["Stages"][0]["Targets"][0]["ChannelTargetInfo"]
    target["ContactChannelId"] = target["ContactChannelId"].replace("contact-channel", "contactchannel")
    world.plan(engagements=[ada])
    assert world.found() == []


def test_what_a_later_stack_brings_is_mended_by_it(world: World) -> None:
    """Whom only plans of a later stack reach may be missing until then."""
    world.plan("Later", engagements=[contact_arn("gone")])
    world.look_at(Plan("Later", plan_arn("Later"), later=True))
    finding = world.only()
    assert (finding.id, finding.plan, finding.mends_later) == ("contact-missing", "Later", True)


def test_whom_an_earlier_plan_reaches_is_judged_by_it(world: World) -> None:
    """A later plan that reaches the same contact takes nothing from the fault of the earlier one."""
    world.plan("Later", engagements=[contact_arn("gone")])
    world.look_at(Plan("Later", plan_arn("Later"), later=True))
    world.plan("Now", engagements=[contact_arn("gone")])
    finding = world.only()
    assert (finding.plan, finding.also, finding.mends_later) == ("Now", (), False)


def test_a_contact_of_another_region_is_not_said_to_be_missing(world: World) -> None:
    """Contacts are Regional, and the test asks one Region: it says so, once."""
    world.plan(engagements=[contact_arn("ada", "eu-west-1"), contact_arn("grace", "eu-west-1")])
    finding = world.only()
    assert finding.id == "not-looked"
    assert f"{contact_arn('ada', 'eu-west-1')} and 1 more is of another Region" in finding.text
    assert world.asked["get_contact"] == 0


def test_a_rotation_that_is_not_there_is_no_reason_to_stop(world: World) -> None:
    """The other rotation's people are still looked at."""
    ada = world.person("ada", sms="NOT_ACTIVATED")
    rotation = world.rotation("there", ada)
    world.turn(rotation, 0, 200, ada)
    world.plan(engagements=[world.schedule("on-call", f"{rotation}-gone", rotation)])
    assert world.ids() == ["contact-missing", "channel-not-activated"]
