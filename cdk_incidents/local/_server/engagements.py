"""Engagements that play out: stage by stage, page by page, until somebody acknowledges or all is resolved."""

from __future__ import annotations

import datetime as dt
import secrets
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from . import contacts
from .errors import invalid, not_found
from .paging import page as list_page

if TYPE_CHECKING:
    from .clock import Clock
    from .resources import Play
    from .state import Account, Caller, Cloud

_SENDER = "Incident Manager"
_TELLS = ("Sender", "Subject", "Content", "PublicSubject", "PublicContent", "IncidentId")


@dataclass
class _Walk:
    """One contact's plan on its way, at one place: engaged directly, or by a stage or a rotation above it.

    Attributes
    ----------
    essential
        whether an acknowledgement here stops what stands above
    over
        whether it has been stopped
    """

    contact: dict[str, Any]
    engagement: dict[str, Any]
    above: _Walk | None = None
    stage: int = 0
    essential: bool = True
    over: bool = False

    @property
    def stopped(self) -> bool:
        """Whether no page may be sent any more."""
        return self.over or "StopTime" in self.engagement

    @property
    def way(self) -> list[_Walk]:
        """From what was engaged down to this."""
        return [*(self.above.way if self.above else []), self]

    def acknowledge(self) -> None:
        """Stop this plan, and what stands above as far as the acknowledgement counts there.

        CHOICE: whoever else has been engaged already goes on being paged by the own plan.
        """
        self.over = True
        if self.above and self.essential:
            self.above.acknowledge()


@dataclass
class Engagements:
    """What runs in one account.

    Attributes
    ----------
    outbox
        told every page
    """

    account: Account
    clock: Clock
    outbox: list[dict[str, Any]]
    engagements: dict[str, dict[str, Any]] = field(default_factory=dict)
    pages: dict[str, dict[str, Any]] = field(default_factory=dict)
    _walks: dict[str, _Walk] = field(default_factory=dict)

    def start(self, contact_arn: str, told: dict[str, Any]) -> str:
        """Engage a contact, and give the engagement's ARN."""
        contact = self.account.contacts[contact_arn]
        arn = _below(contact_arn, "engagement")
        engagement = {
            **{name: told[name] for name in _TELLS if told.get(name)},
            "EngagementArn": arn,
            "ContactArn": contact_arn,
            "StartTime": self.clock.now(),
        }
        self.engagements[arn] = engagement
        self._begin(_Walk(contact, engagement))
        return arn

    def stop(self, arn: str) -> None:
        """End an engagement."""
        self.engagements[arn].setdefault("StopTime", self.clock.now())

    def stop_all(self) -> None:
        """End every engagement."""
        for arn in self.engagements:
            self.stop(arn)

    def stop_incident(self, incident_arn: str) -> None:
        """End the engagements of an incident."""
        for arn, engagement in self.engagements.items():
            if engagement.get("IncidentId") == incident_arn:
                self.stop(arn)

    def accept(self, page_arn: str) -> None:
        """Take a person's acknowledgement of a page."""
        walk = self._walks[page_arn]
        walk.acknowledge()
        if not walk.above:
            self.stop(walk.engagement["EngagementArn"])

    def way(self, page_arn: str) -> list[dict[str, Any]]:
        """Tell how an engagement came to a page's contact."""
        return [
            {
                "ContactArn": walk.contact["ContactArn"],
                "Type": walk.contact["Type"],
                "StageIndex": walk.stage,
            }
            for walk in self._walks[page_arn].way
        ]

    def _begin(self, walk: _Walk) -> None:
        # A plan that leads back to itself ends there.
        if any(walk.contact is above.contact for above in walk.way[:-1]):
            return
        if walk.contact["Type"] == "ONCALL_SCHEDULE":
            for arn in contacts.on_call(self.account, walk.contact, self.clock.now()):
                self._engage(walk, arn)
        else:
            self._stage(walk, walk.contact["Plan"].get("Stages", []), 0)

    def _engage(self, above: _Walk, arn: str, stage: int = 0, *, essential: bool = True) -> None:
        # A contact that has been deleted stays in the plans that name it.
        if contact := self.account.contacts.get(arn):
            self._begin(_Walk(contact, above.engagement, above, stage, essential))

    def _stage(self, walk: _Walk, stages: list[dict[str, Any]], index: int) -> None:
        if walk.stopped or index >= len(stages):
            return
        stage, now = stages[index], self.clock.now()
        end = now + dt.timedelta(minutes=stage["DurationInMinutes"])
        for target in stage["Targets"]:
            if channel := target.get("ChannelTargetInfo"):
                retry = dt.timedelta(minutes=channel.get("RetryIntervalInMinutes", 0))
                self._page(walk, channel["ContactChannelId"], retry, end)
            elif contact := target.get("ContactTargetInfo"):
                self._engage(walk, contact.get("ContactId", ""), index, essential=contact["IsEssential"])
        self.clock.at(end, lambda: self._stage(walk, stages, index + 1))

    def _page(self, walk: _Walk, channel_arn: str, retry: dt.timedelta, end: dt.datetime) -> None:
        """Page by a channel, and again after each interval until the stage ends.

        CHOICE: "if the engagement initially failed" is read as: nobody has acknowledged.
        """
        if walk.stopped:
            return
        channel = self.account.channels.get(channel_arn)
        if channel and channel["ActivationStatus"] == "ACTIVATED":
            self._send(walk, channel)
        again = self.clock.now() + retry
        if retry and again < end:
            self.clock.at(again, lambda: self._page(walk, channel_arn, retry, end))

    def _send(self, walk: _Walk, channel: dict[str, Any]) -> None:
        contact, engagement, now = walk.contact, walk.engagement, self.clock.now()
        arn = _below(contact["ContactArn"], "page")
        code = f"{secrets.randbelow(10**6):06d}"
        told = {name: engagement[name] for name in _TELLS if name in engagement}
        self.pages[arn] = {
            **told,
            "PageArn": arn,
            "EngagementArn": engagement["EngagementArn"],
            "ContactArn": contact["ContactArn"],
            "SentTime": now,
            "DeliveryTime": now,
            "code": code,
            "receipts": [_receipt("SENT", now, channel), _receipt("DELIVERED", now, channel)],
        }
        self._walks[arn] = walk
        self.outbox.append(
            {
                "contact": contact["Alias"],
                "contact_arn": contact["ContactArn"],
                "channel": channel["Type"],
                "channel_name": channel["Name"],
                "after_s": round((now - engagement["StartTime"]).total_seconds(), 3),
                "sent_at": now.isoformat(),
                "incident_record_arn": engagement.get("IncidentId", ""),
                "engagement_arn": engagement["EngagementArn"],
                "page_arn": arn,
                "accept_code": code,
            }
        )


def engage_for_incident(account: Account, plan: dict[str, Any], record: dict[str, Any]) -> None:
    """Engage everybody whom a plan engages, at once."""
    told = {
        "Sender": _SENDER,
        "Subject": record["title"] or record["arn"],
        "Content": record.get("summary") or record["title"] or record["arn"],
        "IncidentId": record["arn"],
    }
    for arn in plan.get("engagements", []):
        # Laxer than AWS may be: a plan may name a contact that is not there, and then nobody is paged.
        if arn in account.contacts:
            account.engagements.start(arn, told)


def plays() -> dict[str, Play]:
    """Give the operations on engagements and pages by name."""
    return {
        "StartEngagement": _start,
        "StopEngagement": _stop,
        "DescribeEngagement": lambda _, caller, p: _engagement(caller, p["EngagementId"]),
        "ListEngagements": _list,
        "DescribePage": lambda _, caller, p: _page(caller, p["PageId"]),
        "AcceptPage": _accept,
        "ListPagesByContact": lambda _, caller, p: _list_pages(caller, p, "Contact"),
        "ListPagesByEngagement": lambda _, caller, p: _list_pages(caller, p, "Engagement"),
        "ListPageReceipts": lambda _, caller, p: list_page(
            _page(caller, p["PageId"])["receipts"], p, "Receipts"
        ),
        "ListPageResolutions": lambda _, caller, p: list_page(
            caller.account.engagements.way(_page(caller, p["PageId"])["PageArn"]),
            p,
            "PageResolutions",
        ),
    }


def _start(_cloud: Cloud, caller: Caller, params: dict[str, Any]) -> dict[str, Any]:
    contact = contacts.CONTACTS.find(caller, params["ContactId"])
    told = {k: v for k, v in params.items() if k != "IdempotencyToken"}
    token = ("StartEngagement", params.get("IdempotencyToken", ""))
    if not token[1] or caller.account.tokens.get(token, (None,))[0] != told:
        arn = caller.account.engagements.start(contact["ContactArn"], told)
        caller.account.tokens[token] = (told, arn)
    return {"EngagementArn": caller.account.tokens[token][1]}


def _stop(_cloud: Cloud, caller: Caller, params: dict[str, Any]) -> dict[str, Any]:
    caller.account.engagements.stop(_engagement(caller, params["EngagementId"])["EngagementArn"])
    return {}


def _list(_cloud: Cloud, caller: Caller, params: dict[str, Any]) -> dict[str, Any]:
    within, incident = params.get("TimeRangeValue", {}), params.get("IncidentId")
    found = [
        e
        for e in caller.account.engagements.engagements.values()
        if incident in (None, e.get("IncidentId"))
        and within.get("StartTime", e["StartTime"]) <= e["StartTime"] <= within.get("EndTime", e["StartTime"])
    ]
    return list_page(found, params, "Engagements")


def _list_pages(caller: Caller, params: dict[str, Any], of: str) -> dict[str, Any]:
    wanted = params[f"{of}Id"]
    if of == "Contact":
        contacts.CONTACTS.find(caller, wanted)
    else:
        _engagement(caller, wanted)
    pages = caller.account.engagements.pages.values()
    return list_page([page for page in pages if page[f"{of}Arn"] == wanted], params, "Pages")


def _accept(cloud: Cloud, caller: Caller, params: dict[str, Any]) -> dict[str, Any]:
    page, now = _page(caller, params["PageId"]), cloud.clock.now()
    # CHOICE: what holds when the validation is left open is not documented; here the code must be right.
    if params.get("AcceptCodeValidation") != "IGNORE" and params["AcceptCode"] != page["code"]:
        raise invalid("The accept code is not the one that was sent with the page")
    page["receipts"].append({"ReceiptType": params["AcceptType"], "ReceiptTime": now})
    if params["AcceptType"] == "READ":
        page.setdefault("ReadTime", now)
        caller.account.engagements.accept(page["PageArn"])
    return {}


def _engagement(caller: Caller, arn: str) -> dict[str, Any]:
    return _found(caller.account.engagements.engagements, "ENGAGEMENT", arn)


def _page(caller: Caller, arn: str) -> dict[str, Any]:
    return _found(caller.account.engagements.pages, "PAGE", arn)


def _found(known: dict[str, dict[str, Any]], kind: str, arn: str) -> dict[str, Any]:
    if arn not in known:
        raise not_found(kind, arn)
    return known[arn]


def _below(contact_arn: str, kind: str) -> str:
    """Name what belongs to a contact after it."""
    return f"{contact_arn.replace(':contact/', f':{kind}/')}/{uuid.uuid4()}"


def _receipt(kind: str, time: dt.datetime, channel: dict[str, Any]) -> dict[str, Any]:
    return {"ReceiptType": kind, "ReceiptTime": time, "ContactChannelArn": channel["ContactChannelArn"]}
