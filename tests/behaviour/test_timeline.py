"""Timeline events and related items of an incident."""

from __future__ import annotations

import datetime as dt
import json
import uuid
from typing import TYPE_CHECKING, Any

from .rules import api, guide, unsettled

if TYPE_CHECKING:
    from .account import Aws

_TIME = dt.datetime(2026, 11, 2, 9, 0, tzinfo=dt.timezone.utc)
_URL = {"type": "OTHER", "value": {"url": "https://example.com/dashboard"}}


def _add(aws: Aws, arn: str, **more: Any) -> str:
    event = {"eventType": "Custom Event", "eventData": '"a note"', "eventTime": _TIME, **more}
    event_id: str = aws.incidents.create_timeline_event(incidentRecordArn=arn, **event)["eventId"]
    return event_id


def _events(aws: Aws, arn: str, *filters: Any, **more: Any) -> list[dict[str, Any]]:
    pages = aws.incidents.get_paginator("list_timeline_events").paginate(
        incidentRecordArn=arn, filters=list(filters), **more
    )
    return [event for page in pages for event in page["eventSummaries"]]


def _of_type(*kinds: str) -> dict[str, Any]:
    return {"key": "eventType", "condition": {"equals": {"stringValues": list(kinds)}}}


@guide("tutorials-runbooks")
def test_the_trigger_stands_in_the_timeline(aws: Aws) -> None:
    """The event of type SSM Incident Trigger carries rawData as a JSON string."""
    raw = json.dumps({"detail": {"alarmName": "a"}})
    details = {"source": "my.monitor", "timestamp": _TIME, "rawData": raw}
    arn = aws.start(triggerDetails=details)
    (summary,) = aws.eventually(lambda: _events(aws, arn, _of_type("SSM Incident Trigger")))
    event = aws.incidents.get_timeline_event(incidentRecordArn=arn, eventId=summary["eventId"])["event"]
    assert json.loads(json.loads(event["eventData"])["rawData"]) == {"detail": {"alarmName": "a"}}


@api("CreateTimelineEvent")
def test_a_custom_event_gives_back_what_went_in(aws: Aws) -> None:
    """Type, data and time."""
    arn = aws.start()
    event = aws.incidents.get_timeline_event(incidentRecordArn=arn, eventId=_add(aws, arn))["event"]
    assert (event["eventType"], event["eventData"], event["eventTime"]) == ("Custom Event", '"a note"', _TIME)


@api("UpdateTimelineEvent")
def test_a_custom_event_is_changed_by_what_is_given(aws: Aws) -> None:
    """The rest stays."""
    arn = aws.start()
    name = {"incidentRecordArn": arn, "eventId": _add(aws, arn)}
    aws.incidents.update_timeline_event(**name, eventData='"another"')
    event = aws.incidents.get_timeline_event(**name)["event"]
    assert (event["eventData"], event["eventTime"]) == ('"another"', _TIME)


@api("DeleteTimelineEvent")
def test_a_custom_event_is_deleted(aws: Aws) -> None:
    """After that nobody finds it."""
    arn = aws.start()
    name = {"incidentRecordArn": arn, "eventId": _add(aws, arn)}
    aws.incidents.delete_timeline_event(**name)
    code = aws.code(lambda: aws.incidents.get_timeline_event(**name))
    assert code == "ResourceNotFoundException"


@api("CreateTimelineEvent")
def test_customers_make_custom_events_and_notes_only(aws: Aws) -> None:
    """Other types are the service's own."""
    arn = aws.start()
    assert _add(aws, arn, eventType="Note")
    code = aws.code(lambda: _add(aws, arn, eventType="SSM Incident Trigger"))
    assert code == "ValidationException"


@api("UpdateTimelineEvent")
def test_the_services_own_events_stay(aws: Aws) -> None:
    """The trigger's event can be neither changed nor deleted."""
    arn = aws.start()
    own, *_ = aws.eventually(lambda: _events(aws, arn, _of_type("SSM Incident Trigger")))
    name = {"incidentRecordArn": arn, "eventId": own["eventId"]}
    assert aws.code(lambda: aws.incidents.update_timeline_event(**name, eventData='"x"'))
    assert aws.code(lambda: aws.incidents.delete_timeline_event(**name))
    assert aws.incidents.get_timeline_event(**name)["event"]["eventId"] == own["eventId"]


@api("CreateTimelineEvent")
def test_an_event_is_created_once_a_token(aws: Aws) -> None:
    """A repeated call gives the first event."""
    arn, token = aws.start(), str(uuid.uuid4())
    first = _add(aws, arn, clientToken=token)
    assert _add(aws, arn, clientToken=token) == first
    assert len(_events(aws, arn, _of_type("Custom Event"))) == 1


@unsettled("event data that is no JSON", here="ValidationException")
@api("CreateTimelineEvent")
def test_event_data_that_is_no_json(aws: Aws) -> str:
    """AWS's examples all give JSON, plain texts in quotes; nothing says what else gets."""
    arn = aws.start()
    return aws.code(lambda: _add(aws, arn, eventData="a note")) or "accepted"


@api("ListTimelineEvents")
def test_events_are_listed_by_time_and_type_without_their_data(aws: Aws) -> None:
    """Sorted as asked, all filters must hold."""
    arn = aws.start()
    hours = [dt.timedelta(hours=n) for n in range(3)]
    ids = [_add(aws, arn, eventTime=_TIME + hour) for hour in hours]
    custom = _of_type("Custom Event")
    later = {"key": "eventTime", "condition": {"after": _TIME + hours[0]}}
    by_time = {"sortBy": "EVENT_TIME", "sortOrder": "ASCENDING"}
    assert aws.eventually(lambda: len(_events(aws, arn, custom)) == 3)
    listed = _events(aws, arn, custom, **by_time)
    assert [event["eventId"] for event in listed] == ids
    assert not any("eventData" in event for event in listed)
    by_time["sortOrder"] = "DESCENDING"
    assert [event["eventId"] for event in _events(aws, arn, custom, **by_time)] == ids[::-1]
    assert {event["eventId"] for event in _events(aws, arn, custom, later)} == set(ids[1:])


@api("ListTimelineEvents")
def test_events_are_found_by_what_they_refer_to(aws: Aws) -> None:
    """The filter eventReference knows resources by ARN."""
    arn, bucket = aws.start(), "arn:aws:s3:::bucket"
    found = _add(aws, arn, eventReferences=[{"resource": bucket}])
    _add(aws, arn, eventReferences=[{"resource": f"{bucket}-other"}])
    wanted = {"key": "eventReference", "condition": {"equals": {"stringValues": [bucket]}}}
    listed = aws.eventually(lambda: _events(aws, arn, wanted))
    assert [event["eventId"] for event in listed] == [found]


@unsettled("the order of ListTimelineEvents", here="newest first")
@api("ListTimelineEvents")
def test_the_order_of_events(aws: Aws) -> str:
    """Without sortOrder nothing is said of it."""
    arn = aws.start()
    for hour in range(3):
        _add(aws, arn, eventTime=_TIME + dt.timedelta(hours=hour))
    aws.eventually(lambda: len(_events(aws, arn, _of_type("Custom Event"))) == 3)
    times = [event["eventTime"] for event in _events(aws, arn, _of_type("Custom Event"))]
    if times == sorted(times):
        return "oldest first"
    return "newest first" if times == sorted(times, reverse=True) else "any"


@unsettled("the event of a changed status", here="SSM Incident Status Change")
@guide("tracking-details")
def test_the_event_of_a_changed_status(aws: Aws) -> str:
    """A change of status is a key moment, which the timeline has; by what name is not said."""
    arn = aws.start()
    before = {event["eventId"] for event in _events(aws, arn)}
    aws.resolve(arn)
    new = aws.soon(lambda: [e for e in _events(aws, arn) if e["eventId"] not in before])
    return ", ".join(sorted({event["eventType"] for event in new}))


@unsettled("the events of a start that engages", here="SSM Incident Trigger")
@guide("tracking-details")
def test_the_events_of_a_start_that_engages(aws: Aws) -> str:
    """The service marks key moments by itself; which, and by what names, is not said."""
    arn = aws.start(aws.plan(engage=[aws.person("EMAIL")]))
    aws.soon(lambda: len(_events(aws, arn)) > 1)
    return ", ".join(sorted({event["eventType"] for event in _events(aws, arn)}))


@api("UpdateRelatedItems")
def test_related_items_are_added_and_removed_one_a_call(aws: Aws) -> None:
    """What a start brings is among them."""
    arn = aws.start(relatedItems=[{"identifier": _URL, "title": "Dashboard"}])
    assert [item["title"] for item in aws.related(arn, "OTHER")] == ["Dashboard"]
    other = {"type": "OTHER", "value": {"url": "https://example.com/other"}}
    aws.incidents.update_related_items(
        incidentRecordArn=arn, relatedItemsUpdate={"itemToAdd": {"identifier": other}}
    )
    aws.incidents.update_related_items(incidentRecordArn=arn, relatedItemsUpdate={"itemToRemove": _URL})
    assert [item["identifier"] for item in aws.related(arn, "OTHER")] == [other]


@api("RelatedItem")
def test_an_item_that_is_added_gets_an_id(aws: Aws) -> None:
    """The generatedId names its type, for timeline events to refer to."""
    arn = aws.start(relatedItems=[{"identifier": _URL}])
    (item,) = aws.related(arn, "OTHER")
    assert item["generatedId"].startswith("related-item/OTHER/")
    found = _add(aws, arn, eventReferences=[{"relatedItemId": item["generatedId"]}])
    event = aws.incidents.get_timeline_event(incidentRecordArn=arn, eventId=found)["event"]
    assert event["eventReferences"] == [{"relatedItemId": item["generatedId"]}]


@unsettled("a generatedId of one's own", here="ValidationException")
@api("RelatedItem")
def test_a_generated_id_of_ones_own(aws: Aws) -> str:
    """It is said to be the service's to give."""
    arn = aws.start()
    item = {"identifier": _URL, "generatedId": f"related-item/OTHER/{'0' * 32}"}
    add = {"incidentRecordArn": arn, "relatedItemsUpdate": {"itemToAdd": item}}
    return aws.code(lambda: aws.incidents.update_related_items(**add)) or "accepted"


@unsettled("an item that is added twice", here="is there once")
@api("UpdateRelatedItems")
def test_an_item_that_is_added_twice(aws: Aws) -> str:
    """Nothing is said of it."""
    arn = aws.start(relatedItems=[{"identifier": _URL}])
    add = {"incidentRecordArn": arn, "relatedItemsUpdate": {"itemToAdd": {"identifier": _URL}}}
    code = aws.code(lambda: aws.incidents.update_related_items(**add))
    return code or ("is there once" if len(aws.related(arn, "OTHER")) == 1 else "is there twice")


@unsettled("removing an item that is not there", here="ValidationException")
@api("UpdateRelatedItems")
def test_removing_an_item_that_is_not_there(aws: Aws) -> str:
    """Nothing is said of it."""
    arn = aws.start()
    remove = {"incidentRecordArn": arn, "relatedItemsUpdate": {"itemToRemove": _URL}}
    return aws.code(lambda: aws.incidents.update_related_items(**remove)) or "no error"
