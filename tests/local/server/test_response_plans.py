"""Response plans and their tags, and the replication set under them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from .conftest import REGION, unique

if TYPE_CHECKING:
    from .conftest import Aws

_TEMPLATE = {"title": "t", "impact": 1}


def _account(aws: Aws, number: int) -> Any:
    """Give a client in an account of its own, so that its replication set is nobody else's."""
    return aws.client("ssm-incidents", key=f"{number:012d}")


def test_a_plan_gives_back_what_went_in(aws: Aws, incidents: Any) -> None:
    """All members of a plan are kept."""
    name, topic, chat = unique("plan"), aws.topic(), aws.topic()
    plan = {
        "displayName": "Checkout",
        "engagements": ["arn:aws:ssm-contacts:us-east-1:000000000000:contact/oncall"],
        "incidentTemplate": {
            **_TEMPLATE,
            "summary": "s",
            "dedupeString": "d",
            "incidentTags": {"k": "v"},
            "notificationTargets": [{"snsTopicArn": topic}],
        },
        "chatChannel": {"chatbotSns": [chat]},
        "actions": [
            {"ssmAutomation": {"documentName": "Doc", "roleArn": "arn:aws:iam::000000000000:role/r"}}
        ],
    }
    arn = incidents.create_response_plan(name=name, **plan)["arn"]
    given = incidents.get_response_plan(arn=arn)
    assert {key: given[key] for key in (*plan, "name", "arn")} == {**plan, "name": name, "arn": arn}


def test_a_plans_name_is_the_accounts_in_all_regions(aws: Aws, incidents: Any) -> None:
    """Two stacks in two Regions with one plan name collide."""
    client = _account(aws, 1)
    (arn,) = client.list_replication_sets()["replicationSetArns"]
    client.update_replication_set(arn=arn, actions=[{"addRegionAction": {"regionName": "eu-west-1"}}])
    client.create_response_plan(name="checkout", incidentTemplate=_TEMPLATE)
    elsewhere = aws.client("ssm-incidents", region="eu-west-1", key=f"{1:012d}")
    with pytest.raises(incidents.exceptions.ConflictException) as caught:
        elsewhere.create_response_plan(name="checkout", incidentTemplate=_TEMPLATE)
    assert caught.value.response["resourceType"] == "RESPONSE_PLAN"


def test_an_update_changes_what_it_names(aws: Aws, incidents: Any) -> None:
    """Parameters like incidentTemplateTitle reach into the template; the rest stays."""
    arn = aws.plan(title="old", impact=2, summary="s")
    incidents.update_response_plan(arn=arn, incidentTemplateTitle="new", displayName="D")
    plan = incidents.get_response_plan(arn=arn)
    assert (plan["incidentTemplate"]["title"], plan["displayName"]) == ("new", "D")
    assert (plan["incidentTemplate"]["impact"], plan["incidentTemplate"]["summary"]) == (2, "s")


def test_deleting_a_plan_leaves_its_incidents(aws: Aws, incidents: Any) -> None:
    """Deleting twice is no error, and what was started stays."""
    plan = aws.plan()
    record = aws.start(plan)
    for _ in range(2):
        incidents.delete_response_plan(arn=plan)
    with pytest.raises(incidents.exceptions.ResourceNotFoundException):
        incidents.get_response_plan(arn=plan)
    assert aws.record(record)["status"] == "OPEN"


def test_plans_are_listed_by_name(aws: Aws) -> None:
    """ListResponsePlans gives summaries in order."""
    client = _account(aws, 2)
    for name in ("b", "a"):
        client.create_response_plan(name=name, incidentTemplate=_TEMPLATE)
    assert [plan["name"] for plan in client.list_response_plans()["responsePlanSummaries"]] == ["a", "b"]


def test_tags_are_added_and_removed(incidents: Any) -> None:
    """A plan has the tags that it was made with, and what came and went since."""
    arn = incidents.create_response_plan(name=unique("plan"), incidentTemplate=_TEMPLATE, tags={"a": "1"})[
        "arn"
    ]
    incidents.tag_resource(resourceArn=arn, tags={"b": "2", "c": "3"})
    incidents.untag_resource(resourceArn=arn, tagKeys=["a", "c"])
    assert incidents.list_tags_for_resource(resourceArn=arn)["tags"] == {"b": "2"}


def test_an_account_has_its_replication_set(aws: Aws) -> None:
    """The users are existing customers: the set is there, active, in the home Region."""
    client = _account(aws, 3)
    (arn,) = client.list_replication_sets()["replicationSetArns"]
    found = client.get_replication_set(arn=arn)["replicationSet"]
    assert (found["status"], list(found["regionMap"])) == ("ACTIVE", [REGION])
    with pytest.raises(client.exceptions.ConflictException):
        client.create_replication_set(regions={REGION: {}})


def test_a_replication_set_has_one_to_three_regions(aws: Aws) -> None:
    """A fourth cannot come and the last cannot go."""
    client = _account(aws, 4)
    (arn,) = client.list_replication_sets()["replicationSetArns"]

    def change(kind: str, region: str) -> None:
        client.update_replication_set(arn=arn, actions=[{f"{kind}RegionAction": {"regionName": region}}])

    with pytest.raises(client.exceptions.ValidationException):
        change("delete", REGION)
    change("add", "eu-west-1")
    change("add", "eu-central-1")
    with pytest.raises(client.exceptions.ValidationException):
        change("add", "eu-west-2")
    change("delete", "eu-west-1")
    regions = client.get_replication_set(arn=arn)["replicationSet"]["regionMap"]
    assert sorted(regions) == ["eu-central-1", REGION]


def test_deleting_the_replication_set_deletes_everything(aws: Aws) -> None:
    """Plans and incidents go with it, and without it nothing works; protection prevents that."""
    client = _account(aws, 5)
    (arn,) = client.list_replication_sets()["replicationSetArns"]
    client.create_response_plan(name="p", incidentTemplate=_TEMPLATE)
    client.update_deletion_protection(arn=arn, deletionProtected=True)
    with pytest.raises(client.exceptions.ValidationException, match="protected"):
        client.delete_replication_set(arn=arn)
    client.update_deletion_protection(arn=arn, deletionProtected=False)
    client.delete_replication_set(arn=arn)
    with pytest.raises(client.exceptions.ResourceNotFoundException, match="replication set"):
        client.list_response_plans()
    client.create_replication_set(regions={REGION: {}})
    assert client.list_response_plans()["responsePlanSummaries"] == []
