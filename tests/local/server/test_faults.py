"""Faults on demand, and the rest of the control path."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any
from urllib.error import HTTPError

import pytest
from botocore.exceptions import ClientError, ConnectionClosedError, ReadTimeoutError

from cdk_incidents.local._server.faults import TRANSPORT, Faults
from cdk_incidents.local._server.protocol.wire import Wire

from .conftest import REGION, unique

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .conftest import Aws


@pytest.fixture(autouse=True)
def _no_fault_stays(aws: Aws) -> Iterator[None]:
    yield
    aws.control("DELETE", "faults")
    aws.control("POST", "rules", {})
    aws.control("POST", "assumptions", {})


def _started(aws: Aws, plan: str) -> int:
    return sum(entry["plan"] == plan for entry in aws.control("GET", "audit")["audit"])


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("AccessDeniedException", 403),
        ("ConflictException", 409),
        ("InternalServerException", 500),
        ("ResourceNotFoundException", 404),
        ("ThrottlingException", 429),
        ("ValidationException", 400),
    ],
)
def test_each_error_of_the_model_comes_with_its_status(
    aws: Aws, incidents: Any, code: str, status: int
) -> None:
    """The fault looks like the service's own error, and nothing is done."""
    plan = aws.plan()
    aws.control("POST", "faults", {"operation": "StartIncident", "error": code})
    with pytest.raises(getattr(incidents.exceptions, code)) as caught:
        aws.start(plan)
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == status
    assert _started(aws, plan) == 0
    assert aws.start(plan)


def test_a_fault_happens_as_often_as_asked(aws: Aws, incidents: Any) -> None:
    """After `times` calls everything works again; other operations never notice."""
    plan = aws.plan()
    aws.control("POST", "faults", {"operation": "StartIncident", "error": "ThrottlingException", "times": 2})
    assert incidents.get_response_plan(arn=plan)
    for _ in range(2):
        with pytest.raises(incidents.exceptions.ThrottlingException):
            aws.start(plan)
    assert aws.start(plan)


def test_a_reset_breaks_the_connection_before_the_work(aws: Aws) -> None:
    """No answer, and nothing done."""
    plan = aws.plan()
    aws.control("POST", "faults", {"operation": "StartIncident", "error": "reset"})
    with pytest.raises(ConnectionClosedError):
        aws.start(plan)
    assert _started(aws, plan) == 0


def test_a_lost_answer_breaks_the_connection_after_the_work(aws: Aws) -> None:
    """No answer, but the incident is there."""
    plan = aws.plan()
    aws.control("POST", "faults", {"operation": "StartIncident", "error": "lost"})
    with pytest.raises(ConnectionClosedError):
        aws.start(plan)
    assert _started(aws, plan) == 1


def test_a_time_out_keeps_the_caller_waiting(aws: Aws) -> None:
    """The answer does not come within the client's patience; nothing is done, and others are served."""
    plan = aws.plan()
    aws.control("POST", "faults", {"operation": "StartIncident", "error": "timeout", "after_s": 1.2})
    patient = aws.client("ssm-incidents")
    patient.meta.config.read_timeout = 5
    begun = time.monotonic()
    with pytest.raises((ConnectionClosedError, ReadTimeoutError)):
        aws.start(plan)
    assert time.monotonic() - begun > 1
    assert _started(aws, plan) == 0


def test_a_slow_answer_comes_late(aws: Aws) -> None:
    """The work is done, and others are served meanwhile."""
    plan = aws.plan()
    aws.control("POST", "faults", {"operation": "StartIncident", "error": "slow", "after_s": 1.2})
    begun = time.monotonic()
    assert aws.start(plan)
    assert time.monotonic() - begun > 1
    assert _started(aws, plan) == 1


def test_a_fault_may_be_of_one_region(aws: Aws) -> None:
    """Calls that are signed for another one work."""
    plan = aws.plan()
    fault = {"operation": "StartIncident", "error": "InternalServerException", "region": REGION}
    aws.control("POST", "faults", {**fault, "region": "eu-west-1"})
    assert aws.start(plan)
    aws.control("POST", "faults", fault)
    with pytest.raises(aws.client("ssm-incidents").exceptions.InternalServerException):
        aws.start(plan)


def _drawn(seed: int, probability: float) -> list[str]:
    drawn = Faults()
    drawn.seed("StartIncident", seed, probability, ["ThrottlingException", "reset", "lost"])
    faults = (drawn.take("StartIncident") for _ in range(1000))
    return [fault.error if fault else "" for fault in faults]


def test_a_seed_draws_the_same_faults() -> None:
    """As many as asked, each kind among them; another seed draws others."""
    first = _drawn(7, 0.05)
    assert first == _drawn(7, 0.05)
    assert first != _drawn(8, 0.05)
    assert 30 < sum(bool(fault) for fault in first) < 70
    assert set(first) == {"", "ThrottlingException", "reset", "lost"}
    assert set(_drawn(7, 0)) == {""}
    assert "" not in _drawn(7, 1)


def test_a_seed_draws_from_the_model_and_the_transport(aws: Aws, incidents: Any) -> None:
    """What it draws is what comes; other operations never notice."""
    errors = Wire("ssm-incidents").errors("GetResponsePlan")
    expected: dict[int, str] = {}
    for seed in range(50):
        drawn = Faults()
        drawn.seed("GetResponsePlan", seed, 1, [*errors, *TRANSPORT])
        expected[seed] = getattr(drawn.take("GetResponsePlan"), "error", "")
    # One that needs no patience.
    seed = next(seed for seed, error in expected.items() if error in errors)
    aws.control("POST", "seed", {"seed": seed, "operations": {"GetResponsePlan": 1}})
    plan = aws.plan()
    with pytest.raises(getattr(incidents.exceptions, expected[seed]), match="asked for"):
        incidents.get_response_plan(arn=plan)
    aws.control("DELETE", "faults")
    assert incidents.get_response_plan(arn=plan)


@pytest.mark.parametrize(
    ("operations", "told"),
    [
        ({"PageEverybody": 0.1}, "operation must be"),
        ({"ssm-incidents": 0.1}, "operation must be"),
        ({"StartIncident": 2}, "from 0 to 1"),
        ({"StartIncident": "often"}, "from 0 to 1"),
    ],
)
def test_a_seed_that_cannot_be_is_refused(aws: Aws, operations: dict[str, float], told: str) -> None:
    """The control path says what it would take."""
    with pytest.raises(HTTPError) as caught:
        aws.control("POST", "seed", {"seed": 1, "operations": operations})
    assert told in caught.value.read().decode()
    caught.value.close()


def test_a_seed_of_an_operation_of_two_services_draws_what_both_know(aws: Aws) -> None:
    """Incident Manager and its contacts both have TagResource, and errors that the other has not."""
    names = ("ssm-incidents", "ssm-contacts")
    incidents, contacts = ([*Wire(name).errors("TagResource")] for name in names)
    assert set(incidents) != set(contacts)
    common = [error for error in incidents if error in contacts]
    drawn: dict[str, int] = {}
    for seed in range(50):
        faults = Faults()
        faults.seed("TagResource", seed, 1, [*common, *TRANSPORT])
        drawn[getattr(faults.take("TagResource"), "error", "")] = seed
    seed = drawn["AccessDeniedException"]
    plan = aws.plan()
    arguments: tuple[dict[str, Any], ...] = (
        {"resourceArn": plan, "tags": {}},
        {"ResourceARN": plan, "Tags": []},
    )
    for name, given in zip(names, arguments, strict=True):
        aws.control("POST", "seed", {"seed": seed, "operations": {"TagResource": 1}})
        with pytest.raises(ClientError, match=r"\(AccessDeniedException\) .* asked for"):
            aws.client(name).tag_resource(**given)


@pytest.mark.parametrize(
    ("twice", "told"),
    [({"times": 0}, "times must be"), ({"times": "2"}, "times must be"), ({"function": 1}, "ARN")],
)
def test_events_come_twice_for_a_function_as_often_as_a_number_says(
    aws: Aws, twice: dict[str, Any], told: str
) -> None:
    """What is neither a function nor a number is refused."""
    with pytest.raises(HTTPError, match="400") as caught:
        aws.control("POST", "twice", {"function": "", "times": 1, **twice})
    assert told in caught.value.read().decode()
    caught.value.close()


def test_rates_hold_where_they_are_switched_on(aws: Aws, incidents: Any) -> None:
    """Five starts a second, for each account and Region by itself; reads have a rate of their own."""
    plan = aws.plan()
    aws.control("POST", "rules", {"rates": True})

    def starts() -> int:
        begun, done = time.monotonic(), 0
        while True:
            try:
                aws.start(plan)
            except incidents.exceptions.ThrottlingException:
                return done if time.monotonic() - begun < 1 else 5
            done += 1

    assert 5 <= starts() <= 10
    assert incidents.get_response_plan(arn=plan)
    aws.advance(minutes=1)
    assert 5 <= starts() <= 10


def test_without_rates_nothing_is_throttled(aws: Aws) -> None:
    """By default."""
    plan = aws.plan()
    for _ in range(30):
        aws.start(plan)
    assert _started(aws, plan) == 30


@pytest.mark.parametrize(
    ("window", "later", "same"),
    [(None, 60 * 24 * 2, True), (0, 0, False), (86_400, 60 * 23, True), (86_400, 60 * 25, False)],
)
def test_a_client_token_is_known_for_a_window(
    aws: Aws, window: float | None, later: int, *, same: bool
) -> None:
    """For ever, not at all, or for a day: nothing may rest on it."""
    aws.control("POST", "assumptions", {"client_token_window_s": window})
    plan = aws.plan()
    first = aws.start(plan, clientToken=plan)
    aws.advance(minutes=later)
    assert (aws.start(plan, clientToken=plan) == first) == same


def test_faults_are_cleared(aws: Aws) -> None:
    """DELETE takes back what has not happened yet."""
    aws.control("POST", "faults", {"operation": "StartIncident", "error": "reset", "times": 9})
    assert [fault["times"] for fault in aws.control("GET", "faults")["faults"]] == [9]
    assert aws.control("DELETE", "faults") == {"faults": []}
    assert aws.start(aws.plan())


def test_ops_items_have_faults_too(aws: Aws) -> None:
    """An error of another service's model works on its operations."""
    ssm = aws.client("ssm")
    aws.control("POST", "faults", {"operation": "CreateOpsItem", "error": "OpsItemLimitExceededException"})
    with pytest.raises(ssm.exceptions.OpsItemLimitExceededException):
        ssm.create_ops_item(Title="t", Description="d", Source="s")


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        ({"operation": "PageEverybody", "error": "reset"}, "operation must be one"),
        ({"operation": "StartIncident", "error": "OutOfCoffee"}, "error must be"),
        ({"operation": "StartIncident", "error": "reset", "times": 0}, "times must be"),
        ({"operation": "StartIncident", "error": "reset", "times": True}, "times must be"),
        ({"operation": "StartIncident", "error": "reset", "region": "mars"}, "region must be"),
        ({"operation": "StartIncident", "error": "slow", "after_s": -1}, "after_s must be a number"),
        ({"operation": "StartIncident", "error": "reset", "after_s": 1}, "after_s must be left out"),
        ({"operation": "StartIncidents", "error": "reset"}, "such as StartIncident,"),
        ({"operation": "StartIncident", "error": "Throttling"}, "ThrottlingException, "),
        ({"operation": "StartIncident"}, "a fault must be"),
    ],
)
def test_a_fault_that_cannot_happen_is_refused(aws: Aws, fault: dict[str, Any], told: str) -> None:
    """The control path says what it would take."""
    with pytest.raises(HTTPError) as caught:
        aws.control("POST", "faults", fault)
    assert caught.value.code == 400
    assert told in caught.value.read().decode()
    caught.value.close()


def test_health_and_pages_are_told(aws: Aws) -> None:
    """The server is well, and of a plan that engages nobody, nobody was paged."""
    assert aws.control("GET", "health").items() >= {"status": "ok", "region": REGION}.items()
    assert aws.pages(aws.start(aws.plan())) == []


def test_an_unknown_control_path_is_a_404(aws: Aws) -> None:
    """What is not known says so."""
    with pytest.raises(HTTPError, match="404") as caught:
        aws.control("GET", "coffee")
    caught.value.close()


@pytest.mark.parametrize(
    ("error", "status"),
    [
        ("InternalServerException", 500),
        ("ThrottlingException", 429),
        ("UnrecognizedClientException", 403),
        ("ExpiredTokenException", 403),
    ],
)
def test_a_service_may_be_down_until_it_is_up_again(
    aws: Aws, incidents: Any, error: str, status: int
) -> None:
    """All of its operations fail, however often; the other service works, and it too once that is over."""
    aws.control("POST", "faults", {"operation": "ssm-incidents", "error": error, "times": None})
    for _ in range(3):
        for ask in (incidents.list_replication_sets, incidents.list_response_plans):
            with pytest.raises(incidents.exceptions.ClientError, match=error) as caught:
                ask()
            assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == status
    assert aws.client("ssm-contacts").list_contacts()
    aws.control("DELETE", "faults")
    assert incidents.list_replication_sets()


def test_a_service_may_refuse_every_connection(aws: Aws, incidents: Any) -> None:
    """No operation of it gets an answer."""
    aws.control("POST", "faults", {"operation": "ssm-incidents", "error": "reset", "times": None})
    for _ in range(2):
        with pytest.raises(ConnectionClosedError):
            incidents.list_replication_sets()


@pytest.mark.parametrize("error", ["InternalServerException", "reset"])
def test_an_alarms_own_start_fails_too(aws: Aws, error: str) -> None:
    """What is to go wrong does so for CloudWatch, whose alarm tells it in its history."""
    watch, plan, alarm = aws.client("cloudwatch"), aws.plan(), unique("alarm")
    watch.put_metric_alarm(
        AlarmName=alarm,
        AlarmActions=[plan],
        Namespace="N",
        MetricName="M",
        Threshold=1.0,
        EvaluationPeriods=1,
        Period=60,
        Statistic="Sum",
        ComparisonOperator="GreaterThanThreshold",
    )
    aws.control("POST", "faults", {"operation": "StartIncident", "error": error})
    watch.set_alarm_state(AlarmName=alarm, StateValue="ALARM", StateReason="")
    items = watch.describe_alarm_history(AlarmName=alarm, HistoryItemType="Action")["AlarmHistoryItems"]
    (told,) = (item["HistorySummary"] for item in items)
    assert told.startswith(f"Failed to execute action {plan}")
    assert _started(aws, plan) == 0


def test_the_audit_tells_every_start_and_what_became_of_it(aws: Aws, incidents: Any) -> None:
    """The control path lists started, merged and refused starts with plan and title."""
    plan = aws.plan(dedupeString=unique("dedupe"))
    arn = aws.start(plan, title="audited")
    aws.start(plan)
    with pytest.raises(incidents.exceptions.ValidationException):
        aws.start(plan, triggerDetails={"source": "aws.x", "timestamp": 0})
    told = [e for e in aws.control("GET", "audit")["audit"] if e["plan"] == plan]
    assert [e["outcome"] for e in told] == ["started", "merged", "ValidationException"]
    assert (told[0]["title"], told[0]["incident_record_arn"]) == ("audited", arn)
