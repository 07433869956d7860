"""Time, asked for in one place: a test of the test need not wait."""

from __future__ import annotations

import time
from datetime import datetime, timezone


def monotonic() -> float:
    """Tell the seconds that have passed since some time."""
    return time.monotonic()


def sleep(seconds: float) -> None:
    """Wait."""
    time.sleep(seconds)


def now() -> datetime:
    """Tell the time, with its zone."""
    return datetime.now(timezone.utc)
