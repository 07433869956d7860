"""A route's templates, filled from a signal in one pass."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from incidents_runtime.settings import Route
from incidents_runtime.signals import Signal, read
from incidents_runtime.templates import FIELDS, fill, group_of, ledger_key

from tests.runtime.fakes import NOW, PLAN, sample


def signal_of(event: object) -> Signal:
    """Read an event's only signal."""
    (signal,) = read(event, NOW)
    return signal


ROUTE = Route(id="Critical", response_plan_arn=PLAN)
EVENT = {
    **sample("eventbridge_custom"),
    "resources": ["first", 7],
    "detail": {
        "reason": "probes failed",
        "service": {"name": "checkout", "tags": ["a"], "2": "two"},
        "count": 5,
        "share": 0.5,
        "late": False,
        "none": None,
        "nan": float("nan"),
        "endless": 10**5_000,
        "empty": "",
        "aws:tag/x": "tagged",
        "template": "{title}{detail.count}",
    },
}
SIGNAL = signal_of(EVENT)


@pytest.mark.parametrize(
    ("template", "filled"),
    [
        ("{title}", "Payment provider down (shop.checkout)"),
        ("{reason} in {account}/{region}", "probes failed in 123456789012/eu-central-1"),
        ("{source} at {time}", "shop.checkout at 2026-02-03T04:05:06Z"),
        ("{key}", "event|shop.checkout|Payment provider down|123456789012|eu-central-1|first"),
        ("{detail.service.name}", "checkout"),
        ("{detail.service.2}", "two"),
        ("{detail.service.tags.0}", "a"),
        ("{resources.0}{resources.1}", "first7"),
        ("{detail-type}", "Payment provider down"),
        ("{detail.aws:tag/x}", "tagged"),
        ("{detail.count} {detail.share} {detail.late}", "5 0.5 false"),
        ("{detail.template}", "{title}{detail.count}"),
    ],
)
def test_fields_are_filled(template: str, filled: str) -> None:
    """From the signal, or by a path into its event; what the event says is no template."""
    assert fill(template, SIGNAL, str) == filled


@pytest.mark.parametrize(
    "name",
    [
        "titel",
        "detail",
        "detail.service",
        "detail.service.tags",
        "detail.none",
        "detail.nan",
        "detail.endless",
        "detail.empty",
        "detail.count.real",
        "detail.reason.0",
        "resources.2",
        "resources.-1",
        "resources.first",
        "resources.9999999",
        "resources." + "9" * 5_000,
        "resources.__class__",
        "0",
    ],
)
def test_what_is_missing_or_no_scalar_is_empty(name: str) -> None:
    """And a key with it is the signal's own: half a key would put strangers into one incident."""
    assert fill(f"<{{{name}}}>", SIGNAL, str) == "<>"
    route = replace(ROUTE, dedupe_key=f"{{account}} {{{name}}}")
    assert group_of(SIGNAL, route) is None
    assert ledger_key(SIGNAL, route) == f"Critical|{SIGNAL.key}"


@pytest.mark.parametrize("template", ["{", "{}", "{title", "{ti tle}", '{"a": 1}', "{title!r}", "%s", "\\1"])
def test_other_braces_are_text(template: str) -> None:
    """No format, no pattern."""
    assert fill(template, SIGNAL, str) == template


def test_a_field_of_the_signal_may_be_empty() -> None:
    """A title loses it, a key falls back to the signal's own."""
    signal = replace(SIGNAL, account="")
    assert fill("{account}!", signal, str) == "!"
    assert group_of(signal, replace(ROUTE, dedupe_key="{account}")) is None


def test_a_dedupe_key_groups_causes() -> None:
    """Signals that fill it alike share an entry, and only on their route."""
    route = replace(ROUTE, dedupe_key="{detail.service.name}")
    other = replace(SIGNAL, key="another", source="another")
    assert ledger_key(SIGNAL, ROUTE) != ledger_key(other, ROUTE)
    assert ledger_key(SIGNAL, route) == ledger_key(other, route) == "Critical|group|checkout"
    assert ledger_key(SIGNAL, replace(route, id="Other")) == "Other|group|checkout"


def test_long_values_keep_a_key_apart_and_short() -> None:
    """What is too long ends in a hash of the whole."""
    keys = set()
    for last in "ab":
        detail: dict[str, Any] = {"a": "x" * 5_000 + last}
        signal = replace(SIGNAL, event={"detail": detail})
        keys.add(ledger_key(signal, replace(ROUTE, dedupe_key="{detail.a}" * 9)))
    assert len(keys) == 2
    assert max(map(len, keys)) <= 512


def test_the_fields_are_listed() -> None:
    """In one list, which the constructs know too."""
    assert list(FIELDS) == sorted(FIELDS)
    assert all(fill(f"{{{name}}}", SIGNAL, str) for name in FIELDS)
