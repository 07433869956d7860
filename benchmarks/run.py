"""Runs every benchmark, prints a table and writes the results: `make bench`.

Times are noisy: read the ratios and the spread, not the milliseconds.
"""

from __future__ import annotations

import argparse
import json
import sys
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks import alarms, chart, function, imports, loopback, rehearsal, stacks, storm, team, trigger
from benchmarks.figures import Figure, machine, versions

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

BENCHMARKS: Mapping[str, Callable[..., list[Figure]]] = {
    "alarms": alarms.measure,
    "function": function.measure,
    "imports": imports.measure,
    "loopback": loopback.measure,
    "rehearsal": rehearsal.measure,
    "stacks": stacks.measure,
    "storm": storm.measure,
    "team": team.measure,
    "trigger": trigger.measure,
}
RESULTS = Path(__file__).with_name("results.json")


def main(arguments: list[str] | None = None) -> int:
    """Run all benchmarks or those that are named; return 1 where a bound does not hold."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.run", description=__doc__)
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help=f"which: {', '.join(BENCHMARKS)}; all by default"
    )
    parser.add_argument("--quick", action="store_true", help="small numbers, to see that it works")
    parser.add_argument(
        "--json",
        type=Path,
        metavar="FILE",
        help=f"where the results go; {RESULTS.name} beside this by default, and nowhere with --quick",
    )
    options = parser.parse_args(arguments)
    if unknown := set(options.names) - set(BENCHMARKS):
        parser.error(f"no benchmark is named {', '.join(sorted(unknown))}: there are {', '.join(BENCHMARKS)}")

    taken: dict[str, list[Figure]] = {}
    for name in options.names or BENCHMARKS:
        print(f"== {name}", flush=True)
        taken[name] = BENCHMARKS[name](quick=options.quick)
        _print(taken[name])
    # Small numbers are no results: those that the docs show stay.
    path = options.json or (None if options.quick else RESULTS)
    if path is not None:
        _write(path, taken)
    return 0 if all(figure.holds for figures in taken.values() for figure in figures) else 1


def _print(figures: list[Figure]) -> None:
    print(f"{'':72} {'min':>8} {'median':>8} {'max':>8}")
    for figure in figures:
        told = figure.as_json()
        bound = "" if figure.at_most is None else f" (at most {figure.at_most:g})"
        label = f"{figure.what}, {figure.unit}{bound}" if figure.unit else f"{figure.what}{bound}"
        row = " ".join(f"{told[name]:8g}" for name in ("min", "median", "max"))
        print(f"{label:72} {row}{'' if figure.holds else '  TOO MUCH'}", flush=True)


def _write(path: Path, taken: Mapping[str, list[Figure]]) -> None:
    """Write what was taken; what was not run this time stays as it was, with its own machine and date."""
    results = json.loads(path.read_text("utf-8")) if path.exists() else {}
    for name, figures in taken.items():
        results[name] = {
            "taken": f"{datetime.now(timezone.utc):%Y-%m-%d}",
            "machine": machine(),
            "versions": versions(),
            "figures": [figure.as_json() for figure in figures],
        }
    # In one order, however they were run, so that a diff shows figures only.
    results = {name: results[name] for name in sorted(results)}
    path.write_text(json.dumps(results, indent=2, sort_keys=False) + "\n", "utf-8")
    drawing = path.with_suffix(".svg")
    drawing.write_text(chart.svg(results), "utf-8")
    print(f"written to {path} and {drawing}")


if __name__ == "__main__":
    sys.exit(main())
