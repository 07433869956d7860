"""What `import cdk_incidents` costs on top of the modules of aws-cdk-lib that it needs."""

from __future__ import annotations

import os
import subprocess
import sys

from benchmarks.figures import Figure

_RUNS = 9
_BOUND_MS = 80

# Each new interpreter imports the modules of aws-cdk-lib that our public names need, then all of our names.
_IMPORTS = """
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


def measure(*, quick: bool) -> list[Figure]:
    """Measure both, run by run in new interpreters, after a warm-up.

    Parameters
    ----------
    quick
        whether to show only that it works
    """
    times = [_once()] if quick else [_once() for _ in range(_RUNS + 1)][1:]
    return [
        Figure("import the modules of aws-cdk-lib", "ms", tuple(theirs for theirs, _ in times)),
        Figure("then import cdk_incidents", "ms", tuple(ours for _, ours in times), at_most=_BOUND_MS),
        Figure("ours to theirs", "", tuple(ours / theirs for theirs, ours in times)),
    ]


def _once() -> tuple[float, float]:
    command = [sys.executable, "-c", _IMPORTS]
    # Byte code is kept, as it is for a user: else each run would measure the compiler.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
    theirs, ours = done.stdout.split()
    return float(theirs), float(ours)
