"""Plans that are fired for real: people are paged, told that it is a test, and named in the result."""

from __future__ import annotations

import dataclasses
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from incidents_runtime.smoke_test import handler, run

from tests.runtime.smoke_account import (
    ADA,
    FOR_REAL,
    REAL,
    STACK,
    Account,
    answer,
    context,
    data,
    gone,
    reason_of,
    request,
)


@pytest.fixture
def account(account: Account, monkeypatch: pytest.MonkeyPatch) -> Account:
    """Return an account one of whose plans is fired for real, and all of which is as it should be."""
    monkeypatch.setattr(run, "preflight", lambda *_: [])
    other = dataclasses.replace(FOR_REAL, name="other", arn=f"{REAL}-other", for_real=False)
    account.settings = dataclasses.replace(account.settings, plans=(FOR_REAL, other))
    return account


def open_for_real(account: Account, title: str, **fields: Any) -> str:
    """Let an incident of the plan be open."""
    arn = account.open(title, plan="checkout", alarm="none")
    account.records[arn].update(fields)
    return arn


def test_pages_and_tells_whom(account: Account) -> None:
    """The title says TEST, the result who was paged by what; the incident and its OpsItem are removed."""
    told = data(request())
    assert told["Result"].endswith("; pages 2; paged for real: checkout: ada (SMS, VOICE)")
    assert ", page checkout 0 ms" in told["Steps"]
    (title,) = account.paged
    assert title.startswith("TEST of Shop: no action needed (")
    assert account.leaves_nothing()


def test_nobody_is_paged_by_a_broken_pipeline(account: Account) -> None:
    """The plans are fired last, when all else has held."""
    account.on_ok = lambda _: None
    assert "failed at recovery" in reason_of(request())
    assert account.paged == []


def test_schedule_pages_nobody(account: Account) -> None:
    """People who agreed to be paged by deployments did not agree to be paged every day."""
    account.stack_status = "UPDATE_COMPLETE"
    told = handler.scheduled({"stack_id": STACK, "logical_id": "SmokeTest"}, context())
    assert told["Result"].endswith("; pages 0")
    assert account.paged == []


def test_pages_are_waited_for(account: Account) -> None:
    """Until each engagement has sent one."""
    account.real_plan["engagements"] = [ADA, f"{ADA}-2"]
    account.pages_after = 9.0
    assert data(request())["Result"].endswith(
        "; pages 4; paged for real: checkout: ada (SMS, VOICE), ada-2 (SMS, VOICE)"
    )
    assert account.now >= 9


def test_pages_that_are_not_sent_fail(account: Account) -> None:
    """The reason says who was paged and how many are missing; nothing is left."""
    account.channels = {}
    reason = reason_of(request())
    assert "failed at page checkout: expected the pages of 1 engagements to be sent within 30 s" in reason
    assert "saw pages to nobody. Remedy: look at the engagements" in reason
    assert account.leaves_nothing()


def test_plan_that_engages_nobody_is_not_fired(account: Account) -> None:
    """A test of pages that pages nobody proves nothing."""
    account.real_plan["engagements"] = []
    assert "expected the plan to engage somebody; saw no engagement" in reason_of(request())
    assert account.paged == []


def test_channels_that_are_not_told_fail_nothing(
    account: Account, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Who was paged weighs more than by what."""
    monkeypatch.setattr(account, "list_page_receipts", lambda **_: 1 / 0)
    assert data(request())["Result"].endswith("; pages 2; paged for real: checkout: ada")
    assert "the channel of a page is not known" in capsys.readouterr().out


def test_failure_after_a_page_tells_whom_it_woke(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who was paged must not hear that there was no test."""
    delete = account.delete_incident_record

    def only_the_quiet_one(*, arn: str) -> None:
        if "/checkout/" in arn:
            raise RuntimeError("☎" * 2_000)
        delete(arn=arn)

    monkeypatch.setattr(account, "delete_incident_record", only_the_quiet_one)
    reason = reason_of(request())
    assert "failed at page checkout: " in reason
    assert "Remedy: " in reason
    assert " Paged for real: checkout: ada (SMS, VOICE). The test's log: " in reason
    account.channels = {f"c{number}": "☎" * 20 for number in range(20)}
    assert len(reason_of({**request(), "RequestId": "request-2"}).encode()) < 2_200


def test_second_invocation_pages_nobody_again(account: Account) -> None:
    """The same request has the same token; the incident that it names is gone, and that is said."""
    assert data(request())["Status"] == "passed"
    told = data(request())
    assert told["Status"] == "passed"
    assert told["Warnings"] == "checkout was fired by another invocation for the same request"
    assert len(account.paged) == 1
    assert data({**request("Update"), "RequestId": "request-2"})["Warnings"] == ""
    assert len(account.paged) == 2


def test_second_invocation_goes_on_with_the_first_ones_incident(account: Account) -> None:
    """Killed while it waited: its retry has the same title and token, and pages nobody again."""

    def killed(operation: str, call: Any) -> Any:
        if operation == "list_engagements":
            raise KeyboardInterrupt
        return call()

    account.around = killed
    with pytest.raises(KeyboardInterrupt):
        answer(request())
    account.around = lambda _, call: call()
    assert data(request())["Result"].endswith("; pages 2; paged for real: checkout: ada (SMS, VOICE)")
    assert len(account.paged) == 1
    assert account.leaves_nothing()


def test_incident_that_is_not_seen_at_once_is_waited_for(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A record may be read later than it is started: its pages are waited for, and it is removed."""
    tell = account.get_incident_record

    def late(*, arn: str) -> dict[str, Any]:
        if "/checkout/" in arn and account.wall() - account.records[arn]["creationTime"] < timedelta(
            seconds=3
        ):
            raise gone("GetIncidentRecord")
        return tell(arn=arn)

    monkeypatch.setattr(account, "get_incident_record", late)
    told = data(request())
    assert told["Warnings"] == ""
    assert told["Result"].endswith("; pages 2; paged for real: checkout: ada (SMS, VOICE)")
    assert account.leaves_nothing()


def test_plan_with_a_dedupe_string_is_not_fired(account: Account) -> None:
    """A real alarm that rang meanwhile would become one with the test's incident, and be deleted with it."""
    account.real_plan["incidentTemplate"]["dedupeString"] = "checkout"
    reason = reason_of(request())
    assert "expected the plan to have no dedupe string; saw 'checkout'; nothing was started" in reason
    assert account.paged == []
    assert account.leaves_nothing()


def test_merged_incident_is_left_alone(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    """What StartIncident answers may be somebody's: it is neither resolved nor deleted."""
    theirs = open_for_real(account, "Real trouble", creationTime=datetime(2026, 11, 1, tzinfo=timezone.utc))
    monkeypatch.setattr(account, "start_incident", lambda **_: {"incidentRecordArn": theirs})
    reason = reason_of(request())
    assert f"expected an incident of its own; saw {theirs}, 'Real trouble', open since 2026-11-01" in reason
    assert "somebody else's, and left alone" in reason
    assert set(account.records) == {theirs}
    assert account.records[theirs]["status"] == "OPEN"


def test_leftovers_of_killed_tests_are_removed(account: Account) -> None:
    """Those of this test, by TEST and identity; a stack's that is called alike stay."""
    answer(request())
    (title,) = account.paged
    open_for_real(account, title.replace(title.split()[-1], "killed)"))
    theirs = {
        open_for_real(account, "TEST of Shop: no action needed (another killed)"),
        open_for_real(account, f"Our own {title}"),
    }
    assert data({**request("Update"), "RequestId": "request-2"})["Status"] == "passed"
    assert set(account.records) == theirs
    open_for_real(account, title)
    answer(request("Delete"))
    assert set(account.records) == theirs


def test_title_fits(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    """The longest name of a stack leaves room for what tells whose it is."""
    stack = "arn:aws:cloudformation:us-east-1:111122223333:stack/" + "S" * 128 + "/6c1f"
    told = {"Stacks": [{"StackStatus": "CREATE_IN_PROGRESS"}]}
    monkeypatch.setattr(account, "describe_stacks", lambda **_: told)
    assert data({**request(), "StackId": stack})["Status"] == "passed"
    assert account.paged[0].endswith(")")
    assert len(account.paged[0]) <= 200


def test_each_engagement_must_page(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two pages to one person are none to the other."""
    account.real_plan["engagements"] = [ADA, f"{ADA}-2"]
    listed = account.list_pages_by_engagement

    def only_the_first(*, EngagementId: str) -> dict[str, Any]:  # noqa: N803
        return listed(EngagementId=EngagementId) if EngagementId.endswith("/ada") else {"Pages": []}

    monkeypatch.setattr(account, "list_pages_by_engagement", only_the_first)
    assert "expected the pages of 2 engagements to be sent within 30 s; saw pages to ada (SMS, VOICE)" in (
        reason_of(request())
    )
    assert account.leaves_nothing()
