"""Admit: one open incident a key, and when in doubt two rather than none."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ReadTimeoutError
from incidents_runtime.destinations import ServiceError
from incidents_runtime.errors import RetryLater
from incidents_runtime.ledger import milliseconds

from tests.runtime.fakes import (
    DENIED,
    INTERNAL,
    NOW,
    PLAN,
    ROUTES,
    THROTTLED,
    FakeContext,
    LostAnswerError,
    World,
    alarm,
    figures,
    refusal,
    sample,
    told,
)

if TYPE_CHECKING:
    from collections.abc import Callable

CRITICAL = ROUTES[0]
TIME_OUT = ReadTimeoutError(endpoint_url="https://example.com")
UNREACHABLE = refusal("ProvisionedThroughputExceededException")


def killed_at(operation: str, call: int = 1) -> Callable[[str], None]:
    """End the invocation at a call, as Lambda does when the time is up."""
    calls = iter(range(1, 1_000))

    def before_call(called: str) -> None:
        if called == operation and next(calls) == call:
            raise KeyboardInterrupt

    return before_call


def kill(world: World, place: Any, operation: str, event: dict[str, Any], call: int = 1) -> None:
    """Deliver an event and end the invocation at a call; then let the time of the invocation pass."""
    place.before_call = killed_at(operation, call)
    with pytest.raises(KeyboardInterrupt):
        world.deliver(event)
    place.before_call = lambda _: None
    world.clock.time += timedelta(minutes=1)


# --- join


def test_later_signals_join_while_the_incident_is_open() -> None:
    """The service's fresh word is asked each time."""
    world = World()
    assert [world.outcome(alarm(at=second)) for second in range(4)] == ["started", *["joined"] * 3]
    assert len(world.service.called("GetIncidentRecord")) == 3


def test_other_causes_and_other_routes_have_their_own_incident() -> None:
    """A key is a cause on a route."""
    world = World()
    world.deliver(alarm("A"))
    world.deliver(alarm("B"))
    world.deliver(alarm("A"), "Manual")
    assert len(world.service.records) == 3


@pytest.mark.parametrize("gone", ["RESOLVED", "MISSING"])
def test_a_record_that_a_responder_closed_is_not_joined(gone: str) -> None:
    """Resolved or deleted: a new signal starts a new incident."""
    world = World()
    world.deliver(alarm())
    (arn,) = world.service.records
    if gone == "RESOLVED":
        world.service.records[arn]["status"] = gone
    else:
        del world.service.records[arn]
    assert world.outcome(alarm(at=1)) == "started"
    assert len(world.service.open_records()) == 1


def test_the_very_same_signal_is_not_started_again_after_it_was_resolved() -> None:
    """A replay hours later of what had its incident is a duplicate; if the record was deleted, it starts."""
    world = World()
    world.deliver(alarm())
    (arn,) = world.service.records
    world.service.records[arn]["status"] = "RESOLVED"
    world.clock.time += timedelta(hours=5)
    assert world.outcome(alarm()) == "joined"
    del world.service.records[arn]
    assert world.outcome(alarm()) == "started"


def test_after_join_for_an_entry_is_not_trusted() -> None:
    """Half a day later the same alarm starts a new incident."""
    world = World()
    world.deliver(alarm())
    world.clock.time += timedelta(hours=12)
    assert world.outcome(alarm(at=12 * 3600)) == "joined"
    world.clock.time += timedelta(seconds=1)
    assert world.outcome(alarm(at=12 * 3600 + 1)) == "started"


def test_after_a_recovery_an_entry_is_not_trusted() -> None:
    """Also where the route leaves resolving to people and the record is still open."""
    world = World()
    assert world.outcome(alarm(), "Manual") == "started"
    recovered = world.deliver(alarm(state="OK", at=1), "Manual")["outcomes"][0]
    assert recovered["reason"] == "the route leaves resolving to people"
    assert world.outcome(alarm(at=2), "Manual") == "started"
    assert len(world.service.open_records()) == 2


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("plan", {"S": PLAN + "2"}),
        ("causes", {"L": []}),
        ("causes", {"L": [{"S": "0123456789abcdef0123 1772712000000 -"}]}),
        ("record", {"S": "arn:aws:ssm-incidents::123456789012:incident-record/other/uuid"}),
        ("started_ms", {"N": str(milliseconds(NOW + timedelta(hours=1)))}),
        ("started_ms", {"S": "never"}),
        ("record", {"N": "7"}),
    ],
)
def test_a_ledger_that_contradicts_itself_starts(field: str, value: dict[str, str]) -> None:
    """A backup that was restored, an edit by hand, a route that points to another plan."""
    world = World()
    world.deliver(alarm())
    world.entry()[field] = value
    assert world.outcome(alarm(at=1)) == "started"


def test_a_ledger_that_names_no_record_of_the_service_starts() -> None:
    """The service's word counts."""
    world = World()
    world.deliver(alarm())
    record = world.entry()["record"]
    record["S"] = record["S"][:-1]
    assert world.outcome(alarm(at=1)) == "started"


def test_without_a_fresh_word_a_signal_waits() -> None:
    """Throttled, it comes again: to start would double, to join might lose."""
    world = World()
    world.deliver(alarm())
    world.service.fail("GetIncidentRecord", *[THROTTLED] * 3)
    with pytest.raises(ServiceError, match="Throttling"):
        world.deliver(alarm(at=1))


def test_who_may_not_ask_starts(capsys: pytest.CaptureFixture[str]) -> None:
    """When in doubt, start; the log says why."""
    world = World()
    world.deliver(alarm())
    world.service.fail("GetIncidentRecord", DENIED)
    assert world.outcome(alarm(at=1)) == "started"
    assert "the service does not tell of the incident" in capsys.readouterr().out


def test_joined_signals_are_summed_up_in_ten_notes() -> None:
    """At 1, 2, 4 … 512, with the count and the newest title; a note that fails costs nothing else."""
    world = World()
    world.deliver(alarm(description="first"))
    world.service.fail("CreateTimelineEvent", THROTTLED)
    for second in range(1, 18):
        world.deliver(alarm(at=second, description=f"No. {second}"))
    notes = [data for _, data in world.service.notes]
    assert notes[0] == '"2 more signals have joined this incident; the latest: ServerCpuTooHigh: No. 2"'
    assert [note.split()[0].strip('"') for note in notes] == ["2", "4", "8", "16"]
    for joined in (511, 1_023):
        world.entry()["joined"]["N"] = str(joined)
        world.deliver(alarm(at=joined / 10))
    assert len(world.service.notes) == 5
    assert world.service.notes[-1][1].startswith('"512 more signals')


def test_an_older_alarm_of_the_same_time_of_trouble_joins() -> None:
    """No recovery lies between them."""
    world = World()
    world.deliver(alarm(at=2))
    assert world.outcome(alarm(at=1)) == "joined"
    assert world.entry()["opened_ms"]["N"] == str(milliseconds(NOW + timedelta(seconds=1)))
    (cause,) = world.entry()["causes"]["L"]
    assert cause["S"].split()[1:] == [str(milliseconds(NOW + timedelta(seconds=2))), "-"]


# --- recover


def test_only_source_and_account_that_opened_resolve() -> None:
    """The same alarm told by another account does not; nor does it spoil the entry."""
    world = World()
    world.deliver(alarm())
    foreign = world.deliver(alarm(state="OK", at=1, account="999999999999"))["outcomes"][0]
    assert foreign["outcome"] == "ignored"
    assert "only the source and account" in foreign["reason"]
    assert world.outcome(alarm(at=2)) == "joined"
    assert world.outcome(alarm(state="OK", at=3)) == "resolved"


def test_a_foreign_recovery_that_comes_first_resolves_nothing() -> None:
    """The alarm that comes after it is started and stays open."""
    world = World()
    world.deliver(alarm(state="OK", at=2, account="999999999999"))
    assert world.outcome(alarm(at=1)) == "started"
    assert len(world.service.open_records()) == 1


def test_a_recovery_older_than_the_newest_alarm_resolves_nothing() -> None:
    """The cause came back after it."""
    world = World()
    world.deliver(alarm(at=1))
    world.deliver(alarm(at=3))
    late = world.deliver(alarm(state="OK", at=2))["outcomes"][0]
    assert late["reason"] == "the cause came back after this recovery"
    assert len(world.service.open_records()) == 1


def test_an_alarm_before_a_recovery_and_an_open_incident_after_it() -> None:
    """Started and resolved at once, and the incident of now stays as it is."""
    world = World()
    world.deliver(alarm(at=3))
    world.deliver(alarm(state="OK", at=2))
    assert world.outcome(alarm(at=1)) == "started"
    (open_now,) = world.service.open_records()
    assert world.entry()["record"]["S"] == open_now
    assert world.outcome(alarm(state="OK", at=4)) == "resolved"
    assert world.service.open_records() == []


def test_nothing_to_resolve() -> None:
    """No incident, or one that people closed."""
    world = World()
    nothing = world.deliver(alarm(state="OK"))["outcomes"][0]
    assert nothing["reason"] == "no incident is open for it"
    world.deliver(alarm(at=1))
    (arn,) = world.service.records
    world.service.records[arn]["status"] = "RESOLVED"
    closed = world.deliver(alarm(state="OK", at=2))["outcomes"][0]
    assert closed["reason"] == "the incident is not open any more"


def test_at_one_and_the_same_time_arrival_decides() -> None:
    """And an alarm that comes last stays open: in doubt somebody looks."""
    world = World()
    world.deliver(alarm(at=1))
    assert world.outcome(alarm(state="OK", at=1)) == "resolved"
    world.clock.time += timedelta(hours=1)
    assert world.outcome(alarm("B", "OK", at=1)) == "ignored"
    assert world.outcome(alarm("B", at=1)) == "started"
    assert len(world.service.open_records()) == 1


def test_an_incident_recovered_at_the_time_of_its_alarm_is_not_joined() -> None:
    """Where people resolve, its record is still open, and the next alarm is another cause."""
    world = World()
    world.deliver(alarm(at=1), "Manual")
    world.deliver(alarm(state="OK", at=1), "Manual")
    assert world.outcome(alarm(at=2), "Manual") == "started"


def test_a_recovery_needs_the_ledger() -> None:
    """Which incident to resolve only the ledger knows: it comes again."""
    world = World()
    world.deliver(alarm())
    world.table.fail("GetItem", UNREACHABLE)
    with pytest.raises(RetryLater, match="the ledger is unreachable"):
        world.deliver(alarm(state="OK", at=1))
    assert world.outcome(alarm(state="OK", at=1)) == "resolved"


def test_a_recovery_that_was_cut_short_is_finished_by_its_retry() -> None:
    """Also if another alarm has opened a new incident meanwhile."""
    world = World()
    world.deliver(alarm())
    kill(world, world.service, "UpdateIncidentRecord", alarm(state="OK", at=1))
    assert world.outcome(alarm(at=2)) == "started"
    assert len(world.service.open_records()) == 1
    assert world.service.open_records() == [world.entry()["record"]["S"]]


def test_an_old_record_that_cannot_be_resolved_stands_in_nobodys_way(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The role may have lost its plan; the next recovery resolves what it can."""
    world = World()
    world.deliver(alarm())
    # Until then a denial is tried again: the role may be about to change.
    world.clock.time += timedelta(minutes=16)
    world.service.fail("UpdateIncidentRecord", DENIED, DENIED)
    assert world.outcome(alarm(state="OK", at=1)) == "failed"
    assert world.outcome(alarm(at=2)) == "started"
    assert world.outcome(alarm(state="OK", at=3)) == "resolved"
    assert len(world.service.open_records()) == 1
    assert "the incident was not resolved" in capsys.readouterr().out


def test_a_resolved_incident_that_the_ledger_does_not_note_is_resolved_all_the_same() -> None:
    """Its duplicate finds it resolved."""
    world = World()
    world.deliver(alarm())
    world.table.fail("PutItem", LostAnswerError(refusal("ConditionalCheckFailedException")), UNREACHABLE)
    assert world.outcome(alarm(state="OK", at=1)) == "resolved"
    assert world.service.open_records() == []


# --- start


def test_a_crash_after_the_start_is_found_out() -> None:
    """Killed between the start and the ledger: the retry finds the incident by its mark."""
    world = World()
    kill(world, world.table, "PutItem", alarm(), call=2)
    assert len(world.service.records) == 1
    assert world.outcome(alarm()) == "joined"
    assert world.outcome(alarm(at=1)) == "joined"
    assert len(world.service.records) == 1


def test_another_signal_finds_out_too() -> None:
    """Whoever comes next looks for what the dead one may have started."""
    world = World()
    kill(world, world.table, "PutItem", alarm(), call=2)
    assert world.outcome(alarm(at=1)) == "joined"
    assert world.outcome(alarm()) == "joined"
    assert len(world.service.records) == 1


def test_a_crash_before_the_start_leaves_the_start_to_the_next() -> None:
    """Nothing is found, so it starts."""
    world = World()
    kill(world, world.service, "StartIncident", alarm())
    assert world.outcome(alarm(at=1)) == "started"


def test_a_recovery_finds_out_too() -> None:
    """The incident of a dead handler is resolved by the recovery that comes next."""
    world = World()
    kill(world, world.table, "PutItem", alarm(), call=2)
    assert world.outcome(alarm(state="OK", at=1)) == "resolved"
    assert world.service.open_records() == []
    assert world.outcome(alarm()) == "joined"


def test_nobody_waits_without_a_reason() -> None:
    """Sleep is for throttling, for others at work, and for nothing else."""
    world = World()
    for event in (alarm(), alarm(at=1), alarm(state="OK", at=2), alarm(at=3)):
        world.deliver(event)
    assert world.clock.slept == 0


def test_a_recovery_during_the_start_is_not_lost() -> None:
    """It waits for the start; the starter meets it on its way back."""
    world = World()

    def meanwhile(operation: str) -> None:
        if operation == "StartIncident":
            world.service.before_call = lambda _: None
            with pytest.raises(RetryLater, match="another delivery"):
                world.deliver(alarm(state="OK", at=1))

    world.service.before_call = meanwhile
    assert world.outcome(alarm()) == "started"
    assert world.service.open_records() == []


def test_an_ambiguous_end_leaves_its_mark() -> None:
    """Nobody knows what came of it, so the next one looks at once."""
    world = World()
    world.service.fail("StartIncident", LostAnswerError(INTERNAL))
    world.service.fail("ListIncidentRecords", THROTTLED)
    with pytest.raises(ServiceError):
        world.deliver(alarm())
    assert world.outcome(alarm()) == "joined"
    assert len(world.service.records) == 1


def test_who_may_not_look_starts(capsys: pytest.CaptureFixture[str]) -> None:
    """When in doubt, start."""
    world = World()
    kill(world, world.table, "PutItem", alarm(), call=2)
    world.service.fail("ListIncidentRecords", DENIED)
    assert world.outcome(alarm()) == "started"
    assert len(world.service.records) == 2
    assert "cannot be looked for" in capsys.readouterr().out


def test_who_cannot_look_now_comes_again() -> None:
    """Throttled while looking."""
    world = World()
    kill(world, world.table, "PutItem", alarm(), call=2)
    world.service.fail("ListIncidentRecords", THROTTLED)
    with pytest.raises(ServiceError, match="Throttling"):
        world.deliver(alarm())


def test_without_the_ledger_an_incident_is_started() -> None:
    """The exact duplicate is found by its mark, anything else starts."""
    world = World()
    world.table.fail("GetItem", UNREACHABLE)
    assert world.outcome(alarm()) == "started"
    world.table.fail("GetItem", UNREACHABLE)
    assert world.outcome(alarm()) == "joined"
    world.table.fail("GetItem", UNREACHABLE)
    assert world.outcome(alarm(at=1)) == "started"
    assert len(world.service.records) == 2


def test_a_ledger_that_hangs_does_not_cost_the_answer() -> None:
    """What is started is told, however little time is left: it is found again by its mark."""
    world = World()
    context = FakeContext(world.clock, "Critical")

    def hang(operation: str) -> None:
        world.clock.time += timedelta(seconds=11)
        world.table.fail(operation, UNREACHABLE)

    world.table.before_call = hang
    assert world.trigger.handle(alarm(), context)["outcomes"][0]["outcome"] == "started"
    assert context.get_remaining_time_in_millis() > 0
    assert world.outcome(alarm()) == "joined"


def test_without_ledger_and_without_looking_an_incident_is_started() -> None:
    """Two incidents are better than none."""
    world = World()
    world.table.fail("GetItem", *[UNREACHABLE] * 2)
    world.service.fail("ListIncidentRecords", THROTTLED)
    assert world.outcome(alarm()) == "started"


def test_a_ledger_that_breaks_during_the_start_costs_no_incident(capsys: pytest.CaptureFixture[str]) -> None:
    """It is started, and found by its mark later."""
    world = World()
    world.table.fail("PutItem", *[refusal("ConditionalCheckFailedException")] * 0)
    calls = iter(range(10))
    world.table.before_call = lambda operation: (
        world.table.fail("PutItem", UNREACHABLE) if operation == "PutItem" and next(calls) == 1 else None
    )
    assert world.outcome(alarm()) == "started"
    assert "the incident is not in the ledger" in capsys.readouterr().out
    world.clock.time += timedelta(minutes=1)
    assert world.outcome(alarm(at=1)) == "joined"


def test_a_lease_that_is_not_given_back_runs_out() -> None:
    """Throttled at the service, unreachable at the ledger: the retry waits for the lease's end."""
    world = World()
    world.service.fail("StartIncident", *[refusal("ValidationException")])
    calls = iter(range(10))
    world.table.before_call = lambda operation: (
        world.table.fail("PutItem", UNREACHABLE) if operation == "PutItem" and next(calls) == 1 else None
    )
    assert world.outcome(alarm()) == "failed"
    with pytest.raises(RetryLater):
        world.deliver(alarm(at=1))
    world.clock.time += timedelta(minutes=1)
    assert world.outcome(alarm(at=1)) == "started"


def test_a_lease_whose_answer_was_lost_is_its_owners() -> None:
    """The write arrived and said it had not: the next turn finds the lease its own."""
    world = World()
    world.table.fail("PutItem", LostAnswerError(refusal("ConditionalCheckFailedException")))
    assert world.outcome(alarm()) == "started"


def test_a_join_whose_answer_was_lost_is_a_join() -> None:
    """The next turn finds the signal served."""
    world = World()
    world.deliver(alarm())
    world.table.fail("PutItem", LostAnswerError(refusal("ConditionalCheckFailedException")))
    assert world.outcome(alarm(at=1)) == "joined"
    assert world.entry()["joined"]["N"] == "1"


def test_an_incident_that_cannot_be_resolved_at_once_is_started_all_the_same(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """That it stays open is a smaller evil than saying that there is none."""
    world = World()
    world.deliver(alarm(state="OK", at=2))
    world.service.fail("UpdateIncidentRecord", DENIED)
    assert world.outcome(alarm(at=1)) == "started"
    assert figures(capsys.readouterr().out)["Started"] == 1
    assert world.queues.sent == []


def test_a_duplicate_of_what_cannot_be_resolved_tells_nobody_of_a_missing_incident() -> None:
    """It has its incident."""
    world = World()
    world.deliver(alarm(state="OK", at=2))
    world.clock.time += timedelta(minutes=20)
    world.service.fail("UpdateIncidentRecord", DENIED, DENIED)
    assert [world.outcome(alarm(at=1)) for _ in range(2)] == ["started", "joined"]
    assert world.queues.sent == []
    assert world.topics.published == []


def test_an_incident_that_is_not_resolved_yet_comes_again(capsys: pytest.CaptureFixture[str]) -> None:
    """Throttled, the retry finds the signal served and resolves what is left."""
    world = World()
    world.deliver(alarm(state="OK", at=2))
    world.service.fail("UpdateIncidentRecord", *[THROTTLED] * 3)
    with pytest.raises(ServiceError):
        world.deliver(alarm(at=1))
    assert world.outcome(alarm(at=1)) == "joined"
    assert len(world.service.records) == 1
    assert world.service.open_records() == []
    assert told(capsys.readouterr().out)[-2]["resolved_at_once"] is True


def test_when_the_time_is_up_among_others_the_signal_comes_again() -> None:
    """Others write to the same entry at every turn."""
    world = World()
    world.deliver(alarm())
    world.table.before_call = lambda operation: (
        world.table.fail("PutItem", refusal("ConditionalCheckFailedException"))
        if operation == "PutItem"
        else None
    )
    with pytest.raises(RetryLater, match="the time is up"):
        world.deliver(alarm(at=1))


def test_a_changed_plan_of_a_route_starts_there() -> None:
    """Whoever changed the route wants other people; the old incident is still resolved by its recovery."""
    world = World()
    world.deliver(alarm())
    world.routes["Critical"] = replace(CRITICAL, response_plan_arn=PLAN + "2")
    assert world.outcome(alarm(at=1)) == "started"
    assert len(world.service.open_records()) == 2


def test_samples_of_one_alarm_end_resolved() -> None:
    """Direct alarm, the same by the bus, and the recovery by the bus."""
    world = World()
    outcomes = [
        world.outcome(sample(name)) for name in ("alarm_metric", "eventbridge_alarm", "eventbridge_alarm_ok")
    ]
    assert outcomes == ["started", "joined", "resolved"]
