"""What the docs site generates: a reference of every public name, drawings of what is created."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

import cdk_incidents
import cdk_incidents.local
from benchmarks import run

DOCS = Path(__file__).parents[2] / "docs"
sys.path.append(str(DOCS))

from _site import api, drawings, drawn, measured  # noqa: E402 - the path above comes first


def test_every_public_name_is_in_the_reference(tmp_path: Path) -> None:
    """Each public name has one entry, and each page stands in the table of contents."""
    api.write(tmp_path)
    pages = {page.stem: page.read_text() for page in (tmp_path / "api").glob("*.rst")}
    index = pages.pop("index")
    entry = re.compile(r"autoclass:: cdk_incidents\.(\w+)$", re.MULTILINE)
    entries = [name for page in pages.values() for name in entry.findall(page)]
    assert sorted(entries) == sorted(cdk_incidents.__all__)
    local = re.findall(r"autoclass:: cdk_incidents\.local\.(\w+)$", pages["the-loopback-aws"], re.MULTILINE)
    assert sorted(local) == sorted(cdk_incidents.local.__all__)
    assert sorted(re.findall(r"^   ([\w-]+)$", index, re.MULTILINE)) == sorted(pages)


@pytest.mark.parametrize("name", drawn.__all__)
def test_draws_each_resource_once_and_what_it_needs(name: str) -> None:
    """A drawing has a box for each resource, none over another, and a line for each reference."""
    resources = drawings.template_of(name)
    drawing = ET.fromstring(drawings.svg(resources, title=name))  # noqa: S314 - our own text
    space = "{http://www.w3.org/2000/svg}"
    boxes = [box.attrib for box in drawing.iter(f"{space}rect")]
    assert len(boxes) == len(resources) == len({(box["x"], box["y"]) for box in boxes})
    needed = sum(len(set(drawings.needs_of(resource, resources))) for resource in resources.values())
    lines = list(drawing.iter(f"{space}path"))
    assert len(lines) == needed > 0
    for line in lines:
        start, end = (float(line.attrib["d"][1:].split()[0]), float(line.attrib["d"].split()[-2]))
        assert start < end


@pytest.mark.parametrize("name", drawn.__all__)
def test_each_drawing_is_shown(name: str) -> None:
    """What is drawn stands on a page of the guide."""
    pages = [page.read_text() for page in (DOCS / "guide").glob("*.md")]
    assert sum(f"../_generated/{name}.svg" in page for page in pages) == 1


def test_a_need_is_a_reference_or_an_order() -> None:
    """Ref, GetAtt and both forms of DependsOn count; parameters of AWS and the resource itself do not."""
    resources: dict[str, Any] = {name: {"Type": "AWS::X::Y"} for name in "ABCDE"}
    resources["A"] = {
        "DependsOn": ["B"],
        "Properties": {"Own": {"Ref": "A"}, "List": [{"Ref": "C"}, {"Ref": "AWS::Region"}]},
    }
    resources["B"] = {"DependsOn": "D", "Properties": {"Arn": {"Fn::GetAtt": ["E", "Arn"]}}}
    assert drawings.needs_of(resources["A"], resources) == {"B", "C"}
    assert drawings.needs_of(resources["B"], resources) == {"D", "E"}


def test_each_benchmark_is_shown(tmp_path: Path) -> None:
    """What `make bench` wrote last stands on the page, the spread and the machine with it."""
    measured.write(tmp_path)
    page = (DOCS / "benchmarks.md").read_text()
    shown = {Path(name).stem for name in re.findall(r"\{include\} _generated/(measured/\S+)", page)}
    results = json.loads((DOCS.parent / "benchmarks" / "results.json").read_text())
    assert shown == set(results) == set(run.BENCHMARKS)
    for name, taken in results.items():
        table = (tmp_path / "measured" / f"{name}.md").read_text()
        assert taken["machine"]["processor"] in table
        for figure in taken["figures"]:
            assert f"| {figure['median']:g} |" in table
            assert figure["runs"] == 1 or f"{figure['min']:g} to {figure['max']:g}" in table
