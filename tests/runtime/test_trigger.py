"""The handler, from event to incident, dead letter or another try."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from incidents_runtime.admission import Outcome
from incidents_runtime.destinations import ServiceError
from incidents_runtime.errors import RetryLater
from incidents_runtime.signals import UnreadableEvent

from tests.runtime.fakes import (
    DENIED,
    EXPIRED,
    FUNCTION,
    INTERNAL,
    NOW,
    PLAN,
    ROUTES,
    World,
    alarm,
    bus_alarm,
    failure_record,
    figures,
    message,
    refusal,
    sample,
    told,
)

if TYPE_CHECKING:
    from collections.abc import Callable

ALARM_SAMPLES = (
    "alarm_metric",
    "alarm_metric_no_dimensions",
    "alarm_composite",
    "alarm_promql",
    "alarm_log",
    "eventbridge_alarm",
    "eventbridge_alarm_metric_math",
    "eventbridge_alarm_contributor",
    "eventbridge_custom",
)
QUIET_SAMPLES = {
    "alarm_metric_insufficient_data": "Ignored",
    "eventbridge_alarm_composite_suppressed": "Suppressed",
    "eventbridge_alarm_configuration_change": "Ignored",
    "eventbridge_incident_manager": "Ignored",
}


@pytest.mark.parametrize("name", ALARM_SAMPLES)
def test_every_alarm_and_event_starts_one_incident(name: str) -> None:
    """Each kind of event that means trouble starts an incident, and its duplicate does not."""
    world = World()
    assert world.outcome(sample(name)) == "started"
    assert world.outcome(sample(name)) == "joined"
    assert len(world.service.records) == 1


@pytest.mark.parametrize(("name", "counted"), QUIET_SAMPLES.items())
def test_what_means_no_trouble_starts_nothing(
    name: str, counted: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Configuration changes, suppression and missing data start nothing, with a reason, and are counted."""
    world = World()
    result = world.deliver(sample(name))["outcomes"][0]
    assert result["outcome"] == counted.lower()
    assert result["reason"]
    assert not world.service.calls
    assert not world.queues.calls
    assert figures(capsys.readouterr().out) == {counted: 1}


def test_a_recovery_resolves_what_its_alarm_opened() -> None:
    """ALARM starts, OK resolves, and the next ALARM starts anew."""
    world = World()
    world.deliver(sample("alarm_metric"))
    assert world.outcome(sample("alarm_metric_ok")) == "resolved"
    assert world.service.open_records() == []


def test_the_same_change_told_twice_is_one_signal() -> None:
    """An alarm's own action and the event bus tell of one change of state: one incident."""
    world = World()
    assert world.outcome(alarm(at=1)) == "started"
    assert world.outcome(bus_alarm(at=1)) == "joined"
    assert world.outcome(bus_alarm(state="OK", at=2)) == "resolved"


def test_the_record_says_what_happened(capsys: pytest.CaptureFixture[str]) -> None:
    """Title, impact, source, trigger and raw data of the incident are the alarm's and the route's."""
    world = World()
    world.deliver(sample("alarm_metric"))
    (request,) = world.service.called("StartIncident")
    assert request["responsePlanArn"] == PLAN
    assert request["impact"] == 1
    assert request["title"] == "ServerCpuTooHigh: Goes into alarm when server CPU utilization is too high!"
    details = request["triggerDetails"]
    assert details["source"] == "cloudwatch.alarm"
    assert details["triggerArn"] == "arn:aws:cloudwatch:us-east-1:123456789012:alarm:ServerCpuTooHigh"
    assert details["timestamp"].isoformat() == "2019-10-02T17:04:40.989000+00:00"
    raw = json.loads(details["rawData"])
    assert raw["detail"]["configuration"]["metrics"][0]["metricStat"]["metric"]["name"] == "CPUUtilization"
    assert raw["detail-type"] == "CloudWatch Alarm State Change"
    assert request["relatedItems"][0]["identifier"]["value"]["arn"] == f"{FUNCTION}:Critical"
    (line,) = [line for line in told(capsys.readouterr().out) if line.get("message") == "signal started"]
    assert line["route"] == "Critical"
    assert line["key"].endswith(":alarm:ServerCpuTooHigh")
    assert line["incident_record_arn"] in world.service.records


def test_figures_of_a_started_incident(capsys: pytest.CaptureFixture[str]) -> None:
    """Started is counted, with the time from the signal's own time to now, by trigger and by route."""
    world = World()
    world.deliver(alarm(at=-2.5))
    printed = capsys.readouterr().out
    assert figures(printed) == {"Started": 1, "TimeToStart": 2500, "BudgetUsed": 5}
    (line,) = [line for line in told(printed) if "_aws" in line]
    assert line["Trigger"] == "incidents"
    assert line["Route"] == "Critical"
    assert line["_aws"]["Timestamp"] == int(NOW.timestamp() * 1000)
    (directive,) = line["_aws"]["CloudWatchMetrics"]
    assert directive["Namespace"] == "CdkIncidents"
    assert directive["Dimensions"] == [["Trigger"], ["Trigger", "Route"]]
    assert {"Name": "TimeToStart", "Unit": "Milliseconds"} in directive["Metrics"]


def test_an_alarm_older_than_its_recovery_is_started_and_resolved(capsys: pytest.CaptureFixture[str]) -> None:
    """Time order decides: the late alarm has its incident, and it does not stay open."""
    world = World()
    assert world.outcome(alarm(state="OK", at=2)) == "ignored"
    assert world.outcome(alarm(at=1)) == "started"
    assert world.service.open_records() == []
    assert figures(capsys.readouterr().out) == {
        "Ignored": 1,
        "Started": 1,
        "TimeToStart": 0,
        "Resolved": 1,
        "BudgetUsed": 5,
    }


# --- errors


def test_what_may_pass_is_retried_and_then_raised() -> None:
    """A start that was refused for now is tried three times; then Lambda and the retry queue go on."""
    world = World()
    world.service.fail("StartIncident", EXPIRED, EXPIRED, EXPIRED)
    with pytest.raises(ServiceError, match="ExpiredTokenException"):
        world.deliver(alarm())
    assert len(world.service.called("StartIncident")) == 3
    assert world.clock.slept > 1
    assert world.queues.sent == []
    assert world.outcome(alarm()) == "started"
    # It was refused, so there is nothing to look for.
    assert world.service.called("ListIncidentRecords") == []


@pytest.mark.parametrize(
    "code", ["ValidationException", "ResourceNotFoundException", "ServiceQuotaExceededException"]
)
def test_what_waiting_will_not_mend_becomes_a_dead_letter(
    code: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """The event is kept with its reason, the fallback is told each time, and Failed is counted."""
    world = World()
    world.service.fail("StartIncident", refusal(code), refusal(code))
    for _ in range(2):
        assert world.outcome(alarm(description="Look at it")) == "failed"
    assert len(world.service.called("StartIncident")) == 2
    assert json.loads(world.queues.sent[0]["MessageBody"]) == alarm(description="Look at it")
    assert code in world.queues.reasons()[0]
    assert world.queues.sent[0]["MessageAttributes"]["Route"]["StringValue"] == "Critical"
    assert len(world.topics.published) == 2
    told_people = world.topics.published[0]
    assert told_people["Subject"] == "No incident: ServerCpuTooHigh: Look at it"
    assert code in told_people["Message"]
    assert figures(capsys.readouterr().out) == {"Failed": 2}


@pytest.mark.parametrize("at", [-899.0, 0.0, 240.0])
def test_access_is_waited_for_while_a_signal_is_young(at: float) -> None:
    """A deployment may be changing the role right now: a denial is tried again, not a dead letter."""
    world = World()
    world.service.fail("StartIncident", DENIED)
    with pytest.raises(ServiceError, match="AccessDenied"):
        world.deliver(alarm(at=at))
    assert world.queues.sent == []
    record = message(failure_record(alarm(at=at)))
    assert world.deliver({"Records": [record]}, "retry") == {"batchItemFailures": []}
    assert len(world.service.records) == 1


def test_access_that_stays_denied_ends_as_a_dead_letter() -> None:
    """What is denied a quarter of an hour after the signal, waiting will not mend."""
    world = World()
    world.clock.time += timedelta(minutes=15)
    world.service.fail("StartIncident", DENIED)
    assert world.outcome(alarm()) == "failed"
    assert "AccessDenied" in world.queues.reasons()[0]
    assert len(world.topics.published) == 1


def test_access_is_not_waited_for_longer_where_the_event_tells_no_time() -> None:
    """It is as old as its message in the retry queue, not young at each of a hundred tries."""
    world = World()
    record = message(failure_record({"title": "The shop is down"}))
    record["attributes"]["SentTimestamp"] = str(int(NOW.timestamp() * 1000))
    batch = {"Records": [record]}
    world.service.fail("StartIncident", DENIED, DENIED)
    assert world.deliver(batch, "retry")["batchItemFailures"]
    world.clock.time += timedelta(minutes=15)
    assert world.deliver(batch, "retry") == {"batchItemFailures": []}
    assert "AccessDenied" in world.queues.reasons()[0]
    assert world.topics.published[0]["Subject"] == "No incident: The shop is down"


def test_a_recovery_that_cannot_be_resolved_tells_nobody_of_a_missing_incident() -> None:
    """A refused recovery is kept as a dead letter; the fallback is for incidents that are missing."""
    world = World()
    world.deliver(alarm(at=1))
    world.clock.time += timedelta(minutes=16)
    world.service.fail("UpdateIncidentRecord", DENIED)
    assert world.outcome(alarm(state="OK", at=2)) == "failed"
    assert len(world.queues.sent) == 1
    assert world.topics.published == []


def test_no_route_is_a_dead_letter_with_its_reason() -> None:
    """The function itself, a version, an unknown alias: no route, nothing lost."""
    world = World()
    for alias in ("", "7", "$LATEST", "Unknown"):
        assert world.outcome(alarm(), alias) == "failed"
    assert len(world.queues.sent) == 4
    assert "no route is named 'Unknown'" in world.queues.reasons()[3]
    assert world.queues.sent[0]["MessageAttributes"]["Route"]["StringValue"] == "unknown"
    assert len(world.topics.published) == 4


@pytest.mark.parametrize("event", [None, 7, "text", [], {}, {"Records": []}, {"detail": {}}])
def test_what_cannot_be_read_is_a_dead_letter_with_its_reason(event: object) -> None:
    """The event is kept as it came."""
    world = World()
    assert world.outcome(event) == "failed"
    assert json.loads(world.queues.sent[0]["MessageBody"]) == event
    assert world.queues.reasons()[0].startswith("unreadable: an event must be")
    assert world.topics.published[0]["Subject"] == "No incident: An event that cannot be read"


def test_without_a_fallback_the_dead_letter_is_all() -> None:
    """No topic, no message, no error."""
    world = World(fallback=None)
    assert world.outcome({}) == "failed"
    assert world.topics.calls == []


def test_a_dead_letter_that_cannot_be_sent_is_raised_and_people_are_told() -> None:
    """Then Lambda keeps the event: it is not lost."""
    world = World()
    world.queues.fail("SendMessage", DENIED, DENIED)
    with pytest.raises(type(DENIED)):
        world.deliver({})
    assert len(world.topics.published) == 1


def test_an_unexpected_error_is_logged_and_raised(capsys: pytest.CaptureFixture[str]) -> None:
    """Lambda must know that the event was not handled, and the log why."""
    world = World()
    world.service.fail("StartIncident", *[INTERNAL] * 3)
    with pytest.raises(ServiceError):
        world.deliver(alarm())
    assert "InternalServerException" in told(capsys.readouterr().out)[-1]["reason"]


def test_a_repeat_beyond_the_budget_is_told_and_counted(capsys: pytest.CaptureFixture[str]) -> None:
    """As a dead letter with its reason; the metrics say how much of the budget is used."""
    world = World()
    refused = Outcome("failed", reason="budget: 20 of 20", over_budget=True, budget_used=100)
    admit = type("Refusing", (), {"admit": staticmethod(lambda *_: refused)})
    object.__setattr__(world.trigger.handling, "admission", admit)
    assert world.outcome(alarm()) == "failed"
    assert world.queues.reasons() == ["budget: 20 of 20"]
    assert len(world.topics.published) == 1
    assert figures(capsys.readouterr().out) == {"OverBudget": 1, "BudgetUsed": 100, "Failed": 1}


def test_each_failed_try_that_comes_again_is_counted(capsys: pytest.CaptureFixture[str]) -> None:
    """By Lambda and by the retry queue; not the last one, and none of a smoke test's."""
    world = World()
    world.service.fail("StartIncident", *[EXPIRED] * 3)
    with pytest.raises(ServiceError):
        world.deliver(alarm())
    assert figures(capsys.readouterr().out) == {"Retried": 1}
    for receives, counted in ((1, {"Retried": 1}), (99, {"Failed": 1})):
        world.service.fail("StartIncident", *[EXPIRED] * 3)
        world.deliver({"Records": [message(failure_record(alarm()), receives=receives)]}, "retry")
        assert figures(capsys.readouterr().out) == counted


def test_a_failed_signal_is_told_with_its_key(capsys: pytest.CaptureFixture[str]) -> None:
    """Every line of a signal says which it is, the last one too."""
    world = World()
    world.service.fail("StartIncident", refusal("ValidationException"))
    world.deliver(alarm())
    lines = [line for line in told(capsys.readouterr().out) if "level" in line]
    assert [line["level"] for line in lines] == ["ERROR", "ERROR"]
    assert {line["key"] for line in lines} == {
        "Critical|alarm|arn:aws:cloudwatch:us-east-1:123456789012:alarm:ServerCpuTooHigh"
    }
    assert lines[0]["message"] == "signal failed"
    assert "ValidationException" in lines[1]["reason"]


def test_every_line_of_a_signal_names_its_incident_once_it_is_known(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Those of a recovery that did not resolve it too."""
    world = World()
    world.deliver(alarm(at=1))
    (record,) = world.service.records
    capsys.readouterr()
    world.service.fail("UpdateIncidentRecord", *[EXPIRED] * 3)
    with pytest.raises(ServiceError):
        world.deliver(alarm(state="OK", at=2))
    lines = [line for line in told(capsys.readouterr().out) if "level" in line]
    assert [(line["message"], line.get("incident_record_arn")) for line in lines] == [
        ("signal not admitted", record),
        ("signal not handled yet", None),
    ]
    assert all(line["key"].endswith(":alarm:ServerCpuTooHigh") for line in lines)


# --- the quiet route


@pytest.mark.parametrize(
    ("event", "fault", "raised"),
    [({}, None, UnreadableEvent), (alarm(), DENIED, ServiceError), (alarm(), EXPIRED, ServiceError)],
)
def test_failures_of_the_smoke_test_reach_nobody(
    event: object, fault: Exception | None, raised: type[Exception], capsys: pytest.CaptureFixture[str]
) -> None:
    """On the quiet route an error is raised: no dead letter, no fallback, no metric; the log says why."""
    world = World()
    world.service.fail("StartIncident", *[fault] * 3 if fault else [])
    with pytest.raises(raised):
        world.deliver(event, "smoke-test")
    assert world.queues.calls == []
    assert world.topics.calls == []
    printed = capsys.readouterr().out
    assert figures(printed) == {}
    assert told(printed)[-1]["level"] == "ERROR"


def test_a_smoke_test_without_its_route_reaches_nobody() -> None:
    """However broken the pipeline is."""
    world = World(routes=ROUTES[:1])
    with pytest.raises(LookupError, match="no route is named 'smoke-test'"):
        world.deliver(alarm(), "smoke-test")
    record = message(failure_record(alarm(), "smoke-test"))
    assert world.deliver({"Records": [record]}, "retry") == {"batchItemFailures": []}
    assert world.queues.calls == []
    assert world.topics.calls == []


def test_the_smoke_test_goes_the_way_of_real_alarms(capsys: pytest.CaptureFixture[str]) -> None:
    """The quiet route starts with the nonce in the title, resolves, and counts nothing."""
    world = World()
    world.deliver(alarm("Canary", reason="n0nce", at=1), "smoke-test")
    (record,) = world.service.records.values()
    assert record["title"] == "Smoke test n0nce"
    assert world.outcome(alarm("Canary", "OK", at=2), "smoke-test") == "resolved"
    assert figures(capsys.readouterr().out) == {}


@pytest.mark.parametrize(
    "loud",
    [
        {"engagements": ["arn:aws:ssm-contacts:us-east-1:123456789012:contact/ada"]},
        {"chatChannel": {"chatbotSns": ["arn:aws:sns:us-east-1:123456789012:chat"]}},
        {
            "actions": [
                {"ssmAutomation": {"documentName": "Doc", "roleArn": "arn:aws:iam::123456789012:role/r"}}
            ]
        },
        {"integrations": [{"pagerDutyConfiguration": {}}]},
        {"incidentTemplate": {"notificationTargets": [{"snsTopicArn": "arn:aws:sns:us-east-1:1:t"}]}},
        {"incidentTemplate": {"dedupeString": "checkout"}},
    ],
    ids=lambda loud: next(iter(loud)),
)
def test_a_canary_never_starts_a_loud_plan(loud: dict[str, Any]) -> None:
    """Whatever has become of the quiet route's plan, its signals wake nobody and join no real incident."""
    world = World()
    world.service.plan = {**world.service.plan, **loud}
    with pytest.raises(ServiceError, match="is not quiet"):
        world.deliver(alarm(), "smoke-test")
    assert world.service.called("StartIncident") == []
    # And it is no start of unknown end: when the plan is quiet again, the next one begins at once.
    world.service.plan = {"incidentTemplate": {"title": "Smoke test", "impact": 5}}
    world.deliver(alarm(reason="again"), "smoke-test")
    assert len(world.service.called("StartIncident")) == 1


def test_a_canary_starts_nothing_unseen() -> None:
    """A plan that does not tell whom it wakes may wake somebody."""
    world = World()
    world.service.fail("GetResponsePlan", DENIED)
    with pytest.raises(ServiceError, match="AccessDenied"):
        world.deliver(alarm(), "smoke-test")
    assert world.service.called("StartIncident") == []


def test_real_alarms_ask_nothing_of_their_plan() -> None:
    """A call before each start costs time, and a plan that cannot be seen must not keep people asleep."""
    world = World()
    world.service.fail("GetResponsePlan", DENIED)
    world.deliver(alarm())
    assert len(world.service.called("StartIncident")) == 1
    assert world.service.called("GetResponsePlan") == []


def test_a_quiet_plan_with_empty_members_is_quiet() -> None:
    """The service's words for nothing are an empty list and {"empty": {}}."""
    world = World()
    world.service.plan |= {"chatChannel": {"empty": {}}, "engagements": [], "actions": []}
    world.deliver(alarm("Canary", reason="n0nce"), "smoke-test")
    assert len(world.service.records) == 1


# --- the retry queue


def test_a_failure_record_goes_to_its_route() -> None:
    """The record names the alias that failed; the event goes where it would have gone."""
    world = World()
    record = failure_record(alarm(), "Manual")
    assert world.deliver({"Records": [message(record)]}, "retry") == {"batchItemFailures": []}
    (start,) = world.service.called("StartIncident")
    assert start["relatedItems"][0]["identifier"]["value"]["arn"] == f"{FUNCTION}:Manual"


def test_the_sample_of_a_failure_record_is_read() -> None:
    """The documented shape."""
    world = World()
    assert world.deliver({"Records": [message(sample("failure_record"))]}, "retry") == {
        "batchItemFailures": []
    }
    assert len(world.service.records) == 1


def test_a_dead_letter_that_is_brought_back_goes_to_its_route() -> None:
    """A redriven dead letter is the event itself; its attribute names the route."""
    world = World()
    world.deliver({"Records": [message(alarm(), route="Critical")]}, "retry")
    assert len(world.service.records) == 1


def test_what_fails_again_stays_and_is_hidden_longer_each_time() -> None:
    """Only the failed message comes again, later each time, never later than five minutes."""
    hidden = []
    for receives in (1, 2, 3, 30):
        world = World()
        world.service.fail("StartIncident", *[EXPIRED] * 3)
        batch = [
            message(failure_record(alarm("A")), receives=receives),
            message(failure_record(alarm("B")), number=1),
        ]
        result = world.deliver({"Records": batch}, "retry")
        assert result == {"batchItemFailures": [{"itemIdentifier": "message-0"}]}
        assert len(world.service.records) == 1
        hidden.append(world.queues.hidden["handle-0"])
    assert hidden == [7, 15, 30, 225]
    assert world.queues.called("SendMessage") == []


def test_the_last_try_ends_as_a_dead_letter(capsys: pytest.CaptureFixture[str]) -> None:
    """Before the queue gives a message up without a word, the handler does so with its reason."""
    world = World()
    world.service.fail("StartIncident", *[EXPIRED] * 3)
    result = world.deliver({"Records": [message(failure_record(alarm()), receives=99)]}, "retry")
    assert result == {"batchItemFailures": []}
    assert world.queues.reasons()[0].startswith(
        "given up after 99 tries: ServiceError: ExpiredTokenException"
    )
    assert json.loads(world.queues.sent[0]["MessageBody"]) == alarm()
    assert world.topics.published[0]["Subject"] == "No incident: ServerCpuTooHigh"
    assert figures(capsys.readouterr().out)["Failed"] == 1


@pytest.mark.parametrize(("receives", "given_up"), [(98, False), (99, True)])
@pytest.mark.parametrize("most", [100, 200])
def test_a_signal_has_a_hundred_tries(receives: int, given_up: bool, most: int) -> None:  # noqa: FBT001 - what is told
    """However many receives the queue allows for what is held back."""
    world = World()
    world.queues.most_receives = most
    world.service.fail("StartIncident", *[EXPIRED] * 3)
    world.deliver({"Records": [message(failure_record(alarm()), receives=receives)]}, "retry")
    assert bool(world.queues.sent) is given_up


def test_a_dead_letter_that_cannot_be_sent_stays_in_the_queue() -> None:
    """Then the queue's own limit moves it."""
    world = World()
    world.service.fail("StartIncident", *[EXPIRED] * 3)
    world.queues.fail("SendMessage", DENIED, DENIED)
    result = world.deliver({"Records": [message(failure_record(alarm()), receives=99)]}, "retry")
    assert result == {"batchItemFailures": [{"itemIdentifier": "message-0"}]}


def test_a_last_try_without_a_route_or_an_event_names_what_it_can() -> None:
    """When its dead letter failed before, people are told what can be told of it."""
    world = World()
    world.queues.fail("SendMessage", *[DENIED] * 4)
    for body, route in (("{", "Critical"), (json.dumps(alarm()), "Unknown"), (json.dumps({}), "Critical")):
        world.deliver({"Records": [message(body, receives=99, route=route)]}, "retry")
    subjects = [published["Subject"] for published in world.topics.published]
    assert subjects == [
        "No incident: An event that cannot be read",
        "No incident: An event that cannot be read",
        "No incident: A signal without a route",
        "No incident: ServerCpuTooHigh",
        "No incident: An event that cannot be read",
    ]


def test_a_message_that_cannot_be_read_is_a_dead_letter_at_once() -> None:
    """It would not read better the second time; its body is kept as it is."""
    world = World()
    assert world.deliver({"Records": [message("{no json", route="Critical")]}, "retry") == {
        "batchItemFailures": []
    }
    assert world.queues.sent[0]["MessageBody"] == "{no json"
    assert "unreadable" in world.queues.reasons()[0]


def test_a_message_that_cannot_be_hidden_stays_all_the_same() -> None:
    """The queue's own time-out brings it back."""
    world = World()
    world.service.fail("StartIncident", *[EXPIRED] * 3)
    world.queues.fail("ChangeMessageVisibility", DENIED)
    result = world.deliver({"Records": [message(failure_record(alarm()))]}, "retry")
    assert result == {"batchItemFailures": [{"itemIdentifier": "message-0"}]}


def test_without_time_the_rest_of_a_batch_goes_back_unread() -> None:
    """A signal that is begun needs time to end; the first is always tried."""
    world = World()
    batch = [message(failure_record(alarm(name)), number=number) for number, name in enumerate("AB")]
    result = world.deliver({"Records": batch}, "retry", seconds=13)
    assert [failed["itemIdentifier"] for failed in result["batchItemFailures"]] == ["message-1"]
    assert len(world.service.records) == 1


def test_a_smoke_test_in_the_queue_is_dropped() -> None:
    """Its failures are discarded wherever they turn up."""
    world = World()
    world.service.fail("StartIncident", *[EXPIRED] * 3)
    record = failure_record(alarm(), "smoke-test")
    assert world.deliver({"Records": [message(record, receives=99)]}, "retry") == {"batchItemFailures": []}
    assert world.queues.calls == []


def test_the_retry_alias_reads_only_batches() -> None:
    """Whatever else it is invoked with has no route."""
    world = World()
    assert world.outcome(alarm(), "retry") == "failed"
    assert world.outcome({"Records": [{"eventSource": "aws:sns"}]}, "retry") == "failed"


def killed_at(operation: str) -> Callable[[str], None]:
    """End the invocation at a call, as Lambda does when the time is up."""

    def before_call(called: str) -> None:
        if called == operation:
            raise KeyboardInterrupt

    return before_call


def test_others_at_work_are_waited_for_and_then_left_to_another_try() -> None:
    """A live lease of somebody else holds a signal back: some seconds, then until its next delivery."""
    world = World()
    world.service.fail("StartIncident", *[EXPIRED] * 3)
    with pytest.raises(ServiceError):
        world.deliver(alarm("Other"))
    world.service.before_call = killed_at("StartIncident")
    with pytest.raises(KeyboardInterrupt):
        world.deliver(alarm(at=1))
    world.service.before_call = lambda _: None
    with pytest.raises(RetryLater, match="another delivery"):
        world.deliver(alarm(at=2))
    world.clock.time += timedelta(minutes=1)
    assert world.outcome(alarm(at=2)) == "started"
