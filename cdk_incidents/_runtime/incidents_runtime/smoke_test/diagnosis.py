"""Why no incident came: what the canary's history and the trigger's own log tell."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from incidents_runtime.errors import describe
from incidents_runtime.smoke_test import clock
from incidents_runtime.smoke_test.clients import every_page
from incidents_runtime.telemetry import log

if TYPE_CHECKING:
    from incidents_runtime.smoke_test.clients import Clients

_LONGEST = 600
_LOG_COMES_IN_S = 3.0
# The heading of a trace, and what Lambda sums up after each error.
_NO_REASONS = ("Traceback", "INIT_REPORT", "REPORT")
# Its alias, by whose name the trigger's log tells it.
_QUIET_ROUTE = "smoke-test"


class Diagnosis:
    """What can be seen from outside.

    Parameters
    ----------
    clients
        What to ask.
    canary_name
        The alarm.
    log_group
        The trigger's log; empty where nothing but the service acts.
    began
        When the test began; what was before says nothing.
    """

    def __init__(self, clients: Clients, *, canary_name: str, log_group: str, began: datetime) -> None:
        self._clients = clients
        self._canary_name = canary_name
        self._log_group = log_group
        self._began = began

    def tell(self) -> str:
        """Say what went wrong, or what was looked at in vain. Never fails."""
        try:
            failed = self._failed_action()
        except Exception as error:  # noqa: BLE001 - the log may tell more
            log("WARNING", "the alarm's history could not be read", reason=describe(error))
            failed = None
        if failed:
            return f"the alarm's action fail: {_short(failed)}"
        if not self._log_group:
            return "no failed action in the alarm's history: CloudWatch has not acted, or the service not yet"
        try:
            lines = self._lines_with_an_error()
        except Exception as error:  # noqa: BLE001 - a diagnosis that fails says so
            return (
                f"nothing, since the trigger's log {self._log_group} could not be read: {_short(str(error))}"
            )
        if not lines:
            return (
                f"nothing in the trigger's log {self._log_group}: it was not invoked. Does its alias"
                f" {_QUIET_ROUTE} let lambda.alarms.cloudwatch.amazonaws.com invoke it?"
            )
        # What Lambda itself writes may be of any route; what the trigger writes names its own.
        errors = [text for text in map(_error_in, lines) if text]
        if not errors:
            return f"no error in its log {self._log_group}"
        reasons = [text for text in errors if text not in lines]
        # The last: a run that failed a moment ago has left its own.
        return f"{_short((reasons or errors)[-1])} (in the trigger's log {self._log_group})"

    def _lines_with_an_error(self) -> list[str]:
        """Read the log, again while it tells of no error: what is written is not there at once."""
        until = clock.monotonic() + _LOG_COMES_IN_S
        while True:
            lines = self._logged()
            if any(map(_error_in, lines)) or clock.monotonic() >= until:
                return lines
            clock.sleep(1)

    def _failed_action(self) -> str | None:
        history = self._clients.cloudwatch.describe_alarm_history(
            AlarmName=self._canary_name, HistoryItemType="Action", StartDate=self._began
        )
        summaries = (str(item.get("HistorySummary", "")) for item in history["AlarmHistoryItems"])
        # By its first word: a function may be called Failover.
        return next((summary for summary in summaries if summary.startswith("Failed")), None)

    def _logged(self) -> list[str]:
        pages = every_page(
            self._clients.logs.filter_log_events,
            logGroupName=self._log_group,
            startTime=int((self._began - timedelta(seconds=1)).timestamp() * 1000),
        )
        return [event["message"].strip() for page in pages for event in page["events"]]


def _error_in(line: str) -> str | None:
    """Return what a line of the trigger's log says went wrong; None where it does not."""
    try:
        entry = json.loads(line)
    except ValueError:
        # Lambda's own: an exception at import, a time-out, a crash.
        telling = any(word in line for word in ("Error", "ERROR", "timed out", "Exception"))
        return line if telling and not line.startswith(_NO_REASONS) else None
    if not isinstance(entry, dict) or entry.get("level") != "ERROR":
        return None
    if entry.get("route", _QUIET_ROUTE) != _QUIET_ROUTE:
        # A live signal's, in the same log.
        return None
    return str(entry.get("reason") or entry.get("message"))


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
