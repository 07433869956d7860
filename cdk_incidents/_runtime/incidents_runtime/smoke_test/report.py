"""What a run tells: the attributes of the custom resource, and the timeline in the log."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from incidents_runtime.smoke_test import clock
from incidents_runtime.smoke_test.failures import SmokeTestFailed, failure, remedy_for, shortened
from incidents_runtime.telemetry import log

if TYPE_CHECKING:
    from collections.abc import Iterator

# CloudFormation takes 4,096 bytes of an answer, names and ids included.
_LONGEST_RESULT = 1_000
_LONGEST_STEPS = 500
_LONGEST_WARNINGS = 1_400


class Report:
    """What is known of a run so far."""

    def __init__(self) -> None:
        self.record_arn = ""
        """The incident that opened, once there is one."""
        self.opened_ms: int | None = None
        """How long it took, from the ALARM."""
        self.warnings: list[str] = []
        self.paged: list[str] = []
        """Whom the plans that are fired for real have paged."""
        self.pages = 0
        self._began = clock.monotonic()
        self._steps: list[tuple[str, int]] = []

    @contextlib.contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Time a step; whatever goes wrong in it is told with its name.

        Parameters
        ----------
        name
            What people know it by.
        """
        began = clock.monotonic()
        try:
            yield
        except SmokeTestFailed:
            raise
        except Exception as error:
            seen = f"{type(error).__name__}: {error}"
            otherwise = "mend what is named there; the log of the smoke test has the steps before."
            raise failure(
                name, expected="the step to pass", seen=seen, remedy=remedy_for(seen, otherwise)
            ) from error
        milliseconds = _ms(clock.monotonic() - began)
        self._steps.append((name, milliseconds))
        log("INFO", f"step {name} passed", started_at_ms=_ms(began - self._began), milliseconds=milliseconds)

    def passed(self) -> dict[str, str]:
        """Tell that all went well."""
        paged = [f"paged for real: {', '.join(self.paged)}"] if self.paged else []
        warnings = [f"warning: {warning}" for warning in self.warnings]
        result = "; ".join([f"passed: {self._timeline()}", f"pages {self.pages}", *paged, *warnings])
        return self._answer("passed", result)

    def failed(self, why: str) -> dict[str, str]:
        """Tell what went wrong, where that does not fail the deployment."""
        return self._answer("failed", f"failed: {why}")

    def skipped(self, why: str) -> dict[str, str]:
        """Tell why nothing was tested."""
        return self._answer("skipped", f"skipped: {why}")

    def _answer(self, status: str, result: str) -> dict[str, str]:
        log("INFO" if status == "passed" else "WARNING", result, incident_record_arn=self.record_arn)
        return {
            "Result": shortened(result, _LONGEST_RESULT),
            "Status": status,
            "IncidentRecordArn": self.record_arn,
            "OpenedMs": "" if self.opened_ms is None else str(self.opened_ms),
            "Steps": self._timeline(),
            "Warnings": shortened("; ".join(self.warnings), _LONGEST_WARNINGS),
        }

    def _timeline(self) -> str:
        return shortened(", ".join(f"{name} {ms} ms" for name, ms in self._steps), _LONGEST_STEPS)


def _ms(seconds: float) -> int:
    return round(seconds * 1000)
