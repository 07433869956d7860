"""Incident records as the tests and the rehearsal look at them."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from .errors import IncidentTimeoutError

if TYPE_CHECKING:
    from collections.abc import Sequence

_POLL_S = 0.05
_MOST_REGIONS = 3


def cover(client: Any, regions: Sequence[str]) -> None:
    """Put Regions into the account's replication set: who uses the service there has done so."""
    for arn in client.list_replication_sets()["replicationSetArns"]:
        there = client.get_replication_set(arn=arn)["replicationSet"]["regionMap"]
        missing = [region for region in regions if region not in there]
        for region in missing[: _MOST_REGIONS - len(there)]:
            client.update_replication_set(arn=arn, actions=[{"addRegionAction": {"regionName": region}}])


def make_room(client: Any) -> None:
    """Delete the replication set that an account came with, and all that needs it: the app brings its own."""
    for arn in client.list_replication_sets()["replicationSetArns"]:
        if client.get_replication_set(arn=arn)["replicationSet"]["createdBy"].endswith(":root"):
            client.delete_replication_set(arn=arn)


def incident_records(client: Any) -> list[dict[str, Any]]:
    """Return every incident record in full, the oldest first; none where there is no replication set."""
    records = (client.get_incident_record(arn=there["arn"])["incidentRecord"] for there in _summaries(client))
    return sorted(records, key=lambda record: record["creationTime"])


def _summaries(client: Any) -> list[dict[str, Any]]:
    pages = client.get_paginator("list_incident_records").paginate()
    try:
        return [summary for page in pages for summary in page["incidentRecordSummaries"]]
    except client.exceptions.ResourceNotFoundException:
        return []


def wait_for_record(
    client: Any,
    *,
    title: str | None = None,
    resource_arn: str | None = None,
    status: str | None = None,
    arn: str | None = None,
    not_in: frozenset[str] = frozenset(),
    timeout_s: float,
) -> dict[str, Any]:
    """Wait for a record that fits all that is asked for and return it; of several, the newest.

    Parameters
    ----------
    title
        a part of the record's title
    resource_arn
        what set it off, an alarm for example
    status
        OPEN or RESOLVED
    arn
        the record's own ARN
    not_in
        ARNs of records that were there before

    Raises
    ------
    IncidentTimeoutError
        if none is there in time; the message lists those that are
    """
    until = time.monotonic() + timeout_s
    while True:
        summaries = _summaries(client)
        fitting = [
            summary
            for summary in summaries
            if summary["arn"] not in not_in
            and (arn is None or summary["arn"] == arn)
            and (title is None or title in summary["title"])
            and (status is None or summary["status"] == status)
            and (resource_arn is None or summary["incidentRecordSource"].get("resourceArn") == resource_arn)
        ]
        if fitting:
            newest = max(fitting, key=lambda summary: summary["creationTime"])
            record: dict[str, Any] = client.get_incident_record(arn=newest["arn"])["incidentRecord"]
            return record
        if time.monotonic() > until:
            wanted = {"title": title, "resource": resource_arn, "status": status, "ARN": arn}
            raise IncidentTimeoutError(_missing(wanted, timeout_s, summaries))
        time.sleep(_POLL_S)


def _missing(wanted: dict[str, str | None], timeout_s: float, there: list[dict[str, Any]]) -> str:
    asked = [f"{name} {value!r}" for name, value in wanted.items() if value is not None]
    found = (
        "; ".join(f"{summary['title']!r} ({summary['status']})" for summary in there) or "no incident at all"
    )
    return f"no incident with {' and '.join(asked) or 'any title'} within {timeout_s:g} s (found: {found})"
