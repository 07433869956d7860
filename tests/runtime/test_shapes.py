"""Hostile JSON, read without trusting a type."""

from __future__ import annotations

import json
import math
from datetime import datetime, timezone
from typing import Any

import pytest
from incidents_runtime.shapes import (
    DEEPEST,
    canonical,
    items,
    loaded,
    mapping,
    moment,
    place_of,
    plain,
    text,
    written,
)

UTC = timezone.utc


@pytest.mark.parametrize("value", [None, 7, 1.5, True, [], {}, b"bytes"])
def test_what_is_no_text_is_empty(value: object) -> None:
    """No type is trusted."""
    assert text(value) == ""


def test_wrong_types_are_empty() -> None:
    """Neither an object nor an array."""
    assert mapping([1]) == {}
    assert items({"a": 1}) == []


@pytest.mark.parametrize(
    ("value", "time"),
    [
        ("2019-10-02T17:04:40.989+0000", datetime(2019, 10, 2, 17, 4, 40, 989000, UTC)),
        ("2019-10-02T17:04:40Z", datetime(2019, 10, 2, 17, 4, 40, tzinfo=UTC)),
        ("2019-10-02T17:04:40", datetime(2019, 10, 2, 17, 4, 40, tzinfo=UTC)),
        ("2019-10-02 19:04:40.1+02:00", datetime(2019, 10, 2, 17, 4, 40, 100000, UTC)),
        ("2019-10-02T17:04:40.123456789Z", datetime(2019, 10, 2, 17, 4, 40, 123456, UTC)),
        ("2019-13-02T17:04:40Z", None),
        ("0001-01-01T00:00:00+14:00", None),
        ("yesterday", None),
        ("", None),
        (1570035880, None),
        ("٢٠١٩-10-02T17:04:40Z", None),
    ],
)
def test_times_as_aws_writes_them(value: object, time: datetime | None) -> None:
    """+0000 is read on every Python, and what is no time is none."""
    assert moment(value) == time


def test_plain_can_always_be_written() -> None:
    """No lone surrogate, no NaN, no endless number, no bottomless nesting, no foreign type survives."""
    nested: Any = "deep"
    for _ in range(5_000):
        nested = [nested]
    hostile = {
        "\ud800": math.nan,
        "number": 10**5_000,
        "nested": nested,
        "set": {1},
        "true": True,
        "none": None,
    }
    copy = plain(hostile)
    assert json.loads(written(copy)) == copy
    assert copy["\ufffd"] is None
    assert copy["number"] == "…"
    assert copy["set"] == "…"
    assert copy["true"] is True
    assert written(copy["nested"]).count("[") == DEEPEST - 1


def test_plain_is_no_larger_than_allowed() -> None:
    """Long texts end with an ellipsis, the first members stay."""
    assert plain({"a": "12345", "b": [1, 2, 3]}, longest_text=4, most_items=2) == {"a": "123…", "b": [1, 2]}


def test_equal_values_have_one_canonical_text() -> None:
    """Whatever order their members came in."""
    assert canonical({"a": 1, "b": [2]}) == canonical({"b": [2], "a": 1})


@pytest.mark.parametrize("value", [None, 7, "", "{", "[" * 100_000, "1" * 5_000])
def test_what_is_no_json_is_nothing(value: object) -> None:
    """Bottomless or endless, too."""
    assert loaded(value) is None


def test_json_is_loaded() -> None:
    """From a text."""
    assert loaded('{"a": [1]}') == {"a": [1]}


@pytest.mark.parametrize(
    ("arn", "place"),
    [
        ("arn:aws:sns:eu-west-1:123456789012:topic", ("eu-west-1", "123456789012")),
        ("arn:aws-cn:sqs:cn-north-1:123456789012:queue", ("cn-north-1", "123456789012")),
        ("arn:aws:health:eu-west-1::event/EC2/x", ("eu-west-1", "")),
        ("arn:aws:iam::123456789012:role/x", ("", "123456789012")),
        ("arn:aws:sns:evil.example.com/:123456789012:topic", ("", "")),
        ("arn:aws:sns:eu-west-1:12:topic", ("", "")),
        ("topic", ("", "")),
    ],
)
def test_the_place_of_an_arn(arn: str, place: tuple[str, str]) -> None:
    """Its Region and account, if it is an ARN."""
    assert place_of(arn) == place
