"""The CloudFormation types of contacts: Ref, Arn, changes in place, replacements, deletions."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import pytest

from .conftest import ACCOUNT, REGION, unique

if TYPE_CHECKING:
    from .conftest import Aws, Stack


@pytest.fixture
def contacts(aws: Aws) -> Any:
    """Give a client of the contacts that may do everything."""
    return aws.client("ssm-contacts")


def _resource(kind: str, **properties: Any) -> dict[str, Any]:
    return {"Type": f"AWS::SSMContacts::{kind}", "Properties": properties}


def _contact(alias: str, kind: str = "PERSONAL", **more: Any) -> dict[str, Any]:
    return _resource("Contact", **{"Alias": alias, "DisplayName": "Ann", "Type": kind, **more})


def _person(alias: str, **more: Any) -> dict[str, Any]:
    """Give a contact, a channel and a plan, as constructs emit them."""
    address = {"ChannelType": "SMS", "ChannelAddress": "+4915112345678", **more}
    target = {"ChannelTargetInfo": {"ChannelId": {"Ref": "Sms"}, "RetryIntervalInMinutes": 2}}
    stages = [{"DurationInMinutes": 5, "Targets": [target]}]
    return {
        "Ann": _contact(alias),
        "Sms": _resource("ContactChannel", ContactId={"Ref": "Ann"}, ChannelName="Phone", **address),
        "AnnsPlan": _resource("Plan", ContactId={"Ref": "Ann"}, Stages=stages),
    }


_PERSON = {
    f"{name}{attribute}": value
    for name in ("Ann", "Sms", "AnnsPlan")
    for attribute, value in (("Ref", {"Ref": name}), ("Arn", {"Fn::GetAtt": [name, "Arn"]}))
}


def _rotation(contact: Any, **more: Any) -> dict[str, Any]:
    recurrence = {
        "NumberOfOnCalls": 1,
        "RecurrenceMultiplier": 1,
        "WeeklySettings": [{"DayOfWeek": "MON", "HandOffTime": "09:30"}],
        "ShiftCoverages": [
            {"DayOfWeek": "TUE", "CoverageTimes": [{"StartTime": "08:00", "EndTime": "17:30"}]}
        ],
    }
    properties = {
        "Name": "Weekly",
        "ContactIds": [contact],
        "StartTime": "2027-01-04T09:30:00",
        "TimeZoneId": "Europe/Berlin",
        "Recurrence": recurrence,
    }
    return _resource("Rotation", **{**properties, **more})


def test_a_person_is_created(stack: Stack, contacts: Any) -> None:
    """Contact, channel and plan; Ref and Arn are ARNs, the plan's is the contact's."""
    alias = unique("ann")
    assert stack.deploy(_person(alias), **_PERSON) == "CREATE_COMPLETE"
    told = stack.outputs
    arn = f"arn:aws:ssm-contacts:{REGION}:{ACCOUNT}:contact/{alias}"
    assert {told[f"{name}{attribute}"] for name in ("Ann", "AnnsPlan") for attribute in ("Ref", "Arn")} == {
        arn
    }
    assert told["SmsRef"] == told["SmsArn"]
    (stage,) = contacts.get_contact(ContactId=arn)["Plan"]["Stages"]
    target = {"ContactChannelId": told["SmsRef"], "RetryIntervalInMinutes": 2}
    assert stage == {"DurationInMinutes": 5, "Targets": [{"ChannelTargetInfo": target}]}
    channel = contacts.get_contact_channel(ContactChannelId=told["SmsRef"])
    assert (channel["Name"], channel["Type"]) == ("Phone", "SMS")
    assert channel["DeliveryAddress"] == {"SimpleAddress": "+4915112345678"}
    assert channel["ActivationStatus"] == "NOT_ACTIVATED"


def test_a_person_is_changed_in_place(stack: Stack, contacts: Any) -> None:
    """The display name, tags, a channel's name and address, and the stages keep the ARNs."""
    alias = unique("ann")
    first = _person(alias)
    first["Ann"]["Properties"]["Tags"] = [{"Key": "a", "Value": "1"}]
    stack.deploy(first, **_PERSON)
    before = stack.outputs
    changed = _person(alias, ChannelAddress="+4915112345679")
    changed["Ann"]["Properties"] |= {"DisplayName": "Ann B", "Tags": [{"Key": "b", "Value": "2"}]}
    changed["AnnsPlan"]["Properties"]["Stages"][0]["DurationInMinutes"] = 7
    assert stack.deploy(changed, **_PERSON) == "UPDATE_COMPLETE"
    assert stack.outputs == before
    found = contacts.get_contact(ContactId=before["AnnRef"])
    assert (found["DisplayName"], found["Plan"]["Stages"][0]["DurationInMinutes"]) == ("Ann B", 7)
    channel = contacts.get_contact_channel(ContactChannelId=before["SmsRef"])
    assert channel["DeliveryAddress"] == {"SimpleAddress": "+4915112345679"}
    tags = contacts.list_tags_for_resource(ResourceARN=before["AnnRef"])["Tags"]
    assert tags == [{"Key": "b", "Value": "2"}]


def test_a_contact_that_changes_keeps_the_plan_that_another_resource_gives(
    stack: Stack, contacts: Any
) -> None:
    """Its own property Plan is not there, so it is not emptied."""
    resources = _person(unique("ann"))
    stack.deploy(resources, **_PERSON)
    resources["Ann"]["Properties"]["DisplayName"] = "Ann B"
    assert stack.deploy(resources, **_PERSON) == "UPDATE_COMPLETE"
    found = contacts.get_contact(ContactId=stack.outputs["AnnRef"])
    assert (found["DisplayName"], len(found["Plan"]["Stages"])) == ("Ann B", 1)


def test_a_new_alias_replaces_the_contact_and_what_hangs_on_it(stack: Stack, contacts: Any) -> None:
    """The channel and the plan move too; the old ones are gone."""
    stack.deploy(_person(unique("ann")), **_PERSON)
    before = stack.outputs
    assert stack.deploy(_person(unique("ann")), **_PERSON) == "UPDATE_COMPLETE"
    after = stack.outputs
    assert not set(before.values()) & set(after.values())
    with pytest.raises(contacts.exceptions.ResourceNotFoundException):
        contacts.get_contact(ContactId=before["AnnRef"])
    (stage,) = contacts.get_contact(ContactId=after["AnnRef"])["Plan"]["Stages"]
    assert stage["Targets"][0]["ChannelTargetInfo"]["ContactChannelId"] == after["SmsRef"]


def test_a_new_channel_type_replaces_the_channel(stack: Stack, contacts: Any) -> None:
    """And its activation is lost."""
    alias = unique("ann")
    stack.deploy(_person(alias), **_PERSON)
    before = stack.outputs
    changed = _person(alias, ChannelType="VOICE")
    assert stack.deploy(changed, **_PERSON) == "UPDATE_COMPLETE"
    assert stack.outputs["AnnRef"] == before["AnnRef"]
    assert stack.outputs["SmsRef"] != before["SmsRef"]
    found = contacts.list_contact_channels(ContactId=before["AnnRef"])["ContactChannels"]
    assert [c["Type"] for c in found] == ["VOICE"]


def test_another_type_of_contact_collides_with_the_alias(stack: Stack) -> None:
    """The replacement is made before the old contact goes, so the alias is still taken."""
    alias = unique("team")
    stack.deploy({"Team": _contact(alias, "ESCALATION")})
    assert stack.deploy({"Team": _contact(alias, "ONCALL_SCHEDULE")}) == "UPDATE_ROLLBACK_COMPLETE"
    assert any("exists" in reason for _, reason in stack.events("Team"))


def test_a_plan_that_goes_to_another_contact_leaves_the_first_without(stack: Stack, contacts: Any) -> None:
    """ContactId replaces the plan."""
    one, two = unique("one"), unique("two")
    stage = [{"DurationInMinutes": 1, "Targets": []}]

    def resources(owner: str) -> dict[str, Any]:
        return {
            "One": _contact(one),
            "Two": _contact(two),
            "Plan": _resource("Plan", ContactId={"Ref": owner}, Stages=stage),
        }

    stack.deploy(resources("One"))
    refs = {"One": {"Ref": "One"}, "Two": {"Ref": "Two"}}
    assert stack.deploy(resources("Two"), **refs) == "UPDATE_COMPLETE"
    plans = [contacts.get_contact(ContactId=stack.outputs[name])["Plan"] for name in ("One", "Two")]
    assert [len(plan["Stages"]) for plan in plans] == [0, 1]


def test_an_escalation_plan_may_have_its_stages_inline(stack: Stack, contacts: Any) -> None:
    """The form of a contact's own property Plan."""
    target = {"ContactTargetInfo": {"ContactId": {"Ref": "Ann"}, "IsEssential": "true"}}
    plan = [{"DurationInMinutes": "5", "Targets": [target]}]
    resources = {**_person(unique("ann")), "Team": _contact(unique("team"), "ESCALATION", Plan=plan)}
    assert stack.deploy(resources, Team={"Ref": "Team"}, Ann={"Ref": "Ann"}) == "CREATE_COMPLETE"
    (stage,) = contacts.get_contact(ContactId=stack.outputs["Team"])["Plan"]["Stages"]
    info = {"ContactId": stack.outputs["Ann"], "IsEssential": True}
    assert stage == {"DurationInMinutes": 5, "Targets": [{"ContactTargetInfo": info}]}


def test_an_on_call_schedule_is_created_and_deleted(stack: Stack, contacts: Any) -> None:
    """Its rotation's start is a time of the rotation's zone; all of it goes in the right order."""
    resources = {
        **_person(unique("ann")),
        "Weekly": _rotation({"Ref": "Ann"}),
        "Schedule": _contact(unique("schedule"), "ONCALL_SCHEDULE"),
        "ItsPlan": _resource("Plan", ContactId={"Ref": "Schedule"}, RotationIds=[{"Ref": "Weekly"}]),
    }
    outputs = {
        "Rotation": {"Ref": "Weekly"},
        "Arn": {"Fn::GetAtt": ["Weekly", "Arn"]},
        "S": {"Ref": "Schedule"},
    }
    assert stack.deploy(resources, **outputs) == "CREATE_COMPLETE"
    told = stack.outputs
    assert told["Rotation"] == told["Arn"]
    rotation = contacts.get_rotation(RotationId=told["Rotation"])
    assert rotation["StartTime"] == dt.datetime(2027, 1, 4, 8, 30, tzinfo=dt.timezone.utc)
    nine = {"HourOfDay": 9, "MinuteOfHour": 30}
    assert rotation["Recurrence"]["WeeklySettings"] == [{"DayOfWeek": "MON", "HandOffTime": nine}]
    assert rotation["Recurrence"]["ShiftCoverages"] == {
        "TUE": [{"Start": {"HourOfDay": 8, "MinuteOfHour": 0}, "End": {"HourOfDay": 17, "MinuteOfHour": 30}}]
    }
    assert contacts.get_contact(ContactId=told["S"])["Plan"] == {
        "RotationIds": [told["Rotation"]],
    }
    stack.delete()
    with pytest.raises(contacts.exceptions.ResourceNotFoundException):
        contacts.get_rotation(RotationId=told["Rotation"])
    with pytest.raises(contacts.exceptions.ResourceNotFoundException):
        contacts.get_contact(ContactId=told["S"])


@pytest.mark.parametrize(
    ("recurrence", "stored"),
    [
        ({"DailySettings": ["07:05"]}, {"DailySettings": [{"HourOfDay": 7, "MinuteOfHour": 5}]}),
        (
            {"MonthlySettings": [{"DayOfMonth": 31, "HandOffTime": "00:00"}]},
            {"MonthlySettings": [{"DayOfMonth": 31, "HandOffTime": {"HourOfDay": 0, "MinuteOfHour": 0}}]},
        ),
    ],
)
def test_a_rotation_is_changed_in_place(
    stack: Stack, contacts: Any, recurrence: dict[str, Any], stored: dict[str, Any]
) -> None:
    """Whatever of it changes."""
    people, counts = _person(unique("ann")), {"NumberOfOnCalls": 1, "RecurrenceMultiplier": 2}
    ref = {"Rotation": {"Ref": "R"}}
    stack.deploy({**people, "R": _rotation({"Ref": "Ann"})}, **ref)
    before = stack.outputs
    changed = _rotation({"Ref": "Ann"}, Recurrence={**counts, **recurrence}, TimeZoneId="UTC")
    assert stack.deploy({**people, "R": changed}, **ref) == "UPDATE_COMPLETE"
    assert stack.outputs == before
    found = contacts.get_rotation(RotationId=before["Rotation"])
    assert found["Recurrence"] == {**counts, **stored}
    assert found["StartTime"] == dt.datetime(2027, 1, 4, 9, 30, tzinfo=dt.timezone.utc)


def test_what_the_service_refuses_fails_the_stack(stack: Stack) -> None:
    """With the service's reason."""
    resources = {"Bad": _rotation(f"arn:aws:ssm-contacts:{REGION}:{ACCOUNT}:contact/nobody")}
    assert stack.deploy(resources) == "ROLLBACK_COMPLETE"
    assert any("SsmContacts" in reason and "nobody" in reason for _, reason in stack.events("Bad"))


def test_what_somebody_deleted_by_hand_does_not_hold_up_the_stack(
    aws: Aws, stack: Stack, contacts: Any
) -> None:
    """A contact that is gone is deleted."""
    stack.deploy(_person(unique("ann")), **_PERSON)
    contacts.delete_contact(ContactId=stack.outputs["AnnRef"])
    stack.delete()
    there = aws.client("cloudformation").describe_stacks()["Stacks"]
    assert stack.name not in {known["StackName"] for known in there}
