"""The loopback AWS as a process of its own: started with a clean environment, stopped with all it started."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .errors import LocalCloudError
from .interrupts import uninterrupted

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .environment import Place

READY_S = 60.0
STOP_S = 5.0
_MODULE = "cdk_incidents.local._server"
_TAIL = 15


class Server:
    """One loopback AWS and the directory in which it lives.

    Parameters
    ----------
    port
        the port on 127.0.0.1; 0 takes a free one
    place
        the account and the Region to play
    node
        the Node for the emulator, which starts a literal `node`
    replication_set
        whether accounts begin with a replication set
    """

    def __init__(self, *, port: int, place: Place, node: Path, replication_set: bool = True) -> None:
        self.port: int = 0
        self._place = place
        self.directory: Path = Path()
        self._asked = port
        self._node = node
        self._replication_set = replication_set
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until it answers."""
        try:
            with uninterrupted():
                # Resolved, since macOS has its temporary directories behind a link.
                self.directory = Path(tempfile.mkdtemp(prefix="cdk-incidents-")).resolve()
                self._process = self._spawn()
            self.port = self._wait_until_ready()
        except BaseException:
            self.stop()
            raise

    def _spawn(self) -> subprocess.Popen[bytes]:
        scratch = self.directory / "server"
        scratch.mkdir()
        with (self.directory / "server.log").open("wb") as log:
            return subprocess.Popen(
                [
                    sys.executable,
                    "-m",
                    _MODULE,
                    "--port",
                    str(self._asked),
                    "--dir",
                    str(scratch),
                    "--account",
                    self._place.account,
                    "--region",
                    self._place.region,
                    "--watch-stdin",
                    *([] if self._replication_set else ["--no-replication-set"]),
                ],
                cwd=scratch,
                env=_clean_environment(scratch, self._node),
                # Held open while we live: its end tells the server that its owner is gone, however it went.
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                start_new_session=True,
            )

    def _wait_until_ready(self) -> int:
        line = self._first_line()
        try:
            answer = json.loads(line)
        except ValueError:
            answer = {}
        if "port" in answer:
            return int(answer["port"])
        if "error" in answer:
            raise LocalCloudError(f"the loopback AWS cannot start: {answer['error']}")
        raise LocalCloudError(
            f"the loopback AWS did not start within {READY_S:.0f} s; its log ends:\n{self.log_tail()}"
        )

    def _first_line(self) -> bytes:
        """Read up to the first newline, the end of the output, or the bound; never longer."""
        stream = self._running.stdout
        if stream is None:  # pragma: no cover - asked for above
            return b""
        until = time.monotonic() + READY_S
        line = b""
        while not line.endswith(b"\n") and time.monotonic() < until:
            ready, _, _ = select.select([stream], [], [], 0.1)
            if ready:
                byte = os.read(stream.fileno(), 1)
                if not byte:
                    break
                line += byte
        return line

    @property
    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            raise LocalCloudError(
                "LocalCloud must be started before it is used, and not after it was closed:"
                " with LocalCloud() as cloud: …"
            )
        return self._process

    @property
    def url(self) -> str:
        """Where it answers.

        Raises
        ------
        LocalCloudError
            if it was not started, or was closed
        """
        return f"http://127.0.0.1:{self.port}" if self._running else ""

    @property
    def running(self) -> bool:
        """Whether it was started and is alive."""
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        """The process id of the server, which leads its own session."""
        return self._running.pid

    def log_tail(self) -> str:
        """Return the last lines that the server logged."""
        with contextlib.suppress(OSError):
            text = (self.directory / "server.log").read_text("utf-8", "replace")
            return "\n".join(text.splitlines()[-_TAIL:])
        return ""

    def control(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """Ask the server something that AWS has no operation for.

        Raises
        ------
        LocalCloudError
            if it does not run, does not answer or refuses what was asked
        """
        process = self._running
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            payload = None if body is None else json.dumps(body)
            connection.request(
                method, f"/_cdk_incidents/{path}", payload, {"content-type": "application/json"}
            )
            response = connection.getresponse()
            text = response.read().decode()
        except OSError as error:
            ended = process.poll()
            said = f"does not answer ({error})" if ended is None else f"has ended (exit code {ended})"
            raise LocalCloudError(f"the loopback AWS {said}; its log ends:\n{self.log_tail()}") from None
        finally:
            connection.close()
        if response.status == http.client.INTERNAL_SERVER_ERROR:
            asked = f"{method} {path} with {payload}"
            raise LocalCloudError(f"the loopback AWS fails at {asked}; its log ends:\n{self.log_tail()}")
        answer = json.loads(text)
        if response.status >= http.client.BAD_REQUEST:
            raise LocalCloudError(str(answer["error"]))
        return answer

    def stop(self) -> None:
        """Stop the server and what it started, and remove its directory. May be called again."""
        with uninterrupted():
            if self._process is not None:
                _stop(self._process)
                self._process = None
            if self.directory != Path():
                _remove(self.directory)


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    # Its workers are in its session's group and may outlive it.
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    for stream in (process.stdin, process.stdout):
        if stream is not None:
            stream.close()


def _remove(directory: Path) -> None:
    # A worker that was just killed may still be writing: a second try finds it gone.
    for _ in range(20):
        shutil.rmtree(directory, ignore_errors=True)
        if not directory.exists():
            return
        time.sleep(0.05)


def _clean_environment(scratch: Path, node: Path) -> dict[str, str]:
    """Give the server nothing of the host's but the system's own paths: functions inherit what it has."""
    places = {"HOME": "home", "TMPDIR": "tmp", "S3_DATA_DIR": "s3", "STATE_DIR": "state"}
    for name in places.values():
        (scratch / name).mkdir()
    return {
        "PATH": os.pathsep.join([str(node.parent), os.defpath]),
        "LANG": "C.UTF-8",
        **{variable: str(scratch / name) for variable, name in places.items()},
    }
