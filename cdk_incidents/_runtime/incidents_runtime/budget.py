"""The budget: a flapping cause leaves some of a plan's incidents for the others.

A response plan takes 200 incidents a month, which cannot be raised; beyond it real ones fail until the next
(https://docs.aws.amazon.com/general/latest/gr/incident-manager.html). Whether that is a calendar month, and
in which time zone, no source says: calendar months in UTC are counted, and a ceiling below 200 leaves room.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from incidents_runtime.errors import describe
from incidents_runtime.ledger import KEPT_FOR, number_in
from incidents_runtime.shapes import mapping
from incidents_runtime.telemetry import log

if TYPE_CHECKING:
    from collections.abc import Mapping

    from incidents_runtime.clock import Clock
    from incidents_runtime.entry import Entry
    from incidents_runtime.settings import Route


class CounterClient(Protocol):
    """What the budget asks of DynamoDB's client."""

    def get_item(self, **arguments: Any) -> Mapping[str, Any]:
        """Read an item."""

    def update_item(self, **arguments: Any) -> Mapping[str, Any]:
        """Add to an item's number."""


@dataclass(frozen=True)
class Refusal:
    """A repeat that would use up what is left for others."""

    reason: str
    used: int
    """How much of the nearer limit is used, in percent."""


@dataclass(frozen=True)
class Budget:
    """How many incidents of a plan and month there are, and how many there may be."""

    client: CounterClient
    table: str
    clock: Clock
    ceiling: int = 150
    """Repeats are started only while a plan has fewer."""
    per_cause: int = 20
    """And while their own cause has fewer."""

    def month(self) -> str:
        """Name the month that incidents count for now."""
        return f"{self.clock.now():%Y-%m}"

    def refusal(self, route: Route, entry: Entry, cause: str) -> Refusal | None:
        """Say whether a cause's next incident is one too many.

        Parameters
        ----------
        route
            Where it goes. OpsItems, topics and the smoke test's own plan have no budget.
        entry
            What is known of its key. Its first incident of a month is always attempted.
        cause
            Which of the key's causes it is. The first incident of each is always attempted, too.

        Returns
        -------
        Refusal or None
            Why it is too many. None if it may be started, or the count is unknown.
        """
        starts = entry.starts_in(self.month())
        if not _counts(route) or starts == 0 or not entry.knows(cause):
            return None
        if starts >= self.per_cause:
            reason = (
                f"budget: this cause has started {starts} incidents this month, of at most {self.per_cause}"
            )
            return Refusal(reason, self._used(starts, None))
        spent = self._spent(route)
        if spent is None or spent < self.ceiling:
            return None
        reason = (
            f"budget: {spent} incidents of the plan this month; from {self.ceiling} on causes do not repeat"
        )
        return Refusal(reason, self._used(starts, spent))

    def count(self, route: Route, entry: Entry) -> int | None:
        """Count an incident that was started.

        Parameters
        ----------
        route
            Where it was started.
        entry
            What is known of its key by now.

        Returns
        -------
        int or None
            How much of the nearer limit is used, in percent; None if there is no budget.

        Notes
        -----
        A handler that dies before this leaves the count one short, and a lost answer may count twice:
        the limits are no exact ones.
        """
        if not _counts(route):
            return None
        try:
            answer = self.client.update_item(
                TableName=self.table,
                Key=self._key(route),
                UpdateExpression="SET expires_at = :expires ADD starts :one",
                ExpressionAttributeValues={
                    ":expires": {"N": str(int((self.clock.now() + KEPT_FOR).timestamp()))},
                    ":one": {"N": "1"},
                },
                ReturnValues="UPDATED_NEW",
            )
        except Exception as error:  # noqa: BLE001 - the incident is there, which is what matters
            log("WARNING", "an incident was not counted", reason=describe(error))
            answer = {}
        spent = number_in(mapping(answer.get("Attributes")), "starts")
        return self._used(entry.starts_in(self.month()), spent)

    def _spent(self, route: Route) -> int | None:
        try:
            answer = self.client.get_item(TableName=self.table, Key=self._key(route), ConsistentRead=True)
        except Exception as error:  # noqa: BLE001 - what nobody knows holds nothing back
            log("WARNING", "the budget is unknown and holds nothing back", reason=describe(error))
            return None
        return number_in(mapping(answer.get("Item")), "starts")

    def _key(self, route: Route) -> dict[str, Any]:
        # Entries are named by a route, whose id has no colon.
        return {"key": {"S": f":budget|{route.destination}|{self.month()}"}}

    def _used(self, starts: int, spent: int | None) -> int:
        return max(_percent(starts, self.per_cause), _percent(spent or 0, self.ceiling))


def _counts(route: Route) -> bool:
    return route.response_plan_arn is not None and not route.quiet


def _percent(used: int, limit: int) -> int:
    return 100 * used // max(limit, 1)
