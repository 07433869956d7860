"""The incidents of the quiet plan: what a smoke test looks for, reads and removes."""

from __future__ import annotations

import contextlib
import json
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from incidents_runtime.smoke_test.clients import every_page

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from incidents_runtime.smoke_test.clients import Clients

_GONE = "ResourceNotFoundException"
_TRIGGER_EVENT = "SSM Incident Trigger"
_PAGE = 100


class QuietRecords:
    """The incidents of one plan, and of no other.

    Parameters
    ----------
    clients
        What to ask.
    plan_arn
        The quiet plan.
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

    def titled(self, title: str, after: datetime) -> dict[str, Any] | None:
        """Return the incident of this title, None if there is none yet."""
        for summary in self.since(after):
            if summary["title"] == title:
                return self.get(summary["arn"])
        return None

    def get(self, arn: str) -> dict[str, Any]:
        """Return an incident."""
        return dict(self._clients.incidents.get_incident_record(arn=arn)["incidentRecord"])

    def trigger_event(self, arn: str) -> dict[str, Any] | None:
        """Return the event that started an incident, as runbooks read it; None if it is not there yet."""
        for page in every_page(
            self._clients.incidents.list_timeline_events, incidentRecordArn=arn, maxResults=_PAGE
        ):
            for summary in page["eventSummaries"]:
                if summary["eventType"] == _TRIGGER_EVENT:
                    return dict(
                        self._clients.incidents.get_timeline_event(
                            incidentRecordArn=arn, eventId=summary["eventId"]
                        )["event"]
                    )
        return None

    def remove(self, arn: str) -> None:
        """Resolve and delete an incident, and its OpsItem."""
        incidents = self._clients.incidents
        # Somebody else, perhaps a second invocation for one request, may have removed it.
        with _tolerating(_GONE):
            # Read before the record is gone: it alone knows its OpsItem.
            items = incidents.list_related_items(incidentRecordArn=arn)["relatedItems"]
            incidents.update_incident_record(arn=arn, status="RESOLVED")
            incidents.delete_incident_record(arn=arn)
            for item in items:
                if item["identifier"]["type"] == "PARENT":
                    ops_item = item["identifier"]["value"].get("arn", "").rpartition("/")[2]
                    self._clients.ssm.delete_ops_item(OpsItemId=ops_item)


def alarm_in(event: dict[str, Any]) -> Any:
    """Return the alarm's name in the event that the trigger handed over, None if it cannot be read."""
    with contextlib.suppress(ValueError, KeyError, TypeError):
        return json.loads(json.loads(event["eventData"])["rawData"])["detail"]["alarmName"]
    return None


@contextlib.contextmanager
def _tolerating(code: str) -> Iterator[None]:
    try:
        yield
    except ClientError as error:
        if error.response["Error"]["Code"] != code:
            raise
