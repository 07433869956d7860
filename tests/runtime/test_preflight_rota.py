"""Somebody is on call: now, and all week, over all rotations of a schedule."""

from __future__ import annotations

from typing import Any

import pytest

from tests.runtime.preflight_world import World, contact_arn


@pytest.fixture
def world() -> World:
    """Return an account with one person."""
    world = World()
    world.person("ada", sms="ACTIVATED")
    return world


ADA = contact_arn("ada")


def engage(world: World, *rotations: str) -> None:
    """Have a schedule of these rotations engaged."""
    world.plan(engagements=[world.schedule("on-call", *rotations)])


def test_turns_without_a_gap_are_no_finding(world: World) -> None:
    """A week of turns, page after page, leaves nobody waiting."""
    rotation = world.rotation("daily", ADA)
    for day in range(8):
        world.turn(rotation, day * 24, (day + 1) * 24, ADA)
    world.turn(rotation, -10, 0, ADA)
    engage(world, rotation)
    assert world.found() == []
    assert world.asked["list_rotation_shifts"] >= 5


def test_all_that_is_asked_for_is_the_next_seven_days(world: World) -> None:
    """A gap on the eighth day is none."""
    rotation = world.rotation("daily", ADA)
    world.turn(rotation, 0.001, 7 * 24 + 1, ADA)
    world.turn(rotation, -2, 0.001, ADA)
    engage(world, rotation)
    assert world.found() == []


@pytest.mark.parametrize(
    ("recurrence", "hours"),
    [
        ({"DailySettings": [{"HourOfDay": 9, "MinuteOfHour": 0}]}, 24),
        ({"WeeklySettings": [{"DayOfWeek": "MON", "HandOffTime": {"HourOfDay": 9, "MinuteOfHour": 0}}]}, 168),
        ({"MonthlySettings": [{"DayOfMonth": 1, "HandOffTime": {"HourOfDay": 9, "MinuteOfHour": 0}}]}, 744),
    ],
)
def test_a_turn_that_began_long_ago_is_found(world: World, recurrence: dict[str, Any], hours: int) -> None:
    """Whoever is on call since before the time that was asked for is on call, by every recurrence."""
    rotation = world.rotation("long", ADA, **recurrence, RecurrenceMultiplier=2)
    world.turn(rotation, -2 * hours, 200, ADA)
    engage(world, rotation)
    assert world.found() == []


@pytest.mark.parametrize(("begins", "ids"), [(-1000, []), (1, ["nobody-on-call"])])
def test_no_more_is_asked_than_needed(world: World, begins: float, ids: list[str]) -> None:
    """Where the answer shows who is on call now, or nobody can be yet, the past is not asked for."""
    world.lists_running_shifts = True
    rotation = world.rotation("daily", ADA, begins=begins)
    world.turn(rotation, max(begins, -1), 300, ADA)
    engage(world, rotation)
    assert world.ids() == ids
    assert world.asked["list_rotation_shifts"] == 1


def test_nobody_is_on_call_now(world: World) -> None:
    """A turn that begins later leaves now to nobody, until then."""
    rotation = world.rotation("late", ADA)
    world.turn(rotation, 5, 300, ADA)
    engage(world, rotation)
    finding = world.only()
    assert (finding.id, finding.plan, finding.mends_later) == ("nobody-on-call", "Checkout", False)
    assert f"nobody is until {world.at(5):%Y-%m-%d %H:%M} UTC" in finding.text
    assert "create-rotation-override" in finding.remedy


def test_nobody_is_on_call_all_week(world: World) -> None:
    """An empty week is one finding, not a gap beside it."""
    engage(world, world.rotation("empty", ADA))
    finding = world.only()
    assert finding.id == "nobody-on-call"
    assert "nobody is in all of the next 7 days" in finding.text


def test_a_schedule_without_rotations(world: World) -> None:
    """A schedule that has no rotation never has anybody on call."""
    engage(world)
    finding = world.only()
    assert finding.id == "nobody-on-call"
    assert "it has no rotation" in finding.text


def test_a_rotation_that_has_not_begun_is_mended_by_time(world: World) -> None:
    """Before the first rotation begins nobody can be on call, and the text says when it does."""
    first, second = (world.rotation(f"from-{begins}", ADA, begins=begins) for begins in (30, 20))
    world.turn(second, 20, 300, ADA)
    engage(world, first, second)
    finding = world.only()
    assert (finding.id, finding.mends_later) == ("nobody-on-call", True)
    assert f"its first rotation begins at {world.at(20):%Y-%m-%d %H:%M} UTC" in finding.text
    assert finding.remedy.startswith("wait until then")


def test_one_rotation_that_has_begun_is_enough_to_be_at_fault(world: World) -> None:
    """Where a rotation runs and has nobody, waiting for another's begin is no excuse."""
    late = world.rotation("late", ADA, begins=20)
    world.turn(late, 20, 300, ADA)
    engage(world, late, world.rotation("running", ADA))
    assert world.only().mends_later is False


def test_gaps_are_told_with_their_number(world: World) -> None:
    """The first gap is told with its times, and how many more there are."""
    rotation = world.rotation("daily", ADA)
    for begin, end in ((-1, 20), (30, 40), (50, 60), (70, 300)):
        world.turn(rotation, begin, end, ADA)
    engage(world, rotation)
    finding = world.only()
    assert finding.id == "rota-gap"
    first, last = (f"{world.at(hours):%Y-%m-%d %H:%M} UTC" for hours in (20, 30))
    assert f"nobody is from {first} to {last}, and 2 times more within 7 days)" in finding.text


def test_a_gap_now_and_one_later_are_two_findings(world: World) -> None:
    """That nobody is on call now does not hide that nobody will be later."""
    rotation = world.rotation("daily", ADA)
    world.turn(rotation, 5, 20, ADA)
    world.turn(rotation, 30, 300, ADA)
    engage(world, rotation)
    now, later = world.found()
    assert (now.id, later.id) == ("nobody-on-call", "rota-gap")
    assert f" to {world.at(30):%Y-%m-%d %H:%M} UTC) (plan Checkout)" in later.text


def test_two_gaps_are_told_as_two(world: World) -> None:
    """Beside the first gap there is one more, and it is counted."""
    rotation = world.rotation("daily", ADA)
    for begin, end in ((-1, 20), (30, 40), (50, 300)):
        world.turn(rotation, begin, end, ADA)
    engage(world, rotation)
    assert ", and 1 times more within 7 days) (plan" in world.only().text


def test_rotations_of_a_schedule_fill_each_others_gaps(world: World) -> None:
    """A gap is one only if no rotation of the schedule has anybody."""
    day, night = world.rotation("day", ADA), world.rotation("night", ADA)
    world.turn(day, -1, 20, ADA)
    world.turn(night, 19, 300, ADA)
    engage(world, day, night)
    assert world.found() == []


def test_a_second_between_turns_is_no_gap(world: World) -> None:
    """Turns that end a moment before the next begins have no gap; a minute is one."""
    rotation = world.rotation("daily", ADA)
    world.turn(rotation, -1, 10 - 59 / 3600, ADA)
    world.turn(rotation, 10, 300, ADA)
    engage(world, rotation)
    assert world.found() == []
    world.shifts[rotation][0]["EndTime"] = world.at(10 - 60 / 3600)
    assert world.ids() == ["rota-gap"]


def test_an_override_stands_in(world: World) -> None:
    """Who stands in for a gap's hours fills it."""
    rotation = world.rotation("daily", ADA)
    world.turn(rotation, -1, 10, ADA, kind=None)
    world.turn(rotation, 10, 300, ADA, kind="OVERRIDDEN")
    engage(world, rotation)
    assert world.found() == []


def test_an_override_to_nobody_is_a_gap(world: World) -> None:
    """An override may name nobody, and then nobody answers, whatever the turn below says."""
    rotation = world.rotation("daily", ADA)
    world.turn(rotation, -1, 300, ADA)
    world.turn(rotation, 10, 20, kind="OVERRIDDEN")
    engage(world, rotation)
    assert world.ids() == ["rota-gap"]


def test_a_turn_of_nobody_covers_nothing(world: World) -> None:
    """A shift without contacts leaves its hours to nobody."""
    rotation = world.rotation("daily", ADA)
    world.turn(rotation, -1, 300)
    engage(world, rotation)
    assert world.ids() == ["nobody-on-call"]


def test_a_schedule_that_aws_does_not_tell_of_is_not_accused(world: World) -> None:
    """Without the shifts nobody can say that nobody is on call."""
    engage(world, world.rotation("daily", ADA))
    world.errors["list_rotation_shifts"] = PermissionError("denied")
    assert world.ids() == ["not-looked"]


def test_schedules_that_are_elsewhere_or_gone_are_left_to_others(world: World) -> None:
    """A schedule of another Region, and one that is not there, are not looked at for turns."""
    world.plan(engagements=[contact_arn("there", "eu-west-1"), contact_arn("gone")])
    assert world.ids() == ["contact-missing", "not-looked"]
    assert world.asked["get_contact"] == 1
