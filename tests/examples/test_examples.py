"""Every example as a reviewer gets it: short, linted, clean, explained by its first line."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.examples.conftest import APPS, Run

NAMES = [app.parent.name for app in APPS]

# One process runs every example for both modules.
pytestmark = pytest.mark.xdist_group("examples")


@pytest.mark.parametrize("name", NAMES)
def test_synthesises_clean(name: str, runs: dict[str, Run]) -> None:
    """Each example synthesises without a warning; cdk-nag's AwsSolutions pack and CDK find nothing."""
    assert runs[name].error == ""
    assert runs[name].findings == []


def test_what_is_unclean_is_found(all_runs: dict[str, Run]) -> None:
    """The same run over a queue without TLS, a wrong property and a warning finds them: clean is clean."""
    assert "ValidationFailed" in all_runs["unclean"].error
    found = all_runs["unclean"].findings
    assert [rule for rule in found if rule in {"AwsSolutions-SQS4", "F3012"} or "warned" in rule] == [
        "AwsSolutions-SQS4",
        "F3012",
        "warned [ack: house:unclean]",
    ]


def test_cfn_lint_finds_no_error(runs: dict[str, Run]) -> None:
    """cfn-lint finds no error in any template of any example."""
    lint = shutil.which("cfn-lint", path=Path(sys.executable).parent)
    assert lint, "make setup installs cfn-lint beside this Python"
    templates = [str(template) for run in runs.values() for template in run.templates]
    assert len(templates) >= len(runs)
    command = [lint, "--format", "json", "--non-zero-exit-code", "none", *templates]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert [finding for finding in json.loads(done.stdout) if finding["Level"] == "Error"] == []


@pytest.mark.parametrize("app", APPS, ids=NAMES)
def test_is_short_and_says_what_it_is_for(app: Path) -> None:
    """An example has a line that says what it is for, and at most 60 lines."""
    lines = app.read_text().splitlines()
    assert re.fullmatch(r'"""[A-Z].*[.:]"""', lines[0])
    assert len(lines) <= 60
