"""Engagements play out: pages at their times, until somebody acknowledges or the incident is resolved."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from .conftest import unique

if TYPE_CHECKING:
    from .conftest import Aws

_HOUR = {"HourOfDay": 9, "MinuteOfHour": 0}
_DAILY = {"NumberOfOnCalls": 1, "RecurrenceMultiplier": 1, "DailySettings": [_HOUR]}


@pytest.fixture
def contacts(aws: Aws) -> Any:
    """Give a client of the contacts that may do everything."""
    return aws.client("ssm-contacts")


def _alias(arn: str) -> str:
    return arn.rpartition("/")[2]


def _incident(aws: Aws, *engaged: str, **details: Any) -> str:
    """Start an incident of a plan that engages contacts."""
    plan = aws.client("ssm-incidents").create_response_plan(
        name=unique("plan"), incidentTemplate={"title": "Failing", "impact": 1}, engagements=list(engaged)
    )["arn"]
    return aws.start(plan, **details)


def _acknowledge(aws: Aws, incident: str, contact: str) -> None:
    (*_, page) = [
        page
        for page in aws.control("GET", "pages")["pages"]
        if (page["incident_record_arn"], page["contact_arn"]) == (incident, contact)
    ]
    aws.client("ssm-contacts").accept_page(
        PageId=page["page_arn"], AcceptType="READ", AcceptCode=page["accept_code"]
    )


def _schedule(aws: Aws, *people: str) -> tuple[str, str]:
    """Make an on-call schedule whose contacts change daily, and give its ARN and its rotation's."""
    client, now = aws.client("ssm-contacts"), _now(aws)
    hour = {"HourOfDay": now.hour, "MinuteOfHour": now.minute}
    rotation = client.create_rotation(
        Name="daily",
        ContactIds=list(people),
        StartTime=now.replace(second=0, microsecond=0),
        TimeZoneId="UTC",
        Recurrence={**_DAILY, "DailySettings": [hour]},
    )["RotationArn"]
    plan = {"RotationIds": [rotation]}
    return client.create_contact(Alias=unique("schedule"), Type="ONCALL_SCHEDULE", Plan=plan)[
        "ContactArn"
    ], rotation


def _now(aws: Aws) -> dt.datetime:
    return dt.datetime.fromisoformat(aws.control("GET", "clock")["now"])


def test_an_incident_pages_at_once(aws: Aws) -> None:
    """By each channel of the first stage; a page tells who, how, when and why, and no address."""
    person = aws.contact("SMS", "EMAIL")
    incident = _incident(aws, person)
    assert aws.pages(incident) == [(_alias(person), "SMS", 0), (_alias(person), "EMAIL", 0)]
    (page, _) = [p for p in aws.control("GET", "pages")["pages"] if p["incident_record_arn"] == incident]
    assert (page["contact_arn"], page["channel_name"]) == (person, "SMS of it")
    assert "+49" not in str(page)


def test_a_channel_that_is_not_activated_reaches_nobody(aws: Aws) -> None:
    """Until its owner has activated it: then the next retry does."""
    person = aws.contact("SMS", stages=[(10, 4)], active=False)
    incident = _incident(aws, person)
    assert aws.pages(incident) == []
    told = aws.control("POST", "activations")["activated"]
    assert f"{_alias(person)} SMS" in told
    aws.advance(minutes=5)
    assert aws.pages(incident) == [(_alias(person), "SMS", 4)]


def test_stages_follow_with_their_retries(aws: Aws) -> None:
    """A stage begins when the one before ends, and retries end with their stage."""
    person = aws.contact("SMS", stages=[(5, 2), (0, 0), (1, 1)])
    incident = _incident(aws, person)
    aws.advance(minutes=60)
    assert [minutes for _, _, minutes in aws.pages(incident)] == [0, 2, 4, 5, 5]


def test_a_page_is_sent_no_sooner(aws: Aws) -> None:
    """Just before its time it is not there, at its time it is."""
    person = aws.contact("SMS", stages=[(5, 0), (5, 0)])
    incident = _incident(aws, person)
    aws.advance(minutes=4.9)
    assert len(aws.pages(incident)) == 1
    aws.advance(minutes=0.1)
    assert len(aws.pages(incident)) == 2


def test_resolving_stops_the_pages(aws: Aws, contacts: Any, incidents: Any) -> None:
    """All engagements of the incident end."""
    first, second = aws.contact("SMS", stages=[(5, 1)]), aws.contact("SMS", stages=[(5, 1)])
    incident = _incident(aws, first, second)
    incidents.update_incident_record(arn=incident, status="RESOLVED")
    aws.advance(minutes=10)
    assert len(aws.pages(incident)) == 2
    found = contacts.list_engagements(IncidentId=incident)["Engagements"]
    assert len([e for e in found if e["StopTime"] >= e["StartTime"]]) == 2


def test_a_merged_start_engages_nobody_again(aws: Aws, incidents: Any) -> None:
    """The open incident's engagement goes on."""
    person = aws.contact("SMS")
    plan = incidents.create_response_plan(
        name=unique("plan"),
        incidentTemplate={"title": "t", "impact": 1, "dedupeString": unique("d")},
        engagements=[person],
    )["arn"]
    incident = aws.start(plan)
    assert aws.start(plan) == incident
    assert len(aws.pages(incident)) == 1


def test_acknowledging_stops_a_persons_pages(aws: Aws, contacts: Any) -> None:
    """And ends the engagement, if the person was engaged directly."""
    person = aws.contact("SMS", stages=[(5, 1), (5, 1)])
    incident = _incident(aws, person)
    _acknowledge(aws, incident, person)
    aws.advance(minutes=20)
    assert len(aws.pages(incident)) == 1
    (engagement,) = contacts.list_engagements(IncidentId=incident)["Engagements"]
    assert contacts.describe_engagement(EngagementId=engagement["EngagementArn"])["StopTime"]


def test_a_wrong_code_acknowledges_nothing(aws: Aws, contacts: Any) -> None:
    """Unless its validation is switched off."""
    person = aws.contact("SMS", stages=[(5, 1)])
    incident = _incident(aws, person)
    (page,) = contacts.list_pages_by_contact(ContactId=person)["Pages"]
    told = contacts.describe_page(PageId=page["PageArn"])
    assert (told["IncidentId"], told["Subject"]) == (incident, "Failing")
    accept = {"PageId": page["PageArn"], "AcceptType": "READ", "AcceptCode": "9999999999"}
    with pytest.raises(contacts.exceptions.ValidationException, match="accept code"):
        contacts.accept_page(**accept)
    contacts.accept_page(**accept, AcceptCodeValidation="IGNORE")
    receipts = contacts.list_page_receipts(PageId=page["PageArn"])["Receipts"]
    assert [r["ReceiptType"] for r in receipts] == ["SENT", "DELIVERED", "READ"]


def test_an_escalation_goes_on_while_nobody_acknowledges(aws: Aws) -> None:
    """Each stage engages its contacts by their own plans."""
    ann, bob = aws.contact("SMS"), aws.contact("VOICE", stages=[(3, 2)])
    incident = _incident(aws, aws.escalation((5, {ann: True}), (5, {bob: True})))
    aws.advance(minutes=30)
    assert aws.pages(incident) == [
        (_alias(ann), "SMS", 0),
        (_alias(bob), "VOICE", 5),
        (_alias(bob), "VOICE", 7),
    ]


def test_an_essential_contact_stops_the_escalation(aws: Aws) -> None:
    """Who is in the later stages is not engaged any more."""
    ann, bob = aws.contact("SMS"), aws.contact("SMS")
    incident = _incident(aws, aws.escalation((5, {ann: True}), (5, {bob: True})))
    _acknowledge(aws, incident, ann)
    aws.advance(minutes=30)
    assert aws.pages(incident) == [(_alias(ann), "SMS", 0)]


def test_an_observer_stops_nothing(aws: Aws) -> None:
    """But the own pages."""
    eve, bob = aws.contact("SMS", stages=[(5, 1)]), aws.contact("SMS")
    incident = _incident(aws, aws.escalation((5, {eve: False}), (5, {bob: True})))
    _acknowledge(aws, incident, eve)
    aws.advance(minutes=30)
    assert aws.pages(incident) == [(_alias(eve), "SMS", 0), (_alias(bob), "SMS", 5)]


def test_a_colleague_who_was_engaged_already_is_paged_on(aws: Aws) -> None:
    """An acknowledgement stops the progress of stages, not another contact's own plan."""
    ann, bob = aws.contact("SMS"), aws.contact("SMS", stages=[(5, 3)])
    incident = _incident(aws, aws.escalation((5, {ann: True, bob: True}), (5, {ann: True})))
    _acknowledge(aws, incident, ann)
    aws.advance(minutes=30)
    assert aws.pages(incident) == [(_alias(ann), "SMS", 0), (_alias(bob), "SMS", 0), (_alias(bob), "SMS", 3)]


def test_a_schedule_engages_who_is_on_call(aws: Aws) -> None:
    """At that moment: the next day, the next one."""
    ann, bob = aws.contact("SMS"), aws.contact("SMS")
    schedule, _ = _schedule(aws, ann, bob)
    assert aws.pages(_incident(aws, schedule)) == [(_alias(ann), "SMS", 0)]
    aws.advance(minutes=24 * 60)
    assert aws.pages(_incident(aws, schedule)) == [(_alias(bob), "SMS", 0)]


def test_a_schedule_engages_who_stands_in(aws: Aws, contacts: Any) -> None:
    """By an override, while it lasts."""
    ann, bob = aws.contact("SMS"), aws.contact("SMS")
    schedule, rotation = _schedule(aws, ann, bob)
    now, hour = _now(aws), dt.timedelta(hours=1)
    contacts.create_rotation_override(
        RotationId=rotation, NewContactIds=[bob], StartTime=now - hour, EndTime=now + hour
    )
    assert aws.pages(_incident(aws, schedule)) == [(_alias(bob), "SMS", 0)]
    aws.advance(minutes=61)
    assert aws.pages(_incident(aws, schedule)) == [(_alias(ann), "SMS", 0)]


def test_on_call_counts_as_the_schedule_does(aws: Aws, contacts: Any) -> None:
    """An acknowledgement by who is on call stops the escalation that engaged the schedule."""
    ann, bob = aws.contact("SMS"), aws.contact("SMS")
    schedule, _ = _schedule(aws, ann)
    plan = aws.escalation((5, {schedule: True}), (5, {bob: True}))
    incident = _incident(aws, plan)
    (page,) = contacts.list_pages_by_contact(ContactId=ann)["Pages"]
    way = contacts.list_page_resolutions(PageId=page["PageArn"])["PageResolutions"]
    assert [step["ContactArn"] for step in way] == [plan, schedule, ann]
    _acknowledge(aws, incident, ann)
    aws.advance(minutes=30)
    assert aws.pages(incident) == [(_alias(ann), "SMS", 0)]


def test_a_plan_that_leads_to_itself_ends_there(aws: Aws, contacts: Any) -> None:
    """It does not page for ever."""
    ann = aws.contact("SMS")
    plan = aws.escalation((5, {ann: True}))
    again = [{"ContactTargetInfo": {"ContactId": arn, "IsEssential": True}} for arn in (ann, plan)]
    contacts.update_contact(ContactId=plan, Plan={"Stages": [{"DurationInMinutes": 0, "Targets": again}]})
    incident = _incident(aws, plan)
    aws.control("POST", "clock", {})
    assert aws.pages(incident) == [(_alias(ann), "SMS", 0)]


def test_a_contact_is_engaged_by_hand_and_let_go(aws: Aws, contacts: Any) -> None:
    """StartEngagement pages without an incident, StopEngagement ends it; a token starts one only."""
    person, token = aws.contact("SMS", stages=[(5, 2)]), unique("token")
    asked = {"ContactId": person, "Sender": "me", "Subject": "s", "Content": "c", "IdempotencyToken": token}
    engagement = contacts.start_engagement(**asked)["EngagementArn"]
    assert contacts.start_engagement(**asked)["EngagementArn"] == engagement
    aws.advance(minutes=2)
    contacts.stop_engagement(EngagementId=engagement)
    aws.advance(minutes=5)
    assert aws.pages(engagement) == [(_alias(person), "SMS", 0), (_alias(person), "SMS", 2)]
    assert len(contacts.list_pages_by_engagement(EngagementId=engagement)["Pages"]) == 2


def test_a_plan_may_name_who_is_not_there(aws: Aws) -> None:
    """Then nobody is paged, and the incident starts all the same."""
    incident = _incident(aws, "arn:aws:ssm-contacts:us-east-1:000000000000:contact/nobody")
    assert aws.pages(incident) == []


def test_permission_is_asked_for_each_engaged_contact(aws: Aws, incidents: Any) -> None:
    """Whoever starts an incident needs StartEngagement on every contact of its plan."""
    ann, bob = aws.contact("SMS"), aws.contact("SMS")
    plan = incidents.create_response_plan(
        name=unique("plan"), incidentTemplate={"title": "t", "impact": 1}, engagements=[ann, bob]
    )["arn"]
    allowed: list[dict[str, Any]] = [
        {"Effect": "Allow", "Action": ["ssm-incidents:StartIncident", "ssm:CreateOpsItem"], "Resource": "*"},
        {"Effect": "Allow", "Action": "ssm-contacts:StartEngagement", "Resource": ann},
    ]
    with pytest.raises(ClientError, match=f"ssm-contacts:StartEngagement on resource: {bob}"):
        aws.as_role(aws.role(*allowed)).start_incident(responsePlanArn=plan)
    allowed[1]["Resource"] = [ann, bob]
    incident = aws.as_role(aws.role(*allowed)).start_incident(responsePlanArn=plan)["incidentRecordArn"]
    assert len(aws.pages(incident)) == 2


def test_the_clock_moves_the_records_times(aws: Aws) -> None:
    """And it never goes back."""
    before = _now(aws)
    aws.advance(minutes=90)
    created = aws.record(_incident(aws))["creationTime"]
    assert dt.timedelta(minutes=90) <= created - before < dt.timedelta(minutes=91)
    with pytest.raises(OSError, match="400"):
        aws.advance(minutes=-1)


def test_the_clock_plays_out(aws: Aws) -> None:
    """Until nothing is left to do."""
    person = aws.contact("SMS", stages=[(30, 0), (30, 29)])
    incident = _incident(aws, person)
    assert aws.control("POST", "clock", {})["due"] is None
    assert [minutes for _, _, minutes in aws.pages(incident)] == [0, 30, 59]


def test_who_is_on_call_twice_is_engaged_once(aws: Aws, contacts: Any) -> None:
    """Two rotations of a schedule may have the same contact on call."""
    ann = aws.contact("SMS")
    (_, one), (_, two) = _schedule(aws, ann), _schedule(aws, ann)
    both = contacts.create_contact(
        Alias=unique("s"), Type="ONCALL_SCHEDULE", Plan={"RotationIds": [one, two]}
    )["ContactArn"]
    assert aws.pages(_incident(aws, both)) == [(_alias(ann), "SMS", 0)]


def test_engagements_are_listed_by_time(aws: Aws, contacts: Any) -> None:
    """Those that began within a range."""
    incident, hour = _incident(aws, aws.contact("SMS")), dt.timedelta(hours=1)
    now = _now(aws)
    found = [
        len(contacts.list_engagements(IncidentId=incident, TimeRangeValue=within)["Engagements"])
        for within in ({"StartTime": now - hour}, {"StartTime": now + hour}, {"EndTime": now - hour})
    ]
    assert found == [1, 0, 0]


def test_without_a_token_each_start_engages_anew(aws: Aws, contacts: Any) -> None:
    """Even with the same details."""
    asked = {"ContactId": aws.contact("SMS"), "Sender": "me", "Subject": "s", "Content": "c"}
    engaged = {contacts.start_engagement(**asked)["EngagementArn"] for _ in range(2)}
    assert len(engaged) == 2


def test_without_a_replication_set_engagements_end(aws: Aws) -> None:
    """Deleting it stops every page."""
    key = f"{36:012d}"
    incidents, client = aws.client("ssm-incidents", key=key), aws.client("ssm-contacts", key=key)
    person = client.create_contact(Alias="ann", Type="PERSONAL", Plan={"Stages": []})["ContactArn"]
    channel = client.create_contact_channel(
        ContactId=person, Name="n", Type="SMS", DeliveryAddress={"SimpleAddress": "+4915112345678"}
    )["ContactChannelArn"]
    aws.control("POST", "activations")
    target = {"ChannelTargetInfo": {"ContactChannelId": channel, "RetryIntervalInMinutes": 1}}
    stages = [{"DurationInMinutes": 5, "Targets": [target]}]
    client.update_contact(ContactId=person, Plan={"Stages": stages})
    asked = {"ContactId": person, "Sender": "me", "Subject": "s", "Content": "c"}
    engagement = client.start_engagement(**asked)["EngagementArn"]
    (arn,) = incidents.list_replication_sets()["replicationSetArns"]
    incidents.delete_replication_set(arn=arn)
    incidents.create_replication_set(regions={"us-east-1": {}})
    aws.advance(minutes=10)
    assert len(aws.pages(engagement)) == 1
    assert client.describe_engagement(EngagementId=engagement)["StopTime"]
