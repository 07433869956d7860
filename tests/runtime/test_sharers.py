"""A plan's own dedupe string merges incidents of several keys: none of them resolves what others share."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from incidents_runtime.errors import RetryLater
from incidents_runtime.ledger import KEPT_FOR

from tests.runtime.fakes import DENIED, NOW, ROUTES, THROTTLED, TOPIC, World, alarm, refusal
from tests.runtime.test_admission import kill

UNREACHABLE = refusal("ProvisionedThroughputExceededException")


def new_world() -> World:
    """Make a world whose plan merges what is started while an incident is open."""
    world = World()
    world.service.merges = True
    return world


def test_one_key_alone_resolves_what_it_started() -> None:
    """Nobody shares it."""
    world = new_world()
    world.deliver(alarm("A"))
    assert world.outcome(alarm("A", "OK", at=1)) == "resolved"


def test_what_several_keys_share_is_left_to_people() -> None:
    """Whichever recovers first or last: each knows of its own causes only."""
    world = new_world()
    assert [world.outcome(alarm(name)) for name in "ABC"] == ["started"] * 3
    assert len(world.service.records) == 1
    for second, name in enumerate("BAC"):
        told = world.deliver(alarm(name, "OK", at=second + 1))["outcomes"][0]
        assert told["outcome"] == "ignored"
        assert told["reason"] == "causes of other keys share the incident: people resolve it"
    assert len(world.service.open_records()) == 1
    assert world.outcome(alarm("A", at=9)) == "started"
    assert len(world.service.records) == 1


def test_what_shares_is_known_before_the_entry_is_written() -> None:
    """A handler that dies in between must not leave its incident to another's recovery."""
    world = new_world()
    world.deliver(alarm("A"))
    kill(world, world.table, "PutItem", alarm("B"), call=2)
    assert world.outcome(alarm("A", "OK", at=1)) == "ignored"
    assert len(world.service.open_records()) == 1


def test_the_incident_of_a_dead_handler_is_shared_by_whoever_finds_it() -> None:
    """Or another key would take it for its own."""
    world = new_world()
    kill(world, world.table, "UpdateItem", alarm("A"))
    assert world.outcome(alarm("A")) == "joined"
    world.deliver(alarm("B", at=1))
    assert world.outcome(alarm("B", "OK", at=2)) == "ignored"
    assert len(world.service.open_records()) == 1


def test_what_no_plan_merges_needs_no_item() -> None:
    """Each OpsItem and each message is of one key."""
    world = World(routes=(replace(ROUTES[0], response_plan_arn=None, topic_arn=TOPIC),))
    assert world.outcome(alarm()) == "started"
    assert world.table.called("UpdateItem") == []
    assert world.outcome(alarm(state="OK", at=1)) == "resolved"


def test_a_small_item_that_is_forgotten_in_time() -> None:
    """Two keys are enough to know that it is shared."""
    world = new_world()
    for number in range(5):
        world.deliver(alarm(f"A{number}"))
    (arn,) = world.service.records
    item = world.table.items[f":record|{arn}"]
    assert len(item["sharers"]["SS"]) == 2
    assert int(item["expires_at"]["N"]) == int((NOW + KEPT_FOR).timestamp())


def test_merged_into_its_own_incident_that_stands_a_late_alarm_has_joined() -> None:
    """It was over before it was told, but the incident is that of now."""
    world = new_world()
    world.deliver(alarm(at=3))
    world.deliver(alarm(state="OK", at=2))
    assert world.outcome(alarm(at=1)) == "started"
    assert len(world.service.open_records()) == 1
    assert world.outcome(alarm(state="OK", at=4)) == "resolved"


def test_merged_into_what_was_about_to_be_resolved_it_stands() -> None:
    """The recovery's handler died before it resolved, and the cause has come back since."""
    world = new_world()
    world.deliver(alarm())
    kill(world, world.service, "UpdateIncidentRecord", alarm(state="OK", at=1))
    assert world.outcome(alarm(at=2)) == "started"
    assert len(world.service.open_records()) == 1
    assert world.outcome(alarm(state="OK", at=1)) == "ignored"
    assert len(world.service.open_records()) == 1
    assert world.outcome(alarm(state="OK", at=3)) == "resolved"


def test_merged_into_an_older_one_of_its_own() -> None:
    """Its entry was not trusted any more; the recovery resolves it once."""
    world = new_world()
    world.deliver(alarm())
    world.clock.time += timedelta(hours=13)
    assert world.outcome(alarm(at=13 * 3600)) == "started"
    assert world.outcome(alarm(state="OK", at=13 * 3600 + 1)) == "resolved"
    assert len(world.service.called("UpdateIncidentRecord")) == 1


@pytest.mark.parametrize("fault", [DENIED, THROTTLED])
def test_a_start_needs_nobodys_name(fault: Exception, capsys: pytest.CaptureFixture[str]) -> None:
    """The incident is there, which is what matters; the log says what is missing."""
    world = new_world()
    world.table.fail("UpdateItem", fault)
    assert world.outcome(alarm()) == "started"
    assert "whose incident it is was not written" in capsys.readouterr().out


def test_that_it_is_shared_already_is_nothing_to_warn_of(capsys: pytest.CaptureFixture[str]) -> None:
    """The condition fails from the third key on."""
    world = new_world()
    for name in "ABC":
        world.deliver(alarm(name))
    assert "whose incident it is" not in capsys.readouterr().out


def test_without_the_ledger_a_recovery_waits() -> None:
    """Nobody knows whose the incident is: nothing is resolved, nothing doubled."""
    world = new_world()
    world.deliver(alarm())
    reads = len(world.table.called("GetItem"))
    world.table.before_call = lambda operation: (
        # The entry is read and written, and then the sharers are read.
        world.table.fail("GetItem", UNREACHABLE)
        if operation == "GetItem" and len(world.table.called("GetItem")) == reads + 1
        else None
    )
    with pytest.raises(RetryLater, match="the ledger is unreachable"):
        world.deliver(alarm(state="OK", at=1))
    assert len(world.service.open_records()) == 1
    assert world.outcome(alarm(state="OK", at=1)) == "resolved"


def test_without_the_ledger_an_alarm_of_the_past_is_not_doubled() -> None:
    """It has its incident, which its retry resolves."""
    world = World()
    world.deliver(alarm(state="OK", at=2))
    reads = len(world.table.called("GetItem"))
    world.table.before_call = lambda operation: (
        world.table.fail("GetItem", UNREACHABLE)
        if operation == "GetItem" and len(world.table.called("GetItem")) == reads + 1
        else None
    )
    with pytest.raises(RetryLater, match="the ledger is unreachable"):
        world.deliver(alarm(at=1))
    assert world.outcome(alarm(at=1)) == "joined"
    assert len(world.service.records) == 1
    assert world.service.open_records() == []
