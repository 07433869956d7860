"""What is known of one key, and the rules by which it changes: plain code over one value.

An entry is one incident with the causes that opened or joined it. Without a deduplication key there is one
cause; with one there may be many, and the incident is resolved only when all of them have gone.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

# Enough for every duplicate that Lambda and the queue can bring late, few enough for a small item.
_MOST_SERVED = 40
_MOST_HELD = 40
_MOST_RESOLVING = 10
_MOST_OLDER = 5
_MOST_CAUSES = 50


@dataclass(frozen=True)
class Cause:
    """One thing that is wrong, by the source and account that say so: they alone may say that it is gone."""

    name: str
    opened_ms: int | None = None
    """When its newest alarm in the incident happened; None if it is not in the incident."""
    recovered_ms: int | None = None
    """When its newest known recovery happened."""

    def stands(self) -> bool:
        """Say whether it is in the incident and has not gone since."""
        return self.opened_ms is not None and (
            self.recovered_ms is None or self.recovered_ms < self.opened_ms
        )

    def recovered_after(self, time_ms: int) -> bool:
        """Say whether a recovery is known that is newer than an alarm."""
        return self.recovered_ms is not None and self.recovered_ms > time_ms

    def with_alarm(self, time_ms: int) -> Cause:
        """Put it into the incident."""
        # At one and the same time arrival decides: an alarm that comes last stands, however often the
        # recovery before it is told again.
        stands_from = time_ms + 1 if self.recovered_ms == time_ms else time_ms
        return replace(self, opened_ms=max(self.opened_ms or stands_from, stands_from))


@dataclass(frozen=True)
class Held:
    """A signal that a suppression kept from starting an incident."""

    mark: str
    time_ms: int
    """When the signal happened."""
    since_ms: int
    """Since when, by our clock, it is held."""
    by: str


@dataclass(frozen=True)
class Lease:
    """Somebody is starting an incident, or died doing so: enough to find what came of it."""

    owner: str
    until_ms: int
    """Until when, by our clock, its owner can be alive."""
    since_ms: int
    mark: str
    """The mark of the signal, which the incident carries."""
    time_ms: int
    """When the signal happened."""
    plan: str
    """The destination."""
    cause: str
    source: str = ""
    """What the record shows as its source."""
    trigger_arn: str = ""


@dataclass(frozen=True)
class Entry:
    """What is known of one key. Times are the signals' own, in milliseconds, but for those by our clock."""

    record: str | None = None
    """The newest incident."""
    plan: str = ""
    """The destination that it was started in."""
    opened_ms: int = 0
    """When the first signal of the incident happened."""
    started_ms: int = 0
    """When it was started, by our clock."""
    open_ms: int = 0
    """When the service last said that it is open, by our clock."""
    turn_until_ms: int = 0
    """Until when, by our clock, a start is left to a signal that waits for the service in the retry queue."""
    joined: int = 0
    causes: tuple[Cause, ...] = ()
    """The incident's, and others that are known; the latest change is last."""
    many: bool = False
    """More causes stand than are remembered: nobody knows when all have gone."""
    older: tuple[str, ...] = ()
    """Incidents of the same causes from before the newest: resolved when it is."""
    lease: Lease | None = None
    resolving: tuple[str, ...] = ()
    """Records whose causes have gone and that are not known to be resolved."""
    served: tuple[tuple[str, str], ...] = ()
    """Marks of the newest signals that have an incident, and which."""
    held: tuple[Held, ...] = ()
    """The newest signals that were held."""
    held_before_ms: int = 0
    """More were held than are remembered: whatever happened until then may have been."""
    month: str = ""
    """The month that ``starts`` counts."""
    starts: int = 0

    # --- what it says

    def cause(self, name: str) -> Cause:
        """Give what is known of a cause, which may be nothing."""
        return next((cause for cause in self.causes if cause.name == name), Cause(name))

    def knows(self, name: str) -> bool:
        """Say whether a cause was seen before, as far as that is remembered."""
        return any(cause.name == name for cause in self.causes)

    def is_recovered(self) -> bool:
        """Say whether every cause of the incident has gone."""
        return not self.many and not any(cause.stands() for cause in self.causes)

    def incident_of(self, mark: str) -> str | None:
        """Give the incident that a signal was given before, if it was."""
        return dict(self.served).get(mark)

    def held_of(self, mark: str, time_ms: int) -> Held | None:
        """Say whether, since when and by what a signal was held."""
        for held in self.held:
            if held.mark == mark:
                return held
        if time_ms <= self.held_before_ms:
            return Held(mark, time_ms, time_ms, "a suppression")
        return None

    def starts_in(self, month: str) -> int:
        """Tell how many incidents were started in a month."""
        return self.starts if self.month == month else 0

    # --- what happens to it

    def said_open(self, at_ms: int) -> Entry:
        """Remember the service's word that the newest incident is open."""
        return replace(self, open_ms=max(self.open_ms, at_ms))

    def with_joined(self, mark: str, cause: str, time_ms: int) -> Entry:
        """Let a signal join the newest incident."""
        return replace(
            self.with_served(mark, self.record or "").with_cause(self.cause(cause).with_alarm(time_ms)),
            joined=self.joined + 1,
            opened_ms=min(self.opened_ms, time_ms),
        )

    def with_recovery(self, cause: str, time_ms: int, *, resolve: bool) -> Entry:
        """Remember a recovery, and what it resolves; one that is older than the known one changes nothing."""
        known = self.cause(cause)
        if known.recovered_ms is not None and known.recovered_ms >= time_ms:
            return self
        recovered = self.with_cause(replace(known, recovered_ms=time_ms))
        if not (resolve and known.opened_ms is not None and self.record and recovered.is_recovered()):
            return recovered
        for record in (*self.older, self.record):
            recovered = recovered.with_resolving(record)
        return replace(recovered, older=())

    def with_incident(
        self, lease: Lease, record: str, started_ms: int, month: str, *, resolve: bool, grouped: bool
    ) -> Entry:
        """Enter the incident that came of a lease, and end the lease.

        Parameters
        ----------
        lease
            What the incident was started under.
        record
            The incident.
        started_ms
            When it was started.
        month
            The month that it counts for.
        resolve
            Whether recoveries resolve.
        grouped
            Whether signals of several causes may share the entry.

        Returns
        -------
        Entry
            With the incident as the newest, unless it is of the past and another one stands.
        """
        entry = replace(
            self.without_lease(lease.owner).with_served(lease.mark, record),
            month=month,
            starts=self.starts_in(month) + 1,
            turn_until_ms=0,
        )
        cause = entry.cause(lease.cause)
        if record in (entry.record, *entry.older) and not entry.is_recovered():
            # The plan's own deduplication merged it into what is open: it has joined.
            return replace(
                entry.with_cause(cause.with_alarm(lease.time_ms)),
                opened_ms=min(entry.opened_ms, lease.time_ms),
            )
        late = cause.recovered_after(lease.time_ms)
        # Merged into one that was about to be resolved, it is the incident of a cause that stands.
        entry = entry.with_resolving(record) if late and resolve else entry.without_resolving((record,))
        if not grouped and cause.opened_ms is None:
            # Another source or account of the same alarm has nothing to do with the incident before.
            entry = entry.without_incident()
        elif entry.record is None or entry.is_recovered():
            entry = replace(entry, older=())
        elif late:
            # An alarm from before a recovery that came late: the incident of now stays the newest.
            return entry
        else:
            entry = replace(entry, older=(*entry.older, entry.record)[-_MOST_OLDER:])
        return replace(
            entry.with_cause(cause.with_alarm(lease.time_ms)),
            record=record,
            plan=lease.plan,
            opened_ms=lease.time_ms,
            started_ms=started_ms,
            # Asked twice for one start, the service names its record again, whatever people have made of it.
            open_ms=0 if self.incident_of(lease.mark) == record else started_ms,
            joined=0,
        )

    def without_incident(self) -> Entry:
        """Forget the incident: it is known to be closed, and with it its causes are dealt with."""
        causes = tuple(replace(cause, opened_ms=None) for cause in self.causes)
        return replace(
            self,
            record=None,
            plan="",
            opened_ms=0,
            started_ms=0,
            open_ms=0,
            joined=0,
            causes=causes,
            many=False,
            older=(),
        )

    def with_resolving(self, record: str) -> Entry:
        """Remember that a record is to be resolved, until it is."""
        others = tuple(other for other in self.resolving if other != record)
        return replace(self, resolving=(*others, record)[-_MOST_RESOLVING:])

    def without_resolving(self, records: tuple[str, ...]) -> Entry:
        """Forget records that are resolved."""
        return replace(self, resolving=tuple(record for record in self.resolving if record not in records))

    def without_lease(self, owner: str) -> Entry:
        """End a lease, if it is still its owner's."""
        return replace(self, lease=None) if self.lease is not None and self.lease.owner == owner else self

    def with_doubt(self, owner: str) -> Entry:
        """End a lease and keep its mark: whoever comes next looks before starting."""
        if self.lease is None or self.lease.owner != owner:
            return self
        return replace(self, lease=replace(self.lease, until_ms=0))

    def with_served(self, mark: str, record: str) -> Entry:
        """Remember which incident a signal was given."""
        others = tuple(served for served in self.served if served[0] != mark)
        return replace(self, served=(*others, (mark, record))[-_MOST_SERVED:])

    def with_held(self, held: Held) -> Entry:
        """Remember that a signal is held; one that is held already stays so since then."""
        if any(held.mark == other.mark for other in self.held):
            return self
        all_held = (*self.held, held)
        forgotten = (other.time_ms for other in all_held[:-_MOST_HELD])
        return replace(
            self, held=all_held[-_MOST_HELD:], held_before_ms=max((self.held_before_ms, *forgotten))
        )

    def with_cause(self, cause: Cause) -> Entry:
        """Remember a cause as it is now."""
        others = [other for other in self.causes if other.name != cause.name]
        if len(others) < _MOST_CAUSES:
            return replace(self, causes=(*others, cause))
        gone = next((other for other in others if not other.stands()), None)
        if gone is not None:
            # Should an alarm from before its recovery still come, its incident waits for people.
            others.remove(gone)
            return replace(self, causes=(*others, cause))
        # To forget one that stands would resolve its incident too early.
        return replace(self, many=True) if cause.stands() else self
