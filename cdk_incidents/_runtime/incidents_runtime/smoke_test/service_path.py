"""The service's own path: CloudWatch starts the incident on the quiet plan, and nothing of ours runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from incidents_runtime.smoke_test.failures import failure
from incidents_runtime.smoke_test.means import CLOCKS_DIFFER
from incidents_runtime.smoke_test.proven_path import ProvenPath
from incidents_runtime.smoke_test.records import Records, source_arn

if TYPE_CHECKING:
    from incidents_runtime.smoke_test.means import Means
    from incidents_runtime.smoke_test.settings import Path

# Nothing tells that the service has merged an alarm with its open incident: a second one would take about as
# long as the first.
_SOONEST_S = 1.0
_LATEST_S = 10.0


class ServicePath(ProvenPath):
    """The incident has the plan's title: it is known by its source, which is a canary of this test's own."""

    suffix = " (plans)"

    def __init__(self, path: Path, means: Means) -> None:
        super().__init__(path, means)
        self._known_before: set[str] = set()
        self._alarms: dict[str, list[str]] = {}
        self._timelines = self.records

    def remove_leftovers(self) -> None:
        """Remove every incident of this test; what it takes to know them is a part of the clean-up."""
        self._timelines = Records(self.means.for_clean_up, self.path.quiet_plan_arn)
        super().remove_leftovers()

    def look_before(self) -> None:
        """Note what a run that was killed a moment ago has left: it is as young as this run's own."""
        young = self.records.since(self.means.began - CLOCKS_DIFFER)
        self._known_before = {summary["arn"] for summary in young if self.is_of_this_test(summary)}

    def title(self, plan: dict[str, Any]) -> str:
        """Give the plan's own title."""
        return str(plan["incidentTemplate"]["title"])

    def is_of_this_test(self, summary: dict[str, Any]) -> bool:
        """Tell it by the canary, which nobody else moves."""
        # No document says that the service names the alarm there; if it does not, the timeline may.
        told = source_arn(summary)
        return self.path.canary_arn in ([told] if told else self._alarms_of(summary["arn"]))

    def is_of_this_run(self, summary: dict[str, Any]) -> bool:
        """Tell it by when it was opened: the service lets nobody write a nonce into it."""
        young = summary["creationTime"] >= self.means.began - CLOCKS_DIFFER
        return self.is_of_this_test(summary) and young and summary["arn"] not in self._known_before

    def join(self, record: dict[str, Any]) -> None:
        """Fire again: the service must make no second incident for one alarm."""

        def second() -> str | None:
            others = (one["arn"] for one in self.of_this_run() if one["arn"] != record["arn"])
            return next(others, None)

        self.canary.change("ALARM", self.means.mark.title)
        would_come_in_s = min(_LATEST_S, max(_SOONEST_S, 2 * self.opened_s))
        found = self.means.look_for(second, until=self.means.within(would_come_in_s))
        if found is not None:
            raise failure(
                self.named("joining"),
                expected="the second ALARM to bring no second incident",
                seen=f"a second incident, {found}",
                remedy="the service makes one incident for an alarm and a plan: tell AWS Support.",
            )

    def _alarms_of(self, arn: str) -> list[str]:
        if arn not in self._alarms:
            found = self._timelines.alarms_of(arn)
            if found is None:
                return []
            self._alarms[arn] = found
        return self._alarms[arn]
