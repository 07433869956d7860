"""Any history of causes, deliveries, faults, people and windows: never fewer incidents than causes.

The real handler, ledger and gateways over the fake services. What is expected is kept beside them: the
newest signal of each cause, and what became of it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from botocore.exceptions import ConnectionClosedError, EndpointConnectionError, ReadTimeoutError
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)
from incidents_runtime.suppression import Hold

from tests.runtime.fakes import (
    INTERNAL,
    NOW,
    ROUTES,
    THROTTLED,
    LostAnswerError,
    World,
    alarm,
    refusal,
)
from tests.runtime.interleaving import KilledError, killed_at

GROUP = replace(ROUTES[0], id="Group", dedupe_key="all of {region}")
URL = "https://example.com"
NOT_DONE = (
    THROTTLED,
    INTERNAL,
    refusal("ConflictException", 409),
    EndpointConnectionError(endpoint_url=URL),
    ReadTimeoutError(endpoint_url=URL),
)
DONE = (
    LostAnswerError(ReadTimeoutError(endpoint_url=URL)),
    LostAnswerError(ConnectionClosedError(endpoint_url=URL)),
    LostAnswerError(INTERNAL),
)
OPERATIONS = (
    "StartIncident",
    "GetIncidentRecord",
    "UpdateIncidentRecord",
    "ListIncidentRecords",
    "ListRelatedItems",
)
ANY = st.integers(min_value=0, max_value=10**6)


@dataclass
class Told:
    """A signal, and what became of it."""

    route: str
    cause: str
    state: str
    time: float
    event: dict[str, Any]
    outcome: str = ""
    record: str | None = None


class History(RuleBasedStateMachine):
    """What may happen."""

    @initialize(window=st.sampled_from([timedelta(0), timedelta(days=1), None]), merges=st.booleans())
    def begin(self, window: timedelta | None, *, merges: bool) -> None:
        self.world = World(routes=(ROUTES[0], GROUP), token_window=window)
        # Both routes' plan may have a dedupe string: then keys share incidents, which people resolve.
        self.world.service.merges = merges
        self.told: list[Told] = []
        self.waiting: list[Told] = []
        self.closed_by_people: dict[str, float] = {}
        self.ledger_failed = False

    # --- signals

    @rule(route=st.sampled_from(["Critical", "Group"]), cause=st.sampled_from("ABC"))
    def a_cause_changes(self, route: str, cause: str) -> None:
        """From OK to ALARM, mostly, and back; the world's time is the signal's."""
        self.world.clock.time += timedelta(seconds=1)
        at = self._now()
        before = [told for told in self.told if (told.route, told.cause) == (route, cause)]
        state = "OK" if before and before[-1].state == "ALARM" and int(at) % 4 else "ALARM"
        told = Told(route, cause, state, at, alarm(cause, state, at))
        self.told.append(told)
        self.waiting.append(told)

    @precondition(lambda self: self.waiting)
    @rule(which=ANY)
    def one_is_delivered(self, which: int) -> None:
        """In any order."""
        self._deliver(self.waiting.pop(which % len(self.waiting)))

    @precondition(lambda self: self.told)
    @rule(which=ANY)
    def one_is_delivered_again(self, which: int) -> None:
        """Bring a duplicate, or a replay of long ago."""
        self._deliver(self.told[which % len(self.told)])

    @precondition(lambda self: self.waiting)
    @rule(which=ANY, call=st.integers(min_value=1, max_value=12), after=st.booleans())
    def a_handler_is_killed(self, which: int, call: int, *, after: bool) -> None:
        """At any call; its event comes again."""
        told = self.waiting[which % len(self.waiting)]
        with killed_at(call, (self.world.service, self.world.table), after=after):
            try:
                self._deliver(told)
            except KilledError:
                return
        self.waiting.remove(told)

    # --- the world

    @rule(operation=st.sampled_from(OPERATIONS), fault=st.sampled_from(NOT_DONE + DONE))
    def the_service_will_fail(self, operation: str, fault: Exception) -> None:
        """Once, before or after its work."""
        self.world.service.fail(operation, fault)

    @rule(operation=st.sampled_from(["GetItem", "PutItem"]), fault=st.sampled_from(NOT_DONE + DONE))
    def the_ledger_will_fail(self, operation: str, fault: Exception) -> None:
        """Once: from then on, there may be an incident that it does not know."""
        self.ledger_failed = True
        self.world.table.fail(operation, fault)

    @rule(minutes=st.sampled_from([1, 10]))
    def time_passes(self, minutes: int) -> None:
        """Leases run out."""
        self.world.clock.time += timedelta(minutes=minutes)

    @precondition(lambda self: self.world.service.open_records())
    @rule(which=ANY, deleted=st.booleans())
    def people_close_an_incident(self, which: int, *, deleted: bool) -> None:
        """Resolve it, or delete its record."""
        records = self.world.service.open_records()
        arn = records[which % len(records)]
        self.closed_by_people[arn] = self._now()
        self.world.service.records[arn]["status"] = "RESOLVED"
        if deleted:
            del self.world.service.records[arn]

    @rule()
    def a_window_begins_or_ends(self) -> None:
        """In it nothing starts."""
        now = self.world.clock.time
        self.world.hold = Hold("a window", now + timedelta(hours=1)) if self.world.hold is None else None

    # --- what must be true

    def teardown(self) -> None:
        """Let all of it come to rest, and look."""
        if not hasattr(self, "world"):
            return
        self.world.hold = None
        self.world.service.faults.clear()
        self.world.table.faults.clear()
        for _ in range(50):
            self.world.clock.time += timedelta(minutes=1)
            waiting, self.waiting = self.waiting, []
            for told in waiting:
                self._deliver(told)
            if not self.waiting:
                break
        assert not self.waiting
        assert self.world.queues.sent == []
        open_now = set(self.world.service.open_records())
        for route in ("Critical", "Group"):
            standing = [told for told in self._newest(route) if told.state == "ALARM"]
            for told in standing:
                assert told.record is not None, told
                assert told.record in open_now | set(self.closed_by_people), told
            if not self.ledger_failed and not self.world.service.merges:
                theirs = {told.record for told in self.told if told.route == route} & open_now
                wanted = {told.record for told in standing} & open_now
                assert theirs == wanted
        if not self.ledger_failed and not self.world.service.merges:
            assert open_now <= {told.record for told in self.told}

    def _newest(self, route: str) -> list[Told]:
        newest = {told.cause: told for told in self.told if told.route == route}
        return list(newest.values())

    def _now(self) -> float:
        return (self.world.clock.time - NOW).total_seconds()

    def _deliver(self, told: Told) -> None:
        try:
            result = self.world.deliver(told.event, told.route)["outcomes"][0]
        except Exception:  # noqa: BLE001 - Lambda delivers it again
            self.waiting.append(told)
            return
        if result.get("until") or result["outcome"] == "waiting":
            self.waiting.append(told)
            return
        told.outcome, told.record = result["outcome"], result["incident_record_arn"]
        # What people had closed is over when something happens again; of what they deleted, nobody can tell.
        is_known = told.record in self.world.service.records and not self.ledger_failed
        if told.state == "ALARM" and is_known:
            assert self.closed_by_people.get(told.record or "", told.time) >= told.time, told


def test_any_history_ends_with_an_incident_for_each_cause_that_stands() -> None:
    """Open, or closed by people; and with a ledger that answers, no other one is left open."""
    run_state_machine_as_test(
        History,
        settings=settings(
            max_examples=150, stateful_step_count=40, deadline=None, derandomize=True, database=None
        ),
    )
