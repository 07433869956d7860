"""A signal that recovers: it resolves the incident of its cause, once every other cause has gone too."""

from __future__ import annotations

from typing import TYPE_CHECKING

from incidents_runtime.admitted import SHARED, Admitted
from incidents_runtime.errors import RetryLater
from incidents_runtime.ledger import LedgerUnreachable
from incidents_runtime.outcome import Outcome

if TYPE_CHECKING:
    from incidents_runtime.entry import Entry


class Recovered(Admitted):
    """A signal that says that something has gone."""

    def outcome(self) -> Outcome:
        """Resolve what it ends."""
        try:
            return self.in_turns(self._recovered_with)
        except LedgerUnreachable as error:
            # Which incident to resolve only the ledger knows.
            raise RetryLater(f"the ledger is unreachable: {error}") from error

    def _recovered_with(self, entry: Entry, revision: object) -> Outcome | None:
        """Take one turn; None means that the entry has changed and must be read again."""
        noted = entry.with_recovery(self.cause, self.time_ms, resolve=self.route.auto_resolve)
        if noted != entry:
            # Noted before anything else: whoever is starting an incident meets it on the way back, and
            # what is to be resolved is known even if this invocation ends here.
            self.write(noted, revision)
            return None
        if entry.resolving:
            self.resolved += self.resolve_pending(entry)
            return None
        if entry.lease is not None and entry.lease.cause == self.cause:
            self.behind(entry, entry.lease, revision)
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
            (self.shared, SHARED),
        )
        return next((reason for holds, reason in reasons if holds), "the incident is not open any more")
