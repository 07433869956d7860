"""What a run works with: whose it is, how long it may take, what it may ask."""

from __future__ import annotations

import dataclasses
from datetime import timedelta
from typing import TYPE_CHECKING, TypeVar

from incidents_runtime.smoke_test import clock
from incidents_runtime.smoke_test.clients import ONE_CALL_S

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from incidents_runtime.smoke_test.clients import Clients
    from incidents_runtime.smoke_test.report import Report

# So long before Lambda ends the function, whatever hangs: no step asks anything more, then no diagnosis,
# then not even the clean-up.
STEPS_END_S = 30.0
_DIAGNOSIS_ENDS_S = 20.0
_CLEAN_UP_ENDS_S = ONE_CALL_S + 2.0
_POLL_S = 0.25
_LONGEST_POLL_S = 1.0
CLOCKS_DIFFER = timedelta(seconds=60)

Seen = TypeVar("Seen")


@dataclasses.dataclass(frozen=True)
class Mark:
    """What tells a run's incidents from all others, in their titles and in the canary's reasons.

    Parameters
    ----------
    stack
        The stack's name, for people.
    identity
        Whose test it is: the same for each run of one test.
    nonce
        Which run, and which invocation of one request that comes twice.
    """

    stack: str
    identity: str
    nonce: str

    @property
    def title(self) -> str:
        """The title of the incident, which is the reason of the alarm."""
        return f"Smoke test of {self.stack} ({self.identity} {self.nonce})"

    def is_of_this_test(self, text: str) -> bool:
        """Tell whether it is this test's, of whatever run."""
        return f"({self.identity} " in text

    def is_of_another_run(self, text: str) -> bool:
        """Tell whether it is this test's, but not this run's."""
        return self.is_of_this_test(text) and f"({self.identity} {self.nonce})" not in text


@dataclasses.dataclass(frozen=True)
class Means:
    """What the parts of a run share.

    Parameters
    ----------
    mark
        Whose run it is.
    timeout_s
        How long an incident, and then its resolution, may take.
    ends_at
        When Lambda ends the function, by the monotonic clock.
    all_clients
        What to ask.
    report
        What is known so far.
    """

    mark: Mark
    timeout_s: float
    ends_at: float
    all_clients: Clients
    report: Report
    began: datetime
    """When the run began; what was before is not its own."""
    run_s: float
    """How long a run can take at most."""

    @property
    def clients(self) -> Clients:
        """What the steps ask, as patiently as an incident is waited for: a denial may pass."""
        began = self.ends_at - self.run_s
        return self.all_clients.until(self._steps_end_at, patient_until=began + self.timeout_s)

    @property
    def for_preflight(self) -> Clients:
        """What the look without side effect asks: if AWS hangs, the test itself must still be made."""
        return self.all_clients.until(clock.monotonic() + self.left_s() / 3)

    @property
    def for_diagnosis(self) -> Clients:
        """What a diagnosis asks."""
        return self.all_clients.until(self.ends_at - _DIAGNOSIS_ENDS_S)

    @property
    def for_clean_up(self) -> Clients:
        """What the clean-up asks."""
        return self.all_clients.until(self.ends_at - _CLEAN_UP_ENDS_S)

    @property
    def _steps_end_at(self) -> float:
        return self.ends_at - STEPS_END_S

    def within(self, seconds: float) -> float:
        """Tell until when to look for what should be there in so many seconds."""
        # Early enough that the last look is not refused for want of time, and the diagnosis is made.
        return min(clock.monotonic() + seconds, self._steps_end_at - 1)

    def left_s(self) -> float:
        """Tell how long the steps may still take."""
        return max(0.0, self._steps_end_at - clock.monotonic())

    @staticmethod
    def look_for(look: Callable[[], Seen | None], *, until: float) -> Seen | None:
        """Look until something is seen; None if it is not seen in time."""
        began = clock.monotonic()
        while True:
            seen = look()
            now = clock.monotonic()
            if seen is not None or now >= until:
                return seen
            # Ever less often: the account's live alarms, and other tests, need the same few calls a second.
            clock.sleep(min(max(_POLL_S, (now - began) / 8), _LONGEST_POLL_S))
