"""The quickstart, rehearsed: the whole path, by the real app, the real CDK CLI and the real functions."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

from .conftest import ROOT, Command

if TYPE_CHECKING:
    from pathlib import Path


def git_status() -> str:
    """Return what git sees of the working tree."""
    command = ["git", "status", "--porcelain", "--", "cdk.json", "cdk.context.json", "cdk.out", "examples"]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout


def test_quickstart(tmp_path: Path) -> None:
    """It deploys, tests itself, turns each alarm into an incident, recovers, and leaves nothing."""
    command = Command(tmp_path / "tmp", ROOT)
    before = git_status()
    app = f"{sys.executable} examples/quickstart/app.py"
    code, output = command.run("rehearse", "--app", app, "--json", str(tmp_path / "result.json"))
    assert code == 0, output
    written = json.loads((tmp_path / "result.json").read_text())
    assert written["ok"]
    (stack,) = written["stacks"]
    assert stack["name"] == "Quickstart"
    assert stack["deploy_s"] > 0
    (smoke_test,) = written["smoke_tests"]
    assert (smoke_test["stack"], smoke_test["status"], smoke_test["pages"]) == ("Quickstart", "passed", 0)
    assert all(step["ok"] and step["ms"] >= 0 for step in smoke_test["steps"])
    assert {"canary", "incident", "recovery"} <= {step["name"] for step in smoke_test["steps"]}
    # The service's own path leaves resolving to people, the route does it itself, a composite alarm's too.
    assert sorted(alarm["resolved"] for alarm in written["alarms"]) == [False, True, True]
    assert len({alarm["incident_arn"] for alarm in written["alarms"]}) == 3
    assert written["retained"] == ["stack CDKToolkit (bootstrap)", "3 resolved incident records"]
    assert written["leftovers"] == written["failures"] == []
    assert command.left() == []
    assert command.processes() == []
    assert git_status() == before
