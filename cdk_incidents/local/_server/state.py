"""What the loopback AWS remembers: accounts with their plans, records and OpsItems, all in memory."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, cast

from cdk_incidents.local.assumptions import Assumptions

from .clock import Clock
from .incident_manager.engagements import Engagements

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable


@dataclass
class Record:
    """An incident: the record as GetIncidentRecord gives it, and what hangs on it."""

    data: dict[str, Any]
    events: dict[str, dict[str, Any]] = field(default_factory=dict)
    related: list[dict[str, Any]] = field(default_factory=list)

    @property
    def is_open(self) -> bool:
        """Whether nobody has resolved it."""
        return bool(self.data["status"] == "OPEN")


@dataclass
class Account:
    """One AWS account. Response plans and records are the account's, in all of its Regions."""

    id: str
    replication_set: dict[str, Any] | None = None
    plans: dict[str, dict[str, Any]] = field(default_factory=dict)
    records: dict[str, Record] = field(default_factory=dict)
    ops_items: dict[str, dict[str, Any]] = field(default_factory=dict)
    # Contacts, channels (and the codes that were sent) and rotations are a Region's, as their ARNs tell.
    contacts: dict[str, dict[str, Any]] = field(default_factory=dict)
    channels: dict[str, dict[str, Any]] = field(default_factory=dict)
    codes: dict[str, str] = field(default_factory=dict)
    policies: dict[str, str] = field(default_factory=dict)
    rotations: dict[str, dict[str, Any]] = field(default_factory=dict)
    overrides: dict[str, dict[str, Any]] = field(default_factory=dict)
    # Systems Manager documents by Region and name.
    documents: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    engagements: Engagements = field(init=False)
    tags: dict[str, dict[str, str]] = field(default_factory=dict)
    # The policies on a plan, by its ARN and by id.
    plan_policies: dict[str, dict[str, dict[str, Any]]] = field(default_factory=dict)
    # The records that have a dedupe string in common; such as have one of their own are not here.
    alike: dict[str, list[Record]] = field(default_factory=dict)
    # When, about what, and with what an operation answered to a client token.
    answers: dict[tuple[Any, ...], tuple[dt.datetime, int, dict[str, Any]]] = field(default_factory=dict)
    # Starts by plan and month; deleting a record gives none back.
    started: dict[tuple[str, str], int] = field(default_factory=dict)

    def arn(self, resource: str) -> str:
        """Make an ARN of Incident Manager; it names no Region."""
        return f"arn:aws:ssm-incidents::{self.id}:{resource}"


class Outside(Protocol):
    """What the services ask of the rest of AWS."""

    def may_publish(self, topic_arn: str, service: str, source_arn: str, account: str) -> str:
        """Tell why a service may not publish to a topic; empty if it may."""

    def publish(self, topic_arn: str, subject: str, message: str) -> None:
        """Publish to a topic."""

    def role_refuses(self, role_arn: str, service: str, source_arn: str, wanted: dict[str, list[str]]) -> str:
        """Tell why a service cannot act as a role on one of each action's resources; empty if it can."""

    def policy_allows(self, policy: str, principal: str, action: str, resource: str) -> bool:
        """Tell whether a resource's policy lets in a principal of another account."""


class Alone:
    """No rest of AWS: nothing is refused, nobody is let in, and nobody hears."""

    def __getattr__(self, _question: str) -> Callable[..., str]:
        return lambda *_: ""


@dataclass
class Cloud:
    """Everything, for one run of the server."""

    region: str
    clock: Clock = field(default_factory=Clock)
    # Whether an account that shows up is an existing customer's.
    replication_set: bool = True
    # Whether the service's request rates hold.
    rates: bool = False
    assumptions: Assumptions = field(default_factory=Assumptions)
    accounts: dict[str, Account] = field(default_factory=dict)
    # Every StartIncident that reached the service: when, by whom, for which plan, with what outcome.
    audit: list[dict[str, Any]] = field(default_factory=list)
    # Every page that would have been sent, and every runbook that would have been started.
    pages: list[dict[str, Any]] = field(default_factory=list)
    runbooks: list[dict[str, Any]] = field(default_factory=list)
    # Every message that a topic took.
    messages: list[dict[str, Any]] = field(default_factory=list)
    # Whose next asynchronous events come twice: a part of the function's ARN, once for each event.
    twice: list[str] = field(default_factory=list)
    # What is shared by RAM, by the share's ARN.
    shares: dict[str, dict[str, Any]] = field(default_factory=dict)
    outside: Outside = field(default_factory=lambda: cast("Outside", Alone()))
    # Alarm mute rules by ARN, and who is told of an alarm that may be muted no longer.
    mutes: dict[str, dict[str, Any]] = field(default_factory=dict)
    unmuted: Callable[[str], None] = lambda _alarm_arn: None

    def account(self, account_id: str) -> Account:
        """Give an account; a new one is an existing customer's, with a replication set in the home Region."""
        if account_id not in self.accounts:
            account = self.accounts[account_id] = Account(account_id)
            account.engagements = Engagements(account, self.clock, self.pages)
            if self.replication_set:
                account.replication_set = new_replication_set(
                    account, {self.region: {}}, f"arn:aws:iam::{account_id}:root", self.clock.now()
                )
        return self.accounts[account_id]


@dataclass(frozen=True)
class Caller:
    """Who calls from where, and what that principal may do."""

    account: Account
    region: str
    arn: str
    # (action, resource, service that calls on the principal's behalf) -> allowed
    may: Callable[[str, str, str], bool]
    # The service principal, when an AWS service calls for itself, and whether it calls in another Region.
    service: str = ""
    failed_over: bool = False


def new_replication_set(
    account: Account, regions: dict[str, dict[str, Any]], created_by: str, now: dt.datetime
) -> dict[str, Any]:
    """Make a replication set that is active at once."""
    arn = account.arn(f"replication-set/{uuid.uuid4()}")
    account.tags[arn] = {}
    return {
        "arn": arn,
        "createdBy": created_by,
        "createdTime": now,
        "deletionProtected": False,
        "lastModifiedBy": created_by,
        "lastModifiedTime": now,
        "regionMap": {name: active_region(value, now) for name, value in regions.items()},
        "status": "ACTIVE",
    }


def active_region(value: dict[str, Any], now: dt.datetime) -> dict[str, Any]:
    """Make a Region of a replication set."""
    return {**value, "status": "ACTIVE", "statusUpdateDateTime": now}
