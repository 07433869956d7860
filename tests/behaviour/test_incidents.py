"""Incident records: how they start, merge, change, end and are found."""

from __future__ import annotations

import datetime as dt
import re
import uuid
from typing import TYPE_CHECKING, Any

import pytest

from .rules import CLOCK, api, guide, loopback_only, permissions, quota, rule, two_regions, unsettled

if TYPE_CHECKING:
    from cdk_incidents.local import LocalCloud

    from .account import Aws

_TIME = dt.datetime(2026, 11, 2, 9, 0, tzinfo=dt.timezone.utc)


def _details(**more: Any) -> dict[str, Any]:
    return {"source": "my.monitor", "timestamp": _TIME, **more}


def _item(number: int) -> dict[str, Any]:
    return {"identifier": {"type": "OTHER", "value": {"url": f"https://example.com/{number}"}}}


@permissions("awssystemsmanagerincidentmanager")
def test_a_record_names_its_plan_and_no_region(aws: Aws) -> None:
    """The ARN is arn:aws:ssm-incidents::ACCOUNT:incident-record/PLAN/UUID."""
    plan = aws.shared_plan()
    name = plan.rpartition("/")[2]
    assert plan == aws.arn(f"response-plan/{name}")
    assert re.fullmatch(re.escape(aws.arn(f"incident-record/{name}/")) + "[0-9a-f-]{36}", aws.start(plan))


@api("StartIncident")
def test_the_start_overrides_title_and_impact_of_the_plan(aws: Aws) -> None:
    """What StartIncident gives wins; the rest is the plan's."""
    plan = aws.plan(title=aws.title("Of the plan"), impact=4, summary="Of the plan")
    own = aws.record(aws.start(plan))
    other = aws.record(aws.start(plan, title=aws.title("Of the start"), impact=1))
    assert (own["title"], own["impact"], own["summary"]) == (aws.title("Of the plan"), 4, "Of the plan")
    assert (other["title"], other["impact"], other["summary"]) == (
        *(aws.title("Of the start"), 1),
        "Of the plan",
    )


@api("IncidentRecord")
def test_an_incident_begins_open(aws: Aws) -> None:
    """Its status is OPEN, and it has not been resolved at any time."""
    record = aws.record(aws.start())
    assert (record["status"], "resolvedTime" in record) == ("OPEN", False)


@api("IncidentRecordSource")
def test_the_source_tells_who_and_what_started_it(aws: Aws) -> None:
    """The creator is the caller, the source is the trigger's; invokedBy is for services only."""
    trigger = f"arn:aws:cloudwatch:{aws.region}:{aws.account}:alarm:a"
    arn = aws.start(triggerDetails=_details(triggerArn=trigger))
    source = aws.record(arn)["incidentRecordSource"]
    assert (source["createdBy"].split(":")[4], source["source"]) == (aws.account, "my.monitor")
    assert "invokedBy" not in source


@unsettled("where a record has its trigger's ARN", here="resourceArn")
@api("IncidentRecordSource")
def test_where_a_record_has_its_triggers_arn(aws: Aws) -> str:
    """The record's source knows a resourceArn; nothing says that it is the trigger's."""
    trigger = f"arn:aws:cloudwatch:{aws.region}:{aws.account}:alarm:a"
    source = aws.record(aws.start(triggerDetails=_details(triggerArn=trigger)))["incidentRecordSource"]
    return ", ".join(member for member, value in source.items() if value == trigger)


@guide("incident-creation")
def test_a_start_without_trigger_details_has_the_services_source(aws: Aws) -> None:
    """With no triggerDetails the record shows aws.ssm-incidents.custom."""
    assert aws.record(aws.start())["incidentRecordSource"]["source"] == "aws.ssm-incidents.custom"


@unsettled("reserved_source")
@api("TriggerDetails")
def test_a_customers_source_that_begins_with_aws(aws: Aws) -> str:
    """Customers' sources may have any value that does not begin so; what one that does gets is not said."""
    plan = aws.shared_plan()
    code = aws.code(lambda: aws.start(plan, triggerDetails=_details(source="aws.cloudwatch")))
    return "refused" if code else "accepted"


@api("TriggerDetails")
def test_a_source_that_only_looks_like_one_of_aws_is_a_customers(aws: Aws) -> None:
    """The reserved beginning has a full stop."""
    record = aws.record(aws.start(triggerDetails=_details(source="awsome")))
    assert record["incidentRecordSource"]["source"] == "awsome"


@api("StartIncident")
def test_a_missing_plan_starts_nothing(aws: Aws) -> None:
    """Without a plan there is no incident."""
    missing = aws.arn(f"response-plan/{aws.name('none')}")
    assert aws.code(lambda: aws.start(missing)) == "ResourceNotFoundException"


@api("StartIncident")
def test_an_error_about_a_resource_names_it(aws: Aws) -> None:
    """ResourceNotFoundException is a 404 with the resource's type and identifier."""
    missing = aws.arn(f"response-plan/{aws.name('none')}")
    with pytest.raises(aws.incidents.exceptions.ResourceNotFoundException) as caught:
        aws.start(missing)
    response = caught.value.response
    assert response["ResponseMetadata"]["HTTPStatusCode"] == 404
    assert (response["resourceType"], response["resourceIdentifier"]) == ("RESPONSE_PLAN", missing)


@api("StartIncident")
def test_the_same_client_token_starts_once(aws: Aws) -> None:
    """A call that is repeated with its token gives the first incident."""
    plan, token = aws.shared_plan(), str(uuid.uuid4())
    first = aws.start(plan, clientToken=token)
    assert aws.start(plan, clientToken=token) == first
    assert aws.start(plan, clientToken=str(uuid.uuid4())) != first


@unsettled("client_token_reuse")
@api("StartIncident")
def test_the_same_client_token_with_other_details(aws: Aws) -> str:
    """The operation is called only once with the specified details: of others the reference says nothing."""
    plan, token = aws.shared_plan(), str(uuid.uuid4())
    first = aws.start(plan, clientToken=token, impact=4)
    second: list[str] = []
    code = aws.code(lambda: second.append(aws.start(plan, clientToken=token, impact=3)))
    return code or ("first incident" if second == [first] else "another incident")


@unsettled("client_token_window_s")
@loopback_only(CLOCK)
@api("StartIncident")
def test_a_client_token_is_known_for_a_while(aws: Aws, cloud: LocalCloud) -> float | None:
    """How long that is, is not said: here it is found to the second, within a day."""
    plan, token = aws.shared_plan(), str(uuid.uuid4())
    first = aws.start(plan, clientToken=token)
    cloud.clock.advance(seconds=58)
    assert aws.start(plan, clientToken=token) == first
    cloud.clock.advance(seconds=2)
    if aws.start(plan, clientToken=token) != first:
        return 60.0
    cloud.clock.advance(hours=24)
    assert aws.start(plan, clientToken=token) == first
    return None


@guide("incident-creation")
def test_started_by_the_api_incidents_do_not_merge(aws: Aws) -> None:
    """Without a dedupe string in the plan, each start is an incident of its own."""
    plan = aws.shared_plan()
    first, second = aws.start(plan), aws.start(plan)
    assert first != second
    assert aws.record(first)["dedupeString"] != aws.record(second)["dedupeString"]


@api("IncidentTemplate")
def test_a_dedupe_string_merges_while_an_incident_is_open(aws: Aws) -> None:
    """The plan's dedupe string absorbs starts, of other plans too, until the incident is resolved."""
    dedupe = aws.name("dedupe")
    plan, other = aws.plan(dedupeString=dedupe), aws.plan(dedupeString=dedupe)
    first = aws.start(plan)
    assert aws.record(first)["dedupeString"] == dedupe
    assert aws.start(plan) == aws.start(other) == first
    aws.resolve(first)
    assert aws.start(plan) != first


@api("IncidentTemplate")
def test_incident_tags_of_the_plan_are_put_on_the_record(aws: Aws) -> None:
    """The template's incidentTags become the incident's tags."""
    arn = aws.start(aws.plan(incidentTags={"team": "payments"}))
    assert aws.incidents.list_tags_for_resource(resourceArn=arn)["tags"] == {"team": "payments"}


@api("UpdateIncidentRecord")
def test_an_update_changes_what_it_names(aws: Aws) -> None:
    """The rest stays, and the record tells who changed it and when."""
    arn = aws.start(aws.plan(summary="s"))
    before = aws.record(arn)
    aws.incidents.update_incident_record(arn=arn, impact=2, title="Another")
    record = aws.record(arn)
    assert (record["impact"], record["title"], record["summary"]) == (2, "Another", "s")
    assert record["status"] == "OPEN"
    assert record["lastModifiedTime"] >= before["lastModifiedTime"]
    assert record["creationTime"] == before["creationTime"]


@api("IncidentRecord")
def test_a_resolved_incident_tells_when(aws: Aws) -> None:
    """RESOLVED sets resolvedTime."""
    arn = aws.start()
    aws.resolve(arn)
    record = aws.record(arn)
    assert (record["status"], record["resolvedTime"] >= record["creationTime"]) == ("RESOLVED", True)


@unsettled("an incident that is opened again", here="OPEN, without resolvedTime")
@api("UpdateIncidentRecord")
def test_an_incident_that_is_opened_again(aws: Aws) -> str:
    """Status knows both values; whether one leads back to the other is not said."""
    arn = aws.start()
    aws.resolve(arn)
    if code := aws.code(lambda: aws.incidents.update_incident_record(arn=arn, status="OPEN")):
        return code
    record = aws.record(arn)
    return f"{record['status']}, {'with' if 'resolvedTime' in record else 'without'} resolvedTime"


@unsettled("open_record_deletion")
@guide("tracking-details")
def test_deleting_an_open_incident(aws: Aws) -> str:
    """The guide says to resolve first; not what happens otherwise."""
    arn = aws.start()
    return "refused" if aws.code(lambda: aws.incidents.delete_incident_record(arn=arn)) else "deleted"


@api("DeleteIncidentRecord")
def test_a_resolved_incident_is_deleted(aws: Aws) -> None:
    """With a 204; after that nobody finds it, and deleting it again is no error."""
    arn = aws.start()
    aws.resolve(arn)
    for _ in range(2):
        answer = aws.incidents.delete_incident_record(arn=arn)
        assert answer["ResponseMetadata"]["HTTPStatusCode"] == 204
    assert aws.code(lambda: aws.record(arn)) == "ResourceNotFoundException"


def _listed(aws: Aws, *filters: dict[str, Any], **more: Any) -> list[str]:
    pages = aws.incidents.get_paginator("list_incident_records").paginate(filters=list(filters), **more)
    return [record["arn"] for page in pages for record in page["incidentRecordSummaries"]]


@api("ListIncidentRecords")
def test_records_are_filtered_by_status_impact_creator_and_time(aws: Aws) -> None:
    """All filters must hold."""
    plan = aws.shared_plan()
    first, second = aws.start(plan, impact=1), aws.start(plan, impact=2)
    aws.resolve(second)
    both, created = {first, second}, aws.record(first)["creationTime"] - dt.timedelta(seconds=1)
    is_open = {"key": "status", "condition": {"equals": {"stringValues": ["OPEN"]}}}
    critical = {"key": "impact", "condition": {"equals": {"integerValues": [1]}}}
    recent = {"key": "creationTime", "condition": {"after": created}}
    older = {"key": "creationTime", "condition": {"before": created}}
    nobody = f"arn:aws:iam::{aws.account}:user/{aws.name('nobody')}"
    stranger = {"key": "createdBy", "condition": {"equals": {"stringValues": [nobody]}}}
    assert aws.eventually(lambda: both <= set(_listed(aws, recent)))
    assert set(_listed(aws, is_open, recent)) & both == {first}
    assert set(_listed(aws, critical, recent)) & both == {first}
    assert set(_listed(aws, older)) & both == set()
    assert _listed(aws, stranger) == []


@api("ListIncidentRecords")
def test_records_are_filtered_by_nothing_else(aws: Aws) -> None:
    """There is no filter on the title."""
    wanted = {"key": "title", "condition": {"equals": {"stringValues": ["t"]}}}
    assert aws.code(lambda: _listed(aws, wanted)) == "ValidationException"


@api("ListIncidentRecords")
def test_lists_come_page_by_page(aws: Aws) -> None:
    """The page size and the next token lead through all records, each once."""
    plan = aws.shared_plan()
    started = {aws.start(plan) for _ in range(5)}
    assert aws.eventually(lambda: started <= set(_listed(aws)))
    since = min(aws.record(arn)["creationTime"] for arn in started) - dt.timedelta(seconds=1)
    recent = {"key": "creationTime", "condition": {"after": since}}
    seen = _listed(aws, recent, PaginationConfig={"PageSize": 2})
    assert started <= set(seen)
    assert len(seen) == len(set(seen))


@api("ListIncidentRecords")
def test_a_next_token_is_the_services_to_give(aws: Aws) -> None:
    """One that was made up is refused."""
    code = aws.code(lambda: aws.incidents.list_incident_records(nextToken="mine"))
    assert code == "ValidationException"


@unsettled("the order of ListIncidentRecords", here="newest first")
@api("ListIncidentRecords")
def test_the_order_of_records(aws: Aws) -> str:
    """Nothing is said of it."""
    plan = aws.shared_plan()
    started = [aws.start(plan) for _ in range(3)]
    aws.eventually(lambda: set(started) <= set(_listed(aws)))
    found = [arn for arn in _listed(aws) if arn in started]
    return {tuple(started): "oldest first", tuple(started[::-1]): "newest first"}.get(tuple(found), "any")


@guide("incident-creation")
def test_a_start_makes_an_ops_item_as_its_parent(aws: Aws) -> None:
    """The related item of type PARENT is an OpsItem, of the incident's title; also at impact 5."""
    arn = aws.start(title=aws.title("Checkout is down"), impact=5)
    number = aws.parent(arn)
    found = aws.client("ssm").get_ops_item(OpsItemId=number)["OpsItem"]
    assert found["Title"] == aws.title("Checkout is down")


@unsettled("whether an OpsItem outlives its incident", here=True)
@api("DeleteIncidentRecord")
def test_an_ops_item_may_outlive_its_incident(aws: Aws) -> bool:
    """Deleting the record says nothing of its parent."""
    ssm, arn = aws.client("ssm"), aws.start()
    number = aws.parent(arn)
    aws.resolve(arn)
    aws.incidents.delete_incident_record(arn=arn)
    return not aws.code(lambda: ssm.get_ops_item(OpsItemId=number))


@unsettled("resolving_closes_ops_item")
@guide("incident-response")
def test_the_ops_item_of_a_resolved_incident(aws: Aws) -> bool:
    """Whether resolving the one resolves the other is not said."""
    arn = aws.start()
    number = aws.parent(arn)
    aws.resolve(arn)

    def closed() -> bool:
        status = aws.client("ssm").get_ops_item(OpsItemId=number)["OpsItem"]["Status"]
        return status in ("Resolved", "Closed")

    return bool(aws.soon(closed))


@unsettled("outside_replication_set")
@guide("general-setup")
def test_a_region_outside_the_replication_set(aws: Aws) -> str:
    """The Region of a call must be in the replication set; what a call gets otherwise is not said."""
    elsewhere = aws.client("ssm-incidents", aws.outside)
    return aws.code(elsewhere.list_response_plans) or "an answer"


@two_regions
@rule(
    "https://docs.aws.amazon.com/incident-manager/latest/userguide/cross-region-account-incident-management.html"
)
def test_an_incident_is_seen_from_each_region_of_the_set(aws: Aws) -> None:
    """Records are replicated, and can be changed anywhere."""
    arn = aws.start()
    there = aws.client("ssm-incidents", aws.regions[1])
    assert aws.eventually(lambda: not aws.code(lambda: there.get_incident_record(arn=arn)))
    there.update_incident_record(arn=arn, impact=2)
    assert aws.eventually(lambda: aws.record(arn)["impact"] == 2)


@unsettled("a start with 50 related items of one's own", here="ValidationException")
@quota()
def test_a_start_with_50_related_items(aws: Aws) -> str:
    """An incident has 50 at most, and the service adds its parent; what comes of both is not said."""
    return aws.code(lambda: aws.start(relatedItems=[_item(n) for n in range(50)])) or "the incident starts"


@unsettled("how many related items of one's own an incident has", here="49")
@quota()
def test_related_items_beside_the_parent(aws: Aws) -> str:
    """Of the 50 that it has at most; whether the parent is one of them is not said."""
    arn = aws.start(relatedItems=[_item(n) for n in range(48)])
    assert aws.related(arn, "PARENT")

    def add(number: int) -> None:
        aws.incidents.update_related_items(
            incidentRecordArn=arn, relatedItemsUpdate={"itemToAdd": _item(number)}
        )

    for number in range(48, 52):
        aws.code(add, number=number)
    return str(len(aws.related(arn, "OTHER")))
