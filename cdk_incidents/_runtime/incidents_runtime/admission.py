"""Admit: one open incident a key, and when in doubt two rather than none."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from incidents_runtime.destinations import Attempt, Order, ServiceError
from incidents_runtime.entry import Held, Lease
from incidents_runtime.errors import RetryLater
from incidents_runtime.ledger import LedgerUnreachable, milliseconds, time_of
from incidents_runtime.sharers import Sharers
from incidents_runtime.signal_model import digest
from incidents_runtime.start_request import mark_of, source_of, trigger_arn_of
from incidents_runtime.telemetry import known, log
from incidents_runtime.templates import group_of, ledger_key
from incidents_runtime.text import one_line

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from incidents_runtime.budget import Budget
    from incidents_runtime.clock import Clock, Deadline
    from incidents_runtime.destinations import Destination, Destinations
    from incidents_runtime.entry import Entry
    from incidents_runtime.ledger import Ledger
    from incidents_runtime.settings import Route
    from incidents_runtime.signal_model import Signal
    from incidents_runtime.suppression import Hold

Happened = Literal["started", "joined", "resolved", "ignored", "suppressed", "failed"]

# A lease ends only when its holder can no longer be running.
_LEASE_MARGIN_MS = 5_000
_WAIT_FOR_OTHERS_S = 8.0
_LOOK_AGAIN_S = 0.25
_BREATH_S = 0.1
_LONGEST_BREATH_S = 2.0
# Enough to ask the service once and to write once.
_ONE_TURN_S = 12.0
_MOST_NOTED = 512
_LONGEST_BY = 200
_SHARED = "causes of other keys share the incident: people resolve it"


@dataclass(frozen=True)
class Outcome:
    """What became of a signal."""

    happened: Happened
    record: str | None = None
    reason: str = ""
    resolved_at_once: bool = False
    held: bool = False
    """It is suppressed for now, not for good: the same signal must come again."""
    until: datetime | None = None
    """When to bring a held signal again, if anybody knows."""
    over_budget: bool = False
    budget_used: int | None = None
    """How much of the nearer limit of the budget is used, in percent."""


@dataclass(frozen=True)
class Admission:
    """Decides for each signal whether it starts an incident, joins one or resolves one."""

    ledger: Ledger
    destinations: Destinations
    clock: Clock
    budget: Budget
    held: Callable[[Signal, Route], Hold | None] = lambda _signal, _route: None
    """Says what holds back an incident that is about to be started."""
    standing: Callable[[Signal], bool | None] = lambda _signal: None
    """Says whether the cause of a signal that was held still stands; None if nobody knows."""

    def admit(self, signal: Signal, route: Route, started_by: str, deadline: Deadline) -> Outcome:
        """Bring a signal to its incident.

        Parameters
        ----------
        signal
            What happened.
        route
            Where it goes and how.
        started_by
            The ARN of the route's alias.
        deadline
            When the function must have answered.

        Returns
        -------
        Outcome
            What became of it.

        Raises
        ------
        RetryLater
            Nothing is decided; the same signal must come again.
        ServiceError
            The service did not start or resolve the incident.
        """
        if signal.transition == "ignored":
            return Outcome("ignored", reason=signal.reason)
        admitted = _Admitted(self, signal, route, started_by, deadline)
        return admitted.opened() if signal.transition == "opened" else admitted.recovered()


class _Admitted:
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
        # A word of the service is fresh for the length of this invocation.
        self.known_status: dict[str, str] = {}

    # --- opened

    def opened(self) -> Outcome:
        try:
            return self._in_turns(self._opened_with)
        except LedgerUnreachable as error:
            return self._start_without_ledger(str(error))

    def _opened_with(self, entry: Entry, revision: object) -> Outcome | None:
        """Take one turn; None means that the entry has changed and must be read again."""
        served_by = entry.incident_of(self.mark)
        if served_by is not None and self._status(served_by) in ("OPEN", "RESOLVED"):
            return self._duplicate(entry, served_by)
        if entry.record is not None and self._may_join(entry) and self._status(entry.record) == "OPEN":
            return self._join(entry, entry.record, revision)
        if entry.lease is not None and entry.lease.owner != self.owner:
            self._behind(entry, entry.lease, revision)
            return None
        return self._start_unless_held(entry, revision)

    def _duplicate(self, entry: Entry, record: str) -> Outcome:
        known(incident_record_arn=record)
        # Whoever served it may have died before resolving it.
        resolved = record in self._resolve_pending(entry)
        return Outcome("joined", record, "the same signal was delivered before", resolved_at_once=resolved)

    def _may_join(self, entry: Entry) -> bool:
        """Say whether an entry is to be trusted as far as asking the service about its record."""
        age_ms = milliseconds(self.clock.now()) - entry.started_ms
        cause = entry.cause(self.cause)
        return (
            entry.plan == self.route.destination
            and self.destinations.is_of(entry.record or "", entry.plan)
            # Of another source or account only where a deduplication key says that it is one cause.
            and (self.grouped or cause.opened_ms is not None)
            and -_LEASE_MARGIN_MS <= age_ms <= self.route.join_for_s * 1000
            and not entry.is_recovered()
            # An alarm from before a recovery belongs to an incident that was open then.
            and not (cause.recovered_after(self.time_ms) and self.time_ms < entry.opened_ms)
        )

    def _join(self, entry: Entry, record: str, revision: object) -> Outcome | None:
        known(incident_record_arn=record)
        joined = entry.with_joined(self.mark, self.cause, self.time_ms)
        # The condition on the revision is what keeps a recovery from slipping in between.
        if not self._write(joined, revision):
            return None
        self._sum_up(record, joined.joined)
        return Outcome("joined", record)

    def _sum_up(self, record: str, joined: int) -> None:
        # At 1, 2, 4, 8 … 512: ten notes at most, of the thousand that a timeline holds.
        if joined & (joined - 1) or joined > _MOST_NOTED:
            return
        signals = "signal has" if joined == 1 else "signals have"
        text = f"{joined} more {signals} joined this incident; the latest: {self.signal.title}"
        self._note(record, text, f"joined {joined}")

    def _note(self, record: str, text: str, key: str) -> None:
        try:
            self.destinations.of_record(record).note(record, text, key, self.deadline)
        except ServiceError as error:
            log("WARNING", "a timeline note was not written", incident_record_arn=record, reason=str(error))

    # --- held back

    def _start_unless_held(self, entry: Entry, revision: object) -> Outcome | None:
        was_held = entry.held_of(self.mark, self.time_ms)
        if was_held is not None and entry.cause(self.cause).recovered_after(self.time_ms):
            return _gone(was_held)
        hold = self.admission.held(self.signal, self.route)
        if hold is not None:
            return self._hold(entry, revision, hold)
        if was_held is not None and self.admission.standing(self.signal) is False:
            return _gone(was_held)
        return self._over_budget(entry) or self._start(entry, revision, was_held)

    def _hold(self, entry: Entry, revision: object, hold: Hold) -> Outcome | None:
        now_ms = milliseconds(self.clock.now())
        held = entry.with_held(Held(self.mark, self.time_ms, now_ms, one_line(hold.by, _LONGEST_BY)))
        if held != entry and not self._write(held, revision):
            return None
        return Outcome("suppressed", reason=hold.by, held=True, until=hold.until)

    def _over_budget(self, entry: Entry) -> Outcome | None:
        over = self.admission.budget.refusal(self.route, entry, self.cause)
        if over is None:
            return None
        return Outcome("failed", reason=over.reason, over_budget=True, budget_used=over.used)

    # --- started

    def _start(self, entry: Entry, revision: object, was_held: Held | None) -> Outcome | None:
        lease = self._lease()
        # What people have closed is over, for the causes that joined it too.
        status = self.known_status.get(entry.record or "")
        begun = entry.without_incident() if status in ("RESOLVED", "MISSING") else entry
        if not self._write(replace(begun, lease=lease), revision):
            return None
        try:
            record = self._destination(lease).start(self.order, self._attempt(lease), self.deadline)
        except ServiceError as error:
            self._give_back(in_doubt=error.kind == "ambiguous")
            raise
        outcome = self._settle(lease, record)
        if was_held is not None:
            since = f"{time_of(was_held.since_ms):%Y-%m-%d %H:%M:%S}"
            self._note(record, f"held back since {since} UTC by {was_held.by}", f"held {self.mark}")
        return outcome

    def _start_without_ledger(self, reason: str) -> Outcome:
        log("WARNING", "the ledger is unreachable: starting without it", key=self.key, reason=reason)
        hold = self.admission.held(self.signal, self.route)
        if hold is not None:
            return Outcome("suppressed", reason=hold.by, held=True, until=hold.until)
        # Nobody remembers whether this very signal came before; the service may.
        lease = replace(self._lease(), since_ms=self.time_ms)
        attempt = self._attempt(lease)
        try:
            record = self._destination(lease).find(attempt, self.deadline)
        except ServiceError as error:
            log("WARNING", "the incident was not looked for", key=self.key, reason=str(error))
            record = None
        if record is not None:
            return Outcome("joined", record, "the same signal was delivered before")
        return self._settle(lease, self._destination(lease).start(self.order, attempt, self.deadline))

    def _settle(self, lease: Lease, record: str) -> Outcome:
        """Enter the incident, and resolve it if its cause has gone before or meanwhile."""
        known(incident_record_arn=record)
        now_ms = milliseconds(self.clock.now())
        # Before the entry: whoever shares the record must not resolve it from now on.
        self._share(record)
        try:
            entry = self.ledger.change(self.key, lambda entry: self._entered(entry, lease, record, now_ms))
        except LedgerUnreachable as error:
            # There is an incident, which is what matters; the lease keeps the mark to find it by.
            log("WARNING", "the incident is not in the ledger", incident_record_arn=record, reason=str(error))
            return Outcome("started", record)
        # Counted only once it is entered: whoever finds the incident of a dead handler counts it.
        used = self.admission.budget.count(self.route, entry)
        return Outcome(
            "started", record, resolved_at_once=self._resolve_at_once(entry, record), budget_used=used
        )

    def _share(self, record: str) -> None:
        if self.route.response_plan_arn is not None:
            self.sharers.add(record, self.key)

    def _entered(self, entry: Entry, lease: Lease, record: str, started_ms: int) -> Entry:
        return entry.with_incident(
            lease,
            record,
            started_ms,
            self.admission.budget.month(),
            resolve=self.route.auto_resolve,
            grouped=self.grouped,
        )

    def _resolve_at_once(self, entry: Entry, record: str) -> bool:
        try:
            return record in self._resolve_pending(entry)
        except ServiceError as error:
            if error.may_pass:
                raise
            # The signal has its incident: that it stays open is a smaller evil than saying it has none.
            log("ERROR", "the incident was not resolved", incident_record_arn=record, reason=str(error))
            return False

    def _resolve_pending(self, entry: Entry) -> tuple[str, ...]:
        """Resolve what recoveries left to do; give the records that were open until now."""
        were_open = tuple(record for record in entry.resolving if self._resolved_now(entry, record))
        try:
            self.ledger.change(self.key, lambda now: now.without_resolving(entry.resolving))
        except LedgerUnreachable as error:
            log("WARNING", "the ledger does not know of a resolved incident", key=self.key, reason=str(error))
        return were_open

    def _resolved_now(self, entry: Entry, record: str) -> bool:
        known(incident_record_arn=record)
        try:
            if self.sharers.others_than(self.key, record):
                self.shared = True
                log("WARNING", _SHARED)
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

    def _give_back(self, *, in_doubt: bool) -> None:
        def given_back(entry: Entry) -> Entry:
            return entry.with_doubt(self.owner) if in_doubt else entry.without_lease(self.owner)

        try:
            self.ledger.change(self.key, given_back)
        except LedgerUnreachable as error:
            log("WARNING", "a lease was not given back and will run out", key=self.key, reason=str(error))

    def _lease(self) -> Lease:
        now_ms = milliseconds(self.clock.now())
        return Lease(
            owner=self.owner,
            until_ms=now_ms + int(self.deadline.remaining_s() * 1000) + _LEASE_MARGIN_MS,
            since_ms=now_ms,
            mark=self.mark,
            time_ms=self.time_ms,
            plan=self.route.destination,
            cause=self.cause,
            source=source_of(self.signal),
            trigger_arn=trigger_arn_of(self.signal) or "",
        )

    def _destination(self, lease: Lease) -> Destination:
        return self.destinations.named(lease.plan)

    def _attempt(self, lease: Lease) -> Attempt:
        return Attempt(
            destination=lease.plan,
            mark=lease.mark,
            since=time_of(lease.since_ms),
            incident_source=lease.source,
            trigger_arn=lease.trigger_arn or None,
            regions=self.route.regions,
        )

    # --- recovered

    def recovered(self) -> Outcome:
        try:
            return self._in_turns(self._recovered_with)
        except LedgerUnreachable as error:
            # Which incident to resolve only the ledger knows.
            raise RetryLater(f"the ledger is unreachable: {error}") from error

    def _recovered_with(self, entry: Entry, revision: object) -> Outcome | None:
        """Take one turn; None means that the entry has changed and must be read again."""
        noted = entry.with_recovery(self.cause, self.time_ms, resolve=self.route.auto_resolve)
        if noted != entry:
            # Noted before anything else: whoever is starting an incident meets it on the way back, and
            # what is to be resolved is known even if this invocation ends here.
            self._write(noted, revision)
            return None
        if entry.resolving:
            self.resolved += self._resolve_pending(entry)
            return None
        if entry.lease is not None and entry.lease.cause == self.cause:
            self._behind(entry, entry.lease, revision)
            return None
        if self.resolved:
            return Outcome("resolved", self.resolved[-1])
        return Outcome("ignored", entry.record, self._why_nothing(entry))

    def _why_nothing(self, entry: Entry) -> str:
        opened_ms = entry.cause(self.cause).opened_ms
        reasons = (
            (entry.record is None, "no incident is open for it"),
            (opened_ms is None, "only the source and account that opened an incident resolve it"),
            ((opened_ms or 0) > self.time_ms, "the cause came back after this recovery"),
            (not self.route.auto_resolve, "the route leaves resolving to people"),
            (entry.many, "more causes joined the incident than are remembered: people resolve it"),
            (not entry.is_recovered(), "other causes of the incident still stand"),
            (self.shared, _SHARED),
        )
        return next((reason for holds, reason in reasons if holds), "the incident is not open any more")

    # --- others at work

    def _in_turns(self, turn: Callable[[Entry, object], Outcome | None]) -> Outcome:
        while True:
            outcome = turn(*self.ledger.read(self.key))
            if outcome is not None:
                return outcome
            if not self.deadline.allows(_ONE_TURN_S):
                raise RetryLater("others are at work on the same cause, and the time is up")

    def _write(self, entry: Entry, revision: object) -> bool:
        written = self.ledger.write(self.key, entry, revision)
        if not written:
            # Others are at work on it: not all at once.
            self.contended += 1
            self.clock.sleep(min(_LONGEST_BREATH_S, _BREATH_S * self.contended) * self.clock.jitter())
        return written

    def _behind(self, entry: Entry, lease: Lease, revision: object) -> None:
        """Wait for whoever is starting this key's incident; if they died, find out what came of it."""
        if lease.until_ms > milliseconds(self.clock.now()):
            self._wait()
            return
        record = self._find(lease)
        if record is None:
            self._write(entry.without_lease(lease.owner), revision)
            return
        self._share(record)
        found = self._entered(entry, lease, record, lease.since_ms)
        if self._write(found, revision):
            self.admission.budget.count(self.route, found)

    def _wait(self) -> None:
        if self.waited_s >= _WAIT_FOR_OTHERS_S:
            raise RetryLater("another delivery is starting the incident of the same cause")
        self.clock.sleep(_LOOK_AGAIN_S)
        self.waited_s += _LOOK_AGAIN_S

    def _find(self, lease: Lease) -> str | None:
        try:
            return self._destination(lease).find(self._attempt(lease), self.deadline)
        except ServiceError as error:
            if error.may_pass:
                raise
            log("WARNING", "an incident that may have been started cannot be looked for", reason=str(error))
            return None

    def _status(self, record: str) -> str:
        if record not in self.known_status:
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


def _gone(held: Held) -> Outcome:
    return Outcome("suppressed", reason=f"the cause was gone when {held.by} ended")
