"""One run of the smoke test: the look without side effect, then each path, then the plans that page for real.

The canary is wired to its route as every alarm is wired to its own, so what this proves is the way that real
alarms take: the alarm's permission, alias, function, role, ledger, service, and the way back.
"""

from __future__ import annotations

import contextlib
import dataclasses
import uuid
from typing import TYPE_CHECKING

from incidents_runtime.errors import describe
from incidents_runtime.smoke_test import clock
from incidents_runtime.smoke_test.failures import SmokeTestFailed, failure
from incidents_runtime.smoke_test.findings import judge, summed_up
from incidents_runtime.smoke_test.means import Mark, Means
from incidents_runtime.smoke_test.preflight import preflight
from incidents_runtime.smoke_test.real_pages import RealPages
from incidents_runtime.smoke_test.report import Report
from incidents_runtime.smoke_test.service_path import ServicePath
from incidents_runtime.smoke_test.trigger_path import TriggerPath
from incidents_runtime.telemetry import log

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from incidents_runtime.smoke_test.clients import Clients
    from incidents_runtime.smoke_test.findings import Finding, Verdict
    from incidents_runtime.smoke_test.proven_path import ProvenPath
    from incidents_runtime.smoke_test.settings import Settings

_PATHS: dict[str, type[ProvenPath]] = {"trigger": TriggerPath, "service": ServicePath}


class Run:
    """One run of the test, and the way back from any of its steps.

    Parameters
    ----------
    settings
        What to test.
    clients
        What to ask.
    stack
        The stack's name, for people.
    identity
        What tells this test's incidents from another test's.
    request
        What asks for the run; a request that comes twice says the same.
    ends_at
        When Lambda ends the function, by the monotonic clock.
    """

    def __init__(
        self,
        settings: Settings,
        clients: Clients,
        *,
        stack: str,
        identity: str,
        request: str,
        ends_at: float,
    ) -> None:
        self.report = Report()
        # Not the request's: two invocations for one request must not take each other's incidents for theirs.
        mark = Mark(stack, identity, nonce=uuid.uuid4().hex[:12])
        self._settings = settings
        self._means = Means(
            mark,
            settings.timeout_s,
            ends_at,
            clients,
            self.report,
            began=clock.now(),
            run_s=ends_at - clock.monotonic(),
        )
        self._paths = [_PATHS[path.kind](path, self._means) for path in settings.paths]
        self._real = [RealPages(plan, self._means, request) for plan in settings.plans if plan.for_real]

    def prove(self, changed: Collection[str]) -> dict[str, str]:
        """Run all steps of a deployment's test; return the attributes of the custom resource.

        Parameters
        ----------
        changed
            The names of the plans that this deployment makes or changes.

        Raises
        ------
        SmokeTestFailed
            At the first step that fails. Nothing of the run is left behind.
        """
        with self._cleaned_up():
            with self.report.step("preflight"):
                self._look(changed)
            for path in self._paths:
                path.prove()
            for real in self._real:
                real.prove()
        return self.report.passed()

    def repeat(self) -> dict[str, str]:
        """Run the test between deployments: whatever is found fails it, and nobody is paged.

        Raises
        ------
        SmokeTestFailed
            With all that was found. No deployment stands or falls by it, and the alarm is for what has
            changed by itself.
        """
        failures: list[str] = []
        try:
            with self.report.step("preflight"):
                self._look_again()
        except SmokeTestFailed as found:
            failures.append(str(found))
        try:
            with self._cleaned_up():
                for path in self._paths:
                    path.prove()
        except SmokeTestFailed as failed:
            failures.append(str(failed))
        if failures:
            raise SmokeTestFailed(" ".join(failures))
        return self.report.passed()

    def clean_up(self, reason: str) -> None:
        """Leave nothing behind: the canaries at OK, no record and no OpsItem of ours. Never fails."""
        for path in self._paths:
            with never_failing("the canary was not set to OK"):
                path.clean_up(reason)
        ways = [
            *(path.remove_leftovers for path in self._paths),
            *(real.remove_leftovers for real in self._real),
        ]
        for remove_leftovers in ways:
            with never_failing("what the test left was not removed"):
                remove_leftovers()

    @contextlib.contextmanager
    def _cleaned_up(self) -> Iterator[None]:
        try:
            yield
        except Exception:
            self.clean_up(f"{self._means.mark.title} has failed")
            raise

    def _look(self, changed: Collection[str]) -> None:
        """Look at what matters to people, before anything starts."""
        verdict = self._verdict(self._settings, changed)
        self.report.warnings += map(str, summed_up(verdict.warnings))
        if verdict.errors:
            raise _broken(verdict.errors, "all to be ready that this deployment has declared")

    def _look_again(self) -> None:
        # What deployments bring later is there by now.
        plans = tuple(dataclasses.replace(plan, later=False) for plan in self._settings.plans)
        verdict = self._verdict(dataclasses.replace(self._settings, plans=plans), ())
        if verdict.errors or verdict.warnings:
            raise _broken((*verdict.errors, *verdict.warnings), "all to be as people need it")

    def _verdict(self, settings: Settings, changed: Collection[str]) -> Verdict:
        found = preflight(settings, self._means.for_preflight)
        for finding in found:
            # Each in full: what CloudFormation shows is summed up and cut.
            log("WARNING", "finding", id=finding.id, text=finding.text, remedy=finding.remedy)
        return judge(found, changed=changed, severities=self._settings.severities)


def _broken(findings: Sequence[Finding], expected: str) -> SmokeTestFailed:
    told = list(summed_up(findings))
    return failure(
        "preflight",
        expected=expected,
        seen="; ".join(f"{finding.id}: {finding.text}" for finding in told),
        remedy=" ".join(dict.fromkeys(finding.remedy for finding in told)),
    )


@contextlib.contextmanager
def never_failing(what: str) -> Iterator[None]:
    """Go on whatever fails: it must not hide what failed before, nor block a deletion.

    Parameters
    ----------
    what
        What the log says then.
    """
    try:
        yield
    except Exception as error:  # noqa: BLE001 - see above
        log("WARNING", what, reason=describe(error))
