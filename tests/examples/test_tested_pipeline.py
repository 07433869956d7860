"""The example whose tests drill it on `local_cloud`: they pass, and see what is broken by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.examples.owned import copy_of, its_tests, replace

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def example(tmp_path: Path) -> Path:
    """Return a copy of the example, to be changed."""
    return copy_of("tested_pipeline", tmp_path)


def test_pass(example: Path) -> None:
    """As the example is, its tests pass."""
    said = its_tests(example)
    assert "8 passed" in said, said


def test_fail_when_the_second_is_paged_late(example: Path) -> None:
    """A stage that lasts twice as long fails the two tests that wait for the second person, and no other."""
    replace(example / "pipeline.py", "cdk.Duration.minutes(10)", "cdk.Duration.minutes(20)")
    said = its_tests(example, "-k", "not throttled and not denied")  # those take their seconds
    assert "2 failed, 4 passed, 2 deselected" in said, said
    assert "FAILED test_pipeline.py::test_the_second_is_paged_when_the_first_does_not_answer" in said
    assert "FAILED test_pipeline.py::test_a_channel_that_nobody_activated_reaches_nobody" in said
