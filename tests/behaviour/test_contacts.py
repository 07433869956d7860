"""Contacts and their channels: kept by the API, within its rules."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from .rules import PAGES, contacts_api, loopback_only, quota, rule, two_regions, unsettled

if TYPE_CHECKING:
    from cdk_incidents.local import LocalCloud

    from .account import Aws

_CHANNELS = "https://docs.aws.amazon.com/incident-manager/latest/userguide/contacts.html"


def _target(channel: str, **more: Any) -> dict[str, Any]:
    return {"ChannelTargetInfo": {"ContactChannelId": channel, **more}}


def _stage(*targets: dict[str, Any], minutes: int = 1) -> dict[str, Any]:
    return {"DurationInMinutes": minutes, "Targets": list(targets)}


@contacts_api("CreateContact")
def test_a_contact_gives_back_what_went_in(aws: Aws) -> None:
    """Its ARN is made of its Region and alias."""
    alias = aws.name("ann")
    arn = aws.person(Alias=alias, DisplayName="Ann Émile")
    assert arn == aws.contact_arn(alias)
    found = aws.contacts.get_contact(ContactId=arn)
    assert (found["Alias"], found["DisplayName"], found["Type"]) == (alias, "Ann Émile", "PERSONAL")
    assert found["Plan"] == {"Stages": []}


@contacts_api("CreateContact")
def test_an_alias_is_taken_once(aws: Aws) -> None:
    """A second contact of one alias is a conflict."""
    alias = aws.name("ann")
    aws.person(Alias=alias)
    assert aws.code(lambda: aws.person(Alias=alias, DisplayName="Another")) == "ConflictException"


@contacts_api("CreateContact")
def test_the_same_token_gives_the_same_contact(aws: Aws) -> None:
    """A retry with its token and details makes nothing new."""
    alias = aws.name("ann")
    first = aws.person(Alias=alias, IdempotencyToken=alias)
    assert aws.person(Alias=alias, IdempotencyToken=alias) == first


@unsettled("a contact's token with other details", here="ConflictException")
@contacts_api("CreateContact")
def test_a_contacts_token_with_other_details(aws: Aws) -> str:
    """Nothing is said of it; the alias is taken besides."""
    alias = aws.name("ann")
    aws.person(Alias=alias, IdempotencyToken=alias)
    return aws.code(lambda: aws.person(Alias=alias, IdempotencyToken=alias, DisplayName="A")) or "no error"


@pytest.mark.parametrize("wrong", ["Ann", "ann.smith", "ann smith"])
@contacts_api("CreateContact")
def test_an_alias_has_small_letters_digits_and_hyphens(aws: Aws, wrong: str) -> None:
    """Capital letters, dots and spaces are refused."""
    assert aws.code(lambda: aws.person(Alias=f"{aws.name('p')}-{wrong}")) == "ValidationException"


@two_regions
@contacts_api("ListContacts")
def test_contacts_are_a_regions(aws: Aws) -> None:
    """Another Region of the replication set does not know them."""
    person, there = aws.person(), aws.client("ssm-contacts", aws.regions[1])
    alias = person.rpartition("/")[2]
    assert aws.code(lambda: there.get_contact(ContactId=person))
    assert there.list_contacts(AliasPrefix=alias)["Contacts"] == []


@contacts_api("ListContacts")
def test_contacts_are_listed_by_type_and_beginning(aws: Aws) -> None:
    """Page by page."""
    prefix = aws.name("list")
    people = {aws.person(Alias=f"{prefix}-{n}") for n in range(3)}
    aws.contacts.create_contact(Alias=f"{prefix}-esc", Type="ESCALATION", Plan={"Stages": []})
    asked = {"AliasPrefix": prefix, "Type": "PERSONAL", "PaginationConfig": {"PageSize": 2}}

    def listed() -> list[str]:
        pages = aws.contacts.get_paginator("list_contacts").paginate(**asked)
        return [contact["ContactArn"] for page in pages for contact in page["Contacts"]]

    assert aws.eventually(lambda: set(listed()) == people)
    assert len(listed()) == len(people)


@unsettled("MaxResults of 0", here="as many as usual")
@contacts_api("ListContacts")
def test_no_results_at_most(aws: Aws) -> str:
    """The model lets it in; nothing is said of it."""
    alias = aws.person().rpartition("/")[2]
    aws.eventually(lambda: aws.contacts.list_contacts(AliasPrefix=alias)["Contacts"])
    found: list[int] = []
    code = aws.code(
        lambda: found.append(len(aws.contacts.list_contacts(AliasPrefix=alias, MaxResults=0)["Contacts"]))
    )
    return code or ("as many as usual" if found == [1] else "none")


# Plans


@pytest.mark.parametrize(
    ("kind", "plan"),
    [
        ("ONCALL_SCHEDULE", {"Stages": [{"DurationInMinutes": 1, "Targets": []}]}),
        ("PERSONAL", {"Stages": [_stage({"ContactTargetInfo": {"IsEssential": True}})]}),
        ("PERSONAL", {"Stages": [_stage(minutes=31)]}),
    ],
    ids=["a schedule with stages", "a person with contacts", "31 minutes"],
)
@contacts_api("Plan")
def test_a_plan_must_fit_the_type(aws: Aws, kind: str, plan: dict[str, Any]) -> None:
    """Schedules have rotations and no stages, people have channels, and a stage lasts 30 minutes at most."""
    asked = {"Alias": aws.name("c"), "Type": kind, "Plan": plan}
    assert aws.code(lambda: aws.contacts.create_contact(**asked)) == "ValidationException"


@unsettled("an eleventh stage", here="ServiceQuotaExceededException")
@quota()
def test_a_plan_has_ten_stages(aws: Aws) -> str:
    """An account's quota may be raised; with what error one more is refused is not said."""
    person = aws.person()
    stages, update = [_stage(_target(aws.channel(person)))] * 11, aws.contacts.update_contact
    assert aws.code(update, ContactId=person, Plan={"Stages": stages[:10]}) == ""
    return aws.code(update, ContactId=person, Plan={"Stages": stages}) or "accepted"


@unsettled("an eleventh channel of a stage", here="ServiceQuotaExceededException")
@quota()
def test_a_stage_has_ten_channels(aws: Aws) -> str:
    """As with stages."""
    person = aws.person()
    targets = [_target(aws.channel(person, "EMAIL", f"verify{n}@example.com")) for n in range(11)]
    update, ten, eleven = aws.contacts.update_contact, _stage(*targets[:10]), _stage(*targets)
    assert aws.code(update, ContactId=person, Plan={"Stages": [ten]}) == ""
    return aws.code(update, ContactId=person, Plan={"Stages": [eleven]}) or "accepted"


@pytest.mark.parametrize(("retry", "error"), [(60, ""), (61, "ValidationException")])
@contacts_api("ChannelTargetInfo")
def test_a_retry_waits_an_hour_at_most(aws: Aws, retry: int, error: str) -> None:
    """And no minute longer."""
    person = aws.person()
    plan = {"Stages": [_stage(_target(aws.channel(person), RetryIntervalInMinutes=retry))]}
    assert aws.code(lambda: aws.contacts.update_contact(ContactId=person, Plan=plan)) == error


@contacts_api("UpdateContact")
def test_a_plan_is_kept(aws: Aws) -> None:
    """With its stages, channels and intervals."""
    person = aws.person("SMS", "EMAIL", stages=[(5, 2), (0, 0)])
    stages = aws.contacts.get_contact(ContactId=person)["Plan"]["Stages"]
    assert [stage["DurationInMinutes"] for stage in stages] == [5, 0]
    assert [len(stage["Targets"]) for stage in stages] == [2, 2]
    assert stages[0]["Targets"][0]["ChannelTargetInfo"]["RetryIntervalInMinutes"] == 2


@unsettled("a stage with another person's channel", here="ValidationException")
@contacts_api("UpdateContact")
def test_a_stage_with_another_persons_channel(aws: Aws) -> str:
    """Nothing is said of it."""
    theirs, person = aws.channel(aws.person()), aws.person()
    plan = {"Stages": [_stage(_target(theirs))]}
    return aws.code(lambda: aws.contacts.update_contact(ContactId=person, Plan=plan)) or "accepted"


# Channels


@pytest.mark.parametrize(
    ("kind", "address"), [("SMS", "0151 1234567"), ("VOICE", "12025550123"), ("EMAIL", "nobody")]
)
@contacts_api("CreateContactChannel")
def test_an_address_must_fit_its_type(aws: Aws, kind: str, address: str) -> None:
    """Phones are E.164, mail has an @."""
    person = aws.person()
    assert aws.code(aws.channel, person=person, kind=kind, address=address) == "ValidationException"


@contacts_api("CreateContactChannel")
def test_a_channel_begins_without_activation(aws: Aws) -> None:
    """Until its owner has typed the code it reaches nobody."""
    channel = aws.channel(aws.person())
    found = aws.contacts.get_contact_channel(ContactChannelId=channel)
    assert (found["Type"], found["ActivationStatus"]) == ("SMS", "NOT_ACTIVATED")


@contacts_api("ActivateContactChannel")
def test_a_wrong_code_activates_nothing(aws: Aws) -> None:
    """The one that was sent is needed, and none was sent."""
    channel = aws.channel(aws.person())
    asked = {"ContactChannelId": channel, "ActivationCode": "000000"}
    may = aws.unguarded("ssm-contacts", aws.region)
    assert aws.code(lambda: may.activate_contact_channel(**asked)) == "ValidationException"
    found = aws.contacts.get_contact_channel(ContactChannelId=channel)
    assert found["ActivationStatus"] == "NOT_ACTIVATED"


@loopback_only(PAGES)
@contacts_api("ActivateContactChannel")
def test_a_channel_is_activated_by_its_code(aws: Aws, codes: Any) -> None:
    """A code that was sent activates it; it can be deactivated again."""
    channel, may = aws.channel(aws.person()), aws.unguarded("ssm-contacts", aws.region)
    assert channel not in codes()
    may.send_activation_code(ContactChannelId=channel)
    code = codes()[channel]
    wrong = f"{(int(code) + 1) % 10**6:06d}"
    told = []
    for given in (wrong, code):
        aws.code(may.activate_contact_channel, ContactChannelId=channel, ActivationCode=given)
        told.append(may.get_contact_channel(ContactChannelId=channel)["ActivationStatus"])
    may.deactivate_contact_channel(ContactChannelId=channel)
    told.append(may.get_contact_channel(ContactChannelId=channel)["ActivationStatus"])
    assert told == ["NOT_ACTIVATED", "ACTIVATED", "NOT_ACTIVATED"]


@loopback_only(PAGES)
@contacts_api("CreateContactChannel")
def test_a_channel_gets_its_code_at_once_unless_that_is_put_off(aws: Aws, codes: Any) -> None:
    """DeferActivation sends none."""
    address = {"SimpleAddress": "+12025550123"}
    asked = {"ContactId": aws.person(), "Name": "n", "Type": "SMS", "DeliveryAddress": address}
    made = aws.unguarded("ssm-contacts", aws.region).create_contact_channel
    arns = [made(**asked, DeferActivation=deferred)["ContactChannelArn"] for deferred in (True, False)]
    assert [arn in codes() for arn in arns] == [False, True]


@loopback_only(PAGES)
@rule(_CHANNELS)
def test_a_new_address_is_activated_anew(aws: Aws, cloud: LocalCloud) -> None:
    """A new name is not enough to lose the activation, a new address is."""
    channel = aws.channel(aws.person(), "EMAIL")
    cloud.activate_channels()

    def change(**members: Any) -> str:
        aws.contacts.update_contact_channel(ContactChannelId=channel, **members)
        status: str = aws.contacts.get_contact_channel(ContactChannelId=channel)["ActivationStatus"]
        return status

    assert change(Name="Renamed") == "ACTIVATED"
    assert change(DeliveryAddress={"SimpleAddress": "another@example.com"}) == "NOT_ACTIVATED"


@contacts_api("ListContactChannels")
def test_channels_are_listed_by_contact(aws: Aws) -> None:
    """Each with its activation."""
    person = aws.person("SMS", "EMAIL")
    found = aws.contacts.list_contact_channels(ContactId=person)["ContactChannels"]
    assert {(c["Type"], c["ActivationStatus"]) for c in found} == {
        ("SMS", "NOT_ACTIVATED"),
        ("EMAIL", "NOT_ACTIVATED"),
    }


@contacts_api("CreateContactChannel")
def test_only_people_have_channels(aws: Aws) -> None:
    """An escalation plan has none."""
    team = aws.escalation()
    assert aws.code(lambda: aws.channel(team)) == "ValidationException"


# Deleting


@contacts_api("DeleteContactChannel")
def test_a_deleted_channel_stays_in_its_contacts_plan(aws: Aws) -> None:
    """Its stage is ignored, as long as it is there."""
    person = aws.person("SMS")
    (stage,) = aws.contacts.get_contact(ContactId=person)["Plan"]["Stages"]
    channel = stage["Targets"][0]["ChannelTargetInfo"]["ContactChannelId"]
    aws.contacts.delete_contact_channel(ContactChannelId=channel)
    assert aws.contacts.list_contact_channels(ContactId=person)["ContactChannels"] == []
    assert aws.contacts.get_contact(ContactId=person)["Plan"]["Stages"] == [stage]


@contacts_api("DeleteContact")
def test_a_deleted_contact_stays_in_the_plans_that_name_it(aws: Aws) -> None:
    """Deleting it does not remove it from escalation plans."""
    person = aws.person()
    plan = aws.escalation((1, {person: True}))
    aws.contacts.delete_contact(ContactId=person)
    assert aws.code(lambda: aws.contacts.get_contact(ContactId=person)) == "ResourceNotFoundException"
    (stage,) = aws.contacts.get_contact(ContactId=plan)["Plan"]["Stages"]
    assert stage["Targets"][0]["ContactTargetInfo"]["ContactId"] == person


@unsettled("a deleted contact's channels", here="ResourceNotFoundException")
@contacts_api("DeleteContact")
def test_a_deleted_contacts_channels(aws: Aws) -> str:
    """Nothing is said of them."""
    person = aws.person()
    channel = aws.channel(person)
    aws.contacts.delete_contact(ContactId=person)
    return aws.code(lambda: aws.contacts.get_contact_channel(ContactChannelId=channel)) or "stay"


@unsettled("a deleted contact that a response plan engages", here="the incident starts")
@contacts_api("DeleteContact")
def test_a_deleted_contact_that_a_response_plan_engages(aws: Aws) -> str:
    """It stays in the plan; what a start of that plan gets is not said."""
    person = aws.person()
    plan = aws.plan(engage=[person])
    aws.contacts.delete_contact(ContactId=person)
    return aws.code(lambda: aws.start(plan)) or "the incident starts"


@unsettled("a contact without a policy", here="has none")
@contacts_api("GetContactPolicy")
def test_a_contact_without_a_policy(aws: Aws) -> str:
    """The operation knows a ResourceNotFoundException, which may be of the policy as well."""
    person, asked = aws.person(), aws.contacts.get_contact_policy
    code = aws.code(asked, ContactArn=person)
    return code or ("has one" if "Policy" in asked(ContactArn=person) else "has none")


@unsettled("a contact's policy for its own account", here="is kept as it was given")
@contacts_api("PutContactPolicy")
def test_a_contacts_policy_is_kept(aws: Aws) -> str:
    """Policies are for other accounts, which no run lets in; how a principal is read back is not said."""
    person = aws.person()
    statement = {
        "Sid": "Shared",
        "Effect": "Allow",
        "Principal": {"AWS": aws.account},
        "Action": ["ssm-contacts:GetContact"],
        "Resource": [person],
    }
    policy = {"Version": "2012-10-17", "Statement": [statement]}
    if code := aws.code(aws.contacts.put_contact_policy, ContactArn=person, Policy=json.dumps(policy)):
        return code
    kept = json.loads(aws.contacts.get_contact_policy(ContactArn=person)["Policy"])
    return "is kept as it was given" if kept == policy else f"is read back as {kept}"


@contacts_api("TagResource")
def test_tags_come_and_go_in_pairs(aws: Aws) -> None:
    """Contacts have them as keys and values, and in the first Region of the replication set alone."""
    asked = {"Alias": aws.name("ann"), "Type": "PERSONAL", "Plan": {"Stages": []}}
    tagged = {**asked, "Tags": [{"Key": "team", "Value": "payments"}]}
    # A replication set does not tell which Region is its first.
    clients = [aws.client("ssm-contacts", region) for region in aws.regions]
    first, *_ = [client for client in clients if not aws.code(client.create_contact, **tagged)]
    (person,) = [found["ContactArn"] for found in first.list_contacts(AliasPrefix=asked["Alias"])["Contacts"]]
    first.tag_resource(ResourceARN=person, Tags=[{"Key": "stage", "Value": "prod"}])
    first.untag_resource(ResourceARN=person, TagKeys=["team"])
    assert first.list_tags_for_resource(ResourceARN=person)["Tags"] == [{"Key": "stage", "Value": "prod"}]


@unsettled("a new contact of a deleted one's alias", here="has none of its tags")
@contacts_api("CreateContact")
def test_a_new_contact_of_a_deleted_ones_alias(aws: Aws) -> str:
    """Its ARN is the same; what went with the old one is not said."""
    alias = aws.name("ann")
    person = aws.person(Alias=alias, Tags=[{"Key": "team", "Value": "payments"}])
    aws.contacts.delete_contact(ContactId=person)
    if code := aws.code(lambda: aws.person(Alias=alias)):
        return code
    return (
        "has its tags"
        if aws.contacts.list_tags_for_resource(ResourceARN=person)["Tags"]
        else ("has none of its tags")
    )
