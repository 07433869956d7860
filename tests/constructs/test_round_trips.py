"""How often constructs ask Node: each time is a round trip, and what CDK has told once is not asked again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from aws_cdk import aws_sns as sns
from jsii._kernel.providers.process import _NodeProcess

import cdk_incidents as incidents

if TYPE_CHECKING:
    from tests.synthesis import Make


class _Team:
    """A stack in which everything was made once already, so that what is asked once a stack is known."""

    def __init__(self, make: Make) -> None:
        self.stack = make.stack()
        self.topic = sns.Topic(self.stack, "Topic")
        self.ada, self.grace = self.contact("ada", alias="ada"), self.contact("Grace")
        self.on_call = self.schedule("first")
        self.escalation = self.escalated("first-escalation")
        self.plan("First", response_plan_name="first")
        self.trigger("FirstTrigger")

    def contact(self, construct_id: str, *, alias: str | None = None) -> incidents.Contact:
        channels = [
            incidents.ContactChannel.email("ada@example.com"),
            incidents.ContactChannel.sms("+14255550100"),
            incidents.ContactChannel.voice("+14255550100"),
        ]
        return incidents.Contact(self.stack, construct_id, alias=alias, display_name="Ada", channels=channels)

    def schedule(self, alias: str) -> incidents.OnCallSchedule:
        rotation = incidents.Rotation(
            name=alias,
            contacts=[self.ada, self.grace],
            start="2027-01-04T09:00:00",
            time_zone="Europe/Berlin",
            recurrence=incidents.Recurrence.weekly(monday="09:00"),
        )
        return incidents.OnCallSchedule(self.stack, alias, alias=alias, rotations=[rotation])

    def escalated(self, alias: str) -> incidents.EscalationPlan:
        stages = [incidents.Stage(contacts=[self.on_call]), incidents.Stage(contacts=[self.ada])]
        return incidents.EscalationPlan(self.stack, alias, alias=alias, stages=stages)

    def plan(self, construct_id: str, *, response_plan_name: str | None = None) -> incidents.ResponsePlan:
        incident = incidents.IncidentTemplate.critical(title="Checkout is failing")
        return incidents.ResponsePlan(
            self.stack,
            construct_id,
            response_plan_name=response_plan_name,
            incident=incident,
            engagements=[self.escalation],
        )

    def trigger(self, construct_id: str) -> incidents.IncidentTrigger:
        trigger = incidents.IncidentTrigger(self.stack, construct_id, fallback=self.topic)
        plan = incidents.ResponsePlan.from_response_plan_name(self.stack, f"{construct_id}Plan", "quiet")
        trigger.add_route("Critical", response_plan=plan)
        return trigger


@pytest.fixture(scope="module")
def team(make: Make) -> _Team:
    """Return a team to add to."""
    return _Team(make)


@pytest.fixture
def trips(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the kinds of request that have gone to Node since the test began."""
    requests: list[str] = []
    send = _NodeProcess.send

    def counting(process: _NodeProcess, request: Any, response_type: Any) -> Any:
        requests.append(type(request).__name__)
        return send(process, request, response_type)

    monkeypatch.setattr(_NodeProcess, "send", counting)
    return requests


# What CDK's own L1s take is said beside each: one to make a resource, one for its reference.
def test_a_contact(team: _Team, trips: list[str]) -> None:
    """Nine for the L1s of contact, plan and three channels; a construct around them, and its tags."""
    team.contact("edsger", alias="edsger")
    assert len(trips) <= 11


def test_a_contact_without_alias(team: _Team, trips: list[str]) -> None:
    """Its path makes the alias."""
    team.contact("Barbara")
    assert len(trips) <= 13


def test_a_rotation(team: _Team, trips: list[str]) -> None:
    """Six for the L1s of a schedule and its rotation, after its people; a construct around, tags."""
    team.schedule("second")
    assert len(trips) <= 9


def test_an_escalation_plan(team: _Team, trips: list[str]) -> None:
    """Four for the L1; a construct around it, its tags."""
    team.escalated("second-escalation")
    assert len(trips) <= 10


def test_a_plan(team: _Team, trips: list[str]) -> None:
    """Four for the L1; a construct around it, its tags."""
    team.plan("Second", response_plan_name="second")
    assert len(trips) <= 6


def test_a_trigger_and_its_route(team: _Team, trips: list[str]) -> None:
    """A function, an alias, two queues, a table, a log, a role and five alarms, with all that they say."""
    team.trigger("SecondTrigger")
    assert len(trips) <= 160


def test_late_warnings(make: Make, trips: list[str]) -> None:
    """At synth each contact is asked for its tags alone, and CDK calls back once for all."""
    few, many = (_of_synth(make, count, trips) for count in (1, 5))
    assert many - few == 5 - 1


def _of_synth(make: Make, count: int, trips: list[str]) -> int:
    stack = make.stack()
    channels = [incidents.ContactChannel.sms("+14255550100")]
    for number in range(count):
        incidents.Contact(stack, f"Contact{number}", display_name="Ada", channels=channels)
    before = len(trips)
    make.synth(stack)
    return len(trips) - before
