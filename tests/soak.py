"""The fault campaign, all broken deployments with the CLI, then every example rehearsed with it: `make soak`.

The campaign is tests/runtime/campaign.py and prints its figures. The broken deployments are those that
`make test` makes by CloudFormation's API. Each rehearsal deploys the app to a loopback
AWS of its own, fires its alarms, watches the incidents, and takes all of it down.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
CAMPAIGN = [sys.executable, "-m", "tests.runtime.campaign"]
BROKEN = [
    *(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"),
    *("tests/loopback/test_smoke_tests.py", "tests/loopback/test_preflight.py"),
]
COMMAND = [str(Path(sys.executable).parent / "cdk-incidents"), "rehearse", "--app"]


def main() -> int:
    """Run the campaign and rehearse all examples, or only those that are named; return 1 where one failed."""
    wanted = set(sys.argv[1:])
    apps = sorted((ROOT / "examples").glob("*/app.py"))
    results: list[tuple[str, int, float]] = []
    if not wanted:
        runtime = {"PYTHONPATH": str(ROOT / "cdk_incidents" / "_runtime")}
        for title, command, more in (
            ("fault campaign", CAMPAIGN, runtime),
            ("broken deployments", BROKEN, {"CDK_INCIDENTS_TESTS_BY_CLI": "true"}),
        ):
            print(f"== {title}", flush=True)
            began = time.monotonic()
            done = subprocess.run(command, cwd=ROOT, env={**os.environ, **more}, check=False)
            results.append((title, done.returncode, time.monotonic() - began))
    for app in apps:
        name = app.parent.name
        if wanted and name not in wanted:
            continue
        print(f"== {name}", flush=True)
        began = time.monotonic()
        done = subprocess.run([*COMMAND, f"{sys.executable} {app}"], cwd=ROOT, check=False)
        results.append((name, done.returncode, time.monotonic() - began))
    print("== all of them")
    for name, code, seconds in results:
        print(f"{name:24} {'ok' if code == 0 else f'failed ({code})':12} {seconds:6.0f} s")
    if not results:
        print(f"no example is named {', '.join(sorted(wanted))}")
    return int(not results or any(code for _, code, _ in results))


if __name__ == "__main__":
    sys.exit(main())
