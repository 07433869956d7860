"""Which keys share an incident: a response plan's own dedupe string merges what they start into one.

https://docs.aws.amazon.com/incident-manager/latest/APIReference/API_IncidentTemplate.html: while an incident
with the string is open, the service adds to it instead of creating another. Each key knows of its own causes
only, so none of them may resolve what several share.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from incidents_runtime.errors import code_of, describe
from incidents_runtime.ledger import KEPT_FOR, LedgerUnreachable
from incidents_runtime.shapes import items, mapping
from incidents_runtime.telemetry import log

if TYPE_CHECKING:
    from collections.abc import Mapping

    from incidents_runtime.clock import Clock

# One more than matters.
_MOST_KEYS = 2


class SharerClient(Protocol):
    """What is asked of DynamoDB's client."""

    def get_item(self, **arguments: Any) -> Mapping[str, Any]:
        """Read an item."""

    def update_item(self, **arguments: Any) -> Mapping[str, Any]:
        """Add to an item's set."""


@dataclass(frozen=True)
class Sharers:
    """Remembers by which keys a record was started."""

    client: SharerClient
    table: str
    clock: Clock

    def add(self, record: str, key: str) -> None:
        """Remember that a key's incident is a record.

        Parameters
        ----------
        record
            What the start was answered with.
        key
            The key. Of several, two are enough to be remembered.
        """
        try:
            self.client.update_item(
                TableName=self.table,
                Key=_key(record),
                UpdateExpression="SET expires_at = :expires ADD sharers :key",
                ConditionExpression="attribute_not_exists(sharers) OR size(sharers) < :most",
                ExpressionAttributeValues={
                    ":expires": {"N": str(int((self.clock.now() + KEPT_FOR).timestamp()))},
                    ":key": {"SS": [key]},
                    ":most": {"N": str(_MOST_KEYS)},
                },
            )
        except Exception as error:  # noqa: BLE001 - the incident is there, which is what matters
            if code_of(error) != "ConditionalCheckFailedException":
                log("WARNING", "whose incident it is was not written", reason=describe(error))

    def others_than(self, key: str, record: str) -> bool:
        """Say whether other keys share a record.

        Parameters
        ----------
        key
            Whoever would resolve it.
        record
            The record.

        Returns
        -------
        bool
            Whether somebody else's cause may still stand.

        Raises
        ------
        LedgerUnreachable
            The table did not answer.
        """
        try:
            answer = self.client.get_item(TableName=self.table, Key=_key(record), ConsistentRead=True)
        except Exception as error:  # whatever it is, the ledger is of no help now
            raise LedgerUnreachable(describe(error)) from error
        sharers = mapping(mapping(answer.get("Item")).get("sharers"))
        return any(sharer != key for sharer in items(sharers.get("SS")))


def _key(record: str) -> dict[str, Any]:
    # Entries are named by a route, whose id has no colon.
    return {"key": {"S": f":record|{record}"}}
