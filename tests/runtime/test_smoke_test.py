"""The smoke test's handler against an account that behaves, and then one that does not."""

from __future__ import annotations

import dataclasses
import json
from datetime import datetime, timedelta, timezone
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.exceptions import ClientError, ReadTimeoutError
from incidents_runtime.smoke_test import clients, handler, run
from incidents_runtime.smoke_test.clients import Clients
from incidents_runtime.smoke_test.settings import Path, Settings

from tests.runtime.fakes import refusal

if TYPE_CHECKING:
    from collections.abc import Callable

STACK = "arn:aws:cloudformation:us-east-1:111122223333:stack/Shop/6c1f"
PLAN = "arn:aws:ssm-incidents::111122223333:response-plan/quiet"
CANARY = "arn:aws:cloudwatch:us-east-1:111122223333:alarm:canary"


# Every call that the test makes of AWS.
OPERATIONS = (
    *("set_alarm_state", "describe_alarm_history", "delete_ops_item", "filter_log_events", "describe_stacks"),
    *("list_incident_records", "get_incident_record", "update_incident_record", "delete_incident_record"),
    *("list_replication_sets", "get_replication_set"),
    *("list_timeline_events", "get_timeline_event", "list_related_items", "get_response_plan"),
)


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
        self.plan: dict[str, Any] = {"incidentTemplate": {"impact": 5}}
        self.timeline_after = 0.0
        self.page = 100
        self.clients = Clients(self, self, self, self, self, self, self, self, region="us-east-1")
        path = Path("trigger", "canary", CANARY, PLAN, "trigger-log")
        self.settings = Settings(timeout_s=30.0, paths=(path,))

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

    # replication set
    def list_replication_sets(self) -> dict[str, Any]:
        return {"replicationSetArns": ["arn:aws:ssm-incidents::111122223333:replication-set/1"]}

    def get_replication_set(self, *, arn: str) -> dict[str, Any]:
        assert arn.endswith("/1")
        return {"replicationSet": {"status": "ACTIVE", "regionMap": {"us-east-1": {"status": "ACTIVE"}}}}

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
    def list_incident_records(
        self,
        *,
        filters: list[dict[str, Any]],
        maxResults: int,  # noqa: N803
        nextToken: str = "0",  # noqa: N803
    ) -> dict[str, Any]:
        assert maxResults == 100
        after = filters[0]["condition"]["after"]
        found = [record for record in self.records.values() if record["creationTime"] > after]
        begin, end = int(nextToken), int(nextToken) + self.page
        more = {"nextToken": str(end)} if end < len(found) else {}
        return {"incidentRecordSummaries": found[begin:end], **more}

    def get_incident_record(self, *, arn: str) -> dict[str, Any]:
        return {"incidentRecord": self.records[arn]}

    def get_response_plan(self, *, arn: str) -> dict[str, Any]:
        assert arn == PLAN
        return self.plan

    def list_timeline_events(self, **_: Any) -> dict[str, Any]:
        late = self.now < self.timeline_after
        kinds = ("Custom Event",) if late else ("Custom Event", "SSM Incident Trigger")
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
        if OpsItemId == "throttled":
            raise refusal("ThrottlingException", 429)
        self.ops_items.remove(OpsItemId)

    def filter_log_events(self, *, logGroupName: str, startTime: int) -> dict[str, Any]:  # noqa: N803
        assert logGroupName == "trigger-log"
        assert startTime > 0
        return {"events": [{"message": line} for line in self.log]}

    def describe_stacks(self, *, StackName: str) -> dict[str, Any]:  # noqa: N803
        assert StackName == STACK
        return {"Stacks": [{"StackStatus": self.stack_status}]}


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> Account:
    """Return an account that behaves, with a clock that costs nothing."""
    account = Account()
    monkeypatch.setattr(Clients, "default", classmethod(lambda *_: account.clients))
    monkeypatch.setattr(handler, "load", lambda _: account.settings)
    for module in (handler, run, clients):
        monkeypatch.setattr(module, "time", account)
    return account


def request(kind: str = "Create", **properties: str) -> dict[str, Any]:
    """Return a request as the provider framework hands it on."""
    event = {
        "RequestType": kind,
        "StackId": STACK,
        "LogicalResourceId": "SmokeTest",
        "RequestId": "request-1",
        "ResourceProperties": {"Skip": "false", "Proves": {"Plans": {}}, **properties},
    }
    return event if kind == "Create" else {**event, "PhysicalResourceId": "as-before"}


def answer(event: dict[str, Any], *, seconds_left: float = 300) -> dict[str, Any]:
    """Call the handler with Lambda's context."""
    context = SimpleNamespace(
        get_remaining_time_in_millis=lambda: seconds_left * 1000, log_group_name="test-log"
    )
    return handler.handler(event, context)


def reason_of(event: dict[str, Any], **options: Any) -> str:
    """Return why a run failed."""
    with pytest.raises(run.SmokeTestFailed) as failure:
        answer(event, **options)
    return str(failure.value)


def test_passes_and_leaves_nothing(account: Account) -> None:
    """A good run tells its steps, and neither record nor OpsItem nor ALARM is left."""
    data = answer(request())["Data"]
    assert data["Result"].startswith("passed: preflight ")
    assert [step.split()[0] for step in data["Result"].removeprefix("passed: ").split(", ")] == [
        *("preflight", "canary", "incident", "content", "recovery", "removal")
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
        (["Successfully executed action arn:…:Failover"], [], "it was not invoked. Does its alias"),
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


def test_late_event_is_waited_for(account: Account) -> None:
    """The timeline may be written after the record."""
    account.timeline_after = 4.0
    assert answer(request())["Data"]["Result"].endswith("; pages 0")
    account.timeline_after, account.alarm_name = account.now + 4.0, "another"
    assert "trigger event's alarm to be 'canary'; saw 'another'" in reason_of(request())


def test_missing_event_is_a_warning(account: Account) -> None:
    """No document promises the event, so no deployment fails for it; whoever reads the result knows."""
    account.timeline_after = float("inf")
    result = answer(request())["Data"]["Result"]
    assert result.startswith("passed: preflight ")
    assert "; pages 0; warning: no trigger event in the incident's timeline within 5 s" in result
    assert 5 <= account.now <= 6
    assert account.records == {}


def test_record_without_a_resource_passes(account: Account) -> None:
    """No document promises it; where there is one, it must be the canary's."""

    def open_without(title: str) -> None:
        del account.records[account.open(title)]["incidentRecordSource"]["resourceArn"]

    account.on_alarm = open_without
    assert answer(request())["Data"]["Result"].startswith("passed: ")


# --- the quiet plan


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("engagements", ["arn:aws:ssm-contacts:us-east-1:111122223333:contact/first"]),
        ("chatChannel", {"chatbotSns": ["arn:aws:sns:us-east-1:111122223333:chat"]}),
        ("actions", [{"ssmAutomation": {"documentName": "runbook", "roleArn": "arn:r"}}]),
        ("integrations", [{"pagerDutyConfiguration": {"name": "pager"}}]),
    ],
)
def test_plan_that_is_not_quiet_fails_before_anything_starts(
    account: Account, member: str, value: object
) -> None:
    """Whoever the plan would wake sleeps on: the canary never goes to ALARM."""
    account.plan[member] = value
    reason = reason_of(request())
    assert (
        f"failed at canary: expected the quiet plan quiet to tell nobody and run nothing; saw {member} in it"
        in (reason)
    )
    assert "Remedy: leave quiet_plan out to have one made, or pass one that engages nobody." in reason
    assert "ALARM" not in account.states
    assert account.titles == []


def test_plan_that_notifies_is_not_quiet(account: Account) -> None:
    """Topics of the template are told of each incident; all that is loud is named."""
    account.plan["incidentTemplate"]["notificationTargets"] = [{"snsTopicArn": "arn:aws:sns:us-east-1:1:t"}]
    account.plan["engagements"] = ["arn:aws:ssm-contacts:us-east-1:111122223333:contact/first"]
    assert "saw engagements, incidentTemplate.notificationTargets in it" in reason_of(request())
    assert account.titles == []


def test_plan_with_empty_members_is_quiet(account: Account) -> None:
    """The service's own words for none."""
    account.plan |= {"engagements": [], "chatChannel": {"empty": {}}, "actions": [], "integrations": []}
    account.plan["incidentTemplate"]["notificationTargets"] = []
    assert answer(request())["Data"]["Result"].endswith("; pages 0")


def test_plan_that_cannot_be_asked_is_no_quiet_one(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing starts on a guess."""
    monkeypatch.setattr(account, "get_response_plan", lambda **_: 1 / 0)
    assert "failed at canary: expected the step to pass" in reason_of(request())
    assert account.titles == []


# --- recovery


def test_incident_that_stays_open_fails(account: Account) -> None:
    """A recovery that resolves nothing fails the test, which then removes the incident itself."""
    account.on_ok = lambda _: None
    assert "Smoke test failed at recovery" in reason_of(request())
    assert account.records == {}


def test_recovery_is_sent_again(account: Account) -> None:
    """An OK that was lost is sent again, by way of another state, until the incident is resolved."""
    tries: list[str] = []

    def only_the_second(title: str) -> None:
        tries.append(title)
        if len(tries) == 2:
            account.resolve_all(title)

    account.on_ok = only_the_second
    assert answer(request())["Data"]["Result"].startswith("passed: ")
    assert account.states == ["INSUFFICIENT_DATA", "ALARM", "OK", "INSUFFICIENT_DATA", "OK"]
    assert 20 <= account.now <= 21


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
    # Time enough for the reason, too.
    assert "saw no error in its log" in reason_of(request(TimeoutSeconds="240"), seconds_left=60)
    assert account.now <= 40


def test_diagnosis_that_hangs_leaves_time_to_clean_up(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is left behind weighs more than why."""
    account.on_alarm = lambda _: None

    def hang(**_: Any) -> None:
        account.now += clients.ONE_CALL_S
        raise ReadTimeoutError(endpoint_url="https://example.com")

    monkeypatch.setattr(account, "describe_alarm_history", hang)
    monkeypatch.setattr(account, "filter_log_events", hang)
    assert "could not be read: " in reason_of(request(TimeoutSeconds="240"), seconds_left=60)
    assert account.states[-1] == "OK"


def test_call_that_there_is_no_time_to_repeat_shows_its_own_error(account: Account) -> None:
    """Not that the time is up; and the pause is not made that nothing would follow."""
    clients = account.clients.until(2.0)
    with pytest.raises(ClientError, match="Throttling"):
        clients.ssm.delete_ops_item(OpsItemId="throttled")
    assert account.now == 1.0
    account.now = 3.0
    with pytest.raises(TimeoutError, match="no time is left"):
        clients.ssm.delete_ops_item(OpsItemId="throttled")


def test_message_fits_cloudformation(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    """A reason is cut below what CloudFormation and the framework's trace leave."""

    def fail(**_: Any) -> None:
        raise RuntimeError("x" * 5000)

    monkeypatch.setattr(account, "delete_incident_record", fail)
    assert len(reason_of(request()).encode()) <= 2500


def test_looks_back_a_week_page_by_page(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    """Leftovers are found on any page; an account's whole history is not read for them."""
    titles = account.titles
    answer(request())
    left = [account.open(titles[0]) for _ in range(5)]
    long_ago = account.open(titles[0])
    account.records[long_ago]["creationTime"] -= timedelta(days=8)
    account.page = 2
    since: list[datetime] = []
    listed = account.list_incident_records

    def noting(**arguments: Any) -> dict[str, Any]:
        since.append(arguments["filters"][0]["condition"]["after"])
        return listed(**arguments)

    monkeypatch.setattr(account, "list_incident_records", noting)
    # What is removed meanwhile moves the pages; the next run finds the rest.
    for _ in range(3):
        answer(request("Delete"))
    assert set(left) & set(account.records) == set()
    assert set(account.records) == {long_ago}
    assert min(since) >= datetime.now(timezone.utc) - timedelta(days=7, minutes=1)


@pytest.mark.parametrize("kind", ["Create", "Update", "Delete"])
@pytest.mark.parametrize("seconds_left", [20.0, 70.0, 240.0])
@pytest.mark.parametrize("working", [0, 1, 6, 8, 12])
def test_answers_in_time_whatever_hangs(
    account: Account, monkeypatch: pytest.MonkeyPatch, kind: str, seconds_left: float, working: int
) -> None:
    """When every call takes its longest and fails, all have answered before Lambda's end."""
    calls: list[str] = []

    def hang_later(operation: str, work: Callable[..., Any]) -> Callable[..., Any]:
        def call(**arguments: Any) -> Any:
            calls.append(operation)
            if len(calls) <= working:
                return work(**arguments)
            account.now += clients.ONE_CALL_S
            raise ReadTimeoutError(endpoint_url="https://example.com")

        return call

    for operation in OPERATIONS:
        monkeypatch.setattr(account, operation, hang_later(operation, getattr(account, operation)))
    if kind == "Delete":
        answer(request(kind), seconds_left=seconds_left)
    else:
        reason_of(request(kind), seconds_left=seconds_left)
    assert account.now <= seconds_left - 1


def test_endless_pages_end(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    """A list that never ends does not hold up a deletion."""

    def endless(**_: Any) -> dict[str, Any]:
        account.now += 1
        return {"incidentRecordSummaries": [], "nextToken": "more"}

    monkeypatch.setattr(account, "list_incident_records", endless)
    answer(request("Delete"), seconds_left=100)
    assert account.now <= 99
    assert "no time is left" in reason_of(request(), seconds_left=200)


def test_clean_up_goes_on_after_a_failure(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    """A canary that cannot be set keeps no incident alive."""
    titles = account.titles
    answer(request())
    account.open(titles[0])
    monkeypatch.setattr(account, "set_alarm_state", lambda **_: 1 / 0)
    answer(request("Delete"))
    assert account.records == {}
    assert account.ops_items == set()


def test_throttling_is_waited_for(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    """What may pass is asked again; what will not is not."""
    left = [refusal("ThrottlingException", 429)] * 3
    tell = account.get_response_plan

    def throttled(**arguments: Any) -> dict[str, Any]:
        if left:
            raise left.pop()
        return tell(**arguments)

    monkeypatch.setattr(account, "get_response_plan", throttled)
    assert answer(request())["Data"]["Result"].startswith("passed: ")
    left += [refusal("ValidationException")] * 2
    assert "ValidationException" in reason_of(request())
    assert len(left) == 1


def test_removes_what_a_killed_run_left(account: Account) -> None:
    """A record of an earlier run of this test is removed; another stack's or plan's is not."""
    titles = account.titles
    account.on_ok = lambda _: None
    with pytest.MonkeyPatch.context() as killed:
        killed.setattr(run.Run, "clean_up", lambda *_: None)
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


@pytest.mark.parametrize("times", [2, 100])
def test_rollback_that_cannot_be_told_is_no_failure(
    account: Account, monkeypatch: pytest.MonkeyPatch, times: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is asked again; a stack that still does not tell is tested, and the log says so."""
    account.stack_status = "UPDATE_ROLLBACK_IN_PROGRESS"
    tell, asked = account.describe_stacks, []

    def denied_at_first(**arguments: Any) -> dict[str, Any]:
        asked.append(arguments)
        if len(asked) <= times:
            raise refusal("AccessDenied", 403)
        return tell(**arguments)

    monkeypatch.setattr(account, "describe_stacks", denied_at_first)
    result = answer(request("Update"))["Data"]["Result"]
    expected = "skipped: the stack rolls back" if times == 2 else "passed: "
    assert result.startswith(expected)
    assert ("does not tell whether it rolls back" in capsys.readouterr().out) is (times == 100)
    assert len(asked) == min(times + 1, 4)


def test_rollback_is_never_blocked(account: Account) -> None:
    """On the way back to the old template nothing is tested."""
    account.stack_status = "UPDATE_ROLLBACK_IN_PROGRESS"
    assert answer(request("Update"))["Data"]["Result"] == "skipped: the stack rolls back"
    assert account.states == []


def test_clients_leave_room_to_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every client is made when it is first asked, with time-outs far below the function's."""
    made: list[tuple[str, str, Any]] = []

    def make(service: str, *, region_name: str, config: Any) -> SimpleNamespace:
        made.append((service, region_name, config))
        return SimpleNamespace(ask=lambda: service)

    monkeypatch.setattr(boto3, "client", make)
    given = Clients.default("eu-west-1")
    assert made == []
    names = [field.name for field in dataclasses.fields(Clients) if field.name != "region"]
    services = [getattr(given, name).ask() for name in [*names, *names]]
    assert services[: len(names)] == [
        *("cloudwatch", "ssm-incidents", "ssm-contacts", "ssm"),
        *("sns", "lambda", "logs", "cloudformation"),
    ]
    assert len(made) == len(names)
    assert {region for _, region, _ in made} == {"eu-west-1"} == {given.region}
    assert all(
        (config.connect_timeout + config.read_timeout) * config.retries["total_max_attempts"]
        == clients.ONE_CALL_S
        for _, _, config in made
    )
