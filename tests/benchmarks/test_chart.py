"""The chart shows the ratios that have a bound, and no bar past its edge."""

from __future__ import annotations

import re
from typing import Any
from xml.etree import ElementTree as ET

from benchmarks import chart

_SVG = "{http://www.w3.org/2000/svg}"


def _drawn(*figures: dict[str, Any]) -> ET.Element:
    # Our own drawing, made a line above.
    return ET.fromstring(chart.svg({"all": {"figures": list(figures)}}))  # noqa: S314


def _figure(
    median: float, at_most: float | None, *, unit: str = "", what: str = "ours to theirs"
) -> dict[str, Any]:
    told = {"what": what, "unit": unit, "min": median / 2, "median": median, "max": median * 100}
    return told if at_most is None else told | {"at_most": at_most}


def test_ratios_with_a_bound_are_bars() -> None:
    """Times, and ratios that may be anything, are in the tables only."""
    drawn = _drawn(_figure(1, 2), _figure(1, None), _figure(1, 2, unit="ms"), _figure(1, 0))
    assert len(drawn.findall(f"{_SVG}rect")) == 1
    assert "1 (at most 2)" in [text.text for text in drawn.iter(f"{_SVG}text")]


def test_a_bar_ends_at_its_part_of_the_bound() -> None:
    """At the bound it touches the line; beyond, it is of another colour; nothing leaves the drawing."""
    at, over = _drawn(_figure(2, 2), _figure(3, 2)).findall(f"{_SVG}rect")
    (line,) = re.findall(r'd="M(\d+) \d+V', chart.svg({}))
    assert int(at.get("x", "")) + int(at.get("width", "")) == int(line)
    assert (at.get("class"), over.get("class")) == ("bar", "over")
    paths = [path.get("d", "") for path in _drawn(_figure(3, 2)).findall(f"{_SVG}path")]
    ends = [int(end) for path in paths for end in re.findall(r"H(\d+)", path)]
    assert ends == [700]


def test_names_are_escaped() -> None:
    """A name with an angle bracket is still a name."""
    texts = [text.text for text in _drawn(_figure(1, 2, what="a < b & c")).iter(f"{_SVG}text")]
    assert "a < b & c" in texts
