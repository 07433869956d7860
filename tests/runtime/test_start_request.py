"""A signal and its route as a request that the service takes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from incidents_runtime.settings import Route
from incidents_runtime.signal_model import RelatedItem
from incidents_runtime.signals import Signal, read
from incidents_runtime.start_request import mark_of, start_request, title

from tests.runtime.fakes import FUNCTION, NOW, PLAN, alarm, sample
from tests.runtime.model import violations

ROUTE = Route(id="Critical", response_plan_arn=PLAN)
ALIAS = f"{FUNCTION}:Critical"


def signal_of(event: object) -> Signal:
    """Read an event's only signal."""
    (signal,) = read(event, NOW)
    return signal


def request_of(signal: Signal, route: Route = ROUTE, started_by: str = ALIAS) -> dict[str, Any]:
    """Make a request and hold it against the model."""
    request = start_request(signal, route, started_by)
    assert violations("ssm-incidents", "StartIncident", request) == []
    return request


SIGNAL = signal_of(sample("alarm_metric"))


def test_the_impact_is_the_plans_unless_the_route_says_otherwise() -> None:
    """No impact in the request overrides nothing."""
    assert "impact" not in request_of(SIGNAL)
    assert request_of(SIGNAL, replace(ROUTE, impact=2))["impact"] == 2


def test_what_a_manual_call_asks_for_counts_where_the_route_says_nothing() -> None:
    """The route goes first."""
    signal = replace(SIGNAL, impact=4)
    assert request_of(signal)["impact"] == 4
    assert request_of(signal, replace(ROUTE, impact=1))["impact"] == 1


def test_equal_requests_have_equal_tokens_and_no_others() -> None:
    """A token that came with other details is a riddle of the service: it never does."""
    tokens = {
        request_of(signal, route, started_by)["clientToken"]
        for signal in (SIGNAL, replace(SIGNAL, reason="not in the request"))
        for route in (ROUTE, ROUTE)
        for started_by in (ALIAS, ALIAS)
    }
    assert len(tokens) == 1
    others = (
        request_of(replace(SIGNAL, title="Another")),
        request_of(replace(SIGNAL, time=NOW)),
        request_of(SIGNAL, replace(ROUTE, impact=1)),
        request_of(SIGNAL, replace(ROUTE, response_plan_arn=PLAN + "2")),
    )
    tokens |= {request["clientToken"] for request in others}
    assert len(tokens) == 5


def test_the_incident_carries_its_signals_mark() -> None:
    """It is found by it after an answer was lost; another route's incident is not."""
    first = request_of(SIGNAL)["relatedItems"][0]
    assert first["title"] == f"Started by route Critical, signal {mark_of(SIGNAL, ROUTE)}"
    assert mark_of(SIGNAL, replace(ROUTE, id="Other")) != mark_of(SIGNAL, ROUTE)


@pytest.mark.parametrize(
    ("template", "filled"),
    [
        (None, "Cpu: {reason} of %s"),
        ("{title}!", "Cpu: {reason} of %s!"),
        ("Smoke test {reason}", "Smoke test because {title}"),
        (
            "{source} {account} {region} {time}",
            "cloudwatch.alarm 123456789012 us-east-1 2019-10-02T17:04:40Z",
        ),
        ("{detail.alarmName}/{resources.1}/{unknown}{", "ServerCpuTooHigh//{"),
        ("{detail.state}{detail.configuration.metrics.0.id}", "30b6c6b2-a864-43a2-4877-c09a1afc3b87"),
        ("x" * 201, "x" * 199 + "…"),
        (" \n", "alarm|arn:aws:cloudwatch:us-east-1:123456789012:alarm:ServerCpuTooHigh"),
    ],
)
def test_titles(template: str | None, filled: str) -> None:
    """Fields are filled in one pass: what an event says is no template. Missing ones are empty."""
    signal = replace(SIGNAL, title="Cpu: {reason} of %s", reason="because {title}")
    assert title(signal, replace(ROUTE, title=template)) == filled


def test_a_title_is_never_empty() -> None:
    """Even of a signal that says nothing."""
    assert title(replace(SIGNAL, title="", key="\x00"), ROUTE) == "Incident"


@pytest.mark.parametrize(
    ("source", "shown"),
    [
        ("shop.checkout", "shop.checkout"),
        ("", "custom"),
        ("aws.ec2", "custom"),
        ("x" * 51, "x" * 49 + "~"),
        ("bücher.shop", "b?cher.shop"),
        ("日本", "?"),
        ("\ud800\n", "?"),
    ],
)
def test_sources_are_short_ascii_and_not_the_services_own(source: str, shown: str) -> None:
    """Others get no metrics, or are refused."""
    assert request_of(replace(SIGNAL, incident_source=source))["triggerDetails"]["source"] == shown


@pytest.mark.parametrize("arn", ["no arn", "arn:aws:x:::", "arn:aws:x:::a\nb", "arn:aws:x:::" + "a" * 990])
def test_what_is_no_arn_is_left_out(arn: str) -> None:
    """Of the trigger and of the related items; the route's own item then names the plan."""
    signal = replace(SIGNAL, trigger_arn=arn, related_items=(RelatedItem("OTHER", "x", arn=arn),))
    request = request_of(signal, started_by=arn)
    assert "triggerArn" not in request["triggerDetails"]
    (item,) = request["relatedItems"]
    assert item["identifier"]["value"] == {"arn": PLAN}


def test_related_items_are_few() -> None:
    """Forty at most: the mark, the route's own, and as many of the signal's."""
    items = tuple(RelatedItem("INVOLVED_RESOURCE", f"{n}", arn=f"arn:aws:ec2:::{n}") for n in range(60))
    runbook = {"title": "Runbook", "url": "https://example.com"}
    route = replace(ROUTE, related_items=(runbook,))
    written = request_of(replace(SIGNAL, related_items=items), route)["relatedItems"]
    assert len(written) == 40
    assert written[1] == {
        "identifier": {"type": "OTHER", "value": {"url": "https://example.com"}},
        "title": "Runbook",
    }
    assert [item["title"] for item in written[2:]] == [f"{n}" for n in range(38)]
    assert written[2]["identifier"] == {"type": "INVOLVED_RESOURCE", "value": {"arn": "arn:aws:ec2:::0"}}


def test_an_alarm_of_the_longest_name_fits() -> None:
    """255 characters in the name, 1024 in the description."""
    request = request_of(signal_of(alarm("ü" * 255, description="d" * 1_024)))
    assert len(request["title"]) == 200
    assert len(request["relatedItems"]) == 1
