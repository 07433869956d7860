"""The rules over one entry: which incident is open, whose causes stand, what is resolved."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from incidents_runtime.entry import Cause, Entry, Held, Lease

from tests.runtime.entries import LEASE, OPEN
from tests.runtime.strategies import examples

MONTH = "2026-03"


def started(
    entry: Entry,
    lease: Lease = LEASE,
    record: str = "new",
    *,
    resolve: bool = True,
    grouped: bool = False,
) -> Entry:
    """Enter an incident that was started at 300."""
    return entry.with_incident(lease, record, 300, MONTH, resolve=resolve, grouped=grouped)


# --- causes


@pytest.mark.parametrize(
    ("opened", "recovered", "stands"),
    [(None, None, False), (None, 5, False), (5, None, True), (5, 4, True), (5, 5, False), (5, 6, False)],
)
def test_a_cause_stands_until_it_recovers(opened: int | None, recovered: int | None, *, stands: bool) -> None:
    """And only if it is in the incident."""
    assert Cause("a", opened, recovered).stands() is stands


def test_at_one_and_the_same_time_the_alarm_that_comes_last_stands() -> None:
    """However often the recovery before it is told again; a newer one ends it."""
    entry = started(Entry().with_recovery("a", 100, resolve=True))
    assert (entry.resolving, entry.is_recovered()) == ((), False)
    assert entry.with_recovery("a", 100, resolve=True) == entry
    assert entry.with_recovery("a", 101, resolve=True).resolving == ("new",)


def test_the_newest_alarm_of_a_cause_counts() -> None:
    """An older one that comes late brings no earlier recovery back."""
    entry = OPEN.with_joined("m", "a", 150)
    assert entry.cause("a").opened_ms == 200
    assert entry.with_recovery("a", 199, resolve=True).resolving == ()


# --- recover


def test_a_recovery_is_remembered_if_it_is_the_newest() -> None:
    """An older one changes nothing; each cause has its own."""
    entry = Entry().with_recovery("a", 5, resolve=True)
    assert entry.cause("a").recovered_ms == 5
    assert entry.with_recovery("a", 5, resolve=True) == entry
    assert entry.with_recovery("a", 4, resolve=True) == entry
    assert entry.with_recovery("a", 6, resolve=True).cause("a").recovered_ms == 6
    assert entry.with_recovery("b", 4, resolve=True).cause("a").recovered_ms == 5


def test_a_recovery_resolves_what_it_follows() -> None:
    """The incident of its own cause, if no newer signal opened or joined it, if the route resolves."""
    assert OPEN.with_recovery("a", 200, resolve=True).resolving == ("arn:record",)
    assert OPEN.with_recovery("a", 199, resolve=True).resolving == ()
    assert OPEN.with_recovery("b", 200, resolve=True).resolving == ()
    assert OPEN.with_recovery("a", 200, resolve=False).resolving == ()


def test_a_stranger_resolves_nothing_even_where_all_have_gone() -> None:
    """The route began to resolve only after the cause had gone: that incident is left to people."""
    gone = OPEN.with_recovery("a", 200, resolve=False)
    assert gone.with_recovery("b", 300, resolve=True).resolving == ()


def test_an_incident_is_resolved_when_all_of_its_causes_have_gone() -> None:
    """Each by its own recovery; one that comes back keeps it open."""
    entry = OPEN.with_joined("m", "b", 210)
    entry = entry.with_recovery("a", 220, resolve=True)
    assert (entry.resolving, entry.is_recovered()) == ((), False)
    entry = entry.with_joined("n", "a", 230).with_recovery("b", 240, resolve=True)
    assert entry.resolving == ()
    entry = entry.with_recovery("a", 250, resolve=True)
    assert (entry.resolving, entry.is_recovered()) == (("arn:record",), True)


def test_older_incidents_of_the_same_causes_are_resolved_with_it() -> None:
    """Their entry was not trusted any more, or the route led elsewhere: the causes are the same."""
    entry = started(replace(OPEN, lease=LEASE))
    assert (entry.record, entry.older) == ("new", ("arn:record",))
    entry = entry.with_recovery("a", 300, resolve=True)
    assert (entry.resolving, entry.older) == (("arn:record", "new"), ())


def test_causes_are_bounded_and_beyond_the_bound_people_resolve() -> None:
    """Fifty that stand: with one more, nobody knows when all have gone."""
    entry = Entry(record="record")
    for number in range(50):
        entry = entry.with_joined("m", f"c{number}", number + 1)
    assert (len(entry.causes), entry.many) == (50, False)
    assert entry.with_joined("m", "c0", 60).many is False
    # A stranger's recovery is not worth a place.
    assert entry.with_recovery("stranger", 99, resolve=True) == entry
    full = entry.with_joined("m", "one more", 60)
    assert (len(full.causes), full.many) == (50, True)
    for number in range(50):
        full = full.with_recovery(f"c{number}", 99, resolve=True)
    assert (full.resolving, full.is_recovered()) == ((), False)


def test_one_that_has_gone_makes_place() -> None:
    """It does not keep the incident open any more."""
    entry = Entry(record="record")
    for number in range(50):
        entry = entry.with_joined("m", f"c{number}", number + 1)
    entry = entry.with_recovery("c7", 99, resolve=True).with_joined("m", "one more", 60)
    assert (len(entry.causes), entry.many) == (50, False)
    assert entry.cause("c7") == Cause("c7")
    assert entry.cause("one more").stands()


# --- start


def test_a_started_incident_is_the_newest() -> None:
    """Its lease ends, its signal is served, it is counted."""
    before = replace(OPEN, lease=LEASE, older=("old",)).with_recovery("a", 200, resolve=False)
    entry = started(before, resolve=False)
    assert entry == replace(
        OPEN,
        record="new",
        opened_ms=100,
        started_ms=300,
        open_ms=300,
        joined=0,
        causes=(Cause("a", 200, 200),),
        served=(("mark", "new"),),
        starts=2,
    )


def test_a_late_alarms_incident_is_to_be_resolved_and_not_the_newest() -> None:
    """A recovery lies between it and the incident of now."""
    now = replace(OPEN, causes=(Cause("a", 200, 150),))
    entry = started(now, record="late")
    assert (entry.record, entry.resolving, entry.older) == ("arn:record", ("late",), ())
    assert entry.incident_of("mark") == "late"
    assert entry.starts == 2
    assert started(now, record="late", resolve=False).resolving == ()
    foreign = replace(OPEN, causes=(Cause("a", 200), Cause("b", None, 150)))
    assert started(foreign, record="late").resolving == ()


def test_an_alarm_that_was_over_before_it_was_told() -> None:
    """Its incident is entered, is to be resolved, and is joined by nobody."""
    entry = started(Entry().with_recovery("a", 150, resolve=True))
    assert (entry.record, entry.resolving, entry.is_recovered()) == ("new", ("new",), True)


def test_another_origin_begins_anew() -> None:
    """Its times are not compared with those of the one before, whose incident waits for people."""
    entry = started(replace(OPEN, causes=(Cause("b", 200, 50),), older=("old",)))
    assert entry.causes == (Cause("b", None, 50), Cause("a", 100))
    assert (entry.record, entry.older) == ("new", ())
    assert entry.with_recovery("b", 300, resolve=True).resolving == ()


def test_a_groups_new_incident_keeps_the_causes_that_stand() -> None:
    """Neither it nor the older one is resolved before all of them have gone."""
    entry = started(replace(OPEN, causes=(Cause("b", 200),)), grouped=True)
    assert (entry.record, entry.older) == ("new", ("arn:record",))
    assert entry.with_recovery("a", 300, resolve=True).resolving == ()
    both = entry.with_recovery("a", 300, resolve=True).with_recovery("b", 300, resolve=True)
    assert both.resolving == ("arn:record", "new")


def test_what_people_closed_is_over_for_its_causes() -> None:
    """The next incident does not wait for them; early recoveries are still known."""
    entry = replace(OPEN, causes=(Cause("a", 200), Cause("b", 1, 2)), older=("old",), many=True)
    assert entry.without_incident() == Entry(
        causes=(Cause("a"), Cause("b", None, 2)), served=OPEN.served, month=OPEN.month, starts=1
    )


def test_starts_are_counted_by_the_month() -> None:
    """Another month begins at nothing."""
    entry = started(started(Entry()), record="again")
    assert (entry.starts_in(MONTH), entry.starts_in("2026-04")) == (2, 0)
    entry = entry.with_incident(LEASE, "r", 1, "2026-04", resolve=True, grouped=False)
    assert (entry.starts_in(MONTH), entry.starts_in("2026-04")) == (0, 1)


def test_only_the_owner_ends_a_lease() -> None:
    """Or leaves it in doubt."""
    leased = Entry(lease=LEASE)
    assert leased.without_lease("other") == leased
    assert leased.with_doubt("other") == leased
    assert leased.without_lease("me") == Entry()
    assert leased.with_doubt("me").lease == replace(LEASE, until_ms=0)
    assert Entry().without_lease("me") == Entry().with_doubt("me") == Entry()


# --- hold


def test_a_held_signal_is_held_since_the_first_time() -> None:
    """And known by its mark."""
    first = Held("m", 1, 10, "a window")
    entry = Entry().with_held(first)
    assert entry.with_held(replace(first, since_ms=20)) == entry
    assert entry.held_of("m", 1) == first
    assert entry.held_of("n", 1) is None


def test_more_held_signals_than_are_remembered_are_known_by_their_time() -> None:
    """A flapping alarm in a long window: none of its past alarms starts an incident when it ends."""
    entry = Entry()
    for number in range(1, 44):
        entry = entry.with_held(Held(f"m{number}", number, number, "a window"))
    assert (len(entry.held), entry.held_before_ms) == (40, 3)
    assert entry.held_of("m3", 3) == Held("m3", 3, 3, "a suppression")
    assert entry.held_of("m4", 4) == Held("m4", 4, 4, "a window")
    assert entry.held_of("other", 4) is None


# --- memory


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
    entry = OPEN
    for number in range(9):
        entry = started(entry, replace(LEASE, mark=f"m{number}"), f"r{number}")
    assert entry.older == ("r3", "r4", "r5", "r6", "r7")


CAUSES = st.sampled_from(["a", "b", "c"])
TIMES = st.integers(min_value=1, max_value=30)
STEPS = st.lists(st.tuples(st.sampled_from(["alarm", "recovery", "start"]), CAUSES, TIMES), max_size=40)


@examples(500)
@given(steps=STEPS)
def test_nothing_is_resolved_while_a_cause_of_the_group_stands(
    steps: list[tuple[str, str, int]],
) -> None:
    """Whatever comes in whatever order: by a plain account of alarms and recoveries kept beside it."""
    entry = Entry()
    alarms: dict[str, int] = {}
    recoveries: dict[str, int] = {}
    for number, (step, cause, time) in enumerate(steps):
        before = entry.resolving
        if step == "recovery":
            recoveries[cause] = max(time, recoveries.get(cause, time))
            entry = entry.with_recovery(cause, time, resolve=True)
            if entry.resolving != before:
                assert all(recoveries.get(other, 0) >= opened for other, opened in alarms.items())
                alarms.clear()
            continue
        if time == recoveries.get(cause):
            # At one and the same time arrival decides: by a test of its own.
            continue
        if entry.record is None or entry.is_recovered() or step == "start":
            lease = replace(LEASE, cause=cause, time_ms=time, mark=f"m{number}")
            entry = started(entry, lease, f"r{number}", grouped=True)
        else:
            entry = entry.with_joined(f"m{number}", cause, time)
        if time > recoveries.get(cause, 0):
            alarms[cause] = max(time, alarms.get(cause, 0))
            assert entry.cause(cause).stands()
