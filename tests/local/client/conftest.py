"""Processes of the command line, started and looked at from outside."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import IO, TYPE_CHECKING

import psutil
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT = Path(__file__).parents[3]


class Command:
    """`cdk-incidents` in a process of its own, with a temporary directory of its own.

    Parameters
    ----------
    temporary
        its temporary directory
    cwd
        where it runs
    """

    def __init__(self, temporary: Path, cwd: Path) -> None:
        self.temporary = temporary
        self.cwd = cwd
        temporary.mkdir()

    def start(self, *arguments: str, stderr: int | IO[str] = subprocess.STDOUT) -> subprocess.Popen[str]:
        """Start it; its output, errors included unless they go elsewhere, is a pipe."""
        return subprocess.Popen(
            [sys.executable, "-m", "cdk_incidents.cli", *arguments],
            cwd=self.cwd,
            env={**os.environ, "TMPDIR": str(self.temporary), "PYTHONUNBUFFERED": "1"},
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
            encoding="utf-8",
        )

    def run(self, *arguments: str) -> tuple[int, str]:
        """Run it to its end; return exit code and output."""
        process = self.start(*arguments)
        output, _ = process.communicate(timeout=120)
        return process.returncode, output

    def processes(self) -> list[str]:
        """Return the command lines of what runs with its temporary directory in the environment."""
        return [line for process in psutil.process_iter() if (line := self._ours(process))]

    def _ours(self, process: psutil.Process) -> str:
        try:
            ours = any(str(self.temporary) in value for value in process.environ().values())
            return " ".join(process.cmdline()) if ours else ""
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            return ""

    def left(self) -> list[str]:
        """Return the names of what is left in its temporary directory."""
        return sorted(entry.name for entry in self.temporary.iterdir())


@pytest.fixture
def command(tmp_path: Path) -> Command:
    """Give the command, run in a directory in which the CDK CLI is found and no app is."""
    return new_command(tmp_path)


def new_command(directory: Path) -> Command:
    """Return the command, with a directory to run in of its own."""
    cwd = directory / "project"
    cwd.mkdir()
    (cwd / "node_modules").symlink_to(ROOT / "node_modules")
    return Command(directory / "tmp", cwd)


def read_until(process: subprocess.Popen[str], text: str, *, timeout_s: float = 60) -> str:
    """Read a process's output until a text has come."""
    assert process.stdout is not None
    seen = ""
    until = time.monotonic() + timeout_s
    for line in process.stdout:
        seen += line
        if text in line:
            return seen
        assert time.monotonic() < until, f"no {text!r} within {timeout_s} s in:\n{seen}"
    raise AssertionError(f"the output ended without {text!r}:\n{seen}")


def wait_for(condition: Callable[[], bool], what: str, *, timeout_s: float = 30) -> None:
    """Wait until something is so."""
    until = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < until, f"{what}: not within {timeout_s} s"
        time.sleep(0.05)


@pytest.fixture
def ended() -> Iterator[list[subprocess.Popen[str]]]:
    """Give a list of processes that are killed and closed after the test, whatever came of it."""
    processes: list[subprocess.Popen[str]] = []
    yield processes
    for process in processes:
        process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()
