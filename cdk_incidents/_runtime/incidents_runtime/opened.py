"""A signal that opens: it joins the incident of its cause, or starts one unless something holds it back."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from incidents_runtime.admitted import Admitted
from incidents_runtime.destinations import ServiceError
from incidents_runtime.entry import Held, Lease
from incidents_runtime.errors import RetryLater, TurnLater
from incidents_runtime.ledger import LedgerUnreachable, milliseconds, time_of
from incidents_runtime.outcome import Outcome
from incidents_runtime.start_request import source_of, trigger_arn_of
from incidents_runtime.telemetry import known, log
from incidents_runtime.text import one_line

if TYPE_CHECKING:
    from incidents_runtime.entry import Entry
    from incidents_runtime.suppression import Hold

# A lease ends only when its holder can no longer be running.
_LEASE_MARGIN_MS = 5_000
_TWO_ANSWERS_OF_THE_LEDGER_S = 20.0
# As long as until a signal of the same cause comes again by Lambda.
_TURN_IS_LEFT_FOR_MS = 60_000
# Longer than Lambda's retries take; a sender whose clock is slow would be believed as long.
_WORD_IS_FRESH_MS = 5 * 60_000
_MOST_NOTED = 512
_LONGEST_BY = 200


class Opened(Admitted):
    """A signal that says that something is wrong."""

    def outcome(self) -> Outcome:
        """Bring it to its incident."""
        try:
            return self.in_turns(self._opened_with)
        except LedgerUnreachable as error:
            return self._start_without_ledger(str(error))

    def _opened_with(self, entry: Entry, revision: object) -> Outcome | None:
        """Take one turn; None means that the entry has changed and must be read again."""
        served_by = entry.incident_of(self.mark)
        if served_by is not None and (
            self._was_open_since(entry, served_by) or self.status(served_by) in ("OPEN", "RESOLVED")
        ):
            return self._duplicate(entry, served_by)
        if entry.record is not None and self._may_join(entry) and self._is_open(entry, entry.record):
            return self._join(entry, entry.record, revision)
        if self._is_left_to_another(entry):
            raise RetryLater("a signal of the same cause waits in the retry queue for its turn")
        if entry.lease is not None and entry.lease.owner != self.owner:
            self.behind(entry, entry.lease, revision)
            return None
        return self._start_unless_held(entry, revision)

    def _duplicate(self, entry: Entry, record: str) -> Outcome:
        known(incident_record_arn=record)
        # Whoever served it may have died before resolving it.
        resolved = self._resolve_at_once(entry, record)
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

    def _is_open(self, entry: Entry, record: str) -> bool:
        # Who closed it knew nothing of a cause that was not in it; and what the service has just said counts.
        may_be_believed = entry.cause(self.cause).opened_ms is not None and record not in self.known_status
        return (may_be_believed and self._was_open_since(entry, record)) or self.status(record) == "OPEN"

    def _was_open_since(self, entry: Entry, record: str) -> bool:
        """Say whether the service has said after the signal happened that the record is open.

        Then the incident is about the signal too, whatever people have done with it since. In a storm nearly
        all signals are of that kind, and the service answers ten a second.
        """
        age_ms = milliseconds(self.clock.now()) - entry.open_ms
        return record == entry.record and self.time_ms < entry.open_ms and 0 <= age_ms <= _WORD_IS_FRESH_MS

    def _is_left_to_another(self, entry: Entry) -> bool:
        """Say whether the start is better left to a signal that waits for it, lest all of them ask for it."""
        left_ms = entry.turn_until_ms - milliseconds(self.clock.now())
        return not self.deadline.patient and 0 < left_ms <= _TURN_IS_LEFT_FOR_MS

    def _join(self, entry: Entry, record: str, revision: object) -> Outcome | None:
        known(incident_record_arn=record)
        known_open = entry.said_open(self.asked_ms.get(record, 0))
        joined = known_open.with_joined(self.mark, self.cause, self.time_ms)
        # The condition on the revision is what keeps a recovery from slipping in between.
        if not self.write(joined, revision):
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
        if held != entry and not self.write(held, revision):
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
        if not self.write(replace(begun, lease=lease), revision):
            return None
        try:
            record = self._started(lease)
        except (ServiceError, TurnLater) as error:
            self._give_back(error)
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
        attempt = self.attempt(lease)
        try:
            record = self.destination(lease).find(attempt, self.deadline)
        except ServiceError as error:
            log("WARNING", "the incident was not looked for", key=self.key, reason=str(error))
            record = None
        if record is not None:
            return Outcome("joined", record, "the same signal was delivered before")
        record = self._started(lease)
        if not self.deadline.allows(_TWO_ANSWERS_OF_THE_LEDGER_S):
            # It seems to hang. Cut off, this would only come again.
            known(incident_record_arn=record)
            return Outcome("started", record)
        return self._settle(lease, record)

    def _started(self, lease: Lease) -> str:
        try:
            return self.destination(lease).start(self.order, self.attempt(lease), self.deadline)
        except ServiceError as error:
            if error.is_throttling and not (self.deadline.patient or self.route.quiet):
                raise TurnLater(str(error)) from error
            raise

    def _settle(self, lease: Lease, record: str) -> Outcome:
        """Enter the incident, and resolve it if its cause has gone before or meanwhile."""
        known(incident_record_arn=record)
        now_ms = milliseconds(self.clock.now())
        # Before the entry: whoever shares the record must not resolve it from now on.
        self.share(record)
        try:
            entry = self.change(lambda entry: self.entered(entry, lease, record, now_ms))
        except LedgerUnreachable as error:
            # There is an incident, which is what matters; the lease keeps the mark to find it by.
            log("WARNING", "the incident is not in the ledger", incident_record_arn=record, reason=str(error))
            return Outcome("started", record)
        # Counted only once it is entered: whoever finds the incident of a dead handler counts it.
        used = self.admission.budget.count(self.route, entry)
        return Outcome(
            "started", record, resolved_at_once=self._resolve_at_once(entry, record), budget_used=used
        )

    def _resolve_at_once(self, entry: Entry, record: str) -> bool:
        try:
            return record in self.resolve_pending(entry)
        except ServiceError as error:
            if error.may_pass:
                raise
            # The signal has its incident: that it stays open is a smaller evil than saying it has none.
            log("ERROR", "the incident was not resolved", incident_record_arn=record, reason=str(error))
            return False

    def _give_back(self, reason: ServiceError | TurnLater) -> None:
        until_ms = milliseconds(self.clock.now()) + _TURN_IS_LEFT_FOR_MS

        def given_back(entry: Entry) -> Entry:
            if isinstance(reason, TurnLater):
                return replace(entry.without_lease(self.owner), turn_until_ms=until_ms)
            in_doubt = reason.kind == "ambiguous"
            return entry.with_doubt(self.owner) if in_doubt else entry.without_lease(self.owner)

        try:
            self.change(given_back)
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


def _gone(held: Held) -> Outcome:
    return Outcome("suppressed", reason=f"the cause was gone when {held.by} ended")
