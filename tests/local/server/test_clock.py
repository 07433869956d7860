"""The clock: what falls due runs in order, each thing at its own time."""

from __future__ import annotations

import datetime as dt

from cdk_incidents.local._server.clock import Clock

_BEGIN = dt.datetime(2027, 1, 4, 9, tzinfo=dt.timezone.utc)
_MINUTE = dt.timedelta(minutes=1)


def test_things_run_in_order_at_their_own_time() -> None:
    """However they were asked for, those too that others ask for on the way."""
    clock, told = Clock(lambda: _BEGIN), list[tuple[str, dt.timedelta]]()

    def tell(name: str) -> None:
        told.append((name, clock.now() - _BEGIN))

    def tell_and_ask() -> None:
        tell("second")
        clock.at(_BEGIN + 3 * _MINUTE, lambda: tell("third"))

    clock.at(_BEGIN + 4 * _MINUTE, lambda: tell("fourth"))
    clock.at(_BEGIN + 2 * _MINUTE, tell_and_ask)
    clock.at(_BEGIN + 2 * _MINUTE, lambda: tell("beside"))
    clock.advance(3.5 * _MINUTE)
    assert told == [("second", 2 * _MINUTE), ("beside", 2 * _MINUTE), ("third", 3 * _MINUTE)]
    assert clock.now() == _BEGIN + 3.5 * _MINUTE


def test_real_time_makes_things_due() -> None:
    """Whoever serves a request catches up."""
    times = iter([_BEGIN, _BEGIN + _MINUTE])
    clock, told = Clock(lambda: next(times)), list[str]()
    clock.at(_BEGIN + _MINUTE, lambda: told.append("due"))
    clock.catch_up()
    assert told == []
    clock.catch_up()
    assert told == ["due"]


def test_what_runs_keeps_its_time_when_it_calls_the_service() -> None:
    """A call in the middle of it catches up with nothing."""
    clock, told = Clock(lambda: _BEGIN), list[dt.datetime]()

    def call() -> None:
        clock.catch_up()
        told.append(clock.now())

    clock.at(_BEGIN + _MINUTE, call)
    clock.at(_BEGIN + _MINUTE, lambda: None)
    clock.advance(5 * _MINUTE)
    assert told == [_BEGIN + _MINUTE]


def test_playing_out_does_not_go_on_for_what_may_come_for_ever() -> None:
    """But it runs on the way."""
    clock, told = Clock(lambda: _BEGIN), list[dt.timedelta]()

    def again() -> None:
        told.append(clock.now() - _BEGIN)
        clock.at(clock.now() + _MINUTE, again, awaited=False)

    again()
    clock.at(_BEGIN + 2.5 * _MINUTE, lambda: None)
    clock.play_out()
    assert told == [0 * _MINUTE, _MINUTE, 2 * _MINUTE]
    assert clock.due is None


def test_playing_out_ends_with_the_last_thing() -> None:
    """The time is that thing's then, and nothing is due."""
    clock = Clock(lambda: _BEGIN)
    clock.at(_BEGIN + 9 * _MINUTE, lambda: None)
    clock.play_out()
    assert (clock.due, clock.now()) == (None, _BEGIN + 9 * _MINUTE)
