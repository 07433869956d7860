"""What became of an alarm's signal on its routes, by the trigger's own ledger.

An incident may be one's own or shared with others, and a route may lead to OpsItems or to a topic instead:
the ledger knows them all.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from .alarms import WiredAlarm

    Entries = dict[str, tuple[str, str]]

LEDGER = "INCIDENTS_LEDGER_TABLE"
"""What the trigger's function has in its environment, and no other."""


class Routed:
    """The ledgers of triggers.

    Parameters
    ----------
    client
        gives boto3's client for a service and a Region
    """

    def __init__(self, client: Callable[[str, str], Any]) -> None:
        self._client = client

    def entries(self, alarm: WiredAlarm) -> Entries:
        """Return by key the record that an alarm may have on a route, and how many signals joined it."""
        found: Entries = {}
        for arn in alarm.routes:
            function, alias = arn.split(":")[-2:]
            keys = (f"{alias}|alarm|{alarm.arn}", f"{alias}|group|")
            for item in self._items(function, alarm.region):
                key = item["key"]["S"]
                if key.startswith(keys) and "record" in item:
                    found[key] = (item["record"]["S"], item.get("joined", {}).get("N", "0"))
        return found

    def news(self, alarm: WiredAlarm, known: Entries) -> str | None:
        """Return the record of an entry that is not as it was known, and know it from now on."""
        for key, entry in self.entries(alarm).items():
            if known.get(key) != entry:
                known[key] = entry
                return entry[0]
        return None

    def read(self, record: str, alarm: WiredAlarm) -> dict[str, Any]:
        """Describe what a record's ARN names as the service describes an incident."""
        if ":incident-record/" in record:
            client = self._client("ssm-incidents", alarm.region)
            incident: dict[str, Any] = client.get_incident_record(arn=record)["incidentRecord"]
            return incident
        told: dict[str, Any] = {"arn": record, "title": alarm.name, "impact": None, "status": "OPEN"}
        if ":opsitem/" in record:
            item = self._item(record, alarm)
            status = "RESOLVED" if item["Status"] == "Resolved" else "OPEN"
            told |= {"title": item["Title"], "status": status, "creationTime": item["CreatedTime"]}
            return {**told, "incidentRecordSource": {"source": item["Source"]}}
        now = dt.datetime.now(dt.timezone.utc)
        return {**told, "creationTime": now, "incidentRecordSource": {"source": record.partition("#")[0]}}

    def _item(self, record: str, alarm: WiredAlarm) -> dict[str, Any]:
        client = self._client("ssm", alarm.region)
        item: dict[str, Any] = client.get_ops_item(OpsItemId=record.rpartition("/")[2])["OpsItem"]
        return item

    def _items(self, function: str, region: str) -> list[dict[str, Any]]:
        configuration = self._client("lambda", region).get_function_configuration(FunctionName=function)
        pages = self._client("dynamodb", region).get_paginator("scan")
        table = configuration["Environment"]["Variables"][LEDGER]
        return [
            item for page in pages.paginate(TableName=table, ConsistentRead=True) for item in page["Items"]
        ]
