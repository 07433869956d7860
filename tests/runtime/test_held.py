"""What is held back is remembered, and starts when the hold ends, unless its cause has gone."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ReadTimeoutError
from incidents_runtime.admission import Outcome
from incidents_runtime.signals import read
from incidents_runtime.suppression import Hold

from tests.runtime.fakes import NOW, ROUTES, THROTTLED, FakeContext, World, alarm, refusal

UNREACHABLE = refusal("ProvisionedThroughputExceededException")
WINDOW = Hold("the switch", NOW + timedelta(hours=1))
HELD = Outcome("suppressed", reason="the switch", held=True, until=WINDOW.until)
GONE = Outcome("suppressed", reason="the cause was gone when the switch ended")


def new_world(*, stands: bool | None = None, **changes: Any) -> World:
    """Make a world in which something holds every incident back."""
    world = World(routes=(replace(ROUTES[0], **changes), *ROUTES[1:]))
    world.hold, world.stands = WINDOW, stands
    return world


def admitted(world: World, event: dict[str, Any]) -> Outcome:
    """Admit an event's only signal."""
    (signal,) = read(event, world.clock.now())
    context = FakeContext(world.clock, "Critical")
    route = world.routes["Critical"]
    return world.admission.admit(signal, route, context.invoked_function_arn, context.deadline())


def test_a_held_signal_starts_nothing_and_is_remembered() -> None:
    """With what holds it and until when; asked again it is written down once."""
    world = new_world()
    assert admitted(world, alarm()) == HELD
    assert admitted(world, alarm()) == HELD
    assert world.service.calls == []
    assert len(world.table.called("PutItem")) == 1
    (held,) = world.entry()["held"]["L"]
    assert held["S"].endswith(" the switch")


def test_when_the_hold_ends_what_stands_starts_with_a_note() -> None:
    """Since when it was held, and by what; its duplicate joins without one."""
    world = new_world()
    admitted(world, alarm())
    world.hold = None
    world.clock.time += timedelta(hours=1)
    assert admitted(world, alarm()).happened == "started"
    assert admitted(world, alarm()).happened == "joined"
    ((_, note),) = world.service.notes
    assert note == '"held back since 2026-03-05 12:00:00 UTC by the switch"'


@pytest.mark.parametrize("stands", [True, None])
def test_a_cause_that_stands_or_that_nobody_knows_of_starts(*, stands: bool | None) -> None:
    """When in doubt, start."""
    world = new_world(stands=stands)
    admitted(world, alarm())
    world.hold = None
    assert admitted(world, alarm()).happened == "started"


def test_a_cause_that_recovered_in_the_window_starts_nothing() -> None:
    """Nor does any duplicate of its alarm, by whatever way it comes."""
    world = new_world()
    admitted(world, alarm())
    assert admitted(world, alarm(state="OK", at=1)).happened == "ignored"
    assert admitted(world, alarm()) == GONE
    world.hold = None
    assert [admitted(world, alarm()) for _ in range(2)] == [GONE, GONE]
    assert world.service.records == {}


def test_a_recovery_at_the_time_of_its_alarm_leaves_a_doubt() -> None:
    """So it starts."""
    world = new_world()
    admitted(world, alarm(at=1))
    admitted(world, alarm(state="OK", at=1))
    world.hold = None
    assert admitted(world, alarm(at=1)).happened == "started"


def test_a_cause_that_its_source_knows_to_be_gone_starts_nothing() -> None:
    """CloudWatch says so: the recovery never came, or the route is told of none."""
    world = new_world(stands=False)
    admitted(world, alarm())
    world.hold = None
    assert [admitted(world, alarm()) for _ in range(2)] == [GONE, GONE]


def test_its_source_is_asked_only_about_what_was_held() -> None:
    """An alarm that comes now says by itself that it stands."""
    world = new_world(stands=False)
    world.hold = None
    assert admitted(world, alarm()).happened == "started"


def test_of_a_flapping_alarm_only_the_last_state_counts() -> None:
    """However often it changed in the window, and more often than is remembered."""
    world = new_world()
    events = [alarm(at=second) for second in range(0, 120, 2)]
    for second, event in enumerate(events):
        admitted(world, event)
        admitted(world, alarm(state="OK", at=2 * second + 1))
    events.append(alarm(at=200))
    admitted(world, events[-1])
    world.hold = None
    outcomes = [admitted(world, event) for event in events]
    assert [outcome.happened for outcome in outcomes] == [*["suppressed"] * 60, "started"]
    assert outcomes[0].reason == "the cause was gone when a suppression ended"
    assert len(world.service.open_records()) == 1


def test_what_has_an_incident_is_not_held() -> None:
    """Joins and duplicates page nobody; recoveries pass always."""
    world = new_world()
    world.hold = None
    admitted(world, alarm())
    world.hold = WINDOW
    assert admitted(world, alarm()).happened == "joined"
    assert admitted(world, alarm(at=1)).happened == "joined"
    assert admitted(world, alarm(state="OK", at=2)).happened == "resolved"
    assert admitted(world, alarm(at=3)) == HELD


def test_held_signals_of_a_group_join_what_the_first_of_them_starts() -> None:
    """One incident when the window ends, and each cause of it known."""
    world = new_world(dedupe_key="all of {region}")
    assert [admitted(world, alarm(name)).happened for name in "ABC"] == ["suppressed"] * 3
    admitted(world, alarm("B", "OK", at=1))
    world.hold = None
    assert [admitted(world, alarm(name)).happened for name in "ABC"] == ["started", "joined", "joined"]
    admitted(world, alarm("A", "OK", at=2))
    assert admitted(world, alarm("C", "OK", at=2)).happened == "resolved"


def test_a_hold_needs_no_ledger() -> None:
    """What nobody could write down starts when it comes again: when in doubt."""
    world = new_world(stands=False)
    world.table.fail("GetItem", UNREACHABLE)
    assert admitted(world, alarm()) == HELD
    world.hold = None
    assert admitted(world, alarm()).happened == "started"


def test_a_hold_that_others_write_beside_is_written() -> None:
    """The entry changed in between: it is read again."""
    world = new_world()
    world.table.fail("PutItem", refusal("ConditionalCheckFailedException"))
    assert admitted(world, alarm()) == HELD
    assert len(world.entry()["held"]["L"]) == 1


def test_the_name_of_a_hold_is_bounded() -> None:
    """It is other people's text, and stands in a small item."""
    world = new_world()
    world.hold = Hold("x\n" * 5_000, WINDOW.until)
    admitted(world, alarm())
    assert len(world.entry()["held"]["L"][0]["S"]) < 300


def test_a_note_that_is_not_written_costs_nothing_else() -> None:
    """There is an incident, which is what matters."""
    world = new_world()
    admitted(world, alarm())
    world.hold = None
    world.service.fail("CreateTimelineEvent", THROTTLED, ReadTimeoutError(endpoint_url="x"))
    assert admitted(world, alarm()).happened == "started"
