"""The example with tests of its own: they run here, and tell what is meant from what is not."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "snapshot_tests"
ANOTHER_RELEASE = """\
from cdk_incidents import _runtime_asset

_runtime_asset._archive = lambda: b"another release"
"""


@pytest.fixture
def example(tmp_path: Path) -> Path:
    """Return a copy of the example, to be changed."""
    ignored = shutil.ignore_patterns("__pycache__", "cdk.out")
    return Path(shutil.copytree(EXAMPLE, tmp_path / "example", ignore=ignored))


def its_tests(example: Path) -> str:
    """Run the example's tests as its owner does, and return what pytest says."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
    environment.pop("UPDATE", None)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist"]
    done = subprocess.run(command, cwd=example, env=environment, capture_output=True, text=True, check=False)
    return done.stdout + done.stderr


def test_pass_with_another_release_and_another_asset(example: Path) -> None:
    """Neither our code nor the shop's own is in its snapshots; with both as they are its tests pass, too."""
    (example / "conftest.py").write_text(ANOTHER_RELEASE)
    (example / "shared" / "python" / "prices.py").write_text("VAT = 0.2\n")
    said = its_tests(example)
    assert "5 passed" in said, f"{said}\nmake snapshots takes what a change of the constructs has changed"


def test_fail_when_an_alarm_starts_nothing(example: Path) -> None:
    """An alarm's action that goes is seen twice: by the snapshot, and by name."""
    source = example / "shop.py"
    source.write_text(source.read_text().replace("critical.watch(", "print("))
    said = its_tests(example)
    assert "2 failed, 3 passed" in said, said
    assert "FAILED test_shop.py::test_shop_is_as_reviewed" in said
    assert "- Shop/Errors: it has no alarm action. Let a route watch it" in said
