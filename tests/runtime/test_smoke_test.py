"""The smoke test's handler against an account that behaves, and then one that does not."""

from __future__ import annotations

import json
from datetime import datetime, timezone
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.exceptions import ClientError
from incidents_runtime import smoke_test

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

STACK = "arn:aws:cloudformation:us-east-1:111122223333:stack/Shop/6c1f"
PLAN = "arn:aws:ssm-incidents::111122223333:response-plan/quiet"
CANARY = "arn:aws:cloudwatch:us-east-1:111122223333:alarm:canary"


def gone(operation: str) -> ClientError:
    """Return the service's word for what is not there."""
    return ClientError({"Error": {"Code": "ResourceNotFoundException", "Message": "gone"}}, operation)


class Account:
    """Alarm, trigger and service in one: what the handler's five clients see of an AWS account."""

    def __init__(self) -> None:
        self.now = 0.0
        self.records: dict[str, dict[str, Any]] = {}
        self.ops_items: set[str] = set()
        self.states: list[str] = []
        self.titles: list[str] = []
        self.history: list[str] = []
        self.log: list[str] = ["START RequestId: 1"]
        self.stack_status = "UPDATE_IN_PROGRESS"
        self.on_alarm: Callable[[str], object] = self.open
        self.on_ok: Callable[[str], object] = self.resolve_all
        self.alarm_name = "canary"
        self.clients = smoke_test.Clients(self, self, self, self, self)

    # What the trigger does.
    def open(self, title: str, plan: str = "quiet") -> str:
        """Open an incident with its OpsItem."""
        self.titles.append(title)
        number = len(self.records) + 1
        arn = f"arn:aws:ssm-incidents::111122223333:incident-record/{plan}/{number}"
        self.ops_items.add(f"oi-{number}")
        self.records[arn] = {
            "arn": arn,
            "title": title,
            "status": "OPEN",
            "impact": 5,
            "creationTime": datetime.now(timezone.utc),
            "incidentRecordSource": {"source": "cloudwatch.alarm", "resourceArn": CANARY},
            "ops_item": f"oi-{number}",
        }
        return arn

    def resolve_all(self, _: str) -> None:
        """Resolve what is open."""
        for record in self.records.values():
            record["status"] = "RESOLVED"

    # The clients, method by method, and the clock.
    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    # cloudwatch
    def set_alarm_state(self, *, AlarmName: str, StateValue: str, StateReason: str) -> None:  # noqa: N803
        assert AlarmName == "canary"
        self.states.append(StateValue)
        acting = {"ALARM": self.on_alarm, "OK": self.on_ok}
        if StateValue in acting:
            acting[StateValue](StateReason)

    def describe_alarm_history(self, **_: Any) -> dict[str, Any]:
        return {"AlarmHistoryItems": [{"HistorySummary": summary} for summary in self.history]}

    # ssm-incidents
    def get_paginator(self, operation: str) -> Any:
        return SimpleNamespace(paginate=getattr(self, operation))

    def list_incident_records(self, *, filters: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
        after = filters[0]["condition"]["after"]
        found = [record for record in self.records.values() if record["creationTime"] > after]
        return iter([{"incidentRecordSummaries": found}])

    def get_incident_record(self, *, arn: str) -> dict[str, Any]:
        return {"incidentRecord": self.records[arn]}

    def get_response_plan(self, *, arn: str) -> dict[str, Any]:
        assert arn == PLAN
        return {"incidentTemplate": {"impact": 5}}

    def list_timeline_events(self, **_: Any) -> dict[str, Any]:
        kinds = ("Custom Event", "SSM Incident Trigger")
        return {"eventSummaries": [{"eventType": kind, "eventId": kind} for kind in kinds]}

    def get_timeline_event(self, **_: Any) -> dict[str, Any]:
        raw = json.dumps({"detail": {"alarmName": self.alarm_name}})
        return {"event": {"eventData": json.dumps({"rawData": raw})}}

    def list_related_items(self, *, incidentRecordArn: str) -> dict[str, Any]:  # noqa: N803
        if incidentRecordArn not in self.records:
            raise gone("ListRelatedItems")
        ops_item = self.records[incidentRecordArn]["ops_item"]
        parent = {
            "type": "PARENT",
            "value": {"arn": f"arn:aws:ssm:us-east-1:111122223333:opsitem/{ops_item}"},
        }
        other = {"type": "INVOLVED_RESOURCE", "value": {"arn": CANARY}}
        return {"relatedItems": [{"identifier": other}, {"identifier": parent}]}

    def update_incident_record(self, *, arn: str, status: str) -> None:
        self.records[arn]["status"] = status

    def delete_incident_record(self, *, arn: str) -> None:
        assert self.records[arn]["status"] == "RESOLVED", "resolve before deleting"
        del self.records[arn]

    # ssm, logs, cloudformation
    def delete_ops_item(self, *, OpsItemId: str) -> None:  # noqa: N803
        self.ops_items.remove(OpsItemId)

    def filter_log_events(self, *, logGroupName: str, startTime: int) -> Iterator[dict[str, Any]]:  # noqa: N803
        assert logGroupName == "trigger-log"
        assert startTime > 0
        return iter([{"events": [{"message": line} for line in self.log]}])

    def describe_stacks(self, *, StackName: str) -> dict[str, Any]:  # noqa: N803
        assert StackName == STACK
        return {"Stacks": [{"StackStatus": self.stack_status}]}


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> Account:
    """Return an account that behaves, with a clock that costs nothing."""
    account = Account()
    monkeypatch.setattr(smoke_test.Clients, "default", classmethod(lambda _: account.clients))
    monkeypatch.setattr(smoke_test, "time", account)
    return account


def request(kind: str = "Create", **properties: str) -> dict[str, Any]:
    """Return a request as the provider framework hands it on."""
    event = {
        "RequestType": kind,
        "StackId": STACK,
        "LogicalResourceId": "SmokeTest",
        "RequestId": "request-1",
        "ResourceProperties": {
            "CanaryName": "canary",
            "CanaryArn": CANARY,
            "ResponsePlanArn": PLAN,
            "LogGroupName": "trigger-log",
            "TimeoutSeconds": "30",
            "Skip": "false",
            **properties,
        },
    }
    return event if kind == "Create" else {**event, "PhysicalResourceId": "as-before"}


def answer(event: dict[str, Any], *, seconds_left: float = 300) -> dict[str, Any]:
    """Call the handler with Lambda's context."""
    context = SimpleNamespace(
        get_remaining_time_in_millis=lambda: seconds_left * 1000, log_group_name="test-log"
    )
    return smoke_test.handler(event, context)


def reason_of(event: dict[str, Any], **options: Any) -> str:
    """Return why a run failed."""
    with pytest.raises(smoke_test.SmokeTestFailed) as failure:
        answer(event, **options)
    return str(failure.value)


def test_passes_and_leaves_nothing(account: Account) -> None:
    """A good run tells its steps, and neither record nor OpsItem nor ALARM is left."""
    data = answer(request())["Data"]
    assert data["Result"].startswith("passed: canary ")
    assert [step.split()[0] for step in data["Result"].removeprefix("passed: ").split(", ")] == [
        *("canary", "incident", "content", "recovery", "removal")
    ]
    assert data["Result"].endswith("; pages 0")
    assert account.records == {}
    assert account.ops_items == set()
    assert account.states == ["INSUFFICIENT_DATA", "ALARM", "OK"]


def test_title_carries_stack_and_nonce(account: Account) -> None:
    """The reason of the ALARM names the stack, whose test it is and which run, within a title's length."""
    titles = account.titles
    answer(request())
    answer({**request(), "RequestId": "request-2"})
    assert len(set(titles)) == 2
    assert all(title.startswith("Smoke test of Shop (") and len(title) <= 200 for title in titles)


def test_physical_id_stays(account: Account) -> None:
    """An update keeps the physical id: another one would make CloudFormation delete the resource."""
    created = answer(request())["PhysicalResourceId"]
    assert created == answer(request())["PhysicalResourceId"]
    assert answer(request("Update"))["PhysicalResourceId"] == "as-before"
    assert account.records == {}


def test_fires_again_until_the_role_is_known(account: Account) -> None:
    """A first try that comes to nothing is fired again: IAM may be slower than CloudFormation."""
    tries: list[str] = []

    def only_the_second(title: str) -> None:
        tries.append(title)
        if len(tries) == 2:
            account.open(title)

    account.on_alarm = only_the_second
    assert answer(request())["Data"]["Result"].startswith("passed: ")
    assert account.now >= 20


@pytest.mark.parametrize(
    ("history", "log", "seen"),
    [
        (["Failed to execute action x"], [], "saw the alarm's action fail: Failed to execute action x"),
        (["Successfully executed action x"], [], "it was not invoked. Does its alias smoke-test let"),
        (
            [],
            ["START", '{"level": "ERROR", "reason": "AccessDeniedException"}'],
            "saw AccessDeniedException (in the trigger's log trigger-log)",
        ),
        (
            [],
            ["Traceback (most recent call last):", "[ERROR] ImportError: x"],
            "saw [ERROR] ImportError: x (in",
        ),
        ([], ["2026 Task timed out after 30.00 seconds"], "saw 2026 Task timed out"),
        ([], ['{"level": "INFO", "message": "Error"}', "[1]", "END"], "no error in its log trigger-log"),
    ],
)
def test_no_incident_is_explained(account: Account, history: list[str], log: list[str], seen: str) -> None:
    """The reason says what the alarm's history or the trigger's log tells."""
    account.on_alarm = lambda _: None
    account.history, account.log = history, log
    reason = reason_of(request())
    assert reason.startswith("Smoke test failed at incident: expected an incident titled")
    assert seen in reason
    assert "Remedy: " in reason
    assert reason.endswith("The test's log: test-log")


def test_log_that_cannot_be_read_is_said(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    """A diagnosis that fails does not hide that there was no incident."""
    account.on_alarm = lambda _: None
    monkeypatch.setattr(account, "filter_log_events", lambda **_: 1 / 0)
    assert "could not be read: division by zero" in reason_of(request())


@pytest.mark.parametrize(
    ("field", "value", "named"),
    [
        ("impact", 1, "impact"),
        ("status", "RESOLVED", "status"),
        ("incidentRecordSource", {"resourceArn": "arn:other"}, "source's ARN"),
    ],
)
def test_wrong_content_fails(account: Account, field: str, value: Any, named: str) -> None:
    """Each field of the incident is held against what it must be."""

    def open_wrong(title: str) -> None:
        account.records[account.open(title)][field] = value

    account.on_alarm = open_wrong
    reason = reason_of(request())
    assert f"Smoke test failed at content: expected the incident's {named}" in reason
    assert account.records == {}
    assert account.ops_items == set()


def test_wrong_event_fails(account: Account) -> None:
    """Runbooks read the alarm in the trigger event, so another one there is a failure."""
    account.alarm_name = "another"
    assert "trigger event's alarm to be 'canary'; saw 'another'" in reason_of(request())


def test_unreadable_event_fails(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    """A trigger event that is no JSON is a failure too, and no crash."""
    monkeypatch.setattr(account, "get_timeline_event", lambda **_: {"event": {"eventData": "{"}})
    assert "saw None" in reason_of(request())


def test_missing_event_fails(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    """An incident without its trigger event is a failure."""
    monkeypatch.setattr(account, "list_timeline_events", lambda **_: {"eventSummaries": []})
    assert "saw None" in reason_of(request())


def test_incident_that_stays_open_fails(account: Account) -> None:
    """A recovery that resolves nothing fails the test, which then removes the incident itself."""
    account.on_ok = lambda _: None
    assert "Smoke test failed at recovery" in reason_of(request())
    assert account.records == {}


def test_call_that_fails_names_its_step(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    """An error of AWS in a step is shown with the step's name, and the canary still goes to OK."""
    monkeypatch.setattr(account, "delete_incident_record", lambda **_: 1 / 0)
    assert "Smoke test failed at removal: expected the step to pass; saw ZeroDivisionError" in reason_of(
        request()
    )
    assert account.states[-1] == "OK"


def test_ends_before_lambda_does(account: Account) -> None:
    """However long it may wait, it keeps time to clean up and answer."""
    account.on_alarm = lambda _: None
    reason_of(request(TimeoutSeconds="240"), seconds_left=60)
    assert account.now <= 40


def test_message_fits_cloudformation(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    """A reason is cut below what CloudFormation and the framework's trace leave."""

    def fail(**_: Any) -> None:
        raise RuntimeError("x" * 5000)

    monkeypatch.setattr(account, "delete_incident_record", fail)
    assert len(reason_of(request()).encode()) <= 2500


def test_removes_what_a_killed_run_left(account: Account) -> None:
    """A record of an earlier run of this test is removed; another stack's or plan's is not."""
    titles = account.titles
    account.on_ok = lambda _: None
    with pytest.MonkeyPatch.context() as killed:
        killed.setattr(smoke_test.Run, "clean_up", lambda *_: None)
        reason_of(request())
    ours = next(iter(account.records))
    others = {account.open("Smoke test of Other (abc def)"), account.open(titles[0], plan="real")}
    account.on_ok = account.resolve_all
    assert answer(request("Update"))["Data"]["Result"].startswith("passed")
    assert ours not in account.records
    assert set(account.records) == others


def test_record_that_vanishes_is_no_failure(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    """A second invocation for one request may have removed the record already."""
    listed = account.list_related_items

    def gone_meanwhile(*, incidentRecordArn: str) -> dict[str, Any]:  # noqa: N803
        account.records.pop(incidentRecordArn)
        return listed(incidentRecordArn=incidentRecordArn)

    monkeypatch.setattr(account, "list_related_items", gone_meanwhile)
    assert answer(request())["Data"]["Result"].startswith("passed")


def test_other_errors_of_removal_fail(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only 'gone' is tolerated: what cannot be removed is said."""
    denied = ClientError(
        {"Error": {"Code": "AccessDeniedException", "Message": "no"}}, "DeleteIncidentRecord"
    )

    def deny(**_: Any) -> None:
        raise denied

    monkeypatch.setattr(account, "delete_incident_record", deny)
    assert "AccessDeniedException" in reason_of(request())


def test_deletion_cleans_up(account: Account) -> None:
    """Delete sets the canary to OK and removes what is left, and starts nothing."""
    assert answer(request("Delete")) == {"PhysicalResourceId": "as-before"}
    assert account.states == ["OK"]


def test_deletion_never_fails(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    """Delete succeeds whatever is broken, with an invented id and properties of another version too."""
    monkeypatch.setattr(account, "set_alarm_state", lambda **_: 1 / 0)
    event = {**request("Delete"), "PhysicalResourceId": "invented", "ResourceProperties": {}}
    assert answer(event) == {"PhysicalResourceId": "invented"}


def test_skip_starts_nothing(account: Account) -> None:
    """A skipped test touches nothing and says so."""
    data = answer(request(Skip="true"))["Data"]
    assert data["Result"].startswith("skipped: the context key cdk-incidents:skip-smoke-test")
    assert account.states == []


def test_rollback_is_never_blocked(account: Account) -> None:
    """On the way back to the old template nothing is tested."""
    account.stack_status = "UPDATE_ROLLBACK_IN_PROGRESS"
    assert answer(request("Update"))["Data"]["Result"] == "skipped: the stack rolls back"
    assert account.states == []


def test_clients_leave_room_to_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every client has time-outs far below the function's."""
    made: list[tuple[str, Any]] = []

    def make(service: str, config: Any) -> None:
        made.append((service, config))

    monkeypatch.setattr(boto3, "client", make)
    smoke_test.Clients.default()
    assert [service for service, _ in made] == [
        "cloudwatch",
        "ssm-incidents",
        "ssm",
        "logs",
        "cloudformation",
    ]
    assert all(config.connect_timeout + config.read_timeout <= 15 for _, config in made)
