"""The examples with tests of their own, run in a copy as their owner runs them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def copy_of(name: str, directory: Path) -> Path:
    """Return a copy of an example, to be changed."""
    ignored = shutil.ignore_patterns("__pycache__", "cdk.out")
    return Path(shutil.copytree(ROOT / "examples" / name, directory / name, ignore=ignored))


def replace(source: Path, old: str, new: str) -> None:
    """Change what stands once in a file."""
    text = source.read_text()
    assert text.count(old) == 1, f"{source.name} must have {old!r} once"
    source.write_text(text.replace(old, new))


def its_tests(example: Path, *options: str) -> str:
    """Run the example's tests, all of them by default, and return what pytest says."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
    environment.pop("UPDATE", None)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", *options]
    done = subprocess.run(command, cwd=example, env=environment, capture_output=True, text=True, check=False)
    return done.stdout + done.stderr
