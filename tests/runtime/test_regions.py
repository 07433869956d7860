"""Which Region is asked, and incidents that are started in another one."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, cast

import pytest
from botocore.exceptions import ConnectionClosedError, EndpointConnectionError, ReadTimeoutError
from incidents_runtime.destinations import Attempt, Order, ServiceError
from incidents_runtime.regions import Regions
from incidents_runtime.settings import Route
from incidents_runtime.signals import read
from incidents_runtime.start_request import mark_of, source_of, trigger_arn_of

from tests.runtime.fakes import (
    DENIED,
    FUNCTION,
    INTERNAL,
    NOW,
    PLAN,
    REGION,
    THROTTLED,
    FakeClock,
    FakeContext,
    FakeService,
    LostAnswerError,
    World,
    alarm,
    refusal,
    told,
)

if TYPE_CHECKING:
    from collections.abc import Callable

OTHERS = ("eu-west-1", "eu-central-1")
ROUTE = Route(id="Critical", response_plan_arn=PLAN, regions=OTHERS, auto_resolve=True)
URL = "https://ssm-incidents.us-east-1.amazonaws.com"
TIME_OUT = ReadTimeoutError(endpoint_url=URL)
LOST = LostAnswerError(TIME_OUT)
RESET = ConnectionClosedError(endpoint_url=URL)
NO_CONNECTION = EndpointConnectionError(endpoint_url=URL)
NOT_FOUND = refusal("ResourceNotFoundException", 404)


class Started:
    """A world with three Regions, an order, and what its incident is known by."""

    def __init__(self, seconds: float = 30.0, route: Route = ROUTE) -> None:
        self.world = World(routes=(route,))
        (signal,) = read(alarm(), NOW)
        self.order = Order(signal, route, f"{FUNCTION}:Critical")
        self.attempt = Attempt(
            PLAN, mark_of(signal, route), NOW, source_of(signal), trigger_arn_of(signal), route.regions
        )
        self.deadline = FakeContext(self.world.clock, "retry", seconds).deadline(patient=True)
        self.own = self.world.service
        self.second, self.third = (self.own.in_region(region) for region in OTHERS)
        self.incidents = self.world.incidents

    def start(self) -> str:
        """Start the incident."""
        return self.incidents.start(self.order, self.attempt, self.deadline)

    def calls(self) -> list[tuple[str, str]]:
        """Tell the order of the calls, by Region and operation."""
        return self.made

    def watch(self) -> None:
        """Keep the order of the calls."""
        self.made: list[tuple[str, str]] = []
        for service in (self.own, self.second, self.third):
            service.before_call = self._noting(service)

    def _noting(self, service: FakeService) -> Callable[[str], None]:
        return lambda operation: self.made.append((service.region, operation))

    def hang(self, *services: FakeService) -> None:
        """Let every call to a Region take eight seconds and fail."""

        def eight_seconds(_: str) -> None:
            self.world.clock.time += timedelta(seconds=8)
            raise TIME_OUT

        for service in (self.own, self.second, self.third):
            service.before_call = eight_seconds if service in services else lambda _: None


def all_fail(service: FakeService, error: Exception, times: int = 9) -> None:
    """Let the next calls to a Region fail, whatever they are."""
    for operation in (
        "StartIncident",
        "ListIncidentRecords",
        "GetIncidentRecord",
        "UpdateIncidentRecord",
        "CreateTimelineEvent",
    ):
        service.fail(operation, *[error] * times)


# --- the order


def test_the_own_region_is_asked_first_and_a_failed_one_last_for_a_minute() -> None:
    """A warm function waits for it once, and not at each signal; of several, who failed first comes first."""
    clock = FakeClock()
    regions = Regions("a", cast("Any", str), clock)
    error = ServiceError(TIME_OUT)
    assert regions.in_order(("b", "c", "a")) == ["a", "b", "c"]
    regions.failed("a", error)
    clock.time += timedelta(seconds=30)
    regions.failed("b", error)
    assert regions.in_order(("b", "c")) == ["c", "a", "b"]
    clock.time += timedelta(seconds=29)
    assert regions.in_order(("b", "c")) == ["c", "a", "b"]
    clock.time += timedelta(seconds=1)
    assert regions.in_order(("b", "c")) == ["a", "c", "b"]
    clock.time += timedelta(seconds=30)
    assert regions.in_order(("b", "c")) == ["a", "b", "c"]


def test_a_failed_region_is_in_the_log(capsys: pytest.CaptureFixture[str]) -> None:
    """Whoever reads it must see that incidents are started elsewhere."""
    started = Started()
    all_fail(started.own, NO_CONNECTION)
    started.start()
    lines = [line for line in told(capsys.readouterr().out) if line["message"] == "a Region does not answer"]
    assert {line["region"] for line in lines} == {REGION}


# --- start


def test_a_region_that_answers_nothing_is_left_for_the_next() -> None:
    """No connection: nothing was sent, nothing is looked for."""
    started = Started()
    started.watch()
    all_fail(started.own, NO_CONNECTION)
    arn = started.start()
    assert started.calls() == [(REGION, "StartIncident"), ("eu-west-1", "StartIncident")]
    assert list(started.own.records) == [arn]
    tokens = {
        request["clientToken"]
        for service in (started.own, started.second)
        for request in service.called("StartIncident")
    }
    assert len(tokens) == 1


@pytest.mark.parametrize("error", [INTERNAL, TIME_OUT, RESET, refusal("", 503)])
def test_the_incident_is_looked_for_before_the_next_region_is_tried(error: Exception) -> None:
    """Where it was sent; and if that does not answer either, in the next Region."""
    started = Started()
    started.watch()
    all_fail(started.own, error)
    started.start()
    assert started.calls() == [
        (REGION, "StartIncident"),
        (REGION, "ListIncidentRecords"),
        ("eu-west-1", "ListIncidentRecords"),
        ("eu-west-1", "StartIncident"),
    ]


@pytest.mark.parametrize("region_answers", [True, False])
def test_a_lost_answer_is_found_whoever_answers(*, region_answers: bool) -> None:
    """One incident: the work was done before the answer was lost."""
    started = Started()
    started.own.fail("StartIncident", LOST)
    if not region_answers:
        started.own.fail("ListIncidentRecords", INTERNAL)
    assert started.start() in started.own.records
    assert len(started.own.records) == 1
    assert started.second.called("StartIncident") == []


def test_a_region_that_answers_when_it_is_looked_for_is_tried_once_more() -> None:
    """Often only a connection was gone, and in another Region no runbook would run."""
    started = Started()
    started.own.fail("StartIncident", RESET)
    started.start()
    assert len(started.own.called("StartIncident")) == 2
    assert started.second.calls == []


def test_throttling_does_not_count_as_failing() -> None:
    """A Region that throttled and then lost a connection is tried once more as well."""
    started = Started()
    started.own.fail("StartIncident", THROTTLED, RESET)
    started.start()
    assert len(started.own.called("StartIncident")) == 3
    assert started.second.calls == []


def test_a_region_that_fails_twice_is_left() -> None:
    """Even if it answers questions."""
    started = Started()
    started.own.fail("StartIncident", INTERNAL, INTERNAL, INTERNAL)
    started.start()
    assert len(started.own.called("StartIncident")) == 2
    assert len(started.second.called("StartIncident")) == 1


def test_a_third_region_follows_the_second() -> None:
    """In the route's order."""
    started = Started()
    all_fail(started.own, NO_CONNECTION)
    all_fail(started.second, NO_CONNECTION)
    started.start()
    assert len(started.third.called("StartIncident")) == 1


@pytest.mark.parametrize(
    "error",
    [THROTTLED, refusal("ConflictException", 409), refusal("ExpiredTokenException", 403)],
)
def test_an_answer_is_no_failure_of_the_region(error: Exception) -> None:
    """Throttling, conflicts and credentials are the same everywhere: it is tried again where it was."""
    started = Started()
    started.own.fail("StartIncident", error, error)
    started.start()
    assert len(started.own.called("StartIncident")) == 3
    assert started.second.calls == []


@pytest.mark.parametrize("error", [DENIED, NOT_FOUND, refusal("ValidationException")])
def test_a_refusal_of_the_own_region_is_final(error: Exception) -> None:
    """Another one would refuse it too."""
    started = Started()
    started.own.fail("StartIncident", error)
    with pytest.raises(ServiceError) as raised:
        started.start()
    assert not raised.value.may_pass
    assert started.second.calls == []


@pytest.mark.parametrize("error", [DENIED, NOT_FOUND])
def test_another_regions_refusal_is_not(error: Exception, capsys: pytest.CaptureFixture[str]) -> None:
    """An organisation may forbid Regions, a set may have lost one: the signal must come again."""
    started = Started()
    all_fail(started.own, NO_CONNECTION)
    all_fail(started.second, error)
    all_fail(started.third, error)
    with pytest.raises(ServiceError) as raised:
        started.start()
    assert raised.value.kind == "retry"
    assert len(started.second.called("StartIncident")) == 1
    assert len(started.third.called("StartIncident")) == 1
    assert "another Region does not help" in capsys.readouterr().out


def test_whoever_may_have_started_it_is_remembered() -> None:
    """Not only the first, and not only the last."""
    started = Started()
    all_fail(started.own, NO_CONNECTION)
    started.second.fail("StartIncident", *[INTERNAL] * 9)
    all_fail(started.third, NO_CONNECTION)
    with pytest.raises(ServiceError) as raised:
        started.start()
    assert raised.value.kind == "ambiguous"


def test_every_region_gets_its_second_try() -> None:
    """As far as there is time."""
    started = Started(seconds=60)
    for service in (started.own, started.second):
        service.fail("StartIncident", RESET, RESET)
    started.start()
    tried = [len(one.called("StartIncident")) for one in (started.own, started.second, started.third)]
    assert tried == [2, 2, 1]


def test_who_knows_nothing_of_one_region_knows_nothing() -> None:
    """The first may have started it, so the next invocation must look."""
    started = Started()
    started.own.fail("StartIncident", TIME_OUT, TIME_OUT)
    for service in (started.second, started.third):
        service.fail("StartIncident", NO_CONNECTION, NO_CONNECTION)
    started.own.fail("ListIncidentRecords", INTERNAL)
    with pytest.raises(ServiceError) as raised:
        started.start()
    assert raised.value.kind == "ambiguous"


@pytest.mark.parametrize("seconds", [30.0, 28.5, 21.0])
def test_a_region_that_hangs_leaves_time_for_the_next(seconds: float) -> None:
    """Eight seconds are lost, and not once more: it is looked for and started elsewhere, in time."""
    started = Started(seconds)
    started.hang(started.own)
    started.start()
    assert len(started.second.called("StartIncident")) == 1
    assert len(started.second.called("ListIncidentRecords")) == 1
    assert started.deadline.remaining_s() >= 4
    # Another signal, in the same container.
    before = started.world.clock.time
    started.incidents.start(started.order, started.attempt, started.deadline)
    assert started.world.clock.time == before


@pytest.mark.parametrize("seconds", [12.0, 20.0, 30.0, 45.0, 60.0])
@pytest.mark.parametrize("hanging", [1, 2, 3])
def test_there_is_always_time_to_answer(seconds: float, hanging: int) -> None:
    """However many Regions hang, no call is made that cannot end four seconds before the function must."""
    started = Started(seconds)
    record = started.start()
    started.hang(*(started.own, started.second, started.third)[:hanging])
    questions: tuple[Callable[[], object], ...] = (
        started.start,
        lambda: started.incidents.find(started.attempt, started.deadline),
        lambda: started.incidents.status(record, started.deadline),
        lambda: started.incidents.resolve(record, started.order, started.deadline),
        lambda: started.incidents.note(record, "text", "key", started.deadline),
    )
    for question in questions:
        with contextlib.suppress(ServiceError):
            question()
        assert started.deadline.remaining_s() >= 4


# --- questions


def test_questions_go_to_the_next_region_too() -> None:
    """Status, resolve and note, whatever the record's route says by now."""
    started = Started()
    record = started.start()
    all_fail(started.own, INTERNAL)
    assert started.incidents.status(record, started.deadline) == "OPEN"
    started.incidents.note(record, "text", "key", started.deadline)
    assert started.incidents.resolve(record, started.order, started.deadline) is True
    assert started.own.open_records() == []
    assert len(started.own.notes) == 1
    assert len(started.own.called("GetIncidentRecord")) == 1


def test_the_own_regions_word_counts() -> None:
    """What it refuses is asked nowhere else."""
    started = Started()
    record = started.start()
    started.own.fail("GetIncidentRecord", DENIED)
    with pytest.raises(ServiceError) as raised:
        started.incidents.status(record, started.deadline)
    assert raised.value.kind == "access"
    assert started.second.calls == []


def test_a_refusal_elsewhere_is_no_word() -> None:
    """Nobody knows then, and the signal comes again."""
    started = Started(seconds=25)
    record = started.start()
    all_fail(started.own, INTERNAL)
    all_fail(started.second, DENIED)
    all_fail(started.third, DENIED)
    with pytest.raises(ServiceError) as raised:
        started.incidents.status(record, started.deadline)
    assert raised.value.kind == "ambiguous"


def test_a_record_that_another_region_does_not_know_is_missing_and_yet_not_resolved() -> None:
    """It may come there later: a signal starts an incident at once, a recovery is not forgotten."""
    started = Started()
    record = started.start()
    all_fail(started.own, INTERNAL)
    for service in (started.second, started.third):
        service.fail("GetIncidentRecord", *[NOT_FOUND] * 9)
    assert started.incidents.status(record, started.deadline) == "MISSING"
    with pytest.raises(ServiceError) as raised:
        started.incidents.resolve(record, started.order, started.deadline)
    assert raised.value.may_pass
    # The own one is asked first again after a minute, and knows it.
    started.world.clock.time += timedelta(minutes=1)
    started.own.faults.clear()
    later = FakeContext(started.world.clock, "Critical").deadline()
    assert started.incidents.resolve(record, started.order, later) is True


def test_a_route_without_other_regions_asks_no_other() -> None:
    """Who names none stays at home."""
    started = Started(route=replace(ROUTE, regions=()))
    started.own.fail("StartIncident", *[NO_CONNECTION] * 3)
    with pytest.raises(ServiceError):
        started.start()
    assert len(started.own.called("StartIncident")) == 3
    assert started.second.calls == []


# --- the way of a signal


def test_an_outage_of_the_own_region_costs_no_incident() -> None:
    """Started, joined and resolved elsewhere; and at home again when it is over."""
    started = Started()
    world = started.world
    all_fail(started.own, NO_CONNECTION, times=99)
    assert [world.outcome(alarm(at=second)) for second in range(2)] == ["started", "joined"]
    assert world.outcome(alarm(state="OK", at=3)) == "resolved"
    assert [record["status"] for record in world.service.records.values()] == ["RESOLVED"]
    started.own.faults.clear()
    world.clock.time += timedelta(minutes=1)
    before = len(started.own.called("StartIncident"))
    assert world.outcome(alarm(at=90)) == "started"
    assert len(started.own.called("StartIncident")) == before + 1


def test_a_route_that_has_moved_leaves_its_incidents_in_reach() -> None:
    """Its Regions are those of every route."""
    other = replace(ROUTE, id="Other", regions=("eu-north-1",))
    world = World(routes=(ROUTE, other))
    assert world.incidents.others == (*OTHERS, "eu-north-1")
