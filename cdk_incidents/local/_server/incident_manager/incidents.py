"""Incident records: start, merge, update, resolve, delete, list."""

from __future__ import annotations

import json
import uuid
from typing import TYPE_CHECKING, Any

from cdk_incidents.local._server import permissions
from cdk_incidents.local._server.protocol.errors import ServiceError, invalid, not_found
from cdk_incidents.local._server.protocol.paging import page
from cdk_incidents.local._server.state import Account, Caller, Cloud, Record
from cdk_incidents.local._server.systems_manager import ops_items

from . import engagements, notifications, runbooks, timeline

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Container

    from .resources import Play

INCIDENTS_A_MONTH = 200
RELATED_ITEMS = 50
_CUSTOM_SOURCE = "aws.ssm-incidents.custom"
_OWN_PREFIX = "aws."


def audited(play: Play) -> Play:
    """Let the audit tell of every start, and what became of it."""

    def play_and_tell(cloud: Cloud, caller: Caller, params: dict[str, Any]) -> dict[str, Any]:
        entry = {
            "time": cloud.clock.now().isoformat(),
            "plan": params["responsePlanArn"],
            "title": params.get("title", ""),
            "source": params.get("triggerDetails", {}).get("source", ""),
            "caller": caller.arn,
        }
        cloud.audit.append(entry)
        try:
            answer = play(cloud, caller, params)
        except ServiceError as error:
            entry["outcome"] = error.code
            raise
        arn = answer["incidentRecordArn"]
        title = caller.account.records[arn].data["title"]
        entry.update(outcome=answer["outcome"], incident_record_arn=arn, title=title)
        return answer

    return play_and_tell


def start_incident(cloud: Cloud, caller: Caller, params: dict[str, Any]) -> dict[str, Any]:
    """Start an incident, or give the one that it merges into."""
    account, assumed, plan_arn = caller.account, cloud.assumptions, params["responsePlanArn"]
    plan = account.plans.get(plan_arn)
    if plan is None:
        raise not_found("RESPONSE_PLAN", plan_arn)
    refused = permissions.forwarded(caller, plan)
    if refused and assumed.forwarded_permission_missing == "AccessDeniedException":
        # CHOICE: what a start gets without these permissions is not documented.
        raise next(iter(refused.values()))
    details = params.get("triggerDetails", {})
    reserved = details.get("source", "").startswith(_OWN_PREFIX) and not caller.service
    if reserved and assumed.reserved_source == "refused":
        # CHOICE: the documents say that a customer's source must not begin so; not what happens.
        raise invalid(
            f"triggerDetails.source must not begin with '{_OWN_PREFIX}' (got '{details['source']}')"
        )
    if len(params.get("relatedItems", [])) + 1 + len(plan.get("actions", [])) > RELATED_ITEMS:
        told = "the parent OpsItem and the runbook among them"
        raise invalid(f"An incident has at most {RELATED_ITEMS} related items, {told}")
    dedupe = plan["incidentTemplate"].get("dedupeString") or ""
    if caller.service:
        # The service deduplicates what an alarm or a rule starts by itself, per source and plan.
        dedupe = dedupe or f"{details.get('triggerArn', '')}:{plan_arn}"
    alike = account.alike.get(dedupe, []) if dedupe else []
    if merged := next((record for record in alike if record.is_open), None):
        return {"incidentRecordArn": merged.data["arn"], "outcome": "merged"}
    month = (plan_arn, cloud.clock.now().strftime("%Y-%m"))
    if account.started.get(month, 0) >= INCIDENTS_A_MONTH:
        # CHOICE: the code at this cap is not modelled.
        told = f"A response plan starts at most {INCIDENTS_A_MONTH} incidents a month"
        at_cap = {"resourceType": "RESPONSE_PLAN", "resourceIdentifier": plan_arn}
        raise ServiceError(assumed.incident_quota_error, told, **at_cap)
    account.started[month] = account.started.get(month, 0) + 1
    record = _new_record(cloud, caller, params, plan, dedupe)
    if dedupe:
        account.alike.setdefault(dedupe, []).append(record)
    _follow_up(cloud, caller, params, plan, record, refused)
    return {"incidentRecordArn": record.data["arn"], "outcome": "started"}


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
    arn = account.arn(f"incident-record/{plan['name']}/{uuid.uuid4()}")
    data = {
        "arn": arn,
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
    record = account.records[arn] = Record(data)
    return record


def _follow_up(
    cloud: Cloud,
    caller: Caller,
    params: dict[str, Any],
    plan: dict[str, Any],
    record: Record,
    refused: Container[str],
) -> None:
    """Do all that a start brings with it, at any impact, but for what the caller may not let it do."""
    account, data, now = caller.account, record.data, cloud.clock.now()
    tags = plan["incidentTemplate"].get("incidentTags", {})
    account.tags[data["arn"]] = {} if "ssm-incidents:TagResource" in refused else dict(tags)
    for item in params.get("relatedItems", []):
        add_related_item(record, item)
    if "ssm:CreateOpsItem" not in refused:
        opened = {"Title": data["title"], "Description": data["arn"], "Source": "Incident Manager"}
        parent = ops_items.create(account, caller.region, now, opened)
        identifier = {"type": "PARENT", "value": {"arn": parent}}
        add_related_item(record, {"identifier": identifier, "title": data["title"]})
    details = params.get("triggerDetails", {})
    timestamp = details.get("timestamp", now).isoformat()
    told = {**details, "source": data["incidentRecordSource"]["source"], "timestamp": timestamp}
    timeline.add(record, "SSM Incident Trigger", json.dumps(told), now)
    for item in [] if caller.failed_over else runbooks.start_for_incident(cloud, caller, plan, record):
        add_related_item(record, item)
    engaged = [contact for contact in plan.get("engagements", []) if contact not in refused]
    engagements.engage_for_incident(account, {"engagements": engaged}, data)
    notifications.tell(cloud, "OPENED", data)


def get_incident_record(_cloud: Cloud, caller: Caller, params: dict[str, Any]) -> dict[str, Any]:
    """Give a record."""
    return {"incidentRecord": timeline.find_record(caller, params["arn"]).data}


def update_incident_record(cloud: Cloud, caller: Caller, params: dict[str, Any]) -> dict[str, Any]:
    """Change a record; a change of status shows in its timeline.

    CHOICE: what resolving does to the OpsItem and to running engagements is not documented; both are
    Assumptions.
    """
    record, assumed, now = timeline.find_record(caller, params["arn"]), cloud.assumptions, cloud.clock.now()
    before = record.data["status"]
    if "empty" in params.get("chatChannel", {}):
        params = {**params, "chatChannel": None}
    record.data.update(params, lastModifiedBy=caller.arn, lastModifiedTime=now)
    if record.data["status"] != before:
        record.data["resolvedTime"] = None if record.is_open else now
        change = {"status": {"from": before, "to": record.data["status"]}, "changedBy": caller.arn}
        # CHOICE: the name of this event type is not documented.
        timeline.add(record, "SSM Incident Status Change", json.dumps(change), now)
        if not record.is_open and assumed.resolving_stops_engagements:
            caller.account.engagements.stop_incident(record.data["arn"])
        if not record.is_open and assumed.resolving_closes_ops_item:
            _resolve_parents(caller.account, record, now)
    notifications.tell(cloud, "UPDATED" if record.is_open else "RESOLVED", record.data)
    return {}


def _resolve_parents(account: Account, record: Record, now: dt.datetime) -> None:
    for item in record.related:
        parent = account.ops_items.get(item["identifier"]["value"].get("arn", "").rpartition("/")[2])
        if parent and item["identifier"]["type"] == "PARENT":
            parent.update(Status="Resolved", LastModifiedTime=now)


def delete_incident_record(cloud: Cloud, caller: Caller, params: dict[str, Any]) -> dict[str, Any]:
    """Delete a record, whether there is one or not. Its OpsItem stays."""
    account, arn = caller.account, params["arn"]
    record = account.records.get(arn)
    if record is None:
        return {}
    if record.is_open and cloud.assumptions.open_record_deletion == "refused":
        # CHOICE: the guide says to resolve first; not what happens otherwise.
        raise invalid(f"{arn} must be resolved before it is deleted")
    alike = account.alike.get(record.data["dedupeString"], [record])
    alike.remove(record)
    account.engagements.stop_incident(arn)
    del account.records[arn], account.tags[arn]
    return {}


def list_incident_records(_cloud: Cloud, caller: Caller, params: dict[str, Any]) -> dict[str, Any]:
    """List records, newest first: the reverse of how they came."""
    filters, records = params.get("filters", []), reversed(caller.account.records.values())
    found = [r.data for r in records if all(_matches(r.data, f) for f in filters)]
    return page(found, params, "incidentRecordSummaries")


def _matches(data: dict[str, Any], wanted: dict[str, Any]) -> bool:
    key, condition = wanted["key"], wanted["condition"]
    if key not in ("creationTime", "impact", "status", "createdBy"):
        raise invalid(f"Records are filtered by creationTime, impact, status or createdBy (got '{key}')")
    value = data["incidentRecordSource"]["createdBy"] if key == "createdBy" else data[key]
    return timeline.meets(value, condition, key)


def list_related_items(_cloud: Cloud, caller: Caller, params: dict[str, Any]) -> dict[str, Any]:
    """List the related items of a record."""
    return page(timeline.find_record(caller, params["incidentRecordArn"]).related, params, "relatedItems")


def update_related_items(cloud: Cloud, caller: Caller, params: dict[str, Any]) -> dict[str, Any]:
    """Add or remove one related item."""
    record, update = timeline.find_record(caller, params["incidentRecordArn"]), params["relatedItemsUpdate"]
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
