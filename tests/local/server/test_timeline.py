"""Timeline events and related items of an incident."""

from __future__ import annotations

import datetime as dt
import uuid
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from .conftest import Aws

_TIME = dt.datetime(2027, 1, 4, 9, 0, tzinfo=dt.timezone.utc)


def _add(incidents: Any, arn: str, **more: Any) -> str:
    event = {"eventType": "Custom Event", "eventData": '"a note"', "eventTime": _TIME, **more}
    event_id: str = incidents.create_timeline_event(incidentRecordArn=arn, **event)["eventId"]
    return event_id


def test_a_custom_event_is_created_read_changed_and_deleted(aws: Aws, incidents: Any) -> None:
    """The four operations on an event of one's own."""
    arn = aws.start(aws.plan())
    name = {"incidentRecordArn": arn, "eventId": _add(incidents, arn)}
    event = incidents.get_timeline_event(**name)["event"]
    assert (event["eventType"], event["eventData"], event["eventTime"]) == ("Custom Event", '"a note"', _TIME)
    incidents.update_timeline_event(**name, eventData='"another"')
    assert incidents.get_timeline_event(**name)["event"]["eventData"] == '"another"'
    incidents.delete_timeline_event(**name)
    with pytest.raises(incidents.exceptions.ResourceNotFoundException):
        incidents.get_timeline_event(**name)


def test_event_data_is_json(aws: Aws, incidents: Any) -> None:
    """A plain text stands in quotes, as in AWS's examples."""
    with pytest.raises(incidents.exceptions.ValidationException, match="JSON"):
        _add(incidents, aws.start(aws.plan()), eventData="a note")


def test_customers_make_custom_events_and_notes_only(aws: Aws, incidents: Any) -> None:
    """Other types are the service's own."""
    arn = aws.start(aws.plan())
    assert _add(incidents, arn, eventType="Note")
    with pytest.raises(incidents.exceptions.ValidationException, match="Custom Event, Note"):
        _add(incidents, arn, eventType="SSM Incident Trigger")


def test_the_services_own_events_stay(aws: Aws, incidents: Any) -> None:
    """The trigger's event can be neither changed nor deleted."""
    arn = aws.start(aws.plan())
    (own,) = incidents.list_timeline_events(incidentRecordArn=arn)["eventSummaries"]
    for change in (incidents.update_timeline_event, incidents.delete_timeline_event):
        with pytest.raises(incidents.exceptions.ValidationException, match="stay as they are"):
            change(incidentRecordArn=arn, eventId=own["eventId"])


def test_an_event_is_created_once_a_token(aws: Aws, incidents: Any) -> None:
    """A repeated call gives the first event; other details under the token are a conflict."""
    arn, token = aws.start(aws.plan()), str(uuid.uuid4())
    first = _add(incidents, arn, clientToken=token)
    assert _add(incidents, arn, clientToken=token) == first
    with pytest.raises(incidents.exceptions.ConflictException):
        _add(incidents, arn, clientToken=token, eventData='"other"')


def test_events_are_listed_by_time_and_type_without_their_data(aws: Aws, incidents: Any) -> None:
    """Filters and both orders work; the data comes from GetTimelineEvent only."""
    arn = aws.start(aws.plan())
    ids = [_add(incidents, arn, eventTime=_TIME + dt.timedelta(minutes=n)) for n in range(3)]
    custom = {"key": "eventType", "condition": {"equals": {"stringValues": ["Custom Event"]}}}
    later = {"key": "eventTime", "condition": {"after": _TIME}}

    def listed(*filters: Any, **more: Any) -> list[str]:
        events = incidents.list_timeline_events(incidentRecordArn=arn, filters=list(filters), **more)[
            "eventSummaries"
        ]
        assert not any("eventData" in event for event in events)
        return [event["eventId"] for event in events]

    assert listed(custom, sortBy="EVENT_TIME", sortOrder="ASCENDING") == ids
    assert listed(custom, sortBy="EVENT_TIME", sortOrder="DESCENDING") == ids[::-1]
    assert listed(custom, later, sortOrder="ASCENDING") == ids[1:]


def test_events_are_found_by_what_they_refer_to(aws: Aws, incidents: Any) -> None:
    """The filter eventReference knows resources by ARN."""
    arn, bucket = aws.start(aws.plan()), "arn:aws:s3:::bucket"
    found = _add(incidents, arn, eventReferences=[{"resource": bucket}])
    _add(incidents, arn)
    wanted = {"key": "eventReference", "condition": {"equals": {"stringValues": [bucket]}}}
    events = incidents.list_timeline_events(incidentRecordArn=arn, filters=[wanted])["eventSummaries"]
    assert [event["eventId"] for event in events] == [found]


def test_related_items_are_added_and_removed_one_a_call(aws: Aws, incidents: Any) -> None:
    """The service numbers what is added; the same item is there once; what is not there cannot go."""
    identifier = {"type": "OTHER", "value": {"url": "https://example.com"}}
    arn = aws.start(aws.plan(), relatedItems=[{"identifier": identifier, "title": "Dashboard"}])

    def urls() -> list[str]:
        items = incidents.list_related_items(incidentRecordArn=arn)["relatedItems"]
        return [item["identifier"]["value"]["url"] for item in items if item["identifier"]["type"] == "OTHER"]

    incidents.update_related_items(
        incidentRecordArn=arn, relatedItemsUpdate={"itemToAdd": {"identifier": identifier}}
    )
    assert urls() == ["https://example.com"]
    incidents.update_related_items(incidentRecordArn=arn, relatedItemsUpdate={"itemToRemove": identifier})
    assert urls() == []
    with pytest.raises(incidents.exceptions.ValidationException, match="no such related item"):
        incidents.update_related_items(incidentRecordArn=arn, relatedItemsUpdate={"itemToRemove": identifier})


def test_the_generated_id_is_the_services_to_give(aws: Aws, incidents: Any) -> None:
    """An added item names no generatedId."""
    item = {
        "identifier": {"type": "OTHER", "value": {"url": "u"}},
        "generatedId": f"related-item/OTHER/{'0' * 32}",
    }
    with pytest.raises(incidents.exceptions.ValidationException, match="generatedId"):
        incidents.update_related_items(
            incidentRecordArn=aws.start(aws.plan()), relatedItemsUpdate={"itemToAdd": item}
        )
