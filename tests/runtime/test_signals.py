"""Any event in, signals out."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest
from incidents_runtime.signal_model import digest, key_of
from incidents_runtime.signals import Signal, UnreadableEvent, read

from tests.runtime.fakes import NOW, alarm, sample


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
    ],
)
def test_what_is_neither_is_unreadable(event: object) -> None:
    """The reason says what would be."""
    with pytest.raises(UnreadableEvent, match=r"must be an alarm's .* or EventBridge's"):
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
