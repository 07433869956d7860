"""The quickstart as a reviewer gets it: linted, clean, and the same everywhere."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
APP = ROOT / "examples" / "quickstart" / "app.py"


def synth(outdir: Path, *, cwd: Path, python: str = sys.executable, umask: int = 0o022) -> Path:
    """Synthesise the quickstart in a process of its own, as the CDK CLI does."""
    outdir.mkdir(parents=True)
    env = {**os.environ, "CDK_OUTDIR": str(outdir), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [python, str(APP)], cwd=cwd, env=env, capture_output=True, text=True, check=False, umask=umask
    )
    assert done.returncode == 0, done.stderr
    return outdir


@pytest.fixture(scope="module")
def assembly(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the cloud assembly of the quickstart."""
    directory = tmp_path_factory.mktemp("quickstart")
    return synth(directory / "cdk.out", cwd=directory)


def template(assembly: Path) -> bytes:
    """Return the template, byte for byte."""
    return (assembly / "Quickstart.template.json").read_bytes()


def test_is_short() -> None:
    """The quickstart has 40 lines at most."""
    assert len(APP.read_text().splitlines()) <= 40


def test_readme_shows_it_as_it_is() -> None:
    """The README holds the quickstart word for word."""
    assert APP.read_text() in (ROOT / "README.md").read_text()


def test_same_template_in_another_directory_under_another_umask(assembly: Path, tmp_path: Path) -> None:
    """Two directories, two times, umask 022 and 077: the same template, byte for byte."""
    other = synth(tmp_path / "elsewhere" / "cdk.out", cwd=tmp_path, umask=0o077)
    assert template(other) == template(assembly)


@pytest.mark.xdist_group("wheel")
def test_same_template_from_an_installed_wheel(assembly: Path, tmp_path: Path, wheel_python: str) -> None:
    """The wheel, installed in an empty environment, synthesises the same template as the source tree."""
    installed = synth(tmp_path / "cdk.out", cwd=tmp_path, python=wheel_python)
    assert template(installed) == template(assembly)


def test_asset_can_be_read_by_lambda(tmp_path: Path) -> None:
    """Every file of the layer is readable by all, whatever the umask was, and none is byte code."""
    assembly = synth(tmp_path / "cdk.out", cwd=tmp_path, umask=0o077)
    (archive,) = assembly.glob("asset.*.zip")
    with zipfile.ZipFile(archive) as opened:
        entries = opened.infolist()
    assert {entry.external_attr >> 16 for entry in entries} == {0o644}
    names = {entry.filename for entry in entries}
    assert {"python/incidents_runtime/trigger.py", "python/incidents_runtime/smoke_test/handler.py"} <= names
    assert {Path(name).suffix for name in names} == {".py"}
