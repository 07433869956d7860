"""The synthetic incident of a deployment: a canary alarm must become an incident and go away again.

The canary is wired to its route as every alarm is wired to its own, so what this proves is the way that real
alarms take: the alarm's permission, alias, function, role, ledger, service, and the way back.
"""

from __future__ import annotations

import contextlib
import time
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any, TypeVar

from incidents_runtime.errors import describe
from incidents_runtime.smoke_test.clients import ONE_CALL_S, Clients
from incidents_runtime.smoke_test.diagnosis import Diagnosis
from incidents_runtime.smoke_test.findings import judge
from incidents_runtime.smoke_test.preflight import preflight
from incidents_runtime.smoke_test.records import QuietRecords, alarm_in
from incidents_runtime.telemetry import log

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

    from incidents_runtime.smoke_test.settings import Path, Settings

# CloudFormation takes 4,096 bytes in all, and CDK's provider framework adds a trace to the message.
_LONGEST_MESSAGE = 2_000
# So long before Lambda ends the function, whatever hangs: no step asks anything more, then no diagnosis,
# then not even the clean-up.
STEPS_END_S = 30.0
_DIAGNOSIS_ENDS_S = 20.0
_CLEAN_UP_ENDS_S = ONE_CALL_S + 2.0
_POLL_S = 0.25
# How long one change of state is given before the canary is fired again: it may have met a role too new.
_ONE_TRY_S = 20.0
# The service writes the timeline when it likes to.
_TIMELINE_S = 5.0
_CLOCKS_DIFFER = timedelta(seconds=60)
_LEFTOVERS_ARE_YOUNGER_THAN = timedelta(days=7)

Seen = TypeVar("Seen")


class SmokeTestFailed(Exception):  # noqa: N818 - CloudFormation shows the name to people
    """What CloudFormation shows: the step, what was expected, what was seen, what to do."""


class Run:
    """One run of the test: five steps, and the way back from any of them.

    Parameters
    ----------
    settings
        What to test.
    path
        By which way.
    clients
        What to ask.
    stack
        The stack's name, for people.
    identity
        What tells this test's incidents from another test's.
    ends_at
        When Lambda ends the function, by the monotonic clock.
    """

    def __init__(
        self, settings: Settings, path: Path, clients: Clients, *, stack: str, identity: str, ends_at: float
    ) -> None:
        self.stack = stack
        self._settings = settings
        self._path = path
        self._identity = identity
        self._steps_end_at = ends_at - STEPS_END_S
        self._clients = clients.until(self._steps_end_at)
        self._records = QuietRecords(self._clients, path.quiet_plan_arn)
        self._for_clean_up = clients.until(ends_at - _CLEAN_UP_ENDS_S)
        self._began = datetime.now(timezone.utc)
        self._diagnosis = Diagnosis(
            clients.until(ends_at - _DIAGNOSIS_ENDS_S),
            canary_name=path.canary_name,
            log_group=path.log_group,
            began=self._began,
        )
        self._steps: list[tuple[str, int]] = []
        self._warnings: list[str] = []

    def prove(self, *, nonce: str, changed: Collection[str]) -> dict[str, str]:
        """Run all steps; return the attributes of the custom resource.

        Parameters
        ----------
        nonce
            What tells this run's incident from another's.
        changed
            The names of the plans that this deployment makes or changes.
        """
        title = f"Smoke test of {self.stack} ({self._identity} {nonce})"
        try:
            with self._step("preflight"):
                self._look(changed)
            with self._step("canary"):
                plan = self._quiet_plan()
                self._remove_leftovers(self._records)
            with self._step("incident"):
                record = self._open_incident(title)
            with self._step("content"):
                self._check(record, title, plan["incidentTemplate"]["impact"])
            with self._step("recovery"):
                self._recover(record["arn"], title)
            with self._step("removal"):
                self._records.remove(record["arn"])
        except Exception as error:  # noqa: BLE001 - whatever it is, nothing may be left behind
            self.clean_up(f"{title} has failed")
            raise _shown(error) from None
        steps = ", ".join(f"{name} {ms} ms" for name, ms in self._steps)
        # Nobody was paged, since the plan engages nobody: that was the first thing to be asked.
        result = "; ".join([f"passed: {steps}", "pages 0", *self._warnings])
        log("INFO", result, incident_record_arn=record["arn"])
        return {"Result": result, "IncidentRecordArn": record["arn"]}

    def clean_up(self, reason: str) -> None:
        """Leave nothing behind: the canary at OK, no record and no OpsItem of ours. Never fails."""
        with _never_failing("the canary was not set to OK"):
            self._set_canary("OK", reason, self._for_clean_up)
        with _never_failing("what the test left was not removed"):
            self._remove_leftovers(QuietRecords(self._for_clean_up, self._path.quiet_plan_arn))

    # --- the steps

    def _look(self, changed: Collection[str]) -> None:
        """Look at what matters to people, before anything starts."""
        verdict = judge(
            preflight(self._settings, self._clients), changed=changed, severities=self._settings.severities
        )
        self._warnings += [f"warning: {finding}" for finding in verdict.warnings]
        if verdict.errors:
            raise _failure(
                "preflight",
                expected="all to be ready that this deployment has declared",
                seen="; ".join(f"{finding.id}: {finding.text}" for finding in verdict.errors),
                remedy=" ".join(dict.fromkeys(finding.remedy for finding in verdict.errors)),
            )

    def _quiet_plan(self) -> dict[str, Any]:
        """Return the plan, after a look at whom it would wake."""
        plan = dict(self._clients.incidents.get_response_plan(arn=self._path.quiet_plan_arn))
        chat_channel = plan.get("chatChannel") or {}
        wakes = {
            "engagements": plan.get("engagements"),
            # The service's word for none is {"empty": {}}.
            "chatChannel": [kind for kind in chat_channel if kind != "empty"],
            "actions": plan.get("actions"),
            "integrations": plan.get("integrations"),
            "incidentTemplate.notificationTargets": plan["incidentTemplate"].get("notificationTargets"),
        }
        loud = [name for name, value in wakes.items() if value]
        if loud:
            raise _failure(
                "canary",
                expected=f"the quiet plan {self._path.quiet_plan_name} to tell nobody and run nothing",
                seen=f"{', '.join(loud)} in it",
                remedy="leave quiet_plan out to have one made, or pass one that engages nobody.",
            )
        return plan

    def _open_incident(self, title: str) -> dict[str, Any]:
        record = self._fire("ALARM", title, lambda: self._records.titled(title, self._began - _CLOCKS_DIFFER))
        if record is None:
            raise _failure(
                "incident",
                expected=f"an incident titled {title!r} of plan {self._path.quiet_plan_name}"
                f" within {self._settings.timeout_s:.0f} s",
                seen=self._diagnosis.tell(),
                remedy="mend what is named there, or give it longer with SmokeTest(timeout=…).",
            )
        return record

    def _check(self, record: dict[str, Any], title: str, impact: int) -> None:
        trigger_arn = record.get("incidentRecordSource", {}).get("resourceArn")
        checks: list[tuple[str, object, object]] = [
            ("title", title, record["title"]),
            ("status", "OPEN", record["status"]),
            ("impact", impact, record["impact"]),
        ]
        # No document says that the trigger's ARN becomes the record's resource.
        if trigger_arn:
            checks.append(("source's ARN", self._path.canary_arn, trigger_arn))
        event = self._look_for(
            lambda: self._records.trigger_event(record["arn"]),
            until=min(time.monotonic() + _TIMELINE_S, self._last_look()),
        )
        if event is None:
            # Nor does one say when, or whether, the service writes it for an incident that a caller starts.
            self._warnings.append(
                f"warning: no trigger event in the incident's timeline within {_TIMELINE_S:.0f} s;"
                " a runbook that reads the alarm from it would not find it"
            )
        else:
            checks.append(("trigger event's alarm", self._path.canary_name, alarm_in(event)))
        for field, expected, seen in checks:
            if expected != seen:
                raise _failure(
                    "content",
                    expected=f"the incident's {field} to be {expected!r}",
                    seen=f"{seen!r}",
                    remedy="deploy this version of the trigger and its smoke test together.",
                )

    def _recover(self, record_arn: str, title: str) -> None:
        def resolved() -> bool | None:
            return self._records.get(record_arn)["status"] == "RESOLVED" or None

        if not self._fire("OK", f"{title} is over", resolved):
            raise _failure(
                "recovery",
                expected=f"the incident to be resolved within {self._settings.timeout_s:.0f} s of OK",
                seen=f"status OPEN; {self._diagnosis.tell()}",
                remedy="mend what is named there.",
            )

    def _remove_leftovers(self, records: QuietRecords) -> None:
        # A run that was killed leaves its record; the identity in the title tells whose it is.
        for summary in records.since(self._began - _LEFTOVERS_ARE_YOUNGER_THAN):
            if f"({self._identity} " in summary["title"]:
                records.remove(summary["arn"])

    # --- what they share

    def _fire(self, state: str, reason: str, look: Callable[[], Seen | None]) -> Seen | None:
        """Set the canary to a state until something is seen, None if it is not seen in time."""
        gives_up_at = min(time.monotonic() + self._settings.timeout_s, self._last_look())
        # A test that was killed may have left the canary at ALARM; an OK comes straight from there.
        by_another_state = state == "ALARM"
        while True:
            # CloudWatch acts on a change of state only, and nothing acts on this one.
            if by_another_state:
                self._set_canary("INSUFFICIENT_DATA", reason, self._clients)
            self._set_canary(state, reason, self._clients)
            by_another_state = True
            seen = self._look_for(look, until=min(time.monotonic() + _ONE_TRY_S, gives_up_at))
            if seen is not None or time.monotonic() >= gives_up_at:
                return seen

    def _look_for(self, look: Callable[[], Seen | None], *, until: float) -> Seen | None:
        while True:
            seen = look()
            if seen is not None or time.monotonic() >= until:
                return seen
            time.sleep(_POLL_S)

    def _last_look(self) -> float:
        # Early enough that the last look is not refused for want of time, and the diagnosis is made.
        return self._steps_end_at - 1

    def _set_canary(self, state: str, reason: str, clients: Clients) -> None:
        clients.cloudwatch.set_alarm_state(
            AlarmName=self._path.canary_name, StateValue=state, StateReason=reason[:1023]
        )

    @contextlib.contextmanager
    def _step(self, name: str) -> Iterator[None]:
        began = time.monotonic()
        try:
            yield
        except SmokeTestFailed:
            raise
        except Exception as error:
            raise _failure(
                name,
                expected="the step to pass",
                seen=f"{type(error).__name__}: {error}",
                remedy="mend what is named there; the log of the smoke test has the trace.",
            ) from error
        milliseconds = round((time.monotonic() - began) * 1000)
        self._steps.append((name, milliseconds))
        log("INFO", f"step {name} passed", milliseconds=milliseconds)


def _failure(step: str, *, expected: str, seen: str, remedy: str) -> SmokeTestFailed:
    return SmokeTestFailed(f"Smoke test failed at {step}: expected {expected}; saw {seen}. Remedy: {remedy}")


def _shown(error: Exception) -> SmokeTestFailed:
    message = str(error)
    log("ERROR", message)
    if len(message) > _LONGEST_MESSAGE:
        message = f"{message[:_LONGEST_MESSAGE]}…"
    return SmokeTestFailed(message)


@contextlib.contextmanager
def _never_failing(what: str) -> Iterator[None]:
    # Whatever fails here must not hide what failed before, nor block a deletion.
    try:
        yield
    except Exception as error:  # noqa: BLE001 - see above
        log("WARNING", what, reason=describe(error))
