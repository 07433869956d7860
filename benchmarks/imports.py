"""What `import cdk_incidents` costs on top of the modules of aws-cdk-lib that it needs."""

from __future__ import annotations

import os
import subprocess
import sys

from benchmarks.figures import Figure

_RUNS = 9
_BOUND_MS = 40

_OURS = """
import cdk_incidents
for name in cdk_incidents.__all__:
    getattr(cdk_incidents, name)
"""

# Asked of a first interpreter: a list written by hand falls behind what our modules import.
_NEEDED = f"""{_OURS}
import sys
print(*(name for name in sys.modules if name.partition(".")[0] == "aws_cdk" and "._" not in name))
"""

# What aws-cdk-lib leaves is collected before ours begins: a walk through its heap takes as long as our
# import, and falls to whichever object happens to be the one too many.
_TIMED = f"""
import gc, importlib, sys, time
began = time.perf_counter()
for name in sys.argv[1:]:
    importlib.import_module(name)
gc.collect()
loaded = time.perf_counter()
{_OURS}
print((loaded - began) * 1000, (time.perf_counter() - loaded) * 1000)
"""


def measure(*, quick: bool) -> list[Figure]:
    """Measure both, run by run in new interpreters.

    Parameters
    ----------
    quick
        whether to show only that it works
    """
    needed = _run(_NEEDED)  # which is the warm-up too
    times = [tuple(map(float, _run(_TIMED, *needed))) for _ in range(1 if quick else _RUNS)]
    return [
        Figure("import the modules of aws-cdk-lib", "ms", tuple(theirs for theirs, _ in times)),
        Figure("then import cdk_incidents", "ms", tuple(ours for _, ours in times), at_most=_BOUND_MS),
        Figure("ours to theirs", "", tuple(ours / theirs for theirs, ours in times)),
    ]


def _run(code: str, *arguments: str) -> list[str]:
    """Run code in a new interpreter and return the words that it prints."""
    # Byte code is kept, as it is for a user: else each run would measure the compiler.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    command = [sys.executable, "-c", code, *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True, env=environment).stdout.split()
