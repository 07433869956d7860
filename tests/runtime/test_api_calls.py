"""Which calls a signal makes: the fewest that keep its guarantees, as the guide tells them."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.runtime.fakes import THROTTLED, World, alarm

if TYPE_CHECKING:
    from collections.abc import Callable

GUIDE = Path(__file__).parents[2] / "docs/guide/operating.md"
LATER = 60.0


def calls(world: World, event: dict[str, Any]) -> list[str]:
    """Deliver an event, and name the calls in their order."""
    made: list[str] = []
    for asked in (world.table, world.service, world.queues, world.topics):
        asked.before_call = made.append
    world.deliver(event)
    return made


def starts(world: World) -> list[str]:
    """Of a cause that nobody knows."""
    return calls(world, alarm())


def starts_again(world: World) -> list[str]:
    """After its recovery."""
    recovers(world)
    return calls(world, alarm(at=2 * LATER))


def is_throttled(world: World) -> list[str]:
    """Let the retry queue keep it."""
    world.service.fail("StartIncident", THROTTLED)
    return starts(world)


def comes_again(world: World) -> list[str]:
    """Lambda delivers it twice, a second after it happened."""
    calls(world, alarm(at=-1))
    return calls(world, alarm(at=-1))


def comes_again_late(world: World) -> list[str]:
    """From the retry queue, or by a replay."""
    calls(world, alarm(at=-1))
    world.clock.time += timedelta(minutes=6)
    return calls(world, alarm(at=-1))


def joins(world: World) -> list[str]:
    """Not one that a note is written by."""
    starts(world)
    for number in (1, 2):
        calls(world, alarm(at=number))
    return calls(world, alarm(at=LATER))


def joins_from_before(world: World) -> list[str]:
    """One of many that came at once."""
    starts(world)
    for number in (1, 2):
        calls(world, alarm(at=number))
    return calls(world, alarm(at=-1))


def recovers(world: World) -> list[str]:
    """Let the cause go."""
    starts(world)
    return calls(world, alarm(state="OK", at=LATER))


def recovers_again(world: World) -> list[str]:
    """Lambda delivers that twice."""
    recovers(world)
    return calls(world, alarm(state="OK", at=LATER))


WAYS: dict[str, Callable[[World], list[str]]] = {
    "starts an incident": starts,
    "is throttled": is_throttled,
    "comes again": comes_again,
    "comes again after five minutes": comes_again_late,
    "joins an open incident": joins,
    "joins, from before the start": joins_from_before,
    "resolves one": recovers,
    "resolves one, and comes again": recovers_again,
}


def told() -> dict[str, list[str]]:
    """Read the guide's table: what a signal does, and its calls."""
    section = GUIDE.read_text("utf-8").partition("## What a signal asks of AWS")[2]
    rows = re.findall(r"^\| ([a-z][^|]+) \| (`[^|]+) \|", section, re.MULTILINE)
    return {what: re.findall(r"`(\w+)`", named) for what, named in rows}


def test_the_guide_tells_every_way() -> None:
    """And no other one."""
    assert list(told()) == list(WAYS)


@pytest.mark.parametrize("what", WAYS)
def test_a_signal_makes_the_calls_that_the_guide_tells(what: str) -> None:
    """No more, no less, and in this order."""
    assert WAYS[what](World()) == told()[what]


def test_a_cause_that_comes_back_makes_the_calls_of_its_first_time_and_asks_for_the_budget() -> None:
    """What is left of the plan's incidents is read before a repeat."""
    first = told()["starts an incident"]
    assert starts_again(World()) == [first[0], "GetItem", *first[1:]]
