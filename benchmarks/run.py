"""What this library costs against what a user would otherwise write; both sides in turn, in one run.

`make bench` prints the table. Times are noisy: read the differences and ratios, not the seconds.
"""

from __future__ import annotations

import os
import platform
import statistics
import subprocess
import sys

RUNS = 9

# The modules of aws-cdk-lib that our public names need, and nothing of ours.
AWS_CDK_ALONE = """
import aws_cdk
from aws_cdk import aws_cloudwatch, aws_cloudwatch_actions, aws_dynamodb, aws_events, aws_events_targets
from aws_cdk import aws_iam, aws_lambda, aws_lambda_destinations, aws_logs, aws_sns, aws_sqs
from aws_cdk import aws_ssmincidents, custom_resources
from aws_cdk.interfaces import aws_ssmincidents
"""
EVERY_NAME = """
import cdk_incidents
for name in cdk_incidents.__all__:
    getattr(cdk_incidents, name)
"""
IMPORT_BOUND_MS = 80

_TIMED = "import time; began = time.perf_counter()\n{code}\nprint((time.perf_counter() - began) * 1000)"


def milliseconds(code: str) -> float:
    """Return how long a new interpreter takes for the code, its own start not counted."""
    command = [sys.executable, "-c", _TIMED.format(code=code)]
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=os.environ)
    return float(done.stdout)


def import_cost() -> tuple[list[float], list[float]]:
    """Return the times without and with us, taken in turn after a warm-up of each."""
    without, with_us = AWS_CDK_ALONE, AWS_CDK_ALONE + EVERY_NAME
    pairs = [(milliseconds(without), milliseconds(with_us)) for _ in range(RUNS + 1)][1:]
    return [pair[0] for pair in pairs], [pair[1] for pair in pairs]


def main() -> int:
    """Print the table; return 1 where a bound does not hold."""
    print(f"{platform.platform()}, {os.cpu_count()} cores, Python {platform.python_version()}, {RUNS} pairs")
    without, with_us = import_cost()
    added = [b - a for a, b in zip(without, with_us, strict=True)]
    median = statistics.median(added)
    rows = {
        "import aws-cdk-lib's modules": (without, "ms"),
        "… and cdk_incidents, every name": (with_us, "ms"),
        "added by cdk_incidents": (added, f"ms, at most {IMPORT_BOUND_MS}"),
    }
    print(f"{'what':34} {'min':>7}  {'median':>7}  {'max':>7}")
    for label, (values, unit) in rows.items():
        figures = (min(values), statistics.median(values), max(values))
        print(f"{label:34} {'  '.join(f'{figure:7.0f}' for figure in figures)}  {unit}")
    return 0 if median <= IMPORT_BOUND_MS else 1


if __name__ == "__main__":
    sys.exit(main())
