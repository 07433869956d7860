"""The figures of the benchmarks as they were last taken: a table for each of `benchmarks/results.json`.

And the chart that `make bench` drew of them.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parents[2] / "benchmarks" / "results.json"


def write(directory: Path) -> None:
    """Write a table for each benchmark, to be included by a page."""
    folder = directory / "measured"
    folder.mkdir(exist_ok=True)
    for name, taken in json.loads(RESULTS.read_text("utf-8")).items():
        (folder / f"{name}.md").write_text(table(taken), "utf-8")
    (folder / "ratios.svg").write_text(RESULTS.with_suffix(".svg").read_text("utf-8"), "utf-8")


def table(taken: dict[str, Any]) -> str:
    """Return what one benchmark measured, and on what."""
    machine, versions = taken["machine"], taken["versions"]
    rows = [_row(figure) for figure in taken["figures"]]
    software = ", ".join(f"{name} {version}" for name, version in versions.items())
    hardware = f"{machine['processor']}, {machine['cores']} cores, {machine['memory_gb']:g} GB"
    return "\n".join(
        [
            "| | median | least and most | runs | at most |",
            "|---|---|---|---|---|",
            *rows,
            "",
            f"Taken {taken['taken']} on {hardware}, {machine['system']}, with {software}.",
            "",
        ]
    )


def _row(figure: dict[str, Any]) -> str:
    label = f"{figure['what']}, {figure['unit']}" if figure["unit"] else figure["what"]
    spread = f"{figure['min']:g} to {figure['max']:g}" if figure["runs"] > 1 else ""
    bound = f"{figure['at_most']:g}" if "at_most" in figure else ""
    return f"| {label} | {figure['median']:g} | {spread} | {figure['runs']} | {bound} |"
