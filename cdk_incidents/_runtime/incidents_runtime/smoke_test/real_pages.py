"""A plan that is fired for real: it pages people, says that it is a test, and tells whom it has paged."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from incidents_runtime.errors import describe
from incidents_runtime.smoke_test.clients import every_page
from incidents_runtime.smoke_test.failures import failure
from incidents_runtime.smoke_test.proven_path import (
    LEFTOVERS_ARE_YOUNGER_THAN,
    SERVICE_CATCHES_UP_IN_S,
)
from incidents_runtime.smoke_test.records import Records
from incidents_runtime.telemetry import log

if TYPE_CHECKING:
    from collections.abc import Iterator

    from incidents_runtime.smoke_test.means import Means
    from incidents_runtime.smoke_test.settings import Plan

_LONGEST_TITLE = 200
_LONGEST_TOKEN = 128
_TEST = "TEST of "


class RealPages:
    """One plan that may page people.

    Parameters
    ----------
    plan
        The plan.
    means
        What the run works with.
    request
        What tells this request from another's, however often it comes: a second invocation for it must page
        nobody again.
    """

    def __init__(self, plan: Plan, means: Means, request: str) -> None:
        self._plan = plan
        self._means = means
        # A retry of the request is the same incident, by title and token.
        self._mark = dataclasses.replace(means.mark, nonce=request)
        self._step = f"page {plan.name}"
        self._records = Records(means.clients, plan.arn)

    @property
    def _title(self) -> str:
        mark = self._mark
        return f"{_TEST}{mark.stack}: no action needed ({mark.identity} {mark.nonce})"[:_LONGEST_TITLE]

    def prove(self) -> None:
        """Start the plan's incident, wait for its pages, and remove it.

        Raises
        ------
        SmokeTestFailed
            Nobody is paged in time, or the incident could become one with somebody else's.
        """
        with self._means.report.step(self._step):
            plan = self._means.clients.incidents.get_response_plan(arn=self._plan.arn)
            engaged = plan.get("engagements") or []
            if not engaged:
                raise self._failed(
                    "the plan to engage somebody", "no engagement", "engage somebody, or leave it out."
                )
            if dedupe := plan["incidentTemplate"].get("dedupeString"):
                # A real alarm would become one with the test's incident, and be deleted with it.
                raise self._failed(
                    "the plan to have no dedupe string",
                    f"{dedupe!r}; nothing was started",
                    "take it out, or page by a plan that has none.",
                )
            self._remove_what_others_left()
            arn = self._started()
            if arn is None:
                told = "was fired by another invocation for the same request"
                self._means.report.warnings.append(f"{self._plan.name} {told}")
                return
            pages = self._pages(arn, len(engaged))
            self._tell(pages)
            self._records.remove(arn)

    def remove_leftovers(self) -> None:
        """Remove every incident of this plan that a test of this stack has started."""
        records = Records(self._means.for_clean_up, self._plan.arn)
        records.remove_each(self._means.began - LEFTOVERS_ARE_YOUNGER_THAN, self._is_of_this_test)

    def _is_of_this_test(self, summary: dict[str, Any]) -> bool:
        title = str(summary["title"])
        return title.startswith(_TEST) and self._mark.is_of_this_test(title)

    def _remove_what_others_left(self) -> None:
        self._records.remove_each(
            self._means.began - LEFTOVERS_ARE_YOUNGER_THAN,
            lambda summary: self._is_of_this_test(summary) and summary["title"] != self._title,
        )

    def _started(self) -> str | None:
        """Start the incident; None if it is gone already."""
        # Nothing in it that another invocation would say in another way: what the same token gets with other
        # details no document says.
        answer = self._means.clients.incidents.start_incident(
            responsePlanArn=self._plan.arn,
            title=self._title,
            clientToken=f"{self._mark.identity}-{self._mark.nonce}-{self._plan.name}"[:_LONGEST_TOKEN],
        )
        arn = str(answer["incidentRecordArn"])
        # One that was started a moment ago need not be seen at once: to take it for gone would leave it open.
        record = self._means.look_for(
            lambda: self._records.get(arn), until=self._means.within(SERVICE_CATCHES_UP_IN_S)
        )
        if record is None:
            return None
        # The answer does not say whether it is new. The title is nobody else's.
        if record["title"] != self._title:
            raise self._failed(
                "an incident of its own",
                f"{arn}, {record['title']!r}, open since {record['creationTime']:%Y-%m-%d %H:%M:%S} UTC:"
                " somebody else's, and left alone",
                "look at it, and deploy again when it is resolved.",
            )
        return arn

    def _pages(self, arn: str, engaged: int) -> list[dict[str, Any]]:
        """Wait until each engagement has sent a page."""
        seen: list[dict[str, Any]] = []

        def sent() -> bool | None:
            seen[:] = self._sent(arn)
            return len({page["EngagementArn"] for page in seen}) >= engaged or None

        if not self._means.look_for(sent, until=self._means.within(self._means.timeout_s)):
            raise self._failed(
                f"the pages of {engaged} engagements to be sent within {self._means.timeout_s:.0f} s",
                f"pages to {', '.join(self._people(seen)) or 'nobody'}",
                "look at the engagements in the incident's timeline: is a channel of each not activated?",
            )
        return seen

    def _sent(self, arn: str) -> Iterator[dict[str, Any]]:
        contacts = self._means.clients.contacts
        for engagements in every_page(contacts.list_engagements, IncidentId=arn):
            for engagement in engagements["Engagements"]:
                pages = every_page(
                    contacts.list_pages_by_engagement,
                    EngagementId=engagement["EngagementArn"],
                )
                yield from (page for pages_of in pages for page in pages_of["Pages"] if page.get("SentTime"))

    def _tell(self, pages: list[dict[str, Any]]) -> None:
        report = self._means.report
        report.pages += len(pages)
        report.paged.append(f"{self._plan.name}: {', '.join(self._people(pages))}")

    def _people(self, pages: list[dict[str, Any]]) -> list[str]:
        """Name who was paged, and by what."""
        channels: dict[str, list[str]] = {}
        for page in pages:
            # arn:aws:ssm-contacts:REGION:ACCOUNT:contact/ALIAS
            name = page["ContactArn"].rpartition("/")[2]
            channels.setdefault(name, []).extend(self._channels(page["PageArn"]))
        return [f"{name} ({', '.join(dict.fromkeys(by))})" if by else name for name, by in channels.items()]

    def _channels(self, page_arn: str) -> list[str]:
        contacts = self._means.clients.contacts
        try:
            receipts = contacts.list_page_receipts(PageId=page_arn)["Receipts"]
            arns = [
                str(receipt["ContactChannelArn"]) for receipt in receipts if "ContactChannelArn" in receipt
            ]
            return [
                str(contacts.get_contact_channel(ContactChannelId=arn)["Type"]) for arn in dict.fromkeys(arns)
            ]
        except Exception as error:  # noqa: BLE001 - who was paged weighs more than by what
            log("WARNING", "the channel of a page is not known", reason=describe(error))
            return []

    def _failed(self, expected: str, seen: str, remedy: str) -> Exception:
        return failure(self._step, expected=expected, seen=seen, remedy=remedy)
