"""The ledger: entries and the conditional writes that keep concurrent deliveries apart."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from incidents_runtime.ledger import KEPT_FOR, Entry, Lease, Ledger, LedgerUnreachable, milliseconds, time_of

from tests.runtime.fakes import DENIED, NOW, FakeClock, FakeTable
from tests.runtime.strategies import JSON, examples

LEASE = Lease(
    owner="me", until_ms=9, since_ms=7, mark="mark", time_ms=100, plan="plan", origin="source account"
)
OPEN = Entry(
    record="record",
    plan="plan",
    origin="source account",
    opened_ms=100,
    last_opened_ms=200,
    started_ms=150,
    joined=3,
    served=(("mark", "record"),),
)


def new_ledger() -> tuple[Ledger, FakeTable]:
    """Make an empty ledger."""
    table = FakeTable()
    return Ledger(table, "ledger", FakeClock()), table


@pytest.mark.parametrize(
    "entry",
    [
        Entry(),
        OPEN,
        replace(OPEN, lease=LEASE, recovered_ms=0, recovered_by="source account", resolving=("a", "b")),
        Entry(recovered_ms=-1, recovered_by="x y"),
    ],
)
def test_what_is_written_is_read(entry: Entry) -> None:
    """Field by field."""
    ledger, table = new_ledger()
    assert ledger.write("key", entry, None) is True
    assert ledger.read("key")[0] == entry
    assert int(table.items["key"]["expires_at"]["N"]) == int((NOW + KEPT_FOR).timestamp())


def test_only_the_first_of_two_writes() -> None:
    """Who read before the other wrote must read again."""
    ledger, _ = new_ledger()
    _, revision = ledger.read("key")
    assert ledger.write("key", OPEN, revision) is True
    assert ledger.write("key", Entry(), revision) is False
    entry, revision = ledger.read("key")
    assert entry == OPEN
    assert ledger.write("key", Entry(), revision) is True
    assert ledger.write("key", OPEN, revision) is False


def test_a_change_is_made_again_until_it_is_written() -> None:
    """On what others wrote in between."""
    ledger, _ = new_ledger()
    others = ["plan2", "plan1"]

    def change(entry: Entry) -> Entry:
        if others:
            plan = others.pop()
            ledger.change("key", lambda now: replace(now, plan=plan))
        return replace(entry, joined=entry.joined + 1)

    assert ledger.change("key", change) == Entry(joined=1, plan="plan2")


def test_no_change_is_no_write() -> None:
    """Writing costs, and disturbs others."""
    ledger, table = new_ledger()
    assert ledger.change("key", lambda entry: entry) == Entry()
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
        st.sampled_from([*OPEN.__dict__, "lease_owner", "lease_mark", "lease_until_ms"]), JSON
    )
)
def test_a_corrupt_item_is_read_as_far_as_it_makes_sense(item: dict[str, object]) -> None:
    """And can be written over, whatever its revision is."""
    ledger, table = new_ledger()
    table.items["key"] = {"key": {"S": "key"}, **item}
    entry, revision = ledger.read("key")
    assert isinstance(entry, Entry)
    assert ledger.write("key", OPEN, revision) is True


def test_numbers_that_are_no_times_are_none() -> None:
    """They would break arithmetic with times."""
    ledger, table = new_ledger()
    table.items["key"] = {"recovered_ms": {"N": "1e5"}, "opened_ms": {"N": "9" * 30}, "joined": {"N": "12"}}
    assert ledger.read("key")[0] == Entry(joined=12)


def test_a_served_signal_has_a_mark_and_a_record() -> None:
    """Or it is not there."""
    ledger, table = new_ledger()
    table.items["key"] = {
        "served": {"L": [{"S": "mark"}, {"S": " record"}, {"N": "1"}, {"S": "mark record"}]}
    }
    assert ledger.read("key")[0] == Entry(served=(("mark", "record"),))


def test_times_survive() -> None:
    """To the millisecond."""
    moment = NOW + timedelta(milliseconds=123)
    assert time_of(milliseconds(moment)) == moment


# --- the rules over one entry


def test_a_recovery_is_remembered_if_it_is_the_newest() -> None:
    """An older one changes nothing."""
    entry = Entry().with_recovery(5, "a", resolve=True)
    assert (entry.recovered_ms, entry.recovered_by) == (5, "a")
    assert entry.with_recovery(4, "b", resolve=True) == entry
    assert entry.with_recovery(6, "b", resolve=True).recovered_ms == 6


def test_a_recovery_resolves_what_it_follows() -> None:
    """The record of its own origin, if no newer signal opened or joined it, if the route resolves."""
    assert OPEN.with_recovery(200, "source account", resolve=True).resolving == ("record",)
    assert OPEN.with_recovery(199, "source account", resolve=True).resolving == ()
    assert OPEN.with_recovery(200, "source another", resolve=True).resolving == ()
    assert OPEN.with_recovery(200, "source account", resolve=False).resolving == ()


def test_a_started_incident_is_the_newest() -> None:
    """Its lease ends, its signal is served."""
    entry = replace(OPEN, lease=LEASE).with_incident(LEASE, "new", 300, resolve=True)
    assert entry == replace(
        OPEN,
        record="new",
        opened_ms=100,
        last_opened_ms=200,
        started_ms=300,
        joined=0,
        served=(("mark", "new"),),
    )


def test_a_late_alarms_incident_is_to_be_resolved_and_not_the_newest() -> None:
    """A recovery lies between it and the incident of now."""
    now = replace(OPEN, recovered_ms=150, recovered_by="source account")
    entry = now.with_incident(LEASE, "late", 300, resolve=True)
    assert (entry.record, entry.resolving) == ("record", ("late",))
    assert entry.incident_of("mark") == "late"
    assert now.with_incident(LEASE, "late", 300, resolve=False).resolving == ()
    foreign = replace(now, recovered_by="somebody else")
    assert foreign.with_incident(LEASE, "late", 300, resolve=True).record == "late"


def test_another_origin_begins_anew() -> None:
    """Its times are not compared with those of the one before."""
    entry = replace(OPEN, origin="other").with_incident(LEASE, "new", 300, resolve=True)
    assert entry.last_opened_ms == 100


def test_only_the_owner_ends_a_lease() -> None:
    """Or leaves it in doubt."""
    leased = Entry(lease=LEASE)
    assert leased.without_lease("other") == leased
    assert leased.with_doubt("other") == leased
    assert leased.without_lease("me") == Entry()
    assert leased.with_doubt("me").lease == replace(LEASE, until_ms=0)
    assert Entry().without_lease("me") == Entry().with_doubt("me") == Entry()


def test_memory_is_bounded() -> None:
    """An item of a table is small; the newest stay."""
    entry = Entry()
    for number in range(100):
        entry = entry.with_served(f"m{number}", "r").with_resolving(f"r{number}")
    assert len(entry.served) == 40
    assert len(entry.resolving) == 10
    assert entry.incident_of("m99") == "r"
    assert entry.incident_of("m1") is None
    assert entry.without_resolving(("r99",)).resolving[-1] == "r98"
