"""A signal on its way to its incident: what its opening and its recovery have in common."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from incidents_runtime.destinations import Attempt, Order, ServiceError
from incidents_runtime.errors import RetryLater
from incidents_runtime.ledger import LedgerUnreachable, milliseconds, time_of
from incidents_runtime.sharers import Sharers
from incidents_runtime.signal_model import digest
from incidents_runtime.start_request import mark_of
from incidents_runtime.telemetry import known, log
from incidents_runtime.templates import group_of, ledger_key

if TYPE_CHECKING:
    from collections.abc import Callable

    from incidents_runtime.admission import Admission
    from incidents_runtime.clock import Deadline
    from incidents_runtime.destinations import Destination
    from incidents_runtime.entry import Entry, Lease
    from incidents_runtime.outcome import Outcome
    from incidents_runtime.settings import Route
    from incidents_runtime.signal_model import Signal

SHARED = "causes of other keys share the incident: people resolve it"

_WAIT_FOR_OTHERS_S = 8.0
_LOOK_AGAIN_S = 0.25
_BREATH_S = 0.1
_LONGEST_BREATH_S = 2.0
# Longer than Lambda lets anybody be at work: a lease that says so makes no sense.
_LONGEST_LEASE_MS = 16 * 60 * 1000
# Enough to ask the service once and to write once.
_ONE_TURN_S = 12.0


class Admitted:
    """One signal on its way."""

    def __init__(
        self, admission: Admission, signal: Signal, route: Route, started_by: str, deadline: Deadline
    ) -> None:
        self.admission, self.ledger, self.destinations = admission, admission.ledger, admission.destinations
        self.clock, self.deadline = admission.clock, deadline
        self.sharers = Sharers(self.ledger.client, self.ledger.table, self.clock)
        self.signal, self.route = signal, route
        self.key = ledger_key(signal, route)
        self.grouped = group_of(signal, route) is not None
        # Who says so belongs to a cause: nobody else may say that it is gone.
        self.cause = digest(signal.key, signal.source, signal.account)[:20]
        self.mark = mark_of(signal, route)
        self.time_ms = milliseconds(signal.time)
        self.order = Order(signal, route, started_by)
        self.owner = uuid.uuid4().hex
        self.waited_s = 0.0
        self.contended = 0
        self.resolved: tuple[str, ...] = ()
        self.shared = False
        # The entry and its revision as they were last seen, and as this signal has just written them: then
        # there is nothing newer to read.
        self.seen: tuple[Entry, object] | None = None
        self.written: tuple[Entry, object] | None = None
        # A word of the service is fresh for the length of this invocation.
        self.known_status: dict[str, str] = {}
        self.asked_ms: dict[str, int] = {}

    def in_turns(self, turn: Callable[[Entry, object], Outcome | None]) -> Outcome:
        """Take turns at the entry until one of them decides."""
        while True:
            self.seen, self.written = self.written or self.ledger.read(self.key), None
            outcome = turn(*self.seen)
            if outcome is not None:
                return outcome
            if not self.deadline.allows(_ONE_TURN_S):
                raise RetryLater("others are at work on the same cause, and the time is up")

    def write(self, entry: Entry, revision: object) -> bool:
        """Write the entry; False means that it has changed and must be read again."""
        written = self.ledger.write(self.key, entry, revision)
        if written is None:
            # Others are at work on it: not all at once.
            self.contended += 1
            self.clock.sleep(min(_LONGEST_BREATH_S, _BREATH_S * self.contended) * self.clock.jitter())
            return False
        self.seen = self.written = entry, written
        return True

    def change(self, change: Callable[[Entry], Entry]) -> Entry:
        """Change the entry, whatever others have made of it."""
        self.written = None
        self.seen = self.written = self.ledger.change(self.key, change, self.seen)
        return self.written[0]

    def behind(self, entry: Entry, lease: Lease, revision: object) -> None:
        """Wait for whoever is starting this key's incident; if they died, find out what came of it."""
        now_ms = milliseconds(self.clock.now())
        if now_ms < lease.until_ms <= now_ms + _LONGEST_LEASE_MS:
            self._wait()
            return
        record = self._find(lease)
        if record is None:
            self.write(entry.without_lease(lease.owner), revision)
            return
        self.share(record)
        found = self.entered(entry, lease, record, lease.since_ms)
        if self.write(found, revision):
            self.admission.budget.count(self.route, found)

    def _wait(self) -> None:
        if self.waited_s >= _WAIT_FOR_OTHERS_S:
            raise RetryLater("another delivery is starting the incident of the same cause")
        self.clock.sleep(_LOOK_AGAIN_S)
        self.waited_s += _LOOK_AGAIN_S

    def _find(self, lease: Lease) -> str | None:
        try:
            return self.destination(lease).find(self.attempt(lease), self.deadline)
        except ServiceError as error:
            if error.may_pass:
                raise
            log("WARNING", "an incident that may have been started cannot be looked for", reason=str(error))
            return None

    def destination(self, lease: Lease) -> Destination:
        """Give the service that a lease's incident is in."""
        return self.destinations.named(lease.plan)

    def attempt(self, lease: Lease) -> Attempt:
        """Say what an incident that was started under a lease is known by."""
        return Attempt(
            destination=lease.plan,
            mark=lease.mark,
            since=time_of(lease.since_ms),
            incident_source=lease.source,
            trigger_arn=lease.trigger_arn or None,
            regions=self.route.regions,
        )

    def status(self, record: str) -> str:
        """Ask the service for a record's status, once."""
        if record not in self.known_status:
            self.asked_ms[record] = milliseconds(self.clock.now())
            self.known_status[record] = self._ask_for_status(record)
        return self.known_status[record]

    def _ask_for_status(self, record: str) -> str:
        try:
            return self.destinations.of_record(record).status(record, self.deadline)
        except ServiceError as error:
            if error.may_pass:
                raise
            log(
                "WARNING",
                "the service does not tell of the incident",
                incident_record_arn=record,
                reason=str(error),
            )
            return "UNKNOWN"

    def share(self, record: str) -> None:
        """Let others who share the record know that it is this key's, too."""
        if self.route.response_plan_arn is not None:
            self.sharers.add(record, self.key)

    def entered(self, entry: Entry, lease: Lease, record: str, started_ms: int) -> Entry:
        """Enter an incident that was started."""
        return entry.with_incident(
            lease,
            record,
            started_ms,
            self.admission.budget.month(),
            resolve=self.route.auto_resolve,
            grouped=self.grouped,
        )

    def resolve_pending(self, entry: Entry) -> tuple[str, ...]:
        """Resolve what recoveries left to do; give the records that were open until now."""
        if not entry.resolving:
            return ()
        were_open = tuple(record for record in entry.resolving if self._resolved_now(entry, record))
        try:
            self.change(lambda now: now.without_resolving(entry.resolving))
        except LedgerUnreachable as error:
            log("WARNING", "the ledger does not know of a resolved incident", key=self.key, reason=str(error))
        return were_open

    def _resolved_now(self, entry: Entry, record: str) -> bool:
        known(incident_record_arn=record)
        try:
            if self.sharers.others_than(self.key, record):
                self.shared = True
                log("WARNING", SHARED)
                return False
            return self.destinations.of_record(record).resolve(record, self.order, self.deadline)
        except ServiceError as error:
            if error.may_pass or record == entry.record:
                raise
            # An old one, perhaps of a plan that the role has lost: it must not stand in the way for ever.
            log("ERROR", "the incident was not resolved", incident_record_arn=record, reason=str(error))
            return False
        except LedgerUnreachable as error:
            # Not to be taken for a ledger that knows of no incident yet.
            raise RetryLater(f"the ledger is unreachable: {error}") from error
