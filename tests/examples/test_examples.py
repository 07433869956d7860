"""Every example as a reviewer gets it: short, linted, clean, explained by its first line."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
APPS = sorted((ROOT / "examples").glob("*/app.py"))
NAMES = [app.parent.name for app in APPS]

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


def run_with_nag(app: Path, outdir: Path) -> subprocess.CompletedProcess[str]:
    """Run an app with the user's own cdk-nag over it."""
    outdir.mkdir(parents=True, exist_ok=True)
    env = {**os.environ, "CDK_OUTDIR": str(outdir / "cdk.out"), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-c", NAG_RUN, str(app)]
    return subprocess.run(command, env=env, cwd=outdir, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, subprocess.CompletedProcess[str]]:
    """Return the run of each example, two at a time."""
    base = tmp_path_factory.mktemp("examples")
    with ThreadPoolExecutor(2) as pool:
        done = pool.map(lambda app: run_with_nag(app, base / app.parent.name), APPS)
        return dict(zip(NAMES, done, strict=True))


@pytest.mark.parametrize("name", NAMES)
def test_synthesises_clean(name: str, runs: dict[str, subprocess.CompletedProcess[str]]) -> None:
    """Each example synthesises without a warning, and cdk-nag's AwsSolutions pack finds nothing."""
    told = runs[name].stderr + runs[name].stdout
    assert runs[name].returncode == 0, told
    assert re.findall(r"AwsSolutions-\w+|\[Warning .*|cdk-incidents:[\w-]+", told) == []


def test_cdk_nag_is_really_run(tmp_path: Path) -> None:
    """The same run over a queue without TLS finds it: a clean run means something."""
    app = tmp_path / "app.py"
    app.write_text(
        "import aws_cdk as cdk\nfrom aws_cdk import aws_sqs as sqs\n"
        "app = cdk.App()\nsqs.Queue(cdk.Stack(app, 'S'), 'Q')\napp.synth()\n"
    )
    done = run_with_nag(app, tmp_path)
    assert "AwsSolutions-SQS4" in done.stderr + done.stdout
    assert done.returncode != 0


def test_cfn_lint_finds_no_error(
    tmp_path_factory: pytest.TempPathFactory, runs: dict[str, subprocess.CompletedProcess[str]]
) -> None:
    """cfn-lint finds no error in any template of any example."""
    base = next(tmp_path_factory.getbasetemp().glob("examples*"))
    templates = sorted(base.glob("*/cdk.out/*.template.json"))
    assert {path.parents[1].name for path in templates} == set(runs)
    lint = shutil.which("cfn-lint", path=Path(sys.executable).parent)
    assert lint, "make setup installs cfn-lint beside this Python"
    command = [lint, "--format", "json", "--non-zero-exit-code", "none", *map(str, templates)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert [finding for finding in json.loads(done.stdout) if finding["Level"] == "Error"] == []


@pytest.mark.parametrize("app", APPS, ids=NAMES)
def test_is_short_and_says_what_it_is_for(app: Path) -> None:
    """An example has a line that says what it is for, and at most 60 lines."""
    lines = app.read_text().splitlines()
    assert re.fullmatch(r'"""[A-Z].*[.:]"""', lines[0])
    assert len(lines) <= 60
