"""What a benchmark measured, and where: values, not one number, since times are noisy."""

from __future__ import annotations

import os
import platform
import statistics
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

import psutil

_PACKAGES = ("aws-cdk-lib", "boto3", "botocore", "ministack")


@dataclass(frozen=True)
class Figure:
    """One thing that was measured several times.

    Attributes
    ----------
    what
        what was measured
    unit
        of the values; empty for a ratio
    values
        one a run
    at_most
        what their median must not exceed; anything goes by default
    """

    what: str
    unit: str
    values: tuple[float, ...]
    at_most: float | None = None

    @property
    def median(self) -> float:
        """The value in the middle."""
        return statistics.median(self.values)

    @property
    def holds(self) -> bool:
        """Whether it keeps to its bound."""
        return self.at_most is None or self.median <= self.at_most

    def as_json(self) -> dict[str, Any]:
        """Return it as the results keep it."""
        told = {
            "what": self.what,
            "unit": self.unit,
            "median": _short(self.median),
            "min": _short(min(self.values)),
            "max": _short(max(self.values)),
            "runs": len(self.values),
        }
        return told if self.at_most is None else told | {"at_most": self.at_most}


def machine() -> dict[str, Any]:
    """Tell what the figures were taken on."""
    return {
        "system": platform.platform(),
        "processor": _processor(),
        "cores": os.cpu_count(),
        "memory_gb": round(psutil.virtual_memory().total / 2**30, 1),
    }


def versions() -> dict[str, str]:
    """Tell what they were taken with."""
    return {"python": platform.python_version(), **{name: metadata.version(name) for name in _PACKAGES}}


def _processor() -> str:
    # Linux alone says it there; elsewhere the platform's word has to do.
    information = Path("/proc/cpuinfo")
    if information.exists():
        for line in information.read_text("utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _short(value: float) -> float:
    return float(f"{value:.3g}")
