"""The real CDK CLI: find it, run it against the loopback AWS, stop it with all that it started."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
from pathlib import Path
from typing import IO, TYPE_CHECKING

from .errors import LocalCloudError
from .interrupts import uninterrupted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

PINNED = "2.1148.1"
_REMEDY = f"npm install aws-cdk@{PINNED} (in the app's directory or one above it)"
_STOP_S = 3.0
# Asked of the CLI each time: nothing is to look for news on the internet, or to ask anybody.
_QUIET = ("--no-notices", "--no-color")


class CdkFailedError(Exception):
    """The CLI ended with an error; `output` is all that it printed."""

    def __init__(self, output: str) -> None:
        super().__init__(output)
        self.output = output


def find_cdk(start: Path, node: Path) -> list[str]:
    """Return the command of the CDK CLI: the project's own if there is one, else PATH's.

    Parameters
    ----------
    start
        the directory where `node_modules` is looked for, then its parents
    node
        the Node to run it on

    Raises
    ------
    LocalCloudError
        if there is none, or one that refuses the assemblies of aws-cdk-lib 2
    """
    for folder in (start, *start.parents):
        script = folder / "node_modules" / "aws-cdk" / "bin" / "cdk"
        if script.is_file():
            return _checked(script, node)
    on_path = shutil.which("cdk")
    if on_path is None:
        raise LocalCloudError(
            f"the CDK CLI must be installed (found no node_modules/aws-cdk in {start} or above it, "
            f"and no cdk on PATH): {_REMEDY}"
        )
    return _checked(Path(on_path).resolve(), node)


def _checked(script: Path, node: Path) -> list[str]:
    package = script.parent.parent / "package.json"
    try:
        described = json.loads(package.read_text("utf-8"))
    except (OSError, ValueError):
        described = {}
    # A version manager's shim is no script of the package: it is run as it is, and asked.
    ours = described.get("name") == "aws-cdk"
    command = [str(node), str(script)] if ours else [str(script)]
    version = str(described.get("version")) if ours else _ask(command)
    if not re.match(r"2\.\d", version):
        raise LocalCloudError(
            f"the CDK CLI must be version 2 (got {version or 'no answer'} from {script}); "
            f"version 3, npm's latest, refuses the assemblies of aws-cdk-lib 2: {_REMEDY}"
        )
    return command


def _ask(command: Sequence[str]) -> str:
    try:
        return subprocess.run(
            [*command, "--version"], capture_output=True, text=True, timeout=60, check=False
        ).stdout.strip()
    except (OSError, subprocess.TimeoutExpired):
        return ""


class CdkCli:
    """The CDK CLI bound to one environment.

    Parameters
    ----------
    command
        what `find_cdk` returned
    env
        the whole environment of the CLI, and through it of the app
    """

    def __init__(self, command: Sequence[str], env: Mapping[str, str]) -> None:
        self._command = list(command)
        self._env = dict(env)

    def run(self, *arguments: str, cwd: Path, on_line: Callable[[str], None] | None = None) -> str:
        """Run it to its end and return what it printed; each line is told as it comes.

        Raises
        ------
        CdkFailedError
            if it ends with an error
        """
        lines: list[str] = []
        with self._running(arguments, cwd, subprocess.PIPE) as process:
            for line in process.stdout or ():
                lines.append(line)
                if on_line is not None:
                    on_line(line.rstrip("\n"))
            code = process.wait()
        if code:
            raise CdkFailedError("".join(lines))
        return "".join(lines)

    @contextlib.contextmanager
    def background(self, *arguments: str, cwd: Path, log: Path) -> Iterator[Callable[[], None]]:
        """Run it beside what the block does, its output in a file; the block gets the call that waits for it.

        Raises
        ------
        CdkFailedError
            from that call, if it ends with an error
        """
        with log.open("wb") as output, self._running(arguments, cwd, output) as process:

            def finish() -> None:
                if process.wait():
                    raise CdkFailedError(log.read_text("utf-8", "replace"))

            yield finish

    @contextlib.contextmanager
    def _running(
        self, arguments: Sequence[str], cwd: Path, output: IO[bytes] | int
    ) -> Iterator[subprocess.Popen[str]]:
        process = None
        try:
            with uninterrupted():
                process = subprocess.Popen(
                    [*self._command, *arguments, *_QUIET],
                    cwd=cwd,
                    env=self._env,
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    encoding="utf-8",
                    errors="replace",
                    # A group of its own: the app, its interpreters and what they start end with it.
                    start_new_session=True,
                )
            yield process
        finally:
            if process is not None:
                with uninterrupted():
                    _end(process)


def _end(process: subprocess.Popen[str]) -> None:
    for number in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_STOP_S)
    if process.stdout is not None:
        process.stdout.close()
