"""The incidents of one plan: what a smoke test looks for, reads and removes."""

from __future__ import annotations

import contextlib
import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from incidents_runtime.smoke_test import clock
from incidents_runtime.smoke_test.clients import every_page

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    from incidents_runtime.smoke_test.clients import Clients

_GONE = "ResourceNotFoundException"
_TRIGGER_EVENT = "SSM Incident Trigger"
_NOTE = "Custom Event"
_PAGE = 100
_OPS_ITEM_COMES_IN = timedelta(seconds=5)


class Records:
    """The incidents of one plan, and of no other.

    Parameters
    ----------
    clients
        What to ask.
    plan_arn
        The plan.
    """

    def __init__(self, clients: Clients, plan_arn: str) -> None:
        self._clients = clients
        # A record carries no other sign of its plan than its ARN.
        self._marker = f":incident-record/{plan_arn.rpartition('/')[2]}/"

    def since(self, after: datetime) -> Iterator[dict[str, Any]]:
        """Yield the summaries of the plan's incidents that were opened after a time."""
        for page in every_page(
            self._clients.incidents.list_incident_records,
            filters=[{"key": "creationTime", "condition": {"after": after}}],
            maxResults=_PAGE,
        ):
            for summary in page["incidentRecordSummaries"]:
                if self._marker in summary["arn"]:
                    yield summary

    def get(self, arn: str) -> dict[str, Any] | None:
        """Return an incident; None if it is gone."""
        with _tolerating(_GONE):
            return dict(self._clients.incidents.get_incident_record(arn=arn)["incidentRecord"])
        return None

    def trigger_event(self, arn: str) -> dict[str, Any] | None:
        """Return the event that started an incident, as runbooks read it; None if it is not there yet."""
        return next(self._events(arn, _TRIGGER_EVENT), None)

    def alarms_of(self, arn: str) -> list[str] | None:
        """Return the ARNs of the alarms that started an incident; None if nothing tells yet."""
        with _tolerating(_GONE):
            event = self.trigger_event(arn)
            return None if event is None else _resources_in(event)
        return None

    def note(self, arn: str, words: str) -> str | None:
        """Return the note of an incident's timeline that has some words; None if there is none yet."""
        notes = (str(event["eventData"]) for event in self._events(arn, _NOTE))
        return next((note for note in notes if words in note), None)

    def _events(self, arn: str, kind: str) -> Iterator[dict[str, Any]]:
        incidents = self._clients.incidents
        for page in every_page(incidents.list_timeline_events, incidentRecordArn=arn, maxResults=_PAGE):
            for summary in page["eventSummaries"]:
                if summary["eventType"] == kind:
                    event = incidents.get_timeline_event(incidentRecordArn=arn, eventId=summary["eventId"])
                    yield dict(event["event"])

    def related_items(self, arn: str) -> list[dict[str, Any]]:
        """Return an incident's related items; none if it is gone."""
        with _tolerating(_GONE):
            pages = every_page(self._clients.incidents.list_related_items, incidentRecordArn=arn)
            return [item for page in pages for item in page["relatedItems"]]
        return []

    def ops_items(self, arn: str) -> list[str]:
        """Return the ids of the OpsItems that an incident has made."""
        identifiers = [item["identifier"] for item in self.related_items(arn)]
        values = [one["value"] for one in identifiers if one["type"] == "PARENT"]
        # The model lets any value stand there.
        return [value["arn"].rpartition("/")[2] for value in values if ":opsitem/" in value.get("arn", "")]

    def _ops_items_in_time(self, arn: str) -> list[str]:
        """Return the OpsItems of an incident; that of a young one may be yet to come, and would stay."""
        while not (found := self.ops_items(arn)):
            record = self.get(arn)
            if record is None or clock.now() - record["creationTime"] > _OPS_ITEM_COMES_IN:
                break
            clock.sleep(1)
        return found

    def remove(self, arn: str) -> None:
        """Resolve and delete an incident, and its OpsItem."""
        incidents = self._clients.incidents
        # Somebody else, perhaps a second invocation for one request, may have removed it.
        with _tolerating(_GONE):
            ops_items = self._ops_items_in_time(arn)
            # Whether the service takes a resolution twice no document says; and each tells the plan's chat.
            if incidents.get_incident_record(arn=arn)["incidentRecord"]["status"] != "RESOLVED":
                incidents.update_incident_record(arn=arn, status="RESOLVED")
            # Before the record, which alone knows its OpsItem: a test that is killed here is cleaned up by
            # the next one. Deleting an OpsItem twice is no error, says its documentation, and also that it
            # may still be read for a while: to look whether it is gone would prove nothing.
            for ops_item in ops_items:
                self._clients.ssm.delete_ops_item(OpsItemId=ops_item)
            incidents.delete_incident_record(arn=arn)

    def remove_each(self, after: datetime, is_ours: Callable[[dict[str, Any]], bool]) -> None:
        """Remove what was opened after a time and is ours."""
        # All found before any is removed, which would move the pages.
        for summary in [summary for summary in self.since(after) if is_ours(summary)]:
            self.remove(summary["arn"])


def source_arn(record: dict[str, Any]) -> str:
    """Return the ARN of what started an incident; empty if it does not tell."""
    return str((record.get("incidentRecordSource") or {}).get("resourceArn") or "")


def alarm_in(event: dict[str, Any]) -> Any:
    """Return the alarm's name in the event that the trigger handed over, None if it cannot be read."""
    with contextlib.suppress(ValueError, KeyError, TypeError):
        return json.loads(json.loads(event["eventData"])["rawData"])["detail"]["alarmName"]
    return None


def _resources_in(event: dict[str, Any]) -> list[str]:
    with contextlib.suppress(ValueError, KeyError, TypeError):
        return list(json.loads(json.loads(event["eventData"])["rawData"])["resources"])
    return []


@contextlib.contextmanager
def _tolerating(code: str) -> Iterator[None]:
    try:
        yield
    except ClientError as error:
        if error.response["Error"]["Code"] != code:
            raise
