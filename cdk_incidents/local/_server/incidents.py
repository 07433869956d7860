"""Incident records: start, merge, update, resolve, delete, list."""

from __future__ import annotations

import json
import uuid
from typing import TYPE_CHECKING, Any

from . import engagements, notifications, ops_items, runbooks, timeline
from .errors import ServiceError, invalid, not_found, over_quota
from .paging import page
from .state import Account, Caller, Cloud, Record

if TYPE_CHECKING:
    import datetime as dt

INCIDENTS_A_MONTH = 200
RELATED_ITEMS = 50
_CUSTOM_SOURCE = "aws.ssm-incidents.custom"
_OWN_PREFIX = "aws."


def start_incident(cloud: Cloud, caller: Caller, params: dict[str, Any]) -> dict[str, Any]:
    """Start an incident, or give the one that it merges into; either way the audit tells."""
    entry = {
        "time": cloud.clock.now().isoformat(),
        "plan": params["responsePlanArn"],
        "title": params.get("title", ""),
        "source": params.get("triggerDetails", {}).get("source", ""),
        "caller": caller.arn,
    }
    cloud.audit.append(entry)
    try:
        arn, outcome = _start(cloud, caller, params)
    except ServiceError as error:
        entry["outcome"] = error.code
        raise
    entry.update(outcome=outcome, incident_record_arn=arn, title=caller.account.records[arn].data["title"])
    return {"incidentRecordArn": arn}


def _start(cloud: Cloud, caller: Caller, params: dict[str, Any]) -> tuple[str, str]:
    account, plan_arn = caller.account, params["responsePlanArn"]
    plan = account.plans.get(plan_arn)
    if plan is None:
        raise not_found("RESPONSE_PLAN", plan_arn)
    details = params.get("triggerDetails", {})
    if details.get("source", "").startswith(_OWN_PREFIX) and not caller.service:
        # CHOICE: the documents say that a customer's source must not begin so; not what happens.
        raise invalid(
            f"triggerDetails.source must not begin with '{_OWN_PREFIX}' (got '{details['source']}')"
        )
    if len(params.get("relatedItems", [])) >= RELATED_ITEMS:
        raise invalid(f"An incident has at most {RELATED_ITEMS} related items, the parent OpsItem among them")
    if earlier := _same_token(cloud, account, params):
        return earlier, "repeated"
    template = plan["incidentTemplate"]
    dedupe = template.get("dedupeString") or ""
    if caller.service:
        # The service deduplicates what an alarm or a rule starts by itself, per source and plan.
        dedupe = dedupe or f"{details.get('triggerArn', '')}:{plan_arn}"
    merged = next(
        (r for r in account.records.values() if dedupe and r.is_open and r.data["dedupeString"] == dedupe),
        None,
    )
    if merged:
        return merged.data["arn"], "merged"
    now = cloud.clock.now()
    month = (plan_arn, now.strftime("%Y-%m"))
    if account.started.get(month, 0) >= INCIDENTS_A_MONTH:
        # CHOICE: the code at this cap is not modelled.
        told = f"A response plan starts at most {INCIDENTS_A_MONTH} incidents a month"
        raise over_quota(told, "RESPONSE_PLAN", plan_arn)
    account.started[month] = account.started.get(month, 0) + 1
    record = _new_record(cloud, caller, params, plan, dedupe)
    arn: str = record.data["arn"]
    if params.get("clientToken"):
        account.tokens["StartIncident", params["clientToken"]] = (params, arn)
    return arn, "started"


def _same_token(cloud: Cloud, account: Account, params: dict[str, Any]) -> str:
    asked, arn = account.tokens.get(("StartIncident", params.get("clientToken", "")), ({}, ""))
    if arn not in account.records:
        return ""
    window = cloud.assumptions.client_token_window_s
    age = cloud.clock.now() - account.records[arn].data["creationTime"]
    if window is not None and age.total_seconds() >= window:
        return ""
    if asked != params:
        # CHOICE: what the same token with other details gets is not documented.
        raise ServiceError("ConflictException", "The clientToken was used before, with other details")
    return str(arn)


def _new_record(
    cloud: Cloud, caller: Caller, params: dict[str, Any], plan: dict[str, Any], dedupe: str
) -> Record:
    account, template, now = caller.account, plan["incidentTemplate"], cloud.clock.now()
    details = params.get("triggerDetails", {})
    source = {"createdBy": caller.arn, "source": details.get("source", _CUSTOM_SOURCE)}
    if "triggerArn" in details:
        source["resourceArn"] = details["triggerArn"]
    if caller.service:
        source["invokedBy"] = caller.service
    data = {
        "arn": account.arn(f"incident-record/{plan['name']}/{uuid.uuid4()}"),
        "creationTime": now,
        "dedupeString": dedupe or str(uuid.uuid4()),
        "impact": params.get("impact", template["impact"]),
        "incidentRecordSource": source,
        "lastModifiedBy": caller.arn,
        "lastModifiedTime": now,
        "status": "OPEN",
        "title": params.get("title", template["title"]),
        "summary": template.get("summary"),
        "chatChannel": plan.get("chatChannel"),
        "notificationTargets": template.get("notificationTargets"),
    }
    record = account.records[data["arn"]] = Record(data, plan["arn"])
    account.tags[data["arn"]] = dict(template.get("incidentTags", {}))
    parent = ops_items.create(
        account,
        caller.region,
        title=data["title"],
        description=data["arn"],
        source="Incident Manager",
        now=now,
    )
    parent_item = {"identifier": {"type": "PARENT", "value": {"arn": parent}}, "title": data["title"]}
    for item in [*params.get("relatedItems", []), parent_item]:
        add_related_item(record, item)
    _tell_trigger(record, source, details, now)
    for item in runbooks.start_for_incident(cloud, caller, plan, record):
        add_related_item(record, item)
    engagements.engage_for_incident(account, plan, data)
    notifications.tell(cloud, "OPENED", data)
    return record


def _tell_trigger(record: Record, source: dict[str, Any], details: dict[str, Any], now: dt.datetime) -> None:
    told = {
        "source": source["source"],
        "triggerArn": details.get("triggerArn"),
        "rawData": details.get("rawData"),
        "timestamp": details.get("timestamp", now).isoformat(),
    }
    timeline.add(
        record, "SSM Incident Trigger", json.dumps({k: v for k, v in told.items() if v is not None}), now
    )


def find(caller: Caller, arn: str) -> Record:
    """Give a record of the caller's account."""
    record = caller.account.records.get(arn)
    if record is None:
        raise not_found("INCIDENT_RECORD", arn)
    return record


def get_incident_record(_cloud: Cloud, caller: Caller, params: dict[str, Any]) -> dict[str, Any]:
    """Give a record."""
    return {"incidentRecord": find(caller, params["arn"]).data}


def update_incident_record(cloud: Cloud, caller: Caller, params: dict[str, Any]) -> dict[str, Any]:
    """Change a record; a change of status shows in its timeline.

    CHOICE: what resolving does to the OpsItem and to running engagements is not documented; here the one
    stays open and the others stop.
    """
    record, now = find(caller, params["arn"]), cloud.clock.now()
    before = record.data["status"]
    changes = {k: v for k, v in params.items() if k not in ("arn", "clientToken")}
    record.data.update(changes, lastModifiedBy=caller.arn, lastModifiedTime=now)
    if record.data["status"] != before:
        record.data["resolvedTime"] = None if record.is_open else now
        change = {"status": {"from": before, "to": record.data["status"]}, "changedBy": caller.arn}
        # CHOICE: the name of this event type is not documented.
        timeline.add(record, "SSM Incident Status Change", json.dumps(change), now)
        if not record.is_open:
            caller.account.engagements.stop_incident(record.data["arn"])
    notifications.tell(cloud, "UPDATED" if record.is_open else "RESOLVED", record.data)
    return {}


def delete_incident_record(_cloud: Cloud, caller: Caller, params: dict[str, Any]) -> dict[str, Any]:
    """Delete a record. Its OpsItem stays."""
    record = caller.account.records.get(params["arn"])
    if record and record.is_open:
        # CHOICE: the guide says to resolve first; not what happens otherwise.
        raise invalid(f"{params['arn']} must be resolved before it is deleted")
    caller.account.records.pop(params["arn"], None)
    caller.account.tags.pop(params["arn"], None)
    return {}


def list_incident_records(_cloud: Cloud, caller: Caller, params: dict[str, Any]) -> dict[str, Any]:
    """List records, newest first."""
    filters = params.get("filters", [])
    found = [r.data for r in caller.account.records.values() if all(_matches(r.data, f) for f in filters)]
    found.sort(key=lambda data: data["creationTime"], reverse=True)
    return page(found, params, "incidentRecordSummaries")


def _matches(data: dict[str, Any], wanted: dict[str, Any]) -> bool:
    key, condition = wanted["key"], wanted["condition"]
    if key not in ("creationTime", "impact", "status", "createdBy"):
        raise invalid(f"Records are filtered by creationTime, impact, status or createdBy (got '{key}')")
    value = data["incidentRecordSource"]["createdBy"] if key == "createdBy" else data[key]
    return timeline.meets(value, condition, key)


def list_related_items(_cloud: Cloud, caller: Caller, params: dict[str, Any]) -> dict[str, Any]:
    """List the related items of a record."""
    return page(find(caller, params["incidentRecordArn"]).related, params, "relatedItems")


def update_related_items(cloud: Cloud, caller: Caller, params: dict[str, Any]) -> dict[str, Any]:
    """Add or remove one related item."""
    record, update = find(caller, params["incidentRecordArn"]), params["relatedItemsUpdate"]
    if "itemToAdd" in update:
        if "generatedId" in update["itemToAdd"]:
            raise invalid("generatedId is the service's to give")
        if len(record.related) >= RELATED_ITEMS:
            raise invalid(f"An incident has at most {RELATED_ITEMS} related items")
        add_related_item(record, update["itemToAdd"])
    else:
        kept = [item for item in record.related if item["identifier"] != update["itemToRemove"]]
        if len(kept) == len(record.related):
            raise invalid("The incident has no such related item")
        record.related[:] = kept
    record.data.update(lastModifiedBy=caller.arn, lastModifiedTime=cloud.clock.now())
    return {}


def add_related_item(record: Record, item: dict[str, Any]) -> None:
    """Put an item on a record, once."""
    if all(known["identifier"] != item["identifier"] for known in record.related):
        number = uuid.uuid4().hex.upper()
        record.related.append({**item, "generatedId": f"related-item/{item['identifier']['type']}/{number}"})
