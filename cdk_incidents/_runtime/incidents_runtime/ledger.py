"""The ledger: which incident is open for which key. A cache of the truth, which is the service's.

An entry is read, changed by a pure function, and written back on the condition that nobody else wrote
in between. So the rules below are plain code over one value, and concurrent deliveries cannot
overlook one another.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any, Protocol

from botocore.config import Config

from incidents_runtime.errors import code_of, describe
from incidents_runtime.shapes import items, mapping, text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from incidents_runtime.clock import Clock

# Both calls may be sent again: a write that had arrived fails its condition then, and is read.
CONFIG = Config(connect_timeout=1, read_timeout=2, retries={"total_max_attempts": 3, "mode": "standard"})

# An alarm may stay in ALARM for weeks, and its recovery must still find its incident.
KEPT_FOR = timedelta(days=90)
# Enough for every duplicate that Lambda and the queue can bring late, few enough for a small item.
_MOST_SERVED = 40
_MOST_RESOLVING = 10
_ATTEMPTS = 20
_CONTENTION_WAIT_S = 0.1
# The year 9999: what lies beyond is no time.
_LATEST_MS = 253_370_764_800_000


class LedgerUnreachable(Exception):  # noqa: N818 - a state of the world, not a mistake
    """The table gave no answer, or none that can be used."""


class TableClient(Protocol):
    """What the ledger asks of DynamoDB's client."""

    def get_item(self, **arguments: Any) -> Mapping[str, Any]:
        """Read an item."""

    def put_item(self, **arguments: Any) -> Mapping[str, Any]:
        """Write an item."""


@dataclass(frozen=True)
class Lease:
    """Somebody is starting an incident, or died doing so."""

    owner: str
    until_ms: int
    """Until when, by our clock, its owner can be alive."""
    since_ms: int
    mark: str
    """The mark of the signal, which the incident carries."""
    time_ms: int
    """When the signal happened."""
    plan: str
    origin: str


@dataclass(frozen=True)
class Entry:
    """What is known of one key. Times are the signals' own, in milliseconds, but for ``started_ms``."""

    record: str | None = None
    """The newest incident."""
    plan: str = ""
    origin: str = ""
    """Source and account of the signal that opened it: only they resolve it."""
    opened_ms: int = 0
    """When the first signal of the incident happened."""
    last_opened_ms: int = 0
    """When the last one happened."""
    started_ms: int = 0
    """When it was started, by our clock."""
    joined: int = 0
    recovered_ms: int | None = None
    """When the last known recovery happened."""
    recovered_by: str = ""
    """Source and account of that recovery."""
    lease: Lease | None = None
    resolving: tuple[str, ...] = ()
    """Records whose cause has gone and that are not known to be resolved."""
    served: tuple[tuple[str, str], ...] = ()
    """Marks of the newest signals that have an incident, and which."""

    def is_recovered(self) -> bool:
        """Say whether the cause of the newest incident has gone."""
        return self.recovered_ms is not None and self.recovered_ms >= self.last_opened_ms

    def recovered_after(self, time_ms: int, origin: str) -> bool:
        """Say whether a recovery is known that is newer than a signal and of the same origin."""
        return self.recovered_ms is not None and self.recovered_ms > time_ms and self.recovered_by == origin

    def origins(self) -> set[str]:
        """Give whoever may say that the cause is gone; nobody in particular if nothing is open."""
        return {owner.origin for owner in (self if self.record else None, self.lease) if owner is not None}

    def incident_of(self, mark: str) -> str | None:
        """Give the incident that a signal was given before, if it was."""
        return dict(self.served).get(mark)

    def with_joined(self, mark: str, time_ms: int) -> Entry:
        """Let a signal join the newest incident."""
        return replace(
            self.with_served(mark, self.record or ""),
            joined=self.joined + 1,
            opened_ms=min(self.opened_ms, time_ms),
            last_opened_ms=max(self.last_opened_ms, time_ms),
        )

    def with_recovery(self, time_ms: int, origin: str, *, resolve: bool) -> Entry:
        """Remember a recovery, and what it resolves; one that is older than the known one changes nothing."""
        if self.recovered_ms is not None and self.recovered_ms >= time_ms:
            return self
        recovered = replace(self, recovered_ms=time_ms, recovered_by=origin)
        if not resolve or self.record is None or self.origin != origin or self.last_opened_ms > time_ms:
            return recovered
        return recovered.with_resolving(self.record)

    def with_incident(self, lease: Lease, record: str, started_ms: int, *, resolve: bool) -> Entry:
        """Enter the incident that came of a lease, and end the lease."""
        entry = self.without_lease(lease.owner).with_served(lease.mark, record)
        late = entry.recovered_after(lease.time_ms, lease.origin)
        if late and resolve:
            entry = entry.with_resolving(record)
        same_origin = entry.record is not None and entry.origin == lease.origin
        if late and same_origin and entry.last_opened_ms > lease.time_ms:
            # An alarm from before a recovery that came late: the incident of now stays the newest.
            return entry
        newest = entry.last_opened_ms if same_origin else lease.time_ms
        return replace(
            entry,
            record=record,
            plan=lease.plan,
            origin=lease.origin,
            opened_ms=lease.time_ms,
            last_opened_ms=max(newest, lease.time_ms),
            started_ms=started_ms,
            joined=0,
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


@dataclass(frozen=True)
class Ledger:
    """The table, one entry a key."""

    client: TableClient
    table: str
    clock: Clock

    def read(self, key: str) -> tuple[Entry, object]:
        """Read a key's entry.

        Parameters
        ----------
        key
            The key.

        Returns
        -------
        tuple of Entry and object
            The entry, empty if there is none or it makes no sense, and its revision for ``write``.

        Raises
        ------
        LedgerUnreachable
            The table did not answer.
        """
        try:
            item = self.client.get_item(
                TableName=self.table, Key={"key": {"S": key}}, ConsistentRead=True
            ).get("Item")
        except Exception as error:  # whatever it is, the ledger is of no help now
            raise LedgerUnreachable(describe(error)) from error
        return _entry(mapping(item)), mapping(item).get("revision")

    def write(self, key: str, entry: Entry, revision: object) -> bool:
        """Write a key's entry unless somebody else wrote it since it was read.

        Parameters
        ----------
        key
            The key.
        entry
            What to write.
        revision
            The revision that ``read`` gave with the entry this one was made from.

        Returns
        -------
        bool
            Whether it was written.

        Raises
        ------
        LedgerUnreachable
            The table did not answer.
        """
        expires = self.clock.now() + KEPT_FOR
        item = {
            "key": {"S": key},
            "revision": {"S": uuid.uuid4().hex},
            "expires_at": {"N": str(int(expires.timestamp()))},
            **_attributes(entry),
        }
        condition: dict[str, Any] = {"ConditionExpression": "attribute_not_exists(revision)"}
        if revision is not None:
            condition = {
                "ConditionExpression": "revision = :seen",
                "ExpressionAttributeValues": {":seen": revision},
            }
        try:
            self.client.put_item(TableName=self.table, Item=item, **condition)
        except Exception as error:
            if code_of(error) == "ConditionalCheckFailedException":
                return False
            raise LedgerUnreachable(describe(error)) from error
        return True

    def change(self, key: str, change: Callable[[Entry], Entry]) -> Entry:
        """Change a key's entry, again and again until nobody else did so at the same time.

        Parameters
        ----------
        key
            The key.
        change
            Makes the new entry from the old; may be called several times.

        Returns
        -------
        Entry
            The entry as it was written.

        Raises
        ------
        LedgerUnreachable
            The table did not answer, or others were faster every time.
        """
        for _ in range(_ATTEMPTS):
            old, revision = self.read(key)
            new = change(old)
            if new == old or self.write(key, new, revision):
                return new
            self.clock.sleep(_CONTENTION_WAIT_S * self.clock.jitter())
        raise LedgerUnreachable("the entry changed under every attempt to write it")


def milliseconds(time: datetime) -> int:
    """Write a time as the ledger does."""
    return round(time.timestamp() * 1000)


def time_of(time_ms: int) -> datetime:
    """Read a time of the ledger."""
    return datetime.fromtimestamp(time_ms / 1000, tz=timezone.utc)


# How an entry's fields are written: text, number, or neither.
_TEXTS = ("plan", "origin", "recovered_by")
_NUMBERS = ("opened_ms", "last_opened_ms", "started_ms", "joined")
_LEASE_TEXTS = ("owner", "mark", "plan", "origin")
_LEASE_NUMBERS = ("until_ms", "since_ms", "time_ms")


def _attributes(entry: Entry) -> dict[str, Any]:
    numbers = {name: getattr(entry, name) for name in _NUMBERS}
    texts = {"record": entry.record, **{name: getattr(entry, name) for name in _TEXTS}}
    if entry.recovered_ms is not None:
        numbers["recovered_ms"] = entry.recovered_ms
    if entry.lease is not None:
        texts |= {f"lease_{name}": getattr(entry.lease, name) for name in _LEASE_TEXTS}
        numbers |= {f"lease_{name}": getattr(entry.lease, name) for name in _LEASE_NUMBERS}
    return {
        **{name: {"S": value} for name, value in texts.items() if value},
        **{name: {"N": str(value)} for name, value in numbers.items()},
        "resolving": {"L": [{"S": record} for record in entry.resolving]},
        "served": {"L": [{"S": f"{mark} {record}"} for mark, record in entry.served]},
    }


def _entry(item: Mapping[str, Any]) -> Entry:
    # Tables are restored from backups and edited by hand: what makes no sense is not there.
    fields: dict[str, Any] = {name: _text(item, name) for name in _TEXTS}
    fields |= {name: _number(item, name) or 0 for name in _NUMBERS}
    return Entry(
        record=_text(item, "record") or None,
        recovered_ms=_number(item, "recovered_ms"),
        lease=_lease(item),
        resolving=tuple(_listed(item, "resolving")),
        served=tuple(_served(item)),
        **fields,
    )


def _lease(item: Mapping[str, Any]) -> Lease | None:
    fields: dict[str, Any] = {name: _text(item, f"lease_{name}") for name in _LEASE_TEXTS}
    fields |= {name: _number(item, f"lease_{name}") or 0 for name in _LEASE_NUMBERS}
    return Lease(**fields) if fields["owner"] and fields["mark"] else None


def _served(item: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for value in _listed(item, "served"):
        mark, _, record = value.partition(" ")
        if mark and record:
            yield mark, record


def _listed(item: Mapping[str, Any], name: str) -> Iterator[str]:
    values = (text(mapping(value).get("S")) for value in items(mapping(item.get(name)).get("L")))
    return (value for value in values if value)


def _text(item: Mapping[str, Any], name: str) -> str:
    return text(mapping(item.get(name)).get("S"))


def _number(item: Mapping[str, Any], name: str) -> int | None:
    try:
        number = int(text(mapping(item.get(name)).get("N")))
    except ValueError:
        return None
    return number if abs(number) <= _LATEST_MS else None
