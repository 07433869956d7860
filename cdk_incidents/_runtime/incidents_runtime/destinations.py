"""Where incidents are kept: what is asked of each destination, and which one a name or a record means."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

from incidents_runtime.errors import describe, is_of_region, is_throttling, kind_of
from incidents_runtime.settings import OPS_ITEMS

if TYPE_CHECKING:
    from datetime import datetime

    from incidents_runtime.clock import Deadline
    from incidents_runtime.settings import Route
    from incidents_runtime.signal_model import Signal

Status = Literal["OPEN", "RESOLVED", "MISSING"]


class ServiceError(Exception):
    """The service did not do what it was asked; ``kind`` says what that means."""

    def __init__(self, error: Exception) -> None:
        super().__init__(describe(error))
        self.kind = kind_of(error)
        self.may_pass = self.kind in ("retry", "ambiguous")
        self.is_of_region = is_of_region(error)
        self.is_throttling = is_throttling(error)


@dataclass(frozen=True)
class Order:
    """A signal on its way to a destination: an incident to be started, or a recovery."""

    signal: Signal
    route: Route
    started_by: str
    """The ARN of the route's alias."""


@dataclass(frozen=True)
class Attempt:
    """An attempt to start an incident whose end is unknown: enough to find what came of it."""

    destination: str
    """As the route named it then."""
    mark: str
    since: datetime
    incident_source: str
    trigger_arn: str | None
    regions: tuple[str, ...] = ()
    """Where else it may have been started, in this order."""


class Destination(Protocol):
    """What the trigger asks of a service that keeps incidents.

    Notes
    -----
    Every question ends before the deadline and leaves the function time to answer. Each raises
    `ServiceError` where the service did not do it, or nobody knows.
    """

    def start(self, order: Order, attempt: Attempt, deadline: Deadline) -> str:
        """Start an incident and give its record; after a lost answer, look for it before starting again."""

    def find(self, attempt: Attempt, deadline: Deadline) -> str | None:
        """Look for the record of an incident that an attempt may have started."""

    def status(self, record: str, deadline: Deadline) -> Status:
        """Ask for a record's status; what the service does not know is missing."""

    def resolve(self, record: str, recovery: Order, deadline: Deadline) -> bool:
        """Resolve an incident, and say whether it was open until now; one signal resolves once."""

    def note(self, record: str, text: str, key: str, deadline: Deadline) -> None:
        """Add a note to an incident; the key tells it from the others, so that it is added once."""


@dataclass(frozen=True)
class Destinations:
    """The services that keep incidents."""

    incidents: Destination
    ops_items: Destination
    topics: Destination

    def named(self, destination: str) -> Destination:
        """Give the service that a route's destination is in."""
        if destination == OPS_ITEMS:
            return self.ops_items
        return self._serving(destination)

    def of_record(self, record: str) -> Destination:
        """Give the service that keeps a record, wherever its route leads by now."""
        return self._serving(record)

    def is_of(self, record: str, destination: str) -> bool:
        """Say whether a record was started in a destination."""
        keeper = self.named(destination)
        if keeper is not self.of_record(record):
            return False
        if keeper is self.topics:
            return record.startswith(f"{destination}#")
        # OpsCenter is one place.
        return keeper is self.ops_items or is_of_plan(record, destination)

    def _serving(self, arn: str) -> Destination:
        # What is no ARN, Incident Manager does not know, and says so.
        service = arn.split(":", 3)[2:3]
        return {"ssm": self.ops_items, "sns": self.topics}.get("".join(service), self.incidents)


def is_of_plan(record_arn: str, plan_arn: str) -> bool:
    """Say by its ARN whether a record is of a plan: records carry no other sign of it."""
    plan = plan_arn.rpartition(":response-plan/")[2]
    return record_arn.partition(":incident-record/")[2].rpartition("/")[0] == plan
