"""Finding and running the CDK CLI."""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest

from cdk_incidents.local.cdk_cli import CdkCli, CdkFailedError, find_cdk
from cdk_incidents.local.errors import LocalCloudError

from .conftest import wait_for

if TYPE_CHECKING:
    from collections.abc import Sequence

NODE = Path("/somewhere/bin/node")


def install(folder: Path, version: str) -> Path:
    """Lay out an aws-cdk package in `node_modules` of a folder."""
    package = folder / "node_modules" / "aws-cdk"
    (package / "bin").mkdir(parents=True)
    (package / "package.json").write_text(json.dumps({"name": "aws-cdk", "version": version}))
    script = package / "bin" / "cdk"
    script.write_text("#!/usr/bin/env node\n")
    script.chmod(0o755)
    return script


def test_project_and_its_parents(tmp_path: Path) -> None:
    """The CLI is looked for in node_modules of the directory and of those above it, the nearest first."""
    above = install(tmp_path, "2.1148.1")
    below = tmp_path / "a" / "b"
    below.mkdir(parents=True)
    assert find_cdk(below, NODE) == [str(NODE), str(above)]
    nearer = install(tmp_path / "a", "2.1000.0")
    assert find_cdk(below, NODE) == [str(NODE), str(nearer)]


def test_link_on_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A cdk on PATH that npm linked is run as the script that it is."""
    script = install(tmp_path / "global", "2.1148.1")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "cdk").symlink_to(script)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    assert find_cdk(tmp_path, NODE) == [str(NODE), str(script)]


def test_shim_on_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A version manager's shim is run as it is and asked for its version."""
    shim = tmp_path / "cdk"
    shim.write_text("#!/bin/sh\necho '2.1148.1 (build fcf5e34)'\n")
    shim.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert find_cdk(tmp_path, NODE) == [str(shim)]


@pytest.mark.parametrize("version", ["3.0.0", "1.204.0"])
def test_other_major_version(tmp_path: Path, version: str) -> None:
    """A CLI that is not version 2 is refused, with the version to install."""
    script = install(tmp_path, version)
    with pytest.raises(LocalCloudError) as caught:
        find_cdk(tmp_path, NODE)
    assert f"must be version 2 (got {version} from {script})" in str(caught.value)
    assert "npm install aws-cdk@2." in str(caught.value)


def test_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a CLI the message says where it was looked for and how to install it."""
    monkeypatch.setenv("PATH", "")
    with pytest.raises(LocalCloudError, match=r"found no node_modules/aws-cdk in .*npm install aws-cdk@2\."):
        find_cdk(tmp_path, NODE)


def python(code: str) -> Sequence[str]:
    """Return a command that stands in for the CLI."""
    return [sys.executable, "-c", code]


def test_lines_as_they_come(tmp_path: Path) -> None:
    """Each line, of both streams, is told and returned, and the arguments are passed on."""
    lines: list[str] = []
    cli = CdkCli(python("import sys; print(sys.argv[1:3]); print('oh', file=sys.stderr)"), dict(os.environ))
    output = cli.run("deploy", "--all", cwd=tmp_path, on_line=lines.append)
    assert sorted(lines) == ["['deploy', '--all']", "oh"]
    assert sorted(output.splitlines()) == sorted(lines)


def test_no_news_asked_for(tmp_path: Path) -> None:
    """The CLI is told not to look for notices."""
    cli = CdkCli(python("import sys; print(*sys.argv)"), dict(os.environ))
    assert "--no-notices" in cli.run("deploy", cwd=tmp_path)


def test_failure_holds_the_output(tmp_path: Path) -> None:
    """A failing CLI raises with all that it printed."""
    cli = CdkCli(python("import sys; print('why'); sys.exit(1)"), dict(os.environ))
    with pytest.raises(CdkFailedError) as caught:
        cli.run("deploy", cwd=tmp_path)
    assert caught.value.output == "why\n"


def test_interruption_ends_its_children(tmp_path: Path) -> None:
    """What interrupts the wait ends the CLI and what it started."""
    grandchild = (
        "import subprocess, sys; p = subprocess.Popen(['sleep', '600']); print(p.pid, flush=True); p.wait()"
    )
    pids: list[int] = []

    def interrupt(line: str) -> None:
        pids.append(int(line))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        CdkCli(python(grandchild), dict(os.environ)).run("deploy", cwd=tmp_path, on_line=interrupt)
    wait_for(lambda: not psutil.pid_exists(pids[0]), "the grandchild ends")


def test_background(tmp_path: Path) -> None:
    """In the background it runs beside the block, which waits for it when it likes."""
    log = tmp_path / "log"
    done = tmp_path / "done"
    cli = CdkCli(python(f"import time; time.sleep(0.3); open({str(done)!r}, 'w')"), dict(os.environ))
    with cli.background("bootstrap", cwd=tmp_path, log=log) as finish:
        assert not done.exists()
        finish()
    assert done.exists()


def test_background_failure(tmp_path: Path) -> None:
    """A failure in the background is raised where it is waited for, with the output."""
    cli = CdkCli(python("import sys; print('why'); sys.exit(1)"), dict(os.environ))
    with cli.background("bootstrap", cwd=tmp_path, log=tmp_path / "log") as finish:
        with pytest.raises(CdkFailedError) as caught:
            finish()
        assert caught.value.output == "why\n"


def test_background_ends_with_the_block(tmp_path: Path) -> None:
    """A block that fails does not wait for what runs beside it."""
    begun = time.monotonic()
    cli = CdkCli(python("import time; time.sleep(600)"), dict(os.environ))
    with (
        pytest.raises(ValueError, match="mine"),
        cli.background("bootstrap", cwd=tmp_path, log=tmp_path / "log"),
    ):
        raise ValueError("mine")
    assert time.monotonic() - begun < 10
