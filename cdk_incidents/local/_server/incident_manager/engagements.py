"""Engagements that play out: stage by stage, page by page, until somebody acknowledges or all is resolved."""

from __future__ import annotations

import datetime as dt
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from cdk_incidents.local._server.protocol.errors import invalid
from cdk_incidents.local._server.protocol.paging import page

from .contacts import CHANNELS, CONTACTS, new_code
from .resources import Kind
from .rotations import on_call

if TYPE_CHECKING:
    from cdk_incidents.local._server.clock import Clock
    from cdk_incidents.local._server.state import Account, Caller, Cloud

    from .resources import Play

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

    def start(self, contact_arn: str, told: dict[str, Any]) -> str:
        """Engage a contact, and give the engagement's ARN."""
        contact = self.account.contacts[contact_arn]
        arn = _below(contact_arn, "engagement")
        engagement = self.engagements[arn] = {
            **{name: told[name] for name in _TELLS if name in told},
            "EngagementArn": arn,
            "ContactArn": contact_arn,
            "StartTime": self.clock.now(),
        }
        self._begin(_Walk(contact, engagement))
        return arn

    def stop(self, arn: str) -> None:
        """End an engagement."""
        self.engagements[arn].setdefault("StopTime", self.clock.now())

    def forget_all(self) -> None:
        """End every engagement, and know of none any more, nor of its pages."""
        for arn in self.engagements:
            self.stop(arn)
        self.engagements.clear()
        self.pages.clear()

    def stop_incident(self, incident_arn: str) -> None:
        """End the engagements of an incident."""
        for arn, engagement in self.engagements.items():
            if engagement.get("IncidentId") == incident_arn:
                self.stop(arn)

    def accept(self, page_arn: str) -> None:
        """Take a person's acknowledgement of a page."""
        walk = self.pages[page_arn]["walk"]
        walk.acknowledge()
        if not walk.above:
            self.stop(walk.engagement["EngagementArn"])

    def _begin(self, walk: _Walk) -> None:
        # A plan that leads back to itself ends there.
        if any(walk.contact is above.contact for above in walk.way[:-1]):
            return
        if walk.contact["Type"] == "ONCALL_SCHEDULE":
            for arn in on_call(self.account, walk.contact, self.clock.now()):
                self._engage(walk, arn)
        else:
            self._stage(walk, walk.contact["Plan"].get("Stages", []), 0)

    def _engage(self, above: _Walk, arn: str, stage: int = 0, *, essential: bool = True) -> None:
        # A contact that has been deleted stays in the plans that name it.
        if contact := self.account.contacts.get(arn):
            self._begin(_Walk(contact, above.engagement, above, stage, essential))

    def _stage(self, walk: _Walk, stages: list[dict[str, Any]], index: int) -> None:
        """Play a stage, and the next one when it ends; one with a deleted channel is ignored, as documented.

        CHOICE: what is ignored takes no time.
        """
        if walk.stopped or index >= len(stages):
            return
        stage, now = stages[index], self.clock.now()
        channels = {info.get("ContactChannelId") for target in stage["Targets"] for info in target.values()}
        if channels - {None, *self.account.channels}:
            self._stage(walk, stages, index + 1)
            return
        end = now + dt.timedelta(minutes=stage["DurationInMinutes"])
        for target in stage["Targets"]:
            ((kind, info),) = target.items()
            if kind == "ChannelTargetInfo":
                retry = dt.timedelta(minutes=info.get("RetryIntervalInMinutes", 0))
                self._page(walk, info["ContactChannelId"], retry, end)
            else:
                self._engage(walk, info.get("ContactId", ""), index, essential=info["IsEssential"])
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
        arn, by = _below(contact["ContactArn"], "page"), channel["ContactChannelArn"]
        page = self.pages[arn] = {
            **{name: engagement[name] for name in (*_TELLS, "EngagementArn") if name in engagement},
            "PageArn": arn,
            "ContactArn": contact["ContactArn"],
            "SentTime": now,
            "DeliveryTime": now,
            "code": new_code(),
            "walk": walk,
            "receipts": [_receipt(kind, now, by) for kind in ("SENT", "DELIVERED")],
        }
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
                "accept_code": page["code"],
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


class _Engagements(Kind):
    """Engagements by their start."""

    noun, store, listed = "Engagement", "engagements.engagements", "Engagements"
    arn, key, order = "EngagementArn", "EngagementId", "StartTime"

    def among(self, item: dict[str, Any], params: dict[str, Any]) -> bool:
        """Filter by incident, and by when they began."""
        within, start = params.get("TimeRangeValue", {}), item["StartTime"]
        of_it = params.get("IncidentId") in (None, item.get("IncidentId"))
        return bool(of_it and within.get("StartTime", start) <= start <= within.get("EndTime", start))

    def plays(self) -> dict[str, Play]:
        """Give the operations."""
        return {
            "StartEngagement": self._start,
            "StopEngagement": self._stop,
            "DescribeEngagement": super().plays()["GetEngagement"],
            "ListEngagements": self.list,
        }

    def _start(self, _cloud: Cloud, caller: Caller, params: dict[str, Any]) -> dict[str, Any]:
        contact = CONTACTS.find(caller, params["ContactId"])["ContactArn"]
        return {self.arn: caller.account.engagements.start(contact, params)}

    def _stop(self, _cloud: Cloud, caller: Caller, params: dict[str, Any]) -> dict[str, Any]:
        caller.account.engagements.stop(self.find(caller, params[self.key])[self.arn])
        return {}


class _Pages(Kind):
    """Pages by when they were sent."""

    noun, store, listed = "Page", "engagements.pages", "Pages"
    arn, key, order = "PageArn", "PageId", "SentTime"

    def among(self, item: dict[str, Any], params: dict[str, Any]) -> bool:
        """Filter by contact, or by engagement."""
        asked = params.get("ContactId") or params["EngagementId"]
        return asked in (item["ContactArn"], item["EngagementArn"])

    def plays(self) -> dict[str, Play]:
        """Give the operations."""
        return {
            "DescribePage": super().plays()["GetPage"],
            "AcceptPage": self._accept,
            "ListPagesByContact": self._of(CONTACTS),
            "ListPagesByEngagement": self._of(ENGAGEMENTS),
            "ListPageReceipts": self._receipts,
            "ListPageResolutions": self._resolutions,
        }

    def _of(self, kind: Kind) -> Play:
        def listed(cloud: Cloud, caller: Caller, params: dict[str, Any]) -> dict[str, Any]:
            kind.find(caller, params[kind.key])
            return self.list(cloud, caller, params)

        return listed

    def _receipts(self, _cloud: Cloud, caller: Caller, params: dict[str, Any]) -> dict[str, Any]:
        return page(self.find(caller, params[self.key])["receipts"], params, "Receipts")

    def _resolutions(self, _cloud: Cloud, caller: Caller, params: dict[str, Any]) -> dict[str, Any]:
        way = self.find(caller, params[self.key])["walk"].way
        return page([{**walk.contact, "StageIndex": walk.stage} for walk in way], params, "PageResolutions")

    def _accept(self, cloud: Cloud, caller: Caller, params: dict[str, Any]) -> dict[str, Any]:
        accepted, kind, now = self.find(caller, params[self.key]), params["AcceptType"], cloud.clock.now()
        channel = params.get("ContactChannelId") or accepted["receipts"][0]["ContactChannelArn"]
        if "ContactChannelId" in params:
            CHANNELS.find(caller, channel)
        # CHOICE: what holds when the validation is left open is not documented; here the code must be right.
        if params.get("AcceptCodeValidation") != "IGNORE" and params["AcceptCode"] != accepted["code"]:
            raise invalid("The accept code is not the one that was sent with the page")
        accepted["receipts"].append({**_receipt(kind, now, channel), "ReceiptInfo": params.get("Note")})
        if kind == "READ":
            accepted.setdefault("ReadTime", now)
            caller.account.engagements.accept(accepted[self.arn])
        return {}


def _below(contact_arn: str, kind: str) -> str:
    """Name what belongs to a contact after it."""
    return f"{contact_arn.replace(':contact/', f':{kind}/')}/{uuid.uuid4()}"


def _receipt(kind: str, time: dt.datetime, channel_arn: str) -> dict[str, Any]:
    return {"ReceiptType": kind, "ReceiptTime": time, "ContactChannelArn": channel_arn}


ENGAGEMENTS = _Engagements()
PAGES = _Pages()
