"""A way from the canary to an incident and back: the steps that each way has."""

from __future__ import annotations

from abc import ABC, abstractmethod
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from incidents_runtime.smoke_test import clock
from incidents_runtime.smoke_test.canary import Canary
from incidents_runtime.smoke_test.diagnosis import Diagnosis
from incidents_runtime.smoke_test.failures import failure, remedy_for
from incidents_runtime.smoke_test.means import CLOCKS_DIFFER, Means
from incidents_runtime.smoke_test.quiet_plan import quiet_plan
from incidents_runtime.smoke_test.records import Records, alarm_in, source_arn

if TYPE_CHECKING:
    from incidents_runtime.smoke_test.settings import Path

LEFTOVERS_ARE_YOUNGER_THAN = timedelta(days=7)
# The service writes the timeline, makes the OpsItem and forgets a record when it likes to.
SERVICE_CATCHES_UP_IN_S = 5.0


class ProvenPath(ABC):
    """One canary's way to its incident and back.

    Parameters
    ----------
    path
        Which way.
    means
        What the run works with.
    """

    suffix = ""
    """What its steps are told from the other path's by."""

    def __init__(self, path: Path, means: Means) -> None:
        self.path = path
        self.means = means
        self.canary = Canary(path.canary_name, means)
        self.opened_s = 0.0
        """How long the incident took to open."""
        self.records = Records(means.clients, path.quiet_plan_arn)
        self._diagnosis = Diagnosis(
            means.for_diagnosis, canary_name=path.canary_name, log_group=path.log_group, began=means.began
        )

    def prove(self) -> None:
        """Let the canary make an incident, check it, and remove it.

        Raises
        ------
        SmokeTestFailed
            At the first step that does not end as it should.
        """
        step = self.means.report.step
        with step(self.named("canary")):
            plan = quiet_plan(self.means.clients, self.path, self.named("canary"))
            self.canary.take()
            self.look_before()
        with step(self.named("incident")):
            record = self._open(self.title(plan))
        with step(self.named("content")):
            self._check(record, self.title(plan), plan["incidentTemplate"]["impact"])
        with step(self.named("joining")):
            self.join(record)
        self.recover(record)
        with step(self.named("removal")):
            self.canary.end()
            self._remove(record["arn"])

    def clean_up(self, reason: str) -> None:
        """Set the canary to OK, so that nothing comes after it."""
        self.canary.set("OK", reason, self.means.for_clean_up)

    def remove_leftovers(self) -> None:
        """Remove every incident of this test, with its OpsItem."""
        records = Records(self.means.for_clean_up, self.path.quiet_plan_arn)
        records.remove_each(self.means.began - LEFTOVERS_ARE_YOUNGER_THAN, self.is_of_this_test)

    def named(self, step: str) -> str:
        """Name a step of this path."""
        return f"{step}{self.suffix}"

    # --- what differs

    @abstractmethod
    def title(self, plan: dict[str, Any]) -> str:
        """Give the title that the incident must have."""

    @abstractmethod
    def is_of_this_test(self, summary: dict[str, Any]) -> bool:
        """Tell whether an incident of the plan is this test's, of whatever run."""

    @abstractmethod
    def is_of_this_run(self, summary: dict[str, Any]) -> bool:
        """Tell whether an incident of the plan, younger than the run, is this run's."""

    @abstractmethod
    def join(self, record: dict[str, Any]) -> None:
        """Let the canary go off once more: no second incident may come."""

    def look_before(self) -> None:  # noqa: B027 - most ways need none
        """Look at what is there before anything starts."""

    def recover(self, record: dict[str, Any]) -> None:  # noqa: B027 - the service resolves nothing
        """Let the way resolve the incident, where it does."""

    def missing_related_item(self, record_arn: str) -> str | None:  # noqa: ARG002 - the service brings none
        """Name a related item that is not there; None if all are."""
        return None

    # --- the steps

    def _open(self, title: str) -> dict[str, Any]:
        fired_at = clock.monotonic()

        def opened() -> dict[str, Any] | None:
            found = next(self.of_this_run(), None)
            return None if found is None else self.records.get(found["arn"])

        record = self.canary.fire("ALARM", self.means.mark.title, opened, first=self._remove_what_others_left)
        if record is None:
            raise self.not_seen(
                "incident",
                f"an incident titled {title!r} of plan {self.path.quiet_plan_name}"
                f" within {self.means.timeout_s:.0f} s",
                remedy="mend what is named there, or give it longer with SmokeTest(timeout=…).",
            )
        self.opened_s = clock.monotonic() - fired_at
        report = self.means.report
        report.record_arn = report.record_arn or record["arn"]
        if report.opened_ms is None:
            report.opened_ms = round(self.opened_s * 1000)
        return record

    def of_this_run(self) -> Any:
        """Yield the incidents that this run has opened."""
        young = self.records.since(self.means.began - CLOCKS_DIFFER)
        return (summary for summary in young if self.is_of_this_run(summary))

    def _remove_what_others_left(self) -> None:
        # Before each try, since the incident of a run that was killed may come late: while it is open, this
        # run's signals would join it.
        self.records.remove_each(
            self.means.began - LEFTOVERS_ARE_YOUNGER_THAN,
            lambda summary: self.is_of_this_test(summary) and not self.is_of_this_run(summary),
        )

    def _check(self, record: dict[str, Any], title: str, impact: int) -> None:
        report, until = self.means.report, self.means.within(SERVICE_CATCHES_UP_IN_S)
        checks: list[tuple[str, object, object]] = [
            ("title", title, record["title"]),
            ("status", "OPEN", record["status"]),
            ("impact", impact, record["impact"]),
        ]
        # No document says that the trigger's ARN becomes the record's resource.
        if source_arn(record):
            checks.append(("source's ARN", self.path.canary_arn, source_arn(record)))
        event = self.means.look_for(lambda: self.records.trigger_event(record["arn"]), until=until)
        if event is None:
            # Nor does one say when, or whether, the service writes it for an incident that a caller starts.
            report.warnings.append(
                f"no trigger event in the incident's timeline within {SERVICE_CATCHES_UP_IN_S:.0f} s;"
                " a runbook that reads the alarm from it would not find it"
            )
        else:
            checks.append(("trigger event's alarm", self.path.canary_name, alarm_in(event)))
        self.means.look_for(lambda: self.missing_related_item(record["arn"]) is None or None, until=until)
        missing = self.missing_related_item(record["arn"])
        if missing is not None:
            checks.append(("related items", f"with {missing}", "without it"))
        for field, expected, seen in checks:
            if expected != seen:
                raise failure(
                    self.named("content"),
                    expected=f"the incident's {field} to be {expected!r}",
                    seen=f"{seen!r}",
                    remedy="deploy this version of the trigger and its smoke test together.",
                )

    def _remove(self, arn: str) -> None:
        def has_its_ops_item() -> bool | None:
            return bool(self.records.ops_items(arn)) or self.records.get(arn) is None or None

        until = self.means.within(SERVICE_CATCHES_UP_IN_S)
        if not self.means.look_for(has_its_ops_item, until=until):
            self.means.report.warnings.append("the incident had no OpsItem to be removed")
        self.records.remove(arn)
        # How soon it is gone no document says.
        until = self.means.within(self.means.timeout_s)
        if not self.means.look_for(lambda: self.records.get(arn) is None or None, until=until):
            raise failure(
                self.named("removal"),
                expected=f"the incident {arn} to be gone {self.means.timeout_s:.0f} s after its deletion",
                seen="that it is still there",
                remedy="delete it, and deploy again.",
            )

    def not_seen(self, step: str, expected: str, *, remedy: str, before: str = "") -> Exception:
        """Make the failure of a step that has waited in vain, with what can be found out about why."""
        seen = f"{before}{self._diagnosis.tell()}"
        return failure(
            self.named(step), expected=expected, seen=seen, remedy=remedy_for(seen, otherwise=remedy)
        )
