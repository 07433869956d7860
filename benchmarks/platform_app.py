"""The app that `benchmarks/stacks.py` synthesises: a platform team's trigger, and the stacks of many teams.

Called with how many stacks, how many alarms in each, and the way: ``watch`` or ``line``. Tells on its last
line what that took, as JSON.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from pathlib import Path

import aws_cdk as cdk
import psutil
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_sns as sns

import cdk_incidents as incidents

_TRIGGER = "platform-incidents"
_MB = 1_000_000


class Platform(cdk.Stack):
    """The central trigger, its way out and its smoke test."""

    def __init__(self, scope: cdk.App) -> None:
        super().__init__(scope, "Platform")
        plan = incidents.ResponsePlan.from_response_plan_name(self, "Plan", "platform")
        fallback = sns.Topic(self, "Fallback", enforce_ssl=True)
        trigger = incidents.IncidentTrigger(self, "Trigger", trigger_name=_TRIGGER, fallback=fallback)
        trigger.add_route("Critical", response_plan=plan, auto_resolve=True)
        incidents.SmokeTest(self, "SmokeTest", trigger=trigger)


class Team(cdk.Stack):
    """The alarms of a team, on the route that it knows by name."""

    def __init__(self, scope: cdk.App, number: int, alarms: int, *, by_line: bool) -> None:
        super().__init__(scope, f"Team{number}")
        central = incidents.IncidentTrigger.from_trigger_attributes(
            self, "Incidents", trigger_name=_TRIGGER, routes=["Critical"]
        )
        critical = central.route("Critical")
        if by_line:
            incidents.Alarms.of(self).add(critical)
        for count in range(alarms):
            metric = cloudwatch.Metric(namespace=f"Team{number}", metric_name=f"Errors{count}")
            alarm = cloudwatch.Alarm(self, f"Errors{count}", metric=metric, threshold=1, evaluation_periods=1)
            if not by_line:
                critical.watch(alarm)


def main(stacks: int, alarms: int, way: str) -> dict[str, float]:
    """Synthesise; return what it took of time and memory, in both processes, and a template's size."""
    with tempfile.TemporaryDirectory() as directory:
        began = time.perf_counter()
        app = cdk.App(outdir=directory)
        Platform(app)
        for number in range(stacks):
            Team(app, number, alarms, by_line=way == "line")
        app.synth()
        seconds = time.perf_counter() - began
        templates = [file.read_text("utf-8") for file in Path(directory).glob("Team*.template.json")]
    wired = sum(text.count('"AlarmActions"') for text in templates)
    if wired != stacks * alarms:
        raise RuntimeError(f"every alarm must have its action (got {wired} of {stacks * alarms})")
    this = psutil.Process()
    processes = (this, *this.children(recursive=True))
    return {
        "seconds": seconds,
        "memory_mb": sum(map(_peak, processes)) / _MB,
        "template_kb": max(map(len, templates)) / 1000,
    }


def _peak(process: psutil.Process) -> int:
    """Return the most memory that a process has held; where only Linux knows, what it holds now."""
    status = Path(f"/proc/{process.pid}/status")
    if status.exists():
        lines = dict(line.split(":", 1) for line in status.read_text("utf-8").splitlines())
        return int(lines["VmHWM"].split()[0]) * 1024
    return int(process.memory_info().rss)


if __name__ == "__main__":
    print(json.dumps(main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3])))
