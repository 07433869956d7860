"""A smoke test that is cut short, hangs, or runs twice at once: it answers in time, and nothing is left."""

from __future__ import annotations

import contextlib
import dataclasses
import random
import threading
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError
from incidents_runtime.smoke_test import clients, clock
from incidents_runtime.smoke_test.failures import SmokeTestFailed

from tests.runtime.fakes import FakeClock, refusal
from tests.runtime.interleaving import Interleaving, KilledError
from tests.runtime.smoke_account import (
    BEGAN,
    BY_SERVICE,
    BY_TRIGGER,
    FOR_REAL,
    Account,
    answer,
    data,
    reason_of,
    request,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from incidents_runtime.smoke_test.settings import Path

BOTH = (BY_TRIGGER, BY_SERVICE)
# A good run by both paths, with a plan that pages for real, makes fewer.
MOST_CALLS = 100


def counted(account: Account, meddle: Callable[[int, Callable[[], Any]], Any]) -> list[str]:
    """Let something meddle with each call, by its number from 1; return the calls as they come."""
    calls: list[str] = []

    def around(operation: str, call: Callable[[], Any]) -> Any:
        calls.append(operation)
        return meddle(len(calls), call)

    account.around = around
    return calls


def hangs(account: Account, operation: str = "", *, after: int = 0) -> None:
    """Let calls take their longest and fail: one operation's, or all after so many."""

    def meddle(number: int, call: Callable[[], Any]) -> Any:
        if number <= after or operation not in ("", calls[-1]):
            return call()
        account.now += clients.ONE_CALL_S
        raise ReadTimeoutError(endpoint_url="https://example.com")

    calls = counted(account, meddle)


# --- hanging


def test_ends_before_lambda_does(account: Account) -> None:
    """However long it may wait, it keeps time to clean up and answer."""
    account.settings = dataclasses.replace(account.settings, timeout_s=240.0)
    account.on_alarm = lambda _: None
    # Time enough for the reason, too.
    assert "saw no error in its log" in reason_of(request(), seconds_left=60)
    assert account.now <= 42


def test_paths_share_the_time(account: Account) -> None:
    """The second path has what the first one left, and ends in time as well."""
    account.settings = dataclasses.replace(account.settings, timeout_s=240.0, paths=BOTH)
    account.on_service_alarm = lambda: None
    account.timeline_after = 100.0

    def slow(_: str, call: Callable[[], Any]) -> Any:
        account.now += 0.2
        return call()

    account.around = slow
    assert "failed at incident (plans): " in reason_of(request(), seconds_left=60)
    assert account.now <= 50
    assert {alarm["StateValue"] for alarm in account.alarms.values()} == {"OK"}


@pytest.mark.parametrize("hanging_from", [0, 1, 5])
def test_timeline_that_hangs_leaves_time_to_clean_up(account: Account, hanging_from: int) -> None:
    """Where only the timeline tells whose an incident is, the steps end in time and the clean-up asks."""
    account.settings = dataclasses.replace(account.settings, timeout_s=240.0, paths=(BY_SERVICE,))
    theirs = account.open("Smoke test", alarm="canary-2")
    account.records[theirs]["incidentRecordSource"] = {}
    account.timelines[theirs] = []
    account.on_service_alarm = lambda: None
    seen: list[str] = []

    def meddle(_: int, call: Callable[[], Any]) -> Any:
        seen.append(calls[-1])
        if calls[-1] != "list_timeline_events" or seen.count("list_timeline_events") <= hanging_from:
            return call()
        account.now += clients.ONE_CALL_S
        raise ReadTimeoutError(endpoint_url="https://example.com")

    calls = counted(account, meddle)
    assert "failed at " in reason_of(request(), seconds_left=60)
    assert account.now <= 58
    assert account.alarms["canary-2"]["StateValue"] == "OK"


def test_diagnosis_that_hangs_leaves_time_to_clean_up(account: Account) -> None:
    """What is left behind weighs more than why."""
    account.settings = dataclasses.replace(account.settings, timeout_s=240.0)
    account.on_alarm = lambda _: None

    def meddle(_: int, call: Callable[[], Any]) -> Any:
        if calls[-1] not in ("describe_alarm_history", "filter_log_events"):
            return call()
        account.now += clients.ONE_CALL_S
        raise ReadTimeoutError(endpoint_url="https://example.com")

    calls = counted(account, meddle)
    assert "could not be read: " in reason_of(request(), seconds_left=60)
    assert account.states[-1] == "OK"


def test_call_that_there_is_no_time_to_repeat_shows_its_own_error(account: Account) -> None:
    """Not that the time is up; and the pause is not made that nothing would follow."""
    in_time = account.clients.until(2.0)
    with pytest.raises(ClientError, match="Throttling"):
        in_time.ssm.delete_ops_item(OpsItemId="throttled")
    assert account.now == 1.0
    account.now = 3.0
    with pytest.raises(TimeoutError, match="no time is left"):
        in_time.ssm.delete_ops_item(OpsItemId="throttled")


@pytest.mark.parametrize("kind", ["Create", "Update", "Delete"])
@pytest.mark.parametrize("seconds_left", [20.0, 70.0, 240.0])
def test_answers_in_time_whatever_hangs(account: Account, kind: str, seconds_left: float) -> None:
    """When every call from the n-th on takes its longest and fails, it has answered before Lambda's end."""
    plans = (FOR_REAL,)
    for working in range(0, MOST_CALLS, 3):
        fresh = type(account)()
        vars(account).update({k: v for k, v in vars(fresh).items() if k not in ("clients", "around")})
        account.on_alarm, account.on_ok = account.join_or_open, account.resolve
        account.on_service_alarm = account.merge_or_open
        account.settings = dataclasses.replace(account.settings, paths=BOTH, plans=plans)
        hangs(account, after=working)
        with contextlib.suppress(SmokeTestFailed):
            answer(request(kind), seconds_left=seconds_left)
        assert account.now <= seconds_left - 1, working


def test_endless_pages_end(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    """A list that never ends does not hold up a deletion."""

    def endless(**_: Any) -> dict[str, Any]:
        account.now += 1
        return {"incidentRecordSummaries": [], "nextToken": "more"}

    monkeypatch.setattr(account, "list_incident_records", endless)
    answer(request("Delete"), seconds_left=100)
    assert account.now <= 99
    assert "no time is left" in reason_of(request(), seconds_left=200)


def test_throttling_is_waited_for(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    """What may pass is asked again; what will not is not."""
    left = [refusal("ThrottlingException", 429)] * 3
    tell = account.get_response_plan

    def throttled(**arguments: Any) -> dict[str, Any]:
        if left:
            raise left.pop()
        return tell(**arguments)

    monkeypatch.setattr(account, "get_response_plan", throttled)
    assert data(request())["Status"] == "passed"
    left += [refusal("ValidationException")] * 2
    assert "ValidationException" in reason_of(request())
    assert len(left) == 1


@pytest.mark.parametrize("known_in_s", [25.0, 55.0])
@pytest.mark.parametrize("paths", [(BY_TRIGGER,), (BY_SERVICE,)], ids=["trigger", "service"])
def test_role_that_iam_does_not_know_yet_fails_no_deployment(
    account: Account, paths: tuple[Path, ...], known_in_s: float
) -> None:
    """On a first deployment all is denied for up to a minute: the test waits, and all of it is looked at."""
    account.settings = dataclasses.replace(account.settings, paths=paths)

    def meddle(_: int, call: Callable[[], Any]) -> Any:
        if account.now < known_in_s:
            raise refusal("AccessDeniedException", 403)
        return call()

    counted(account, meddle)
    told = data(request())
    assert (told["Status"], told["Warnings"]) == ("passed", "")
    assert account.now < known_in_s + 15


@pytest.mark.parametrize("error", ["AccessDeniedException", "ThrottlingException"])
def test_denial_of_one_service_is_waited_for_as_long_as_an_incident(account: Account, error: str) -> None:
    """Services learn of a role's new rights one by one; who is never let in is told of it then."""
    lets_in_at = 20.0

    def meddle(_: int, call: Callable[[], Any]) -> Any:
        if calls[-1] == "set_alarm_state" and account.now < lets_in_at:
            raise refusal(error, 403)
        return call()

    calls = counted(account, meddle)
    assert data(request())["Status"] == "passed"
    lets_in_at, began = float("inf"), account.now
    assert error in reason_of(request())
    # What the clean-up asks is asked four times.
    assert 30 <= account.now - began < 50


# --- cleaning up


def test_clean_up_goes_on_after_a_failure(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    """A canary that cannot be set keeps no incident alive."""
    answer(request())
    account.open(account.titles[0])
    monkeypatch.setattr(account, "set_alarm_state", lambda **_: 1 / 0)
    answer(request("Delete"))
    assert account.leaves_nothing()


def test_looks_back_a_week_page_by_page(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    """Leftovers are found on any page; an account's whole history is not read for them."""
    answer(request())
    for _ in range(5):
        account.open(account.titles[0])
    long_ago = account.open(account.titles[0])
    account.records[long_ago]["creationTime"] -= timedelta(days=8)
    account.page = 2
    since: list[datetime] = []
    listed = account.list_incident_records

    def noting(**arguments: Any) -> dict[str, Any]:
        since.append(arguments["filters"][0]["condition"]["after"])
        return listed(**arguments)

    monkeypatch.setattr(account, "list_incident_records", noting)
    answer(request("Delete"))
    assert set(account.records) == {long_ago}
    assert min(since) >= BEGAN - timedelta(days=7)


# --- killed


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_next_run_cleans_up_after_a_killed_one(account: Account, *, after: bool) -> None:
    """Killed before or after any of its calls, by whatever path: the next run passes and leaves nothing."""
    account.settings = dataclasses.replace(account.settings, paths=BOTH, plans=(FOR_REAL,))
    kills = 0
    for victim in range(1, MOST_CALLS):

        def meddle(number: int, call: Callable[[], Any], victim: int = victim) -> Any:
            if number == victim and not after:
                raise KilledError
            told = call()
            if number == victim:
                raise KilledError
            return told

        counted(account, meddle)
        try:
            answer({**request(), "RequestId": f"request {victim}"})
        except KilledError:
            kills += 1
        account.around = lambda _, call: call()
        account.now += 30
        told = data({**request("Update"), "RequestId": f"request after {victim}"})
        assert told["Status"] == "passed", victim
        assert account.leaves_nothing(), victim
    assert 40 < kills < MOST_CALLS - 1


@pytest.mark.parametrize("victim", range(1, 40, 3))
def test_deletion_cleans_up_after_a_killed_run(account: Account, victim: int) -> None:
    """A stack that is deleted after a killed run takes all of it along."""
    account.settings = dataclasses.replace(account.settings, paths=BOTH)

    def meddle(number: int, call: Callable[[], Any]) -> Any:
        told = call()
        if number == victim:
            raise KilledError
        return told

    counted(account, meddle)
    with pytest.raises(KilledError):
        answer(request())
    account.around = lambda _, call: call()
    answer(request("Delete"))
    assert account.leaves_nothing()


# --- twice at once


def moved_by_another(account: Account, *, state: str = "ALARM", age_s: float = 0.0) -> None:
    """Let another run of this test have moved the canary."""
    answer(request())
    account.now += 1_000
    reason = account.titles[0]
    then = account.wall() - timedelta(seconds=age_s)
    account.alarms["canary"].update(StateValue=state, StateReason=reason, StateUpdatedTimestamp=then)


def waited(account: Account) -> float:
    """Run the test; return how long its first steps have waited."""
    began = account.now
    told = data(request())
    assert told["Status"] == "passed"
    return account.now - began


def test_another_run_is_waited_for(account: Account) -> None:
    """While another run moves the canary this one waits, until that one ends it with OK."""
    moved_by_another(account)
    ends_at = account.now + 7.0

    def around(_: str, call: Callable[[], Any]) -> Any:
        if account.now >= ends_at and account.alarms["canary"]["StateReason"] == account.titles[0]:
            account.alarms["canary"]["StateValue"] = "OK"
        return call()

    account.around = around
    assert 7 <= waited(account) < 9


@pytest.mark.parametrize("state", ["ALARM", "INSUFFICIENT_DATA"])
def test_killed_run_is_not_waited_for_longer(account: Account, state: str) -> None:
    """One that never ends was killed: the wait is no longer than an incident may take."""
    moved_by_another(account, state=state)
    assert 30 <= waited(account) < 32


@pytest.mark.parametrize(("state", "age_s"), [("OK", 0.0), ("ALARM", 301.0)])
def test_run_of_long_ago_is_not_waited_for(account: Account, state: str, age_s: float) -> None:
    """Nor one that has ended, nor one that Lambda has ended by now."""
    moved_by_another(account, state=state, age_s=age_s)
    assert waited(account) < 1


def test_wait_leaves_time_to_test(account: Account) -> None:
    """Whoever waits keeps two thirds of the time for the test itself."""
    account.settings = dataclasses.replace(account.settings, timeout_s=240.0)
    moved_by_another(account)
    began = account.now
    assert data(request(), seconds_left=60)["Status"] == "passed"
    assert 10 <= account.now - began < 12


def test_state_that_is_not_told_is_no_reason_to_wait(
    account: Account, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Not to know is no reason to fail, either; the log says so."""
    monkeypatch.setattr(account, "describe_alarms", lambda **_: 1 / 0)
    assert data(request())["Status"] == "passed"
    assert "nothing tells whether another run moves the canary" in capsys.readouterr().out


@pytest.mark.parametrize("seed", range(40))
def test_two_invocations_for_one_request_end_well(
    account: Account, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    """Lambda may deliver a request twice: in whatever order its calls come, both pass and nothing is left."""
    account.settings = dataclasses.replace(account.settings, paths=BOTH)
    times = FakeClock()
    times.time = BEGAN
    both = Interleaving(times, random.Random(seed))  # noqa: S311 - a seed that can be named

    def since() -> float:
        return (times.time - BEGAN).total_seconds()

    def around(_: str, call: Callable[[], Any]) -> Any:
        both.step()
        account.now = since()
        return call()

    account.around = around
    monkeypatch.setattr(clock, "sleep", times.sleep)
    monkeypatch.setattr(clock, "monotonic", since)
    monkeypatch.setattr(clock, "now", lambda: times.time)
    told: list[str] = []
    for _ in range(2):
        both.add(lambda: told.append(data(request())["Status"]))
    both.run()
    assert told == ["passed", "passed"]
    assert account.leaves_nothing()
    assert threading.active_count() < 20


def test_look_that_hangs_leaves_time_to_test(account: Account) -> None:
    """What cannot be looked at in a third of the time is a warning, and all else is proven."""

    def meddle(_: int, call: Callable[[], Any]) -> Any:
        if calls[-1] != "list_replication_sets":
            return call()
        account.now += clients.ONE_CALL_S
        raise ReadTimeoutError(endpoint_url="https://example.com")

    calls = counted(account, meddle)
    told = data(request(), seconds_left=60)
    assert told["Status"] == "passed"
    assert "not-looked: " in told["Warnings"]
    assert account.now <= 20


def test_of_two_that_take_the_canary_at_once_the_later_has_it(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is set on a condition: whoever has written looks a moment later whether it stands there."""
    answer(request())
    account.now += 1_000
    began, another = account.now, account.titles[0]

    def sleep(seconds: float) -> None:
        if account.now == began:
            account.set_alarm_state(AlarmName="canary", StateValue="INSUFFICIENT_DATA", StateReason=another)
        account.now += seconds
        if account.now > began + 7 and account.alarms["canary"]["StateReason"] == another:
            account.set_alarm_state(AlarmName="canary", StateValue="OK", StateReason=another)

    monkeypatch.setattr(clock, "sleep", sleep)
    assert data(request())["Status"] == "passed"
    assert 7 <= account.now - began < 9
