"""Contacts, channels, rotations: kept by the API, within its rules."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from .conftest import ACCOUNT, REGION, unique

if TYPE_CHECKING:
    from .conftest import Aws

_HOUR = {"HourOfDay": 9, "MinuteOfHour": 0}
_DAILY = {"NumberOfOnCalls": 1, "RecurrenceMultiplier": 1, "DailySettings": [_HOUR]}
_START = dt.datetime(2027, 1, 4, 9, tzinfo=dt.timezone.utc)
_DAY = dt.timedelta(days=1)


@pytest.fixture
def contacts(aws: Aws) -> Any:
    """Give a client of the contacts that may do everything."""
    return aws.client("ssm-contacts")


def _person(contacts: Any, alias: str = "", **more: Any) -> str:
    plan = more.pop("Plan", {"Stages": []})
    created = contacts.create_contact(Alias=alias or unique("p"), Type="PERSONAL", Plan=plan, **more)
    arn: str = created["ContactArn"]
    return arn


def _rotation(contacts: Any, people: list[str], **more: Any) -> str:
    asked = {"Name": "weekly", "StartTime": _START, "TimeZoneId": "UTC", "Recurrence": _DAILY, **more}
    arn: str = contacts.create_rotation(ContactIds=people, **asked)["RotationArn"]
    return arn


def test_a_contact_gives_back_what_went_in(contacts: Any) -> None:
    """Its ARN is made of its Region and alias."""
    alias = unique("ann")
    arn = _person(contacts, alias, DisplayName="Ann Émile")
    assert arn == f"arn:aws:ssm-contacts:{REGION}:{ACCOUNT}:contact/{alias}"
    found = contacts.get_contact(ContactId=arn)
    assert (found["Alias"], found["DisplayName"], found["Type"]) == (alias, "Ann Émile", "PERSONAL")
    assert found["Plan"] == {"Stages": []}


def test_an_alias_is_taken_once(contacts: Any) -> None:
    """A second contact of one alias is a conflict that names the first."""
    alias = unique("ann")
    arn = _person(contacts, alias)
    with pytest.raises(contacts.exceptions.ConflictException) as caught:
        _person(contacts, alias, DisplayName="Another")
    assert caught.value.response["ResourceId"] == arn


def test_the_same_token_gives_the_same_contact(contacts: Any) -> None:
    """A retry with its token and details makes nothing new."""
    alias = unique("ann")
    first = _person(contacts, alias, IdempotencyToken=alias)
    assert _person(contacts, alias, IdempotencyToken=alias) == first


def test_an_alias_is_checked_by_the_model(contacts: Any) -> None:
    """Capital letters and dots are refused."""
    for alias in ("Ann", "ann.smith"):
        with pytest.raises(contacts.exceptions.ValidationException, match="pattern"):
            _person(contacts, alias)


def test_contacts_are_a_regions(aws: Aws, contacts: Any) -> None:
    """Another Region does not know them."""
    (arn,) = aws.client("ssm-incidents", key=f"{31:012d}").list_replication_sets()["replicationSetArns"]
    aws.client("ssm-incidents", key=f"{31:012d}").update_replication_set(
        arn=arn, actions=[{"addRegionAction": {"regionName": "eu-west-1"}}]
    )
    person = _person(aws.client("ssm-contacts", key=f"{31:012d}"))
    there = aws.client("ssm-contacts", region="eu-west-1", key=f"{31:012d}")
    with pytest.raises(contacts.exceptions.ResourceNotFoundException):
        there.get_contact(ContactId=person)
    assert there.list_contacts()["Contacts"] == []


def test_contacts_are_listed_by_type_and_beginning(contacts: Any) -> None:
    """Page by page, by ARN."""
    prefix = unique("list")
    people = [_person(contacts, f"{prefix}-{n}") for n in range(3)]
    contacts.create_contact(Alias=f"{prefix}-esc", Type="ESCALATION", Plan={"Stages": []})
    asked = {"AliasPrefix": prefix, "Type": "PERSONAL", "PaginationConfig": {"PageSize": 2}}
    pages = contacts.get_paginator("list_contacts").paginate(**asked)
    assert [c["ContactArn"] for page in pages for c in page["Contacts"]] == people


@pytest.mark.parametrize(
    ("kind", "plan"),
    [
        ("ONCALL_SCHEDULE", {"Stages": [{"DurationInMinutes": 1, "Targets": []}]}),
        ("PERSONAL", {"RotationIds": ["arn:aws:ssm-contacts:us-east-1:000000000000:rotation/x"]}),
        (
            "PERSONAL",
            {"Stages": [{"DurationInMinutes": 1, "Targets": [{"ContactTargetInfo": {"IsEssential": True}}]}]},
        ),
        ("PERSONAL", {"Stages": [{"DurationInMinutes": 31, "Targets": []}]}),
    ],
)
def test_a_plan_must_fit_the_type(contacts: Any, kind: str, plan: dict[str, Any]) -> None:
    """Schedules have rotations and no stages, people have channels, and a stage lasts 30 minutes at most."""
    with pytest.raises(contacts.exceptions.ValidationException):
        contacts.create_contact(Alias=unique("c"), Type=kind, Plan=plan)


@pytest.mark.parametrize(("count", "allowed"), [(10, True), (11, False)])
def test_a_plan_has_ten_stages(contacts: Any, count: int, allowed: bool) -> None:  # noqa: FBT001
    """The eleventh is over the quota."""
    plan = {"Stages": [{"DurationInMinutes": 1, "Targets": []}] * count}
    if allowed:
        assert len(contacts.get_contact(ContactId=_person(contacts, Plan=plan))["Plan"]["Stages"]) == count
    else:
        with pytest.raises(ClientError, match="at most 10 stages"):
            _person(contacts, Plan=plan)


@pytest.mark.parametrize(("retry", "allowed"), [(60, True), (61, False)])
def test_a_retry_waits_an_hour_at_most(aws: Aws, contacts: Any, retry: int, allowed: bool) -> None:  # noqa: FBT001
    """The model's limit holds."""
    person = aws.contact()
    channel = aws.channel(person)
    target = {"ChannelTargetInfo": {"ContactChannelId": channel, "RetryIntervalInMinutes": retry}}
    plan = {"Stages": [{"DurationInMinutes": 1, "Targets": [target]}]}
    if allowed:
        contacts.update_contact(ContactId=person, Plan=plan)
        assert contacts.get_contact(ContactId=person)["Plan"] == plan
    else:
        with pytest.raises(contacts.exceptions.ValidationException, match="60"):
            contacts.update_contact(ContactId=person, Plan=plan)


def test_a_stage_has_channels_of_its_contact_only(aws: Aws, contacts: Any) -> None:
    """Another person's channel is refused."""
    theirs, person = aws.channel(aws.contact()), aws.contact()
    plan = {
        "Stages": [{"DurationInMinutes": 1, "Targets": [{"ChannelTargetInfo": {"ContactChannelId": theirs}}]}]
    }
    with pytest.raises(contacts.exceptions.ValidationException, match="There is no"):
        contacts.update_contact(ContactId=person, Plan=plan)


@pytest.mark.parametrize(
    ("kind", "address"), [("SMS", "0151 1234567"), ("VOICE", "+0151"), ("EMAIL", "nobody")]
)
def test_an_address_must_fit_its_type(contacts: Any, kind: str, address: str) -> None:
    """Phones are E.164, mail has an @."""
    with pytest.raises(contacts.exceptions.ValidationException, match="must be"):
        contacts.create_contact_channel(
            ContactId=_person(contacts), Name="n", Type=kind, DeliveryAddress={"SimpleAddress": address}
        )


def test_a_channel_is_activated_by_its_code(aws: Aws, contacts: Any) -> None:
    """A wrong code does nothing, the one that was sent activates it."""
    channel = aws.channel(_person(contacts), active=False)
    code = aws.control("GET", "codes")["codes"][channel]
    wrong = f"{(int(code) + 1) % 10**6:06d}"
    with pytest.raises(contacts.exceptions.ValidationException, match="activation code"):
        contacts.activate_contact_channel(ContactChannelId=channel, ActivationCode=wrong)
    assert contacts.get_contact_channel(ContactChannelId=channel)["ActivationStatus"] == "NOT_ACTIVATED"
    contacts.activate_contact_channel(ContactChannelId=channel, ActivationCode=code)
    assert contacts.get_contact_channel(ContactChannelId=channel)["ActivationStatus"] == "ACTIVATED"
    contacts.deactivate_contact_channel(ContactChannelId=channel)
    assert contacts.get_contact_channel(ContactChannelId=channel)["ActivationStatus"] == "NOT_ACTIVATED"


def test_a_deferred_channel_gets_its_code_when_asked(aws: Aws, contacts: Any) -> None:
    """DeferActivation sends none; SendActivationCode does."""
    channel = contacts.create_contact_channel(
        ContactId=_person(contacts),
        Name="n",
        Type="EMAIL",
        DeliveryAddress={"SimpleAddress": "a@example.com"},
        DeferActivation=True,
    )["ContactChannelArn"]
    assert channel not in aws.control("GET", "codes")["codes"]
    contacts.send_activation_code(ContactChannelId=channel)
    assert channel in aws.control("GET", "codes")["codes"]


def test_a_new_address_is_activated_anew(aws: Aws, contacts: Any) -> None:
    """A new name is not enough to lose the activation, a new address is."""
    channel = aws.channel(_person(contacts), "EMAIL")
    contacts.update_contact_channel(ContactChannelId=channel, Name="Renamed")
    assert contacts.get_contact_channel(ContactChannelId=channel)["ActivationStatus"] == "ACTIVATED"
    contacts.update_contact_channel(
        ContactChannelId=channel, DeliveryAddress={"SimpleAddress": "b@example.com"}
    )
    assert contacts.get_contact_channel(ContactChannelId=channel)["ActivationStatus"] == "NOT_ACTIVATED"


def test_channels_are_listed_by_contact(aws: Aws, contacts: Any) -> None:
    """Each with its activation."""
    person = aws.contact("SMS", "EMAIL")
    found = contacts.list_contact_channels(ContactId=person)["ContactChannels"]
    assert {(c["Type"], c["ActivationStatus"]) for c in found} == {
        ("SMS", "ACTIVATED"),
        ("EMAIL", "ACTIVATED"),
    }


def test_a_contact_takes_its_channels_along(aws: Aws, contacts: Any) -> None:
    """Its stages elsewhere keep its name, as the API reference says."""
    person = aws.contact("SMS")
    channel = contacts.list_contact_channels(ContactId=person)["ContactChannels"][0]["ContactChannelArn"]
    plan = aws.escalation((1, {person: True}))
    contacts.delete_contact(ContactId=person)
    with pytest.raises(contacts.exceptions.ResourceNotFoundException):
        contacts.get_contact_channel(ContactChannelId=channel)
    (stage,) = contacts.get_contact(ContactId=plan)["Plan"]["Stages"]
    assert stage["Targets"][0]["ContactTargetInfo"]["ContactId"] == person


def test_what_is_used_is_not_deleted(contacts: Any) -> None:
    """A contact of a rotation is a conflict that names the rotation."""
    person = _person(contacts)
    rotation = _rotation(contacts, [person])
    with pytest.raises(contacts.exceptions.ConflictException) as caught:
        contacts.delete_contact(ContactId=person)
    assert caught.value.response["DependentEntities"][0]["DependentResourceIds"] == [rotation]
    contacts.delete_rotation(RotationId=rotation)
    contacts.delete_contact(ContactId=person)


def test_a_rotation_gives_back_what_went_in(contacts: Any) -> None:
    """And changes what is given."""
    person = _person(contacts)
    rotation = _rotation(contacts, [person])
    found = contacts.get_rotation(RotationId=rotation)
    assert (found["ContactIds"], found["StartTime"], found["Recurrence"]) == ([person], _START, _DAILY)
    twice = {**_DAILY, "RecurrenceMultiplier": 2}
    contacts.update_rotation(RotationId=rotation, Recurrence=twice)
    found = contacts.get_rotation(RotationId=rotation)
    assert (found["Recurrence"], found["TimeZoneId"]) == (twice, "UTC")
    assert rotation in {r["RotationArn"] for r in contacts.list_rotations()["Rotations"]}


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"TimeZoneId": "PST"}, "IANA"),
        ({"Recurrence": {**_DAILY, "MonthlySettings": []}}, "exactly one"),
        ({"Recurrence": {**_DAILY, "NumberOfOnCalls": 2}}, "at most 1"),
        ({"Recurrence": {**_DAILY, "RecurrenceMultiplier": 101}}, "100"),
    ],
)
def test_a_rotation_is_checked(contacts: Any, wrong: dict[str, Any], told: str) -> None:
    """By the documents' rules and the model's."""
    with pytest.raises(contacts.exceptions.ValidationException, match=told):
        _rotation(contacts, [_person(contacts)], **wrong)


@pytest.mark.parametrize(("count", "allowed"), [(30, True), (31, False)])
def test_a_rotation_has_thirty_members(contacts: Any, count: int, allowed: bool) -> None:  # noqa: FBT001
    """The thirty-first is refused."""
    people = [_person(contacts)] * count
    if allowed:
        assert contacts.get_rotation(RotationId=_rotation(contacts, people))["ContactIds"] == people
    else:
        with pytest.raises(contacts.exceptions.ValidationException, match="30"):
            _rotation(contacts, people)


def _shifts(contacts: Any, rotation: str, days: int) -> list[tuple[list[str], str]]:
    found = contacts.list_rotation_shifts(RotationId=rotation, StartTime=_START, EndTime=_START + days * _DAY)
    return [(shift["ContactIds"], shift["Type"]) for shift in found["RotationShifts"]]


def test_shifts_go_round(contacts: Any) -> None:
    """Each day has the next contact."""
    ann, bob = _person(contacts), _person(contacts)
    rotation = _rotation(contacts, [ann, bob])
    assert _shifts(contacts, rotation, 3) == [([ann], "REGULAR"), ([bob], "REGULAR"), ([ann], "REGULAR")]


def test_an_override_stands_in(contacts: Any) -> None:
    """It cuts the shift, names whom it replaces, and ends when it is deleted."""
    ann, bob = _person(contacts), _person(contacts)
    rotation = _rotation(contacts, [ann, bob])
    begin, end = _START + _DAY / 4, _START + _DAY / 2
    override = contacts.create_rotation_override(
        RotationId=rotation, NewContactIds=[bob], StartTime=begin, EndTime=end
    )["RotationOverrideId"]
    asked = {"RotationId": rotation, "StartTime": _START, "EndTime": _START + _DAY}
    (listed,) = contacts.list_rotation_overrides(**asked)["RotationOverrides"]
    assert (listed["RotationOverrideId"], listed["StartTime"]) == (override, begin)
    told = contacts.list_rotation_shifts(**asked)["RotationShifts"]
    assert [(s["ContactIds"], s["Type"]) for s in told] == [
        ([ann], "REGULAR"),
        ([bob], "OVERRIDDEN"),
        ([ann], "REGULAR"),
    ]
    assert told[1]["ShiftDetails"] == {"OverriddenContactIds": [ann]}
    contacts.delete_rotation_override(RotationId=rotation, RotationOverrideId=override)
    assert _shifts(contacts, rotation, 1) == [([ann], "REGULAR")]
    with pytest.raises(contacts.exceptions.ResourceNotFoundException):
        contacts.get_rotation_override(RotationId=rotation, RotationOverrideId=override)


def test_shifts_are_previewed_without_a_rotation(contacts: Any) -> None:
    """By names as the caller gives them."""
    told = contacts.list_preview_rotation_shifts(
        RotationStartTime=_START,
        StartTime=_START,
        EndTime=_START + 2 * _DAY,
        Members=["ann", "bob"],
        TimeZoneId="UTC",
        Recurrence=_DAILY,
    )["RotationShifts"]
    assert [shift["ContactIds"] for shift in told] == [["ann"], ["bob"]]


def test_tags_come_and_go(contacts: Any) -> None:
    """In pairs, as this service has them."""
    person = _person(contacts, Tags=[{"Key": "team", "Value": "payments"}])
    contacts.tag_resource(ResourceARN=person, Tags=[{"Key": "stage", "Value": "prod"}])
    contacts.untag_resource(ResourceARN=person, TagKeys=["team"])
    assert contacts.list_tags_for_resource(ResourceARN=person)["Tags"] == [{"Key": "stage", "Value": "prod"}]


def test_a_contacts_policy_is_kept(contacts: Any) -> None:
    """And goes with the contact."""
    person = _person(contacts)
    contacts.put_contact_policy(ContactArn=person, Policy='{"Statement": []}')
    assert contacts.get_contact_policy(ContactArn=person)["Policy"] == '{"Statement": []}'


def test_permissions_are_on_the_contact(aws: Aws, contacts: Any) -> None:
    """A role sees the contact that it may see, and no other."""
    mine, other = _person(contacts), _person(contacts)
    allowed = {"Effect": "Allow", "Action": "ssm-contacts:GetContact", "Resource": mine}
    client = aws.as_role(aws.role(allowed), "ssm-contacts")
    assert client.get_contact(ContactId=mine)["ContactArn"] == mine
    with pytest.raises(ClientError, match="ssm-contacts:GetContact"):
        client.get_contact(ContactId=other)


def test_without_a_replication_set_there_are_no_contacts(aws: Aws) -> None:
    """Deleting the set deletes them."""
    incidents = aws.client("ssm-incidents", key=f"{32:012d}")
    client = aws.client("ssm-contacts", key=f"{32:012d}")
    _person(client)
    (arn,) = incidents.list_replication_sets()["replicationSetArns"]
    incidents.delete_replication_set(arn=arn)
    with pytest.raises(client.exceptions.ResourceNotFoundException):
        client.list_contacts()
    incidents.create_replication_set(regions={REGION: {}})
    assert client.list_contacts()["Contacts"] == []


@pytest.mark.parametrize(("count", "allowed"), [(10, True), (11, False)])
def test_a_stage_has_ten_channels(aws: Aws, contacts: Any, count: int, allowed: bool) -> None:  # noqa: FBT001
    """The eleventh is over the quota."""
    person = aws.contact()
    target = {"ChannelTargetInfo": {"ContactChannelId": aws.channel(person)}}
    plan = {"Stages": [{"DurationInMinutes": 1, "Targets": [target] * count}]}
    if allowed:
        contacts.update_contact(ContactId=person, Plan=plan)
        assert contacts.get_contact(ContactId=person)["Plan"] == plan
    else:
        with pytest.raises(contacts.exceptions.ServiceQuotaExceededException, match="at most 10 channels"):
            contacts.update_contact(ContactId=person, Plan=plan)


@pytest.mark.parametrize(("count", "allowed"), [(8, True), (9, False)])
def test_a_schedule_has_eight_rotations(contacts: Any, count: int, allowed: bool) -> None:  # noqa: FBT001
    """The ninth is over the quota."""
    plan = {"RotationIds": [_rotation(contacts, [_person(contacts)])] * count}
    asked = {"Alias": unique("s"), "Type": "ONCALL_SCHEDULE", "Plan": plan}
    if allowed:
        assert contacts.get_contact(ContactId=contacts.create_contact(**asked)["ContactArn"])["Plan"] == plan
    else:
        with pytest.raises(contacts.exceptions.ServiceQuotaExceededException, match="at most 8 rotations"):
            contacts.create_contact(**asked)


def test_a_schedules_rotations_are_there(contacts: Any) -> None:
    """One that is not is refused."""
    plan = {"RotationIds": [f"arn:aws:ssm-contacts:{REGION}:{ACCOUNT}:rotation/none"]}
    with pytest.raises(contacts.exceptions.ValidationException, match="There is no"):
        contacts.create_contact(Alias=unique("s"), Type="ONCALL_SCHEDULE", Plan=plan)


def test_only_people_have_channels_and_take_turns(aws: Aws, contacts: Any) -> None:
    """An escalation plan does neither."""
    team = aws.escalation()
    with pytest.raises(contacts.exceptions.ValidationException, match="PERSONAL"):
        aws.channel(team)
    with pytest.raises(contacts.exceptions.ResourceNotFoundException):
        _rotation(contacts, [team])


def test_an_override_is_by_members_and_forward(contacts: Any) -> None:
    """Nobody else can stand in, and it ends after it starts."""
    ann = _person(contacts)
    rotation = _rotation(contacts, [ann])
    asked = {"RotationId": rotation, "StartTime": _START, "EndTime": _START + _DAY}
    with pytest.raises(contacts.exceptions.ValidationException, match="There is no"):
        contacts.create_rotation_override(**asked, NewContactIds=[_person(contacts)])
    with pytest.raises(contacts.exceptions.ValidationException, match="end after"):
        contacts.create_rotation_override(**{**asked, "EndTime": _START}, NewContactIds=[ann])


def test_of_overlapping_overrides_the_last_one_holds(contacts: Any) -> None:
    """Where both are."""
    ann, bob, eve = (_person(contacts) for _ in range(3))
    rotation = _rotation(contacts, [ann, bob, eve])
    for who, end in ((bob, _START + _DAY), (eve, _START + _DAY / 2)):
        contacts.create_rotation_override(
            RotationId=rotation, NewContactIds=[who], StartTime=_START, EndTime=end
        )
    assert _shifts(contacts, rotation, 1) == [([eve], "OVERRIDDEN"), ([bob], "OVERRIDDEN")]


def test_a_new_contact_of_an_old_alias_begins_anew(contacts: Any) -> None:
    """Policy and tags went with the old one."""
    alias = unique("ann")
    person = _person(contacts, alias, Tags=[{"Key": "team", "Value": "payments"}])
    contacts.put_contact_policy(ContactArn=person, Policy="{}")
    contacts.delete_contact(ContactId=person)
    with pytest.raises(contacts.exceptions.ResourceNotFoundException):
        contacts.list_tags_for_resource(ResourceARN=person)
    _person(contacts, alias)
    assert "Policy" not in contacts.get_contact_policy(ContactArn=person)


def test_the_same_token_with_other_details_is_a_conflict(contacts: Any) -> None:
    """It gives no contact that was not asked for."""
    alias = unique("ann")
    _person(contacts, alias, IdempotencyToken=alias)
    with pytest.raises(contacts.exceptions.ConflictException):
        _person(contacts, alias, IdempotencyToken=alias, DisplayName="Another")


def test_no_results_at_most_means_as_many_as_usual(contacts: Any) -> None:
    """MaxResults may be 0."""
    _person(contacts)
    assert contacts.list_contacts(MaxResults=0)["Contacts"]


def test_permissions_on_channels_and_pages_are_as_the_reference_writes_them(aws: Aws) -> None:
    """A channel is `contactchannel`; who accepts a page needs the page, whatever channel is named."""
    person = aws.contact("SMS")
    channel = aws.channel(person)
    engaged = aws.client("ssm-contacts").start_engagement(
        ContactId=person, Sender="s", Subject="s", Content="c"
    )["EngagementArn"]
    (page,) = [p for p in aws.control("GET", "pages")["pages"] if p["engagement_arn"] == engaged]
    on_channel = channel.replace("contact-channel", "contactchannel")
    allowed = [
        {"Effect": "Allow", "Action": "ssm-contacts:GetContactChannel", "Resource": on_channel},
        {"Effect": "Allow", "Action": "ssm-contacts:AcceptPage", "Resource": page["page_arn"]},
    ]
    client = aws.as_role(aws.role(*allowed), "ssm-contacts")
    assert client.get_contact_channel(ContactChannelId=channel)["Type"] == "SMS"
    client.accept_page(
        PageId=page["page_arn"],
        ContactChannelId=channel,
        AcceptType="READ",
        AcceptCode=page["accept_code"],
    )
    (told,) = aws.client("ssm-contacts").list_pages_by_contact(ContactId=person)["Pages"]
    assert told["ReadTime"] >= told["SentTime"]
