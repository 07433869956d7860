"""The steps of each path: the incident, its content, what joins it, its recovery and its removal."""

from __future__ import annotations

import dataclasses
import json
from datetime import timedelta
from typing import Any

import pytest

from tests.runtime.fakes import refusal
from tests.runtime.smoke_account import (
    ALARM,
    BEGAN,
    BY_SERVICE,
    Account,
    answer,
    data,
    gone,
    reason_of,
    request,
)


def tells_no_source(account: Account, *resources: str) -> None:
    """Let the service name no alarm as an incident's source, and these in its trigger event."""
    opened = account.open

    def open_without(title: str, plan: str = "quiet", alarm: str = "canary") -> str:
        arn = opened(title, plan, alarm)
        account.records[arn]["incidentRecordSource"] = {"source": "aws.cloudwatch", "createdBy": "x"}
        raw = json.dumps({"resources": list(resources), "detail": {"alarmName": alarm}})
        account.timelines[arn][1] = ("SSM Incident Trigger", json.dumps({"rawData": raw}))
        return arn

    def merge() -> None:
        if not account.records:
            account.open("Smoke test", alarm="canary-2")

    account.open = open_without  # type: ignore[method-assign]
    account.on_service_alarm = merge


@pytest.fixture
def service(account: Account) -> Account:
    """Return an account whose test goes the service's own path."""
    account.settings = dataclasses.replace(account.settings, paths=(BY_SERVICE,))
    return account


# --- incident


def test_fires_again_until_the_role_is_known(account: Account) -> None:
    """A first try that comes to nothing is fired again: IAM may be slower than CloudFormation."""
    tries: list[str] = []

    def not_the_first(title: str) -> None:
        tries.append(title)
        if len(tries) > 1:
            account.join_or_open(title)

    account.on_alarm = not_the_first
    told = data(request())
    assert told["Status"] == "passed"
    assert int(told["OpenedMs"]) >= 20_000
    assert account.now >= 20


def test_incident_that_comes_between_two_tries_is_not_removed_as_another_s(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before it fires again the test removes what others have left, and not its own."""
    titles: list[str] = []
    account.on_alarm = titles.append
    listed = account.list_incident_records

    def late(**asked: Any) -> dict[str, Any]:
        week_ago = asked["filters"][0]["condition"]["after"] < BEGAN - timedelta(days=1)
        if titles and week_ago and not account.made:
            account.on_alarm = account.join_or_open
            account.open(titles[0])
        return listed(**asked)

    monkeypatch.setattr(account, "list_incident_records", late)
    assert data(request())["Status"] == "passed"
    assert account.made == 1


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
        (
            [],
            [
                '{"level": "ERROR", "reason": "a live one", "route": "Critical"}',
                "[ERROR] of whatever route",
                '{"level": "ERROR", "reason": "our own", "route": "smoke-test"}',
            ],
            "saw our own (in the trigger's log trigger-log)",
        ),
        (
            [],
            ["[ERROR] of a run a moment ago", "[ERROR] of this run"],
            "saw [ERROR] of this run (in",
        ),
        ([], ['{"level": "ERROR", "reason": "x", "route": "Critical"}'], "saw no error in its log"),
        (
            [],
            [
                "[ERROR] of the run before",
                "[ERROR] Runtime.ImportModuleError: x",
                "INIT_REPORT Phase: init Status: error Error Type: Runtime.ImportModuleError",
                "REPORT RequestId: 1 Status: error Error Type: Runtime.ImportModuleError",
            ],
            "saw [ERROR] Runtime.ImportModuleError: x (in",
        ),
        ([], ['{"level": "INFO", "message": "Error"}', "[1]", "END"], "no error in its log trigger-log"),
        ([], ['{"level": "ERROR", "reason": "ThrottlingException"}'], "Remedy: AWS throttles"),
        ([], ['{"level": "ERROR", "reason": "ServiceQuotaExceededException"}'], "Remedy: the quiet plan has"),
        ([], ['{"level": "ERROR", "reason": "ConflictException"}'], "Remedy: the service refused the client"),
        ([], ['{"level": "ERROR", "reason": "InternalServerException"}'], "Remedy: the service does not"),
    ],
)
def test_no_incident_is_explained(account: Account, history: list[str], log: list[str], seen: str) -> None:
    """The reason says what the alarm's history or the trigger's log tells, and what to do about it."""
    account.on_alarm = lambda _: None
    account.history, account.log = history, log
    reason = reason_of(request())
    assert reason.startswith("Smoke test failed at incident: expected an incident titled")
    assert seen in reason
    assert "Remedy: " in reason


def test_log_that_comes_late_is_waited_for(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the trigger writes is not in its log at once."""
    account.on_alarm = lambda _: None
    reads: list[str] = []

    def late(**_: Any) -> dict[str, Any]:
        reads.append("log")
        message = "[ERROR] ImportError: x" if len(reads) > 2 else "START"
        return {"events": [{"message": message}]}

    monkeypatch.setattr(account, "filter_log_events", late)
    assert "saw [ERROR] ImportError: x" in reason_of(request())


def test_log_that_cannot_be_read_is_said(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    """A diagnosis that fails does not hide that there was no incident."""
    account.on_alarm = lambda _: None
    monkeypatch.setattr(account, "filter_log_events", lambda **_: 1 / 0)
    assert "could not be read: division by zero" in reason_of(request())


def test_record_that_vanishes_before_it_is_read_is_waited_for(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A list may be ahead of the record."""
    tell, asked = account.get_incident_record, []

    def late(*, arn: str) -> dict[str, Any]:
        asked.append(arn)
        if len(asked) == 1:
            raise gone("GetIncidentRecord")
        return tell(arn=arn)

    monkeypatch.setattr(account, "get_incident_record", late)
    assert data(request())["Status"] == "passed"


# --- content


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
    assert "Remedy: deploy this version of the trigger and its smoke test together." in reason
    assert account.records == {}


def test_wrong_event_fails(account: Account) -> None:
    """Runbooks read the trigger event: it must be the canary's."""
    account.alarm_name = "another"
    assert "trigger event's alarm to be 'canary'; saw 'another'" in reason_of(request())


def test_unreadable_event_fails(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    """An event that does not hold the alarm's is no event for a runbook."""
    monkeypatch.setattr(account, "get_timeline_event", lambda **_: {"event": {"eventData": "null"}})
    assert "trigger event's alarm to be 'canary'; saw None" in reason_of(request())


def test_late_event_is_waited_for(account: Account) -> None:
    """The timeline need not be complete at once."""
    account.timeline_after = 3.0
    told = data(request())
    assert told["Warnings"] == ""
    assert account.now >= 3


def test_missing_event_is_a_warning(account: Account) -> None:
    """No document says that the event of a caller's incident is written: its lack fails no deployment."""
    account.timeline_after = float("inf")
    told = data(request())
    assert told["Status"] == "passed"
    assert told["Warnings"].startswith("no trigger event in the incident's timeline within 5 s")
    assert f"; pages 0; warning: {told['Warnings']}" in told["Result"]
    assert 5 <= account.now <= 6
    assert account.records == {}


def test_record_without_a_resource_passes(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    """No document promises it; where there is one, it must be the canary's."""
    join_or_open = account.join_or_open

    def open_without(title: str) -> None:
        join_or_open(title)
        for record in account.records.values():
            record["incidentRecordSource"]["resourceArn"] = None

    account.on_alarm = open_without
    monkeypatch.setattr(account, "open_of", lambda _: next(iter(account.records.values()), None))
    assert data(request())["Status"] == "passed"


@pytest.mark.parametrize("missing", ["Started by route", "Alarm canary"])
def test_related_items_are_held(account: Account, monkeypatch: pytest.MonkeyPatch, missing: str) -> None:
    """The trigger's own mark, and the page of the alarm that responders open, must be there in the end."""
    listed, asked = account.list_related_items, []

    def lacking(*, incidentRecordArn: str) -> dict[str, Any]:  # noqa: N803
        asked.append(incidentRecordArn)
        items = listed(incidentRecordArn=incidentRecordArn)["relatedItems"]
        late = len(asked) > 3 and missing == "Alarm canary"
        kept = [item for item in items if late or not item.get("title", "").startswith(missing)]
        return {"relatedItems": kept}

    monkeypatch.setattr(account, "list_related_items", lacking)
    if missing == "Alarm canary":
        assert data(request())["Status"] == "passed"
    else:
        reason = reason_of(request())
        assert "the incident's related items to be 'with Started by route'; saw 'without it'" in reason


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
        "failed at canary: expected the quiet plan quiet to tell nobody, run nothing and have no dedupe"
        f" string; saw {member} in it" in reason
    )
    assert "Remedy: undo what was changed by hand, or leave quiet_plan out to have one made." in reason
    assert "ALARM" not in account.states
    assert account.titles == []


def test_plan_that_notifies_or_merges_is_not_quiet(service: Account) -> None:
    """Topics are told of each incident, and a dedupe string may make it one with a real one: all is named."""
    service.plan["incidentTemplate"] |= {
        "notificationTargets": [{"snsTopicArn": "arn:aws:sns:us-east-1:1:t"}],
        "dedupeString": "checkout",
    }
    reason = reason_of(request())
    assert "failed at canary (plans): " in reason
    assert "saw incidentTemplate.notificationTargets, incidentTemplate.dedupeString in it" in reason
    assert service.titles == []


def test_plan_with_empty_members_is_quiet(account: Account) -> None:
    """The service's own words for none."""
    account.plan |= {"engagements": [], "actions": [], "integrations": []}
    account.plan["incidentTemplate"] |= {"notificationTargets": [], "dedupeString": ""}
    words: tuple[dict[str, object], ...] = ({"empty": {}}, {"chatbotSns": []})
    for none in words:
        account.plan["chatChannel"] = none
        assert data(request())["Result"].endswith("; pages 0")


def test_plan_that_cannot_be_asked_is_no_quiet_one(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing starts on a guess."""
    monkeypatch.setattr(account, "get_response_plan", lambda **_: 1 / 0)
    assert "failed at canary: expected the step to pass" in reason_of(request())
    assert account.titles == []


# --- joining


def test_second_incident_fails_and_is_removed(account: Account) -> None:
    """A trigger that starts one for each signal has lost its memory; both of its incidents go."""
    account.on_alarm = account.open
    reason = reason_of(request())
    assert "failed at joining: expected the second ALARM to join the open incident; saw a second" in reason
    assert account.made == 2
    assert account.leaves_nothing()


def test_signal_that_joins_nothing_fails(account: Account) -> None:
    """The note in the timeline is what tells that a signal has joined."""
    first: list[str] = []

    def only_the_first(title: str) -> None:
        if not first:
            first.append(account.open(title))

    account.on_alarm = only_the_first
    assert "failed at joining: expected a note in the incident's timeline" in reason_of(request())
    assert account.leaves_nothing()


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
            account.resolve(title)

    account.on_ok = only_the_second
    assert data(request())["Status"] == "passed"
    assert account.states[-3:] == ["OK", "INSUFFICIENT_DATA", "OK"]
    assert 20 <= account.now <= 21


def test_record_that_is_gone_needs_no_recovery(account: Account) -> None:
    """A second invocation for one request may have removed it."""
    account.on_ok = lambda _: account.records.clear()
    assert data(request())["Status"] == "passed"


# --- removal


def test_call_that_fails_names_its_step(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    """An error of AWS in a step is shown with the step's name, and the canary still goes to OK."""
    monkeypatch.setattr(account, "delete_incident_record", lambda **_: 1 / 0)
    assert "Smoke test failed at removal: expected the step to pass; saw ZeroDivisionError" in reason_of(
        request()
    )
    assert account.states[-1] == "OK"


def test_record_that_stays_fails(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    """A deletion that is only said to be done is none."""
    monkeypatch.setattr(account, "delete_incident_record", lambda **_: None)
    reason = reason_of(request())
    assert "failed at removal: expected the incident arn:aws:ssm-incidents::111122223333:incident-" in reason
    assert "to be gone 30 s after its deletion; saw that it is still there" in reason


def test_record_that_is_read_for_a_while_after_its_deletion_fails_nothing(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No document says how soon a deleted incident is gone: it is waited for as for any other step."""
    read, delete = account.get_incident_record, account.delete_incident_record
    deleted: dict[str, Any] = {}

    def deleting(*, arn: str) -> None:
        deleted.update(incidentRecord=account.records[arn], until=account.now + 20)
        delete(arn=arn)

    def reading(*, arn: str) -> dict[str, Any]:
        return deleted if account.now < deleted.get("until", 0) else read(arn=arn)

    monkeypatch.setattr(account, "delete_incident_record", deleting)
    monkeypatch.setattr(account, "get_incident_record", reading)
    assert data(request())["Status"] == "passed"
    assert account.now >= 20


def test_waiting_asks_ever_less_often(account: Account) -> None:
    """Live alarms need the same few calls a second: one that waits in vain takes two of ten at most."""
    account.settings = dataclasses.replace(account.settings, timeout_s=90.0)
    account.on_alarm = lambda _: None
    asked: list[str] = []

    def around(operation: str, call: Any) -> Any:
        asked.append(operation)
        return call()

    account.around = around
    assert "failed at incident" in reason_of(request())
    assert asked.count("list_incident_records") < 180


def test_late_ops_item_is_waited_for(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    """The service may make the OpsItem after the incident; one that never comes is a warning."""
    listed = account.list_related_items

    def late(*, incidentRecordArn: str) -> dict[str, Any]:  # noqa: N803
        found = listed(incidentRecordArn=incidentRecordArn)["relatedItems"]
        return {"relatedItems": found if account.now > comes_at else found[:2]}

    monkeypatch.setattr(account, "list_related_items", late)
    comes_at = 3.0
    assert data(request())["Warnings"] == ""
    assert account.ops_items == set()
    comes_at = float("inf")
    assert data(request())["Warnings"] == "the incident had no OpsItem to be removed"


def test_clean_up_waits_for_the_ops_item_of_a_young_incident(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A test that fails at once removes an incident of a moment ago: its OpsItem must not come after that."""
    listed = account.list_related_items

    def late(*, incidentRecordArn: str) -> dict[str, Any]:  # noqa: N803
        found = listed(incidentRecordArn=incidentRecordArn)["relatedItems"]
        return {"relatedItems": found if account.now > 3 else found[:2]}

    def open_wrong(title: str) -> None:
        account.records[account.open(title)]["impact"] = 1

    monkeypatch.setattr(account, "list_related_items", late)
    account.on_alarm = open_wrong
    assert "the incident's impact" in reason_of(request())
    assert account.leaves_nothing()
    assert account.now < 6


def test_parent_that_is_no_ops_item_is_left_alone(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the model any value may stand there: what names no OpsItem deletes none, and blocks no removal."""
    listed, asked = account.list_related_items, []

    def odd(*, incidentRecordArn: str) -> dict[str, Any]:  # noqa: N803
        found = listed(incidentRecordArn=incidentRecordArn)["relatedItems"]
        values = ({"url": "https://x"}, {"arn": "arn:aws:ssm-incidents::111122223333:response-plan/quiet"})
        return {"relatedItems": [*found, *({"identifier": {"type": "PARENT", "value": v}} for v in values)]}

    def delete(*, OpsItemId: str) -> None:  # noqa: N803
        asked.append(OpsItemId)

    monkeypatch.setattr(account, "list_related_items", odd)
    monkeypatch.setattr(account, "delete_ops_item", delete)
    assert data(request())["Warnings"] == ""
    assert asked == ["oi-1"]


def test_nothing_is_resolved_twice(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    """No document says that the service takes it: what the trigger has resolved is only deleted."""

    def update(**_: Any) -> None:
        raise refusal("ConflictException", 409)

    monkeypatch.setattr(account, "update_incident_record", update)
    assert data(request())["Status"] == "passed"
    assert account.leaves_nothing()


def test_other_errors_of_removal_fail(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only 'gone' is tolerated: what cannot be removed is said."""

    def deny(**_: Any) -> None:
        raise refusal("AccessDeniedException", 403)

    monkeypatch.setattr(account, "delete_incident_record", deny)
    assert "AccessDeniedException" in reason_of(request())


# --- the service's own path


def test_service_path_passes(service: Account) -> None:
    """The incident has the plan's title and impact; it is resolved and deleted by the test itself."""
    assert data(request())["Status"] == "passed"
    assert service.titles == ["Smoke test"]
    assert service.states == ["INSUFFICIENT_DATA", "ALARM", "INSUFFICIENT_DATA", "ALARM", "OK"]
    assert service.leaves_nothing()


def test_service_path_knows_its_incident(service: Account) -> None:
    """By the canary in its source and by its time: whatever else the plan has is left alone."""
    others = {
        service.open("Smoke test", alarm="another"),
        service.open("Smoke test", plan="real", alarm="canary-2"),
    }
    # One of a run that was killed a moment ago, one of a run of yesterday.
    for age in (timedelta(0), timedelta(days=1)):
        leftover = service.records[service.open("Smoke test", alarm="canary-2")]
        leftover["status"] = "RESOLVED"
        leftover["creationTime"] -= age
    assert data(request())["Status"] == "passed"
    assert set(service.records) == others


@pytest.mark.parametrize(("field", "value"), [("title", "Checkout is failing"), ("impact", 1)])
def test_service_path_holds_the_content(service: Account, field: str, value: object) -> None:
    """What CloudWatch starts must be what the plan says."""

    def open_wrong() -> None:
        service.merge_or_open()
        service.records[next(iter(service.records))][field] = value

    service.on_service_alarm = open_wrong
    assert f"failed at content (plans): expected the incident's {field} to be" in reason_of(request())
    assert service.leaves_nothing()


def test_service_path_without_an_incident_is_explained(service: Account) -> None:
    """The canary's history is all there is to look at."""
    service.on_service_alarm = lambda: None
    reason = reason_of(request())
    assert "failed at incident (plans): expected an incident titled 'Smoke test' of plan quiet" in reason
    assert "saw no failed action in the alarm's history" in reason
    service.history = ["Failed to execute action arn:aws:ssm-incidents::1:response-plan/quiet"]
    assert "saw the alarm's action fail: Failed to execute action arn:aws:ssm-inc" in reason_of(request())


def test_service_that_does_not_merge_fails(service: Account) -> None:
    """One alarm and plan have one incident; a second one is removed too."""
    service.on_service_alarm = lambda: service.open("Smoke test", alarm="canary-2")
    reason = reason_of(request())
    assert "failed at joining (plans): expected the second ALARM to bring no second incident; saw" in reason
    assert service.made == 2
    assert service.leaves_nothing()


def test_events_of_the_service_are_held(service: Account) -> None:
    """Its own trigger event names the canary as well."""

    def open_wrong() -> None:
        service.merge_or_open()
        (arn,) = service.records
        raw = json.dumps({"detail": {"alarmName": "another"}})
        service.timelines[arn] = [("SSM Incident Trigger", json.dumps({"rawData": raw}))]

    service.on_service_alarm = open_wrong
    assert "trigger event's alarm to be 'canary-2'; saw 'another'" in reason_of(request())


def test_leftover_that_comes_late_is_removed(account: Account) -> None:
    """The incident of a killed run may open after the look: this run's signals join it until it is gone."""
    answer(request())
    late = account.titles[0]

    def opens_the_late_one(_: str) -> None:
        if account.made == 1:
            account.open(late)
        else:
            account.join_or_open(account.alarms["canary"]["StateReason"])

    account.on_alarm = opens_the_late_one
    assert data(request())["Status"] == "passed"
    assert account.now >= 20
    assert account.leaves_nothing()


def test_other_tests_incidents_are_left_alone(account: Account) -> None:
    """Neither another stack's nor another plan's are this test's, whatever their titles."""
    answer(request())
    others = {
        account.open("Smoke test of Other (abc def)", alarm="another"),
        account.open(account.titles[0], plan="real"),
    }
    ours = account.open(account.titles[0])
    account.open(account.titles[0], alarm="renamed")
    assert data(request("Update"))["Status"] == "passed"
    assert ours not in account.records
    assert set(account.records) == others
    assert ALARM in account.records[next(iter(others))]["incidentRecordSource"]["resourceArn"]


@pytest.mark.parametrize(("first_s", "waited_s"), [(0.0, 1.0), (3.0, 6.0), (19.0, 10.0)])
def test_second_incident_is_waited_for_as_the_first_was(
    service: Account, monkeypatch: pytest.MonkeyPatch, first_s: float, waited_s: float
) -> None:
    """Nothing tells that the service has merged: a second one would take about as long, within limits."""
    listed, opened_at = service.list_incident_records, service.now + first_s

    def late(**asked: Any) -> dict[str, Any]:
        return listed(**asked) if service.now >= opened_at else {"incidentRecordSummaries": []}

    monkeypatch.setattr(service, "list_incident_records", late)
    steps = data(request())["Steps"]
    took = next(step for step in steps.split(", ") if step.startswith("joining"))
    assert abs(int(took.split()[-2]) - waited_s * 1000) <= 500


# --- the service's own path, where a record does not tell its source


def test_incident_without_a_source_is_known_by_its_trigger_event(service: Account) -> None:
    """No document says that the record names the alarm: else none would be found, and each would be left."""
    tells_no_source(service, f"{ALARM}canary-2")
    service.timeline_after = 3.0
    told = data(request())
    assert (told["Status"], told["Warnings"]) == ("passed", "")
    assert 3 <= service.now < 10
    assert service.leaves_nothing()
    left = service.open("Smoke test", alarm="canary-2")
    answer(request("Delete"))
    assert left not in service.records


@pytest.mark.parametrize("resources", [(f"{ALARM}canary-3",), ()])
def test_incident_of_nobody_knows_whom_is_left_alone(service: Account, resources: tuple[str, ...]) -> None:
    """What is not provably this test's own is neither taken for it nor removed."""
    tells_no_source(service, *resources)
    theirs = service.open("Smoke test", alarm="canary-2")
    service.on_service_alarm = lambda: None
    assert "failed at incident (plans)" in reason_of(request())
    assert set(service.records) == {theirs}
    service.timelines[theirs][1] = ("SSM Incident Trigger", "null")
    answer(request("Delete"))
    assert set(service.records) == {theirs}


def test_incident_that_goes_while_it_is_looked_at_is_nobody_s(
    service: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another test that shares the plan has removed its own."""
    tells_no_source(service, f"{ALARM}canary-2")
    theirs = service.open("Smoke test")
    listed = service.list_timeline_events

    def vanishing(*, incidentRecordArn: str, **more: Any) -> dict[str, Any]:  # noqa: N803
        if incidentRecordArn == theirs:
            raise gone("ListTimelineEvents")
        return listed(incidentRecordArn=incidentRecordArn, **more)

    def merge() -> None:
        if set(service.records) == {theirs}:
            service.open("Smoke test", alarm="canary-2")

    monkeypatch.setattr(service, "list_timeline_events", vanishing)
    service.on_service_alarm = merge
    assert data(request())["Status"] == "passed"
    assert set(service.records) == {theirs}
