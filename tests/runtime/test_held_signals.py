"""Signals that are held back: where they wait, how long, and what they cost."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError
from incidents_runtime import handling
from incidents_runtime.errors import RetryLater
from incidents_runtime.signals import read
from incidents_runtime.suppression import Hold

from tests.runtime.fakes import (
    DENIED,
    EXPIRED,
    INTERNAL,
    NOW,
    THROTTLED,
    World,
    alarm,
    failure_record,
    figures,
    message,
    received,
    refusal,
    told,
)

if TYPE_CHECKING:
    from incidents_runtime.settings import Route
    from incidents_runtime.signal_model import Signal

TOO_LONG = refusal("InvalidParameterValue")
NOTHING_FAILED: dict[str, list[dict[str, str]]] = {"batchItemFailures": []}
COMES_AGAIN = {"batchItemFailures": [{"itemIdentifier": "message-0"}]}


def held_world(hours: float = 5) -> World:
    """Make a world in which something holds everything back for some hours from now."""
    world = World()
    world.hold = Hold("the calendar Freeze", NOW + timedelta(hours=hours))
    return world


def look_again(world: World, receives: int = 2) -> dict[str, Any]:
    """Deliver what waits in the retry queue."""
    (waiting,) = world.queues.waiting
    return world.deliver({"Records": [received(waiting, receives=receives)]}, "retry")


def hidden(world: World) -> int:
    """Tell for how long the message was hidden."""
    return world.queues.hidden["handle-0"]


def test_a_held_signal_waits_in_the_retry_queue(capsys: pytest.CaptureFixture[str]) -> None:
    """With its route and since when; the caller is told by what and until when; it is counted."""
    world = held_world()
    (outcome,) = world.deliver(alarm())["outcomes"]
    assert outcome == {
        "outcome": "suppressed",
        "incident_record_arn": None,
        "reason": "the calendar Freeze",
        "until": "2026-03-05T17:00:00+00:00",
    }
    (waiting,) = world.queues.waiting
    assert json.loads(waiting["MessageBody"]) == alarm()
    assert waiting["DelaySeconds"] == 900
    attributes = {name: value["StringValue"] for name, value in waiting["MessageAttributes"].items()}
    assert attributes == {"Route": "Critical", "Held": NOW.isoformat()}
    printed = capsys.readouterr().out
    assert figures(printed) == {"Suppressed": 1}
    assert told(printed)[0]["reason"] == "the calendar Freeze"
    assert world.service.records == {}


def test_a_short_hold_is_waited_for_by_a_delay() -> None:
    """With some seconds more, so that what one window held does not come all at once."""
    world = held_world(hours=0.1)
    world.deliver(alarm())
    assert world.queues.waiting[0]["DelaySeconds"] == 360 + 1 + 15


def test_a_hold_without_an_end_is_looked_at_in_a_quarter_of_an_hour() -> None:
    """When nobody knows when it ends."""
    world = held_world()
    object.__setattr__(world.hold, "until", None)
    world.deliver(alarm())
    assert world.queues.waiting[0]["DelaySeconds"] == 900
    world.clock.time += timedelta(seconds=900)
    assert look_again(world) == COMES_AGAIN
    assert hidden(world) == 900


def test_what_is_still_held_is_hidden_and_costs_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    """No failed try, no second count, no new message: only visibility."""
    world = held_world()
    world.deliver(alarm())
    capsys.readouterr()
    world.clock.time += timedelta(minutes=15)
    assert look_again(world) == COMES_AGAIN
    assert hidden(world) == 900
    assert figures(capsys.readouterr().out) == {}
    assert len(world.queues.waiting) == 1
    assert world.queues.sent == []


def test_when_the_hold_ends_a_cause_that_stands_has_its_incident(capsys: pytest.CaptureFixture[str]) -> None:
    """Its hours of waiting are no time to start."""
    world = held_world()
    world.deliver(alarm())
    world.clock.time += timedelta(hours=5)
    world.hold, world.stands = None, True
    capsys.readouterr()
    assert look_again(world) == NOTHING_FAILED
    assert len(world.service.records) == 1
    assert figures(capsys.readouterr().out) == {"Started": 1, "BudgetUsed": 5}


def test_when_the_hold_ends_a_cause_that_has_gone_is_left_alone(capsys: pytest.CaptureFixture[str]) -> None:
    """And not counted again."""
    world = held_world()
    world.deliver(alarm())
    world.clock.time += timedelta(hours=5)
    world.hold, world.stands = None, False
    capsys.readouterr()
    assert look_again(world) == NOTHING_FAILED
    assert world.service.records == {}
    printed = capsys.readouterr().out
    assert figures(printed) == {}
    assert "gone" in told(printed)[-1]["reason"]


def test_it_is_hidden_to_the_end_of_the_hold_and_not_much_longer() -> None:
    """Some seconds after it; spread, since others wait for the same end."""
    world = held_world(hours=0.3)
    world.deliver(alarm())
    world.clock.time += timedelta(minutes=15)
    look_again(world)
    assert hidden(world) == 180 + 1 + 15


def test_thirteen_days_fit_into_the_receive_count_and_the_retention(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A look every quarter of an hour at first, then after a quarter of the time held, then twice a day."""
    world = held_world(hours=24 * 365)
    world.deliver(alarm())
    world.clock.time += timedelta(minutes=15)
    waits, looks = [], 1
    while look_again(world, looks) == COMES_AGAIN:
        waits.append(hidden(world))
        world.clock.time += timedelta(seconds=hidden(world))
        looks += 1
    assert waits[:5] == [900] * 4 + [75 * 60 // 4]
    assert waits == sorted(waits)
    assert max(waits) == 12 * 3600 - 300
    # The queue gives up at 200, and the tries after the hold take a hundred.
    assert looks < 60
    assert timedelta(days=13) <= world.clock.time - NOW < timedelta(days=13, hours=12)
    # Then people are told, before the queue would lose it.
    assert world.queues.reasons() == ["held back since 2026-03-05T12:00:00+00:00: the calendar Freeze"]
    assert world.topics.published[0]["Subject"] == "No incident: ServerCpuTooHigh"
    assert figures(capsys.readouterr().out) == {"Suppressed": 1, "Failed": 1}
    assert len(world.queues.waiting) == 1


def test_a_hold_that_wears_out_the_receive_count_ends_as_a_dead_letter() -> None:
    """Before the queue gives the message up without a word."""
    world = held_world()
    world.deliver(alarm())
    assert look_again(world, receives=98) == COMES_AGAIN
    assert look_again(world, receives=99) == NOTHING_FAILED
    assert "held back since" in world.queues.reasons()[0]


def test_a_failed_signal_that_is_held_waits_anew_and_only_once() -> None:
    """From then on it is received to be looked at, which is no failed try."""
    world = held_world()
    record = message(failure_record(alarm()), receives=50)
    assert world.deliver({"Records": [record]}, "retry") == NOTHING_FAILED
    (waiting,) = world.queues.waiting
    assert set(waiting["MessageAttributes"]) == {"Route", "Held"}
    for _ in range(20):
        look_again(world)
    # Lambda cuts what goes round through a queue some sixteen times.
    assert len(world.queues.called("SendMessage")) == 1


def test_after_the_hold_a_signal_has_all_its_tries() -> None:
    """The looks were no tries: it goes on to the queue's own limit."""
    world = held_world()
    world.queues.most_receives = 200
    world.deliver(alarm())
    world.clock.time += timedelta(hours=5)
    world.hold = None
    for receives, answer in ((150, COMES_AGAIN), (198, COMES_AGAIN), (199, NOTHING_FAILED)):
        world.service.fail("StartIncident", *[EXPIRED] * 3)
        assert look_again(world, receives) == answer
    assert "given up after 199 tries" in world.queues.reasons()[0]


def test_a_call_that_is_held_is_the_same_one_afterwards() -> None:
    """Although it tells no time: what was taken back in the window starts nothing at its end."""
    world = held_world()
    put = world.table.put_item

    def slowly(**arguments: Any) -> dict[str, Any]:
        world.clock.time += timedelta(milliseconds=20)
        return put(**arguments)

    world.table.put_item = slowly  # type: ignore[method-assign]
    call = {"title": "The shop is down", "clientToken": "shop"}
    assert world.outcome(call) == "suppressed"
    world.clock.time += timedelta(minutes=5)
    world.deliver({**call, "status": "RESOLVED"})
    world.clock.time += timedelta(hours=5)
    world.hold = None
    assert look_again(world) == NOTHING_FAILED
    assert world.service.records == {}


def test_a_failure_record_of_others_is_held_by_its_own_route() -> None:
    """A route may take another function's failures: what that function was is nobody's route."""
    world = held_world()
    theirs = {"functionArn": "arn:aws:lambda:us-east-1:123456789012:function:shop:live"}
    world.deliver({**failure_record(alarm()), "requestContext": theirs})
    world.hold = None
    assert look_again(world) == NOTHING_FAILED
    assert len(world.service.open_records()) == 1
    assert world.queues.reasons() == []


def test_a_queue_that_does_not_take_it_leaves_it_with_lambda() -> None:
    """Which brings it again; a message of the retry queue stays there."""
    for error in (THROTTLED, DENIED, INTERNAL):
        world = held_world()
        world.queues.fail("SendMessage", error)
        with pytest.raises(ClientError):
            world.deliver(alarm())
    world.queues.fail("SendMessage", THROTTLED)
    assert world.deliver({"Records": [message(failure_record(alarm()))]}, "retry") == COMES_AGAIN
    assert hidden(world) == 7


def test_what_is_too_long_to_wait_is_told_to_people() -> None:
    """As a dead letter with its reason: it would not come again."""
    world = held_world()
    world.queues.fail("SendMessage", TOO_LONG)
    world.deliver(alarm())
    assert world.queues.waiting == []
    assert world.queues.reasons()[0].startswith("held back, which cannot be: InvalidParameterValue")
    assert world.topics.published[0]["Subject"] == "No incident: ServerCpuTooHigh"


# --- several signals of one event


@pytest.fixture
def two(monkeypatch: pytest.MonkeyPatch) -> tuple[Signal, ...]:
    """Let every event have two signals, A's and B's."""
    signals = read(alarm("A"), NOW) + read(alarm("B"), NOW)
    monkeypatch.setattr(handling, "read", lambda *_: signals)
    return signals


def hold_only(world: World, name: str) -> None:
    """Hold back one alarm's signals."""

    def held(signal: Signal, _: Route) -> Hold | None:
        return Hold("mute", NOW + timedelta(hours=5)) if signal.title == name else None

    object.__setattr__(world.admission, "held", held)


@pytest.mark.usefixtures("two")
def test_one_signal_does_not_keep_the_other_from_its_incident() -> None:
    """All are tried before the event is given back; what has an incident joins it the next time."""
    world = World()
    world.service.fail("StartIncident", *[EXPIRED] * 3)
    with pytest.raises(Exception, match="ExpiredTokenException"):
        world.deliver({})
    assert [record["title"] for record in world.service.records.values()] == ["B"]
    outcomes = world.deliver({})["outcomes"]
    assert [outcome["outcome"] for outcome in outcomes] == ["started", "joined"]


@pytest.mark.usefixtures("two")
def test_one_held_signal_lets_the_event_come_again_for_it() -> None:
    """The other one has its incident at once."""
    world = World()
    hold_only(world, "A")
    outcomes = world.deliver({})["outcomes"]
    assert [outcome["outcome"] for outcome in outcomes] == ["suppressed", "started"]
    assert len(world.queues.waiting) == 1
    object.__setattr__(world.admission, "held", lambda *_: None)
    assert look_again(world) == NOTHING_FAILED
    assert [record["title"] for record in world.service.records.values()] == ["B", "A"]


@pytest.mark.usefixtures("two")
def test_one_that_failed_beside_one_that_is_held_is_told_of_once() -> None:
    """Not each time that the event is looked at; when it comes to be handled, again."""
    world = World()
    hold_only(world, "A")
    world.service.fail("StartIncident", *[refusal("ValidationException")] * 4)
    world.deliver({})
    for _ in range(2):
        look_again(world)
    assert len(world.queues.sent) == 1
    assert world.topics.published[0]["Subject"] == "No incident: B"


@pytest.mark.usefixtures("two")
def test_the_event_is_looked_at_when_the_first_hold_ends() -> None:
    """Each may have its own."""
    world = World()
    ends = {"A": NOW + timedelta(hours=3), "B": NOW + timedelta(minutes=5)}

    def held(signal: Signal, _: Route) -> Hold | None:
        return Hold("mute", ends[signal.title])

    object.__setattr__(world.admission, "held", held)
    world.deliver({})
    assert world.queues.waiting[0]["DelaySeconds"] == 300 + 1 + 15
    assert datetime.fromisoformat(world.deliver({})["outcomes"][1]["until"]) == ends["B"]


@pytest.mark.usefixtures("two")
def test_an_event_of_more_signals_than_there_is_time_for_comes_again() -> None:
    """The rest is not begun: an invocation that is cut off would say nothing."""
    world = World()
    start = world.service.start_incident

    def slowly(**arguments: Any) -> dict[str, Any]:
        world.clock.time += timedelta(seconds=19)
        return start(**arguments)

    world.service.start_incident = slowly  # type: ignore[method-assign]
    with pytest.raises(RetryLater, match="no time is left"):
        world.deliver({})
    assert [key for key in world.table.items if key.endswith(":B")] == []
    assert [told["outcome"] for told in world.deliver({})["outcomes"]] == ["joined", "started"]
