"""The example with snapshots: its tests run here, and tell what is meant from what is not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.examples.owned import copy_of, its_tests, replace

if TYPE_CHECKING:
    from pathlib import Path

ANOTHER_RELEASE = """\
from cdk_incidents import _runtime_asset

_runtime_asset._archive = lambda: b"another release"
"""


@pytest.fixture
def example(tmp_path: Path) -> Path:
    """Return a copy of the example, to be changed."""
    return copy_of("snapshot_tests", tmp_path)


def test_pass_with_another_release_and_another_asset(example: Path) -> None:
    """Neither our code nor the shop's own is in its snapshots; with both as they are its tests pass, too."""
    (example / "conftest.py").write_text(ANOTHER_RELEASE)
    (example / "shared" / "python" / "prices.py").write_text("VAT = 0.2\n")
    said = its_tests(example)
    assert "5 passed" in said, f"{said}\nmake snapshots takes what a change of the constructs has changed"


def test_fail_when_an_alarm_starts_nothing(example: Path) -> None:
    """An alarm's action that goes is seen twice: by the snapshot, and by name."""
    replace(example / "shop.py", "critical.watch(", "print(")
    said = its_tests(example)
    assert "2 failed, 3 passed" in said, said
    assert "FAILED test_shop.py::test_shop_is_as_reviewed" in said
    assert "- Shop/Errors: it has no alarm action. Let a route watch it" in said
