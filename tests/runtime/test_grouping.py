"""A deduplication key puts several causes into one incident, which is open while any of them stands."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from tests.runtime.fakes import PLAN, ROUTES, THROTTLED, World, alarm
from tests.runtime.test_admission import kill

GROUP = replace(ROUTES[0], dedupe_key="all of {region}")


def new_world(**changes: Any) -> World:
    """Make a world whose critical route groups the alarms of a Region."""
    return World(routes=(replace(GROUP, **changes), *ROUTES[1:]))


def reason(world: World, event: dict[str, Any]) -> str:
    """Deliver an event and give the reason of its outcome."""
    return str(world.deliver(event)["outcomes"][0]["reason"])


def test_signals_of_other_causes_join() -> None:
    """Of another account too: the key says that it is one cause."""
    world = new_world()
    assert world.outcome(alarm("A")) == "started"
    assert world.outcome(alarm("B", at=1)) == "joined"
    assert world.outcome(alarm("A", at=2, account="999999999999")) == "joined"
    assert len(world.service.records) == 1


def test_without_a_value_for_the_key_a_signal_stands_for_itself() -> None:
    """Half a key would put strangers into one incident."""
    world = World(routes=(replace(GROUP, dedupe_key="{detail.service}"), *ROUTES[1:]))
    assert [world.outcome(alarm(name)) for name in ("A", "B")] == ["started", "started"]


def test_the_last_recovery_resolves() -> None:
    """And says so; the ones before it say what they wait for."""
    world = new_world()
    for second, name in enumerate("ABC"):
        world.deliver(alarm(name, at=second))
    assert reason(world, alarm("B", "OK", at=10)) == "other causes of the incident still stand"
    assert reason(world, alarm("A", "OK", at=11)) == "other causes of the incident still stand"
    assert len(world.service.open_records()) == 1
    assert world.outcome(alarm("C", "OK", at=12)) == "resolved"
    assert world.service.open_records() == []


def test_a_cause_that_comes_back_keeps_it_open() -> None:
    """Also if another recovers meanwhile."""
    world = new_world()
    world.deliver(alarm("A"))
    world.deliver(alarm("B", at=1))
    world.deliver(alarm("A", "OK", at=2))
    assert world.outcome(alarm("A", at=3)) == "joined"
    assert world.outcome(alarm("B", "OK", at=4)) == "ignored"
    assert world.outcome(alarm("A", "OK", at=5)) == "resolved"


def test_a_recovery_that_overtook_its_alarm_counts() -> None:
    """The alarm joins, and the incident does not wait for a second recovery of it."""
    world = new_world()
    world.deliver(alarm("A"))
    assert "only the source and account" in reason(world, alarm("B", "OK", at=2))
    assert world.outcome(alarm("B", at=1)) == "joined"
    assert world.outcome(alarm("A", "OK", at=3)) == "resolved"


def test_a_cause_recovers_by_its_own_source_and_account_only() -> None:
    """The same alarm told by another account is another cause."""
    world = new_world()
    world.deliver(alarm("A"))
    world.deliver(alarm("B", at=1))
    world.deliver(alarm("A", "OK", at=2))
    assert world.outcome(alarm("B", "OK", at=3, account="999999999999")) == "ignored"
    assert len(world.service.open_records()) == 1


def test_after_all_have_gone_the_next_starts() -> None:
    """The resolved incident takes nobody in."""
    world = new_world()
    world.deliver(alarm("A"))
    world.deliver(alarm("A", "OK", at=1))
    assert world.outcome(alarm("B", at=2)) == "started"
    assert len(world.service.open_records()) == 1


def test_an_alarm_of_the_past_starts_and_is_resolved_at_once() -> None:
    """It was over before the incident of now began, whose causes it does not touch."""
    world = new_world()
    world.deliver(alarm("B", at=5))
    world.deliver(alarm("A", "OK", at=2))
    assert world.outcome(alarm("A", at=1)) == "started"
    assert len(world.service.open_records()) == 1
    assert world.outcome(alarm("B", "OK", at=6)) == "resolved"


def test_what_people_closed_is_over_for_all_of_its_causes() -> None:
    """The next incident waits for no cause of the closed one."""
    world = new_world()
    world.deliver(alarm("A"))
    world.deliver(alarm("B", at=1))
    (arn,) = world.service.records
    world.service.records[arn]["status"] = "RESOLVED"
    assert world.outcome(alarm("C", at=2)) == "started"
    assert world.outcome(alarm("C", "OK", at=3)) == "resolved"
    assert "only the source and account" in reason(world, alarm("A", "OK", at=4))


def test_causes_of_an_entry_that_is_not_trusted_any_more_are_not_forgotten() -> None:
    """Neither incident is resolved while a cause of either stands; then both are."""
    world = new_world()
    world.deliver(alarm("A"))
    world.clock.time += timedelta(hours=13)
    assert world.outcome(alarm("B", at=13 * 3600)) == "started"
    assert world.outcome(alarm("B", "OK", at=13 * 3600 + 1)) == "ignored"
    assert len(world.service.open_records()) == 2
    assert world.outcome(alarm("A", "OK", at=13 * 3600 + 2)) == "resolved"
    assert world.service.open_records() == []


def test_a_route_that_moved_resolves_where_it_was_opened() -> None:
    """Both the incident of before and the one of now."""
    world = World()
    world.deliver(alarm())
    world.routes["Critical"] = replace(ROUTES[0], response_plan_arn=PLAN + "2")
    assert world.outcome(alarm(at=1)) == "started"
    assert world.outcome(alarm(state="OK", at=2)) == "resolved"
    assert world.service.open_records() == []


def test_an_older_incident_that_cannot_be_resolved_yet_is_resolved_by_the_retry() -> None:
    """It is written down as still to be resolved."""
    world = new_world()
    world.deliver(alarm("A"))
    world.clock.time += timedelta(hours=13)
    world.deliver(alarm("A", at=13 * 3600))
    world.service.fail("UpdateIncidentRecord", *[THROTTLED] * 3)
    with pytest.raises(Exception, match="Throttling"):
        world.deliver(alarm("A", "OK", at=13 * 3600 + 1))
    assert world.outcome(alarm("A", "OK", at=13 * 3600 + 1)) == "resolved"
    assert world.service.open_records() == []


def test_more_causes_than_are_remembered_leave_resolving_to_people() -> None:
    """Fifty-one that stand: the ledger's item stays small, and nobody resolves too early."""
    world = new_world()
    for number in range(51):
        world.deliver(alarm(f"A{number}", at=number / 10))
    told = [reason(world, alarm(f"A{number}", "OK", at=60 + number)) for number in range(51)]
    assert told[49] == "more causes joined the incident than are remembered: people resolve it"
    assert len(world.service.open_records()) == 1
    assert len(world.entry()["causes"]["L"]) == 50
    (arn,) = world.service.records
    world.service.records[arn]["status"] = "RESOLVED"
    world.deliver(alarm("B", at=200))
    assert world.outcome(alarm("B", "OK", at=201)) == "resolved"


def test_a_dead_handlers_incident_is_found_by_another_cause() -> None:
    """It carries the dead one's source and alarm, not those of the signal that looks for it."""
    world = new_world()
    kill(world, world.table, "PutItem", alarm("A"), call=2)
    assert world.outcome(alarm("B", at=1)) == "joined"
    assert len(world.service.records) == 1
    assert world.outcome(alarm("A", "OK", at=2)) == "ignored"
    assert world.outcome(alarm("B", "OK", at=3)) == "resolved"


def test_a_dead_handlers_incident_of_another_source_is_found() -> None:
    """An event's, by an alarm of its group."""
    world = new_world()
    event = {
        "source": "shop.orders",
        "detail-type": "Order failed",
        "account": "123456789012",
        "region": "us-east-1",
        "time": "2026-03-05T12:00:00Z",
        "id": "1",
        "detail": {},
    }
    kill(world, world.table, "PutItem", event, call=2)
    assert world.outcome(alarm("B", at=1)) == "joined"
    assert world.outcome(event) == "joined"
    assert len(world.service.records) == 1


def test_a_recovery_does_not_wait_for_the_start_of_another_cause() -> None:
    """It is noted; there is nothing of its own to wait for."""
    world = new_world()
    kill(world, world.service, "StartIncident", alarm("A"))
    world.clock.time -= timedelta(minutes=1)
    assert world.outcome(alarm("B", "OK", at=1)) == "ignored"
    assert world.clock.slept == 0
