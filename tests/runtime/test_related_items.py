"""What a responder should look at."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from incidents_runtime.related_items import is_arn, related_items
from incidents_runtime.settings import Route
from incidents_runtime.signal_model import RelatedItem
from incidents_runtime.signals import Signal, read

from tests.runtime.fakes import NOW, PLAN, sample

ROUTE = Route(id="Critical", response_plan_arn=PLAN)
PAGE = "https://example.com"


def signal_of(event: object) -> Signal:
    """Read an event's only signal."""
    (signal,) = read(event, NOW)
    return signal


EVENT = sample("eventbridge_custom")
SIGNAL = replace(signal_of(EVENT), related_items=())


def of_route(*items: dict[str, str], event: Any = None) -> list[RelatedItem]:
    """Fill a route's items."""
    signal = SIGNAL if event is None else replace(SIGNAL, event=event)
    return related_items(signal, replace(ROUTE, related_items=items))


def test_the_routes_items_come_first() -> None:
    """Then the signal's; what both name is there once, as the route names it."""
    own = (RelatedItem("OTHER", "b", url=PAGE + "/b"), RelatedItem("OTHER", "a", url=PAGE + "/a"))
    items = related_items(
        replace(SIGNAL, related_items=own),
        replace(ROUTE, related_items=({"title": "Runbook", "url": PAGE + "/a"},)),
    )
    assert [item.title for item in items] == ["Runbook", "b"]


def test_titles_and_links_are_templates() -> None:
    """What goes into a link is percent-encoded, and what is missing is empty there."""
    event = {"detail": {"a": "x/y?z=1&ü 🚨", "t": "{title}\n"}, "source": "s"}
    item, other = of_route(
        {"title": "{detail.t} of {account}", "url": PAGE + "/{detail.a}?n={detail.none}"},
        {"title": "", "url": PAGE + "/%7B?a={region}"},
        event=event,
    )
    assert item.title == "{title} of 123456789012"
    assert item.url == PAGE + "/x%2Fy%3Fz%3D1%26%C3%BC%20%F0%9F%9A%A8?n="
    assert (other.title, other.url) == ("Related", PAGE + "/%7B?a=eu-central-1")


def test_a_resource_may_be_the_signals() -> None:
    """Whole, or not at all."""
    assert of_route({"title": "It", "arn": "{resources.0}"}) == [
        RelatedItem("OTHER", "It", arn=EVENT["resources"][0])
    ]
    assert of_route({"title": "It", "arn": "arn:aws:sqs:{region}:{account}:orders-{detail.none}"}) == []
    assert of_route({"title": "It", "arn": "{detail.provider}"}) == []
    assert of_route({"title": "It", "arn": "arn:aws:sqs:::a"})[0].arn == "arn:aws:sqs:::a"


@pytest.mark.parametrize(
    "url",
    [
        "",
        "javascript:alert(1)",
        "ftp://example.com",
        "https://",
        PAGE + "/a b",
        PAGE + "/\x00",
        PAGE + "/\ud800",
        PAGE + "/" + "x" * 1_000,
        PAGE + "/" + "🚨" * 491,
    ],
)
def test_what_is_no_link_is_left_out(url: str) -> None:
    """A responder clicks on it: a page of at most 1,000 UTF-16 units, and no script."""
    signal = replace(SIGNAL, related_items=(RelatedItem("OTHER", "x", url=url), RelatedItem("OTHER", "y")))
    assert related_items(signal, ROUTE) == []


def test_the_longest_link_is_kept() -> None:
    """A thousand characters."""
    url = PAGE + "/" + "x" * 980
    signal = replace(SIGNAL, related_items=(RelatedItem("OTHER", "x", url=url),))
    assert len(url) == 1_000
    assert related_items(signal, ROUTE) == [RelatedItem("OTHER", "x", url=url)]


def test_a_huge_value_makes_a_link_too_long() -> None:
    """And never a shortened one, which would lead somewhere else."""
    assert of_route({"title": "x", "url": PAGE + "/{detail.a}"}, event={"detail": {"a": "x" * 9_000}}) == []


def test_wrong_types_in_a_route_do_no_harm() -> None:
    """No type is trusted."""
    assert of_route({"title": 7, "url": 7}, {"arn": None}) == []  # type: ignore[dict-item]


def test_titles_are_short() -> None:
    """One line of 200 characters."""
    (item,) = of_route({"title": "{detail.reason}" * 20, "url": PAGE})
    assert len(item.title) == 200


@pytest.mark.parametrize(
    ("value", "is_one"),
    [
        ("arn:aws:sqs:eu-west-1:123456789012:a", True),
        ("arn:aws:x:::" + "a" * 988, True),
        ("arn:aws:x:::" + "a" * 989, False),
        ("arn:aws:x:::" + "🚨" * 500, False),
        ("arn:aws:x:::", False),
        ("arn:aws:x:::a\nb", False),
        ("arn:aws:x:::\ud800", False),
        ("arn:aws:x::12:a", False),
        ("arn", False),
    ],
)
def test_arns(value: str, is_one: bool) -> None:  # noqa: FBT001 - a parameter of the test
    """As the service takes them: 1,000 UTF-16 units, by its pattern."""
    assert is_arn(value) is is_one
