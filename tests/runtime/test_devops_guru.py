"""DevOps Guru: an insight is one cause, from its opening to its closing."""

from __future__ import annotations

import pytest
from incidents_runtime.signals import Signal, read

from tests.runtime.fakes import NOW, sample


def signal_of(event: object) -> Signal:
    """Read an event's only signal."""
    (signal,) = read(event, NOW)
    return signal


OPENED = signal_of(sample("devops_guru_open"))


def test_an_insight_opens() -> None:
    """Its description, its severity and its page are there."""
    assert OPENED.transition == "opened"
    assert OPENED.title == "DevOps Guru: ApiGateway 5XXError Anomalous In Stack TestStack (high)"
    assert OPENED.key.startswith("insight|123456789012|us-east-1|AIYH6Jxdbgkc")
    (page,) = OPENED.related_items
    assert page.url == sample("devops_guru_open")["detail"]["insightUrl"]
    assert OPENED.impact is None


def test_its_closing_recovers() -> None:
    """Of the same key."""
    closed = signal_of(sample("devops_guru_closed"))
    assert (closed.transition, closed.key) == ("recovered", OPENED.key)


def test_getting_worse_opens_too() -> None:
    """It may be the first that a rule for high severity lets through; it is another signal."""
    worse = signal_of(sample("devops_guru_severity_upgraded"))
    assert (worse.transition, worse.key) == ("opened", OPENED.key)
    assert worse.identity != OPENED.identity


@pytest.mark.parametrize(
    "kind", ["DevOps Guru New Anomaly Association", "DevOps Guru New Recommendation Created"]
)
def test_other_news_of_an_insight_are_ignored(kind: str) -> None:
    """They come while it is open, or after it."""
    signal = signal_of({**sample("devops_guru_anomaly"), "detail-type": kind})
    assert signal.transition == "ignored"
    assert signal.reason == "news of an insight, which was told of before"


def test_what_is_unknown_is_an_event_as_any_other() -> None:
    """It may mean trouble."""
    signal = signal_of({**sample("devops_guru_open"), "detail-type": "DevOps Guru Is Worried"})
    assert signal.transition == "opened"
    assert signal.title == "DevOps Guru Is Worried (aws.devops-guru)"


@pytest.mark.parametrize("wrong", [None, 7, [], "", {}])
def test_wrong_types_do_no_harm(wrong: object) -> None:
    """Without an id it is an event as any other; what else is missing is left out."""
    event = sample("devops_guru_open")
    signal = signal_of({**event, "detail": {**event["detail"], "insightId": wrong}})
    assert (signal.transition, signal.key.split("|")[0]) == ("opened", "event")
    assert signal_of({**event, "detail": wrong}).transition == "opened"
    detail = {"insightId": "I", "insightUrl": wrong, "insightSeverity": wrong, "insightDescription": wrong}
    bare = signal_of({**event, "detail": detail})
    assert (bare.title, bare.related_items) == ("DevOps Guru: insight I", ())
