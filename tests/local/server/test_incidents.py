"""Incident records: how they start, merge, change, end and are found."""

from __future__ import annotations

import datetime as dt
import json
import re
import uuid
from typing import TYPE_CHECKING, Any

import pytest

from .conftest import ACCOUNT, unique

if TYPE_CHECKING:
    from .conftest import Aws

_NOW = dt.datetime.now(dt.timezone.utc)


def _details(**more: Any) -> dict[str, Any]:
    return {"source": "my.monitor", "timestamp": _NOW, **more}


def test_a_record_names_its_plan_and_no_region(aws: Aws) -> None:
    """The ARN is arn:aws:ssm-incidents::ACCOUNT:incident-record/PLAN/UUID."""
    plan = aws.plan()
    name = plan.rpartition("/")[2]
    assert plan == f"arn:aws:ssm-incidents::{ACCOUNT}:response-plan/{name}"
    assert re.fullmatch(
        rf"arn:aws:ssm-incidents::{ACCOUNT}:incident-record/{name}/[0-9a-f-]{{36}}", aws.start(plan)
    )


def test_the_start_overrides_title_and_impact_of_the_plan(aws: Aws) -> None:
    """What StartIncident gives wins; the rest is the plan's."""
    plan = aws.plan(title="Of the plan", impact=4, summary="Of the plan")
    own, other = aws.record(aws.start(plan)), aws.record(aws.start(plan, title="Of the start", impact=1))
    assert (own["title"], own["impact"], own["summary"]) == ("Of the plan", 4, "Of the plan")
    assert (other["title"], other["impact"], other["summary"]) == ("Of the start", 1, "Of the plan")
    assert (own["status"], "resolvedTime" in own) == ("OPEN", False)


def test_the_source_tells_who_and_what_started_it(aws: Aws) -> None:
    """The creator is the caller, source and resource are the trigger's; invokedBy is for services only."""
    trigger = "arn:aws:cloudwatch:us-east-1:000000000000:alarm:a"
    source = aws.record(aws.start(aws.plan(), triggerDetails=_details(triggerArn=trigger)))[
        "incidentRecordSource"
    ]
    assert source == {
        "createdBy": f"arn:aws:iam::{ACCOUNT}:root",
        "source": "my.monitor",
        "resourceArn": trigger,
    }


def test_a_start_without_trigger_details_has_the_services_source(aws: Aws) -> None:
    """With no triggerDetails the record shows aws.ssm-incidents.custom."""
    record = aws.record(aws.start(aws.plan()))
    assert record["incidentRecordSource"]["source"] == "aws.ssm-incidents.custom"


def test_a_customers_source_must_not_begin_with_aws(aws: Aws, incidents: Any) -> None:
    """Sources that begin with aws. are the services' own."""
    with pytest.raises(incidents.exceptions.ValidationException, match=r"must not begin with 'aws\.'"):
        aws.start(aws.plan(), triggerDetails=_details(source="aws.cloudwatch"))
    assert aws.start(aws.plan(), triggerDetails=_details(source="awsome"))


def test_a_missing_plan_starts_nothing(aws: Aws, incidents: Any) -> None:
    """Without a plan there is no incident."""
    with pytest.raises(incidents.exceptions.ResourceNotFoundException):
        aws.start(aws.plan() + "-other")


def test_the_same_client_token_starts_once(aws: Aws) -> None:
    """A call that is repeated with its token gives the first incident."""
    plan, token = aws.plan(), str(uuid.uuid4())
    first = aws.start(plan, clientToken=token, title="t")
    assert aws.start(plan, clientToken=token, title="t") == first
    assert aws.start(plan, clientToken=str(uuid.uuid4()), title="t") != first


def test_a_client_token_with_other_details_is_a_conflict(aws: Aws, incidents: Any) -> None:
    """Not documented by AWS; here it is refused, so that nothing comes to rest on it."""
    plan, token = aws.plan(), str(uuid.uuid4())
    aws.start(plan, clientToken=token, title="one")
    with pytest.raises(incidents.exceptions.ConflictException):
        aws.start(plan, clientToken=token, title="two")


def test_started_by_the_api_incidents_do_not_merge(aws: Aws) -> None:
    """Without a dedupe string in the plan, each start is an incident of its own."""
    plan = aws.plan()
    first, second = aws.start(plan, title="t"), aws.start(plan, title="t")
    assert first != second
    assert aws.record(first)["dedupeString"] != aws.record(second)["dedupeString"]


def test_a_dedupe_string_merges_while_an_incident_is_open(aws: Aws, incidents: Any) -> None:
    """The plan's dedupe string absorbs starts, of other plans too, until the incident is resolved."""
    dedupe = unique("dedupe")
    plan, other = aws.plan(dedupeString=dedupe), aws.plan(dedupeString=dedupe)
    first = aws.start(plan)
    assert aws.start(plan) == aws.start(other) == first
    incidents.update_incident_record(arn=first, status="RESOLVED")
    assert aws.start(plan) != first


def test_the_audit_tells_every_start_and_what_became_of_it(aws: Aws, incidents: Any) -> None:
    """The control path lists started, merged and refused starts with plan and title."""
    plan = aws.plan(dedupeString=unique("dedupe"))
    arn = aws.start(plan, title="audited")
    aws.start(plan)
    with pytest.raises(incidents.exceptions.ValidationException):
        aws.start(plan, triggerDetails=_details(source="aws.x"))
    told = [e for e in aws.control("GET", "audit")["audit"] if e["plan"] == plan]
    assert [e["outcome"] for e in told] == ["started", "merged", "ValidationException"]
    assert (told[0]["title"], told[0]["incident_record_arn"]) == ("audited", arn)


def test_incident_tags_of_the_plan_are_put_on_the_record(aws: Aws, incidents: Any) -> None:
    """The template's incidentTags become the incident's tags."""
    arn = aws.start(aws.plan(incidentTags={"team": "payments"}))
    assert incidents.list_tags_for_resource(resourceArn=arn)["tags"] == {"team": "payments"}


def test_a_change_of_status_shows_in_record_and_timeline(aws: Aws, incidents: Any) -> None:
    """RESOLVED sets resolvedTime, OPEN takes it away, and each adds a timeline event."""
    arn = aws.start(aws.plan())
    incidents.update_incident_record(arn=arn, status="RESOLVED", title="Done")
    record = aws.record(arn)
    assert (record["status"], record["title"]) == ("RESOLVED", "Done")
    assert record["resolvedTime"] == record["lastModifiedTime"]
    incidents.update_incident_record(arn=arn, status="OPEN")
    assert "resolvedTime" not in aws.record(arn)
    events = incidents.list_timeline_events(incidentRecordArn=arn)["eventSummaries"]
    assert [e["eventType"] for e in events].count("SSM Incident Status Change") == 2


def test_an_open_record_is_resolved_before_it_is_deleted(aws: Aws, incidents: Any) -> None:
    """The guide says to resolve first; here it is held to."""
    arn = aws.start(aws.plan())
    with pytest.raises(incidents.exceptions.ValidationException, match="must be resolved"):
        incidents.delete_incident_record(arn=arn)
    incidents.update_incident_record(arn=arn, status="RESOLVED")
    incidents.delete_incident_record(arn=arn)
    with pytest.raises(incidents.exceptions.ResourceNotFoundException):
        incidents.get_incident_record(arn=arn)


def test_deleting_a_record_twice_is_no_error(aws: Aws, incidents: Any) -> None:
    """DeleteIncidentRecord is idempotent and answers 204."""
    gone = aws.start(aws.plan())[:-12] + "000000000000"
    answer = incidents.delete_incident_record(arn=gone)
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 204


def _listed(incidents: Any, *filters: dict[str, Any]) -> set[str]:
    pages = incidents.get_paginator("list_incident_records").paginate(filters=list(filters))
    return {record["arn"] for page in pages for record in page["incidentRecordSummaries"]}


def test_records_are_filtered_by_status_impact_creator_and_time(aws: Aws, incidents: Any) -> None:
    """All filters must hold."""
    before = dt.datetime.now(dt.timezone.utc) - dt.timedelta(seconds=1)
    first, second = aws.start(aws.plan(), impact=1), aws.start(aws.plan(), impact=2)
    incidents.update_incident_record(arn=second, status="RESOLVED")
    is_open = {"key": "status", "condition": {"equals": {"stringValues": ["OPEN"]}}}
    critical = {"key": "impact", "condition": {"equals": {"integerValues": [1]}}}
    recent = {"key": "creationTime", "condition": {"after": before}}
    older = {"key": "creationTime", "condition": {"before": before}}
    stranger = {
        "key": "createdBy",
        "condition": {"equals": {"stringValues": ["arn:aws:iam::000000000000:user/x"]}},
    }
    both = {first, second}
    assert _listed(incidents, is_open, recent) & both == {first}
    assert _listed(incidents, critical, recent) & both == {first}
    assert _listed(incidents, recent) & both == both
    assert _listed(incidents, older) & both == set()
    assert _listed(incidents, stranger) == set()


def test_records_are_filtered_by_nothing_else(incidents: Any) -> None:
    """There is no filter on the title."""
    wanted = {"key": "title", "condition": {"equals": {"stringValues": ["t"]}}}
    with pytest.raises(incidents.exceptions.ValidationException, match="createdBy"):
        incidents.list_incident_records(filters=[wanted])


def test_lists_come_page_by_page(aws: Aws, incidents: Any) -> None:
    """The page size and the next token lead through all records, each once."""
    plan = aws.plan()
    started = [aws.start(plan) for _ in range(5)]
    pages = incidents.get_paginator("list_incident_records").paginate(PaginationConfig={"PageSize": 2})
    seen = [r["arn"] for page in pages for r in page["incidentRecordSummaries"]]
    assert [arn for arn in reversed(seen) if arn in started] == started
    assert len(seen) == len(set(seen))
    with pytest.raises(incidents.exceptions.ValidationException, match="nextToken"):
        incidents.list_incident_records(nextToken="mine")


def test_the_trigger_stands_in_the_timeline(aws: Aws, incidents: Any) -> None:
    """The event of type SSM Incident Trigger carries rawData as a JSON string."""
    raw = json.dumps({"detail": {"alarmName": "a"}})
    arn = aws.start(aws.plan(), triggerDetails=_details(rawData=raw))
    (summary,) = incidents.list_timeline_events(incidentRecordArn=arn)["eventSummaries"]
    event = incidents.get_timeline_event(incidentRecordArn=arn, eventId=summary["eventId"])["event"]
    assert event["eventType"] == "SSM Incident Trigger"
    assert json.loads(json.loads(event["eventData"])["rawData"]) == {"detail": {"alarmName": "a"}}


def test_a_start_makes_an_ops_item_as_its_parent(aws: Aws, incidents: Any) -> None:
    """The related item of type PARENT is an OpsItem, which outlives the incident until it is deleted."""
    arn = aws.start(aws.plan(), title="Checkout is down")
    (parent,) = incidents.list_related_items(incidentRecordArn=arn)["relatedItems"]
    assert re.fullmatch(r"related-item/PARENT/[0-9A-F]{32}", parent["generatedId"])
    item_id = parent["identifier"]["value"]["arn"].rpartition("/")[2]
    ssm = aws.client("ssm")
    incidents.update_incident_record(arn=arn, status="RESOLVED")
    incidents.delete_incident_record(arn=arn)
    assert ssm.get_ops_item(OpsItemId=item_id)["OpsItem"]["Title"] == "Checkout is down"
    ssm.delete_ops_item(OpsItemId=item_id)
    with pytest.raises(ssm.exceptions.OpsItemNotFoundException):
        ssm.get_ops_item(OpsItemId=item_id)


def test_an_ops_item_of_ones_own(aws: Aws) -> None:
    """CreateOpsItem gives an id and an ARN, and GetOpsItem what went in."""
    ssm = aws.client("ssm")
    made = ssm.create_ops_item(Title="t", Description="d", Source="s", Severity="2")
    assert made["OpsItemArn"].endswith(f":opsitem/{made['OpsItemId']}")
    item = ssm.get_ops_item(OpsItemId=made["OpsItemId"])["OpsItem"]
    assert (item["Title"], item["Description"], item["Source"], item["Severity"], item["Status"]) == (
        *("t", "d", "s", "2"),
        "Open",
    )


def test_a_region_outside_the_replication_set_does_not_work(aws: Aws, incidents: Any) -> None:
    """The Region of a call must be in the replication set."""
    arn = aws.start(aws.plan())
    elsewhere = aws.client("ssm-incidents", region="eu-west-1")
    with pytest.raises(incidents.exceptions.ResourceNotFoundException, match="replication set"):
        elsewhere.get_incident_record(arn=arn)
