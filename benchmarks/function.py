"""The trigger's function beside one of six lines and one on Powertools: start, memory, processor time."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import uuid
import zipfile
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.request import urlopen

from aws_cdk import Duration

from benchmarks.figures import Figure
from benchmarks.peers.aws import STARTED
from benchmarks.sides import in_turns, ratio
from cdk_incidents._route_settings import SMOKE_TEST, RouteSettings, index_of
from cdk_incidents._runtime_asset import _archive

if TYPE_CHECKING:
    from collections.abc import Iterator

_PEERS = Path(__file__).with_name("peers")
_EVENT = Path(__file__).parents[1] / "tests/events/alarm_metric.json"
_PLAN = "arn:aws:ssm-incidents::123456789012:response-plan/checkout"
_OURS, _SIX_LINES, _POWERTOOLS = "the trigger", "six lines", "Powertools"
# Of a call to a service in the own Region.
_LATENCY_MS = 5
_ROUNDS = 15
_EVENTS = 100
_KB = 1000


@dataclass(frozen=True)
class _Sample:
    start_ms: float
    peak_mb: float
    beyond_ms: float


@dataclass(frozen=True)
class _Function:
    """A function as it is deployed."""

    code: Path
    handler: str
    layer: Path
    variables: dict[str, str]

    def sample(self, address: str, events: int) -> _Sample:
        """Start it in a new interpreter, hand it an alarm, and more events for the processor time."""
        results = self.code / f"{uuid.uuid4().hex}.json"
        # Each start is the first of its alarm.
        event = _EVENT.read_text("utf-8").replace("ServerCpuTooHigh", f"ServerCpuTooHigh{results.stem[:8]}")
        command = [
            sys.executable,
            "-c",
            (_PEERS / "invoked.py").read_text("utf-8"),
            str(results),
            event,
            str(events),
        ]
        began = time.monotonic()
        subprocess.run(
            command, check=True, stdout=subprocess.DEVNULL, cwd=self.code, env=self._environment(address)
        )
        with urlopen(address + STARTED) as answer:  # noqa: S310 - our own server
            started = json.load(answer)["started"]
        told = json.loads(results.read_text("utf-8"))
        return _Sample((started - began) * 1000, told["peak_kb"] / _KB, told["beyond_s"] * 1000)

    def _environment(self, address: str) -> dict[str, str]:
        return {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": f"{self.code}{os.pathsep}{self.layer}",
            # Lambda's /var/task and /opt are read-only: no start finds what one before it has compiled.
            "PYTHONDONTWRITEBYTECODE": "1",
            "HOME": str(self.code),
            "LAMBDA_TASK_ROOT": str(self.code),
            "_HANDLER": self.handler,
            "AWS_LAMBDA_FUNCTION_NAME": "incidents",
            "AWS_REGION": "us-east-1",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE",
            "AWS_SECRET_ACCESS_KEY": "secret",
            "AWS_SESSION_TOKEN": "token",
            "AWS_ENDPOINT_URL": address,
            **self.variables,
        }


def measure(*, quick: bool) -> list[Figure]:
    """Measure the three functions in turns.

    Parameters
    ----------
    quick
        whether to show only that it works
    """
    rounds, events = (1, 3) if quick else (_ROUNDS, _EVENTS)
    with ExitStack() as stack:
        functions = _deployed(Path(stack.enter_context(tempfile.TemporaryDirectory())))
        at_once, later = (stack.enter_context(_aws(latency)) for latency in (0, _LATENCY_MS))
        starts = in_turns({name: partial(one.sample, later, 0) for name, one in functions.items()}, rounds)
        without = in_turns(
            {name: partial(one.sample, at_once, events) for name, one in functions.items()}, rounds
        )
    return [*_starts(starts, without), *_memory(starts), *_processor(without)]


@contextmanager
def _aws(latency_ms: float) -> Iterator[str]:
    """Serve the services, each answer after so long; give their address."""
    command = [sys.executable, "-m", "benchmarks.peers.aws", str(latency_ms)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        if process.stdout is None:
            raise RuntimeError("the services have no output")
        yield f"http://127.0.0.1:{int(process.stdout.readline())}"
        process.communicate()  # which ends its input, and so the services


def _deployed(directory: Path) -> dict[str, _Function]:
    """Lay the functions out as Lambda does: code in one directory, layers in another."""
    layer = directory / "opt"
    zipfile.ZipFile(BytesIO(_archive())).extractall(layer)
    trigger = directory / "trigger"
    trigger.mkdir()
    routes = (
        RouteSettings(id=route, response_plan_arn=_PLAN, auto_resolve=True, join_for=Duration.hours(12))
        for route in ("Critical", "Warning", "Health")
    )
    quiet = RouteSettings(
        id=SMOKE_TEST, response_plan_arn=f"{_PLAN}-quiet", join_for=Duration.hours(1), quiet=True
    )
    (trigger / "index.py").write_text(index_of((*routes, quiet)), "utf-8")
    queue = "https://sqs.us-east-1.amazonaws.com/123456789012"
    variables = {
        "INCIDENTS_LEDGER_TABLE": "ledger",
        "INCIDENTS_RETRY_QUEUE_URL": f"{queue}/retries",
        "INCIDENTS_DEAD_LETTER_QUEUE_URL": f"{queue}/dead-letters",
        "INCIDENTS_FALLBACK_TOPIC_ARN": "arn:aws:sns:us-east-1:123456789012:fallback",
    }
    functions = {_OURS: _Function(trigger, "index.handler", layer / "python", variables)}
    for name, file in ((_SIX_LINES, "six_lines"), (_POWERTOOLS, "powertools")):
        code = directory / file
        code.mkdir()
        shutil.copy(_PEERS / f"{file}.py", code)
        told = {"RESPONSE_PLAN_ARN": _PLAN, "TABLE": "ledger"}
        functions[name] = _Function(code, f"{file}.handler", code, told)
    return functions


def _starts(later: dict[str, list[_Sample]], at_once: dict[str, list[_Sample]]) -> list[Figure]:
    figures = []
    for samples, when in ((later, f"{_LATENCY_MS} ms a call"), (at_once, "0 ms a call")):
        times = {name: [sample.start_ms for sample in taken] for name, taken in samples.items()}
        figures += [
            Figure(f"start to StartIncident, {when}: {name}", "ms", tuple(times[name])) for name in times
        ]
        figures += [
            ratio(f"start to StartIncident, {when}, to {peer}", times[_OURS], times[peer], at_most=bound)
            for peer, bound in ((_SIX_LINES, 1.2), (_POWERTOOLS, 1.0))
        ]
    return figures


def _memory(samples: dict[str, list[_Sample]]) -> list[Figure]:
    peaks = {name: [sample.peak_mb for sample in taken] for name, taken in samples.items()}
    return [
        *(Figure(f"peak memory: {name}", "MB", tuple(peaks[name])) for name in peaks),
        ratio("peak memory, to six lines", peaks[_OURS], peaks[_SIX_LINES], at_most=1.2),
    ]


def _processor(samples: dict[str, list[_Sample]]) -> list[Figure]:
    beyond = {name: tuple(sample.beyond_ms for sample in taken) for name, taken in samples.items()}
    what = "CPU of a warm event beyond its calls"
    more = tuple(ours - theirs for ours, theirs in zip(beyond[_OURS], beyond[_SIX_LINES], strict=True))
    return [
        *(Figure(f"{what}: {name}", "ms", beyond[name]) for name in beyond),
        Figure(f"{what}, more than six lines", "ms", more, at_most=1),
    ]
