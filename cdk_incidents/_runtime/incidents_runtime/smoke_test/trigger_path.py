"""The trigger's path: its quiet route, wired as every route is, makes the incident and resolves it."""

from __future__ import annotations

from typing import Any

from incidents_runtime.smoke_test.failures import failure
from incidents_runtime.smoke_test.proven_path import ProvenPath

# What the trigger writes when a signal joins.
_JOINED = "joined this incident"
# What it adds to each incident, so that one whose start was never answered can be found.
_STARTED_BY = "Started by route "


class TriggerPath(ProvenPath):
    """The incident carries the run's nonce, since the quiet route's title is the alarm's reason."""

    def title(self, plan: dict[str, Any]) -> str:  # noqa: ARG002 - the plan's own title is not used
        """Give the reason of the alarm."""
        return self.means.mark.title

    def is_of_this_test(self, summary: dict[str, Any]) -> bool:
        """Tell it by the identity in the title."""
        return self.means.mark.is_of_this_test(summary["title"])

    def is_of_this_run(self, summary: dict[str, Any]) -> bool:
        """Tell it by the whole title."""
        return bool(summary["title"] == self.means.mark.title)

    def missing_related_item(self, record_arn: str) -> str | None:
        """Look for the trigger's own mark and for the page of the alarm, which each signal of one brings."""
        titles = [str(item.get("title")) for item in self.records.related_items(record_arn)]
        for wanted in (_STARTED_BY, f"Alarm {self.path.canary_name}"):
            if not any(title.startswith(wanted) for title in titles):
                return wanted.strip()
        return None

    def join(self, record: dict[str, Any]) -> None:
        """Fire again: the trigger must note that a signal has joined."""

        def joined() -> str | None:
            second = next((one for one in self.of_this_run() if one["arn"] != record["arn"]), None)
            if second is not None:
                raise failure(
                    "joining",
                    expected="the second ALARM to join the open incident",
                    seen=f"a second incident, {second['arn']}",
                    remedy="look at the trigger's log for what it says of its table.",
                )
            return self.records.note(record["arn"], _JOINED)

        if self.canary.fire("ALARM", self.means.mark.title, joined) is None:
            raise self.not_seen(
                "joining",
                f"a note in the incident's timeline that a second ALARM {_JOINED},"
                f" within {self.means.timeout_s:.0f} s",
                remedy="look at the trigger's log for what it says of its table.",
            )

    def recover(self, record: dict[str, Any]) -> None:
        """Set the canary to OK: the trigger must resolve the incident."""

        def resolved() -> bool | None:
            found = self.records.get(record["arn"])
            return found is None or found["status"] == "RESOLVED" or None

        with self.means.report.step("recovery"):
            if not self.canary.fire("OK", f"{self.means.mark.title} is over", resolved):
                raise self.not_seen(
                    "recovery",
                    f"the incident to be resolved within {self.means.timeout_s:.0f} s of OK",
                    before="status OPEN; ",
                    remedy="mend what is named there.",
                )
