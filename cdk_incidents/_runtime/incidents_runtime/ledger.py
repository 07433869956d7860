"""The ledger: which incident is open for which key. A cache of the truth, which is the service's.

An entry is read, changed by a pure function, and written back on the condition that nobody else wrote
in between. So the rules are plain code over one value, and concurrent deliveries cannot overlook one
another.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any, Protocol

from botocore.config import Config

from incidents_runtime.entry import Cause, Entry, Held, Lease
from incidents_runtime.errors import code_of, describe
from incidents_runtime.shapes import items, mapping, text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from incidents_runtime.clock import Clock

# Both calls may be sent again: a write that had arrived fails its condition then, and is read.
CONFIG = Config(connect_timeout=1, read_timeout=2, retries={"total_max_attempts": 3, "mode": "standard"})

# An alarm may stay in ALARM for weeks, and its recovery must still find its incident.
KEPT_FOR = timedelta(days=90)
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

    def update_item(self, **arguments: Any) -> Mapping[str, Any]:
        """Add to an item."""


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

    def write(self, key: str, entry: Entry, revision: object) -> object:
        """Write a key's entry unless somebody else wrote it since it was read.

        Parameters
        ----------
        key
            The key.
        entry
            What to write.
        revision
            The revision of the entry that this one was made from.

        Returns
        -------
        object
            Its own revision, or None if it was not written.

        Raises
        ------
        LedgerUnreachable
            The table did not answer.
        """
        expires = self.clock.now() + KEPT_FOR
        written = {"S": uuid.uuid4().hex}
        item = {
            "key": {"S": key},
            "revision": written,
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
                return None
            raise LedgerUnreachable(describe(error)) from error
        return written

    def change(
        self, key: str, change: Callable[[Entry], Entry], seen: tuple[Entry, object] | None = None
    ) -> tuple[Entry, object]:
        """Change a key's entry, again and again until nobody else did so at the same time.

        Parameters
        ----------
        key
            The key.
        change
            Makes the new entry from the old; may be called several times.
        seen
            The entry and its revision, where they are known: it is read only if others have written since.
            By default it is read.

        Returns
        -------
        tuple of Entry and object
            The entry as it was written, and its revision.

        Raises
        ------
        LedgerUnreachable
            The table did not answer, or others were faster every time.
        """
        for _ in range(_ATTEMPTS):
            old, revision = seen or self.read(key)
            new = change(old)
            if new == old:
                return new, revision
            written = self.write(key, new, revision)
            if written is not None:
                return new, written
            seen = None
            self.clock.sleep(_CONTENTION_WAIT_S * self.clock.jitter())
        raise LedgerUnreachable("the entry changed under every attempt to write it")


def milliseconds(time: datetime) -> int:
    """Write a time as the ledger does."""
    return round(time.timestamp() * 1000)


def time_of(time_ms: int) -> datetime:
    """Read a time of the ledger."""
    return datetime.fromtimestamp(time_ms / 1000, tz=timezone.utc)


# How an entry's fields are written: text, number, or neither.
_TEXTS = ("plan", "month")
_NUMBERS = ("opened_ms", "started_ms", "open_ms", "turn_until_ms", "joined", "held_before_ms", "starts")
_LISTS = ("older", "resolving")
_LEASE_TEXTS = ("owner", "mark", "plan", "cause", "source", "trigger_arn")
_LEASE_NUMBERS = ("until_ms", "since_ms", "time_ms")
_NO_TIME = "-"


def _attributes(entry: Entry) -> dict[str, Any]:
    numbers = {name: getattr(entry, name) for name in _NUMBERS}
    texts = {"record": entry.record, **{name: getattr(entry, name) for name in _TEXTS}}
    if entry.lease is not None:
        texts |= {f"lease_{name}": getattr(entry.lease, name) for name in _LEASE_TEXTS}
        numbers |= {f"lease_{name}": getattr(entry.lease, name) for name in _LEASE_NUMBERS}
    lists: dict[str, list[str]] = {
        **{name: list(getattr(entry, name)) for name in _LISTS},
        "causes": [
            f"{cause.name} {_time(cause.opened_ms)} {_time(cause.recovered_ms)}" for cause in entry.causes
        ],
        "served": [f"{mark} {record}" for mark, record in entry.served],
        "held": [f"{held.mark} {held.time_ms} {held.since_ms} {held.by}" for held in entry.held],
    }
    return {
        **{name: {"S": value} for name, value in texts.items() if value},
        **{name: {"N": str(value)} for name, value in numbers.items()},
        **{name: {"L": [{"S": value} for value in values]} for name, values in lists.items() if values},
        **({"many": {"BOOL": True}} if entry.many else {}),
    }


def _time(time_ms: int | None) -> str:
    return _NO_TIME if time_ms is None else str(time_ms)


def _entry(item: Mapping[str, Any]) -> Entry:
    if not item:
        return Entry()
    # Tables are restored from backups and edited by hand: what makes no sense is not there.
    fields: dict[str, Any] = {name: _text(item, name) for name in _TEXTS}
    fields |= {name: number_in(item, name) or 0 for name in _NUMBERS}
    fields |= {name: tuple(filter(_is_record, _listed(item, name))) for name in _LISTS}
    record = _text(item, "record")
    causes = tuple(_causes(item))
    return Entry(
        record=record if _is_record(record) else None,
        causes=causes,
        # To overlook a cause would resolve its incident too early.
        many=mapping(item.get("many")).get("BOOL") is True or len(causes) < len(_raw(item, "causes")),
        lease=_lease(item),
        served=tuple(_served(item)),
        held=tuple(_held(item)),
        **fields,
    )


def _lease(item: Mapping[str, Any]) -> Lease | None:
    fields: dict[str, Any] = {name: _text(item, f"lease_{name}") for name in _LEASE_TEXTS}
    fields |= {name: number_in(item, f"lease_{name}") or 0 for name in _LEASE_NUMBERS}
    return Lease(**fields) if fields["owner"] and fields["mark"] else None


def _causes(item: Mapping[str, Any]) -> Iterator[Cause]:
    for value in _listed(item, "causes"):
        name, opened, recovered = (*value.split(" ", 2), "", "")[:3]
        times = [None if time == _NO_TIME else _whole(time) for time in (opened, recovered)]
        readable = all(time == _NO_TIME or _whole(time) is not None for time in (opened, recovered))
        if name and readable:
            yield Cause(name, *times)


def _served(item: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for value in _listed(item, "served"):
        mark, _, record = value.partition(" ")
        if mark and _is_record(record):
            yield mark, record


def _held(item: Mapping[str, Any]) -> Iterator[Held]:
    for value in _listed(item, "held"):
        mark, time, since, by = (*value.split(" ", 3), "", "", "")[:4]
        time_ms, since_ms = _whole(time), _whole(since)
        if mark and time_ms is not None and since_ms is not None:
            yield Held(mark, time_ms, since_ms, by)


def _is_record(value: str) -> bool:
    # Whether there is such a one, its service says; it is not asked about anything else.
    return value.startswith("arn:")


def _listed(item: Mapping[str, Any], name: str) -> Iterator[str]:
    values = (text(mapping(value).get("S")) for value in _raw(item, name))
    return (value for value in values if value)


def _raw(item: Mapping[str, Any], name: str) -> list[Any]:
    return items(mapping(item.get(name)).get("L"))


def _text(item: Mapping[str, Any], name: str) -> str:
    return text(mapping(item.get(name)).get("S"))


def number_in(item: Mapping[str, Any], name: str) -> int | None:
    """Read an item's whole number, if it has one that makes sense."""
    return _whole(text(mapping(item.get(name)).get("N")))


def _whole(number: str) -> int | None:
    try:
        whole = int(number)
    except ValueError:
        return None
    return whole if abs(whole) <= _LATEST_MS else None
