"""The ledger: entries and the conditional writes that keep concurrent deliveries apart."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from incidents_runtime.entry import Cause, Entry
from incidents_runtime.ledger import KEPT_FOR, Ledger, LedgerUnreachable, milliseconds, time_of

from tests.runtime.entries import FULL, OPEN
from tests.runtime.fakes import DENIED, NOW, FakeClock, FakeTable
from tests.runtime.strategies import JSON, examples


def new_ledger() -> tuple[Ledger, FakeTable]:
    """Make an empty ledger."""
    table = FakeTable()
    return Ledger(table, "ledger", FakeClock()), table


@pytest.mark.parametrize("entry", [Entry(), OPEN, FULL, Entry(causes=(Cause("a", None, -1),))])
def test_what_is_written_is_read(entry: Entry) -> None:
    """Field by field."""
    ledger, table = new_ledger()
    assert ledger.write("key", entry, None) is not None
    assert ledger.read("key")[0] == entry
    assert int(table.items["key"]["expires_at"]["N"]) == int((NOW + KEPT_FOR).timestamp())


def test_only_the_first_of_two_writes() -> None:
    """Who read before the other wrote must read again."""
    ledger, _ = new_ledger()
    _, revision = ledger.read("key")
    assert ledger.write("key", OPEN, revision) is not None
    assert ledger.write("key", Entry(), revision) is None
    entry, revision = ledger.read("key")
    assert entry == OPEN
    assert ledger.write("key", Entry(), revision) is not None
    assert ledger.write("key", OPEN, revision) is None


def test_a_change_is_made_again_until_it_is_written() -> None:
    """On what others wrote in between."""
    ledger, _ = new_ledger()
    others = ["plan2", "plan1"]

    def change(entry: Entry) -> Entry:
        if others:
            plan = others.pop()
            ledger.change("key", lambda now: replace(now, plan=plan))
        return replace(entry, joined=entry.joined + 1)

    assert ledger.change("key", change)[0] == Entry(joined=1, plan="plan2")


def test_what_was_just_written_is_not_read_again() -> None:
    """Unless others have written since; then theirs is what is changed."""
    ledger, table = new_ledger()
    seen = ledger.change("key", lambda _: OPEN)
    assert seen == ledger.read("key")
    before = len(table.called("GetItem"))
    entry, revision = ledger.change("key", lambda entry: replace(entry, plan="plan1"), seen)
    assert len(table.called("GetItem")) == before
    assert (entry, revision) == ledger.read("key")
    ledger.write("key", replace(entry, month="2026-03"), revision)
    changed, _ = ledger.change("key", lambda entry: replace(entry, joined=7), (entry, revision))
    assert changed == replace(entry, month="2026-03", joined=7)


def test_no_change_is_no_write() -> None:
    """Writing costs, and disturbs others."""
    ledger, table = new_ledger()
    assert ledger.change("key", lambda entry: entry)[0] == Entry()
    assert table.called("PutItem") == []


def test_endless_contention_ends() -> None:
    """Somebody is always faster."""
    ledger, table = new_ledger()
    spoiler = Ledger(table, "ledger", FakeClock())

    def change(entry: Entry) -> Entry:
        _, revision = spoiler.read("key")
        spoiler.write("key", replace(entry, joined=entry.joined + 1), revision)
        return replace(entry, plan="mine")

    with pytest.raises(LedgerUnreachable, match="changed under every attempt"):
        ledger.change("key", change)


@pytest.mark.parametrize("operation", ["GetItem", "PutItem"])
def test_any_failure_is_an_unreachable_ledger(operation: str) -> None:
    """Whatever it is, the ledger is of no help now."""
    ledger, table = new_ledger()
    table.fail(operation, DENIED)
    with pytest.raises(LedgerUnreachable, match="AccessDenied"):
        ledger.change("key", lambda _: OPEN)


@examples(50)
@given(
    item=st.dictionaries(
        st.sampled_from([*OPEN.__dict__, "lease_owner", "lease_mark", "lease_until_ms"]),
        JSON
        | st.lists(st.text("ab -0123456789", max_size=9)).map(
            lambda told: {"L": [{"S": value} for value in told]}
        ),
    )
)
def test_a_corrupt_item_is_read_as_far_as_it_makes_sense(item: dict[str, object]) -> None:
    """And can be written over, whatever its revision is."""
    ledger, table = new_ledger()
    table.items["key"] = {"key": {"S": "key"}, **item}
    entry, revision = ledger.read("key")
    assert isinstance(entry, Entry)
    assert all(cause.name for cause in entry.causes)
    assert ledger.write("key", OPEN, revision) is not None


def test_numbers_that_are_no_times_are_none() -> None:
    """They would break arithmetic with times."""
    ledger, table = new_ledger()
    table.items["key"] = {"started_ms": {"N": "1e5"}, "opened_ms": {"N": "9" * 30}, "joined": {"N": "12"}}
    assert ledger.read("key")[0] == Entry(joined=12)


@pytest.mark.parametrize("told", ["", "b", "b 1", "b x -", "b 1 x", "b 1 " + "9" * 30, " 1 -", "b 1 - 2"])
def test_a_cause_that_makes_no_sense_leaves_resolving_to_people(told: str) -> None:
    """It may still stand: to overlook it would resolve its incident too early."""
    ledger, table = new_ledger()
    ledger.write("key", replace(OPEN, causes=(Cause("a", 1), Cause("b", 1))), None)
    assert ledger.read("key")[0].many is False
    table.items["key"]["causes"]["L"][1] = {"S": told}
    entry, _ = ledger.read("key")
    assert (entry.causes, entry.many) == ((Cause("a", 1),), True)
    assert entry.with_recovery("a", 2, resolve=True).resolving == ()


def test_a_held_signal_has_times() -> None:
    """Or it is not there; what held it may be without a name."""
    ledger, table = new_ledger()
    told = ["mark", "mark 1", "mark x 1 by", "mark 1 x by", " 1 2 by", "mark 1 2", "mark 1 2 by two"]
    table.items["key"] = {"held": {"L": [{"S": value} for value in told]}}
    held = ledger.read("key")[0].held
    assert [(one.mark, one.time_ms, one.since_ms, one.by) for one in held] == [
        ("mark", 1, 2, ""),
        ("mark", 1, 2, "by two"),
    ]


def test_a_served_signal_has_a_mark_and_a_record() -> None:
    """Or it is not there."""
    ledger, table = new_ledger()
    table.items["key"] = {
        "served": {
            "L": [{"S": "mark"}, {"S": " arn:r"}, {"N": "1"}, {"S": "mark record"}, {"S": "mark arn:r"}]
        }
    }
    assert ledger.read("key")[0] == Entry(served=(("mark", "arn:r"),))


def test_times_survive() -> None:
    """To the millisecond."""
    moment = NOW + timedelta(milliseconds=123)
    assert time_of(milliseconds(moment)) == moment
