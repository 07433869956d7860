"""The canary: the alarm that only a smoke test moves, and one run of it at a time."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from incidents_runtime.errors import describe
from incidents_runtime.smoke_test import clock
from incidents_runtime.telemetry import log

if TYPE_CHECKING:
    from collections.abc import Callable

    from incidents_runtime.smoke_test.clients import Clients
    from incidents_runtime.smoke_test.means import Means, Seen

# How long one change of state is given before the canary is fired again: it may have met a role too new.
_ONE_TRY_S = 20.0
# Who else has taken the canary in the same moment is seen after it.
_SETTLES_S = 0.25
_LOOKS_AGAIN_S = 1.0
_LONGEST_REASON = 1_023


class Canary:
    """One run's hold of the canary.

    Parameters
    ----------
    name
        The alarm.
    means
        What the run works with.
    """

    def __init__(self, name: str, means: Means) -> None:
        self._name = name
        self._means = means
        self._state = "unknown"

    def take(self) -> None:
        """Wait while another run moves the canary, then say that this one does.

        Notes
        -----
        Nothing in CloudWatch is set on a condition, so whoever writes first waits a moment and looks whether
        it still stands there: of two the later has it. Another run that does not end was killed; its
        incidents are leftovers.
        """
        # Who waits for another must have the time for itself, too.
        until = self._means.within(min(self._means.timeout_s, self._means.left_s() / 3))
        while True:
            self._means.look_for(self._is_free, until=until)
            self.set("INSUFFICIENT_DATA", self._means.mark.title)
            clock.sleep(_SETTLES_S)
            if clock.monotonic() >= until or self._is_free():
                return

    def fire(
        self, state: str, reason: str, look: Callable[[], Seen | None], *, first: Callable[[], object] = tuple
    ) -> Seen | None:
        """Set the canary to a state until something is seen; None if it is not seen in time.

        Parameters
        ----------
        state, reason
            What to set it to, and why.
        look
            Returns what is to be seen, None while there is nothing.
        first
            What to do before each try. By default nothing.
        """
        gives_up_at = self._means.within(self._means.timeout_s)
        while True:
            first()
            self.change(state, reason)
            seen = self._means.look_for(look, until=min(clock.monotonic() + _ONE_TRY_S, gives_up_at))
            if seen is not None or clock.monotonic() >= gives_up_at:
                return seen

    def change(self, state: str, reason: str) -> None:
        """Set the canary to a state, by way of another one if it is there already."""
        # CloudWatch acts on a change of state only, and nothing acts on this one.
        if self._state == state:
            self.set("INSUFFICIENT_DATA", reason)
        self.set(state, reason)

    def end(self) -> None:
        """Leave the canary at OK."""
        if self._state != "OK":
            self.set("OK", f"{self._means.mark.title} is over")

    def set(self, state: str, reason: str, clients: Clients | None = None) -> None:
        """Set the canary to a state.

        Parameters
        ----------
        state, reason
            What to set it to, and why.
        clients
            What to ask. By default what the steps ask.
        """
        (clients or self._means.clients).cloudwatch.set_alarm_state(
            AlarmName=self._name, StateValue=state, StateReason=reason[:_LONGEST_REASON]
        )
        self._state = state

    def _is_free(self) -> bool | None:
        """Tell whether no other run moves the canary, None if one does: a run ends by setting it to OK."""
        try:
            found = self._means.clients.cloudwatch.describe_alarms(AlarmNames=[self._name])
        except Exception as error:  # noqa: BLE001 - not to know is no reason to wait
            log("WARNING", "nothing tells whether another run moves the canary", reason=describe(error))
            return True
        for alarm in found["MetricAlarms"]:
            age = clock.now() - alarm["StateUpdatedTimestamp"]
            alive = alarm["StateValue"] != "OK" and age < timedelta(seconds=self._means.run_s)
            if alive and self._means.mark.is_of_another_run(alarm["StateReason"]):
                log("INFO", "another run moves the canary", reason=alarm["StateReason"])
                return None
        return True
