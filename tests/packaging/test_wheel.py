"""The wheel as a user gets it, installed alone in an empty environment."""

from __future__ import annotations

import json
import os
import subprocess
import zipfile
from pathlib import Path

import pytest

# One worker builds and installs it, once.
pytestmark = pytest.mark.xdist_group("wheel")


def run(python: str, code: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run a line of Python in the wheel's environment."""
    return subprocess.run([python, "-c", code], cwd=cwd, capture_output=True, text=True, check=False)


def test_holds_what_runs_in_lambda_and_the_types(wheel: Path) -> None:
    """The runtime files and the type marker travel in the wheel; tests and examples do not."""
    names = set(zipfile.ZipFile(wheel).namelist())
    assert "cdk_incidents/py.typed" in names
    assert "cdk_incidents/_runtime/incidents_runtime/trigger.py" in names
    assert {name.split("/")[0] for name in names if ".dist-info" not in name} == {"cdk_incidents"}


def test_metadata_is_complete(wheel: Path) -> None:
    """Licence, Python floor, CDK's classifiers and the extras are in the metadata."""
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        metadata = archive.read(name).decode()
    for line in (
        "License-Expression: Apache-2.0",
        "Requires-Python: >=3.10",
        "Classifier: Framework :: AWS CDK :: 2",
        "Classifier: Typing :: Typed",
        "Provides-Extra: local",
        "Provides-Extra: dev",
    ):
        assert line in metadata.splitlines()


def test_every_public_name_loads(wheel_python: str, tmp_path: Path) -> None:
    """Without any extra every public name can be had."""
    done = run(
        wheel_python,
        "import cdk_incidents as i; print(sorted(n for n in i.__all__ if getattr(i, n)))",
        tmp_path,
    )
    assert "'SmokeTest'" in done.stdout, done.stderr
    assert (
        "site-packages" in run(wheel_python, "import cdk_incidents as i; print(i.__file__)", tmp_path).stdout
    )


def test_local_without_its_extra_names_it(wheel_python: str, tmp_path: Path) -> None:
    """LocalCloud without the extra says in one line how to install it, and nothing else."""
    done = run(
        wheel_python,
        "import sys\ntry:\n    from cdk_incidents.local import LocalCloud\n    LocalCloud()\n"
        "except Exception as error:\n    print(error)\n",
        tmp_path,
    )
    assert "cdk_incidents[local]" in done.stdout, done.stderr
    assert len(done.stdout.splitlines()) == 1


def test_command_without_the_extra_names_it(wheel_python: str, tmp_path: Path) -> None:
    """`cdk-incidents rehearse` without the extra exits non-zero with that line and no trace."""
    done = run(
        wheel_python, "import sys; from cdk_incidents.cli import main; sys.exit(main(['rehearse']))", tmp_path
    )
    assert done.returncode != 0
    assert "cdk_incidents[local]" in done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr


def test_types_of_the_public_names_are_complete(wheel_python: str, tmp_path: Path) -> None:
    """Pyright knows the type of every public name, as a user's editor will."""
    pyright = Path(__file__).parents[2] / "node_modules" / "pyright" / "index.js"
    node = os.environ["JSII_NODE"]
    command = [node, str(pyright), "--verifytypes", "cdk_incidents", "--ignoreexternal", "--outputjson"]
    # It takes the environment from PATH, whatever --pythonpath says.
    env = {**os.environ, "PATH": f"{Path(wheel_python).parent}:{os.environ['PATH']}"}
    done = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True, check=False)
    report = json.loads(done.stdout)["typeCompleteness"]
    unknown = [
        symbol["name"] for symbol in report["symbols"] if not symbol["isTypeKnown"] and symbol["isExported"]
    ]
    assert unknown == []
    assert report["exportedSymbolCounts"]["withKnownType"] > 10
