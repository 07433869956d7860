"""The smoke test's handler: what CloudFormation asks, and what it is answered."""

from __future__ import annotations

import dataclasses
import json
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from incidents_runtime.smoke_test import clients, handler, run
from incidents_runtime.smoke_test.clients import Clients
from incidents_runtime.smoke_test.failures import SmokeTestFailed, log_of, shortened
from incidents_runtime.smoke_test.findings import THE_TRIGGER, Finding
from incidents_runtime.smoke_test.settings import Plan, Settings, SettingsError

from tests.runtime.fakes import refusal
from tests.runtime.smoke_account import (
    BY_SERVICE,
    BY_TRIGGER,
    STACK,
    Account,
    answer,
    context,
    data,
    reason_of,
    request,
)

if TYPE_CHECKING:
    from pathlib import Path

ATTRIBUTES = ["Result", "Status", "IncidentRecordArn", "OpenedMs", "Steps", "Warnings"]


def finding(text: str = "nobody is on call", plan: str = "", **more: Any) -> Finding:
    """Return something that is not as it should be."""
    return Finding("nobody-on-call", plan, text, "put somebody on call.", **more)


def found(monkeypatch: pytest.MonkeyPatch, *findings: Finding) -> None:
    """Let the look without side effect find this."""
    monkeypatch.setattr(run, "preflight", lambda *_: list(findings))


# --- a good run


def test_passes_and_leaves_nothing(account: Account) -> None:
    """A good run tells its steps, and neither record nor OpsItem nor ALARM is left."""
    told = data(request())
    assert told["Result"] == f"passed: {told['Steps']}; pages 0"
    assert [step.split()[0] for step in told["Steps"].split(", ")] == [
        *("preflight", "canary", "incident", "content", "joining", "recovery", "removal")
    ]
    assert (told["Status"], told["Warnings"], told["OpenedMs"]) == ("passed", "", "0")
    assert told["IncidentRecordArn"].endswith("incident-record/quiet/1")
    assert account.leaves_nothing()
    assert account.states == ["INSUFFICIENT_DATA", "ALARM", "INSUFFICIENT_DATA", "ALARM", "OK"]
    assert account.made == 1


def test_looks_once_a_run_and_walks_each_path(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    """What matters to people is looked at once, then each path is proven by a canary of its own."""
    looks: list[object] = []

    def look(*asked: object) -> list[Finding]:
        looks.append(asked)
        return []

    monkeypatch.setattr(run, "preflight", look)
    account.settings = dataclasses.replace(account.settings, paths=(BY_TRIGGER, BY_SERVICE))
    fired: list[str] = []

    def not_the_first() -> None:
        fired.append("ALARM")
        if len(fired) > 1:
            account.merge_or_open()

    account.on_service_alarm = not_the_first
    told = data(request())
    names = [step.rpartition(" ")[0].rpartition(" ")[0] for step in told["Steps"].split(", ")]
    assert names == [
        *("preflight", "canary", "incident", "content", "joining", "recovery", "removal"),
        *(f"{step} (plans)" for step in ("canary", "incident", "content", "joining", "removal")),
    ]
    assert len(looks) == 1
    assert account.made == 2
    # The attributes tell of the first incident.
    assert told["IncidentRecordArn"].endswith("/quiet/1")
    assert told["OpenedMs"] == "0"
    assert account.leaves_nothing()


def test_title_carries_stack_and_nonce(account: Account) -> None:
    """The reason of the ALARM names the stack, whose test it is and which run, within a title's length."""
    titles = account.titles
    answer(request())
    # Not even a second invocation for the same request has the same.
    answer(request())
    assert len(set(titles)) == 2
    assert len({title.rpartition(" ")[0] for title in titles}) == 1
    assert all(title.startswith("Smoke test of Shop (") and len(title) <= 200 for title in titles)


def test_timeline_is_logged(account: Account, capsys: pytest.CaptureFixture[str]) -> None:
    """Each step says when it began and how long it took; the last line is the whole result."""
    account.timeline_after = 3.0
    result = data(request())["Result"]
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    steps = {line["message"]: line for line in lines if line["message"].startswith("step ")}
    content, joining = steps["step content passed"], steps["step joining passed"]
    assert content["milliseconds"] >= 2_500
    assert joining["started_at_ms"] == content["started_at_ms"] + content["milliseconds"]
    assert lines[-1]["message"] == result


def test_physical_id_stays(account: Account) -> None:
    """An update keeps the physical id: another one would make CloudFormation delete the resource."""
    created = answer(request())["PhysicalResourceId"]
    assert created == answer(request())["PhysicalResourceId"]
    assert answer(request("Update"))["PhysicalResourceId"] == "as-before"
    assert account.records == {}


# --- what the look without side effect finds


def test_finding_of_a_changed_plan_fails_before_anything_starts(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What this deployment broke fails it, with the remedy, and no canary moves."""
    found(monkeypatch, finding(plan="checkout"), finding("nor later", plan="checkout"), finding("else"))
    reason = reason_of(request(Proves={"Plans": {"checkout": "1"}}))
    assert (
        "Smoke test failed at preflight: expected all to be ready that this deployment has declared; saw"
        " nobody-on-call: nobody is on call; nor later. Remedy: put somebody on call."
        " The test's log: test-log" in reason
    )
    assert "ALARM" not in account.states
    assert account.titles == []


def test_finding_of_before_warns(
    account: Account, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What was so before stands among the warnings, in the sentence and in the log."""
    found(monkeypatch, finding(plan="checkout"), finding("nor later"))
    proves = {"Plans": {"checkout": "1"}}
    event = {**request("Update", Proves=proves), "OldResourceProperties": {"Proves": proves}}
    told = data(event)
    warning = "nobody-on-call: nobody is on call; nor later. Remedy: put somebody on call."
    assert told["Warnings"] == warning
    assert told["Result"].endswith(f"; pages 0; warning: {warning}")
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    texts = [line["text"] for line in lines if line["message"] == "finding"]
    assert texts == ["nobody is on call", "nor later"]
    assert account.leaves_nothing()


def test_answer_fits_cloudformation(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    """However much there is to warn of, and in whatever script, the answer is short enough."""
    found(monkeypatch, *[finding("niemand geht ans Telefon ☎ " * 20)] * 20)
    account.settings = dataclasses.replace(account.settings, paths=(BY_TRIGGER, BY_SERVICE))
    told = data(request())
    assert list(told) == ATTRIBUTES
    assert len(json.dumps(told, ensure_ascii=False).encode()) < 3_500
    assert len(told["Warnings"].encode()) <= 1_500
    assert told["Warnings"].endswith("…")
    assert "; pages 0; warning: " in told["Result"]


# --- a failed run


def test_failure_links_the_log(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    """The reason ends with the group and the page of its log."""
    monkeypatch.setattr(account, "delete_incident_record", lambda **_: 1 / 0)
    assert reason_of(request()).endswith(
        "The test's log: test-log https://us-east-1.console.aws.amazon.com/cloudwatch/home?region=us-east-1"
        "#logsV2:log-groups/log-group/test-log"
    )
    # The console wants it encoded twice.
    assert log_of("/aws/x", "eu-west-1").endswith("log-group/$252Faws$252Fx")


def test_message_fits_cloudformation(
    account: Account, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """However much was seen, the remedy and the log survive; the log has all of it."""

    def fail(**_: Any) -> None:
        raise RuntimeError("☎ rings " * 150 + "the end")

    monkeypatch.setattr(account, "delete_incident_record", fail)
    reason = reason_of(request())
    assert len(reason.encode()) <= 2_500
    assert "…. Remedy: mend what is named there" in reason
    assert "log-group/test-log" in reason
    assert "the end" in capsys.readouterr().out


def test_secrets_are_hidden(
    account: Account, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What looks like one stands neither in the reason, which many may read, nor in the log."""

    def fail(**_: Any) -> None:
        raise RuntimeError("password=hunter2hunter2")

    monkeypatch.setattr(account, "delete_incident_record", fail)
    assert "saw RuntimeError: password=***" in reason_of(request())
    assert "hunter2" not in capsys.readouterr().out


@pytest.mark.parametrize(("text", "short"), [("x" * 50, "x" * 50), ("x" * 51, "x" * 47 + "…")])
def test_texts_are_cut_by_their_bytes(text: str, short: str) -> None:
    """The ellipsis is counted, too."""
    assert shortened(text, 50) == short
    assert len(shortened("☎" * 51, 50).encode()) <= 50


@pytest.mark.parametrize(
    ("error", "remedy"),
    [
        (refusal("ThrottlingException", 429), "Remedy: AWS throttles the account's calls: wait"),
        (refusal("ConflictException", 409), "Remedy: the service refused the client token, or"),
        (refusal("AccessDeniedException", 403), "Remedy: give the role that is named the permission"),
        (refusal("InternalServerException", 500), "Remedy: the service does not answer: look at its health"),
        (refusal("ValidationException"), "Remedy: mend what is named there"),
    ],
)
def test_errors_of_aws_have_their_remedy(
    account: Account, monkeypatch: pytest.MonkeyPatch, error: Exception, remedy: str
) -> None:
    """A storm, a refused token, a denial, a service that is down: told as such."""

    def fail(**_: Any) -> None:
        raise error

    monkeypatch.setattr(account, "get_timeline_event", fail)
    reason = reason_of(request())
    assert "failed at content: expected the step to pass; saw ClientError: " in reason
    assert remedy in reason
    assert account.leaves_nothing()


def test_failure_may_only_warn(account: Account) -> None:
    """Where it is only to warn, the deployment goes on, told of the failure by status and sentence."""
    account.settings = dataclasses.replace(account.settings, on_failure="warn")
    account.on_ok = lambda _: None
    told = data(request())
    assert list(told) == ATTRIBUTES
    assert told["Status"] == "failed"
    assert told["Result"].startswith("failed: Smoke test failed at recovery: expected")
    assert told["Steps"].startswith("preflight ")
    assert told["IncidentRecordArn"].endswith("/1")
    assert account.leaves_nothing()


# --- CloudFormation's other ways


@pytest.mark.parametrize(
    "seen", [{}, {"Skip": True}, {"Skip": "false"}, {"CanaryName": "old", "Proves": "d"}]
)
def test_properties_of_any_version(account: Account, seen: dict[str, Any]) -> None:
    """An older version's properties, or none, crash nothing, new or old."""
    for event in (
        {**request(), "ResourceProperties": seen},
        {**request("Update"), "OldResourceProperties": seen},
        {**request("Delete"), "ResourceProperties": seen},
        {name: value for name, value in request("Delete").items() if name != "ResourceProperties"},
    ):
        assert answer(event)["PhysicalResourceId"]
    assert account.leaves_nothing()


@pytest.mark.parametrize(
    ("kind", "old", "changed"),
    [
        ("Create", None, {"a", "b", THE_TRIGGER}),
        ("Update", {"Trigger": "t", "Plans": {"a": "1", "b": "0"}}, {"b"}),
        ("Update", {"Trigger": "u", "Plans": {"a": "1", "b": "2"}}, {THE_TRIGGER}),
        ("Update", {"Plans": "odd"}, set()),
        ("Update", "digest of an older version", set()),
    ],
)
def test_changed_plans(kind: str, old: Any, changed: set[str]) -> None:
    """Whether it makes or changes a plan or the trigger; of an older version's nobody knows, so none."""
    event = {
        **request(kind, Proves={"Trigger": "t", "Plans": {"a": "1", "b": "2"}}),
        "OldResourceProperties": {"Proves": old},
    }
    assert handler.changed_plans(event) == changed


def test_deletion_cleans_up(account: Account) -> None:
    """Delete sets the canary to OK and removes what is left, and starts nothing."""
    assert answer(request("Delete")) == {"PhysicalResourceId": "as-before"}
    assert account.states == ["OK"]


def test_deletion_never_fails(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    """Delete succeeds whatever is broken, with an invented id and nothing to read."""

    def unreadable(_: object) -> None:
        raise SettingsError("no file")

    monkeypatch.setattr(account, "set_alarm_state", lambda **_: 1 / 0)
    event = {**request("Delete"), "PhysicalResourceId": "invented", "ResourceProperties": {}}
    assert answer(event) == {"PhysicalResourceId": "invented"}
    monkeypatch.setattr(handler, "load", unreadable)
    assert answer({**event, "StackId": "odd"}) == {"PhysicalResourceId": "invented"}
    account.settings = dataclasses.replace(
        account.settings, paths=(dataclasses.replace(BY_TRIGGER, kind="of tomorrow"),)
    )
    monkeypatch.setattr(handler, "load", lambda _: account.settings)
    assert answer(event) == {"PhysicalResourceId": "invented"}


def test_update_without_its_file_says_so(
    account: Account, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A test that does not know what to test fails with the reason and its log."""
    monkeypatch.undo()
    monkeypatch.setattr(Clients, "default", classmethod(lambda *_: account.clients))
    monkeypatch.setenv("LAMBDA_TASK_ROOT", str(tmp_path))
    reason = reason_of(request("Update"))
    assert reason.startswith(f"what to test must be readable from {tmp_path}/index.py (got ")
    assert "The test's log: test-log" in reason


def test_skip_starts_nothing(account: Account) -> None:
    """A skipped test touches nothing and says so."""
    told = data(request(Skip="true"))
    assert told["Result"].startswith("skipped: the context key cdk-incidents:skip-smoke-test")
    assert list(told) == ATTRIBUTES
    assert told["Status"] == "skipped"
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
    result = data(request("Update"))["Result"]
    expected = "skipped: the stack rolls back" if times == 2 else "passed: "
    assert result.startswith(expected)
    assert ("does not tell whether it rolls back" in capsys.readouterr().out) is (times == 100)
    # As long as IAM may need to know a role of seconds ago, and no longer.
    assert len(asked) == {2: 3, 100: 18}[times]
    assert account.now < 70


@pytest.mark.parametrize("kind", ["Create", "Update"])
@pytest.mark.parametrize(
    "status", ["UPDATE_ROLLBACK_IN_PROGRESS", "ROLLBACK_IN_PROGRESS", "DELETE_IN_PROGRESS"]
)
def test_rollback_is_never_blocked(account: Account, kind: str, status: str) -> None:
    """On the way back to the old template, or out, nothing is tested."""
    account.stack_status = status
    told = data(request(kind))
    assert (told["Status"], told["Result"]) == ("skipped", "skipped: the stack rolls back")
    assert account.states == []


# --- between deployments


SCHEDULE = {"stack_id": STACK, "logical_id": "SmokeTest"}


def scheduled(**changes: Any) -> dict[str, str]:
    """Run the test as the schedule does."""
    return handler.scheduled({**SCHEDULE, **changes}, context())


def test_schedule_runs_the_same_test(account: Account) -> None:
    """It is the deployment's test, by its identity; it passes and leaves nothing."""
    account.stack_status = "UPDATE_COMPLETE"
    answer(request())
    assert scheduled()["Result"].startswith("passed: preflight ")
    first, second = (title.rpartition(" ")[0] for title in account.titles)
    assert first == second
    assert account.leaves_nothing()


@pytest.mark.parametrize("status", ["UPDATE_IN_PROGRESS", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"])
def test_schedule_keeps_away_from_a_deployment(account: Account, status: str) -> None:
    """The deployment tests by itself."""
    account.stack_status = status
    assert scheduled()["Result"] == "skipped: a deployment is under way"
    assert account.states == []


def test_schedule_fails_for_each_finding(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing was deployed: whatever is found, and not ignored, is what the alarm is for."""
    account.stack_status = "UPDATE_COMPLETE"
    found(monkeypatch, finding(mends_later=True), Finding("not-looked", "", "a riddle", "look."))
    with pytest.raises(SmokeTestFailed, match=r"failed at preflight.*nobody is on call; not-looked: a rid"):
        scheduled()
    assert account.made == 1
    account.on_ok = lambda _: None
    with pytest.raises(SmokeTestFailed, match=r"failed at preflight.*failed at recovery.*log: test-log"):
        scheduled()
    assert account.leaves_nothing()
    account.settings = dataclasses.replace(
        account.settings, severities={"nobody-on-call": "ignore", "not-looked": "ignore"}
    )
    account.on_ok = account.resolve
    assert scheduled()["Status"] == "passed"


def test_schedule_looks_at_later_plans_as_at_any(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a deployment brings after its test is there when the schedule comes."""
    account.stack_status = "UPDATE_COMPLETE"
    account.settings = dataclasses.replace(account.settings, plans=(Plan("a", "arn:a", later=True),))
    looked_at: list[bool] = []

    def look(settings: Settings, _: object) -> list[Finding]:
        looked_at.extend(plan.later for plan in settings.plans)
        return []

    monkeypatch.setattr(run, "preflight", look)
    answer(request())
    scheduled()
    assert looked_at == [True, False]


# --- clients


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
        *("sns", "lambda", "logs", "cloudformation", "iam"),
    ]
    assert len(made) == len(names)
    assert {region for _, region, _ in made} == {"eu-west-1"} == {given.region}
    assert all(
        (config.connect_timeout + config.read_timeout) * config.retries["total_max_attempts"]
        == clients.ONE_CALL_S
        for _, _, config in made
    )
