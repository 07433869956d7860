"""The smoke test's clock is the machine's."""

from __future__ import annotations

import time
from datetime import datetime, timedelta, timezone

from incidents_runtime.smoke_test import clock


def test_clock_tells_the_time() -> None:
    """With its zone; a wait is one, by the monotonic clock."""
    began = clock.monotonic()
    clock.sleep(0.01)
    assert 0.01 <= clock.monotonic() - began <= time.monotonic() - began + 1
    assert abs(clock.now() - datetime.now(timezone.utc)) < timedelta(seconds=5)
