"""Engagements play out: stage by stage, until somebody acknowledges or the incident is resolved.

Whoever is engaged in an account has channels that nobody activated: engaged, and not paged.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import pytest

from .rules import CLOCK, PAGES, REPLICATION_SET, api, contacts_api, guide, loopback_only, unsettled

if TYPE_CHECKING:
    from collections.abc import Callable

    from cdk_incidents.local import LocalCloud

    from .account import Aws

    Pages = Callable[[str], list[tuple[str, str, float]]]

_DAILY = {"NumberOfOnCalls": 1, "RecurrenceMultiplier": 1}
_HOUR = dt.timedelta(hours=1)


@pytest.fixture
def active(aws: Aws, cloud: LocalCloud) -> Callable[..., str]:
    """Give what makes people whose channels are activated."""

    def make(*kinds: str, **more: Any) -> str:
        person = aws.person(*kinds, **more)
        cloud.activate_channels()
        return person

    return make


@pytest.fixture
def pages(cloud: LocalCloud) -> Pages:
    """Give what tells who was paged for an incident or by an engagement: contact, channel, minutes."""
    return lambda about: [
        (page["contact_arn"], page["channel"], round(page["after_s"] / 60, 1))
        for page in cloud.pages
        if about in (page["incident_record_arn"], page["engagement_arn"])
    ]


def _incident(aws: Aws, *engaged: str) -> str:
    return aws.start(aws.plan(engage=engaged))


def _engagements(aws: Aws, **asked: Any) -> list[dict[str, Any]]:
    found = aws.contacts.get_paginator("list_engagements").paginate(**asked)
    return [engagement for page in found for engagement in page["Engagements"]]


def _acknowledge(cloud: LocalCloud, incident: str, contact: str) -> None:
    (*_, page) = [
        page
        for page in cloud.pages
        if (page["incident_record_arn"], page["contact_arn"]) == (incident, contact)
    ]
    cloud.acknowledge(page)


def _schedule(aws: Aws, cloud: LocalCloud, *people: str) -> tuple[str, str]:
    """Make an on-call schedule whose contacts change daily from now on; give its ARN and its rotation's."""
    now = cloud.clock.now().replace(second=0, microsecond=0)
    hour = {"HourOfDay": now.hour, "MinuteOfHour": now.minute}
    recurrence = {**_DAILY, "DailySettings": [hour]}
    rotation = aws.rotation(people, StartTime=now, TimeZoneId="UTC", Recurrence=recurrence)
    return aws.schedule(rotation), rotation


def _asked(contact: str, **more: Any) -> dict[str, Any]:
    return {"ContactId": contact, "Sender": "verify", "Subject": "s", "Content": "c", **more}


# Who is engaged


@guide("incident-response")
def test_an_incident_engages_whom_its_plan_names(aws: Aws) -> None:
    """Each of them at once, also at impact 5: no impact keeps nobody asleep."""
    ann, bob = aws.person("EMAIL", stages=[(5, 0)]), aws.person("EMAIL", stages=[(5, 0)])
    incident = aws.start(aws.plan(engage=[ann, bob]), impact=5)
    assert aws.eventually(lambda: len(_engagements(aws, IncidentId=incident)) == 2)
    assert {each["ContactArn"] for each in _engagements(aws, IncidentId=incident)} == {ann, bob}


@api("IncidentTemplate")
def test_a_merged_start_engages_nobody_again(aws: Aws) -> None:
    """The open incident's engagement goes on."""
    person = aws.person("EMAIL", stages=[(5, 0)])
    plan = aws.plan(engage=[person], dedupeString=aws.name("dedupe"))
    incident = aws.start(plan)
    assert aws.start(plan) == incident
    assert aws.eventually(lambda: _engagements(aws, IncidentId=incident))
    assert len(_engagements(aws, IncidentId=incident)) == 1


@unsettled("resolving_stops_engagements")
@guide("incident-response")
def test_the_engagements_of_a_resolved_incident(aws: Aws) -> bool:
    """Whether resolving ends them is not said."""
    incident = _incident(aws, aws.person("EMAIL", stages=[(30, 0)]))
    aws.eventually(lambda: _engagements(aws, IncidentId=incident))
    aws.resolve(incident)
    return bool(aws.soon(lambda: all("StopTime" in e for e in _engagements(aws, IncidentId=incident))))


@contacts_api("StartEngagement")
def test_a_contact_is_engaged_by_hand_and_let_go(aws: Aws) -> None:
    """Without an incident; StopEngagement ends it."""
    person = aws.person("EMAIL", stages=[(30, 0)])
    arn = aws.contacts.start_engagement(**_asked(person))["EngagementArn"]
    told = aws.contacts.describe_engagement(EngagementId=arn)
    assert (told["ContactArn"], told["Sender"], told["Subject"]) == (person, "verify", "s")
    assert ("IncidentId" in told, "StopTime" in told) == (False, False)
    aws.contacts.stop_engagement(EngagementId=arn)
    told = aws.eventually(lambda: _stopped(aws, arn))
    assert told["StopTime"] >= told["StartTime"]


def _stopped(aws: Aws, arn: str) -> dict[str, Any]:
    told: dict[str, Any] = aws.contacts.describe_engagement(EngagementId=arn)
    return told if "StopTime" in told else {}


@contacts_api("StartEngagement")
def test_a_token_engages_once(aws: Aws) -> None:
    """A repeated call gives the first engagement; without a token each call engages anew."""
    person, token = aws.person("EMAIL"), aws.name("token")
    asked = _asked(person, IdempotencyToken=token)
    first = aws.contacts.start_engagement(**asked)["EngagementArn"]
    assert aws.contacts.start_engagement(**asked)["EngagementArn"] == first
    anew = aws.contacts.start_engagement(**_asked(person, IdempotencyToken=aws.name("token")))
    assert anew["EngagementArn"] != first


@contacts_api("ListEngagements")
def test_engagements_are_listed_by_time(aws: Aws) -> None:
    """Those that began within a range."""
    incident = _incident(aws, aws.person("EMAIL", stages=[(5, 0)]))
    (found,) = aws.eventually(lambda: _engagements(aws, IncidentId=incident))
    began = found["StartTime"]
    counts = [
        len(_engagements(aws, IncidentId=incident, TimeRangeValue=within))
        for within in (
            {"StartTime": began - _HOUR},
            {"StartTime": began + _HOUR},
            {"EndTime": began - _HOUR},
        )
    ]
    assert counts == [1, 0, 0]


@contacts_api("ListPagesByEngagement")
def test_a_channel_that_is_not_activated_gets_no_page(aws: Aws) -> None:
    """Incident Manager cannot engage it until it has been activated."""
    person = aws.person("EMAIL", stages=[(1, 0)])
    arn = aws.contacts.start_engagement(**_asked(person))["EngagementArn"]
    assert not aws.soon(lambda: aws.contacts.list_pages_by_engagement(EngagementId=arn)["Pages"])
    assert aws.contacts.list_pages_by_contact(ContactId=person)["Pages"] == []


# Pages


@loopback_only(PAGES)
@guide("contacts")
def test_an_incident_pages_at_once(aws: Aws, active: Callable[..., str], pages: Pages) -> None:
    """By each channel of the first stage."""
    person = active("SMS", "EMAIL")
    assert pages(_incident(aws, person)) == [(person, "SMS", 0), (person, "EMAIL", 0)]


@loopback_only(PAGES)
@contacts_api("ActivateContactChannel")
def test_a_channel_is_paged_once_it_is_activated(aws: Aws, cloud: LocalCloud, pages: Pages) -> None:
    """By the next retry."""
    person = aws.person("SMS", stages=[(10, 4)])
    incident = _incident(aws, person)
    assert pages(incident) == []
    cloud.activate_channels()
    cloud.clock.advance(minutes=5)
    assert pages(incident) == [(person, "SMS", 4)]


@loopback_only(CLOCK)
@contacts_api("Stage")
def test_stages_follow_with_their_retries(
    aws: Aws, cloud: LocalCloud, active: Callable[..., str], pages: Pages
) -> None:
    """A stage begins when the one before ends, and retries end with their stage."""
    incident = _incident(aws, active("SMS", stages=[(5, 2), (0, 0), (1, 1)]))
    cloud.clock.advance(minutes=60)
    assert [minutes for _, _, minutes in pages(incident)] == [0, 2, 4, 5, 5]


@loopback_only(CLOCK)
@contacts_api("Stage")
def test_a_stage_begins_no_sooner(
    aws: Aws, cloud: LocalCloud, active: Callable[..., str], pages: Pages
) -> None:
    """Just before its time nobody is paged, at its time somebody is."""
    incident = _incident(aws, active("SMS", stages=[(5, 0), (5, 0)]))
    cloud.clock.advance(minutes=4.9)
    assert len(pages(incident)) == 1
    cloud.clock.advance(minutes=0.1)
    assert len(pages(incident)) == 2


@unsettled("resolving_stops_engagements")
@loopback_only(CLOCK)
@guide("incident-response")
def test_the_pages_of_a_resolved_incident(
    aws: Aws, cloud: LocalCloud, active: Callable[..., str], pages: Pages
) -> bool:
    """Whoever would be paged next is not, if resolving ends engagements."""
    incident = _incident(aws, active("SMS", stages=[(5, 3)]))
    aws.resolve(incident)
    cloud.clock.advance(minutes=10)
    return len(pages(incident)) == 1


@loopback_only(PAGES)
@contacts_api("AcceptPage")
def test_acknowledging_stops_a_persons_pages(
    aws: Aws, cloud: LocalCloud, active: Callable[..., str], pages: Pages
) -> None:
    """And ends the engagement, if the person was engaged directly."""
    person = active("SMS", stages=[(5, 1), (5, 1)])
    incident = _incident(aws, person)
    _acknowledge(cloud, incident, person)
    cloud.clock.advance(minutes=20)
    assert len(pages(incident)) == 1
    (engagement,) = _engagements(aws, IncidentId=incident)
    assert _stopped(aws, engagement["EngagementArn"])


@loopback_only(PAGES)
@contacts_api("AcceptPage")
def test_a_wrong_code_acknowledges_nothing(aws: Aws, active: Callable[..., str]) -> None:
    """Unless its validation is switched off."""
    person = active("SMS", stages=[(5, 1)])
    incident, contacts = _incident(aws, person), aws.unguarded("ssm-contacts", aws.region)
    (page,) = contacts.list_pages_by_contact(ContactId=person)["Pages"]
    told = contacts.describe_page(PageId=page["PageArn"])
    assert (told["IncidentId"], told["Subject"]) == (incident, aws.title("A plan's title"))
    accept = {"PageId": page["PageArn"], "AcceptType": "READ", "AcceptCode": "9999999999"}
    refused = aws.code(lambda: contacts.accept_page(**accept, AcceptCodeValidation="ENFORCE"))
    assert refused == "ValidationException"
    contacts.accept_page(**accept, AcceptCodeValidation="IGNORE")
    receipts = contacts.list_page_receipts(PageId=page["PageArn"])["Receipts"]
    assert [r["ReceiptType"] for r in receipts] == ["SENT", "DELIVERED", "READ"]


@unsettled("a wrong code without AcceptCodeValidation", here="ValidationException")
@loopback_only(PAGES)
@contacts_api("AcceptPage")
def test_a_wrong_code_without_validation(aws: Aws, active: Callable[..., str]) -> str:
    """ENFORCE and IGNORE are described, their absence is not."""
    person = active("SMS")
    _incident(aws, person)
    contacts = aws.unguarded("ssm-contacts", aws.region)
    (page,) = contacts.list_pages_by_contact(ContactId=person)["Pages"]
    accept = {"PageId": page["PageArn"], "AcceptType": "READ", "AcceptCode": "9999999999"}
    return aws.code(lambda: contacts.accept_page(**accept)) or "accepted"


# Escalation


@loopback_only(CLOCK)
@guide("escalation")
def test_an_escalation_goes_on_while_nobody_acknowledges(
    aws: Aws, cloud: LocalCloud, active: Callable[..., str], pages: Pages
) -> None:
    """Each stage engages its contacts by their own plans."""
    ann, bob = active("SMS"), active("VOICE", stages=[(3, 2)])
    incident = _incident(aws, aws.escalation((5, {ann: True}), (5, {bob: True})))
    cloud.clock.advance(minutes=30)
    assert pages(incident) == [(ann, "SMS", 0), (bob, "VOICE", 5), (bob, "VOICE", 7)]


@pytest.mark.parametrize(("essential", "expected"), [(True, [0]), (False, [0, 5])])
@loopback_only(CLOCK)
@contacts_api("ContactTargetInfo")
def test_an_essential_contact_stops_the_escalation(
    aws: Aws,
    cloud: LocalCloud,
    active: Callable[..., str],
    pages: Pages,
    essential: bool,  # noqa: FBT001 - pytest passes parameters by name
    expected: list[float],
) -> None:
    """Whoever is in the later stages is not engaged any more; an observer stops nothing but the own pages."""
    ann, bob = active("SMS", stages=[(5, 1)]), active("SMS")
    incident = _incident(aws, aws.escalation((5, {ann: essential}), (5, {bob: True})))
    _acknowledge(cloud, incident, ann)
    cloud.clock.advance(minutes=30)
    assert [minutes for _, _, minutes in pages(incident)] == expected


@unsettled("a colleague who was engaged before somebody acknowledged", here="is paged on")
@loopback_only(CLOCK)
@contacts_api("ContactTargetInfo")
def test_a_colleague_who_was_engaged_already(
    aws: Aws, cloud: LocalCloud, active: Callable[..., str], pages: Pages
) -> str:
    """An acknowledgement stops the progress of stages; of another contact's own plan nothing is said."""
    ann, bob = active("SMS"), active("SMS", stages=[(5, 3)])
    incident = _incident(aws, aws.escalation((5, {ann: True, bob: True}), (5, {ann: True})))
    _acknowledge(cloud, incident, ann)
    cloud.clock.advance(minutes=30)
    return "is paged on" if (bob, "SMS", 3) in pages(incident) else "is left alone"


@unsettled("a plan that leads to itself", here="ends there")
@loopback_only(PAGES)
@contacts_api("UpdateContact")
def test_a_plan_that_leads_to_itself(
    aws: Aws, cloud: LocalCloud, active: Callable[..., str], pages: Pages
) -> str:
    """Whether it can be made, and what it does, is not said."""
    ann = active("SMS")
    plan = aws.escalation((5, {ann: True}))
    again = [{"ContactTargetInfo": {"ContactId": arn, "IsEssential": True}} for arn in (ann, plan)]
    stages = {"Stages": [{"DurationInMinutes": 0, "Targets": again}]}
    if code := aws.code(lambda: aws.contacts.update_contact(ContactId=plan, Plan=stages)):
        return code
    incident = _incident(aws, plan)
    cloud.clock.play_out()
    return "ends there" if pages(incident) == [(ann, "SMS", 0)] else "goes on"


# On call


@loopback_only(CLOCK)
@guide("incident-manager-on-call-schedule")
def test_a_schedule_engages_who_is_on_call(
    aws: Aws, cloud: LocalCloud, active: Callable[..., str], pages: Pages
) -> None:
    """At that moment: the next day, the next one."""
    ann, bob = active("SMS"), active("SMS")
    schedule, _ = _schedule(aws, cloud, ann, bob)
    assert pages(_incident(aws, schedule)) == [(ann, "SMS", 0)]
    cloud.clock.advance(hours=24)
    assert pages(_incident(aws, schedule)) == [(bob, "SMS", 0)]


@loopback_only(CLOCK)
@contacts_api("CreateRotationOverride")
def test_a_schedule_engages_who_stands_in(
    aws: Aws, cloud: LocalCloud, active: Callable[..., str], pages: Pages
) -> None:
    """By an override, while it lasts."""
    ann, bob = active("SMS"), active("SMS")
    schedule, rotation = _schedule(aws, cloud, ann, bob)
    now = cloud.clock.now()
    aws.contacts.create_rotation_override(
        RotationId=rotation, NewContactIds=[bob], StartTime=now - _HOUR, EndTime=now + _HOUR
    )
    assert pages(_incident(aws, schedule)) == [(bob, "SMS", 0)]
    cloud.clock.advance(minutes=61)
    assert pages(_incident(aws, schedule)) == [(ann, "SMS", 0)]


@loopback_only(CLOCK)
@contacts_api("ListPageResolutions")
def test_on_call_counts_as_the_schedule_does(
    aws: Aws, cloud: LocalCloud, active: Callable[..., str], pages: Pages
) -> None:
    """Who is on call stops the escalation that engaged the schedule; a page tells the way it came."""
    ann, bob = active("SMS"), active("SMS")
    schedule, _ = _schedule(aws, cloud, ann)
    plan = aws.escalation((5, {schedule: True}), (5, {bob: True}))
    incident = _incident(aws, plan)
    (page,) = aws.contacts.list_pages_by_contact(ContactId=ann)["Pages"]
    way = aws.contacts.list_page_resolutions(PageId=page["PageArn"])["PageResolutions"]
    assert [step["ContactArn"] for step in way] == [plan, schedule, ann]
    _acknowledge(cloud, incident, ann)
    cloud.clock.advance(minutes=30)
    assert pages(incident) == [(ann, "SMS", 0)]


@unsettled("who is on call in two rotations of a schedule", here="is paged once")
@loopback_only(PAGES)
@guide("incident-manager-on-call-schedule")
def test_who_is_on_call_twice(aws: Aws, cloud: LocalCloud, active: Callable[..., str], pages: Pages) -> str:
    """Nothing is said of it."""
    ann = active("SMS")
    (_, one), (_, two) = _schedule(aws, cloud, ann), _schedule(aws, cloud, ann)
    found = pages(_incident(aws, aws.schedule(one, two)))
    return "is paged once" if found == [(ann, "SMS", 0)] else f"is paged {len(found)} times"


@loopback_only(REPLICATION_SET)
@api("DeleteReplicationSet")
def test_without_a_replication_set_nobody_is_paged_any_more(
    elsewhere: Aws, cloud: LocalCloud, pages: Pages
) -> None:
    """Deleting it ends all engagements."""
    person = elsewhere.person("SMS", stages=[(5, 1)])
    cloud.activate_channels()
    arn = elsewhere.contacts.start_engagement(**_asked(person))["EngagementArn"]
    incidents = elsewhere.unguarded("ssm-incidents", elsewhere.region)
    (own,) = incidents.list_replication_sets()["replicationSetArns"]
    incidents.delete_replication_set(arn=own)
    cloud.clock.advance(minutes=10)
    assert len(pages(arn)) == 1
