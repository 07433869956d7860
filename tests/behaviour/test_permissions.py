"""A caller may do what its policies say, on each resource that the operation touches, and no more."""

from __future__ import annotations

import datetime as dt
import re
from typing import TYPE_CHECKING, Any

import pytest

from .rules import PAGES, loopback_only, permissions, rule, unsettled

if TYPE_CHECKING:
    from .account import Aws

_INCIDENTS, _CONTACTS = "awssystemsmanagerincidentmanager", "awssystemsmanagerincidentmanagercontacts"
_SYSTEMS_MANAGER = "awssystemsmanager"
_FORWARDED = (
    "https://docs.aws.amazon.com/incident-manager/latest/userguide/security_iam_service-with-iam.html"
)
_VIA = {"StringEquals": {"aws:CalledViaFirst": "ssm-incidents.amazonaws.com"}}
_NOTE = {
    "eventType": "Note",
    "eventData": '"n"',
    "eventTime": dt.datetime(2026, 11, 2, tzinfo=dt.timezone.utc),
}
_ITEM = {"itemToAdd": {"identifier": {"type": "OTHER", "value": {"url": "https://example.com"}}}}
_DENIED = "AccessDeniedException"


def _allow(action: str, *resources: str, **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": list(resources) or "*", **more}


_CREATE_OPS_ITEM = _allow("ssm:CreateOpsItem", Condition=_VIA)


def _records(plan: str) -> str:
    return plan.replace(":response-plan/", ":incident-record/") + "/*"


def _start(plan: str) -> list[dict[str, Any]]:
    return [_allow("ssm-incidents:StartIncident", plan), _CREATE_OPS_ITEM]


@permissions(_INCIDENTS)
def test_a_role_without_a_policy_may_nothing(aws: Aws) -> None:
    """The answer is a 403 that names the role and the action."""
    client, plan = aws.as_role(), aws.shared_plan()
    with pytest.raises(client.exceptions.AccessDeniedException) as caught:
        client.start_incident(responsePlanArn=plan)
    response = caught.value.response
    assert response["ResponseMetadata"]["HTTPStatusCode"] == 403
    message = response["Error"]["Message"]
    assert f":{aws.account}:assumed-role/{aws.run}" in message
    assert "not authorized to perform: ssm-incidents:StartIncident" in message


@rule(_FORWARDED)
def test_a_start_needs_its_plan(aws: Aws) -> None:
    """StartIncident on that plan, and CreateOpsItem on the caller's behalf."""
    plan, other = aws.shared_plan(), aws.plan()
    client = aws.as_role(*_start(plan))
    assert client.start_incident(responsePlanArn=plan)["incidentRecordArn"]
    assert aws.code(lambda: client.start_incident(responsePlanArn=other)) == _DENIED


@unsettled("forwarded_permission_missing")
@rule(_FORWARDED)
def test_a_start_without_create_ops_item(aws: Aws) -> str:
    """Since June 2025 the caller's own permission makes the OpsItem; what happens without it is not said."""
    plan = aws.shared_plan()
    client = aws.as_role(_allow("ssm-incidents:StartIncident", plan))
    return aws.code(lambda: client.start_incident(responsePlanArn=plan)) or "started"


@unsettled("forwarded_permission_missing")
@rule(_FORWARDED)
def test_a_start_without_start_engagement(aws: Aws) -> str:
    """The caller's own permission engages people; what happens without it for one of them is not said."""
    ann, bob = aws.person("EMAIL"), aws.person("EMAIL")
    plan = aws.plan(engage=[ann, bob])
    client = aws.as_role(*_start(plan), _allow("ssm-contacts:StartEngagement", ann, Condition=_VIA))
    return aws.code(lambda: client.start_incident(responsePlanArn=plan)) or "started"


@unsettled("forwarded_permission_missing")
@rule(_FORWARDED)
def test_a_start_without_tag_resource(aws: Aws) -> str:
    """The plan's incident tags are put on the record in the caller's name."""
    plan = aws.plan(incidentTags={"team": "payments"})
    client = aws.as_role(*_start(plan))
    return aws.code(lambda: client.start_incident(responsePlanArn=plan)) or "started"


@rule(_FORWARDED)
def test_a_start_with_all_its_permissions(aws: Aws) -> None:
    """StartEngagement on each contact, CreateOpsItem, TagResource: with these it engages, tags and tells."""
    people = [aws.person("EMAIL", stages=[(5, 0)]) for _ in range(2)]
    plan = aws.plan(engage=people, incidentTags={"team": "payments"})
    engage = _allow("ssm-contacts:StartEngagement", *people, Condition=_VIA)
    tag = _allow("ssm-incidents:TagResource", _records(plan))
    client = aws.as_role(*_start(plan), engage, tag)
    arn = client.start_incident(responsePlanArn=plan)["incidentRecordArn"]
    assert aws.parent(arn)
    assert aws.incidents.list_tags_for_resource(resourceArn=arn)["tags"] == {"team": "payments"}
    listed = aws.eventually(lambda: aws.contacts.list_engagements(IncidentId=arn)["Engagements"])
    assert {engagement["ContactArn"] for engagement in listed} == set(people)


@rule(_FORWARDED)
def test_called_via_does_not_open_the_direct_way(aws: Aws) -> None:
    """A permission under aws:CalledViaFirst is none for a call of one's own."""
    client = aws.as_role(_CREATE_OPS_ITEM, service="ssm")
    asked = {"Title": aws.title("t"), "Description": "d", "Source": "verify"}
    assert re.match("AccessDenied", aws.code(lambda: client.create_ops_item(**asked)))


@pytest.mark.parametrize(
    ("operation", "params"),
    [
        ("update_incident_record", {"status": "RESOLVED"}),
        ("list_related_items", {}),
        ("update_related_items", {"relatedItemsUpdate": _ITEM}),
        ("create_timeline_event", _NOTE),
    ],
)
@permissions(_INCIDENTS)
def test_some_operations_need_the_record_and_its_plan(
    aws: Aws, operation: str, params: dict[str, Any]
) -> None:
    """Either alone is not enough."""
    plan = aws.shared_plan()
    arn = aws.start(plan)
    action = "ssm-incidents:" + "".join(word.capitalize() for word in operation.split("_"))
    member = "arn" if operation == "update_incident_record" else "incidentRecordArn"

    def call(*resources: str) -> str:
        client = aws.as_role(_allow(action, *resources))
        return aws.code(lambda: getattr(client, operation)(**{member: arn}, **params))

    assert [call(_records(plan), plan), call(_records(plan)), call(plan)] == ["", _DENIED, _DENIED]


@permissions(_INCIDENTS)
def test_reading_and_deleting_need_the_record_only(aws: Aws) -> None:
    """Get, ListTimelineEvents and Delete are allowed on the record."""
    plan = aws.shared_plan()
    arn = aws.start(plan)
    client = aws.as_role(_allow("ssm-incidents:*", _records(plan)))
    assert client.get_incident_record(arn=arn)["incidentRecord"]["arn"] == arn
    assert "eventSummaries" in client.list_timeline_events(incidentRecordArn=arn)
    aws.resolve(arn)
    client.delete_incident_record(arn=arn)
    assert aws.code(lambda: aws.record(arn)) == "ResourceNotFoundException"


@pytest.mark.parametrize(
    "operation", ["list_incident_records", "list_response_plans", "list_replication_sets"]
)
@permissions(_INCIDENTS)
def test_lists_of_everything_need_the_star(aws: Aws, operation: str) -> None:
    """They name no resource."""
    action = "ssm-incidents:" + "".join(word.capitalize() for word in operation.split("_"))
    everything = aws.as_role(_allow(action))
    some = aws.as_role(_allow(action, aws.arn(f"*/{aws.run}*")))
    codes = [aws.code(getattr(client, operation)) for client in (everything, some)]
    assert codes == ["", _DENIED]


@permissions(_INCIDENTS)
def test_an_explicit_deny_wins(aws: Aws) -> None:
    """What one statement allows, another takes away."""
    deny = {**_allow("ssm-incidents:GetResponsePlan"), "Effect": "Deny"}
    client, plan = aws.as_role(_allow("ssm-incidents:*"), deny), aws.shared_plan()
    assert aws.code(lambda: client.get_response_plan(arn=plan)) == _DENIED
    assert "tags" in client.list_tags_for_resource(resourceArn=plan)


@permissions(_CONTACTS)
def test_a_contact_is_a_resource(aws: Aws) -> None:
    """A role sees the contact that it may see, and no other."""
    mine, other = aws.person(), aws.person()
    client = aws.as_role(_allow("ssm-contacts:GetContact", mine), service="ssm-contacts")
    assert client.get_contact(ContactId=mine)["ContactArn"] == mine
    assert aws.code(lambda: client.get_contact(ContactId=other)) == _DENIED


@unsettled("a channel's ARN in policies", here="contactchannel")
@permissions(_CONTACTS)
def test_a_channels_arn_in_policies(aws: Aws) -> str:
    """Answers have contact-channel/…; the reference writes contactchannel/…."""
    channel = aws.channel(aws.person())

    def may(name: str) -> bool:
        resource = channel.replace(":contact-channel/", f":{name}/")
        client = aws.as_role(_allow("ssm-contacts:GetContactChannel", resource), service="ssm-contacts")
        return not aws.code(lambda: client.get_contact_channel(ContactChannelId=channel))

    return ", ".join(name for name in ("contactchannel", "contact-channel") if may(name))


@loopback_only(PAGES)
@permissions(_CONTACTS)
def test_who_accepts_a_page_needs_the_page(aws: Aws, cloud: Any) -> None:
    """Whatever channel is named."""
    person = aws.person("SMS")
    (channel,) = aws.contacts.list_contact_channels(ContactId=person)["ContactChannels"]
    cloud.activate_channels()
    asked = {"ContactId": person, "Sender": "s", "Subject": "s", "Content": "c"}
    engaged = aws.contacts.start_engagement(**asked)["EngagementArn"]
    (page,) = [page for page in cloud.pages if page["engagement_arn"] == engaged]

    def accept(resource: str) -> str:
        session = aws.as_role(_allow("ssm-contacts:AcceptPage", resource), service="ssm-contacts")
        return aws.code(
            lambda: session.accept_page(
                PageId=page["page_arn"],
                ContactChannelId=channel["ContactChannelArn"],
                AcceptType="READ",
                AcceptCode=page["accept_code"],
            )
        )

    assert [accept(person), accept(page["page_arn"])] == [_DENIED, ""]


@permissions(_SYSTEMS_MANAGER)
def test_an_ops_item_is_a_resource(aws: Aws) -> None:
    """GetOpsItem and UpdateOpsItem are allowed on the item; listing knows no resource."""
    item, other = aws.ops_item(), aws.ops_item()
    arn = f"arn:aws:ssm:{aws.region}:{aws.account}:opsitem/{item}"
    actions = ("ssm:GetOpsItem", "ssm:UpdateOpsItem", "ssm:DescribeOpsItems")
    client = aws.as_role(*(_allow(action, arn) for action in actions), service="ssm")
    client.update_ops_item(OpsItemId=item, Status="Resolved")
    assert client.get_ops_item(OpsItemId=item)["OpsItem"]["Status"] == "Resolved"
    denied = [
        aws.code(lambda: client.update_ops_item(OpsItemId=other, Status="Resolved")),
        aws.code(lambda: client.delete_ops_item(OpsItemId=item)),
        aws.code(client.describe_ops_items),
    ]
    assert all(code.startswith("AccessDenied") for code in denied)
