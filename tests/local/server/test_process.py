"""The server as a process: how it starts, refuses, and ends with nothing left."""

from __future__ import annotations

import contextlib
import io
import json
import signal
import socket
import subprocess
import sys
import zipfile
from typing import TYPE_CHECKING

import psutil
import pytest

from .conftest import Aws, wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

_CLOUDS: list[Aws] = []


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen[bytes]]]:
    """Give what starts servers, and see them gone."""
    started: list[subprocess.Popen[bytes]] = []

    def run(*options: str) -> subprocess.Popen[bytes]:
        command = [
            sys.executable,
            "-m",
            "cdk_incidents.local._server",
            "--dir",
            str(tmp_path / "cloud"),
            *options,
        ]
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=tmp_path.parent,
        )
        started.append(process)
        return process

    yield run
    for client in [client for cloud in _CLOUDS for client in cloud.clients.values()]:
        client.close()
    _CLOUDS.clear()
    for process in started:
        process.kill()
        process.communicate()


def _ready(process: subprocess.Popen[bytes]) -> Aws:
    assert process.stdout
    told = json.loads(process.stdout.readline())
    assert told["pid"] == process.pid
    _CLOUDS.append(Aws(f"http://127.0.0.1:{told['port']}"))
    return _CLOUDS[-1]


_CODE = """
import os, time
def handler(event, context):
    if "busy" in event:
        open(event["busy"], "w").close()
        time.sleep(120)
    return os.getpid()
"""


def _with_a_worker(aws: Aws) -> int:
    """Let a function start, and give the process id of its worker."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("index.py", _CODE)
    client = aws.client("lambda")
    client.create_function(
        FunctionName="f",
        Runtime="python3.13",
        Handler="index.handler",
        Role=aws.role(),
        Code={"ZipFile": archive.getvalue()},
        Timeout=150,
    )
    pid: int = json.load(client.invoke(FunctionName="f")["Payload"])
    return pid


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_server_and_its_workers(
    start: Callable[..., subprocess.Popen[bytes]], number: signal.Signals, tmp_path: Path
) -> None:
    """SIGTERM and SIGINT end it in order, with exit code 0, though a function is at work."""
    process = start()
    aws = _ready(process)
    worker, busy = _with_a_worker(aws), tmp_path / "busy"
    event = json.dumps({"busy": str(busy)})
    aws.client("lambda").invoke(FunctionName="f", InvocationType="Event", Payload=event)
    wait_until(busy.exists)
    process.send_signal(number)
    assert process.wait(15) == 0
    wait_until(lambda: not psutil.pid_exists(worker))


def test_the_end_of_stdin_ends_the_server(
    start: Callable[..., subprocess.Popen[bytes]], tmp_path: Path
) -> None:
    """Whoever holds the other end of the pipe holds its life; the directory goes with it."""
    process = start("--watch-stdin")
    worker = _with_a_worker(_ready(process))
    assert process.stdin
    process.stdin.close()
    assert process.wait(15) == 0
    process.stdin = None
    wait_until(lambda: not psutil.pid_exists(worker))
    assert not (tmp_path / "cloud").exists()


def test_the_death_of_the_parent_ends_the_server(tmp_path: Path) -> None:
    """A server whose parent was killed does not stay behind."""
    command = [sys.executable, "-m", "cdk_incidents.local._server", "--dir", str(tmp_path)]
    code = f"import subprocess; p = subprocess.Popen({command!r}, stdin=subprocess.DEVNULL); p.wait()"
    parent = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
    assert parent.stdout
    pid = json.loads(parent.stdout.readline())["pid"]
    parent.kill()
    parent.wait()
    parent.stdout.close()
    try:
        wait_until(lambda: not psutil.pid_exists(pid))
    finally:
        with contextlib.suppress(psutil.NoSuchProcess):
            psutil.Process(pid).kill()


def test_a_taken_port_is_told_in_one_line(start: Callable[..., subprocess.Popen[bytes]]) -> None:
    """The line names the port and the remedy; the exit code is 1."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        process = start("--port", port)
        out, err = process.communicate(timeout=20)
    assert process.returncode == 1
    (line,) = err.decode().splitlines()
    assert line.startswith(f"loopback AWS: port {port} cannot be used (Address already in use)")
    assert line.endswith("give another, or 0 for a free one")
    assert json.loads(out)["error"] in line


def test_it_listens_on_the_loopback_only(start: Callable[..., subprocess.Popen[bytes]]) -> None:
    """All of its sockets are bound to 127.0.0.1."""
    process = start()
    _ready(process)
    listening = [
        c.laddr.ip for c in psutil.Process(process.pid).net_connections() if c.status == psutil.CONN_LISTEN
    ]
    assert listening == ["127.0.0.1"]


def test_nothing_is_written_outside_its_directory(
    start: Callable[..., subprocess.Popen[bytes]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither the home nor the temporary directory of the host is touched."""
    for variable in ("HOME", "TMPDIR"):
        (tmp_path / variable).mkdir()
        monkeypatch.setenv(variable, str(tmp_path / variable))
    process = start()
    aws = _ready(process)
    worker = psutil.Process(_with_a_worker(aws))
    assert worker.cwd().startswith(str(tmp_path / "cloud"))
    aws.client("s3").create_bucket(Bucket="bucket")
    aws.client("s3").put_object(Bucket="bucket", Key="k", Body=b"v")
    process.terminate()
    process.wait(15)
    assert list((tmp_path / "HOME").iterdir()) == []
    assert list((tmp_path / "TMPDIR").iterdir()) == []


def test_the_hosts_settings_reach_no_function(
    start: Callable[..., subprocess.Popen[bytes]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A profile or a proxy of the host's would break boto3 inside functions."""
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    aws = _ready(start())
    monkeypatch.undo()
    worker = psutil.Process(_with_a_worker(aws)).environ()
    assert not {"AWS_PROFILE", "HTTP_PROXY"} & set(worker)
    assert worker["AWS_ENDPOINT_URL"] == aws.url


def test_it_starts_within_three_seconds(start: Callable[..., subprocess.Popen[bytes]]) -> None:
    """Of its own work: what else the machine has to do does not count."""
    process = start()
    aws = _ready(process)
    assert aws.control("GET", "health")["pid"] == process.pid
    spent = psutil.Process(process.pid).cpu_times()
    assert spent.user + spent.system < 3


def test_two_clouds_do_not_disturb_each_other(
    start: Callable[..., subprocess.Popen[bytes]], tmp_path: Path
) -> None:
    """Each has its own plans."""
    first = _ready(start())
    second = _ready(start("--dir", str(tmp_path / "other")))
    first.plan()
    plans = [
        c.client("ssm-incidents").list_response_plans()["responsePlanSummaries"] for c in (first, second)
    ]
    assert [len(found) for found in plans] == [1, 0]
