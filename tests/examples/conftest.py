"""Every example, synthesised once with cdk-nag and CDK's own validation over it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Sequence

APPS = sorted((Path(__file__).parents[2] / "examples").glob("*/app.py"))

# All in one process: loading CDK and its validation takes as long as twenty apps do.
RUN = """
import runpy, sys, traceback
from pathlib import Path
import aws_cdk, cdk_nag

class App(aws_cdk.App):
    def __init__(self, **options):
        super().__init__(outdir=str(outdir), **options)
        aws_cdk.Validations.of(self).add_plugins(cdk_nag.AwsSolutionsChecks())

CdkApp, aws_cdk.App = aws_cdk.App, App
for app, outdir in zip(sys.argv[1::2], map(Path, sys.argv[2::2])):
    sys.path[0] = str(Path(app).parent)  # as for a script
    try:
        runpy.run_path(app, run_name="__main__")
    except BaseException:
        (outdir.parent / "error").write_text(traceback.format_exc())
"""


@dataclass(frozen=True)
class Run:
    """An app that was run."""

    assembly: Path

    @property
    def error(self) -> str:
        """Return why it failed, if it did."""
        error = self.assembly.parent / "error"
        return error.read_text() if error.exists() else ""

    @property
    def findings(self) -> list[str]:
        """Return what cdk-nag, CDK's own validation and warnings have to say."""
        report = json.loads((self.assembly / "validation-report.json").read_text())
        violations = [found for plugin in report["pluginReports"] for found in plugin["violations"]]
        entries = [
            entry
            for metadata in self.assembly.glob("*.metadata.json")
            for entries in json.loads(metadata.read_text()).values()
            for entry in entries
        ]
        return [found["ruleName"] for found in violations] + [
            entry["data"] for entry in entries if entry["type"] in {"aws:cdk:warning", "aws:cdk:error"}
        ]

    @property
    def templates(self) -> list[Path]:
        """Return the templates of its stacks."""
        return sorted(self.assembly.glob("*.template.json"))


def run_all(apps: Sequence[Path], directory: Path) -> dict[str, Run]:
    """Run apps with the user's own cdk-nag over them; return each run by the name of its directory."""
    runs = {app.parent.name: Run(directory / app.parent.name / "cdk.out") for app in apps}
    command = [sys.executable, "-c", RUN]
    for app in apps:
        assembly = runs[app.parent.name].assembly
        assembly.mkdir(parents=True)
        command += [str(app), str(assembly)]
    env = {**os.environ, "CDK_VALIDATION": "true", "PYTHONDONTWRITEBYTECODE": "1"}
    subprocess.run(command, env=env, cwd=directory, capture_output=True, check=True)
    return runs


UNCLEAN = """
import aws_cdk as cdk
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sqs as sqs

app = cdk.App()
stack = cdk.Stack(app, "Stack")
cdk.Annotations.of(stack).add_warning_v2("house:unclean", "warned")
sqs.Queue(stack, "Queue")
cdk.CfnResource(stack, "Bad", type="AWS::SQS::Queue", properties={"DelaySeconds": "never"})
app.synth()
"""


@pytest.fixture(scope="session")
def all_runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Run]:
    """Return the run of each example by its name, and one of an app in which there is something to find."""
    directory = tmp_path_factory.mktemp("examples")
    unclean = directory / "source" / "unclean" / "app.py"
    unclean.parent.mkdir(parents=True)
    unclean.write_text(UNCLEAN)
    return run_all([*APPS, unclean], directory)


@pytest.fixture(scope="session")
def runs(all_runs: dict[str, Run]) -> dict[str, Run]:
    """Return the run of each example by its name."""
    return {name: run for name, run in all_runs.items() if name != "unclean"}
