"""The guide: every warning explained, and code that the examples run."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from incidents_runtime.smoke_test import findings

from cdk_incidents._names import PURPOSE
from cdk_incidents._smoke_test_checks import SKIP

ROOT = Path(__file__).parents[2]
GUIDE = ROOT / "docs" / "guide"
PAGES = sorted(GUIDE.glob("*.md"))
NO_WARNINGS = {PURPOSE, SKIP}
"""Keys of metadata and context, which have the same form."""


def warning_ids() -> set[str]:
    """Return the ids of all warnings that the library may give."""
    sources = (ROOT / "cdk_incidents").glob("*.py")
    found = {id_ for source in sources for id_ in re.findall("cdk-incidents:[a-z-]+", source.read_text())}
    return found - NO_WARNINGS


def test_explains_every_warning_once() -> None:
    """A warning that the library gains shows up here as missing, one that it loses as left over."""
    page = (GUIDE / "warnings.md").read_text()
    rows = re.findall(r"^\| `(cdk-incidents:[a-z-]+)` \|", page, re.MULTILINE)
    assert sorted(rows) == sorted(warning_ids())


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_types_no_code_by_hand(page: Path) -> None:
    """Code comes from the examples, which are synthesised and deployed; what is typed here would rot."""
    typed = r"^\s*(?:`{3,}|~{3,}|:{3,})\s*(?:\{code(?:-block|-cell)?\}\s*)?(?:python|py)\b"
    assert not re.findall(typed, page.read_text(), re.MULTILINE | re.IGNORECASE)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_names_only_warnings_that_there_are(page: Path) -> None:
    """An id in the prose of any page is one that the library knows."""
    assert {*re.findall("cdk-incidents:[a-z-]+", page.read_text())} <= warning_ids() | NO_WARNINGS


def test_tells_every_finding_of_the_smoke_test() -> None:
    """Each finding stands in the table once, with the severity that it has by default."""
    page = (GUIDE / "smoke-test.md").read_text()
    rows = re.findall(r"^\| `([a-z-]+)` \| (error|warning|error if new) \|", page, re.MULTILINE)
    here = {"checkout"}
    told = {}
    for id_ in findings.IDS:
        plan = findings.THE_TRIGGER if id_ == "trigger-permissions" else "checkout"
        found = findings.Finding(id_, plan, "text", "remedy")
        new, old = (
            bool(findings.judge([found], changed=changed, severities={}).errors)
            for changed in (here | {findings.THE_TRIGGER}, set())
        )
        told[id_] = "error" if old else "error if new" if new else "warning"
    assert dict(rows) == told
    assert len(rows) == len(told)
