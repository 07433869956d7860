"""What the API reference says of contacts beside shapes and limits of the model; in process, rule by rule.

https://docs.aws.amazon.com/incident-manager/latest/APIReference/API_Operations_AWS_Systems_Manager_Incident_Manager_Contacts.html
"""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from cdk_incidents.local._server.clock import Clock
from cdk_incidents.local._server.faults import Faults
from cdk_incidents.local._server.protocol.errors import ServiceError
from cdk_incidents.local._server.protocol.wire import Wire
from cdk_incidents.local._server.services import CONTACTS, Service
from cdk_incidents.local._server.state import Caller, Cloud

_HERE, _THERE = "us-east-1", "eu-west-1"
_START = dt.datetime(2027, 1, 4, 9, tzinfo=dt.timezone.utc)
_HOUR, _DAY = dt.timedelta(hours=1), dt.timedelta(days=1)
_DAILY = {
    "NumberOfOnCalls": 1,
    "RecurrenceMultiplier": 1,
    "DailySettings": [{"HourOfDay": 9, "MinuteOfHour": 0}],
}


class _Contacts:
    """The contacts of one account, without the wire, in two Regions."""

    def __init__(self) -> None:
        self.cloud = Cloud(_HERE, clock=Clock(lambda: _START))
        account = self.cloud.account("0" * 12)
        assert account.replication_set
        account.replication_set["regionMap"][_THERE] = {"status": "ACTIVE"}
        self.account = account
        self._service = Service(self.cloud, "ssm-contacts", CONTACTS, Faults())
        self._wire = Wire("ssm-contacts")
        self._count = 0

    def __call__(self, operation: str, region: str = _HERE, /, **params: Any) -> dict[str, Any]:
        """Call an operation; its answer must be what the model says."""
        caller = Caller(self.account, region, "arn:aws:iam::000000000000:root", lambda *_: True)
        answer = self._service.call(operation, params, caller)
        self._wire.write(operation, answer)
        return answer

    def contact(self, *stages: dict[str, Any], kind: str = "PERSONAL", region: str = _HERE) -> str:
        """Make a contact of a new alias."""
        self._count += 1
        asked = {"Alias": f"c{self._count}", "Type": kind, "Plan": {"Stages": list(stages)}}
        arn: str = self("CreateContact", region, **asked)["ContactArn"]
        return arn

    def channel(self, contact: str, kind: str = "SMS") -> str:
        """Give somebody a channel, and activate it."""
        address = {"SimpleAddress": "a@example.com" if kind == "EMAIL" else "+4915112345678"}
        asked = {"ContactId": contact, "Name": kind, "Type": kind, "DeliveryAddress": address}
        arn: str = self("CreateContactChannel", **asked)["ContactChannelArn"]
        self("ActivateContactChannel", ContactChannelId=arn, ActivationCode=self.account.codes[arn])
        return arn

    def paged(self, *minutes: int) -> tuple[str, list[str]]:
        """Make somebody who is paged by stages of so many minutes, each with a channel of its own."""
        person = self.contact()
        channels = [self.channel(person) for _ in minutes]
        stages = [_stage(length, channel) for length, channel in zip(minutes, channels, strict=True)]
        self("UpdateContact", ContactId=person, Plan={"Stages": stages})
        return person, channels

    def rotation(self, *people: str, region: str = _HERE, **more: Any) -> str:
        """Make a rotation that changes daily."""
        asked = {"StartTime": _START, "TimeZoneId": "UTC", "Recurrence": _DAILY, "Name": "r", **more}
        arn: str = self("CreateRotation", region, ContactIds=list(people), **asked)["RotationArn"]
        return arn

    def engage(self, contact: str, **more: Any) -> str:
        """Engage somebody."""
        asked = {"ContactId": contact, "Sender": "me", "Subject": "s", "Content": "c", **more}
        arn: str = self("StartEngagement", **asked)["EngagementArn"]
        return arn

    def sent(self) -> list[float]:
        """Give the minutes after which pages were sent."""
        return [page["after_s"] / 60 for page in self.cloud.pages]


@pytest.fixture
def contacts() -> _Contacts:
    """Give contacts of their own."""
    return _Contacts()


def _stage(minutes: int, *channels: str) -> dict[str, Any]:
    targets = [{"ChannelTargetInfo": {"ContactChannelId": channel}} for channel in channels]
    return {"DurationInMinutes": minutes, "Targets": targets}


def _engages(minutes: int, contact: str) -> dict[str, Any]:
    target = {"ContactTargetInfo": {"ContactId": contact, "IsEssential": True}}
    return {"DurationInMinutes": minutes, "Targets": [target]}


def _code(refused: pytest.ExceptionInfo[ServiceError]) -> str:
    return refused.value.code


# Quotas: https://docs.aws.amazon.com/general/latest/gr/incident-manager.html


def test_an_account_has_1000_contacts(contacts: _Contacts) -> None:
    """The next one is over the quota, until one goes; another Region counts for itself."""
    for _ in range(1000):
        last = contacts.contact()
    with pytest.raises(ServiceError, match="at most 1000 contacts") as refused:
        contacts.contact()
    assert _code(refused) == "ServiceQuotaExceededException"
    assert contacts.contact(region=_THERE)
    contacts("DeleteContact", ContactId=last)
    assert contacts.contact()


# CreateContact, UpdateContact


def test_a_stage_lasts_no_time_only_with_a_target(contacts: _Contacts) -> None:
    """The duration can only be set to 0 if a target is specified (Stage)."""
    with pytest.raises(ServiceError, match="only where the stage has a target") as refused:
        contacts.contact(_stage(0))
    assert _code(refused) == "ValidationException"
    assert contacts.contact(_stage(1))
    assert contacts.contact(_engages(0, contacts.contact()), kind="ESCALATION")


@pytest.mark.parametrize("targets", [[{}], [{"ContactTargetInfo": {}, "ChannelTargetInfo": {}}]])
def test_a_target_is_of_one_kind(contacts: _Contacts, targets: list[dict[str, Any]]) -> None:
    """Neither of none, nor of both."""
    with pytest.raises(ServiceError, match="must be a ContactTargetInfo"):
        contacts.contact({"DurationInMinutes": 1, "Targets": targets}, kind="ESCALATION")


def test_a_name_changes_though_the_plan_names_what_is_gone(contacts: _Contacts) -> None:
    """A deleted contact stays in plans (DeleteContact): only a new plan is looked at."""
    gone = contacts.contact()
    plan = contacts.contact(_engages(1, gone), kind="ESCALATION")
    contacts("DeleteContact", ContactId=gone)
    contacts("UpdateContact", ContactId=plan, DisplayName="Renamed")
    assert contacts("GetContact", ContactId=plan)["DisplayName"] == "Renamed"
    with pytest.raises(ServiceError, match=f"There is no {gone}"):
        contacts("UpdateContact", ContactId=plan, Plan={"Stages": [_engages(2, gone)]})


def test_plans_stay_in_their_region(contacts: _Contacts) -> None:
    """Contacts, rotations and channels are a Region's, as their ARNs tell: another one's are not there."""
    there = contacts.contact(region=_THERE)
    rotation = contacts.rotation(there, region=_THERE)
    with pytest.raises(ServiceError, match=f"There is no {there}"):
        contacts.contact(_engages(1, there), kind="ESCALATION")
    with pytest.raises(ServiceError, match=f"There is no {rotation}"):
        contacts("CreateContact", Alias="s", Type="ONCALL_SCHEDULE", Plan={"RotationIds": [rotation]})
    with pytest.raises(ServiceError, match=there) as refused:
        contacts.rotation(there)
    assert _code(refused) == "ResourceNotFoundException"
    with pytest.raises(ServiceError, match="PERSONAL"):
        contacts.channel(there)


def test_a_token_is_a_regions(contacts: _Contacts) -> None:
    """The same call elsewhere makes something of its own."""
    asked = {"Alias": "ann", "Type": "PERSONAL", "Plan": {"Stages": []}, "IdempotencyToken": "t"}
    here, there = (contacts("CreateContact", region, **asked)["ContactArn"] for region in (_HERE, _THERE))
    assert (here.split(":")[3], there.split(":")[3]) == (_HERE, _THERE)
    assert contacts("CreateContact", **asked)["ContactArn"] == here


def test_every_token_makes_one_thing(contacts: _Contacts) -> None:
    """IdempotencyToken of CreateContactChannel, CreateRotation, CreateRotationOverride, StartEngagement."""
    ann = contacts.contact()
    rotation = contacts.rotation(ann)
    address = {"SimpleAddress": "a@example.com"}
    calls: list[tuple[str, dict[str, Any]]] = [
        (
            "CreateContactChannel",
            {"ContactId": ann, "Name": "n", "Type": "EMAIL", "DeliveryAddress": address},
        ),
        ("CreateRotation", {"Name": "n", "ContactIds": [ann], "TimeZoneId": "UTC", "Recurrence": _DAILY}),
        (
            "CreateRotationOverride",
            {"RotationId": rotation, "NewContactIds": [ann], "StartTime": _START, "EndTime": _START + _DAY},
        ),
        ("StartEngagement", {"ContactId": ann, "Sender": "me", "Subject": "s", "Content": "c"}),
    ]
    for operation, asked in calls:
        answers = [contacts(operation, **asked, IdempotencyToken=token) for token in "ttu"]
        first, again, other = (next(iter(answer.values())) for answer in answers)
        assert again == first
        assert other != first


# Channels


def test_a_stage_with_a_deleted_channel_is_ignored(contacts: _Contacts) -> None:
    """The plan keeps a deleted channel, but its stage is ignored (DeleteContactChannel)."""
    person, (gone, _) = contacts.paged(5, 5)
    before = contacts("GetContact", ContactId=person)["Plan"]
    contacts("DeleteContactChannel", ContactChannelId=gone)
    assert contacts("GetContact", ContactId=person)["Plan"] == before
    contacts.engage(person)
    contacts.cloud.clock.play_out()
    assert contacts.sent() == [0]


def test_a_new_address_needs_a_code_of_its_own(contacts: _Contacts) -> None:
    """What was sent to the old address activates nothing any more."""
    channel = contacts.channel(contacts.contact())
    old = contacts.account.codes[channel]
    address = {"SimpleAddress": "+4915187654321"}
    contacts("UpdateContactChannel", ContactChannelId=channel, DeliveryAddress=address)
    with pytest.raises(ServiceError, match="activation code"):
        contacts("ActivateContactChannel", ContactChannelId=channel, ActivationCode=old)
    contacts("SendActivationCode", ContactChannelId=channel)
    new = contacts.account.codes[channel]
    contacts("ActivateContactChannel", ContactChannelId=channel, ActivationCode=new)
    assert contacts("GetContactChannel", ContactChannelId=channel)["ActivationStatus"] == "ACTIVATED"


def test_what_is_deleted_leaves_nothing(contacts: _Contacts) -> None:
    """No code of a deleted channel, no channel of a deleted contact, no override of a deleted rotation."""
    ann = contacts.contact()
    contacts("DeleteContactChannel", ContactChannelId=contacts.channel(ann))
    contacts.channel(ann)
    contacts("DeleteContact", ContactId=ann)
    bob = contacts.contact()
    rotation = contacts.rotation(bob)
    asked = {"NewContactIds": [bob], "StartTime": _START, "EndTime": _START + _DAY}
    contacts("CreateRotationOverride", RotationId=rotation, **asked)
    contacts("DeleteRotation", RotationId=rotation)
    account = contacts.account
    assert (account.codes, account.channels, account.overrides) == ({}, {}, {})


# Rotations


def test_a_deleted_rotation_leaves_its_schedules(contacts: _Contacts) -> None:
    """It is deleted from all on-call schedules that it belongs to (DeleteRotation)."""
    ann, bob = contacts.paged(1)[0], contacts.paged(1)[0]
    gone, kept = contacts.rotation(ann), contacts.rotation(bob)
    plan = {"RotationIds": [gone, kept]}
    schedules = [
        contacts("CreateContact", Alias=alias, Type="ONCALL_SCHEDULE", Plan=plan)["ContactArn"]
        for alias in ("one", "two")
    ]
    contacts("DeleteRotation", RotationId=gone)
    for schedule in schedules:
        assert contacts("GetContact", ContactId=schedule)["Plan"] == {"RotationIds": [kept]}
    contacts.engage(schedules[0])
    assert [page["contact_arn"] for page in contacts.cloud.pages] == [bob]


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"DailySettings": []}, "a hand-off"),
        ({"ShiftCoverages": {"MON": [{"Start": {"HourOfDay": 9, "MinuteOfHour": 0}}]}}, "Start and End"),
        ({"WeeklySettings": []}, "exactly one"),
        ({"NumberOfOnCalls": 2}, "at most 1"),
    ],
)
def test_a_rotation_and_its_preview_are_checked_alike(
    contacts: _Contacts, wrong: dict[str, Any], told: str
) -> None:
    """What the model leaves open, and makes no sense."""
    recurrence = {**_DAILY, **wrong}
    with pytest.raises(ServiceError, match=told):
        contacts.rotation(contacts.contact(), Recurrence=recurrence)
    asked = {"EndTime": _START + _DAY, "Members": ["ann"], "TimeZoneId": "UTC"}
    with pytest.raises(ServiceError, match=told):
        contacts("ListPreviewRotationShifts", **asked, Recurrence=recurrence)


def test_a_preview_needs_a_zone_and_overrides_that_end(contacts: _Contacts) -> None:
    """As rotations and their overrides do."""
    asked = {"EndTime": _START + _DAY, "Members": ["ann", "bob"], "Recurrence": _DAILY}
    with pytest.raises(ServiceError, match="IANA"):
        contacts("ListPreviewRotationShifts", **asked, TimeZoneId="PST")
    for wrong in ({"StartTime": _START}, {"StartTime": _START + _DAY, "EndTime": _START}):
        with pytest.raises(ServiceError, match="must end after"):
            contacts("ListPreviewRotationShifts", **asked, TimeZoneId="UTC", Overrides=[wrong])
    override: dict[str, Any] = {"StartTime": _START, "EndTime": _START + _DAY / 2, "NewMembers": ["bob"]}
    told = contacts("ListPreviewRotationShifts", **asked, TimeZoneId="UTC", Overrides=[override])
    assert [(s["ContactIds"], s["Type"]) for s in told["RotationShifts"]] == [
        (["bob"], "OVERRIDDEN"),
        (["ann"], "REGULAR"),
    ]


def test_an_override_is_of_its_rotation(contacts: _Contacts) -> None:
    """By another one it is neither found nor listed nor deleted; the lists go by its start."""
    ann = contacts.contact()
    rotation, other = contacts.rotation(ann), contacts.rotation(ann)
    late, early = (
        contacts(
            "CreateRotationOverride",
            RotationId=rotation,
            NewContactIds=[ann],
            StartTime=_START + hours * _HOUR,
            EndTime=_START + _DAY,
        )["RotationOverrideId"]
        for hours in (2, 1)
    )
    for operation in ("GetRotationOverride", "DeleteRotationOverride"):
        with pytest.raises(ServiceError) as refused:
            contacts(operation, RotationId=other, RotationOverrideId=late)
        assert _code(refused) == "ResourceNotFoundException"
    within = {"StartTime": _START, "EndTime": _START + _DAY}
    listed = [
        contacts("ListRotationOverrides", RotationId=arn, **within)["RotationOverrides"]
        for arn in (rotation, other)
    ]
    assert [[o["RotationOverrideId"] for o in found] for found in listed] == [[early, late], []]


# Engagements and pages


def test_a_receipt_tells_channel_and_note(contacts: _Contacts) -> None:
    """By what channel a page was acknowledged, and what the user said (Receipt)."""
    person, (channel,) = contacts.paged(5)
    other = contacts.channel(person, "EMAIL")
    contacts.engage(person)
    (page,) = contacts.cloud.pages
    asked = {"PageId": page["page_arn"], "AcceptCode": page["accept_code"]}
    contacts("AcceptPage", **asked, AcceptType="DELIVERED", Note="on my way")
    contacts("AcceptPage", **asked, AcceptType="READ", ContactChannelId=other)
    receipts = contacts("ListPageReceipts", PageId=page["page_arn"])["Receipts"]
    assert [(r["ReceiptType"], r["ContactChannelArn"], r.get("ReceiptInfo")) for r in receipts] == [
        ("SENT", channel, None),
        ("DELIVERED", channel, None),
        ("DELIVERED", channel, "on my way"),
        ("READ", other, None),
    ]


def test_what_was_delivered_has_not_been_read(contacts: _Contacts) -> None:
    """AcceptType DELIVERED stops nothing, READ does."""
    person, _ = contacts.paged(5, 5, 5)
    engagement = contacts.engage(person)
    page = contacts.cloud.pages[0]
    asked = {"PageId": page["page_arn"], "AcceptCode": page["accept_code"]}
    contacts("AcceptPage", **asked, AcceptType="DELIVERED")
    contacts.cloud.clock.advance(dt.timedelta(minutes=5))
    assert contacts.sent() == [0, 5]
    contacts("AcceptPage", **asked, AcceptType="READ")
    contacts.cloud.clock.play_out()
    assert contacts.sent() == [0, 5]
    assert "StopTime" in contacts("DescribeEngagement", EngagementId=engagement)


def test_a_page_is_accepted_by_a_channel_that_is_there(contacts: _Contacts) -> None:
    """A channel that does not exist is not found."""
    contacts.engage(contacts.paged(5)[0])
    (page,) = contacts.cloud.pages
    asked = {"PageId": page["page_arn"], "AcceptCode": page["accept_code"], "AcceptType": "READ"}
    nowhere = f"arn:aws:ssm-contacts:{_HERE}:000000000000:contact-channel/c1/none"
    with pytest.raises(ServiceError) as refused:
        contacts("AcceptPage", **asked, ContactChannelId=nowhere)
    assert _code(refused) == "ResourceNotFoundException"
    assert "ReadTime" not in contacts("DescribePage", PageId=page["page_arn"])


def test_engagements_and_pages_are_a_regions(contacts: _Contacts) -> None:
    """As their ARNs tell."""
    engagement = contacts.engage(contacts.paged(5)[0])
    (page,) = contacts.cloud.pages
    assert contacts("ListEngagements", _THERE)["Engagements"] == []
    for operation, asked in (
        ("DescribeEngagement", {"EngagementId": engagement}),
        ("StopEngagement", {"EngagementId": engagement}),
        ("DescribePage", {"PageId": page["page_arn"]}),
        ("ListPagesByEngagement", {"EngagementId": engagement}),
    ):
        with pytest.raises(ServiceError) as refused:
            contacts(operation, _THERE, **asked)
        assert _code(refused) == "ResourceNotFoundException"


def test_engagements_are_listed_by_incident_and_time(contacts: _Contacts) -> None:
    """Of that incident alone, from its start to its end, both included."""
    person, incident = contacts.paged(1)[0], "arn:aws:ssm-incidents::000000000000:incident-record/p/1"
    first = contacts.engage(person, IncidentId=incident)
    contacts.cloud.clock.advance(_HOUR)
    second = contacts.engage(person, IncidentId=incident)
    contacts.engage(person)

    def listed(**asked: Any) -> list[str]:
        return [e["EngagementArn"] for e in contacts("ListEngagements", **asked)["Engagements"]]

    assert listed(IncidentId=incident) == [first, second]
    assert listed(IncidentId=incident, TimeRangeValue={"EndTime": _START}) == [first]
    later = {"StartTime": _START + _HOUR, "EndTime": _START + _DAY}
    assert listed(IncidentId=incident, TimeRangeValue=later) == [second]
    assert len(listed()) == 3


# Policies and tags


@pytest.mark.parametrize("policy", ["allow", "[]", "{"])
def test_a_policy_is_a_json_object(contacts: _Contacts, policy: str) -> None:
    """The details of a resource policy (PutContactPolicy)."""
    ann = contacts.contact()
    with pytest.raises(ServiceError, match="JSON object") as refused:
        contacts("PutContactPolicy", ContactArn=ann, Policy=policy)
    assert _code(refused) == "ValidationException"
    assert contacts("GetContactPolicy", ContactArn=ann)["Policy"] is None
    contacts("PutContactPolicy", ContactArn=ann, Policy='{"Statement": []}')
    assert contacts("GetContactPolicy", ContactArn=ann)["Policy"] == '{"Statement": []}'


def test_contacts_are_tagged_in_the_first_region_alone(contacts: _Contacts) -> None:
    """Of the replication set (CreateContact, TagResource); rotations are tagged anywhere."""
    tags = [{"Key": "team", "Value": "payments"}]
    asked = {"Type": "PERSONAL", "Plan": {"Stages": []}, "Tags": tags}
    first = contacts("CreateContact", Alias="first", **asked)["ContactArn"]
    assert contacts("ListTagsForResource", ResourceARN=first)["Tags"] == tags
    with pytest.raises(ServiceError, match="first Region"):
        contacts("CreateContact", _THERE, Alias="second", **asked)
    second = contacts.contact(region=_THERE)
    with pytest.raises(ServiceError, match="first Region"):
        contacts("TagResource", _THERE, ResourceARN=second, Tags=tags)
    rotation = contacts.rotation(second, region=_THERE, Tags=tags)
    assert contacts("ListTagsForResource", _THERE, ResourceARN=rotation)["Tags"] == tags


def test_only_contacts_and_rotations_have_tags(contacts: _Contacts) -> None:
    """And only in their Region (ListTagsForResource)."""
    ann = contacts.contact()
    for region, arn in ((_HERE, contacts.channel(ann)), (_THERE, ann)):
        with pytest.raises(ServiceError) as refused:
            contacts("ListTagsForResource", region, ResourceARN=arn)
        assert _code(refused) == "ResourceNotFoundException"
