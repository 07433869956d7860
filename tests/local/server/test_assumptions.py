"""What no document settles, taken the other way: each alternative as a caller sees it."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from cdk_incidents.local.assumptions import alternatives

from .conftest import unique

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from .conftest import Aws, Function, Stack

_WELL_KNOWN = dt.datetime(2027, 1, 4, 9, 0, tzinfo=dt.timezone.utc)


@pytest.fixture(autouse=True)
def _nothing_stays_assumed(aws: Aws) -> Iterator[None]:
    yield
    aws.control("POST", "assumptions", {})


def _assume(aws: Aws, **assumed: Any) -> None:
    aws.control("POST", "assumptions", assumed)


def _error(call: Callable[..., Any], **params: Any) -> str:
    """Give the error's code."""
    with pytest.raises(ClientError) as caught:
        call(**params)
    return str(caught.value.response["Error"]["Code"])


def test_the_201st_incident_of_a_month(aws: Aws) -> None:
    """It gets the error that is assumed."""
    plan, codes = aws.plan(), alternatives()["incident_quota_error"]
    for _ in range(200):
        aws.start(plan)
    told = []
    for code in codes:
        _assume(aws, incident_quota_error=code)
        told.append(_error(aws.start, plan=plan))
    assert told == list(codes)


def test_a_source_that_is_reserved(aws: Aws) -> None:
    """A customer's source that begins with aws. may go through."""
    _assume(aws, reserved_source="accepted")
    details = {"source": "aws.mine", "timestamp": _WELL_KNOWN}
    record = aws.record(aws.start(aws.plan(), triggerDetails=details))
    assert record["incidentRecordSource"]["source"] == "aws.mine"


@pytest.mark.parametrize("code", ["ConflictException", "ValidationException"])
def test_a_client_token_with_other_details(aws: Aws, incidents: Any, code: str) -> None:
    """It gets the error that is assumed, of whatever operation it is."""
    _assume(aws, client_token_reuse=code)
    plan, token = aws.plan(), unique("token")
    arn = aws.start(plan, clientToken=token)
    assert _error(aws.start, plan=plan, clientToken=token, title="other") == code
    incidents.update_incident_record(arn=arn, clientToken=token, title="one")
    changed = {"arn": arn, "clientToken": token, "title": "two"}
    assert _error(incidents.update_incident_record, **changed) == code


def test_a_client_token_with_other_details_may_give_the_first_incident(aws: Aws) -> None:
    """As if the details had not been looked at."""
    _assume(aws, client_token_reuse="first incident")
    plan, token = aws.plan(), unique("token")
    first = aws.start(plan, clientToken=token, title="one")
    assert aws.start(plan, clientToken=token, title="two") == first
    assert aws.record(first)["title"] == "one"


def test_a_start_without_the_permissions_that_are_used_on_its_behalf(aws: Aws, incidents: Any) -> None:
    """It may go through, and what is not allowed does not happen; what is allowed does."""
    _assume(aws, forwarded_permission_missing="started")
    known, stranger = aws.contact("SMS"), aws.contact("SMS")
    plan = incidents.create_response_plan(
        name=unique("plan"),
        incidentTemplate={"title": "t", "impact": 1, "incidentTags": {"team": "payments"}},
        engagements=[known, stranger],
    )["arn"]
    start = {"Effect": "Allow", "Action": "ssm-incidents:StartIncident", "Resource": plan}
    engage = {"Effect": "Allow", "Action": "ssm-contacts:StartEngagement", "Resource": known}
    client = aws.as_role(aws.role(start, engage))
    arn = client.start_incident(responsePlanArn=plan)["incidentRecordArn"]
    assert [contact for contact, _, _ in aws.pages(arn)] == [known.rpartition("/")[2]]
    assert incidents.list_related_items(incidentRecordArn=arn)["relatedItems"] == []
    assert incidents.list_tags_for_resource(resourceArn=arn)["tags"] == {}
    assert [e["outcome"] for e in aws.control("GET", "audit")["audit"] if e["plan"] == plan] == ["started"]


@pytest.mark.parametrize(("stops", "pages"), [(True, 1), (False, 2)])
def test_resolving_may_let_engagements_go_on(aws: Aws, incidents: Any, *, stops: bool, pages: int) -> None:
    """Then people are paged for an incident that is over."""
    _assume(aws, resolving_stops_engagements=stops)
    plan = incidents.create_response_plan(
        name=unique("plan"),
        incidentTemplate={"title": "t", "impact": 1},
        engagements=[aws.contact("SMS", stages=((30, 5),))],
    )["arn"]
    arn = aws.start(plan)
    incidents.update_incident_record(arn=arn, status="RESOLVED")
    aws.advance(minutes=6)
    assert len(aws.pages(arn)) == pages


@pytest.mark.parametrize(("closes", "status"), [(False, "Open"), (True, "Resolved")])
def test_resolving_may_resolve_the_ops_item(aws: Aws, incidents: Any, *, closes: bool, status: str) -> None:
    """The parent alone, not another OpsItem that the incident has to do with."""
    _assume(aws, resolving_closes_ops_item=closes)
    ssm = aws.client("ssm")
    other = ssm.create_ops_item(Title="t", Description="d", Source="s")
    related = {"identifier": {"type": "OTHER", "value": {"arn": other["OpsItemArn"]}}}
    arn = aws.start(aws.plan(), relatedItems=[related])
    incidents.update_incident_record(arn=arn, status="RESOLVED")
    items = incidents.list_related_items(incidentRecordArn=arn)["relatedItems"]
    (parent,) = (i["identifier"]["value"]["arn"] for i in items if i["identifier"]["type"] == "PARENT")
    statuses = [
        ssm.get_ops_item(OpsItemId=item.rpartition("/")[2])["OpsItem"]["Status"]
        for item in (parent, other["OpsItemArn"])
    ]
    assert statuses == [status, "Open"]


def test_an_open_record_may_be_deleted(aws: Aws, incidents: Any) -> None:
    """Then nobody is paged for it any more, and nothing merges into it."""
    _assume(aws, open_record_deletion="deleted")
    plan = incidents.create_response_plan(
        name=unique("plan"),
        incidentTemplate={"title": "t", "impact": 1, "dedupeString": unique("dedupe")},
        engagements=[aws.contact("SMS", stages=((30, 5),))],
    )["arn"]
    arn = aws.start(plan)
    incidents.delete_incident_record(arn=arn)
    assert _error(incidents.get_incident_record, arn=arn) == "ResourceNotFoundException"
    aws.advance(minutes=6)
    assert len(aws.pages(arn)) == 1
    assert aws.start(plan) != arn


@pytest.mark.parametrize("code", alternatives()["outside_replication_set"])
def test_a_region_that_the_replication_set_lacks(aws: Aws, code: str) -> None:
    """A call there gets the error that is assumed."""
    _assume(aws, outside_replication_set=code)
    elsewhere = aws.client("ssm-incidents", region="eu-west-1")
    assert _error(elsewhere.list_response_plans) == code


@pytest.mark.parametrize("comes", [True, False])
def test_an_alarms_organization(
    aws: Aws, make_function: Callable[..., Function], stack: Stack, *, comes: bool
) -> None:
    """A policy that asks for it lets in an alarm with whose call it comes."""
    _assume(aws, alarm_organization=comes)
    function, watch, name = make_function(), aws.client("cloudwatch"), unique("alarm")
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "lambda.alarms.cloudwatch.amazonaws.com"},
        "Action": "lambda:InvokeFunction",
        "Resource": function.alias,
        "Condition": {"StringEquals": {"aws:SourceOrgID": "o-abcdefghij"}},
    }
    policy = {"Version": "2012-10-17", "Statement": [statement]}
    properties = {"ResourceArn": function.alias, "PolicyDocument": policy}
    stack.deploy({"Policy": {"Type": "AWS::Lambda::ResourcePolicy", "Properties": properties}})
    metric = {"Namespace": "App", "MetricName": name, "Statistic": "Sum", "Period": 60}
    watch.put_metric_alarm(
        AlarmName=name,
        AlarmActions=[function.alias],
        EvaluationPeriods=1,
        Threshold=1.0,
        ComparisonOperator="GreaterThanThreshold",
        **metric,
    )
    watch.set_alarm_state(AlarmName=name, StateValue="ALARM", StateReason="a drill")
    (item,) = watch.describe_alarm_history(AlarmName=name, HistoryItemType="Action")["AlarmHistoryItems"]
    assert item["HistorySummary"].startswith("Successfully" if comes else "Failed")
