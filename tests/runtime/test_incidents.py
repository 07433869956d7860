"""The gateway to Incident Manager, over boto3's own client and over the fake service."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import boto3
import pytest
from botocore.awsrequest import AWSResponse
from botocore.exceptions import ReadTimeoutError
from incidents_runtime.calls import CONFIG
from incidents_runtime.destinations import Attempt, Order, ServiceError, is_of_plan
from incidents_runtime.incidents import Incidents
from incidents_runtime.regions import Regions
from incidents_runtime.signals import read
from incidents_runtime.start_request import mark_of, start_request

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
    LostAnswerError,
    World,
    alarm,
    refusal,
    sample,
)

URL = "https://ssm-incidents.us-east-1.amazonaws.com"
LOST = LostAnswerError(ReadTimeoutError(endpoint_url=URL))
TIME_OUT = ReadTimeoutError(endpoint_url=URL)


class Started:
    """A world, a request, and what its incident is known by."""

    def __init__(self, event: dict[str, Any] | None = None, seconds: float = 30.0) -> None:
        self.world = World()
        route = self.world.routes["Critical"]
        (signal,) = read(event or alarm(), NOW)
        self.order = Order(signal, route, f"{FUNCTION}:Critical")
        self.request = start_request(signal, route, f"{FUNCTION}:Critical")
        details = self.request["triggerDetails"]
        self.attempt = Attempt(
            PLAN, mark_of(signal, route), NOW, details["source"], details.get("triggerArn")
        )
        self.deadline = FakeContext(self.world.clock, "Critical", seconds).deadline()
        self.service = self.world.service

    def start(self) -> str:
        """Start the incident."""
        return self.world.incidents.start(self.order, self.attempt, self.deadline)

    def find(self) -> str | None:
        """Look for it."""
        return self.world.incidents.find(self.attempt, self.deadline)


def test_an_answer_that_was_lost_is_looked_for() -> None:
    """The work was done, the answer lost: one incident, found by its mark."""
    started = Started()
    started.service.fail("StartIncident", LOST)
    assert started.start() in started.service.records
    assert len(started.service.records) == 1
    assert len(started.service.called("StartIncident")) == 1


def test_a_request_that_was_lost_is_sent_again() -> None:
    """Nothing is found, so the start goes out again with the same token."""
    started = Started()
    started.service.fail("StartIncident", TIME_OUT, INTERNAL)
    started.start()
    requests = started.service.called("StartIncident")
    assert len(requests) == 3
    assert len({request["clientToken"] for request in requests}) == 1
    assert len(started.service.called("ListIncidentRecords")) == 2


def test_who_could_not_look_says_that_nobody_knows() -> None:
    """Throttled while looking, the start stays in doubt: the next one must look first."""
    started = Started()
    started.service.fail("StartIncident", LOST)
    started.service.fail("ListIncidentRecords", THROTTLED)
    with pytest.raises(ServiceError) as raised:
        started.start()
    assert raised.value.kind == "ambiguous"
    assert len(started.service.called("StartIncident")) == 1


def test_a_candidate_that_does_not_answer_at_once_is_asked_again() -> None:
    """The Region answers: one failed call among many must not make all of the looking fail."""
    started = Started()
    arn = started.start()
    started.service.fail("ListRelatedItems", THROTTLED, TIME_OUT)
    assert started.find() == arn
    started.service.fail("ListRelatedItems", *[THROTTLED] * 3)
    with pytest.raises(ServiceError, match="Throttling"):
        started.find()


def test_a_candidate_that_was_deleted_meanwhile_is_not_it() -> None:
    """What is gone must not make all of the looking fail: another one may be."""
    started = Started()
    started.service.start_incident(**{**started.request, "relatedItems": []})
    arn = started.start()
    started.service.fail("ListRelatedItems", refusal("ResourceNotFoundException", 404))
    assert started.find() == arn
    started.service.fail("ListRelatedItems", DENIED)
    with pytest.raises(ServiceError, match="AccessDenied"):
        started.find()


def test_no_second_try_without_time_for_it() -> None:
    """There must be time left to answer."""
    started = Started(seconds=12)
    started.service.fail("StartIncident", THROTTLED)
    with pytest.raises(ServiceError) as raised:
        started.start()
    assert raised.value.kind == "retry"
    assert len(started.service.called("StartIncident")) == 1


def test_no_second_try_after_a_long_look() -> None:
    """Looking takes its time too; then nobody knows, and the next one looks first."""
    started = Started(seconds=20)

    def eight_seconds(operation: str) -> None:
        if operation == "ListIncidentRecords":
            started.world.clock.time += timedelta(seconds=8)

    started.service.before_call = eight_seconds
    started.service.fail("StartIncident", INTERNAL)
    with pytest.raises(ServiceError, match="InternalServerException") as raised:
        started.start()
    assert raised.value.kind == "ambiguous"
    assert len(started.service.called("StartIncident")) == 1


def test_no_look_without_time_for_it() -> None:
    """Then nobody knows, and the next one looks."""
    started = Started(seconds=11)
    with pytest.raises(ServiceError, match="no time is left") as raised:
        started.find()
    assert raised.value.kind == "ambiguous"


@pytest.mark.parametrize(("records", "called"), [(101, "ListIncidentRecords"), (1, "ListRelatedItems")])
def test_no_further_look_without_time_for_it(records: int, called: str) -> None:
    """Each page and each candidate is a question of its own."""
    started = Started(sample("eventbridge_custom"), seconds=19)
    for _ in range(records):
        started.service.start_incident(**{**started.request, "relatedItems": []})
    before = len(started.service.called(called))

    def eight_seconds(_: str) -> None:
        started.world.clock.time += timedelta(seconds=8)

    started.service.before_call = eight_seconds
    with pytest.raises(ServiceError, match="no time is left to look"):
        started.find()
    assert len(started.service.called(called)) - before == (called == "ListIncidentRecords")


def test_only_its_own_incident_is_found() -> None:
    """Other plans, other alarms, other signals and other times are not it."""
    started = Started()
    assert started.find() is None
    others = (
        Started(alarm("Other")),
        Started(alarm(at=1)),
        Started(sample("eventbridge_custom")),
    )
    for other in others:
        started.service.start_incident(**other.request)
    started.service.start_incident(**{**started.request, "responsePlanArn": PLAN + "2"})
    assert started.find() is None
    # Of the other signals only the one of the same alarm is looked at.
    assert len(started.service.called("ListRelatedItems")) == 1
    arn = started.service.start_incident(**started.request)["incidentRecordArn"]
    assert started.find() == arn
    started.service.records[arn]["creationTime"] -= timedelta(minutes=6)
    assert started.find() is None


def test_a_record_without_its_resource_is_found_too() -> None:
    """No document says that the trigger's ARN becomes the record's resource."""
    started = Started()
    arn = started.start()
    del started.service.records[arn]["incidentRecordSource"]["resourceArn"]
    assert started.find() == arn


def test_looking_turns_pages_and_begins_with_the_nearest() -> None:
    """A storm of other causes does not hide it."""
    started = Started(sample("eventbridge_custom"))
    started.world.clock.time += timedelta(minutes=2)
    for number in range(60):
        started.service.start_incident(
            **{**started.request, "relatedItems": [], "clientToken": f"token{number}"}
        )
    started.world.clock.time -= timedelta(minutes=2)
    for _ in range(60):
        started.service.start_incident(**{**started.request, "responsePlanArn": PLAN + "2"})
    arn = started.start()
    assert started.find() == arn
    assert len(started.service.called("ListIncidentRecords")) == 2
    assert len(started.service.called("ListRelatedItems")) == 1


def test_looking_ends() -> None:
    """After five pages, or twenty candidates, it is not there."""
    started = Started(sample("eventbridge_custom"))
    for _ in range(501):
        started.service.start_incident(**{**started.request, "relatedItems": []})
    assert started.find() is None
    assert len(started.service.called("ListIncidentRecords")) == 5
    assert len(started.service.called("ListRelatedItems")) == 20


def test_status_has_three_answers() -> None:
    """Open, resolved, or unknown to the service."""
    started = Started()
    arn = started.start()
    incidents = started.world.incidents
    assert incidents.status(arn, started.deadline) == "OPEN"
    assert incidents.resolve(arn, started.order, started.deadline) is True
    assert incidents.status(arn, started.deadline) == "RESOLVED"
    del started.service.records[arn]
    assert incidents.status(arn, started.deadline) == "MISSING"
    assert incidents.resolve(arn, started.order, started.deadline) is False


def test_what_is_no_record_is_missing() -> None:
    """The service calls invalid what is no ARN."""
    started = Started()
    arn = started.start()
    started.service.fail("GetIncidentRecord", refusal("ValidationException"), refusal("ValidationException"))
    assert started.world.incidents.status(arn, started.deadline) == "MISSING"
    assert started.world.incidents.resolve(arn, started.order, started.deadline) is False


def test_questions_are_asked_again() -> None:
    """Reading and resolving may be sent twice without harm; a denial is not asked again."""
    started = Started()
    arn = started.start()
    started.service.fail("GetIncidentRecord", THROTTLED, TIME_OUT)
    started.service.fail("UpdateIncidentRecord", THROTTLED, LOST)
    assert started.world.incidents.resolve(arn, started.order, started.deadline) is True
    assert started.service.open_records() == []
    tokens = {request["clientToken"] for request in started.service.called("UpdateIncidentRecord")}
    assert len(tokens) == 1
    started.service.fail("GetIncidentRecord", DENIED)
    with pytest.raises(ServiceError) as raised:
        started.world.incidents.status(arn, started.deadline)
    assert raised.value.kind == "access"
    started.service.fail("GetIncidentRecord", THROTTLED, THROTTLED, THROTTLED)
    with pytest.raises(ServiceError) as raised:
        started.world.incidents.status(arn, started.deadline)
    assert raised.value.kind == "retry"


@pytest.mark.parametrize(("seconds", "asked"), [(30.0, 2), (20.0, 1), (90.0, 3)])
def test_questions_are_asked_again_only_while_there_is_time(seconds: float, asked: int) -> None:
    """A question may take eight seconds: the next one is asked only if the function can still answer."""
    started = Started(seconds=seconds)
    arn = started.start()

    def eight_seconds(_: str) -> None:
        started.world.clock.time += timedelta(seconds=8)

    started.service.before_call = eight_seconds
    started.service.fail("GetIncidentRecord", TIME_OUT, TIME_OUT, TIME_OUT)
    with pytest.raises(ServiceError) as raised:
        started.world.incidents.status(arn, started.deadline)
    assert raised.value.kind == "ambiguous"
    assert len(started.service.called("GetIncidentRecord")) == asked
    # Not even the pause is made that nothing would follow.
    assert started.world.clock.slept < asked


def test_no_question_without_time_for_it() -> None:
    """Whoever is asked may take eight seconds, and there must be time left to answer."""
    started = Started(seconds=11)
    incidents, order = started.world.incidents, started.order
    for question in (
        lambda: incidents.start(order, started.attempt, started.deadline),
        lambda: incidents.status("record", started.deadline),
        lambda: incidents.resolve("record", order, started.deadline),
        lambda: incidents.note("record", "text", "key", started.deadline),
    ):
        with pytest.raises(ServiceError, match="no time is left") as raised:
            question()
        assert raised.value.may_pass
    assert started.service.calls == []


def test_a_resolved_incident_is_not_resolved_again() -> None:
    """Every update tells the chat channel."""
    started = Started()
    arn = started.start()
    started.world.incidents.resolve(arn, started.order, started.deadline)
    assert started.world.incidents.resolve(arn, started.order, started.deadline) is False
    assert len(started.service.called("UpdateIncidentRecord")) == 1


def test_a_note_is_json_and_bounded() -> None:
    """The console reads event data as JSON."""
    started = Started()
    arn = started.start()
    started.world.incidents.note(arn, "ü\n" * 5_000, "key", started.deadline)
    (_, data) = started.service.notes[0]
    assert len(data) < 12_000
    assert json.loads(data).startswith("ü ü")


@pytest.mark.parametrize(
    ("record", "plan", "same"),
    [
        ("arn:aws:ssm-incidents::1:incident-record/checkout/uuid", PLAN, True),
        ("arn:aws:ssm-incidents::1:incident-record/checkout2/uuid", PLAN, False),
        ("checkout", PLAN, False),
        ("", "no arn", False),
    ],
)
def test_a_record_tells_its_plan_by_its_arn(record: str, plan: str, *, same: bool) -> None:
    """It carries no other sign of it."""
    assert is_of_plan(record, plan) is same


# --- over boto3's own client


def over_boto3(clock: FakeClock, status: int, body: bytes, error: str = "") -> tuple[Incidents, list[Any]]:
    """Answer boto3's client in place of the network."""
    client = boto3.client(
        "ssm-incidents",
        region_name="us-east-1",
        aws_access_key_id="x",
        aws_secret_access_key="x",
        config=CONFIG,
    )
    sent: list[Any] = []

    class Raw:
        """The body of an answer."""

        def stream(self, *_: object, **__: object) -> Any:
            yield body

    def answer(request: Any, **_: object) -> AWSResponse:
        sent.append(request)
        headers = {"x-amzn-ErrorType": error} if error else {}
        return AWSResponse(request.url, status, headers, Raw())

    client.meta.events.register("before-send.ssm-incidents.*", answer)
    return Incidents(Regions(REGION, lambda _: client, clock), clock), sent


def test_a_request_as_it_goes_out() -> None:
    """Serialised by botocore; the time is in seconds, the token is ours."""
    started = Started(sample("alarm_metric"))
    arn = "arn:aws:ssm-incidents::123456789012:incident-record/checkout/uuid"
    incidents, sent = over_boto3(started.world.clock, 200, json.dumps({"incidentRecordArn": arn}).encode())
    assert incidents.start(started.order, started.attempt, started.deadline) == arn
    (request,) = sent
    body = json.loads(request.body)
    assert request.url == f"{URL}/startIncident"
    assert body["clientToken"] == started.request["clientToken"]
    assert body["triggerDetails"]["timestamp"] == pytest.approx(1570035880.989)


@pytest.mark.parametrize(
    ("status", "error", "kind"),
    [
        (429, "ThrottlingException", "retry"),
        (409, "ConflictException", "ambiguous"),
        (500, "InternalServerException", "ambiguous"),
        (502, "", "ambiguous"),
        (403, "AccessDeniedException", "access"),
        (404, "ResourceNotFoundException", "not_found"),
        (400, "ValidationException", "permanent"),
        (200, "", "ambiguous"),
    ],
)
def test_answers_as_they_come_in(status: int, error: str, kind: str) -> None:
    """Each modelled error, and answers that are none; botocore sends nothing twice."""
    started = Started(seconds=12)
    incidents, sent = over_boto3(started.world.clock, status, b"{}", error)
    with pytest.raises(ServiceError) as raised:
        incidents.start(started.order, started.attempt, started.deadline)
    assert raised.value.kind == kind
    assert len(sent) == 1
