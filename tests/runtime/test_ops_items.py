"""The gateway to OpsCenter, over a strict fake, and the way of a signal that ends there."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ReadTimeoutError
from hypothesis import given
from incidents_runtime.destinations import Attempt, Order, ServiceError
from incidents_runtime.ops_items import ops_item_request, tell
from incidents_runtime.settings import OPS_ITEMS, Route
from incidents_runtime.signal_model import RelatedItem
from incidents_runtime.signals import Signal, read
from incidents_runtime.start_request import mark_of

from tests.runtime.fakes import (
    DENIED,
    FUNCTION,
    INTERNAL,
    NOW,
    PLAN,
    THROTTLED,
    FakeContext,
    LostAnswerError,
    World,
    alarm,
    refusal,
    sample,
)
from tests.runtime.model import violations
from tests.runtime.strategies import ANY_EVENT, examples

if TYPE_CHECKING:
    from collections.abc import Callable

ROUTE = Route(id="Critical", ops_item={}, auto_resolve=True)
ALIAS = f"{FUNCTION}:Critical"
TIME_OUT = ReadTimeoutError(endpoint_url="https://example.com")
LOST = LostAnswerError(TIME_OUT)


def signal_of(event: object) -> Signal:
    """Read an event's only signal."""
    (signal,) = read(event, NOW)
    return signal


def request_of(signal: Signal, route: Route = ROUTE) -> dict[str, Any]:
    """Make a request and hold it against the model."""
    request = ops_item_request(Order(signal, route, ALIAS), mark_of(signal, route))
    assert violations("ssm", "CreateOpsItem", request) == []
    return request


SIGNAL = signal_of(sample("alarm_metric"))


class Started:
    """A world, an order, and what its OpsItem is known by."""

    def __init__(self, seconds: float = 30.0) -> None:
        self.world = World(routes=(ROUTE,))
        signal = signal_of(alarm())
        self.order = Order(signal, ROUTE, ALIAS)
        self.attempt = Attempt(OPS_ITEMS, mark_of(signal, ROUTE), NOW, "source", None)
        self.deadline = FakeContext(self.world.clock, "Critical", seconds).deadline()
        self.center, self.ops_items = self.world.ops_center, self.world.ops_items

    def start(self) -> str:
        """Create the OpsItem."""
        return self.ops_items.start(self.order, self.attempt, self.deadline)

    def item(self) -> dict[str, Any]:
        """Give the only OpsItem."""
        (item,) = self.center.items.values()
        return item


# --- what it says


def test_it_says_what_the_incident_would_have_said() -> None:
    """Title, reason, where it comes from, links and the event."""
    link = RelatedItem("OTHER", "Run`book", url="https://example.com/a?b=1")
    resource = RelatedItem("INVOLVED_RESOURCE", "EC2", arn="arn:aws:ec2:us-east-1:123456789012:instance/i-1")
    signal = replace(SIGNAL, related_items=(link, resource))
    request = request_of(signal)
    assert request["Title"] == signal.title
    assert request["Source"] == "cloudwatch.alarm"
    assert request["Description"].split("\n\n") == [
        f"Reason: `{signal.reason}`",
        "Source: `cloudwatch.alarm`",
        "Account and Region: `123456789012` `us-east-1`",
        "Time: 2019-10-02T17:04:40Z",
        f"Started by route `Critical`, signal {mark_of(signal, ROUTE)}",
        "`Run'book`: <https://example.com/a?b=1>",
    ]
    data = {name: value["Value"] for name, value in request["OperationalData"].items()}
    assert json.loads(data["/aws/resources"]) == [{"arn": signal.trigger_arn}, {"arn": resource.arn}]
    assert json.loads(data["/aws/dedup"]) == {"dedupString": mark_of(signal, ROUTE)}
    assert json.loads(data["cdk-incidents-event"])["source"] == "aws.cloudwatch"


@pytest.mark.parametrize(
    ("made_with", "impact", "shown"),
    [
        ({}, None, {}),
        ({}, 1, {"Severity": "1"}),
        ({}, 4, {"Severity": "4"}),
        ({}, 5, {"Severity": "4"}),
        ({"severity": "3"}, 1, {"Severity": "3"}),
        (
            {"severity": "2", "priority": 5, "category": "Security"},
            None,
            {"Severity": "2", "Priority": 5, "Category": "Security"},
        ),
    ],
)
def test_severity_is_the_routes_or_its_impacts(
    made_with: dict[str, Any], impact: int | None, shown: dict[str, Any]
) -> None:
    """There are five impacts and four severities; what nobody says is left to OpsCenter."""
    request = request_of(SIGNAL, replace(ROUTE, ops_item=made_with, impact=impact))
    assert {name: request[name] for name in ("Severity", "Priority", "Category") if name in request} == shown


def test_a_manual_calls_impact_counts_where_the_route_says_nothing() -> None:
    """As it does for an incident."""
    assert request_of(replace(SIGNAL, impact=3))["Severity"] == "3"


@pytest.mark.parametrize("source", ["my.AWS.thing", "amazon", "x-amzn-y"])
def test_sources_that_the_service_refuses_are_custom(source: str) -> None:
    """It takes none that sounds like its own."""
    assert request_of(replace(SIGNAL, incident_source=source))["Source"] == "custom"


def test_what_an_event_says_is_no_markdown() -> None:
    """The description is Markdown: text stays code, an address that could leave its brackets is not there."""
    bad = RelatedItem("OTHER", "[x](javascript:alert(1))", url="https://example.com/>![](http://evil)")
    reason = "`](http://evil) ![img](http://evil) \n# heading"
    description = request_of(replace(SIGNAL, reason=reason, related_items=(bad,)))["Description"]
    assert description.startswith("Reason: `'](http://evil) ![img](http://evil) # heading`\n\n")
    assert "example.com" not in description


def test_a_long_description_loses_its_end() -> None:
    """It keeps the reason; links go as far as there is space."""
    items = tuple(RelatedItem("OTHER", f"{n}", url=f"https://example.com/{n}/" + "x" * 400) for n in range(9))
    description = request_of(replace(SIGNAL, reason="🚨" * 5_000, related_items=items))["Description"]
    assert description.count("🚨") == 499
    assert "/0/" in description
    assert "/8/" not in description


def test_an_item_without_resources_has_none() -> None:
    """An empty list is none."""
    signal = replace(SIGNAL, trigger_arn=None, related_items=())
    assert "/aws/resources" not in request_of(signal)["OperationalData"]


def test_as_many_resources_as_the_service_takes() -> None:
    """Twenty kilobytes of a value: the first ones stay."""
    arns = [f"arn:aws:sns:us-east-1:123456789012:{number:03}{'é' * 150}" for number in range(39)]
    items = tuple(RelatedItem("INVOLVED_RESOURCE", "A topic", arn=arn) for arn in arns)
    value = request_of(replace(SIGNAL, related_items=items))["OperationalData"]["/aws/resources"]["Value"]
    assert len(value) <= 20 * 1024
    told = [resource["arn"] for resource in json.loads(value)]
    assert told == [SIGNAL.trigger_arn, *arns[: len(told) - 1]]
    assert len(told) > 19


@examples(100)
@given(event=ANY_EVENT)
def test_any_event_makes_an_item_that_the_service_takes(event: object) -> None:
    """Every limit and pattern of the model, and what its documents say beyond it."""
    world = World(routes=(ROUTE,))
    result = world.deliver(event)
    assert not result.get("batchItemFailures")
    started = [told for told in result.get("outcomes", ()) if told["outcome"] == "started"]
    assert len(started) == len(world.ops_center.items) or "batchItemFailures" in result


# --- started once


def test_an_item_is_created_and_its_arn_is_its_record() -> None:
    """The ARN names the Region too."""
    started = Started()
    assert started.start() == started.item()["OpsItemArn"]


def test_an_answer_that_was_lost_is_no_second_item() -> None:
    """The service refuses it by its string, and says which is there."""
    started = Started()
    started.center.fail("CreateOpsItem", LOST)
    assert started.start() == started.item()["OpsItemArn"]
    assert len(started.center.called("CreateOpsItem")) == 2


@pytest.mark.parametrize("fault", [THROTTLED, INTERNAL, TIME_OUT])
def test_what_may_pass_is_tried_three_times(fault: Exception) -> None:
    """With growing pauses; then the signal comes again."""
    started = Started()
    started.center.fail("CreateOpsItem", fault, fault, fault)
    with pytest.raises(ServiceError) as raised:
        started.start()
    assert raised.value.may_pass
    assert len(started.center.called("CreateOpsItem")) == 3
    assert started.world.clock.slept == pytest.approx(0.75 + 1.5)


def test_a_refusal_is_not_tried_again() -> None:
    """Waiting mends nothing."""
    started = Started()
    started.center.fail("CreateOpsItem", refusal("OpsItemLimitExceededException"))
    with pytest.raises(ServiceError) as raised:
        started.start()
    assert raised.value.kind == "permanent"
    assert len(started.center.called("CreateOpsItem")) == 1


@pytest.mark.parametrize("answer", [{}, {"OpsItemArn": ""}, {"OpsItemArn": 7}])
def test_an_answer_without_an_arn_is_none(answer: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody knows then; the next attempt finds out."""
    started = Started(seconds=12)
    monkeypatch.setattr(started.center, "_create", lambda _: answer)
    with pytest.raises(ServiceError, match="names no OpsItem") as raised:
        started.start()
    assert raised.value.kind == "ambiguous"


def test_who_refuses_without_naming_the_other_is_a_refusal() -> None:
    """Then it cannot be found by its id."""
    started = Started()
    started.center.fail("CreateOpsItem", refusal("OpsItemAlreadyExistsException"))
    with pytest.raises(ServiceError, match="OpsItemAlreadyExists"):
        started.start()


def test_it_is_found_by_its_signal() -> None:
    """The newest of them, on whatever page it is; others are not it."""
    started = Started()
    started.center.page = 1
    assert started.ops_items.find(started.attempt, started.deadline) is None
    other = replace(started.attempt, mark="another")
    assert started.ops_items.start(started.order, other, started.deadline)
    assert started.ops_items.find(started.attempt, started.deadline) is None
    first = started.start()
    started.ops_items.resolve(first, started.order, started.deadline)
    started.world.clock.time += timedelta(seconds=1)
    second = started.start()
    assert second != first
    assert started.ops_items.find(started.attempt, started.deadline) == second


def test_looking_ends() -> None:
    """After five pages."""
    started = Started()
    started.center.page = 1
    for _ in range(7):
        started.ops_items.resolve(started.start(), started.order, started.deadline)
    before = len(started.center.called("DescribeOpsItems"))
    assert started.ops_items.find(started.attempt, started.deadline)
    assert len(started.center.called("DescribeOpsItems")) - before == 5


def test_no_call_without_time_for_it() -> None:
    """Each may take eight seconds, and there must be time left to answer."""
    started = Started(seconds=11)
    ops_items, order, deadline = started.ops_items, started.order, started.deadline
    for question in (
        lambda: ops_items.start(order, started.attempt, deadline),
        lambda: ops_items.find(started.attempt, deadline),
        lambda: ops_items.status("record", deadline),
        lambda: ops_items.resolve("record", order, deadline),
        lambda: ops_items.note("record", "text", "key", deadline),
    ):
        with pytest.raises(ServiceError, match="no time is left") as raised:
            question()
        assert raised.value.may_pass
    assert started.center.calls == []


@pytest.mark.parametrize("then", ["start", "find"])
def test_no_second_call_without_time_for_it(then: str) -> None:
    """The item's ARN is a question of its own."""
    started = Started()
    started.start()
    started.center.before_call = lambda _: setattr(
        started.world.clock, "time", started.world.clock.time + timedelta(seconds=8)
    )
    deadline = FakeContext(started.world.clock, "Critical", 19).deadline()
    questions: dict[str, Callable[[], object]] = {
        "start": lambda: started.ops_items.start(started.order, started.attempt, deadline),
        "find": lambda: started.ops_items.find(started.attempt, deadline),
    }
    with pytest.raises(ServiceError, match="no time is left"):
        questions[then]()
    assert started.center.called("GetOpsItem") == []


# --- status, resolve, note


@pytest.mark.parametrize(
    ("status", "means"),
    [("Open", "OPEN"), ("InProgress", "OPEN"), ("Resolved", "RESOLVED"), ("Closed", "RESOLVED")],
)
def test_a_status_is_open_until_somebody_ends_it(status: str, means: str) -> None:
    """An item in progress is open."""
    started = Started()
    record = started.start()
    started.item()["Status"] = status
    assert started.ops_items.status(record, started.deadline) == means


def test_an_item_that_is_not_there_is_missing() -> None:
    """Deleted, or never one."""
    started = Started()
    record = started.start()
    started.center.items.clear()
    assert started.ops_items.status(record, started.deadline) == "MISSING"
    assert started.ops_items.resolve(record, started.order, started.deadline) is False
    started.center.fail("GetOpsItem", refusal("ValidationException"))
    assert started.ops_items.status("oi-000000000000", started.deadline) == "MISSING"


@pytest.mark.parametrize("denied", [DENIED, refusal("OpsItemAccessDeniedException")])
def test_a_denial_is_no_missing_item(denied: Exception) -> None:
    """Else a recovery would be forgotten."""
    started = Started()
    record = started.start()
    started.center.fail("GetOpsItem", denied)
    with pytest.raises(ServiceError) as raised:
        started.ops_items.resolve(record, started.order, started.deadline)
    assert raised.value.kind == "access"


def test_it_is_resolved_once() -> None:
    """Faults that pass are waited out."""
    started = Started()
    record = started.start()
    started.center.fail("GetOpsItem", THROTTLED)
    started.center.fail("UpdateOpsItem", TIME_OUT)
    assert started.ops_items.resolve(record, started.order, started.deadline) is True
    assert started.item()["Status"] == "Resolved"
    assert started.ops_items.resolve(record, started.order, started.deadline) is False
    assert len(started.center.called("UpdateOpsItem")) == 2


def test_notes_are_bounded() -> None:
    """The newest of a kind stays; each is one line."""
    started = Started()
    record = started.start()
    for number in (1, 2, 4):
        started.ops_items.note(record, f"{number} more\n" + "ü" * 5_000, f"joined {number}", started.deadline)
    notes = {
        key: data["Value"]
        for key, data in started.item()["OperationalData"].items()
        if key.startswith("cdk-incidents-joined")
    }
    assert list(notes) == ["cdk-incidents-joined"]
    assert notes["cdk-incidents-joined"].startswith("4 more ü")
    assert len(notes["cdk-incidents-joined"]) == 1_800


# --- the way of a signal


def test_one_open_item_a_cause() -> None:
    """Signals join while it is open, a recovery resolves it, and the next signal opens another."""
    world = World(routes=(ROUTE,))
    assert [world.outcome(alarm(at=second)) for second in range(3)] == ["started", "joined", "joined"]
    assert world.outcome(alarm(state="OK", at=3)) == "resolved"
    assert world.outcome(alarm(at=4)) == "started"
    assert [item["Status"] for item in world.ops_center.items.values()] == ["Resolved", "Open"]
    assert world.service.calls == []


def test_a_killed_handler_leaves_one_item() -> None:
    """Who comes next looks for what the dead one created."""
    world = World(routes=(ROUTE,))
    world.ops_center.fail("CreateOpsItem", LOST, TIME_OUT, TIME_OUT)
    with pytest.raises(Exception, match="ReadTimeout"):
        world.deliver(alarm())
    assert world.outcome(alarm()) in ("started", "joined")
    assert len(world.ops_center.items) == 1
    assert len(world.ops_center.called("CreateOpsItem")) == 3


def test_a_route_that_left_for_opscenter_leaves_its_incidents_where_they_are() -> None:
    """Only its destination has changed: what is open is resolved there, what is new is opened here."""
    world = World(routes=(Route(id="Critical", response_plan_arn=PLAN, auto_resolve=True),))
    world.deliver(alarm("A"))
    world.deliver(alarm("B"))
    world.routes["Critical"] = ROUTE
    assert world.outcome(alarm("A", "OK", 1)) == "resolved"
    assert world.outcome(alarm("B", at=1)) == "started"
    assert len(world.service.open_records()) == 1
    assert world.outcome(alarm("B", "OK", 2)) == "resolved"
    (item,) = world.ops_center.items.values()
    assert item["Status"] == "Resolved"


# --- the fallback


def test_the_fallback_is_an_item_that_says_what_is_missing() -> None:
    """Of severity 2 unless it is told otherwise; what an event says stays code."""
    world = World()
    tell(world.ops_center, {}, title="No incident: Cpu\n🚨", lines=["Route: Critical", "", "# `x`"])
    (item,) = world.ops_center.items.values()
    assert item["Title"] == "No incident: Cpu 🚨"
    assert item["Description"] == "`No incident: Cpu 🚨`\n\n`Route: Critical`\n\n`# 'x'`"
    assert (item["Severity"], item["Source"]) == ("2", "custom")
    tell(
        world.ops_center,
        {"severity": "1", "priority": 1, "category": "Recovery"},
        title="",
        lines=["x" * 9_999],
    )
    *_, item = world.ops_center.items.values()
    assert (item["Title"], item["Severity"], item["Priority"]) == ("An incident is missing", "1", 1)


def test_the_fallback_says_nothing_twice_and_every_cause_once() -> None:
    """A retry says the same again; another cause is another item."""
    world = World()
    for line in ("a", "b", "a"):
        tell(world.ops_center, {}, title="No incident: Cpu", lines=[line])
    assert len(world.ops_center.items) == 2


def test_who_cannot_be_told_is_known() -> None:
    """Whoever tells must know that nobody was told."""
    world = World()
    world.ops_center.fail("CreateOpsItem", DENIED)
    with pytest.raises(Exception, match="AccessDenied"):
        tell(world.ops_center, {}, title="No incident", lines=[])
