"""What this library costs against what a user would otherwise write; both sides in one run.

`make bench` prints the table. Times are noisy: read the ratios, not the milliseconds.
"""

from __future__ import annotations

import os
import platform
import statistics
import subprocess
import sys

RUNS = 9
IMPORT_BOUND_MS = 80

# Each new interpreter imports the modules of aws-cdk-lib that our public names need, then all of our names.
IMPORTS = """
import time
began = time.perf_counter()
import aws_cdk
from aws_cdk import aws_cloudwatch, aws_cloudwatch_actions, aws_dynamodb, aws_events, aws_events_targets
from aws_cdk import aws_iam, aws_lambda, aws_lambda_destinations, aws_logs, aws_sns, aws_sqs
from aws_cdk import aws_ssmincidents, custom_resources
from aws_cdk.interfaces import aws_ssmincidents
loaded = time.perf_counter()
import cdk_incidents
for name in cdk_incidents.__all__:
    getattr(cdk_incidents, name)
print((loaded - began) * 1000, (time.perf_counter() - loaded) * 1000)
"""


def import_times() -> list[tuple[float, float]]:
    """Return the milliseconds of aws-cdk-lib's imports and of ours on top, run by run, after a warm-up."""
    times = []
    for _ in range(RUNS + 1):
        command = [sys.executable, "-c", IMPORTS]
        done = subprocess.run(command, check=True, capture_output=True, text=True, env=os.environ)
        alone, ours = done.stdout.split()
        times.append((float(alone), float(ours)))
    return times[1:]


def main() -> int:
    """Print the table; return 1 where a bound does not hold."""
    print(f"{platform.platform()}, {os.cpu_count()} cores, Python {platform.python_version()}, {RUNS} runs")
    times = import_times()
    ours = [ours for _, ours in times]
    rows = {
        "import aws-cdk-lib's modules, ms": [alone for alone, _ in times],
        f"then cdk_incidents, ms (at most {IMPORT_BOUND_MS})": ours,
        "ratio": [ours / alone for alone, ours in times],
    }
    print(f"{'what':36} {'min':>8} {'median':>8} {'max':>8}")
    for label, values in rows.items():
        figures = (min(values), statistics.median(values), max(values))
        print(f"{label:36} {' '.join(f'{figure:8.3g}' for figure in figures)}")
    return 0 if statistics.median(ours) <= IMPORT_BOUND_MS else 1


if __name__ == "__main__":
    sys.exit(main())
