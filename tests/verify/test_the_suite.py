"""What the behaviour suite is made of: sources for rules, a guard, a pace, a sweep."""

from __future__ import annotations

import datetime as dt
import importlib
import inspect
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pytest

from cdk_incidents.local import Assumptions, LocalCloud
from cdk_incidents.local._server.incident_manager.rates import Rates
from cdk_incidents.local._server.state import Caller, Cloud
from tests.behaviour.account import Aws
from tests.behaviour.guard import Guard, NotOursError
from tests.behaviour.pace import WRITES_PER_SECOND, Pace
from tests.behaviour.sweep import Sweep
from tests.behaviour.verification import table, to_paste

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SUITE = Path(__file__).parents[1] / "behaviour"
RUN = "cdk-incidents-verify-0000"
_ARN = "arn:aws:ssm-incidents::111122223333:"
_CONTACT = "arn:aws:ssm-contacts:eu-central-1:111122223333:contact/"


def _tests() -> Iterator[tuple[str, Callable[..., Any]]]:
    for path in sorted(SUITE.glob("test_*.py")):
        module = importlib.import_module(f"tests.behaviour.{path.stem}")
        yield from inspect.getmembers(
            module, lambda it: inspect.isfunction(it) and "test_" in it.__name__[:5]
        )


def _marks(test: Any, name: str) -> list[pytest.Mark]:
    return [mark for mark in getattr(test, "pytestmark", []) if mark.name == name]


def test_every_rule_is_said_and_names_its_source() -> None:
    """One page of AWS's documentation, and one docstring."""
    tests = dict(_tests())
    assert len(tests) > 150
    for name, test in tests.items():
        (source,) = (mark.args[0] for mark in _marks(test, "rule"))
        assert source.startswith("https://docs.aws.amazon.com/"), name
        assert test.__doc__, name


def test_no_name_comes_twice() -> None:
    """The end of a run names tests without their files."""
    names = [name for name, _ in _tests()]
    assert len(names) == len(set(names))


def test_every_assumption_is_looked_at() -> None:
    """But that on alarms, which are none of this service's."""
    marks = [mark for _, test in _tests() for mark in _marks(test, "unsettled")]
    named = {mark.args[0] for mark in marks if "here" not in mark.kwargs}
    assert named == {field.name for field in fields(Assumptions)} - {"alarm_organization"}


def test_what_is_unsettled_gives_back_what_was_seen() -> None:
    """Its test returns it; any other returns nothing."""
    for name, test in _tests():
        returns = test.__annotations__["return"] != "None"
        assert returns == bool(_marks(test, "unsettled")), name


# The guard

_OURS = f"{_ARN}response-plan/{RUN}-plan-1"
_PERSON = f"{_CONTACT}{RUN}-person-1"
_MAIL = {"SimpleAddress": "verify@example.com"}
_CHANNEL = {"ContactId": _PERSON, "DeferActivation": True, "DeliveryAddress": _MAIL}


@pytest.mark.parametrize(
    ("operation", "params"),
    [
        ("StartIncident", {"responsePlanArn": f"{_ARN}response-plan/checkout"}),
        ("StartIncident", {}),
        ("CreateResponsePlan", {"name": "checkout"}),
        ("CreateResponsePlan", {"name": f"{RUN}-plan", "engagements": [f"{_CONTACT}ann"]}),
        ("UpdateResponsePlan", {"arn": _OURS, "chatChannel": {"chatbotSns": ["arn:aws:sns:::ops"]}}),
        (
            "CreateResponsePlan",
            {
                "name": f"{RUN}-plan",
                "incidentTemplate": {"notificationTargets": [{"snsTopicArn": "arn:aws:sns:::ops"}]},
            },
        ),
        (
            "UpdateResponsePlan",
            {"arn": _OURS, "incidentTemplateNotificationTargets": [{"snsTopicArn": "arn:aws:sns:::ops"}]},
        ),
        ("CreateRotation", {"Name": RUN.replace("-", "_"), "ContactIds": [f"{_CONTACT}ann"]}),
        ("CreateOpsItem", {"Title": f"({RUN})", "Notifications": [{"Arn": "arn:aws:sns:::ops"}]}),
        ("Subscribe", {"TopicArn": f"arn:aws:sns:::{RUN}", "Protocol": "email", "Endpoint": "ann@corp.com"}),
        ("UpdateIncidentRecord", {"arn": f"{_ARN}incident-record/checkout/1"}),
        ("DeleteReplicationSet", {"arn": f"{_ARN}replication-set/1"}),
        ("TagResource", {"resourceArn": f"{_ARN}response-plan/checkout"}),
        ("StartEngagement", {"ContactId": f"{_CONTACT}ann"}),
        ("DeleteRotation", {"RotationId": "arn:aws:ssm-contacts:eu-central-1:111122223333:rotation/1"}),
        ("DeleteOpsItem", {"OpsItemId": "oi-1"}),
        ("CreateOpsItem", {"Title": "mine"}),
        ("CreateContactChannel", {**_CHANNEL, "DeferActivation": False}),
        ("CreateContactChannel", {**_CHANNEL, "DeliveryAddress": {"SimpleAddress": "ann@corp.com"}}),
        ("CreateContactChannel", {**_CHANNEL, "DeliveryAddress": {"SimpleAddress": "+4915112345678"}}),
        ("ActivateContactChannel", {"ContactChannelId": _PERSON.replace("contact/", "contact-channel/")}),
        ("SendActivationCode", {"ContactChannelId": _PERSON.replace("contact/", "contact-channel/")}),
    ],
)
def test_nothing_of_others_is_written(operation: str, params: dict[str, Any]) -> None:
    """Nor is anything sent to anybody."""
    with pytest.raises(NotOursError):
        Guard(RUN).look("ssm-incidents", operation, params)


@pytest.mark.parametrize(
    ("operation", "params"),
    [
        (
            "StartIncident",
            {"responsePlanArn": _OURS, "triggerDetails": {"triggerArn": "arn:aws:cloudwatch:::a"}},
        ),
        ("Subscribe", {"TopicArn": f"arn:aws:sns:::{RUN}", "Endpoint": f"arn:aws:sqs:::{RUN}"}),
        ("CreateResponsePlan", {"name": f"{RUN}-plan", "engagements": [_PERSON]}),
        ("CreateContactChannel", _CHANNEL),
        ("CreateContactChannel", {**_CHANNEL, "DeliveryAddress": {"SimpleAddress": "+12025550123"}}),
        ("CreateRotation", {"Name": RUN.replace("-", "_"), "ContactIds": [_PERSON]}),
        ("GetResponsePlan", {"arn": f"{_ARN}response-plan/checkout"}),
        ("ListIncidentRecords", {}),
    ],
)
def test_what_is_ours_is_written_and_all_is_read(operation: str, params: dict[str, Any]) -> None:
    """By its name."""
    Guard(RUN).look("ssm-incidents", operation, params)


def test_what_the_service_named_is_ours_too() -> None:
    """An OpsItem has no name of its own."""
    guard = Guard(RUN)
    guard.made({"OpsItemId": "oi-1"})
    guard.look("ssm", "DeleteOpsItem", {"OpsItemId": "oi-1"})
    with pytest.raises(NotOursError, match="'oi-2', which is not of"):
        guard.look("ssm", "DeleteOpsItem", {"OpsItemId": "oi-2"})


# The pace


@dataclass
class _Time:
    now: float = 0.0

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def test_calls_leave_half_of_the_services_rates_to_others() -> None:
    """As the loopback AWS plays them: each time somebody else makes the same call, and none is throttled."""
    time, begun = _Time(), dt.datetime(2027, 1, 4, tzinfo=dt.timezone.utc)
    pace = Pace(WRITES_PER_SECOND, settle_s=0, now=lambda: time.now, sleep=time.sleep)
    rates, account = Rates(), Cloud("us-east-1").account("0" * 12)
    caller = Caller(account, "us-east-1", "arn", lambda *_: True)
    for operation in ["StartIncident", "GetIncidentRecord", "CreateTimelineEvent"] * 20:
        pace.keep(operation)
        for _ in ("ours", "theirs"):
            rates.use(caller, operation, begun + dt.timedelta(seconds=time.now))
    assert time.now == pytest.approx(19 / WRITES_PER_SECOND)


def test_what_was_written_is_read_a_moment_later() -> None:
    """By anything that reads; one read after the other does not wait."""
    time = _Time()
    pace = Pace(WRITES_PER_SECOND, settle_s=3, now=lambda: time.now, sleep=time.sleep)
    read: list[float] = []
    for operation in ("CreateContact", "GetContact", "ListContacts", "TagResource", "ListTagsForResource"):
        pace.keep(operation)
        read.append(time.now)
    assert read == [0, 3, 3, 3, 6]


# The end of a run


def test_the_table_tells_where_the_account_differs() -> None:
    """With a star."""
    lines = table([("reserved_source", "refused", "accepted"), ("order", "by name", "by name")])
    assert [line[:2].strip() for line in lines[1:]] == ["*", ""]
    assert lines[1].split() == ["*", "reserved_source", "'refused'", "'accepted'"]


def test_what_cannot_be_played_is_told_beside_what_can() -> None:
    """An answer that nobody thought of, and two that disagree."""
    pasted = to_paste(
        [
            ("reserved_source", "refused", "accepted"),
            ("client_token_reuse", "ConflictException", "another incident"),
            ("forwarded_permission_missing", "AccessDeniedException", "started"),
            ("forwarded_permission_missing", "AccessDeniedException", "AccessDeniedException"),
            ("the order of lists", "any", "by name"),
        ]
    )
    assert pasted.splitlines() == [
        "LocalCloud(assumptions=Assumptions(",
        "    reserved_source='accepted',",
        "    # client_token_reuse: 'another incident', which is not played",
        "    # forwarded_permission_missing: 'started' and 'AccessDeniedException', which is not played",
        "))",
    ]


@pytest.fixture
def made(local_cloud: LocalCloud) -> Iterator[tuple[Aws, str]]:
    """Give an account in which a run made a plan and an incident, and the plan."""
    session = boto3.Session(aws_access_key_id="test", aws_secret_access_key="test")
    aws = Aws(
        session,
        account="0" * 12,
        regions=["us-east-1"],
        pace=Pace(0),
        endpoint_url=local_cloud.endpoint_url,
        attempts=1,
    )
    plan = aws.plan()
    aws.start(plan)
    yield aws, plan
    aws.close()


def test_what_cannot_be_removed_is_named_with_the_reason(
    local_cloud: LocalCloud, made: tuple[Aws, str]
) -> None:
    """After some attempts; when it can be, it goes."""
    (aws, plan), waits = made, list[float]()
    sweep = Sweep(aws.unguarded, ["us-east-1"], aws.run, patient=False, sleep=waits.append)
    local_cloud.faults.add("DeleteResponsePlan", error="AccessDeniedException", times=None)
    removed, left = sweep.run()
    local_cloud.faults.clear()
    assert removed >= 1
    assert list(left) == [plan]
    assert "AccessDeniedException" in left[plan]
    assert len(waits) > 1
    assert sweep.run() == (1, {})


def test_what_cannot_be_listed_keeps_nothing_from_being_removed(
    local_cloud: LocalCloud, made: tuple[Aws, str]
) -> None:
    """It is told; the plan behind it goes."""
    (aws, plan), waits = made, list[float]()
    sweep = Sweep(aws.unguarded, ["us-east-1"], aws.run, patient=False, sleep=waits.append)
    local_cloud.faults.add("ListIncidentRecords", error="AccessDeniedException", times=None)
    _, left = sweep.run()
    local_cloud.faults.clear()
    assert list(left) == ["incidents in us-east-1"]
    assert aws.code(lambda: aws.incidents.get_response_plan(arn=plan)) == "ResourceNotFoundException"
    assert sweep.run()[1] == {}


def test_a_patient_sweep_looks_again_before_it_says_that_there_is_nothing(made: tuple[Aws, str]) -> None:
    """What was made a moment ago may not be listed yet."""
    (aws, _), waits = made, list[float]()
    calls: list[str] = []

    def client(service: str, region: str) -> Any:
        calls.append(service)
        return aws.unguarded(service, region)

    assert Sweep(client, ["us-east-1"], f"{aws.run}-other", patient=True, sleep=waits.append).run() == (0, {})
    assert len(waits) == 1
    assert calls.count("iam") >= 2
    assert Sweep(client, ["us-east-1"], aws.run, patient=False, sleep=waits.append).run()[1] == {}
