"""The timeline of an incident."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

from cdk_incidents.local._server.protocol.errors import invalid, not_found
from cdk_incidents.local._server.protocol.json_text import NO_JSON, read_json
from cdk_incidents.local._server.protocol.paging import page

if TYPE_CHECKING:
    import datetime as dt

    from cdk_incidents.local._server.state import Caller, Cloud, Record

EVENTS = 1_000
_CUSTOM_TYPES = ("Custom Event", "Note")


def find_record(caller: Caller, arn: str) -> Record:
    """Give a record of the account in which the caller acts.

    CHOICE: the model has no such error for the lists of items and events, nor another that fits.
    """
    record = caller.account.records.get(arn)
    if record is None:
        raise not_found("INCIDENT_RECORD", arn)
    return record


def add(record: Record, event_type: str, data: str, time: dt.datetime, **members: Any) -> str:
    """Put an event on the timeline, unless that is full: then the service's own stay out. CHOICE."""
    if len(record.events) >= EVENTS:
        return ""
    event_id = str(uuid.uuid4())
    record.events[event_id] = {
        "eventId": event_id,
        "incidentRecordArn": record.data["arn"],
        "eventType": event_type,
        "eventData": data,
        "eventTime": time,
        "eventUpdatedTime": time,
        **members,
    }
    return event_id


def create_timeline_event(cloud: Cloud, caller: Caller, params: dict[str, Any]) -> dict[str, Any]:
    """Add a customer's event."""
    record = find_record(caller, params["incidentRecordArn"])
    _check(params)
    if len(record.events) >= EVENTS:
        raise invalid(f"An incident has at most {EVENTS} timeline events")
    told = {name: value for name, value in params.items() if name == "eventReferences"}
    told["eventUpdatedTime"] = cloud.clock.now()
    event_id = add(record, params["eventType"], params["eventData"], params["eventTime"], **told)
    return {"eventId": event_id, "incidentRecordArn": params["incidentRecordArn"]}


def get_timeline_event(_cloud: Cloud, caller: Caller, params: dict[str, Any]) -> dict[str, Any]:
    """Give an event with its data."""
    return {"event": _event(caller, params)}


def update_timeline_event(cloud: Cloud, caller: Caller, params: dict[str, Any]) -> dict[str, Any]:
    """Change a customer's event."""
    event = _event(caller, params)
    _own(event)
    _check({**event, **params})
    names = ("eventData", "eventTime", "eventType", "eventReferences")
    event.update({k: params[k] for k in names if k in params}, eventUpdatedTime=cloud.clock.now())
    return {}


def delete_timeline_event(_cloud: Cloud, caller: Caller, params: dict[str, Any]) -> dict[str, Any]:
    """Delete a customer's event."""
    record = caller.account.records.get(params["incidentRecordArn"])
    if record and params["eventId"] in record.events:
        _own(record.events[params["eventId"]])
        del record.events[params["eventId"]]
    return {}


def list_timeline_events(_cloud: Cloud, caller: Caller, params: dict[str, Any]) -> dict[str, Any]:
    """List events without their data, newest first unless asked otherwise."""
    filters, record = params.get("filters", []), find_record(caller, params["incidentRecordArn"])
    events = [e for e in record.events.values() if all(_matches(e, f) for f in filters)]
    # CHOICE: the order by default is not documented.
    events.sort(key=lambda event: event["eventTime"], reverse=params.get("sortOrder") != "ASCENDING")
    return page(events, params, "eventSummaries")


def _matches(event: dict[str, Any], wanted: dict[str, Any]) -> bool:
    key, condition = wanted["key"], wanted["condition"]
    if key == "eventReference":
        told = [next(iter(r.values())) for r in event.get("eventReferences", [])]
        return any(meets(value, condition, key) for value in told)
    if key not in ("eventTime", "eventType"):
        raise invalid(f"Timeline events are filtered by eventTime, eventType or eventReference (got '{key}')")
    return meets(event[key], condition, key)


def meets(value: Any, condition: dict[str, Any], key: str) -> bool:
    """Tell whether a value meets a filter's condition, of which the model lets one in."""
    is_time = key in ("creationTime", "eventTime")
    if is_time == ("equals" in condition):
        raise invalid(f"{key} is filtered by {'before or after' if is_time else 'equals'}")
    if "after" in condition:
        return bool(value > condition["after"])
    if "before" in condition:
        return bool(value < condition["before"])
    wanted = condition["equals"].get("integerValues" if key == "impact" else "stringValues")
    if wanted is None:
        raise invalid(f"{key} is compared with {'integerValues' if key == 'impact' else 'stringValues'}")
    return value in wanted


def _event(caller: Caller, params: dict[str, Any]) -> dict[str, Any]:
    event = find_record(caller, params["incidentRecordArn"]).events.get(params["eventId"])
    if event is None:
        raise not_found("TIMELINE_EVENT", params["eventId"])
    return event


def _own(event: dict[str, Any]) -> None:
    if event["eventType"] not in _CUSTOM_TYPES:
        raise invalid(f"Events of type '{event['eventType']}' are the service's own and stay as they are")


def _check(params: dict[str, Any]) -> None:
    if params["eventType"] not in _CUSTOM_TYPES:
        raise invalid(f"eventType must be one of {', '.join(_CUSTOM_TYPES)} (got '{params['eventType']}')")
    if read_json(params["eventData"]) is NO_JSON:
        # CHOICE: AWS's examples all give JSON (a JSON string, quotes included); nothing says what else gets.
        raise invalid("eventData must be JSON, a JSON string included")
