"""Whatever plans, delays, acknowledgements and resolutions: never a page before its time, nor after the end.

In process, against the engine with a clock of its own.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from cdk_incidents.local._server.clock import Clock
from cdk_incidents.local._server.incident_manager import contacts, engagements
from cdk_incidents.local._server.state import Caller, Cloud

# The same examples every time: a check that fails must fail again.
_examples = settings(max_examples=200, deadline=None, derandomize=True, database=None)
_BEGIN = dt.datetime(2027, 1, 4, 9, tzinfo=dt.timezone.utc)
_INCIDENT = "arn:aws:ssm-incidents::000000000000:incident-record/plan/1"
_MINUTE = dt.timedelta(minutes=1)

_stages = st.lists(st.tuples(st.integers(0, 30), st.integers(0, 60)), max_size=4)
# A stage may last no time only where it has a target.
_targets = st.tuples(st.integers(0, 2), st.booleans())
_escalation = st.lists(
    st.tuples(st.integers(0, 30), st.lists(_targets, min_size=1, max_size=3))
    | st.tuples(st.integers(1, 30), st.just([])),
    max_size=4,
)
# What happens next: so many minutes pass, then a page is acknowledged, if there are so many.
_steps = st.lists(st.tuples(st.integers(0, 40), st.integers(0, 5)), max_size=6)


class _World:
    """Three people, one escalation plan over them, and an incident that engages it."""

    def __init__(
        self, people: list[list[tuple[int, int]]], plan: list[tuple[int, list[tuple[int, bool]]]]
    ) -> None:
        self.cloud = Cloud("us-east-1", clock=Clock(lambda: _BEGIN))
        account = self.cloud.account("0" * 12)
        self.caller = Caller(account, "us-east-1", "arn:aws:iam::000000000000:root", lambda *_: True)
        self.engagements = account.engagements
        self.people = [self._person(number, stages) for number, stages in enumerate(people)]
        stages = [
            {
                "DurationInMinutes": minutes,
                "Targets": [
                    {"ContactTargetInfo": {"ContactId": self.people[who], "IsEssential": essential}}
                    for who, essential in targets
                ],
            }
            for minutes, targets in plan
        ]
        escalation = self._contact("escalation", "ESCALATION", stages)
        record = {"arn": _INCIDENT, "title": "Failing"}
        engagements.engage_for_incident(account, {"engagements": [escalation]}, record)

    def _contact(self, alias: str, kind: str, stages: list[dict[str, Any]]) -> str:
        asked = {"Alias": alias, "Type": kind, "Plan": {"Stages": stages}}
        arn: str = contacts.CONTACTS.create(self.cloud, self.caller, asked)["ContactArn"]
        return arn

    def _person(self, number: int, stages: list[tuple[int, int]]) -> str:
        arn = self._contact(f"person-{number}", "PERSONAL", [])
        asked = {
            "ContactId": arn,
            "Name": "n",
            "Type": "SMS",
            "DeliveryAddress": {"SimpleAddress": "+4915112"},
        }
        channel = contacts.CHANNELS.create(self.cloud, self.caller, asked)["ContactChannelArn"]
        contacts.activate_all(self.caller.account)
        plan = [
            {
                "DurationInMinutes": minutes,
                "Targets": [
                    {"ChannelTargetInfo": {"ContactChannelId": channel, "RetryIntervalInMinutes": retry}}
                ],
            }
            for minutes, retry in stages
        ]
        contacts.CONTACTS.update(self.cloud, self.caller, {"ContactId": arn, "Plan": {"Stages": plan}})
        return arn

    def times(self) -> list[tuple[str, int]]:
        """Give (contact, minute) of each page."""
        return [(page["contact_arn"], round(page["after_s"] / 60)) for page in self.cloud.pages]


def _own(stages: list[tuple[int, int]]) -> list[int]:
    """Tell the minutes at which a person's own plan pages, worked out another way than the engine does."""
    return [
        sum(duration for duration, _ in stages[:index]) + minute
        for index, (duration, retry) in enumerate(stages)
        for minute in (range(0, max(duration, 1), retry) if retry else [0])
    ]


@_examples
@given(st.lists(_stages, min_size=3, max_size=3), _escalation)
def test_without_an_answer_every_page_is_sent_at_its_time(
    people: list[list[tuple[int, int]]], plan: list[tuple[int, list[tuple[int, bool]]]]
) -> None:
    """No page too soon, none too late, none twice, in the order of time."""
    world = _World(people, plan)
    world.cloud.clock.play_out()
    begins = [sum(minutes for minutes, _ in plan[:index]) for index in range(len(plan))]
    expected = [
        (world.people[who], begin + minute)
        for begin, (_, targets) in zip(begins, plan, strict=True)
        for who, _ in targets
        for minute in _own(people[who])
    ]
    assert sorted(world.times()) == sorted(expected)
    assert [minute for _, minute in world.times()] == sorted(minute for _, minute in world.times())


@_examples
@given(st.lists(_stages, min_size=3, max_size=3), _escalation, _steps)
def test_after_the_end_nobody_is_paged(
    people: list[list[tuple[int, int]]],
    plan: list[tuple[int, list[tuple[int, bool]]]],
    steps: list[tuple[int, int]],
) -> None:
    """Not who has acknowledged, by the plan that was; nobody once it is resolved."""
    world, undisturbed = _World(people, plan), _World(people, plan)
    undisturbed.cloud.clock.play_out()
    for minutes, answer in steps:
        world.cloud.clock.advance(minutes * _MINUTE)
        if answer < len(world.cloud.pages):
            world.engagements.accept(world.cloud.pages[answer]["page_arn"])
    assert set(world.times()) <= set(undisturbed.times())
    world.engagements.stop_incident(_INCIDENT)
    before = len(world.cloud.pages)
    world.cloud.clock.play_out()
    assert len(world.cloud.pages) == before


@_examples
@given(_stages, st.integers(0, 130))
def test_who_acknowledges_is_left_alone(stages: list[tuple[int, int]], minute: int) -> None:
    """From that moment on, whatever was still to come, the stage after included."""
    world = _World([stages, [], []], [(30, [(0, True)]), (0, [(0, True)])])
    world.cloud.clock.advance(minute * _MINUTE)
    for page in list(world.cloud.pages):
        world.engagements.accept(page["page_arn"])
    sent = world.times()
    assert all(after <= minute for _, after in sent)
    world.cloud.clock.play_out()
    assert world.times() == sent
