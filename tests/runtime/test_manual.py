"""A manual call: StartIncident's own fields."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from incidents_runtime.manual import AnotherPlan
from incidents_runtime.settings import Route
from incidents_runtime.signals import Signal, UnreadableEvent, read

from tests.runtime.fakes import NOW, PLAN, TOPIC, World, sample

ROUTE = Route(id="Critical", response_plan_arn=PLAN)
SERVICE = "arn:aws:ecs:eu-central-1:123456789012:service/shop/checkout"


def signal_of(event: object, route: Route | None = ROUTE) -> Signal:
    """Read an event's only signal."""
    (signal,) = read(event, NOW, route)
    return signal


CALL = sample("manual")


def test_what_a_call_says_is_what_happened() -> None:
    """Title, impact, source, time, trigger and related items."""
    signal = signal_of(CALL)
    assert (signal.transition, signal.title, signal.impact) == ("opened", "Checkout is down", 1)
    assert signal.incident_source == "runbook.checkout"
    assert signal.time == datetime(2026, 2, 3, 4, 5, 6, tzinfo=timezone.utc)
    assert (signal.trigger_arn, signal.region) == (SERVICE, "eu-central-1")
    page, involved = signal.related_items
    assert (page.type, page.title, page.url) == ("OTHER", "Status page", "https://status.example.com")
    assert (involved.type, involved.arn) == ("INVOLVED_RESOURCE", SERVICE)


def test_a_title_alone_is_enough() -> None:
    """It happened now, and by hand."""
    signal = signal_of({"title": " Checkout is down "})
    assert (signal.title, signal.time, signal.incident_source) == ("Checkout is down", NOW, "manual")
    assert signal.key == "manual|manual|Checkout is down"
    assert signal_of({"triggerDetails": {"source": "shop"}}).title == "Incident of shop"


def test_one_token_is_one_cause() -> None:
    """Whatever else is said; without one it is the title, of one resource or from one source."""
    assert signal_of(CALL).key == "manual|checkout-2026-02-03"
    assert signal_of({**CALL, "clientToken": ""}).key == f"manual|{SERVICE}|Checkout is down"
    by_source = {"title": "It", "triggerDetails": {"source": "shop"}}
    assert signal_of(by_source).key == "manual|shop|It"


def test_without_a_token_titles_of_two_doors_are_two_causes() -> None:
    """Two teams' queues may say the same of two things; a token and a resource say what is meant."""

    def by_queue(call: object) -> str:
        record = {**sample("sqs_raw_text")["Records"][0], "body": json.dumps(call)}
        return signal_of({"Records": [record]}).key

    queue = "arn:aws:sqs:us-east-1:123456789012:signals"
    assert by_queue({"title": "It"}) == f"manual|manual|{queue}|It"
    assert by_queue(CALL) == signal_of(CALL).key
    assert by_queue({**CALL, "clientToken": ""}) == signal_of({**CALL, "clientToken": ""}).key


def test_resolved_recovers_what_the_token_opened() -> None:
    """With the token alone, or with the same title."""
    for call in (sample("manual_resolved"), {"clientToken": "checkout-2026-02-03", "status": "RESOLVED"}):
        signal = signal_of(call)
        assert (signal.transition, signal.key) == ("recovered", signal_of(CALL).key)
        assert (signal.source, signal.account) == (signal_of(CALL).source, signal_of(CALL).account)
    assert signal_of({"title": "It", "status": "OPEN"}).key == signal_of({"title": "It"}).key


def test_the_same_call_at_another_time_is_another_signal() -> None:
    """It joins while the first one's incident is open; a month later it starts one."""
    call = {"title": "It", "clientToken": "t"}
    (later,) = read(call, NOW + timedelta(days=30))
    assert signal_of(call).identity == signal_of(dict(call)).identity
    assert later.key == signal_of(call).key
    assert later.identity != signal_of(call).identity
    (replayed,) = read(CALL, NOW + timedelta(days=30))
    assert replayed.identity == signal_of(CALL).identity


def test_raw_data_in_eventbridge_shape_is_the_event() -> None:
    """Runbooks read it; anything else is part of what was called."""
    event = sample("eventbridge_custom")
    raw = {**CALL, "triggerDetails": {**CALL["triggerDetails"], "rawData": json.dumps(event)}}
    assert signal_of(raw).event == event
    half = {**CALL, "triggerDetails": {**CALL["triggerDetails"], "rawData": '{"source": "shop"}'}}
    assert signal_of(half).event["detail-type"] == "Manual incident"
    made = signal_of(CALL).event
    assert (made["source"], made["detail-type"]) == ("runbook.checkout", "Manual incident")
    assert (made["account"], made["resources"]) == ("123456789012", [SERVICE])
    assert made["detail"] == CALL
    assert signal_of({"title": "It"}).event["resources"] == []


def test_only_the_routes_plan_may_be_named() -> None:
    """Whoever may use a route may use its plan, and no other; unless no route is known yet."""
    assert signal_of({**CALL, "responsePlanArn": PLAN}).title == "Checkout is down"
    assert signal_of({"responsePlanArn": PLAN}).title == "Incident of manual"
    other = {**CALL, "responsePlanArn": PLAN + "2"}
    with pytest.raises(AnotherPlan, match="must be that of the route 'Critical', or left out"):
        read(other, NOW, ROUTE)
    with pytest.raises(AnotherPlan):
        read({**CALL, "responsePlanArn": PLAN}, NOW, Route(id="Topic", topic_arn=TOPIC))
    with pytest.raises(AnotherPlan):
        read({"Records": [{"eventSource": "aws:sqs", "body": json.dumps(other)}]}, NOW, ROUTE)
    assert signal_of(other, None).title == "Checkout is down"


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"impact": 0}, "impact must be a whole number from 1 to 5"),
        ({"impact": 6}, "impact must be"),
        ({"impact": True}, "impact must be"),
        ({"impact": "1"}, "impact must be"),
        ({"title": 7}, r"title must be text \(got int\)"),
        ({"clientToken": None}, r"clientToken must be text \(got NoneType\)"),
        ({"responsePlanArn": []}, "responsePlanArn must be text"),
        ({"status": "CLOSED"}, "status must be OPEN, as without one, or RESOLVED"),
        ({"status": ["OPEN"]}, "status must be"),
        ({"severity": 1}, r"StartIncident's fields and no others \(got the members .*severity.*\)$"),
    ],
)
def test_what_startincident_would_refuse_is_refused(change: dict[str, Any], rule: str) -> None:
    """With the rule: a typing error must not start another incident than was meant."""
    with pytest.raises(UnreadableEvent, match=rule):
        read({**CALL, **change}, NOW, ROUTE)


@pytest.mark.parametrize("event", [{"impact": 1}, {"status": "RESOLVED"}, {"relatedItems": []}])
def test_what_tells_nothing_is_no_call(event: dict[str, Any]) -> None:
    """It has fields of StartIncident, but none that says what is wrong."""
    with pytest.raises(UnreadableEvent, match="an event must be"):
        read(event, NOW, ROUTE)


@pytest.mark.parametrize(
    ("event", "told"),
    [
        ({"titel": "x"}, r"\(got the members titel\)$"),
        ({"b\n": 1, "a": 2}, r"\(got the members a, b\)$"),
        ({"m" * 10_000: 1}, r"\(got the members m{199}…\)$"),
    ],
)
def test_what_is_no_call_is_told_by_its_members(event: dict[str, Any], told: str) -> None:
    """A typing error is seen at once; never the values, and no more than a line."""
    with pytest.raises(UnreadableEvent, match=told):
        read(event, NOW, ROUTE)


def test_all_fields_may_be_there() -> None:
    """StartIncident's six, and the status."""
    call = {**CALL, "responsePlanArn": PLAN, "status": "OPEN"}
    assert len(call) == 7
    assert signal_of(call).key == signal_of(CALL).key


@pytest.mark.parametrize("impact", [1, 5])
def test_any_impact_of_the_service_is_taken(impact: int) -> None:
    """One to five."""
    assert signal_of({**CALL, "impact": impact}).impact == impact


@pytest.mark.parametrize("wrong", [None, 7, "x", [7], {"identifier": 7}, [{"identifier": {"value": 7}}]])
def test_wrong_types_in_the_details_do_no_harm(wrong: object) -> None:
    """No type is trusted: what is no item has no value, and is left out later."""
    signal = signal_of({"title": "It", "triggerDetails": wrong, "relatedItems": wrong})
    assert [(item.arn, item.url) for item in signal.related_items] in ([], [(None, None)])
    assert signal.incident_source == "manual"


def test_the_source_is_not_the_services_own() -> None:
    """The prefix is refused by the service."""
    assert signal_of({"triggerDetails": {"source": "aws.ec2"}}).incident_source == "ec2"


def test_a_call_starts_and_resolves_its_incident() -> None:
    """From end to end."""
    world = World()
    assert world.outcome(CALL) == "started"
    (record,) = world.service.records.values()
    assert (record["title"], record["impact"]) == ("Checkout is down", 1)
    assert world.outcome({**CALL, "title": "Again"}) == "joined"
    assert world.outcome(sample("manual_resolved")) == "resolved"
