"""Every example, synthesised once with cdk-nag over it."""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

APPS = sorted((Path(__file__).parents[2] / "examples").glob("*/app.py"))

NAG_RUN = """
import runpy, sys
import aws_cdk, cdk_nag

class App(aws_cdk.App):
    def __init__(self, **options):
        super().__init__(**options)
        aws_cdk.Validations.of(self).add_plugins(cdk_nag.AwsSolutionsChecks())

aws_cdk.App = App
runpy.run_path(sys.argv[1])
"""


@dataclass(frozen=True)
class Run:
    """An app that was run with the user's own cdk-nag over it."""

    returncode: int
    output: str
    assembly: Path

    @property
    def templates(self) -> list[Path]:
        """Return the templates of its stacks."""
        return sorted(self.assembly.glob("*.template.json"))


def run_with_nag(app: Path, directory: Path) -> Run:
    """Run an app with the user's own cdk-nag over it."""
    directory.mkdir(parents=True, exist_ok=True)
    assembly = directory / "cdk.out"
    env = {**os.environ, "CDK_OUTDIR": str(assembly), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-c", NAG_RUN, str(app)]
    done = subprocess.run(command, env=env, cwd=directory, capture_output=True, text=True, check=False)
    return Run(done.returncode, done.stderr + done.stdout, assembly)


@pytest.fixture(scope="session")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Run]:
    """Return the run of each example by its name, two at a time."""
    base = tmp_path_factory.mktemp("examples")
    with ThreadPoolExecutor(2) as pool:
        done = pool.map(lambda app: run_with_nag(app, base / app.parent.name), APPS)
        return dict(zip((app.parent.name for app in APPS), done, strict=True))
