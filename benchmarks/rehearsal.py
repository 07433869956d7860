"""The rehearsal of the quickstart, against the CDK CLI that deploys and destroys it on the same emulator."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.figures import Figure
from benchmarks.sides import in_turns, ratio
from cdk_incidents.local import LocalCloud

if TYPE_CHECKING:
    from collections.abc import Mapping

_ROUNDS = 3
_BOUND = 1.3
_HERE = Path(__file__).parents[1]
_APP = "python examples/quickstart/app.py"
_BOOTSTRAP = ("bootstrap", "aws://000000000000/us-east-1")
_DEPLOY = ("deploy", "--require-approval", "never")
_DESTROY = ("destroy", "--force")
_OURS, _TYPED, _ONCE = "rehearsal", "the plain commands", "the plain commands, the app run once"


def measure(*, quick: bool) -> list[Figure]:
    """Measure all of them from nothing to nothing, the start of the loopback AWS included.

    Parameters
    ----------
    quick
        whether to show only that it works: a bootstrap then stands for the rest, which takes a minute
    """
    if quick:
        return [Figure("a plain bootstrap", "s", (_bootstrapped(),))]
    taken = in_turns({_OURS: _rehearsed, _TYPED: _typed, _ONCE: _run_once}, _ROUNDS)
    times = [Figure(name, "s", tuple(seconds)) for name, seconds in taken.items()]
    return times + [
        ratio(f"rehearsal to {name}", taken[_OURS], taken[name], at_most=_BOUND) for name in (_TYPED, _ONCE)
    ]


def _rehearsed() -> float:
    """Rehearse as a user does: what that does besides deploying and destroying is in the time."""
    began = time.perf_counter()
    _run(sys.executable, "-m", "cdk_incidents.cli", "rehearse", "--app", _APP)
    return time.perf_counter() - began


def _typed() -> float:
    """Give the three commands as AWS's guide does; each runs the app."""
    began = time.perf_counter()
    with LocalCloud() as cloud:
        for command in (_BOOTSTRAP, _DEPLOY, _DESTROY):
            _cdk(cloud, *command, "--app", _APP, "--output", str(cloud.directory / "cdk.out"))
    return time.perf_counter() - began


def _run_once() -> float:
    """Give them as somebody does who knows that: all work on one assembly."""
    began = time.perf_counter()
    with LocalCloud() as cloud:
        assembly = str(cloud.directory / "cdk.out")
        _cdk(cloud, "synth", "--quiet", "--app", _APP, "--output", assembly)
        for command in (_BOOTSTRAP, _DEPLOY, _DESTROY):
            _cdk(cloud, *command, "--app", assembly)
    return time.perf_counter() - began


def _bootstrapped() -> float:
    began = time.perf_counter()
    with LocalCloud() as cloud:
        # From where no cdk.json names an app, which it would run.
        _cdk(cloud, *_BOOTSTRAP, cwd=cloud.directory)
    return time.perf_counter() - began


def _cdk(cloud: LocalCloud, *arguments: str, cwd: Path = _HERE) -> None:
    environment = cloud.env()
    cdk = str(_HERE / "node_modules" / "aws-cdk" / "bin" / "cdk")
    _run(environment["JSII_NODE"], cdk, *arguments, env=environment, cwd=cwd)


def _run(*command: str, env: Mapping[str, str] | None = None, cwd: Path = _HERE) -> None:
    ran = subprocess.run(command, capture_output=True, text=True, check=False, cwd=cwd, env=env)
    if ran.returncode:
        raise RuntimeError(f"{' '.join(command)} failed:\n{ran.stdout}{ran.stderr}")
