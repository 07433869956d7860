"""Any event in, signals out."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest
from incidents_runtime.settings import Route
from incidents_runtime.signal_model import digest, key_of
from incidents_runtime.signals import Signal, UnreadableEvent, read

from tests.runtime.fakes import NOW, PLAN, alarm, sample


def signal_of(event: object) -> Signal:
    """Read an event's only signal."""
    (signal,) = read(event, NOW)
    return signal


def test_a_custom_event_opens() -> None:
    """Source, detail type and resources identify its cause; its resources are involved."""
    signal = signal_of(sample("eventbridge_custom"))
    load_balancer = sample("eventbridge_custom")["resources"][0]
    assert signal.transition == "opened"
    assert (
        signal.key == f"event|shop.checkout|Payment provider down|123456789012|eu-central-1|{load_balancer}"
    )
    assert signal.title == "Payment provider down (shop.checkout)"
    assert signal.reason == "5 of 5 probes failed"
    assert signal.time == datetime(2026, 2, 3, 4, 5, 6, tzinfo=timezone.utc)
    assert signal.incident_source == "shop.checkout"
    assert [(item.type, item.arn) for item in signal.related_items] == [("INVOLVED_RESOURCE", load_balancer)]


def test_the_order_of_resources_does_not_matter() -> None:
    """One cause, one key; two events, two identities."""
    event = {**sample("eventbridge_custom"), "resources": ["b", "a", 7]}
    other = {**event, "resources": ["a", "b"], "id": "another"}
    assert signal_of(event).key == signal_of(other).key
    assert signal_of(event).identity != signal_of(other).identity


def test_an_event_without_an_id_is_known_by_its_content() -> None:
    """The same content is the same signal."""
    event = {**sample("eventbridge_custom"), "id": None}
    assert signal_of(event).identity == signal_of(dict(event)).identity
    assert signal_of(event).identity != signal_of({**event, "detail": {}}).identity


def test_sources_of_aws_lose_their_prefix() -> None:
    """It is the service's own in a record's source."""
    assert signal_of({**sample("eventbridge_custom"), "source": "aws.ec2"}).incident_source == "ec2"


def test_configuration_changes_start_nothing() -> None:
    """Nothing went wrong."""
    signal = signal_of(sample("eventbridge_alarm_configuration_change"))
    assert (signal.transition, signal.reason) == (
        "ignored",
        "an alarm's configuration changed, nothing went wrong",
    )


def test_incidents_start_no_incidents() -> None:
    """A rule on the service's own events would never end."""
    assert signal_of(sample("eventbridge_incident_manager")).transition == "ignored"


@pytest.mark.parametrize(
    "event",
    [
        {"source": "x"},
        {"detail-type": "x"},
        {"source": "", "detail-type": "x"},
        {"source": 7, "detail-type": "x"},
        {"Records": [{"eventSource": "aws:s3"}]},
        {"alarmArn": "arn"},
        {"AlarmName": "Cpu"},
        {"NewStateValue": "ALARM"},
        {"requestContext": {}},
        {"requestPayload": sample("alarm_metric")},
    ],
)
def test_what_is_neither_is_unreadable(event: object) -> None:
    """The reason says what would be."""
    with pytest.raises(UnreadableEvent, match=r"must be an alarm's .* a manual call"):
        read(event, NOW)


@pytest.mark.parametrize(
    ("event", "received"), [([], r"\[\]"), ("x", "str"), (None, "None"), ({}, r"\{\}"), (7, "int")]
)
def test_what_is_no_object_is_unreadable(event: object, received: str) -> None:
    """The reason says what came, and not what it holds."""
    with pytest.raises(UnreadableEvent, match=rf"\(got {received}\)"):
        read(event, NOW)


@pytest.mark.parametrize("at", [6 * 60, 10 * 365 * 86_400, -30 * 365 * 86_400])
def test_times_that_cannot_be_meant_are_now(at: float) -> None:
    """A recovery from the year 9999 would make every alarm an old one."""
    assert signal_of(alarm(at=at)).time == NOW


def test_times_of_this_century_are_believed() -> None:
    """From its first second on."""
    first = {**sample("eventbridge_custom"), "time": "2000-01-01T00:00:00Z"}
    assert signal_of(first).time == datetime(2000, 1, 1, tzinfo=timezone.utc)
    assert signal_of({**first, "time": "1999-12-31T23:59:59Z"}).time == NOW


def test_an_events_resources_are_involved_in_part() -> None:
    """Twenty, of as many as there are."""
    resources = [f"arn:aws:s3:::{number}" for number in range(25)]
    event = {**sample("eventbridge_custom"), "resources": resources}
    assert [item.arn for item in signal_of(event).related_items] == resources[:20]


def test_clocks_may_differ_a_little() -> None:
    """Four minutes ahead is believed."""
    assert signal_of(alarm(at=240)).time == NOW + timedelta(seconds=240)


def test_keys_are_bounded_and_stay_apart() -> None:
    """What is too long ends in a hash of the whole."""
    long, other = key_of("a", "x" * 600), key_of("a", "x" * 601)
    assert len(long) == len(other) == 512
    assert long != other
    assert key_of("a", "b") == "a|b"


def test_digests_know_where_parts_end() -> None:
    """No two lists meet by joining differently, and nothing is too odd to hash."""
    assert digest("ab", "c") != digest("a", "bc")
    assert digest("\ud800") != digest("\ud801")


# --- what is wrapped


def test_a_failure_record_is_unwrapped() -> None:
    """However often: in a queue's message, or in another record."""
    event = sample("alarm_metric")
    record = sample("failure_record")
    nested = {**record, "requestPayload": record}
    for wrapped in (record, nested, sample("sqs_failure_record")):
        assert signal_of(wrapped) == replace(signal_of(event), event=signal_of(wrapped).event)


def test_wrappings_have_an_end() -> None:
    """Seven are more than any delivery has."""
    record, event = sample("failure_record"), sample("alarm_metric")
    for _ in range(7):
        event = {**record, "requestPayload": event}
    assert signal_of(event).transition == "opened"
    with pytest.raises(UnreadableEvent, match="wrapped at most 7 times"):
        read({**record, "requestPayload": event}, NOW)
    recovery: object = sample("alarm_metric")
    for _ in range(7):
        recovery = {"recovered": recovery}
    assert signal_of(recovery).transition == "recovered"
    with pytest.raises(UnreadableEvent, match="wrapped at most 7 times"):
        read({"recovered": recovery}, NOW)


def test_a_failed_payload_that_is_none_is_unreadable() -> None:
    """The reason says what it is."""
    with pytest.raises(UnreadableEvent, match=r"\(got str\)"):
        read({**sample("failure_record"), "requestPayload": "text"}, NOW)


def test_a_rule_of_recoveries_lets_recoveries_through() -> None:
    """What the event means otherwise does not matter, and its identity is another than where it opens."""
    event = sample("eventbridge_custom")
    recovery = signal_of({"recovered": event})
    assert recovery.transition == "recovered"
    assert recovery.key == signal_of(event).key
    assert recovery.identity != signal_of(event).identity
    muted = signal_of({"recovered": sample("eventbridge_alarm_muted")})
    assert (muted.transition, muted.suppressed_by, muted.suppressed_until) == ("recovered", "", None)
    assert signal_of({"recovered": sample("health_issue_closed")}).transition == "recovered"


def test_what_is_ignored_recovers_nothing() -> None:
    """A configuration change, for one."""
    event = sample("eventbridge_alarm_configuration_change")
    assert signal_of({"recovered": event}).transition == "ignored"


def test_an_event_beside_recovered_is_no_recovery() -> None:
    """A custom event may have such a member."""
    event = {**sample("eventbridge_custom"), "recovered": {}}
    assert signal_of(event).transition == "opened"


def test_down_and_up_are_one_cause_where_the_route_says_what_a_cause_is() -> None:
    """By its deduplication key; resources still tell causes apart, and so do keys that cannot be filled."""
    down, up = sample("eventbridge_custom"), sample("eventbridge_recovered")
    route = Route(id="R", response_plan_arn=PLAN, dedupe_key="{detail.provider}")

    def key(event: object, route: Route | None) -> str:
        (signal,) = read(event, NOW, route)
        return signal.key

    assert key(down, route) == key(up, route)
    assert key(down, None) != key(up, None)
    assert key({**down, "resources": []}, route) != key(up, route)
    other = replace(route, dedupe_key="{detail.none}")
    assert key(down, other) == key(down, None)


@pytest.mark.parametrize(
    "kind", ["CloudWatch Alarm State Change", "CloudWatch Alarm Contributor State Change"]
)
def test_only_cloudwatch_tells_of_alarms(kind: str) -> None:
    """From another source it is an event as any other."""
    signal = signal_of({**sample("eventbridge_custom"), "detail-type": kind})
    assert signal.key.startswith("event|shop.checkout|")
